"""`chinwag webhooks`: what was called, why something was not, and calling again. See docs/webhooks.md."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from cyclopts import App

from chinwag import commands
from chinwag.app import opened
from chinwag.cli_log import UNSEEN, list_log, say
from chinwag.cli_run import run_to_the_end
from chinwag.delivery.guard import ForbiddenTargetError
from chinwag.delivery.request import request_of
from chinwag.delivery.signature import HEADER
from chinwag.domain.caller import Operator
from chinwag.domain.webhook import NoCall
from chinwag.domain.webhook_call import CallState, ReplayCall, WebhookCall, call_named
from chinwag.errors import ApiError
from chinwag.settings import StoreSettings
from chinwag.values import to_millisecond, to_second, without_credentials

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chinwag.domain.unit import Reader
    from chinwag.domain.webhook_call import Attempt
    from chinwag.ids import Millis

_STORE = StoreSettings()

WHAT_TO_DO = {
    NoCall.NO_HEADER: (
        "Send the header X-Twilio-Webhook-Enabled: true with the request. "
        "What a client SDK does is told without it."
    ),
    NoCall.REST_IS_NOT_ASKED: (
        "Only what a client SDK does is asked about. After the fact REST is told of, with the header."
    ),
    NoCall.NO_URL: (
        "Set PreWebhookUrl (to be asked) or PostWebhookUrl (to be told) of the service, "
        "or make a webhook of the channel."
    ),
    NoCall.NOT_IN_FILTERS: (
        "Add the event to WebhookFilters of the service: an update replaces the whole list, "
        "and without a list no event is told."
    ),
    NoCall.NOT_IN_CHANNEL_FILTERS: "Add the event to Configuration.Filters of the channel webhook.",
    NoCall.NO_TRIGGER: (
        "The words are Configuration.Triggers of the channel webhook. "
        "One of type webhook, instead of trigger, is told of every message."
    ),
    NoCall.STUDIO: "Make a channel webhook of type webhook, with the address of your own server.",
}
"""What helps, for each reason not to call."""

webhooks = App(name="webhooks", help="See what webhooks were called, and why others were not; call again.")


@webhooks.command
def log(
    *,
    service: str | None = None,
    last: int = 50,
    follow: bool = False,
    settings: StoreSettings = _STORE,
) -> int:
    """List the last calls of webhooks, and what was not called and why, oldest first.

    Args:
        service: Only those of this service.
        last: How many.
        follow: Go on with what happens from now on, until Ctrl+C.
    """
    return run_to_the_end(list_log(_Calls(), settings, service=service, last=last, follow=follow))


class _Calls:
    """The log of calls."""

    nothing = (
        "No webhook was called, and none was passed over, in {}. "
        "Is it the database of the server, and has anything happened in the service?"
    )

    async def latest(self, tx: Reader, service_sid: str | None, most: int) -> list[WebhookCall]:
        return await tx.webhook_calls.latest(service_sid, most)

    async def changed(
        self, tx: Reader, service_sid: str | None, since: Millis, most: int
    ) -> list[WebhookCall]:
        return await tx.webhook_calls.changed(service_sid, since, most)

    def line(self, call: WebhookCall, /) -> str:
        return line(call)

    def version(self, call: WebhookCall, /) -> tuple[str, str, int, int, Millis]:
        return call.sid, call.state, len(call.attempts), call.count, call.due


@webhooks.command
def show(sid: str, /, *, settings: StoreSettings = _STORE) -> int:
    """Show a call: the exact request, the text that was signed, and the answers; or why there was none.

    Args:
        sid: The call, WC….
    """

    async def run() -> None:
        async with opened(settings) as parts, parts.world.store.reading() as tx:
            call = await call_named(tx, Operator(), None, sid)
            for text in described(call):
                for part in text.split("\n"):
                    say(part)

    return run_to_the_end(run())


@webhooks.command
def replay(sid: str, /, *sids: str, settings: StoreSettings = _STORE) -> int:
    """Call again: with the same parameters and the same idempotency token, to the same address.

    Args:
        sid: The call, WC….
        sids: Further calls.
    """

    async def run() -> None:
        async with opened(settings) as parts:
            refused = False
            for one in (sid, *sids):
                try:
                    call = await commands.run(ReplayCall(sid=one), Operator(), parts.world)
                except ApiError as error:
                    print(f"chinwag: {one}: {error.detail or error.message}", file=sys.stderr)
                    refused = True
                else:
                    say(f"{one} is called again within a second, or when the server starts: {_target(call)}")
            if refused:
                raise SystemExit(1)

    return run_to_the_end(run())


def line(call: WebhookCall) -> str:
    """Return a call in one line."""
    head = f"{to_second(call.date_updated)}  {call.sid}  {call.event:<19}  {call.source:<3}"
    if call.state is CallState.SKIPPED:
        times = f", {call.count} times" if call.count > 1 else ""
        via = f" ({call.via})" if call.via else ""
        return f"{head}  not called{times}: {call.reason}{via}"
    tries = len(call.attempts)
    told = (
        f"{tries} {'try' if tries == 1 else 'tries'}, {call.attempts[-1].ms} ms" if tries else "not tried yet"
    )
    reason = f": {call.reason}" if call.reason else ""
    return f"{head}  {_target(call)}  {told}  {call.state}{reason}"


def described(call: WebhookCall) -> Iterator[str]:
    """Return everything about a call, line by line."""
    yield f"call      {call.sid}"
    yield f"event     {call.event}, {to_millisecond(call.date_created)}"
    yield f"source    {call.source}{f', {call.client}' if call.client else ''}"
    yield f"service   {call.service_sid} of account {call.account_sid}"
    if call.channel_sid is not None:
        yield f"channel   {call.channel_sid}"
    if call.via is not None:
        yield f"set by    {call.via}"
    yield f"state     {call.state}{f': {call.reason}' if call.reason else ''}"
    if call.url is None:
        yield from _why_not(call)
        return
    yield from _request(call)
    for attempt in call.attempts:
        yield from _attempt(attempt)


def _why_not(call: WebhookCall) -> Iterator[str]:
    if call.count > 1:
        yield f"times     {call.count}, the last {to_millisecond(call.date_updated)}"
    for reason, advice in WHAT_TO_DO.items():
        if reason == call.reason:
            yield f"\n{advice}"


def _request(call: WebhookCall) -> Iterator[str]:
    """Return the request of the last try, or of the first, if there was none."""
    sent = call.attempts[-1] if call.attempts else None
    try:
        request = request_of(call, sent.retry_count if sent else call.retry_count)
    except ForbiddenTargetError as error:
        yield f"\nThere is no request: {error}"
        return
    yield f"\n{'The request' if sent else 'The request, when it is sent'}\n"
    yield f"{request.method} {without_credentials(request.url)}"
    signature = {HEADER: sent.signature} if sent else {}
    for name, value in {**request.headers, **signature}.items():
        yield f"{name}: {value}"
    if request.body is not None:
        yield f"\n{request.body}"
    unseen = UNSEEN.search(request.signed_text.replace("\n", ""))
    note = " (what cannot be seen is shown as \\t, \\r, \\x1b)" if unseen else ""
    yield f"\nWhat is signed{note}\n\n{request.signed_text}"
    yield _HOW_IT_IS_SIGNED.format(call.account_sid)


_HOW_IT_IS_SIGNED = """
HMAC-SHA1 of this text, with the auth token of account {0} as the key, in base64, is X-Twilio-Signature.
If your receiver refuses it, one of these differs there:
- the key: it is the auth token of the account, not the secret of an API key, and the one of that moment;
- the URL: scheme, host, port and query as above. Behind a proxy with TLS frameworks see http or another host;
- the parameters of a POST: all of them, decoded, and none added or trimmed."""


def _attempt(attempt: Attempt) -> Iterator[str]:
    result = attempt.problem or f"status {attempt.status}"
    address = f" from {attempt.address}" if attempt.address else ""
    began = to_millisecond(attempt.date)
    yield f"\nTry {attempt.retry_count + 1}, {began}, {attempt.ms} ms: {result}{address}"
    if attempt.content_type:
        yield f"Content-Type: {attempt.content_type}"
    if attempt.answer:
        yield attempt.answer


def _target(call: WebhookCall) -> str:
    return f"{call.method} {without_credentials(call.url or '')}"
