"""One HTTP request that came through a socket, and its answer."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast
from urllib.parse import parse_qs, unquote

import msgspec
from msgspec import UNSET

from chinwag import commands, limits
from chinwag.domain.answer import Once
from chinwag.errors import ApiError, Kinds
from chinwag.values import Attributes

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager
    from http import HTTPStatus

    from chinwag.commands import Command
    from chinwag.domain.caller import Caller
    from chinwag.domain.unit import Reader
    from chinwag.realtime.client import Client
    from chinwag.realtime.realtime import Realtime
    from chinwag.values import Type

R = TypeVar("R")

CHAT = "/Client/v1"
"""Where the chat API begins, below the base of addresses."""

_json = msgspec.json.Decoder().decode


class Answer(NamedTuple):
    """What a request is answered with.

    Args:
        status: of HTTP.
        body: JSON; None for an empty one.
        then: what is done once the answer is on its way.
    """

    status: HTTPStatus
    body: Any = None
    then: Callable[[], Awaitable[None]] | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """A request.

    Args:
        here: the real-time side of this server.
        client: who sent it.
        names: what its path names, decoded.
        params: of its query, still encoded.
        body: its payload.
        form: whether that is form-encoded; otherwise it is JSON.
        mutation: what names this request and its repetitions, and nothing else that this client asks.
        asked: what else is the same in a repetition, besides the body.
    """

    here: Realtime
    client: Client
    names: dict[str, str]
    params: dict[str, str | list[str]] = field(default_factory=dict[str, "str | list[str]"])
    body: bytes = b""
    form: bool = False
    mutation: str | None = None
    asked: str = ""

    @property
    def caller(self) -> Caller:
        """Who asks."""
        return self.client.caller

    @property
    def service_sid(self) -> str:
        """In which service."""
        return self.client.session.service_sid

    @property
    def chat_base(self) -> str:
        """The address of the chat API, as this client reached us."""
        return self.client.base + CHAT

    def reading(self) -> AbstractAsyncContextManager[Reader]:
        """Ask the store."""
        return self.here.world.store.reading()

    async def run(self, command: Command[Caller, R]) -> R:
        """Carry out a change.

        Raises:
            ApiError: what it refuses.
        """
        return await commands.run(command, self.caller, self.here.world)

    async def create(self, command: Command[Caller, R], result: type[R]) -> R:
        """Carry out a change that makes something: under the same mutation id, once.

        Args:
            command: the change.
            result: the type of what it returns.

        Raises:
            ApiError: what it refuses; `KEY_REUSED`.
        """
        if self.mutation is None or len(self.mutation) > limits.KEY_CHARACTERS:
            return await self.run(command)
        once = Once(
            account_id=self.caller.account_id,
            key=text(f"{self.service_sid} {self.caller.identity} {self.mutation}", "X-Twilio-Mutation-Id"),
            fingerprint=hashlib.sha256(self.asked.encode() + b"\n" + self.body).digest(),
            result=result,
            keeps_ms=limits.MUTATION_KEPT_MS,
        )
        return await commands.run(command, self.caller, self.here.world, once)

    def param(self, name: str) -> str | None:
        """Return a parameter of the query, decoded, or None. Of a repeated one, the first."""
        value = self.params.get(name)
        if isinstance(value, list):
            value = value[0] if value else None
        return None if value is None else text(unquote(value), name)

    def form_field(self, name: str) -> str | None:
        """Return a field of a form-encoded body, or of a JSON one, or None.

        Raises:
            ApiError: `INVALID_BODY`.
        """
        if not self.form:
            value = self.json().get(name)
            return value if isinstance(value, str) else None
        try:
            found = parse_qs(self.body.decode(), errors="strict", max_num_fields=limits.PARAMETERS)
        except ValueError as error:
            raise ApiError(Kinds.INVALID_BODY, str(error)) from None
        return found[name][0] if name in found else None

    def json(self) -> dict[str, Any]:
        """Return the object that the body holds; no body, and `null`, hold an empty one.

        Raises:
            ApiError: `INVALID_BODY`.
        """
        try:
            found: Any = _json(self.body) if self.body else None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ApiError(Kinds.INVALID_BODY, f"the body is no JSON: {error}") from None
        if found is None:
            return {}
        if not isinstance(found, dict):
            raise ApiError(Kinds.INVALID_BODY, "the body is no JSON object")
        return cast("dict[str, Any]", found)

    def fields(self, **types: Type) -> dict[str, Any]:
        """Return those fields of the body that are named here, each as its type reads it.

        A field that is not there is left out; `null` is an empty text.

        Raises:
            ApiError: `INVALID_BODY`; what a type raises.
        """
        given = self.json()
        found: dict[str, Any] = {}
        for name, kind in types.items():
            value = given.get(name, UNSET)
            if value is not UNSET:
                found[name] = kind.read(name, _spelled(name, value, kind))
        return found


def _spelled(name: str, value: object, kind: Type) -> str:
    """Return a value of JSON as the text that types read. Attributes may come as what they are."""
    if value is None:
        return ""
    if isinstance(value, str):
        return text(value, name)
    if isinstance(kind, Attributes):
        return msgspec.json.encode(value).decode()
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise ApiError(Kinds.INVALID_PARAMETER, f"{name} is of the wrong type", name=name)


def text(value: str, name: str) -> str:
    """Return a text that every store can keep.

    Raises:
        ApiError: `INVALID_PARAMETER` for a NUL, or for what is no Unicode.
    """
    if "\0" in value or (not value.isprintable() and _is_half(value)):
        raise ApiError(Kinds.INVALID_PARAMETER, f"{name} holds what is no text", name=name)
    return value


def _is_half(value: str) -> bool:
    """Return whether a text holds half of a surrogate pair, which has no UTF-8."""
    return any("\ud800" <= character <= "\udfff" for character in value)
