"""An application that receives webhooks, with the vendor's validator: `python receiver.py [--port N]`.

Its webhook is every path under /hook. It answers as it was told at /control/plan, and tells at
/control/received what came. `receiver.mjs` does the same in Node; `tests/support/receiver.py` starts either,
and says what a rule of the plan may hold.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from dataclasses import dataclass
from urllib.parse import parse_qs

from aiohttp import web
from twilio.request_validator import RequestValidator

VALIDATOR = RequestValidator(os.environ["AUTH_TOKEN"])
LENIENT = os.environ.get("RECEIVER_LENIENT") == "1"


@dataclass
class Record:
    """A request. `answered` is the status, once there is one; `at` is in milliseconds since 1970."""

    method: str
    url: str
    headers: dict[str, str]
    body: str
    valid: bool
    at: int
    answered: int | None = None

    @property
    def params(self):
        text = self.url.partition("?")[2] if self.method == "GET" else self.body
        return parse_qs(text, keep_blank_values=True)

    def falls_under(self, rule):
        return self.url.startswith(rule.get("path", "")) and all(
            value in self.params.get(name, ()) for name, value in rule.get("match", {}).items()
        )


received: list[Record] = []
tokens: set[str] = set()
plan: list[dict] = []

routes = web.RouteTableDef()


@routes.route("*", "/hook{rest:(/.*)?}")
async def hook(request):
    record = await remembered(request)
    if record.valid or LENIENT:
        return await answer(request, record)
    record.answered = 403
    return web.Response(status=403, text="The signature is not valid.")


@routes.post("/control/plan")
async def replace_plan(request):
    plan[:] = await request.json()
    return web.Response(status=204)


@routes.get("/control/received")
async def list_received(request):
    return web.json_response([{**vars(record), "params": record.params} for record in received])


@routes.delete("/control/received")
async def forget_received(request):
    received.clear()
    tokens.clear()
    return web.Response(status=204)


@routes.get("/control/count")
async def count_received(request):
    return web.json_response({"count": len(received), "ids": len(tokens)})


async def remembered(request):
    record = Record(
        method=request.method,
        url=request.raw_path,
        headers={name.lower(): value for name, value in request.headers.items()},
        body=await request.text(),
        valid=await is_genuine(request),
        at=time.time_ns() // 1_000_000,
    )
    received.append(record)
    if token := request.headers.get("I-Twilio-Idempotency-Token"):
        tokens.add(token)
    return record


async def is_genuine(request):
    # `request.url` would be as yarl writes it; what was signed is the address as it was sent.
    url = f"{request.scheme}://{request.host}{request.raw_path}"
    return VALIDATOR.validate(url, await request.post(), request.headers.get("X-Twilio-Signature", ""))


async def answer(request, record):
    rule = rule_for(record)
    await asyncio.sleep(rule.get("delay", 0))
    if rule.get("drop"):
        request.transport.abort()
    if rule.get("drop") or rule.get("hang"):
        await asyncio.Event().wait()

    record.answered = rule.get("status", 200)
    return web.Response(
        status=record.answered,
        text="x" * rule["size"] if "size" in rule else rule.get("body", ""),
        headers={"Content-Type": rule.get("type", "application/json"), **rule.get("headers", {})},
    )


def rule_for(record):
    """Return the first rule that this request is a case of, and that is not used up."""
    for rule in plan:
        used = rule.get("used", 0)
        if used < rule.get("times", used + 1) and record.falls_under(rule):
            rule["used"] = used + 1
            return rule
    return {}


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    port = parser.parse_args().port

    app = web.Application()
    app.add_routes(routes)
    # A request whose sender has gone away is not waited upon, and so never answered.
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    sys.stdout.write(f"listening on http://127.0.0.1:{runner.addresses[0][1]}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
