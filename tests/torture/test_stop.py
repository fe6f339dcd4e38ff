"""A server that is told to stop, or restarted, while messages are posted and clients are connected."""

from __future__ import annotations

import asyncio
import signal
import time
from typing import TYPE_CHECKING

import pytest

from support.churn import KEY_SECRET, KEY_SID
from support.kill import ACCOUNT_SID, serving
from support.load_of_messages import Load, a_load
from support.sdk_client import SdkClient, access_token

if TYPE_CHECKING:
    from support.sdk_client import Connection
    from support.torture import Did

STOP_SECONDS = 10
"""Longest time that a server may take to stop; the promise of docs/operations.md."""

CLIENTS = 20
KEY = {"CHINWAG_API_KEY_SID": KEY_SID, "CHINWAG_API_KEY_SECRET": KEY_SECRET}


@pytest.fixture
def rounds(full_length: bool) -> int:
    return 20 if full_length else 1


@pytest.mark.check(34)
async def test_a_server_that_is_told_to_stop_answers_for_all_that_it_did(
    database: str, rounds: int, did: Did
) -> None:
    slowest = 0.0
    unanswered: set[str] = set()
    wrong: list[str] = []
    acknowledged = 0

    for _ in range(rounds):
        async with serving(database, KEY) as (base, server), a_load(base) as load:
            connections = [await a_client(load, number) for number in range(CLIENTS)]
            async with load.writing():
                await load.more(100)
                began = time.monotonic()
                server.send_signal(signal.SIGTERM)
                async with asyncio.timeout(STOP_SECONDS):
                    assert await server.wait() == 0
                    await asyncio.gather(*(connection.closed() for connection in connections))
                slowest = max(slowest, time.monotonic() - began)
            assert {connection.close_code for connection in connections} == {1012}
            async with serving(database) as (load.base, _):
                wrong += await load.wrong()
                unanswered |= await there(load) - load.acknowledged.keys()
            assert load.refused.keys() <= {503}
            acknowledged += len(load.acknowledged)

    did(f"{rounds} stops under 16 writers and {CLIENTS} clients, the slowest in {slowest:.1f} s")
    did(f"{acknowledged:,} acknowledged, {len(wrong)} lost; {len(unanswered)} done and not answered")
    assert wrong == []
    assert unanswered == set()


async def a_client(load: Load, number: int) -> Connection:
    """Let somebody in, and return the socket."""
    token = access_token(
        f"person-{number}",
        account_sid=ACCOUNT_SID,
        key_sid=KEY_SID,
        secret=KEY_SECRET,
        service_sid=load.channels[0].split("/")[3],
    )
    client = SdkClient(load.base, token)
    await client.connect()
    assert client.connection is not None
    return client.connection


async def there(load: Load) -> set[str]:
    """Return the SIDs of all messages."""
    return {message["sid"] for channel in load.channels for message in await load.messages(channel)}
