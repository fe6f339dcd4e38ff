"""Every route of the REST API, a line for each noun.

The server, the description of the API and the tests read this table.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol, TypeAlias

from chinwag.errors import Kinds
from chinwag.rest import (
    binding,
    channel,
    channel_webhook,
    credential,
    invite,
    member,
    message,
    push,
    role,
    service,
    user,
    user_channel,
    webhook_call,
)
from chinwag.rest.version import Version

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from chinwag.errors import Kind
    from chinwag.rest.call import Answer, Call
    from chinwag.rest.paging import Paging
    from chinwag.rest.params import Params
    from chinwag.rest.resource import Resource

    Finder: TypeAlias = Callable[[Call], Awaitable[object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One operation.

    Args:
        method: of HTTP.
        path: below the version, with named segments in braces.
        operation: what it does.
        gives: what it answers with; None for an empty answer.
        status: of the answer when all went well.
        takes: the parameters of its body.
        pages: the page parameters of a list.
        within: finds what the path names. An object that is not there is a 404 before any parameter is
        judged.
        webhook_header: whether webhooks may be told of it, which the request decides.
        refuses: the refusals of its own, besides those that any operation can give.
        since: the first version that has it.
    """

    method: str
    path: str
    operation: Callable[[Call], Awaitable[Answer]]
    gives: Resource | None = None
    status: int = 200
    takes: Params | None = None
    pages: Paging | None = None
    within: Finder | None = None
    webhook_header: bool = False
    refuses: tuple[Kind, ...] = ()
    since: Version = Version.V1

    @property
    def makes(self) -> bool:
        """Whether it makes something, and so takes a key under which it may be repeated."""
        return self.status == HTTPStatus.CREATED


class Noun(Protocol):
    """The file of a noun that has all five operations."""

    PAGING: Paging
    CREATE: Params
    UPDATE: Params

    def page(self, call: Call, /) -> Awaitable[Answer]:
        """List."""
        ...

    def create(self, call: Call, /) -> Awaitable[Answer]:
        """Add."""
        ...

    def fetch(self, call: Call, /) -> Awaitable[Answer]:
        """Return one."""
        ...

    def update(self, call: Call, /) -> Awaitable[Answer]:
        """Change one."""
        ...

    def delete(self, call: Call, /) -> Awaitable[Answer]:
        """Remove one."""
        ...

    def named(self, call: Call, /) -> Awaitable[object]:
        """Find the one that the path names."""
        ...


def _noun(
    noun: Noun,
    gives: Resource,
    item: str,
    parent: Finder | None = None,
    *,
    webhook_header: bool = False,
    create_refuses: tuple[Kind, ...] = (),
    update_refuses: tuple[Kind, ...] = (),
    since: Version = Version.V1,
) -> tuple[Route, ...]:
    """Return the five operations of a noun."""
    collection = item.rpartition("/")[0]
    return (
        Route(
            method="GET",
            path=collection,
            operation=noun.page,
            gives=gives,
            pages=noun.PAGING,
            within=parent,
            since=since,
        ),
        Route(
            method="POST",
            path=collection,
            operation=noun.create,
            gives=gives,
            status=201,
            takes=noun.CREATE,
            within=parent,
            webhook_header=webhook_header,
            refuses=create_refuses,
            since=since,
        ),
        Route(method="GET", path=item, operation=noun.fetch, gives=gives, since=since),
        Route(
            method="POST",
            path=item,
            operation=noun.update,
            gives=gives,
            takes=noun.UPDATE,
            within=noun.named,
            webhook_header=webhook_header,
            refuses=update_refuses,
            since=since,
        ),
        Route(
            method="DELETE",
            path=item,
            operation=noun.delete,
            status=204,
            webhook_header=webhook_header,
            since=since,
        ),
    )


_SERVICE = "/Services/{service_sid}"
_USER = f"{_SERVICE}/Users/{{user_sid}}"
_CHANNEL = f"{_SERVICE}/Channels/{{channel_sid}}"
_INVITES = f"{_CHANNEL}/Invites"
_INVITE = f"{_INVITES}/{{invite_sid}}"
_USER_CHANNELS = f"{_USER}/Channels"
_USER_CHANNEL = f"{_USER_CHANNELS}/{{channel_sid}}"
_BINDINGS = f"{_SERVICE}/Bindings"
_BINDING = f"{_BINDINGS}/{{binding_sid}}"
_USER_BINDINGS = f"{_USER}/Bindings"
_USER_BINDING = f"{_USER_BINDINGS}/{{binding_sid}}"

