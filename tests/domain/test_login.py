"""Logging in and being online. On both engines."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from chinwag.domain.caller import SYSTEM
from chinwag.domain.events import UserCreated, UserUpdated
from chinwag.domain.leaving import DeleteUser
from chinwag.domain.login import LogIn
from chinwag.domain.permissions import RoleType
from chinwag.domain.reachability import SetOnline
from chinwag.errors import Kind, Kinds
from domain.chat import LATER, NOW

if TYPE_CHECKING:
    from domain.chat import Chat


def log_in(chat: Chat, identity: str = "zoë", role_sid: str | None = None) -> LogIn:
    return LogIn(service_sid=chat.service_sid, identity=identity, deployment_role_sid=role_sid)


def online(chat: Chat, value: bool, identity: str = "zoë") -> SetOnline:  # reads as a sentence
    return SetOnline(service_sid=chat.service_sid, identity=identity, online=value)


# Logging in


async def test_the_first_login_makes_a_user(chat: Chat) -> None:
    service = await chat.service()

    user, events = await chat.told(log_in(chat), "zoë")

    assert events == [UserCreated(user)]
    assert (user.identity, user.friendly_name, user.role_sid) == (
        "zoë",
        None,
        service.default_service_role_sid,
    )
    assert (user.date_created, user.date_updated) == (NOW, NOW)
    assert await chat.user("zoë") == user


async def test_a_later_login_finds_the_user_as_it_is(chat: Chat) -> None:
    user = await chat.do(log_in(chat), "zoë")
    chat.now = LATER

    again, events = await chat.told(log_in(chat), "zoë")

    assert (again, events) == (user, [])


async def test_a_new_user_holds_the_role_that_its_token_grants(chat: Chat) -> None:
    role = await chat.a_role(RoleType.DEPLOYMENT, "joinChannel")

    user = await chat.do(log_in(chat, role_sid=role.sid), "zoë")

    assert user.role_sid == role.sid


async def test_a_user_who_is_there_keeps_its_role(chat: Chat) -> None:
    user = await chat.do(log_in(chat), "zoë")
    role = await chat.a_role(RoleType.DEPLOYMENT, "joinChannel")

    for granted in (role.sid, "RL" + "f" * 32):
        assert await chat.do(log_in(chat, role_sid=granted), "zoë") == user


async def test_a_grant_of_no_deployment_role_is_refused(chat: Chat) -> None:
    role = await chat.a_role(RoleType.CHANNEL, "sendMessage")

    for granted in (role.sid, "RL" + "f" * 32):
        refusal = await chat.refusal(log_in(chat, role_sid=granted), "zoë")
        assert refusal.kind == Kinds.DEPLOYMENT_ROLE_NOT_FOUND


@pytest.mark.parametrize(
    ("identity", "kind"),
    [
        ("", Kinds.IDENTITY_NOT_PROVIDED),
        ("x" * 257, Kinds.IDENTITY_TOO_LONG),
        ("US" + "0" * 32, Kinds.IDENTITY_LIKE_SID),
        (SYSTEM, Kinds.IDENTITY_RESERVED),
    ],
)
async def test_an_identity_that_nobody_may_have_cannot_log_in(chat: Chat, identity: str, kind: Kind) -> None:
    assert (await chat.refusal(log_in(chat, identity), identity)).kind == kind


async def test_two_first_logins_at_once_make_one_user(chat: Chat) -> None:
    one, other = await asyncio.gather(chat.do(log_in(chat), "zoë"), chat.do(log_in(chat), "zoë"))

    assert one.sid == other.sid


# Being online


async def test_coming_online_is_told_as_a_change_of_reachability(chat: Chat) -> None:
    await chat.set_service(reachability_enabled=True)
    before = await chat.do(log_in(chat), "zoë")
    chat.now = LATER

    _, events = await chat.told(online(chat, True), "zoë")

    user = await chat.user("zoë")
    assert events == [UserUpdated(user, since=before.info_event_id)]
    assert (user.is_online, user.is_notifiable, user.date_updated) == (True, None, NOW)
    assert user.info_event_id == user.reachability_event_id == before.info_event_id + 1
    assert (user.friendly_name_event_id, user.attributes_event_id) == (1, 1)


async def test_going_is_told_as_well(chat: Chat) -> None:
    await chat.set_service(reachability_enabled=True)
    await chat.do(log_in(chat), "zoë")
    await chat.do(online(chat, True), "zoë")

    _, events = await chat.told(online(chat, False), "zoë")

    user = await chat.user("zoë")
    assert events == [UserUpdated(user, since=user.info_event_id - 1)]
    assert user.is_online is False


async def test_what_is_so_already_is_not_told_again(chat: Chat) -> None:
    await chat.set_service(reachability_enabled=True)
    await chat.do(log_in(chat), "zoë")
    await chat.do(online(chat, True), "zoë")
    before = await chat.user("zoë")

    _, events = await chat.told(online(chat, True), "zoë")

    assert (await chat.user("zoë"), events) == (before, [])


async def test_who_was_never_online_does_not_go(chat: Chat) -> None:
    await chat.set_service(reachability_enabled=True)
    before = await chat.do(log_in(chat), "zoë")

    _, events = await chat.told(online(chat, False), "zoë")

    assert (await chat.user("zoë"), events) == (before, [])


async def test_a_service_that_does_not_report_it_keeps_nothing(chat: Chat) -> None:
    await chat.do(log_in(chat), "zoë")

    _, events = await chat.told(online(chat, True), "zoë")
    await chat.set_service(reachability_enabled=True)

    assert ((await chat.user("zoë")).is_online, events) == (None, [])


async def test_what_was_known_is_forgotten_when_a_service_no_longer_reports_it(chat: Chat) -> None:
    await chat.set_service(reachability_enabled=True)
    await chat.do(log_in(chat), "zoë")
    await chat.do(online(chat, True), "zoë")

    await chat.set_service(reachability_enabled=False)
    await chat.set_service(reachability_enabled=True)

    assert (await chat.user("zoë")).is_online is None


async def test_what_is_known_stays_when_something_else_about_a_service_changes(chat: Chat) -> None:
    await chat.set_service(reachability_enabled=True)
    await chat.do(log_in(chat), "zoë")
    await chat.do(online(chat, True), "zoë")

    await chat.set_service(friendly_name="Tea", reachability_enabled=True)

    assert (await chat.user("zoë")).is_online is True


async def test_who_was_deleted_is_not_marked(chat: Chat) -> None:
    await chat.set_service(reachability_enabled=True)
    await chat.do(log_in(chat), "zoë")
    await chat.do(DeleteUser(service_sid=chat.service_sid, user="zoë"))

    assert await chat.told(online(chat, True), "zoë") == (None, [])


async def test_who_is_online_is_found_when_a_server_starts(chat: Chat) -> None:
    await chat.set_service(reachability_enabled=True)
    for identity in ("zoë", "tom", "ann"):
        await chat.do(log_in(chat, identity), identity)
        await chat.do(online(chat, True, identity), identity)
    await chat.do(online(chat, False, "tom"), "tom")

    async with chat.store.reading() as tx:
        found: list[Any] = list(await tx.users.online())

    here = (chat.account.account_id, chat.account.account_sid, chat.service_sid)
    assert found == [(*here, "zoë"), (*here, "ann")]
