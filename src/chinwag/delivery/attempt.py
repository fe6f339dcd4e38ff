"""One try of a call: sign, send, and say what came of it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from chinwag.delivery.guard import ForbiddenTargetError
from chinwag.delivery.http_out import Failure, HttpOut, Reply, SendError
from chinwag.delivery.request import request_of
from chinwag.delivery.signature import HEADER
from chinwag.domain.account import AccountsChanged
from chinwag.domain.webhook_call import Attempt
from chinwag.limits import WEBHOOK_SECONDS
from chinwag.values import without_credentials

if TYPE_CHECKING:
    from collections.abc import Callable

    from chinwag.domain.event import Event
    from chinwag.domain.unit import Store
    from chinwag.domain.webhook_call import WebhookCall
    from chinwag.ids import Millis

SHOWN = 2048
"""Most characters of an answer that are kept for whoever looks into it."""

BUSY = frozenset({429, 503, 504})
"""The statuses of an answer that is worth another try. Source: chat-v2 Service.post_webhook_retry_count."""

_NO_ANSWER = frozenset({Failure.TIMEOUT, Failure.CONNECT, Failure.DISCONNECTED, Failure.NAME})
"""The failures that are worth one: nobody was there, or took too long."""


class Outcome(NamedTuple):
    """What came of a try.

    Args:
        attempt: for the record.
        reply: the answer, if there is one.
        failure: why there is none.
    """

    attempt: Attempt
    reply: Reply | None
    failure: Failure | None

    @property
    def again(self) -> bool:
        """Whether another try may help."""
        return self.unanswered or (self.reply is not None and self.reply.status in BUSY)

    @property
    def unanswered(self) -> bool:
        """Whether nobody is there at all."""
        return self.failure in _NO_ANSWER


class Caller:
    """Makes calls.

    Args:
        http: sends.
        store: where accounts are.
        open_secret: returns a sealed secret in clear.
        now: the clock.
    """

    def __init__(
        self, http: HttpOut, store: Store, open_secret: Callable[[bytes], str], now: Callable[[], Millis]
    ) -> None:
        self._http = http
        self._store = store
        self._open_secret = open_secret
        self._now = now
        self._tokens: dict[str, str] = {}

    def forget(self) -> None:
        """Look auth tokens up again from now on."""
        self._tokens.clear()

    def listen(self, event: Event) -> None:
        """Listen to the broker: an auth token may have changed."""
        if isinstance(event, AccountsChanged):
            self.forget()

    async def try_once(self, call: WebhookCall, most_bytes: int) -> Outcome:
        """Make a call, and return what came of it; never raises what is the fault of others.

        Args:
            call: which.
            most_bytes: largest answer.

        Raises:
            ApiError: `UNAVAILABLE`, when the auth token cannot be read now.
        """
        retry_count = call.retry_count
        date, began = self._now(), time.perf_counter()
        try:
            request = request_of(call, retry_count)
        except ForbiddenTargetError as error:
            attempt = Attempt(
                date=date, ms=0, retry_count=retry_count, url="", signature="", problem=str(error)
            )
            return Outcome(attempt, None, Failure.FORBIDDEN)

        headers = request.signed(await self._auth_token(call.account_sid))
        reply: Reply | None = None
        failure: Failure | None = None
        problem: str | None = None
        try:
            reply = await self._http.send(
                request.method,
                request.url,
                headers=headers,
                body=None if request.body is None else request.body.encode(),
                seconds=WEBHOOK_SECONDS,
                most_bytes=most_bytes,
            )
        except SendError as error:
            failure, problem = error.failure, str(error)
        attempt = Attempt(
            date=date,
            ms=round((time.perf_counter() - began) * 1000),
            retry_count=retry_count,
            url=without_credentials(request.url),
            signature=headers[HEADER],
            address=reply.address if reply else None,
            status=reply.status if reply else None,
            content_type=shown(reply.content_type) if reply and reply.content_type else None,
            answer=shown(reply.body[: 4 * SHOWN].decode("utf-8", "replace")) if reply else None,
            problem=shown(problem) if problem else None,
        )
        return Outcome(attempt, reply, failure)

    async def _auth_token(self, account_sid: str) -> str:
        token = self._tokens.get(account_sid)
        if token is None:
            async with self._store.reading() as tx:
                account = await tx.accounts.get(account_sid)
            assert account is not None, "accounts are never removed"
            token = self._tokens[account_sid] = self._open_secret(account.sealed_auth_token)
        return token


def shown(text: str) -> str:
    """Return the beginning of what somebody else wrote as a text that every store can keep."""
    return text[:SHOWN].encode("utf-8", "replace").decode().replace("\0", "\ufffd")