ROUTES: tuple[Route, ...] = (
    *_noun(service, service.SERVICE, _SERVICE),
    *_noun(role, role.ROLE, f"{_SERVICE}/Roles/{{role_sid}}", service.named),
    *_noun(user, user.USER, _USER, service.named, webhook_header=True, create_refuses=(Kinds.USER_EXISTS,)),
    Route(
        method="GET",
        path=_USER_CHANNELS,
        operation=user_channel.page,
        gives=user_channel.USER_CHANNEL,
        pages=user_channel.PAGING,
        within=user.named,
    ),
    Route(
        method="GET",
        path=_USER_CHANNEL,
        operation=user_channel.fetch,
        gives=user_channel.USER_CHANNEL,
        since=Version.V2,
    ),
    Route(
        method="POST",
        path=_USER_CHANNEL,
        operation=user_channel.update,
        gives=user_channel.USER_CHANNEL,
        takes=user_channel.UPDATE,
        within=user_channel.named,
        since=Version.V2,
    ),
    Route(
        method="DELETE",
        path=_USER_CHANNEL,
        operation=user_channel.delete,
        status=204,
        webhook_header=True,
        since=Version.V2,
    ),
    *_noun(
        channel,
        channel.CHANNEL,
        _CHANNEL,
        service.named,
        webhook_header=True,
        create_refuses=(Kinds.CHANNEL_EXISTS,),
        update_refuses=(Kinds.CHANNEL_EXISTS,),
    ),
    *_noun(
        member,
        member.MEMBER,
        f"{_CHANNEL}/Members/{{member_sid}}",
        channel.named,
        webhook_header=True,
        create_refuses=(Kinds.USER_CHANNEL_LIMIT, Kinds.CHANNEL_MEMBER_LIMIT, Kinds.MEMBER_EXISTS),
    ),
    Route(
        method="GET",
        path=_INVITES,
        operation=invite.page,
        gives=invite.INVITE,
        pages=invite.PAGING,
        within=channel.named,
    ),
    Route(
        method="POST",
        path=_INVITES,
        operation=invite.create,
        gives=invite.INVITE,
        status=201,
        takes=invite.CREATE,
        within=channel.named,
        refuses=(Kinds.USER_INVITED, Kinds.MEMBER_EXISTS),
    ),
    Route(method="GET", path=_INVITE, operation=invite.fetch, gives=invite.INVITE),
    Route(method="DELETE", path=_INVITE, operation=invite.delete, status=204),
    *_noun(
        message,
        message.MESSAGE,
        f"{_CHANNEL}/Messages/{{message_sid}}",
        channel.named,
        webhook_header=True,
        create_refuses=(Kinds.MEDIA_SENT_ALREADY,),
    ),
    *_noun(
        channel_webhook,
        channel_webhook.CHANNEL_WEBHOOK,
        f"{_CHANNEL}/Webhooks/{{webhook_sid}}",
        channel.named,
        since=Version.V2,
    ),
    *_noun(credential, credential.CREDENTIAL, "/Credentials/{credential_sid}"),
    Route(
        method="GET",
        path=_BINDINGS,
        operation=binding.page,
        gives=binding.BINDING,
        pages=binding.PAGING,
        within=service.named,
        since=Version.V2,
    ),
    Route(method="GET", path=_BINDING, operation=binding.fetch, gives=binding.BINDING, since=Version.V2),
    Route(method="DELETE", path=_BINDING, operation=binding.delete, status=204, since=Version.V2),
    Route(
        method="GET",
        path=_USER_BINDINGS,
        operation=binding.page_of_user,
        gives=binding.USER_BINDING,
        pages=binding.USER_PAGING,
        within=user.named,
        since=Version.V2,
    ),
    Route(
        method="GET",
        path=_USER_BINDING,
        operation=binding.fetch_of_user,
        gives=binding.USER_BINDING,
        since=Version.V2,
    ),
    Route(
        method="DELETE",
        path=_USER_BINDING,
        operation=binding.delete_of_user,
        status=204,
        since=Version.V2,
    ),
)
"""Every route, by noun."""

_WEBHOOK_CALLS = f"{_SERVICE}/WebhookCalls"
_PUSHES = f"{_SERVICE}/Pushes"
_WEBHOOK_CALL = f"{_WEBHOOK_CALLS}/{{call_sid}}"

OWN_ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path=_WEBHOOK_CALLS,
        operation=webhook_call.page,
        gives=webhook_call.WEBHOOK_CALL,
        pages=webhook_call.PAGING,
        within=service.named,
    ),
    Route(method="GET", path=_WEBHOOK_CALL, operation=webhook_call.fetch, gives=webhook_call.WEBHOOK_CALL),
    Route(
        method="POST",
        path=f"{_WEBHOOK_CALL}/Replay",
        operation=webhook_call.replay,
        gives=webhook_call.WEBHOOK_CALL,
        refuses=(Kinds.CONFLICT,),
    ),
    Route(
        method="GET",
        path=_PUSHES,
        operation=push.page,
        gives=push.PUSH,
        pages=push.PAGING,
        within=service.named,
    ),
    Route(method="GET", path=f"{_PUSHES}/{{push_sid}}", operation=push.fetch, gives=push.PUSH),
    Route(
        method="GET",
        path="/Credentials/{credential_sid}",
        operation=push.check,
        gives=push.CREDENTIAL_STATE,
    ),
    Route(
        method="POST",
        path="/Credentials/{credential_sid}/Test",
        operation=push.test,
        takes=push.TEST,
        gives=push.CREDENTIAL_TEST,
        status=201,
        refuses=(Kinds.BINDING_NOT_FOUND,),
    ),
)
"""The routes that the original has not, below `OWN`."""
