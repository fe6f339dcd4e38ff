"""`chinwag push`: what was pushed, why something was not, and trying a credential. See docs/push.md."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import msgspec
from cyclopts import App

from chinwag import commands
from chinwag.app import opened
from chinwag.cli_log import list_log, say
from chinwag.cli_run import run_to_the_end
from chinwag.delivery.credentials import payload_of, state_of
from chinwag.domain.caller import Operator
from chinwag.domain.credential import Usable
from chinwag.domain.push import NoPush, Push, PushState, push_named
from chinwag.domain.trying import SendTestPush, credential_of
from chinwag.settings import StoreSettings
from chinwag.values import to_millisecond, to_second

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chinwag.app import Parts
    from chinwag.domain.unit import Reader
    from chinwag.ids import Millis

_STORE = StoreSettings()

WAIT_SECONDS = 20.0
"""How long `test` waits for the server to send, in seconds."""

LOOK_SECONDS = 0.2
"""How often it looks, in seconds."""

WHAT_TO_DO = {
    NoPush.DISABLED: (
        "Set Notifications.NewMessage.Enabled (AddedToChannel, RemovedFromChannel, InvitedToChannel) "
        "of the service to true."
    ),
    NoPush.MUTED: "The user set the notification level of this channel; NotificationLevel=default undoes it.",
    NoPush.NOT_WANTED: "The application registered the device for other message types.",
    NoPush.NO_DEVICE: (
        "A client SDK registers a device with setPushRegistrationId, if its access token has a push "
        "credential: the grant's pushCredentialSid, or chinwag token --push-credential CR…"
    ),
    NoPush.UNREGISTERED: "It was unregistered, or its user was deleted, before the push was sent.",
}
"""What helps, for some reasons not to push."""

push = App(name="push", help="See what was pushed to devices, and why something was not; try a credential.")


@push.command
def log(
    *,
    service: str | None = None,
    last: int = 50,
    follow: bool = False,
    settings: StoreSettings = _STORE,
) -> int:
    """List the last pushes, and what was not pushed and why, oldest first.

    What was delivered or passed over is remembered only if the service says so (Notifications.LogEnabled),
    or if the server only records pushes (the setting push is sink). What waits, has failed or lost
    its device is always listed.

    Args:
        service: Only those of this service.
        last: How many.
        follow: Go on with what happens from now on, until Ctrl+C.
    """
    return run_to_the_end(list_log(_Pushes(), settings, service=service, last=last, follow=follow))


class _Pushes:
    """The log of pushes."""

    nothing = (
        "No push waits, has failed or is remembered in {}. Is it the database of the server? "
        "What was delivered or passed over is remembered if Notifications.LogEnabled of the service is true."
    )

    async def latest(self, tx: Reader, service_sid: str | None, most: int) -> list[Push]:
        return await tx.pushes.latest(service_sid, most)

    async def changed(self, tx: Reader, service_sid: str | None, since: Millis, most: int) -> list[Push]:
        return await tx.pushes.changed(service_sid, since, most)

    def line(self, push: Push, /) -> str:
        return line(push)

    def version(self, push: Push, /) -> tuple[str, str, int]:
        return push.sid, push.state, push.tries


@push.command
def show(sid: str, /, *, settings: StoreSettings = _STORE) -> int:
    """Show a push: to whom, what it says, the payload, and what the provider answered; or why there was none.

    Args:
        sid: The push, NT….
    """

    async def run() -> None:
        async with opened(settings) as parts, parts.world.store.reading() as tx:
            found = await push_named(tx, Operator(), None, sid)
            for text in described(found):
                for part in text.split("\n"):
                    say(part)

    return run_to_the_end(run())


@push.command(name="test")
def try_out(credential: str, /, *, identity: str | None = None, settings: StoreSettings = _STORE) -> int:
    """Check a credential, and with --identity push to the devices of a user that are registered with it.

    Args:
        credential: The credential, CR….
        identity: Whose devices are pushed to, by the server that runs, if the credential can be used.
    """

    async def run() -> None:
        async with opened(settings) as parts:
            good = await _check(parts, credential)
            if identity is None or not good:
                raise SystemExit(0 if good else 1)
            sids = await commands.run(
                SendTestPush(credential_sid=credential, identity=identity), Operator(), parts.world
            )
            if not await _outcome(parts, sids):
                raise SystemExit(1)

    return run_to_the_end(run())


async def _check(parts: Parts, sid: str) -> bool:
    """Print what a credential is, and return whether it can be used."""
    async with parts.world.store.reading() as tx:
        _, credential = await credential_of(tx, Operator(), sid)
    name = f" ({credential.friendly_name})" if credential.friendly_name else ""
    found = state_of(credential, parts.seal.open, parts.world.now())
    code = f" ({found.code})" if found.code else ""
    since = f" since {to_second(found.date_stopped)}" if found.date_stopped else ""
    say(f"{sid}{name}, {credential.type}: {found.state}{since}: {found.detail}{code}")
    return found.state is Usable.ACTIVE


async def _outcome(parts: Parts, sids: list[str]) -> bool:
    """Wait until it is known what came of pushes, print it, and return whether all were delivered."""
    say(f"{len(sids)} to push; the server that runs sends them …")
    ends = asyncio.get_running_loop().time() + WAIT_SECONDS
    while True:
        async with parts.world.store.reading() as tx:
            found = [await tx.pushes.find(sid) for sid in sids]
        pushes = [one for one in found if one is not None]
        waiting = [one for one in pushes if one.state is PushState.WAITING]
        if not waiting or asyncio.get_running_loop().time() > ends:
            break
        await asyncio.sleep(LOOK_SECONDS)
    for one in pushes:
        say(line(one))
    if any(one.tries == 0 for one in waiting):
        print("Some were not tried yet. Does the server run, on this database?", file=sys.stderr)
    return all(one.state is PushState.DELIVERED for one in pushes)


def line(push: Push) -> str:
    """Return a push in one line."""
    head = f"{to_second(push.date_updated)}  {push.sid}  {push.kind:<20}  {push.identity or '-'}"
    if push.state is PushState.SKIPPED:
        device = f" ({push.binding_type}, {push.binding_sid})" if push.binding_sid else ""
        return f"{head}  not pushed: {push.reason}{device}"
    tries = len(push.attempts)
    if tries:
        told = f"{push.tries} {'try' if push.tries == 1 else 'tries'}, {push.attempts[-1].ms} ms"
    else:
        told = "not tried yet"
    code = f" ({push.attempts[-1].code})" if tries and push.attempts[-1].code else ""
    reason = f": {push.reason}{code}" if push.reason and push.reason != push.state else ""
    return f"{head}  {push.binding_type} {push.credential_sid}  {told}  {push.state}{reason}"


def described(push: Push) -> Iterator[str]:
    """Return everything about a push, line by line."""
    yield f"push        {push.sid}"
    yield f"kind        {push.kind}, {to_millisecond(push.date_created)}"
    yield f"service     {push.service_sid} of account {push.account_sid}"
    if push.channel_sid is not None:
        yield f"channel     {push.channel_sid}"
    if push.message_sid is not None:
        yield f"message     {push.message_sid}, index {push.message_index}"
    yield f"caused by   {push.author}"
    if push.identity is not None:
        yield f"user        {push.identity}"
    if push.binding_sid is not None:
        yield f"device      {push.binding_type}, binding {push.binding_sid}, credential {push.credential_sid}"
    reason = f": {push.reason}" if push.reason and push.reason != push.state else ""
    yield f"state       {push.state}{reason}"
    if push.state is PushState.SKIPPED or push.binding_type is None:
        for reason, advice in WHAT_TO_DO.items():
            if reason == push.reason:
                yield f"\n{advice}"
        return

    last = push.attempts[-1] if push.attempts else None
    payload = payload_of(push, last.badge if last else None)
    yield f"\n{'The payload' if last else 'The payload, when it is sent'}\n"
    yield msgspec.json.format(msgspec.json.encode(payload), indent=2).decode()
    for number, attempt in enumerate(push.attempts, push.tries - len(push.attempts) + 1):
        status = f"status {attempt.status}: " if attempt.status else ""
        code = f" ({attempt.code})" if attempt.code else ""
        yield (
            f"\nTry {number}, {to_millisecond(attempt.date)}, {attempt.ms} ms: {status}{attempt.answer}{code}"
        )
