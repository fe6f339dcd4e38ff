"""A webhook receiver that takes its time over each answer.

python -m bench.receiver SECONDS
"""

from __future__ import annotations

import asyncio
import sys

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"


class Receiver(asyncio.Protocol):
    """One connection. A request is taken to be one piece: those of a webhook are small."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._write = transport.write  # type: ignore[attr-defined]

    def data_received(self, _data: bytes) -> None:
        asyncio.get_running_loop().call_later(self._seconds, self._write, ANSWER)


async def main() -> None:
    loop = asyncio.get_running_loop()
    seconds = float(sys.argv[1])
    server = await loop.create_server(lambda: Receiver(seconds), "127.0.0.1", 0)
    print(f"the receiver is listening on 127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
