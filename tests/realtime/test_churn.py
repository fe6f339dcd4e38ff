"""Everybody has every message once, in order, whoever comes and goes: the short form of `support.churn`."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from support.churn import Plan, Report, churn

if TYPE_CHECKING:
    from support.torture import Did

SHORT = Plan(clients=20, seconds=3.0, messages=300)
LONG = Plan(clients=200, seconds=60.0, messages=10_000)
LARGE = Plan(clients=1000, seconds=60.0, messages=10_000)


@pytest.mark.check(7)
async def test_every_client_holds_every_message_once(database: str, full_length: bool, did: Did) -> None:
    await held_by_all(database, LONG if full_length else SHORT, did)


@pytest.mark.check(1, 7)
async def test_every_client_holds_every_message_once_however_often_the_server_is_killed(
    database: str, full_length: bool, did: Did
) -> None:
    plan = dataclasses.replace(LONG if full_length else SHORT, kill_server=True)

    report = await held_by_all(database, plan, did)

    assert report.kills > 0


@pytest.mark.check(7)
@pytest.mark.clock
async def test_every_one_of_a_thousand_clients_holds_every_message_once(database: str, did: Did) -> None:
    await held_by_all(database, LARGE, did)


async def held_by_all(database: str, plan: Plan, did: Did) -> Report:
    """Let clients come and go while others write, and see that each has everything once, in order."""
    report = await churn(database, plan)

    did(f"{plan.clients} clients, {report.reconnects:,} reconnections, {report.kills} kills")
    did(
        f"{report.acknowledged:,} messages acknowledged, {report.held:,} held by clients: "
        f"{report.lost} lost, {report.doubled} doubled, {report.disordered} out of order"
    )
    assert report.clean, str(report)
    assert report.acknowledged == plan.messages
    assert report.reconnects > 0
    assert report.held > 0
    return report
