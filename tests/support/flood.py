"""Connections by the thousand a second that never say whose they are, from a process of its own."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections import deque
from contextlib import contextmanager
from pathlib import Path
from socket import AF_INET, SOCK_NONBLOCK, SOCK_STREAM, socket
from typing import TYPE_CHECKING

import msgspec

from support.twilsock import opening

if TYPE_CHECKING:
    from collections.abc import Iterator

HELD = 12_000
"""How many connections the flood keeps open: more than a server bears with. The oldest are closed."""

STOP_SECONDS = 30
TESTS = Path(__file__).parents[1]


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What to open: every other connection asks for a WebSocket, and the rest say nothing."""

    port: int
    rate: float
    seconds: float


class Flooded(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it.

    Args:
        opened: how many connections were opened.
        rate: how many of them in a second.
        failed: how many could not be.
    """

    opened: int
    rate: float
    failed: int


class Flood:
    """A flood that is under way."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    @property
    def goes_on(self) -> bool:
        return self._process.poll() is None

    def over(self) -> Flooded:
        """Wait for its end, with which all its connections are closed, and return what came of it."""
        out, _ = self._process.communicate(timeout=STOP_SECONDS)
        return msgspec.json.decode(out, type=Flooded)


@contextmanager
def flooding(plan: Plan) -> Iterator[Flood]:
    """Start a flood."""
    with subprocess.Popen(
        [sys.executable, "-m", "support.flood", msgspec.json.encode(plan)], cwd=TESTS, stdout=subprocess.PIPE
    ) as process:
        try:
            yield Flood(process)
        finally:
            process.kill()


def _flood(plan: Plan) -> Flooded:
    handshake = opening(f"127.0.0.1:{plan.port}")
    held: deque[socket] = deque()
    opened = failed = 0
    began = time.monotonic()
    while (passed := time.monotonic() - began) < plan.seconds:
        while opened + failed < passed * plan.rate:
            if len(held) >= HELD:
                held.popleft().close()
            connection = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK)
            held.append(connection)
            try:
                with contextlib.suppress(BlockingIOError):
                    connection.connect(("127.0.0.1", plan.port))
                if opened % 2:
                    connection.send(handshake)
            except OSError:
                failed += 1
            else:
                opened += 1
            if time.monotonic() - began > plan.seconds:
                break
        time.sleep(0.002)
    return Flooded(opened=opened, rate=opened / (time.monotonic() - began), failed=failed)


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(_flood(msgspec.json.decode(sys.argv[1], type=Plan))))
