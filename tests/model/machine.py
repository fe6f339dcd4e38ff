"""Random changes, made to the product and to the reference model alike, and compared after every one."""

from __future__ import annotations

import copy
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from chinwag import commands
from chinwag.broker.memory import MemoryBroker
from chinwag.domain import lookup
from chinwag.domain.account import CreateAccount
from chinwag.domain.caller import Caller, Operator
from chinwag.domain.channel import ChannelType, CreateChannel, UpdateChannel
from chinwag.domain.channel_webhook import (
    ChannelWebhookType,
    CreateChannelWebhook,
    DeleteChannelWebhook,
    UpdateChannelWebhook,
)
from chinwag.domain.credential import CreateCredential, DeleteCredential, PushType, UpdateCredential
from chinwag.domain.joining import CreateInvite, CreateMember
from chinwag.domain.leaving import DeleteChannel, DeleteInvite, DeleteMember, DeleteUser, DeleteUserChannel
from chinwag.domain.media import Media
from chinwag.domain.membership import UpdateMember, UpdateUserChannel
from chinwag.domain.message import DeleteMessage, UpdateMessage
from chinwag.domain.permissions import CHANNEL_ADMIN, CHANNEL_USER, SERVICE_ADMIN, SERVICE_USER, RoleType
from chinwag.domain.posting import CreateMessage
from chinwag.domain.remains import ClearRemains
from chinwag.domain.role import CreateRole, DeleteRole, UpdateRole
from chinwag.domain.service import CreateService, DeleteService, Limits, UpdateService
from chinwag.domain.user import CreateUser, UpdateUser
from chinwag.domain.user_channel import NotificationLevel
from chinwag.errors import ApiError
from chinwag.ids import Mint
from model.away import catches_up
from model.follower import Follower, caught_up, kept_objects
from model.kept import everything
from model.reading import code_of, look_one_up, shown, walk_a_list
from model.reference import Reference, Refused
from model.values import (
    ELSEWHERE,
    FAULTS,
    IDENTITIES,
    JSON,
    NO_BODY,
    NOWHERE,
    OTHER_CHANNEL,
    START,
    STRANGER,
    UNIQUE_NAMES,
    WORDS,
    a_key,
    an_identity,
    gone_if,
    identities,
    of_service,
    one_of,
    secrets,
    some_permissions,
    typed_settings,
    webhook_settings,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from chinwag.domain.event import Event
    from chinwag.domain.paging import Cursor
    from chinwag.domain.unit import Store
    from model.kept import Ask, Kept
    from model.reference import Record

    Pages = Callable[[Cursor], Awaitable[list[Any] | None]]


DEFAULT_PERMISSIONS = {
    "service admin": SERVICE_ADMIN,
    "service user": SERVICE_USER,
    "channel admin": CHANNEL_ADMIN,
    "channel user": CHANNEL_USER,
}

COMMANDS = {
    command.__name__
    for command in (
        *(CreateService, UpdateService, DeleteService),
        *(CreateRole, UpdateRole, DeleteRole),
        *(CreateUser, UpdateUser, DeleteUser),
        *(CreateChannel, UpdateChannel, DeleteChannel),
        *(CreateMember, UpdateMember, DeleteMember),
        *(CreateInvite, DeleteInvite),
        *(UpdateUserChannel, DeleteUserChannel),
        *(CreateMessage, UpdateMessage, DeleteMessage),
        *(CreateChannelWebhook, UpdateChannelWebhook, DeleteChannelWebhook),
        *(CreateCredential, UpdateCredential, DeleteCredential),
        ClearRemains,
    )
}
"""Everything that the machine does."""

Pick = st.integers(0, 999)
"""What a rule does, and to what, is picked out of what there is by numbers like this."""


@dataclass
class Stage:
    """What a run of the machine stands on, and what it counts.

    Args:
        run: waits for a coroutine.
        store: an open store.
        ask: runs a statement of the tests' own.
        tally: how often each rule did something, and how often it was refused.
        lengths: how many rules each example ran.
    """

    run: Callable[[Coroutine[Any, Any, Any]], Any]
    store: Store
    ask: Ask
    mint: Mint = field(default_factory=lambda: Mint(lambda: START))
    tally: Counter[tuple[str, bool]] = field(default_factory=Counter)
    lengths: list[int] = field(default_factory=list)

    @property
    def share_done(self) -> float:
        return sum(count for (_, done), count in self.tally.items() if done) / self.tally.total()

    def __str__(self) -> str:
        steps, longest = self.tally.total(), max(self.lengths)
        counts = [f"{name} {self.tally[name, True]} ({self.tally[name, False]})" for name in sorted(COMMANDS)]
        return (
            f"{len(self.lengths)} examples, {self.lengths.count(longest)} of {longest} steps; "
            f"{steps} steps, {self.share_done:.0%} done; by change (refused): {', '.join(counts)}"
        )


class Recorder:
    """A store that remembers the events of its last change."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.events: list[Event] = []

    async def write(self, change: Any) -> Any:
        result, self.events = await self._store.write(change)
        return result, self.events

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


class Machine(RuleBasedStateMachine):
    """Two accounts, at first with a service each; the second does no more than intrude."""

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self.stage = stage
        self.steps = 0
        self.time = START
        self.minted: list[str] = []
        self.store = Recorder(stage.store)
        self.world = commands.World(
            store=self.store,  # type: ignore[arg-type]
            broker=MemoryBroker(),
            now=lambda: self.time,
            new_sid=self._new_sid,
        )
        self.model = Reference(DEFAULT_PERMISSIONS)
        self.follower = Follower()
        self.away: dict[Any, Any] = {}
        self.remains = 0
        self.caller, self.stranger = self._account(), self._account()
        self.model.new_sid = self._take_sid
        self._set_the_scene(self.stranger)
        self.follower = Follower()
        self._set_the_scene(self.caller)

    # Services and roles

    @rule(members=st.integers(1, 4), channels=st.integers(1, 4), role=Pick, what=Pick, odd=Pick)
    def change_a_service(self, members: int, channels: int, role: int, what: int, odd: int) -> None:
        services = len(self.some("services"))
        if what % 5 == 4 and services < 3:
            self._create_service(members, channels)
        elif what % 5 == 3 and services > 1:
            self._delete_service(what, odd)
        else:
            self._update_service(what, role, members, channels, odd)

    def _create_service(self, members: int, channels: int) -> None:
        limits = {"channel_members": members, "user_channels": channels}
        self.step(
            CreateService(friendly_name="Support", limits=Limits(**limits)),
            lambda: self.model.create_service("Support", limits),
        )

    def _update_service(self, what: int, role: int, members: int, channels: int, odd: int) -> None:
        service = self.a_service(odd)
        change: Record = (
            {"friendly_name": "Desk", "channel_members": members, "user_channels": channels},
            {"default_service_role_sid": self.a_role(service, role, "deployment")},
            {"default_channel_role_sid": self.a_role(service, role, "channel")},
            {"default_channel_creator_role_sid": self.a_role(service, role, "channel")},
        )[what % 4]
        sid = service["sid"]
        self.step(UpdateService(sid=sid, **change), lambda: self.model.update_service(sid, **change), odd=odd)

    def _delete_service(self, which: int, odd: int) -> None:
        sid = one_of(self.some("services")[-2:], which)["sid"]
        self.step(DeleteService(sid=sid), lambda: self.model.delete_service(sid), odd=odd)

    @rule(what=Pick, permissions=st.integers(0, 7), odd=Pick)
    def change_a_role(self, what: int, permissions: int, odd: int) -> None:
        roles = of_service(self.some("roles"), self.a_service(odd)["sid"])
        made = roles[4:]
        if what % 3 == 0 and len(made) < 4:
            self._create_role(one_of(("deployment", "channel"), what), permissions, odd)
        elif what % 3 == 1 and (made or odd % 5 == 0):
            self._delete_role(one_of(made or roles, what), odd)
        else:
            self._update_role(one_of(roles[::-1], what), permissions, odd)

    def _create_role(self, role_type: str, permissions: int, odd: int) -> None:
        sid = self.a_service(odd)["sid"]
        given = some_permissions(role_type, permissions)
        self.step(
            CreateRole(service_sid=sid, friendly_name="guest", type=RoleType(role_type), permissions=given),
            lambda: self.model.create_role(sid, "guest", role_type, given),
            odd=odd,
        )

    def _update_role(self, role: Record, permissions: int, odd: int) -> None:
        given = some_permissions(role["type"], permissions)
        at = {**self.in_service(role, odd), "sid": gone_if(role["sid"], odd)}
        self.step(
            UpdateRole(**at, permissions=given),
            lambda: self.model.update_role(**at, permissions=given),
            odd=odd,
        )

    def _delete_role(self, role: Record, odd: int) -> None:
        at = {**self.in_service(role, odd), "sid": gone_if(role["sid"], odd)}
        self.step(DeleteRole(**at), lambda: self.model.delete_role(**at), odd=odd)

    # Users

    @rule(who=Pick, role=Pick, words=st.booleans(), odd=Pick)
    def create_user(self, who: int, role: int, *, words: bool, odd: int) -> None:
        service = self.a_service(odd)
        free = [name for name in IDENTITIES if name not in identities(self.model.users_of(service))]
        given: Record = {"identity": an_identity(free or IDENTITIES, who, odd)}
        if role % 3 == 0:
            given["role_sid"] = self.a_role(service, role, "deployment")
        if words:
            given |= {"friendly_name": one_of(WORDS, who), "attributes": one_of(JSON, who)}
        sid = service["sid"]
        self.step(CreateUser(service_sid=sid, **given), lambda: self.model.create_user(sid, **given), odd=odd)

    @precondition(lambda self: self.some("users"))
    @rule(who=Pick, what=st.integers(0, 7), value=Pick, odd=Pick)
    def update_user(self, who: int, what: int, value: int, odd: int) -> None:
        user = one_of(self.some("users"), who)
        given: Record = {}
        if what & 1:
            given["friendly_name"] = one_of((*WORDS, None), value)
        if what & 2:
            given["attributes"] = one_of(JSON, value)
        if what & 4:
            given["role_sid"] = self.a_role(self.model.services[user["service_sid"]], value, "deployment")
        at = {**self.in_service(user, odd), "user": a_key(user, "identity", value, odd)}
        self.step(UpdateUser(**at, **given), lambda: self.model.update_user(**at, **given), odd=odd)

    @precondition(lambda self: len(self.some("users")) > 1)
    @rule(who=Pick, odd=Pick)
    def delete_user(self, who: int, odd: int) -> None:
        user = one_of(self.some("users"), who)
        at = {**self.in_service(user, odd), "user": a_key(user, "identity", who, odd)}
        self.step(DeleteUser(**at), lambda: self.model.delete_user(**at), odd=odd)

    # Channels

    @rule(name=Pick, value=Pick, dates=st.integers(0, 3), odd=Pick)
    def create_channel(self, name: int, value: int, dates: int, odd: int) -> None:
        service = self.a_service(odd)
        taken = {channel["unique_name"] for channel in self.model.channels_of(service)}
        free = [each for each in UNIQUE_NAMES if each not in taken]
        given: Record = {"unique_name": one_of((*(UNIQUE_NAMES if odd % 7 == 0 else free), None), name)}
        if value % 2:
            given |= {"friendly_name": one_of(WORDS, value), "attributes": one_of(JSON, value)}
        if value % 3 == 0:
            given |= {"type": "private", "created_by": one_of(IDENTITIES, value)}
        given |= self.dates(dates)
        sid = service["sid"]
        typed = {**given, "type": ChannelType(given.get("type", "public"))}
        self.step(
            CreateChannel(service_sid=sid, **typed), lambda: self.model.create_channel(sid, **given), odd=odd
        )

    @precondition(lambda self: self.some("channels"))
    @rule(which=Pick, what=st.integers(0, 15), value=Pick, dates=st.integers(0, 3), odd=Pick)
    def update_channel(self, which: int, what: int, value: int, dates: int, odd: int) -> None:
        channel = one_of(self.some("channels"), which)
        given = self.dates(dates)
        if what & 1:
            given["unique_name"] = one_of((*UNIQUE_NAMES, None), value)
        if what & 2:
            given["friendly_name"] = one_of((*WORDS, None), value)
        if what & 4:
            given["attributes"] = one_of(JSON, value)
        if what & 8:
            given["created_by"] = one_of(IDENTITIES, value)
        at = self.in_channel(channel, value, odd)
        self.step(UpdateChannel(**at, **given), lambda: self.model.update_channel(**at, **given), odd=odd)

    @precondition(lambda self: len(self.some("channels")) > 1)
    @rule(which=Pick, odd=Pick)
    def delete_channel(self, which: int, odd: int) -> None:
        at = self.in_channel(one_of(self.some("channels"), which), which, odd)
        self.step(DeleteChannel(**at), lambda: self.model.delete_channel(**at), odd=odd)

    # Members and invites

    @precondition(lambda self: self.some("channels"))
    @rule(which=Pick, who=Pick, role=Pick, value=Pick, dates=st.integers(0, 3), odd=Pick)
    def create_member(self, *, which: int, who: int, role: int, value: int, dates: int, odd: int) -> None:
        channel = self.a_channel_with_room(which)
        service = self.model.services[channel["service_sid"]]
        outside = [name for name in IDENTITIES if name not in identities(self.model.members_of(channel))]
        invited = identities(self.model.invites_of(channel))
        known = [name for name in identities(self.model.users_of(service)) if name in outside]
        people = one_of((invited, known, known, outside), who) or outside or IDENTITIES
        given: Record = {"identity": an_identity(people, who // 4, odd)}
        if role % 4 == 0:
            given["role_sid"] = self.a_role(service, role, "channel")
        if value % 3 == 0:
            given |= {"attributes": one_of(JSON, value)} | self.dates(dates) | self.horizon(value)
        at = self.in_channel(channel, value, odd)
        self.step(CreateMember(**at, **given), lambda: self.model.create_member(**at, **given), odd=odd)

    @precondition(lambda self: self.some("members"))
    @rule(which=Pick, what=st.integers(0, 15), value=Pick, odd=Pick)
    def update_member(self, which: int, what: int, value: int, odd: int) -> None:
        member = one_of(self.some("members"), which)
        given = self.dates(value) if what & 1 else {}
        if what & 2:
            given["attributes"] = one_of(JSON, value)
        if what & 4:
            given |= self.horizon(value)
        if what & 8 and value % 2:
            given["role_sid"] = self.a_role(self.model.services[member["service_sid"]], value, "channel")
        at = {**self.in_channel(member, value, odd), "member": a_key(member, "identity", value, odd)}
        self.step(UpdateMember(**at, **given), lambda: self.model.update_member(**at, **given), odd=odd)

    @precondition(lambda self: self.some("members"))
    @rule(which=Pick, value=Pick, odd=Pick)
    def delete_member(self, which: int, value: int, odd: int) -> None:
        member = one_of(self.some("members"), which)
        at = {**self.in_channel(member, value, odd), "member": a_key(member, "identity", which, odd)}
        self.step(DeleteMember(**at), lambda: self.model.delete_member(**at), odd=odd)

    @precondition(lambda self: self.some("users") and self.some("channels"))
    @rule(which=Pick, who=Pick, role=Pick, odd=Pick)
    def create_invite(self, which: int, who: int, role: int, odd: int) -> None:
        channel = one_of(self.some("channels"), which)
        service = self.model.services[channel["service_sid"]]
        there = identities([*self.model.members_of(channel), *self.model.invites_of(channel)])
        known = identities(self.model.users_of(service))
        people = [name for name in known if name not in there] or known or IDENTITIES
        given: Record = {"identity": an_identity(IDENTITIES if odd % 7 == 0 else people, who, odd)}
        if role % 2:
            given["role_sid"] = self.a_role(service, role, "channel")
        if role % 3 == 0:
            given["created_by"] = one_of(IDENTITIES, role)
        at = self.in_channel(channel, who, odd)
        self.step(CreateInvite(**at, **given), lambda: self.model.create_invite(**at, **given), odd=odd)

    @precondition(lambda self: self.some("invites"))
    @rule(which=Pick, value=Pick, odd=Pick)
    def delete_invite(self, which: int, value: int, odd: int) -> None:
        invite = one_of(self.some("invites"), which)
        at = {**self.in_channel(invite, value, odd), "sid": gone_if(invite["sid"], odd)}
        self.step(DeleteInvite(**at), lambda: self.model.delete_invite(**at), odd=odd)

    # The channels of users

    @precondition(lambda self: self.some("members") or self.some("invites"))
    @rule(which=Pick, value=Pick, level=st.integers(0, 2), odd=Pick)
    def update_user_channel(self, which: int, value: int, level: int, odd: int) -> None:
        taking_part = one_of([*self.some("members"), *self.some("invites")], which)
        given: Record = {} if level == 0 else {"notification_level": ("default", "muted")[level - 1]}
        typed = {name: NotificationLevel(text) for name, text in given.items()}
        joined = taking_part["sid"] in self.model.members
        horizon = self.horizon(value) if value % 2 and (joined or odd % 5 == 0) else {}
        at = self.of_user(taking_part, value, odd)
        self.step(
            UpdateUserChannel(**at, **typed, **horizon),
            lambda: self.model.update_user_channel(**at, **given, **horizon),
            odd=odd,
        )

    @precondition(lambda self: self.some("members") or self.some("invites"))
    @rule(which=Pick, value=Pick, odd=Pick)
    def delete_user_channel(self, which: int, value: int, odd: int) -> None:
        at = self.of_user(one_of([*self.some("members"), *self.some("invites")], which), value, odd)
        self.step(DeleteUserChannel(**at), lambda: self.model.delete_user_channel(**at), odd=odd)

    # Messages

    @precondition(lambda self: self.some("channels"))
    @rule(which=Pick, value=Pick)
    def post_to_the_newest(self, which: int, value: int) -> None:
        """Many messages and readers in one place."""
        channel = self.some("channels")[-1]
        at = {"service_sid": channel["service_sid"], "channel": channel["sid"]}
        given = {"body": one_of(WORDS, value), "author": one_of(IDENTITIES, which)}
        self.step(CreateMessage(**at, **given), lambda: self.model.create_message(**at, **given))

    @precondition(lambda self: self.some("channels"))
    @rule(which=Pick, value=Pick, media=Pick, dates=st.integers(0, 3), odd=Pick)
    def create_message(self, which: int, value: int, media: int, dates: int, odd: int) -> None:
        channel = one_of(self.some("channels"), which)
        given: Record = {"body": one_of(WORDS, value)}
        if media % 4 == 0:
            given["media_sid"] = self.a_file(channel["service_sid"], media)
            if media % 8 == 0:
                del given["body"]
        elif odd % FAULTS == NO_BODY:
            del given["body"]
        if value % 2:
            given |= {"author": one_of(IDENTITIES, value), "attributes": one_of(JSON, value)}
            given |= self.dates(dates)
        if value % 3 == 0:
            given["last_updated_by"] = "importer"
        at = self.in_channel(channel, value, odd)
        self.step(CreateMessage(**at, **given), lambda: self.model.create_message(**at, **given), odd=odd)

    @precondition(lambda self: self.some("messages"))
    @rule(which=Pick, what=st.integers(0, 15), value=Pick, odd=Pick)
    def update_message(self, which: int, what: int, value: int, odd: int) -> None:
        message = one_of(self.some("messages"), which)
        given = self.dates(value) if what & 1 else {}
        if what & 2 and (message["media_sid"] is None or odd % 5 == 0):
            given["body"] = one_of(WORDS, value)
        if what & 4:
            given |= {"author": one_of(IDENTITIES, value), "attributes": one_of(JSON, value)}
        if what & 8:
            given["last_updated_by"] = one_of(IDENTITIES, value)
        at = {**self.in_channel(message, value, odd), "sid": gone_if(message["sid"], odd)}
        self.step(UpdateMessage(**at, **given), lambda: self.model.update_message(**at, **given), odd=odd)

    @precondition(lambda self: self.some("messages"))
    @rule(which=Pick, value=Pick, odd=Pick)
    def delete_message(self, which: int, value: int, odd: int) -> None:
        message = one_of(self.some("messages"), which)
        at = {**self.in_channel(message, value, odd), "sid": gone_if(message["sid"], odd)}
        self.step(DeleteMessage(**at), lambda: self.model.delete_message(**at), odd=odd)

    # Channel webhooks and credentials

    @precondition(lambda self: self.some("channels"))
    @rule(which=Pick, what=Pick, value=Pick, odd=Pick)
    def change_a_webhook(self, which: int, what: int, value: int, odd: int) -> None:
        webhooks = self.some("webhooks")
        given = webhook_settings(value, whole=odd % 5 != 0)
        if what % 3 == 0 or not webhooks:
            at = self.in_channel(one_of(self.some("channels"), which), value, odd)
            kind = one_of(("webhook", "trigger", "studio"), which)
            self.step(
                CreateChannelWebhook(**at, type=ChannelWebhookType(kind), **typed_settings(given)),
                lambda: self.model.create_webhook(**at, type=kind, **given),
                odd=odd,
            )
            return
        webhook = one_of(webhooks, which)
        at = {**self.in_channel(webhook, value, odd), "sid": gone_if(webhook["sid"], odd)}
        if what % 3 == 1:
            self.step(
                UpdateChannelWebhook(**at, **typed_settings(given)),
                lambda: self.model.update_webhook(**at, **given),
                odd=odd,
            )
        else:
            self.step(DeleteChannelWebhook(**at), lambda: self.model.delete_webhook(**at), odd=odd)

    @rule(which=Pick, what=Pick, value=Pick, odd=Pick)
    def change_a_credential(self, which: int, what: int, value: int, odd: int) -> None:
        credentials = self.some("credentials")
        given = secrets(value) | {"friendly_name": one_of((*WORDS, None), value), "sandbox": value % 2 == 0}
        if (what % 3 == 0 and len(credentials) < 4) or not credentials:
            kind = one_of(("apn", "gcm", "fcm"), which)
            self.step(
                CreateCredential(type=PushType(kind), **given),
                lambda: self.model.create_credential(kind, **given),
            )
            return
        sid = gone_if(one_of(credentials, which)["sid"], odd)
        if what % 3 == 1:
            self.step(DeleteCredential(sid=sid), lambda: self.model.delete_credential(sid), odd=odd)
        else:
            self.step(
                UpdateCredential(sid=sid, **given),
                lambda: self.model.update_credential(sid, **given),
                odd=odd,
            )

    # Housekeeping

    @precondition(lambda self: self.remains)
    @rule(most=st.integers(1, 5))
    def clear_remains(self, most: int) -> None:
        """Nobody sees it."""
        self.remains -= 1
        self.stage.run(commands.run(ClearRemains(most=most), Operator(), self.world))
        self._count("ClearRemains", done=True)

    # What holds after every step

    @invariant()
    def everything_is_as_the_model_says(self) -> None:
        kept = self.stage.run(self._read(everything, self.caller, self.stage.ask))
        self._compare(kept, self.caller)
        assert self.follower.objects == kept_objects(kept), "events lead to what is kept"

    @invariant()
    def every_list_has_pages(self) -> None:
        self.stage.run(self._read(walk_a_list, self.caller, self.model, self.steps))

    @invariant()
    def everything_is_found_by_each_of_its_names(self) -> None:
        self.stage.run(self._read(look_one_up, self.caller, self.stranger, self.model, self.steps))

    @invariant()
    def who_was_away_catches_up(self) -> None:
        if self.steps % 5:
            return
        for name, before in self.away.items():
            if now := self.follower.objects.get(name):
                assert caught_up(before, now) == now
        self.stage.run(self._read(catches_up, self.caller, self.away, self.follower.objects))
        self.away = copy.deepcopy(self.follower.objects)

    def teardown(self) -> None:
        self.stage.lengths.append(self.steps)
        self.model.account = self.stranger.account_sid
        self._compare(self.stage.run(self._read(everything, self.stranger, self.stage.ask)), self.stranger)

    # How a step is made

    def step(self, command: Any, expected: Callable[[], Any], *, odd: int = 0) -> None:
        """Carry out a change on both sides, and compare what comes of it."""
        note(repr(command))
        self.time += one_of((1, 1, 0, 60_000), odd)
        caller = self.stranger if odd % FAULTS == STRANGER else self.caller
        gone = self._followed_in(command.sid) if isinstance(command, DeleteService) else set()

        done = self._do(command, expected, caller)

        if done:
            self.follower.leave(gone)
            self.remains += 2 * isinstance(command, DeleteChannel | DeleteService)
        self._count(type(command).__name__, done=done)

    def _do(self, command: Any, expected: Callable[[], Any], caller: Caller) -> bool:
        self.minted, self.store.events = [], []
        try:
            told = shown(self.stage.run(commands.run(command, caller, self.world)))
        except ApiError as error:
            told = code_of(error)

        self.model.account, self.model.now = caller.account_sid, self.time
        try:
            wanted = expected()
        except Refused as refused:
            wanted = refused.code
        self.model.account = self.caller.account_sid

        if isinstance(command, CreateService | UpdateService) and isinstance(wanted, dict):
            told = {name: told[name] for name in wanted}
        assert told == wanted
        for event in self.store.events:
            self.follower.follow(event)
        assert not (isinstance(wanted, int) and self.store.events), "what is refused has not happened"
        return not isinstance(wanted, int)

    def _count(self, name: str, *, done: bool) -> None:
        self.steps += 1
        self.stage.tally[name, done] += 1

    def _new_sid(self, prefix: str) -> str:
        self.minted.append(self.stage.mint(prefix))
        return self.minted[-1]

    def _take_sid(self, prefix: str) -> str:
        """Name what the model makes as the product has named it."""
        sid = next(sid for sid in self.minted if sid.startswith(prefix))
        self.minted.remove(sid)
        return sid

    def _account(self) -> Caller:
        made = CreateAccount(friendly_name="Test", sealed_auth_token=b"sealed")
        account = self.stage.run(commands.run(made, Operator(), self.world))
        return Caller(account_id=account.id, account_sid=account.sid)

    def _set_the_scene(self, caller: Caller) -> None:
        """Give an account a service with two users and two channels, so that things happen at once."""
        limits = {"channel_members": 3, "user_channels": 3}
        service = CreateService(friendly_name="Support", limits=Limits(**limits))
        assert self._do(service, lambda: self.model.create_service("Support", limits), caller)
        sid = list(self.model.services)[-1]
        for who in IDENTITIES[:2]:
            user = CreateUser(service_sid=sid, identity=who)
            assert self._do(user, lambda who=who: self.model.create_user(sid, who), caller)
        for name in UNIQUE_NAMES[:2]:
            channel = CreateChannel(service_sid=sid, unique_name=name)
            assert self._do(channel, lambda name=name: self.model.create_channel(sid, name), caller)
        at = {"service_sid": sid, "channel": UNIQUE_NAMES[0]}
        roles = [self._guest(sid, role_type, caller) for role_type in ("deployment", "channel")]
        user = {"service_sid": sid, "user": IDENTITIES[0], "role_sid": roles[0]}
        member = {**at, "identity": IDENTITIES[0], "role_sid": roles[1]}
        message = {**at, "body": WORDS[1]}
        assert self._do(UpdateUser(**user), lambda: self.model.update_user(**user), caller)
        assert self._do(CreateMember(**member), lambda: self.model.create_member(**member), caller)
        assert self._do(CreateMessage(**message), lambda: self.model.create_message(**message), caller)

    def _guest(self, service_sid: str, role_type: str, caller: Caller) -> str:
        """Make a role that somebody can have and lose."""
        given: Record = {"service_sid": service_sid, "friendly_name": "guest", "permissions": ()}
        role = CreateRole(**given, type=RoleType(role_type))
        assert self._do(role, lambda: self.model.create_role(**given, role_type=role_type), caller)
        return list(self.model.roles)[-1]

    # What a step is about

    def some(self, kind: str) -> list[Record]:
        """The services, users, channels … of the account."""
        return self.model.of_account(kind, self.caller.account_sid)

    def a_service(self, odd: int) -> Record:
        services = self.some("services")
        return services[-1] if odd % 4 == 0 else services[0]

    def a_role(self, service: Record, which: int, role_type: str) -> str:
        """A role of the service and of this type, as a rule."""
        if which % 11 == 0:
            return one_of([*self.model.roles, "RL" + "0" * 32], which)
        roles = self.model.roles.values()
        right = [
            role for role in roles if role["service_sid"] == service["sid"] and role["type"] == role_type
        ]
        return one_of(right[::-1], which)["sid"]

    def a_channel_with_room(self, which: int) -> Record:
        """A channel that has room for another member, as a rule."""
        channels = self.some("channels")
        roomy = [
            channel
            for channel in channels
            if len(self.model.members_of(channel))
            < self.model.services[channel["service_sid"]]["limits"]["channel_members"]
        ]
        return one_of((roomy if which % 5 else channels) or channels, which)

    def a_file(self, service_sid: str, which: int) -> str:
        """A file that was just uploaded, as a rule."""
        if which % 5 == 0:
            return one_of([*self.model.media, "ME" + "0" * 32], which)
        media = {
            "sid": self.stage.mint("ME"),
            "size": which,
            "content_type": "text/plain",
            "filename": one_of((None, *WORDS), which),
            "date_created": self.time,
            "date_updated": self.time,
        }
        self.stage.run(self._upload(service_sid, Media(**media)))
        self.model.upload(service_sid, media)
        return media["sid"]

    def dates(self, which: int) -> Record:
        """What an import says of the past, or of the future."""
        given = {}
        if which & 1:
            given["date_created"] = START - 1_000_000 * which
        if which & 2:
            given["date_updated"] = START + 2_000_000 * which
        return given

    def horizon(self, which: int) -> Record:
        given: Record = {}
        if which % 5 < 4:
            given["last_consumed_message_index"] = one_of((0, 1, 2, 3, 100, None), which)
        if which % 4 == 0:
            given["last_consumption_timestamp"] = one_of((None, START, START - 1), which)
        return given

    def in_service(self, record: Record, odd: int) -> Record:
        """Where a request looks for a thing: in its service, as a rule."""
        others = [service["sid"] for service in self.some("services")]
        if odd % FAULTS == ELSEWHERE:
            return {"service_sid": one_of(others, odd)}
        return {"service_sid": gone_if(record["service_sid"], odd, NOWHERE)}

    def in_channel(self, record: Record, how: int, odd: int) -> Record:
        """Where a request looks for what is in a channel: there, by one of its names, as a rule."""
        channel = self.model.channels[record.get("channel_sid", record["sid"])]
        if odd % FAULTS == OTHER_CHANNEL:
            channel = one_of(self.some("channels"), how)
        return {**self.in_service(channel, odd), "channel": a_key(channel, "unique_name", how, odd, NOWHERE)}

    def of_user(self, record: Record, how: int, odd: int) -> Record:
        """The same for what is of a user in a channel: a membership or an invite."""
        service = self.model.services[record["service_sid"]]
        user = self.model.user(service, record["identity"])
        return {**self.in_channel(record, how, odd), "user": a_key(user, "identity", how // 3, odd)}

    # How things are read

    async def _read(self, question: Any, *about: Any) -> Any:
        async with self.store.reading() as tx:
            return await question(tx, *about)

    def _compare(self, kept: Kept, caller: Caller) -> None:
        for name, wanted in self.model.everything(caller.account_sid).items():
            told = shown(getattr(kept, name))
            if name == "services":
                told = [
                    {field: service[field] for field in like}
                    for service, like in zip(told, wanted, strict=True)
                ]
            assert told == wanted, name

    async def _upload(self, service_sid: str, media: Media) -> None:
        async with self.store.reading() as tx:
            service = await lookup.service_named(tx, self.caller, service_sid)
        await self.stage.store.write(lambda tx: tx.media.add(service, media))

    def _followed_in(self, service_sid: str) -> set[str]:
        """The channels and users of a service."""
        records = [*self.some("channels"), *self.some("users")]
        return {record["sid"] for record in records if record["service_sid"] == service_sid}
