"""The ceiling: the least that a durable answer costs on the server that Chinwag runs on.

A bare ASGI application on the same uvicorn, uvloop and httptools. It parses the same form, appends a record
to a file, waits for one `fdatasync` that it shares with whoever wrote meanwhile, as `chinwag.storage.sqlite`
shares a COMMIT, and answers the same JSON. No routes, no credentials, no rules, no log.

    python -m bench.ceiling FILE LIKE      LIKE holds a service and a message as Chinwag answers them
"""

from __future__ import annotations

import asyncio
import gc
import os
import secrets
import sys
import time
from collections import Counter, deque
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import msgspec
import uvicorn
import uvloop

from chinwag.serving import IDLE_SECONDS
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
    """What a service and a message come to when there is nothing around them.

    Args:
        journal: where both are kept.
        service: as Chinwag answers it: the answers have its fields, and so its size.
        message: likewise.
    """

    def __init__(self, journal: Journal, service: Record, message: Record) -> None:
        self._journal = journal
        self._service = service
        self._service_links = {
            name: url.removeprefix(service["url"]) for name, url in service["links"].items()
        }
        self._message = message
        self._base: str = message["url"].partition("/v2/")[0]
        self._services: dict[str, Record] = {}
        self._messages: Counter[str] = Counter()

    async def __call__(
        self,
        scope: dict[str, Any],
        receive: Callable[[], Awaitable[dict[str, Any]]],
        send: Callable[[dict[str, Any]], Awaitable[None]],
    ) -> None:
        """Answer a request."""
        path = scope["path"]
        if scope["method"] == "POST":
            fields = dict(parse_qsl((await _body(receive)).decode(), keep_blank_values=True))
            make = self._make_message if path.endswith("/Messages") else self._make_service
            status, body = 201, msgspec.json.encode(make(path, fields))
            await self._journal.append(body + b"\n")
        else:
            status, body = 200, msgspec.json.encode(self._services[path.rpartition("/")[2]])
        headers = [
            (b"content-type", b"application/json; charset=utf-8"),
            (b"content-length", str(len(body)).encode()),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _make_service(self, path: str, fields: dict[str, str]) -> Record:
        sid = f"IS{secrets.token_hex(16)}"
        url = f"{self._base}{path}/{sid}"
        now = _now()
        service = {
            **self._service,
            "sid": sid,
            "friendly_name": fields["FriendlyName"],
            "date_created": now,
            "date_updated": now,
            "url": url,
            "links": {name: url + suffix for name, suffix in self._service_links.items()},
        }
        self._services[sid] = service
        return service

    def _make_message(self, path: str, fields: dict[str, str]) -> Record:
        sid = f"IM{secrets.token_hex(16)}"
        _, _, _, service_sid, _, channel_sid, _ = path.split("/")
        index = self._messages[path]
        self._messages[path] = index + 1
        now = _now()
        return {
            **self._message,
            "sid": sid,
            "service_sid": service_sid,
            "channel_sid": channel_sid,
            "to": channel_sid,
            "from": fields["From"],
            "body": fields["Body"],
            "attributes": fields["Attributes"],
            "index": index,
            "date_created": now,
            "date_updated": now,
            "url": f"{self._base}{path}/{sid}",
        }


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


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
    service, message = msgspec.json.decode(like.read_bytes())
    config = uvicorn.Config(
        Ceiling(Journal(journal), service, message),  # type: ignore[arg-type]
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
