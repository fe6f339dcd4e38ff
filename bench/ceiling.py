"""The ceiling: the least that a durable answer costs on the server that Chinwag runs on.

A bare ASGI application on the same uvicorn, uvloop and httptools. It parses the same form, appends a record
to a file, waits for one `fdatasync` that it shares with whoever wrote meanwhile, as `chinwag.storage.sqlite`
shares a COMMIT, and answers the same JSON. No routes, no credentials, no rules, no log.

    python -m bench.ceiling FILE BODY      BODY holds a service as Chinwag answers it, to answer alike
"""

from __future__ import annotations

import asyncio
import gc
import os
import secrets
import sys
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import msgspec
import uvicorn
import uvloop

from chinwag.app import IDLE_SECONDS
from chinwag.storage.sqlite import BATCH_CHANGES

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

Record = dict[str, Any]


class Journal:
    """A file that grows; many writers share one `fdatasync`."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._waiting: deque[tuple[bytes, asyncio.Future[None]]] = deque()
        self._writer: asyncio.Task[None] | None = None
        self._syncer = ThreadPoolExecutor(1)

    async def append(self, record: bytes) -> None:
        """Return once the record is on the disk."""
        durable = asyncio.get_running_loop().create_future()
        self._waiting.append((record, durable))
        if self._writer is None:
            self._writer = asyncio.create_task(self._write_batches())
        await durable

    async def _write_batches(self) -> None:
        try:
            while self._waiting:
                await self._write_batch()
        finally:
            self._writer = None

    async def _write_batch(self) -> None:
        batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), BATCH_CHANGES))]
        os.write(self._file, b"".join(record for record, _ in batch))
        await asyncio.get_running_loop().run_in_executor(self._syncer, os.fdatasync, self._file)
        for _, durable in batch:
            durable.set_result(None)


class Ceiling:
    """`POST /v1/Services` and `GET /v1/Services/{sid}`, with nothing around them.

    Args:
        journal: where services are kept.
        like: a service as Chinwag answers it: the answers have its fields, and so its size.
    """

    def __init__(self, journal: Journal, like: Record) -> None:
        self._journal = journal
        self._like = like
        self._base: str = like["url"].removesuffix(like["sid"])
        self._suffixes = {name: url.removeprefix(like["url"]) for name, url in like["links"].items()}
        self._services: dict[str, Record] = {}

    async def __call__(
        self,
        scope: dict[str, Any],
        receive: Callable[[], Awaitable[dict[str, Any]]],
        send: Callable[[dict[str, Any]], Awaitable[None]],
    ) -> None:
        """Answer a request."""
        if scope["method"] == "POST":
            status, body = 201, await self._create(await _body(receive))
        else:
            status, body = 200, msgspec.json.encode(self._services[scope["path"].rpartition("/")[2]])
        headers = [
            (b"content-type", b"application/json; charset=utf-8"),
            (b"content-length", str(len(body)).encode()),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _create(self, form: bytes) -> bytes:
        fields = dict(parse_qsl(form.decode(), keep_blank_values=True))
        sid = f"IS{secrets.token_hex(16)}"
        url = self._base + sid
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        service = {
            **self._like,
            "sid": sid,
            "friendly_name": fields["FriendlyName"],
            "date_created": now,
            "date_updated": now,
            "url": url,
            "links": {name: url + suffix for name, suffix in self._suffixes.items()},
        }
        body = msgspec.json.encode(service)
        await self._journal.append(body + b"\n")
        self._services[sid] = service
        return body


async def _body(receive: Callable[[], Awaitable[dict[str, Any]]]) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += message["body"]
        if not message["more_body"]:
            return body


class Server(uvicorn.Server):
    """uvicorn's server, which says when it is ready."""

    async def startup(self, sockets: Any = None) -> None:  # noqa: ANN401
        await super().startup(sockets)
        gc.collect()
        gc.freeze()
        port = self.servers[0].sockets[0].getsockname()[1]
        print(f"The ceiling is listening on http://127.0.0.1:{port}", flush=True)


def main() -> None:
    journal, like = (Path(argument) for argument in sys.argv[1:])
    config = uvicorn.Config(
        Ceiling(Journal(journal), msgspec.json.decode(like.read_bytes())),  # type: ignore[arg-type]
        host="127.0.0.1",
        port=0,
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=IDLE_SECONDS,
    )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(Server(config).serve())


if __name__ == "__main__":
    main()
