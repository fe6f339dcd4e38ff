"""Credentials on the wire. Source: chat-v1 Credential, chat-v2 Credential."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chinwag import limits
from chinwag.domain.credential import (
    CreateCredential,
    Credential,
    DeleteCredential,
    PushType,
    UpdateCredential,
)
from chinwag.domain.lookup import credential_named
from chinwag.errors import Kinds
from chinwag.rest.common import friendly_name
from chinwag.rest.paging import Paging, present_page
from chinwag.rest.params import Param, Params
from chinwag.rest.resource import Field, Resource, dates, sid, text_or_null
from chinwag.rest.version import Version
from chinwag.values import Flag, OneOf, Text

if TYPE_CHECKING:
    from chinwag.rest.call import Answer, Call


def _shown_sandbox(sandbox: bool | None) -> str | None:  # noqa: FBT001
    """Return it as the original does: as a text. Source: recorded-responses."""
    return None if sandbox is None else str(sandbox)


CREDENTIAL = Resource(
    record=Credential,
    key="credentials",
    path="/Credentials/{sid}",
    says="What an account needs to reach a provider of push notifications. Secrets are never shown.",
    fields=(
        sid("sid", "CR"),
        sid("account_sid", "AC"),
        *text_or_null("friendly_name"),
        Field("type", {"type": "string", "enum": [kind.value for kind in PushType]}),
        Field("sandbox", {"type": ["string", "null"]}, render=_shown_sandbox),
        *dates("date_created", "date_updated"),
    ),
)

_SECRET = Text(limits.CREDENTIAL_SECRET, Kinds.INVALID_PARAMETER, empty=Kinds.INVALID_PARAMETER)

_SECRETS = (
    Param("Certificate", "sealed_certificate", _SECRET, "The certificate of apn, in PEM."),
    Param("PrivateKey", "sealed_private_key", _SECRET, "Its private key, in PEM."),
    Param("ApiKey", "sealed_api_key", _SECRET, "The API key of gcm."),
    Param("Secret", "sealed_secret", _SECRET, "The secret of fcm."),
)

_SANDBOX = Param("Sandbox", "sandbox", Flag(), "Whether the sandbox of apn is meant.")

CREATE = Params(
    Param("Type", "type", OneOf(PushType, Kinds.INVALID_PARAMETER), "The provider.", required=True),
    *friendly_name(),
    _SANDBOX,
    *_SECRETS,
)

UPDATE = Params(*friendly_name(), _SANDBOX, *_SECRETS)

PAGING = Paging("CR", {Version.V1: limits.CREDENTIALS_PAGE, Version.V2: limits.CREDENTIALS_PAGE})


async def create(call: Call) -> Answer:
    """Add a credential to the account."""
    credential = await call.create(CreateCredential(**_sealed(call)), Credential)
    return CREDENTIAL.present(credential, call.version, call.base)


async def fetch(call: Call) -> Answer:
    """Return one credential, without its secrets."""
    return CREDENTIAL.present(await named(call), call.version, call.base)


async def update(call: Call) -> Answer:
    """Change a credential."""
    credential = await call.run(UpdateCredential(sid=credential_sid(call), **_sealed(call)))
    return CREDENTIAL.present(credential, call.version, call.base)


async def delete(call: Call) -> Answer:
    """Remove a credential. Devices that were registered with it are reached no more."""
    await call.run(DeleteCredential(sid=credential_sid(call)))


async def page(call: Call) -> Answer:
    """List the credentials of the account, oldest first."""
    query = PAGING.read(call)
    async with call.reading() as tx:
        credentials = await tx.credentials.page(call.caller.account_id, query.cursor)
    return present_page(call, CREDENTIAL, query, credentials)


async def named(call: Call) -> Credential:
    """Return the credential that the path names."""
    async with call.reading() as tx:
        return await credential_named(tx, call.caller, credential_sid(call))


def credential_sid(call: Call) -> str:
    """Return the SID of the credential that the path names.

    Raises:
        ApiError: `CREDENTIAL_NOT_FOUND` when it is no SID of a credential.
    """
    return call.sid("credential_sid", "CR", Kinds.CREDENTIAL_NOT_FOUND)


def _sealed(call: Call) -> dict[str, Any]:
    """Return what the request says, with its secrets sealed."""
    return {
        name: call.conventions.seal(value) if name.startswith("sealed_") else value
        for name, value in call.fields.items()
    }
