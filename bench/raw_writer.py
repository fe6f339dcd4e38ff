"""The ceiling of fan-out: the least that it costs to write the same bytes to many connections.

An `asyncio.Protocol` on the same uvloop. Whoever connects and says hello is written to; whoever posts has the
bytes written to all of those, one `write` for each, and is answered. No frames, no rules, no disk.

    python -m bench.raw_writer FILE      FILE holds what is written for one message
"""

from __future__ import annotations

import asyncio
import gc
import sys
from pathlib import Path

import uvloop

HELLO = b"hello"
ANSWER = b"HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\n{}"


class Writer(asyncio.Protocol):
    """One connection.

    Args:
        message: what is written for one message.
        others: all that said hello.
    """

    def __init__(self, message: bytes, others: list[asyncio.Transport]) -> None:
        self._message = message
        self._others = others

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        if data.startswith(b"POST "):
            message = self._message
            for other in self._others:
                other.write(message)
            self._transport.write(ANSWER)
        elif data == HELLO:
            self._others.append(self._transport)

    def connection_lost(self, _exc: Exception | None) -> None:
        if self._transport in self._others:
            self._others.remove(self._transport)


async def serve(message: bytes) -> None:
    others: list[asyncio.Transport] = []
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Writer(message, others), "127.0.0.1", 0, backlog=4096)
    gc.collect()
    gc.freeze()
    port = server.sockets[0].getsockname()[1]
    print(f"The raw writer is listening on http://127.0.0.1:{port}", flush=True)
    await server.serve_forever()


def main() -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(Path(sys.argv[1]).read_bytes()))


if __name__ == "__main__":
    main()
