"""Credentials in clear: opened, checked without asking anybody, and what is sent with them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from msgspec.structs import replace

from chinwag.delivery.apns import Apns
from chinwag.delivery.fcm import Fcm
from chinwag.delivery.guard import AddressGuard
from chinwag.delivery.http2_out import Http2Out
from chinwag.delivery.http_out import HttpOut
from chinwag.delivery.provider import CredentialError, OpenedCredential
from chinwag.domain.credential import CredentialState, PushType, Usable

if TYPE_CHECKING:
    from collections.abc import Callable

    from chinwag.delivery.provider import Provider
    from chinwag.domain.credential import Credential
    from chinwag.domain.push import Push
    from chinwag.ids import Millis


def open_credential(credential: Credential, open_secret: Callable[[bytes], str]) -> OpenedCredential:
    """Return a credential with its secrets in clear."""

    def clear(sealed: bytes | None) -> str | None:
        return None if sealed is None else open_secret(sealed)

    return OpenedCredential(
        sid=credential.sid,
        type=credential.type,
        version=credential.date_updated,
        sandbox=bool(credential.sandbox),
        certificate=clear(credential.sealed_certificate),
        private_key=clear(credential.sealed_private_key),
        secret=clear(credential.sealed_secret or credential.sealed_api_key),
    )


def state_of(credential: Credential, open_secret: Callable[[bytes], str], now: Millis) -> CredentialState:
    """Return whether a credential can be used, and for what, or what is wrong with it."""
    state = CredentialState(
        sid=credential.sid,
        account_sid=credential.account_sid,
        type=credential.type,
        state=Usable.ACTIVE,
        detail="",
        date_stopped=credential.date_stopped,
    )
    try:
        facts = _mute(credential.type).check(open_credential(credential, open_secret), now)
    except CredentialError as error:
        return replace(state, state=Usable.UNUSABLE, detail=error.reason, code=error.code)
    if credential.stopped is not None:
        detail = f"{facts}; its provider does not take it: {credential.stopped}"
        return replace(state, state=Usable.STOPPED, detail=detail, code=credential.stopped_code)
    return replace(state, detail=facts)


def payload_of(push: Push, badge: int | None) -> dict[str, object]:
    """Return what is sent to the device of a push, without the address of the device."""
    provider = _mute(push.binding_type or PushType.FCM)
    return provider.payload(push.content(badge, push.date_created), "(the device)")


def _mute(push_type: PushType) -> Provider:
    """Return a provider that only looks: nothing is sent by it."""
    nobody = AddressGuard((), credentials=False)

    def now() -> Millis:
        return time.time_ns() // 1_000_000

    if push_type is PushType.APN:
        return Apns(Http2Out(nobody), "https://apns.invalid", "https://apns.invalid", now)
    return Fcm(HttpOut(nobody), "https://fcm.invalid", now)
