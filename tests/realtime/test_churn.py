"""Everybody has every message once, in order, whoever comes and goes: the short form of `support.churn`."""

from __future__ import annotations

import dataclasses

import pytest

from support.churn import Plan, churn

SHORT = Plan(clients=20, seconds=3.0, messages=300)


@pytest.mark.parametrize("kill_server", [False, True], ids=["clients come and go", "the server is killed"])
async def test_every_client_holds_every_message_once(database: str, kill_server: bool) -> None:
    report = await churn(database, dataclasses.replace(SHORT, kill_server=kill_server))

    assert report.clean, str(report)
    assert report.acknowledged == SHORT.messages
    assert report.reconnects > 0
    assert report.held > 0
