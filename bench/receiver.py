"""A webhook, or a provider of push notifications, that takes its time over each answer.

python -m bench.receiver SECONDS ANSWER
"""

from __future__ import annotations

import asyncio
import sys


class Receiver(asyncio.Protocol):
    """One connection. A request counts when its head and, as it says, its body are there."""

    def __init__(self, seconds: float, answer: bytes) -> None:
        self._seconds = seconds
        self._answer = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(answer), answer)
        self._came = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._write = transport.write  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        self._came += data
        head, found, body = self._came.partition(b"\r\n\r\n")
        if found and len(body) >= _length(head):
            self._came = b""
            asyncio.get_running_loop().call_later(self._seconds, self._write, self._answer)


def _length(head: bytes) -> int:
    """Return how long the body is that a head announces."""
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return int(lengths[0].partition(b":")[2]) if lengths else 0


async def main() -> None:
    loop = asyncio.get_running_loop()
    seconds, answer = float(sys.argv[1]), sys.argv[2].encode()
    server = await loop.create_server(lambda: Receiver(seconds, answer), "127.0.0.1", 0)
    print(f"the receiver is listening on 127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
