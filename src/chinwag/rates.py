"""How often something may be done: requests of accounts, changes in services and in channels.

All of it is what an operator sets, while `limits` has what the original documents. Why this is no library:
docs/decisions/0012-rates-and-guesses.md.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from typing import TYPE_CHECKING

from chinwag.domain.caller import Caller
from chinwag.domain.service import DeleteService, UpdateService
from chinwag.errors import ApiError, Kinds
from chinwag.ids import parse_sid

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from chinwag.domain.unit import Store
    from chinwag.errors import Kind

MEMORY = 50_000
"""Most keys of a rate that are remembered; the one that was not used for longest goes first."""


class Rate:
    """How often each of many keys may do something.

    All that is kept of a key is the moment until which what it did would have lasted, had it gone evenly: the
    *generic cell rate algorithm*. A key whose moment has passed is as good as new, and is forgotten.

    Args:
        per_second: how often, in the long run.
        at_once: how often without a pause.
        now: a clock that never goes back, in seconds.
    """

    def __init__(self, per_second: float, at_once: int, now: Callable[[], float]) -> None:
        self._gap = 1 / per_second
        # Half a gap more than it says: adding fractions is not exact, and the last one shall not be late.
        self._slack = (at_once - 0.5) * self._gap
        self._now = now
        self._until: OrderedDict[Hashable, float] = OrderedDict()

    @property
    def remembered(self) -> int:
        """How many keys are remembered."""
        return len(self._until)

    def wait(self, key: Hashable) -> float:
        """Return after how many seconds a key may do it once more; 0 is now."""
        until = self._until.get(key)
        return 0.0 if until is None else max(0.0, until - self._slack - self._now())

    def count(self, key: Hashable) -> None:
        """Note that a key does it, whether it may or not."""
        now = self._now()
        self._until[key] = max(self._until.get(key, now), now) + self._gap
        self._until.move_to_end(key)
        for _ in range(2):  # more than come, so that those that are as good as new do not gather
            oldest, until = next(iter(self._until.items()))
            if until > now and len(self._until) <= MEMORY:
                break
            del self._until[oldest]

    def take_back(self, key: Hashable) -> None:
        """Note that a key has not done it after all."""
        if key in self._until:
            self._until[key] -= self._gap


class Requests:
    """How many requests of each account are answered in a second."""

    def __init__(self, per_second: int, now: Callable[[], float]) -> None:
        self._rate = Rate(per_second, per_second, now)

    def count(self, account_id: int) -> None:
        """Count one.

        Raises:
            ApiError: `TOO_MANY_REQUESTS`.
        """
        if wait := self._rate.wait(account_id):
            raise exceeded(Kinds.TOO_MANY_REQUESTS, wait, "too many requests of this account")
        self._rate.count(account_id)


class Actions:
    """How many changes are made in a second, in each service and in each channel.

    Args:
        per_service: most of them; 0 is as many as come. So is `per_channel`.
        store: where channels are that are named by their unique names.
    """

    def __init__(self, *, per_service: int, per_channel: int, store: Store, now: Callable[[], float]) -> None:
        self._per_service = Rate(per_service, per_service, now) if per_service else None
        self._per_channel = Rate(per_channel, per_channel, now) if per_channel else None
        self._store = store

    async def count(self, command: object, caller: object) -> None:
        """Count a change before anything else is done about it. One that is refused here counts for nothing.

        Raises:
            ApiError: `SERVICE_ACTIONS_EXCEEDED`; `CHANNEL_ACTIONS_EXCEEDED`.
        """
        service_sid = _service_of(command)
        if service_sid is None or not isinstance(caller, Caller):
            return
        # With the account: who names a service of somebody else uses nothing of it up.
        service = caller.account_id, service_sid
        channel = await self._channel_of(command, service) if self._per_channel else None

        # Nothing is awaited from here on, so that what is allowed to two is not done by three.
        if self._per_service and (wait := self._per_service.wait(service)):
            raise exceeded(Kinds.SERVICE_ACTIONS_EXCEEDED, wait, "too many changes in this service")
        if self._per_channel and channel and (wait := self._per_channel.wait(channel)):
            raise exceeded(Kinds.CHANNEL_ACTIONS_EXCEEDED, wait, "too many changes in this channel")

        if self._per_service:
            self._per_service.count(service)
        if self._per_channel and channel:
            self._per_channel.count(channel)

    async def _channel_of(self, command: object, service: tuple[int, str]) -> tuple[int, str, str] | None:
        """Return the channel that a command is about: the same one by its SID and by its unique name."""
        name: str | None = getattr(command, "channel", None)
        sid = parse_sid("CH", name) if name else None
        if name and sid is None:
            async with self._store.reading() as tx:
                found = await tx.services.get(*service)
                channel = await tx.channels.by_unique_name(found, name) if found else None
            sid = channel.sid if channel else None
        return (*service, sid) if sid else None


def _service_of(command: object) -> str | None:
    """Return the service in which a command changes something, if it is in one."""
    if isinstance(command, UpdateService | DeleteService):
        return command.sid
    return getattr(command, "service_sid", None)


def exceeded(kind: Kind, wait: float, why: str) -> ApiError:
    """Return the refusal of what may be done again in some seconds."""
    seconds = max(1, math.ceil(wait))
    return ApiError(kind, f"{why}: again in {seconds} s", retry_after=seconds)
