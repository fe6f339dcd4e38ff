"""Who may do what with a client SDK: every action, by everybody whom rights tell apart. On both engines."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

import pytest

from chinwag.domain.channel import ChannelType, CreateChannel, UpdateChannel
from chinwag.domain.joining import CreateInvite, CreateMember
from chinwag.domain.leaving import DeclineInvite, DeleteChannel, DeleteInvite, DeleteMember, DeleteUser
from chinwag.domain.membership import UpdateMember, UpdateUserChannel
from chinwag.domain.message import DeleteMessage, UpdateMessage
from chinwag.domain.permissions import PERMISSIONS, RoleType
from chinwag.domain.posting import CreateMessage
from chinwag.domain.rights import EVERYTHING, may_see, rights_of, standing
from chinwag.domain.role import DeleteRole
from chinwag.domain.user import UpdateUser
from chinwag.domain.user_channel import NotificationLevel
from chinwag.errors import ApiError, Kinds
from chinwag.storage.store import open_store
from domain.chat import ALLOWED, Chat, a_chat

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from chinwag.domain.channel import Channel
    from support.postgres import Postgres

# Somebody of every kind:
#
#   creator     made the channel and joined it        invited     may join it
#   member      was added, with the default role      stranger    is a user and nothing else
#   powerless   is a member, and has roles that       admin       holds the role `service admin`, outside
#               permit nothing                                    of the channel
#   founder     made the channel and did not join
#
# 50107: a permission is missing. 50400: only for members. The other codes say that permission was not the
# matter: 50402 no such member, 50404 a member already, 50507 no such file, 50601 no such invite, 50602 no
# member can decline.
TABLE = """
action                     creator  member  powerless  invited  stranger  admin  founder
create a channel           yes      yes     50107      yes      yes       yes    yes
join                       50404    50404   50107      yes      yes       yes    yes
add somebody               yes      50107   50107      50107    50107     yes    yes
leave                      yes      yes     50107      50400    50400     50400  50400
remove somebody            yes      50107   50107      50107    50107     yes    yes
invite somebody            yes      50107   50107      50107    50107     yes    yes
decline                    50602    50602   50602      yes      50601     50601  50601
withdraw an invite         yes      50107   50107      50107    50107     yes    yes
withdraw an invite by SID  yes      50107   50107      50107    50107     yes    yes
change the friendly name   yes      50107   50107      50107    50107     yes    yes
change the unique name     yes      50107   50107      50107    50107     yes    yes
change the attributes      yes      50107   50107      50107    50107     yes    yes
destroy                    yes      50107   50107      50107    50107     yes    yes
send                       yes      yes     50107      50400    50400     50400  50400
send a file                50507    50507   50107      50400    50400     50400  50400
edit own words             yes      yes     50107      50107    50107     yes    yes
edit others' words         yes      50107   50107      50107    50107     yes    yes
edit own attributes        yes      yes     50107      50107    50107     yes    yes
edit others' attributes    yes      50107   50107      50107    50107     yes    yes
delete own message         yes      yes     50107      50107    50107     yes    yes
delete others' message     yes      50107   50107      50107    50107     yes    yes
edit own membership        yes      yes     50107      50402    50402     50402  50402
edit others' membership    yes      50107   50107      50107    50107     yes    yes
mute                       yes      yes     50107      50400    50400     50400  50400
read on                    yes      yes     yes        50400    50400     50400  50400
edit own info              yes      yes     50107      yes      yes       yes    yes
edit others' info          50107    50107   50107      50107    50107     yes    50107
"""

ANYWHERE = {"create a channel", "edit own info", "edit others' info"}
"""What is not done in a channel."""

BLIND = {"stranger", "admin"}
"""Who does not see a private channel, whatever their roles permit: to them it is not there."""


def update_message(chat: Chat, channel: str, author: str, **changes: Any) -> UpdateMessage:
    return UpdateMessage(
        service_sid=chat.service_sid, channel=channel, sid=chat.sids[f"{author} {channel}"], **changes
    )


def delete_message(chat: Chat, channel: str, author: str) -> DeleteMessage:
    return DeleteMessage(service_sid=chat.service_sid, channel=channel, sid=chat.sids[f"{author} {channel}"])


ACTIONS: dict[str, Any] = {
    "create a channel": lambda chat, _channel, _who: CreateChannel(service_sid=chat.service_sid),
    "join": lambda chat, channel, who: CreateMember(
        service_sid=chat.service_sid, channel=channel, identity=who
    ),
    "add somebody": lambda chat, channel, _who: CreateMember(
        service_sid=chat.service_sid, channel=channel, identity="somebody new"
    ),
    "leave": lambda chat, channel, who: DeleteMember(
        service_sid=chat.service_sid, channel=channel, member=who
    ),
    "remove somebody": lambda chat, channel, _who: DeleteMember(
        service_sid=chat.service_sid, channel=channel, member="other"
    ),
    "invite somebody": lambda chat, channel, _who: CreateInvite(
        service_sid=chat.service_sid, channel=channel, identity="outsider"
    ),
    "decline": lambda chat, channel, who: DeclineInvite(
        service_sid=chat.service_sid, channel=channel, identity=who
    ),
    "withdraw an invite": lambda chat, channel, _who: DeclineInvite(
        service_sid=chat.service_sid, channel=channel, identity="guest"
    ),
    "withdraw an invite by SID": lambda chat, channel, _who: DeleteInvite(
        service_sid=chat.service_sid, channel=channel, sid=chat.sids[f"invite {channel}"]
    ),
    "change the friendly name": lambda chat, channel, _who: UpdateChannel(
        service_sid=chat.service_sid, channel=channel, friendly_name=None
    ),
    "change the unique name": lambda chat, channel, _who: UpdateChannel(
        service_sid=chat.service_sid, channel=channel, unique_name="tea"
    ),
    "change the attributes": lambda chat, channel, _who: UpdateChannel(
        service_sid=chat.service_sid, channel=channel, attributes="[]"
    ),
    "destroy": lambda chat, channel, _who: DeleteChannel(service_sid=chat.service_sid, channel=channel),
    "send": lambda chat, channel, _who: CreateMessage(
        service_sid=chat.service_sid, channel=channel, body="hello"
    ),
    "send a file": lambda chat, channel, _who: CreateMessage(
        service_sid=chat.service_sid, channel=channel, media_sid="ME" + "f" * 32
    ),
    "edit own words": lambda chat, channel, who: update_message(chat, channel, who, body="bye"),
    "edit others' words": lambda chat, channel, _who: update_message(chat, channel, "other", body="bye"),
    "edit own attributes": lambda chat, channel, who: update_message(chat, channel, who, attributes="[]"),
    "edit others' attributes": lambda chat, channel, _who: update_message(
        chat, channel, "other", attributes="[]"
    ),
    "delete own message": delete_message,
    "delete others' message": lambda chat, channel, _who: delete_message(chat, channel, "other"),
    "edit own membership": lambda chat, channel, who: UpdateMember(
        service_sid=chat.service_sid, channel=channel, member=who, attributes="[]"
    ),
    "edit others' membership": lambda chat, channel, _who: UpdateMember(
        service_sid=chat.service_sid, channel=channel, member="other", attributes="[]"
    ),
    "mute": lambda chat, channel, who: UpdateUserChannel(
        service_sid=chat.service_sid, user=who, channel=channel, notification_level=NotificationLevel.MUTED
    ),
    "read on": lambda chat, channel, who: UpdateUserChannel(
        service_sid=chat.service_sid, user=who, channel=channel, last_consumed_message_index=0
    ),
    "edit own info": lambda chat, _channel, who: UpdateUser(
        service_sid=chat.service_sid, user=who, friendly_name="Me"
    ),
    "edit others' info": lambda chat, _channel, _who: UpdateUser(
        service_sid=chat.service_sid, user="other", attributes="[]"
    ),
}


def rows() -> dict[str, dict[str, str]]:
    """The table: for every action, how it ends for whom."""
    head, *lines = (re.split(r"\s{2,}", line) for line in TABLE.strip().splitlines())
    return {action: dict(zip(head[1:], cells, strict=True)) for action, *cells in lines}


OUTCOMES = rows()
EVERYBODY = ("creator", "member", "powerless", "invited", "stranger", "admin", "founder")


@pytest.fixture(scope="module")
async def full(
    engine: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> AsyncIterator[Chat]:
    """A chat with somebody of every kind, for tests that leave it as it is."""
    if engine == "sqlite":
        path: Path = tmp_path_factory.mktemp("rights")
        url = f"sqlite:///{path}/chinwag.db"
    else:
        postgres: Postgres = request.getfixturevalue("postgres")
        url = await postgres.database()
    store = await open_store(url, serving=False, now=0, connections=2)
    chat = await a_chat(store)

    await chat.a_user("powerless", (await chat.a_role(RoleType.DEPLOYMENT)).sid)
    await chat.a_user("admin", (await chat.role_called("service admin")).sid)
    for identity in ("creator", "member", "invited", "stranger", "founder", "other", "guest", "outsider"):
        await chat.a_user(identity)
    no_role = await chat.a_role(RoleType.CHANNEL)
    for kind in ChannelType:
        for name, creator in ((kind, "creator"), (f"{kind} of founder", "founder")):
            channel = await chat.a_channel(creator, type=kind)
            chat.sids[name] = channel.sid
            if creator == "creator":
                await chat.joined(channel, creator)
            await chat.a_member(channel, "member")
            await chat.a_member(channel, "other")
            await chat.a_member(channel, "powerless", role_sid=no_role.sid)
            await chat.an_invite(channel, "invited")
            chat.sids[f"invite {channel.sid}"] = (await chat.an_invite(channel, "guest")).sid
            for author in (*EVERYBODY, "other"):
                message = await chat.do(
                    CreateMessage(
                        service_sid=chat.service_sid, channel=channel.sid, body="hello", author=author
                    )
                )
                chat.sids[f"{author} {channel.sid}"] = message.sid
    yield chat
    await store.close()


def where(chat: Chat, kind: ChannelType, who: str) -> str:
    """The channel of a type in which somebody is what the table says."""
    return chat.sids[f"{kind} of founder" if who == "founder" else kind]


def test_the_table_has_every_action_and_everybody() -> None:
    assert list(OUTCOMES) == list(ACTIONS)
    assert {tuple(outcomes) for outcomes in OUTCOMES.values()} == {EVERYBODY}


@pytest.mark.parametrize("who", EVERYBODY)
@pytest.mark.parametrize("action", ACTIONS)
async def test_who_may_do_what_in_a_public_channel(full: Chat, action: str, who: str) -> None:
    channel = where(full, ChannelType.PUBLIC, who)

    assert await full.outcome(ACTIONS[action](full, channel, who), who) == OUTCOMES[action][who]


@pytest.mark.parametrize("who", EVERYBODY)
@pytest.mark.parametrize("action", ACTIONS)
async def test_in_a_private_channel_it_is_the_same_for_whoever_sees_it(
    full: Chat, action: str, who: str
) -> None:
    channel = where(full, ChannelType.PRIVATE, who)
    hidden = who in BLIND and action not in ANYWHERE

    expected = str(Kinds.CHANNEL_NOT_FOUND.code) if hidden else OUTCOMES[action][who]

    assert await full.outcome(ACTIONS[action](full, channel, who), who) == expected


@pytest.mark.parametrize("action", ACTIONS)
async def test_the_account_needs_no_permission(full: Chat, action: str) -> None:
    command = ACTIONS[action](full, full.sids[ChannelType.PRIVATE], "powerless")
    for_other_reasons = {"join": "50404", "decline": "50602", "send a file": "50507"}

    assert await full.outcome(command, None) == for_other_reasons.get(action, ALLOWED)


@pytest.mark.parametrize("who", [None, *EVERYBODY, "nobody"])
async def test_who_sees_a_private_channel(full: Chat, who: str | None) -> None:
    found = await full.service()
    async with full.store.reading() as tx:
        channel = await tx.channels.get(found, where(full, ChannelType.PRIVATE, who or ""))
        assert channel is not None
        seen = await may_see(tx, full.caller(who), found, channel)

    assert seen is (who not in {*BLIND, "nobody"})


@pytest.mark.parametrize("who", [None, *EVERYBODY])
async def test_everybody_sees_a_public_channel(full: Chat, who: str | None) -> None:
    found = await full.service()
    async with full.store.reading() as tx:
        channel = await tx.channels.get(found, where(full, ChannelType.PUBLIC, who or ""))
        assert channel is not None
        assert await may_see(tx, full.caller(who), found, channel)


async def test_nothing_is_looked_up_for_the_account(full: Chat) -> None:
    nothing = cast("Any", None)

    assert await rights_of(nothing, full.caller(None), nothing, nothing) is EVERYTHING


# Refusals


async def test_a_refusal_names_the_permission_and_the_roles_that_lack_it(chat: Chat) -> None:
    user, channel = await chat.a_user("zoë"), await chat.a_channel()
    member = await chat.a_member(channel, "zoë")

    refusal = await chat.refusal(
        UpdateChannel(service_sid=chat.service_sid, channel=channel.sid, friendly_name="Tea"), "zoë"
    )

    assert (refusal.kind, refusal.message) == (Kinds.UNAUTHORIZED, "User unauthorized for command")
    assert refusal.detail == (
        f"needs editChannelName; deployment role {user.role_sid}, channel role {member.role_sid}"
    )


async def test_a_refusal_says_when_there_is_no_channel_role(chat: Chat) -> None:
    user, channel = await chat.a_user("zoë"), await chat.a_channel()

    refusal = await chat.refusal(DeleteChannel(service_sid=chat.service_sid, channel=channel.sid), "zoë")

    assert refusal.detail == f"needs destroyChannel; deployment role {user.role_sid}, no channel role"


async def test_a_refusal_names_both_permissions_where_one_would_do(chat: Chat) -> None:
    role = await chat.a_role(RoleType.CHANNEL)
    await chat.a_user("zoë")
    channel = await chat.a_channel()
    await chat.a_member(channel, "zoë", role_sid=role.sid)

    refusal = await chat.refusal(
        UpdateMember(service_sid=chat.service_sid, channel=channel.sid, member="zoë", attributes="[]"), "zoë"
    )

    assert refusal.detail is not None
    assert refusal.detail.startswith("needs editOwnMemberAttributes or editAnyMemberAttributes; ")


async def test_a_user_who_was_deleted_may_do_nothing(chat: Chat) -> None:
    await chat.a_user("zoë")
    channel = await chat.a_channel("zoë")
    await chat.do(DeleteUser(service_sid=chat.service_sid, user="zoë"))

    for command in (
        CreateChannel(service_sid=chat.service_sid),
        CreateMember(service_sid=chat.service_sid, channel=channel.sid, identity="zoë"),
        DeleteChannel(service_sid=chat.service_sid, channel=channel.sid),
    ):
        assert (await chat.refusal(command, "zoë")).kind == Kinds.USER_NOT_FOUND


async def test_permission_is_the_matter_before_a_limit_is(chat: Chat) -> None:
    await chat.set_service(channel_members=1)
    await chat.a_user("zoë", (await chat.a_role(RoleType.DEPLOYMENT)).sid)
    channel = await chat.a_channel()
    await chat.a_member(channel, "other")
    command = CreateMember(service_sid=chat.service_sid, channel=channel.sid, identity="zoë")

    assert await chat.outcome(command, "zoë") == str(Kinds.UNAUTHORIZED.code)


async def test_membership_is_the_matter_before_a_permission_is(full: Chat) -> None:
    nothing_said = CreateMessage(service_sid=full.service_sid, channel=full.sids[ChannelType.PUBLIC])

    assert await full.outcome(nothing_said, "stranger") == str(Kinds.NOT_A_MEMBER.code)
    assert await full.outcome(nothing_said, "powerless") == str(Kinds.UNAUTHORIZED.code)
    assert await full.outcome(nothing_said, "member") == str(Kinds.MESSAGE_BODY_NOT_PROVIDED.code)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (lambda chat, channel: UpdateChannel(service_sid=chat.service_sid, channel=channel), 50347),
        (lambda chat, channel: update_message(chat, channel, "creator"), 20001),
        (
            lambda chat, channel: UpdateMember(
                service_sid=chat.service_sid, channel=channel, member="creator"
            ),
            20001,
        ),
        (lambda chat, _channel: UpdateUser(service_sid=chat.service_sid, user="creator"), 20001),
    ],
    ids=["channel", "message", "member", "user"],
)
async def test_a_change_of_nothing_is_a_success_over_rest_only(full: Chat, command: Any, code: int) -> None:
    made = command(full, full.sids[ChannelType.PUBLIC])

    assert await full.outcome(made, "creator") == str(code)
    assert await full.outcome(made, None) == ALLOWED


# What one permission does


@pytest.mark.parametrize(
    ("permission", "actions"),
    [
        ("createChannel", {"create a channel"}),
        ("joinChannel", {"join"}),
        ("destroyChannel", {"destroy"}),
        ("inviteMember", {"invite somebody", "withdraw an invite", "withdraw an invite by SID"}),
        ("addMember", {"add somebody"}),
        ("removeMember", {"remove somebody"}),
        ("editChannelName", {"change the friendly name", "change the unique name"}),
        ("editChannelAttributes", {"change the attributes"}),
        ("editAnyMessage", {"edit own words", "edit others' words"}),
        ("editAnyMessageAttributes", {"edit own attributes", "edit others' attributes"}),
        ("deleteAnyMessage", {"delete own message", "delete others' message"}),
        ("editOwnMessage", {"edit own words"}),
        ("editOwnMessageAttributes", {"edit own attributes"}),
        ("deleteOwnMessage", {"delete own message"}),
        ("editOwnUserInfo", {"edit own info"}),
        ("editAnyUserInfo", {"edit own info", "edit others' info"}),
        ("sendMessage", {"send"}),
        ("sendMediaMessage", {"send a file"}),
        ("leaveChannel", {"leave"}),
        ("editOwnMemberAttributes", {"edit own membership"}),
        ("editAnyMemberAttributes", {"edit own membership", "edit others' membership"}),
        ("editNotificationLevel", {"mute"}),
    ],
)
async def test_a_permission_allows_what_it_is_for_and_nothing_else(
    full: Chat, permission: str, actions: set[str]
) -> None:
    for role_type in RoleType:
        if permission not in PERMISSIONS[role_type]:
            continue
        who, channel = await somebody_with(full, role_type, permission)
        outcomes = {
            action: await full.outcome(make(full, channel, who), who) for action, make in ACTIONS.items()
        }

        unauthorized = str(Kinds.UNAUTHORIZED.code)
        permitted = {action for action, outcome in outcomes.items() if outcome != unauthorized}
        in_channel = role_type is RoleType.DEPLOYMENT
        assert permitted == (actions if in_channel else actions - ANYWHERE) | {"decline", "read on"}


async def somebody_with(chat: Chat, role_type: RoleType, permission: str) -> tuple[str, str]:
    """A member of a new channel who has one permission and no other."""
    who = f"{role_type} {permission}"
    await chat.a_user("guest")
    roles = {kind: (await chat.a_role(kind, *([permission] * (kind is role_type)))) for kind in RoleType}
    await chat.a_user(who, roles[RoleType.DEPLOYMENT].sid)
    channel = await chat.a_channel()
    await chat.a_member(channel, who, role_sid=roles[RoleType.CHANNEL].sid)
    await chat.a_member(channel, "other")
    chat.sids[f"invite {channel.sid}"] = (await chat.an_invite(channel, "guest")).sid
    for author in (who, "other"):
        command = CreateMessage(service_sid=chat.service_sid, channel=channel.sid, body="x", author=author)
        chat.sids[f"{author} {channel.sid}"] = (await chat.do(command)).sid
    return who, channel.sid


async def test_words_and_attributes_of_a_message_need_a_permission_each(chat: Chat) -> None:
    who, channel = await somebody_with(chat, RoleType.CHANNEL, "editOwnMessage")

    both = update_message(chat, channel, who, body="bye", attributes="[]")

    assert await chat.outcome(both, who) == str(Kinds.UNAUTHORIZED.code)


async def test_a_role_that_was_deleted_is_the_default_of_the_service(chat: Chat) -> None:
    who, channel = await somebody_with(chat, RoleType.CHANNEL, "destroyChannel")
    command = CreateMessage(service_sid=chat.service_sid, channel=channel, body="hello")
    assert await chat.outcome(command, who) == str(Kinds.UNAUTHORIZED.code)

    member = await chat.member(await channel_of(chat, channel), who)
    await chat.do(DeleteRole(service_sid=chat.service_sid, sid=member.role_sid))

    assert await chat.outcome(command, who) == ALLOWED
    assert await chat.outcome(ACTIONS["destroy"](chat, channel, who), who) == str(Kinds.UNAUTHORIZED.code)


async def channel_of(chat: Chat, sid: str) -> Channel:
    service = await chat.service()
    async with chat.store.reading() as tx:
        channel = await tx.channels.get(service, sid)
    assert channel is not None
    return channel


# What nobody may do with a client SDK


@pytest.mark.parametrize(
    "command",
    [
        lambda chat, channel, role: CreateMember(
            service_sid=chat.service_sid, channel=channel, identity="new", role_sid=role
        ),
        lambda chat, channel, role: CreateInvite(
            service_sid=chat.service_sid, channel=channel, identity="outsider", role_sid=role
        ),
        lambda chat, channel, role: UpdateMember(
            service_sid=chat.service_sid, channel=channel, member="creator", role_sid=role
        ),
        lambda chat, _channel, role: UpdateUser(service_sid=chat.service_sid, user="creator", role_sid=role),
    ],
    ids=["adding", "inviting", "to a member", "to a user"],
)
async def test_roles_are_not_given_with_a_client_sdk(full: Chat, command: Any) -> None:
    role = await full.role_called("channel user")

    made = command(full, full.sids[ChannelType.PUBLIC], role.sid)

    assert await full.outcome(made, "creator") == str(Kinds.ROLE_UNAUTHORIZED.code)


async def test_nobody_reads_on_for_others(full: Chat) -> None:
    channel = full.sids[ChannelType.PUBLIC]
    unauthorized = str(Kinds.UNAUTHORIZED.code)

    as_a_list = UpdateUserChannel(
        service_sid=full.service_sid, user="other", channel=channel, last_consumed_message_index=0
    )
    as_a_member = UpdateMember(
        service_sid=full.service_sid, channel=channel, member="other", last_consumed_message_index=0
    )

    assert await full.outcome(as_a_list, "creator") == unauthorized
    assert await full.outcome(as_a_member, "creator") == unauthorized


# Standing


async def test_standing_says_who_a_user_is(chat: Chat) -> None:
    user, channel = await chat.a_user("zoë"), await chat.a_channel()
    member = await chat.a_member(channel, "zoë")
    service = await chat.service()

    async with chat.store.reading() as tx:
        outside = await standing(tx, chat.caller("zoë"), service)
        inside = await standing(tx, chat.caller("zoë"), service, channel)

    assert (outside.user_sid, outside.member_sid, outside.invited) == (user.sid, None, False)
    assert (inside.user_sid, inside.member_sid, inside.invited) == (user.sid, member.sid, False)
    assert outside.permissions == {"createChannel", "joinChannel", "editOwnUserInfo"}
    assert inside.permissions > outside.permissions | {"sendMessage"}


async def test_who_created_a_channel_stands_there_as_a_creator_without_being_a_member(chat: Chat) -> None:
    await chat.a_user("zoë")
    channel, service = await chat.a_channel("zoë"), await chat.service()

    async with chat.store.reading() as tx:
        found = await standing(tx, chat.caller("zoë"), service, channel)

    assert (found.member_sid, found.channel_role_sid) == (None, service.default_channel_creator_role_sid)
    assert "destroyChannel" in found.permissions


async def test_a_creator_who_is_a_member_has_the_role_of_the_membership(chat: Chat) -> None:
    await chat.a_user("zoë")
    channel, service = await chat.a_channel("zoë"), await chat.service()
    member = await chat.a_member(channel, "zoë")

    async with chat.store.reading() as tx:
        found = await standing(tx, chat.caller("zoë"), service, channel)

    assert (found.member_sid, found.channel_role_sid) == (member.sid, service.default_channel_role_sid)
    assert "destroyChannel" not in found.permissions


async def test_nobody_has_no_standing(chat: Chat) -> None:
    service = await chat.service()

    with pytest.raises(ApiError) as refusal:
        async with chat.store.reading() as tx:
            await standing(tx, chat.caller("nobody"), service)

    assert refusal.value.kind == Kinds.USER_NOT_FOUND
