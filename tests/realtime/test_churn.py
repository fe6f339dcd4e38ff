"""Everybody has every message once, in order, whoever comes and goes: the short form of `support.churn`."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from support.churn import Plan, churn

if TYPE_CHECKING:
    from support.torture import Did

SHORT = Plan(clients=20, seconds=3.0, messages=300)
LONG = Plan(clients=200, seconds=60.0, messages=10_000)


@pytest.mark.check(1, 7)
@pytest.mark.parametrize("kill_server", [False, True], ids=["clients come and go", "the server is killed"])
async def test_every_client_holds_every_message_once(
    database: str, kill_server: bool, full_length: bool, did: Did
) -> None:
    plan = LONG if full_length else SHORT

    report = await churn(database, dataclasses.replace(plan, kill_server=kill_server))

    did(f"{plan.clients} clients, {report.reconnects:,} reconnections, {report.kills} kills")
    did(
        f"{report.acknowledged:,} messages acknowledged, {report.held:,} held by clients: "
        f"{report.lost} lost, {report.doubled} doubled, {report.disordered} out of order"
    )
    assert report.clean, str(report)
    assert report.acknowledged == plan.messages
    assert report.reconnects > 0
    assert report.held > 0
