"""The rules of the REST API once more: as plain dictionaries, without storage, and apart from the product.

Nothing here knows how Chinwag is built. Whatever is counted is counted when somebody looks, whatever is
deleted is taken out of its dictionary. A refusal is the code that an application reads; what a path names and
is not there is 20404.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Record = dict[str, Any]

NOT_FOUND, MISSING = 20404, 20001
CHANNEL_ROLE, DEPLOYMENT_ROLE, PERMISSION, CREATOR_ROLE = 50101, 50102, 50104, 50106
USER_EXISTS, RESERVED, NO_IDENTITY, LIKE_SID, TOO_LONG = 50201, 50203, 50204, 50206, 50207
USER_CHANNELS, INVITED = 50208, 50212
NAME_TAKEN, WEBHOOKS, TRIGGERS, FLOW, NO_URL, NO_FILTER, NO_TRIGGER = (
    50307, 50321, 50322, 50327, 50329, 50330, 50331,
)  # fmt: skip
CHANNEL_MEMBERS, MEMBER_EXISTS = 50403, 50404
NO_BODY, NO_MEDIA, MEDIA_SENT, MEDIA_BODY = 50503, 50507, 50508, 50509

PERMISSIONS = {"channel": {"sendMessage", "leaveChannel", "inviteMember"}, "deployment": {"createChannel"}}
"""Some permissions of each type of role: enough to tell the types apart."""

WEBHOOK_USES = {
    "webhook": ("target", "method", "filters", "retry_count"),
    "trigger": ("target", "method", "triggers", "retry_count"),
    "studio": ("flow_sid", "filters", "retry_count"),
}
CREDENTIAL_NEEDS = {
    "apn": ("sealed_certificate", "sealed_private_key"),
    "gcm": ("sealed_api_key",),
    "fcm": ("sealed_secret",),
}
SECRETS = [name for needed in CREDENTIAL_NEEDS.values() for name in needed]


class Refused(Exception):  # noqa: N818  # it is an answer
    """What an application is told instead of an answer."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Either(tuple[str, ...]):
    """Something of which the rules say only that it is one of these."""

    __slots__ = ()

    def __eq__(self, told: object) -> bool:
        return told in tuple(self)

    def __hash__(self) -> int:
        return hash(tuple(self))


class Reference:
    """What there is, and what every operation makes of it.

    Before an operation, set `now`, `account` (who asks) and `new_sid` (what names new things).
    """

    def __init__(self, default_permissions: dict[str, tuple[str, ...]]) -> None:
        self.default_permissions = default_permissions
        """What the four roles of a new service hold, by their names."""
        self.now = 0
        self.account = ""
        self.new_sid: Callable[[str], str] = lambda prefix: prefix
        self.services: dict[str, Record] = {}
        self.roles: dict[str, Record] = {}
        self.users: dict[str, Record] = {}
        self.channels: dict[str, Record] = {}
        self.members: dict[str, Record] = {}
        self.invites: dict[str, Record] = {}
        self.messages: dict[str, Record] = {}
        self.webhooks: dict[str, Record] = {}
        self.credentials: dict[str, Record] = {}
        self.media: dict[str, Record] = {}
        self.former: dict[tuple[str, str], list[str]] = {}
        """The defaults that services had before, by service and kind."""
        self.posted: dict[str, int] = {}
        """How many messages were ever posted in each channel."""
        self.levels: dict[tuple[str, str], str] = {}
        """What users chose to be notified of, by user and channel."""

    # Services

    def create_service(self, friendly_name: str, limits: Record) -> Record:
        sid = self.new_sid("IS")
        default: dict[str, str] = {}
        for name, permissions in self.default_permissions.items():
            role_type = "channel" if name.startswith("channel") else "deployment"
            role = {"service_sid": sid, "friendly_name": name, "type": role_type, "permissions": permissions}
            default[name] = self._keep(self.roles, "RL", **role)["sid"]
        self.services[sid] = {
            **self._new(sid),
            "friendly_name": friendly_name,
            "default_service_role_sid": default["service user"],
            "default_channel_role_sid": default["channel user"],
            "default_channel_creator_role_sid": default["channel admin"],
            "limits": limits,
        }
        return self.services[sid]

    def update_service(self, sid: str, **given: Any) -> Record:
        service = self._service(sid)
        for name, role_type, code in (
            ("default_service_role_sid", "deployment", DEPLOYMENT_ROLE),
            ("default_channel_role_sid", "channel", CHANNEL_ROLE),
            ("default_channel_creator_role_sid", "channel", CREATOR_ROLE),
        ):
            if name in given:
                self._role_given(service, given[name], role_type, code)
                self.former.setdefault((sid, name), []).append(service[name])
        for name in ("channel_members", "user_channels"):
            if name in given:
                service["limits"] = {**service["limits"], name: given.pop(name)}
        service.update(given, date_updated=self.now)
        return service

    def delete_service(self, sid: str) -> None:
        service = self._service(sid)
        for channel in self.channels_of(service):
            self._drop_channel(channel)
        for kept in (self.users, self.roles):
            for record in _of(kept, service_sid=sid):
                del kept[record["sid"]]
        del self.services[sid]

    # Roles

    def create_role(
        self, service_sid: str, friendly_name: str, role_type: str, permissions: tuple[str, ...]
    ) -> Record:
        self._service(service_sid)
        return self._keep(
            self.roles,
            "RL",
            service_sid=service_sid,
            friendly_name=friendly_name,
            type=role_type,
            permissions=_permitted(role_type, permissions),
        )

    def update_role(self, service_sid: str, sid: str, permissions: tuple[str, ...]) -> Record:
        role = self._in_service(self.roles, service_sid, sid)
        role.update(permissions=_permitted(role["type"], permissions), date_updated=self.now)
        return role

    def delete_role(self, service_sid: str, sid: str) -> None:
        role = self._in_service(self.roles, service_sid, sid)
        service = self.services[service_sid]
        for name, code in (
            ("default_channel_creator_role_sid", CREATOR_ROLE),
            ("default_channel_role_sid", CHANNEL_ROLE),
            ("default_service_role_sid", DEPLOYMENT_ROLE),
        ):
            if service[name] == role["sid"]:
                raise Refused(code)
        del self.roles[sid]

    # Users

    def create_user(
        self, service_sid: str, identity: str, role_sid: str | None = None, **given: Any
    ) -> Record:
        service = self._service(service_sid)
        _check_identity(identity)
        role_sid = self._role_or_default(service, role_sid, "deployment")
        if self._user_with(service, identity):
            raise Refused(USER_EXISTS)
        return self.show_user(self._add_user(service, identity, role_sid, **given))

    def update_user(self, service_sid: str, user: str, role_sid: str | None = None, **given: Any) -> Record:
        service = self._service(service_sid)
        changed = self.user(service, user)
        if role_sid is not None:
            given["role_sid"] = self._role_or_default(service, role_sid, "deployment")
        changed.update(given, date_updated=self.now)
        return self.show_user(changed)

    def delete_user(self, service_sid: str, user: str) -> None:
        gone = self.user(self._service(service_sid), user)
        for kept in (self.members, self.invites):
            for record in _of(kept, service_sid=service_sid, identity=gone["identity"]):
                self._leave(kept, record)
        del self.users[gone["sid"]]

    # Channels

    def create_channel(self, service_sid: str, unique_name: str | None = None, **given: Any) -> Record:
        service = self._service(service_sid)
        self._check_free(service, unique_name)
        channel = self._keep(
            self.channels,
            "CH",
            **{
                "service_sid": service_sid,
                "friendly_name": None,
                "unique_name": unique_name,
                "attributes": "{}",
                "type": "public",
                "created_by": "system",
                **given,
            },
        )
        self.posted[channel["sid"]] = 0
        return self.show_channel(channel)

    def update_channel(self, service_sid: str, channel: str, **given: Any) -> Record:
        service = self._service(service_sid)
        changed = self.channel(service, channel)
        if "unique_name" in given and given["unique_name"] != changed["unique_name"]:
            self._check_free(service, given["unique_name"])
        changed.update({"date_updated": self.now, **given})
        return self.show_channel(changed)

    def delete_channel(self, service_sid: str, channel: str) -> None:
        self._drop_channel(self.channel(self._service(service_sid), channel))

    # Members and invites

    def create_member(
        self, service_sid: str, channel: str, identity: str, role_sid: str | None = None, **given: Any
    ) -> Record:
        service = self._service(service_sid)
        joined = self.channel(service, channel)
        _check_identity(identity)
        chosen = self._role_or_default(service, role_sid, "channel")
        user = self._user_with(service, identity)
        if user and self._in_channel(self.members, joined, identity):
            raise Refused(MEMBER_EXISTS)
        if len(self.members_of(joined)) >= service["limits"]["channel_members"]:
            raise Refused(CHANNEL_MEMBERS)
        if user and self._joined_channels(user) >= service["limits"]["user_channels"]:
            raise Refused(USER_CHANNELS)

        if user is None:
            user = self._add_user(service, identity, service["default_service_role_sid"])
        invite = self._in_channel(self.invites, joined, identity)
        if invite:
            chosen = invite["role_sid"] if role_sid is None else chosen
            del self.invites[invite["sid"]]
        self.levels.setdefault((user["sid"], joined["sid"]), "default")
        horizon = {name: given.pop(name) for name in _HORIZON if name in given}
        member = self._keep(
            self.members,
            "MB",
            **{
                "service_sid": service_sid,
                "channel_sid": joined["sid"],
                "identity": identity,
                "role_sid": chosen,
                "attributes": "{}",
                "last_consumed_message_index": None,
                "last_consumption_timestamp": None,
                **given,
            },
        )
        self._read(member, horizon)
        return self.show_member(member)

    def update_member(
        self, service_sid: str, channel: str, member: str, role_sid: str | None = None, **given: Any
    ) -> Record:
        service = self._service(service_sid)
        changed = self.member(self.channel(service, channel), member)
        if role_sid is not None:
            given["role_sid"] = self._role_or_default(service, role_sid, "channel")
        self._read(changed, {name: given.pop(name) for name in _HORIZON if name in given})
        changed.update({"date_updated": self.now, **given})
        return self.show_member(changed)

    def delete_member(self, service_sid: str, channel: str, member: str) -> None:
        gone = self.member(self.channel(self._service(service_sid), channel), member)
        self._leave(self.members, gone)

    def create_invite(
        self,
        service_sid: str,
        channel: str,
        identity: str,
        role_sid: str | None = None,
        created_by: str = "system",
    ) -> Record:
        service = self._service(service_sid)
        target = self.channel(service, channel)
        _check_identity(identity)
        chosen = self._role_or_default(service, role_sid, "channel")
        user = self._user_with(service, identity)
        if user is None:
            raise Refused(NOT_FOUND)
        if self._in_channel(self.members, target, identity):
            raise Refused(MEMBER_EXISTS)
        if self._in_channel(self.invites, target, identity):
            raise Refused(INVITED)
        self.levels[user["sid"], target["sid"]] = "default"
        return self._keep(
            self.invites,
            "IN",
            service_sid=service_sid,
            channel_sid=target["sid"],
            identity=identity,
            role_sid=chosen,
            created_by=created_by,
        )

    def delete_invite(self, service_sid: str, channel: str, sid: str) -> None:
        target = self.channel(self._service(service_sid), channel)
        self._leave(self.invites, _one(self.invites, sid, channel_sid=target["sid"]))

    # The channels of a user

    def update_user_channel(
        self, service_sid: str, user: str, channel: str, notification_level: str | None = None, **horizon: Any
    ) -> Record:
        service = self._service(service_sid)
        owner, target = self.user(service, user), self.channel(service, channel)
        member = self._in_channel(self.members, target, owner["identity"])
        invite = self._in_channel(self.invites, target, owner["identity"])
        if not member and (horizon or not invite):
            raise Refused(NOT_FOUND)
        if notification_level is not None:
            self.levels[owner["sid"], target["sid"]] = notification_level
        if member and horizon:
            self._read(member, horizon)
            member["date_updated"] = self.now
        return self._user_channel(owner, target)

    def delete_user_channel(self, service_sid: str, user: str, channel: str) -> None:
        service = self._service(service_sid)
        owner, target = self.user(service, user), self.channel(service, channel)
        for kept in (self.members, self.invites):
            if found := self._in_channel(kept, target, owner["identity"]):
                self._leave(kept, found)
                return
        raise Refused(NOT_FOUND)

    # Messages

    def create_message(
        self,
        service_sid: str,
        channel: str,
        body: str | None = None,
        media_sid: str | None = None,
        **given: Any,
    ) -> Record:
        target = self.channel(self._service(service_sid), channel)
        if body is None and media_sid is None:
            raise Refused(NO_BODY)
        if media_sid is not None:
            media = self.media.get(media_sid)
            if media is None or media["service_sid"] != service_sid:
                raise Refused(NO_MEDIA)
            if media["message_sid"]:
                raise Refused(MEDIA_SENT)
        index = self.posted[target["sid"]]
        self.posted[target["sid"]] += 1
        message = self._keep(
            self.messages,
            "IM",
            **{
                "service_sid": service_sid,
                "channel_sid": target["sid"],
                "index": index,
                "author": "system",
                "member_sid": None,
                "body": body,
                "attributes": "{}",
                "last_updated_by": None,
                "media_sid": media_sid,
                **given,
            },
        )
        message["was_edited"] = message["date_updated"] > message["date_created"]
        if media_sid is not None:
            self.media[media_sid].update(
                channel_sid=target["sid"], message_sid=message["sid"], date_updated=self.now
            )
        return self.show_message(message)

    def update_message(self, service_sid: str, channel: str, sid: str, **given: Any) -> Record:
        target = self.channel(self._service(service_sid), channel)
        message = _one(self.messages, sid, channel_sid=target["sid"])
        if "body" in given:
            if message["media_sid"]:
                raise Refused(MEDIA_BODY)
            if given["body"] != message["body"]:
                message["was_edited"] = True
        message.update({"last_updated_by": "system", "date_updated": self.now, **given})
        return self.show_message(message)

    def delete_message(self, service_sid: str, channel: str, sid: str) -> None:
        target = self.channel(self._service(service_sid), channel)
        gone = self.messages.pop(_one(self.messages, sid, channel_sid=target["sid"])["sid"])
        self.media.pop(gone["media_sid"], None)

    def upload(self, service_sid: str, media: Record) -> None:
        self.media[media["sid"]] = {
            "service_sid": service_sid,
            "author": "system",
            "category": "media",
            "uploaded": True,
            "channel_sid": None,
            "message_sid": None,
            **media,
        }

    # Channel webhooks

    def create_webhook(self, service_sid: str, channel: str, type: str, **given: Any) -> Record:  # noqa: A002
        target = self.channel(self._service(service_sid), channel)
        used = {name: value for name, value in given.items() if name in WEBHOOK_USES[type]}
        webhook = {
            "type": type,
            "target": None,
            "method": "POST",
            "filters": (),
            "triggers": (),
            "flow_sid": None,
            "retry_count": 0,
            **used,
        }
        _check_webhook(webhook)
        if len(self.webhooks_of(target)) >= 5:
            raise Refused(WEBHOOKS)
        return self._keep(self.webhooks, "WH", service_sid=service_sid, channel_sid=target["sid"], **webhook)

    def update_webhook(self, service_sid: str, channel: str, sid: str, **given: Any) -> Record:
        target = self.channel(self._service(service_sid), channel)
        webhook = _one(self.webhooks, sid, channel_sid=target["sid"])
        used = {name: value for name, value in given.items() if name in WEBHOOK_USES[webhook["type"]]}
        _check_webhook({**webhook, **used})
        webhook.update(used, date_updated=self.now)
        return webhook

    def delete_webhook(self, service_sid: str, channel: str, sid: str) -> None:
        target = self.channel(self._service(service_sid), channel)
        del self.webhooks[_one(self.webhooks, sid, channel_sid=target["sid"])["sid"]]

    # Credentials

    def create_credential(self, type: str, *, sandbox: bool = False, **given: Any) -> Record:  # noqa: A002
        needed = CREDENTIAL_NEEDS[type]
        if any(given.get(name) is None for name in needed):
            raise Refused(MISSING)
        return self._keep(
            self.credentials,
            "CR",
            friendly_name=given.get("friendly_name"),
            type=type,
            sandbox=sandbox if type == "apn" else None,
            **{name: given[name] if name in needed else None for name in SECRETS},
            stopped=None,
            stopped_code=None,
            date_stopped=None,
        )

    def update_credential(self, sid: str, **given: Any) -> Record:
        credential = _one(self.credentials, sid, account_sid=self.account)
        may = {"friendly_name", *CREDENTIAL_NEEDS[credential["type"]]}
        may |= {"sandbox"} if credential["type"] == "apn" else set()
        credential.update(
            {name: value for name, value in given.items() if name in may}, date_updated=self.now
        )
        return credential

    def delete_credential(self, sid: str) -> None:
        del self.credentials[_one(self.credentials, sid, account_sid=self.account)["sid"]]

    # What is shown

    def of_account(self, kind: str, account: str) -> list[Record]:
        """The services, users, channels … of an account."""
        return _of(getattr(self, kind), account_sid=account)

    def everything(self, account: str) -> Record:
        """All that an account can see, list by list, in the order of the lists."""
        services = _of(self.services, account_sid=account)
        channels = [channel for service in services for channel in self.channels_of(service)]
        users = [user for service in services for user in self.users_of(service)]
        return {
            "services": services,
            "credentials": _of(self.credentials, account_sid=account),
            "roles": {service["sid"]: _of(self.roles, service_sid=service["sid"]) for service in services},
            "users": {
                service["sid"]: [self.show_user(user) for user in self.users_of(service)]
                for service in services
            },
            "channels": {
                service["sid"]: [self.show_channel(channel) for channel in self.channels_of(service)]
                for service in services
            },
            "user_channels": {user["sid"]: self.user_channels_of(user) for user in users},
            "members": {
                channel["sid"]: [self.show_member(member) for member in self.members_of(channel)]
                for channel in channels
            },
            "invites": {
                channel["sid"]: [self.show_invite(invite) for invite in self.invites_of(channel)]
                for channel in channels
            },
            "messages": {
                channel["sid"]: [self.show_message(message) for message in self.messages_of(channel)]
                for channel in channels
            },
            "webhooks": {channel["sid"]: self.webhooks_of(channel) for channel in channels},
        }

    def show_user(self, user: Record) -> Record:
        return {
            **user,
            "role_sid": self._shown_role(user, "service"),
            "is_online": None,
            "is_notifiable": None,
            "joined_channels_count": self._joined_channels(user),
        }

    def show_channel(self, channel: Record) -> Record:
        messages = self.messages_of(channel)
        last = messages[-1] if messages else {}
        return {
            **channel,
            "members_count": len(self.members_of(channel)),
            "messages_count": len(messages),
            "last_message_index": last.get("index"),
            "last_message_sid": last.get("sid"),
            "last_message_date": last.get("date_created"),
        }

    def show_member(self, member: Record) -> Record:
        user = self._user_with(self.services[member["service_sid"]], member["identity"])
        assert user is not None
        return {**member, "user_sid": user["sid"], "role_sid": self._shown_role(member, "channel")}

    def show_invite(self, invite: Record) -> Record:
        return {**invite, "role_sid": self._shown_role(invite, "channel")}

    def show_message(self, message: Record) -> Record:
        shown = {name: value for name, value in message.items() if name != "media_sid"}
        media = self.media.get(message["media_sid"])
        if media:
            media = {name: value for name, value in media.items() if name != "service_sid"}
        return {**shown, "media": media}

    def user_channels_of(self, user: Record) -> list[Record]:
        service = self.services[user["service_sid"]]
        return [
            self._user_channel(user, channel)
            for channel in self.channels_of(service)
            if self._in_channel(self.members, channel, user["identity"])
            or self._in_channel(self.invites, channel, user["identity"])
        ]

    def users_of(self, service: Record) -> list[Record]:
        return _of(self.users, service_sid=service["sid"])

    def channels_of(self, service: Record) -> list[Record]:
        return _of(self.channels, service_sid=service["sid"])

    def members_of(self, channel: Record) -> list[Record]:
        return _of(self.members, channel_sid=channel["sid"])

    def invites_of(self, channel: Record) -> list[Record]:
        return _of(self.invites, channel_sid=channel["sid"])

    def messages_of(self, channel: Record) -> list[Record]:
        return _of(self.messages, channel_sid=channel["sid"])

    def webhooks_of(self, channel: Record) -> list[Record]:
        return _of(self.webhooks, channel_sid=channel["sid"])

    # What is named

    def user(self, service: Record, key: str) -> Record:
        """A user, by SID or identity."""
        return _named("US", key, "identity", self.users_of(service))

    def channel(self, service: Record, key: str) -> Record:
        """A channel, by SID or unique name."""
        return _named("CH", key, "unique_name", self.channels_of(service))

    def member(self, channel: Record, key: str) -> Record:
        """A member, by SID or identity."""
        return _named("MB", key, "identity", self.members_of(channel))

    def _service(self, sid: str) -> Record:
        return _one(self.services, sid, account_sid=self.account)

    def _in_service(self, kept: dict[str, Record], service_sid: str, sid: str) -> Record:
        return _one(kept, sid, service_sid=self._service(service_sid)["sid"])

    def _user_with(self, service: Record, identity: str) -> Record | None:
        return next(iter(_of(self.users, service_sid=service["sid"], identity=identity)), None)

    def _in_channel(self, kept: dict[str, Record], channel: Record, identity: str) -> Record | None:
        return next(iter(_of(kept, channel_sid=channel["sid"], identity=identity)), None)

    def _role_given(self, service: Record, sid: str, role_type: str, code: int) -> str:
        role = self.roles.get(sid)
        if role is None or role["service_sid"] != service["sid"] or role["type"] != role_type:
            raise Refused(code)
        return sid

    def _role_or_default(self, service: Record, sid: str | None, role_type: str) -> str:
        if role_type == "channel":
            default, code = service["default_channel_role_sid"], CHANNEL_ROLE
        else:
            default, code = service["default_service_role_sid"], DEPLOYMENT_ROLE
        return default if sid is None else self._role_given(service, sid, role_type, code)

    def _shown_role(self, holder: Record, kind: str) -> str | Either:
        """The role of somebody; if it was deleted, a default of the service, of now or of before.

        The sources do not say whether who fell back follows when the service is given another default.
        """
        if holder["role_sid"] in self.roles:
            return holder["role_sid"]
        default = f"default_{kind}_role_sid"
        former = [sid for sid in self.former.get((holder["service_sid"], default), []) if sid in self.roles]
        return Either((self.services[holder["service_sid"]][default], *former))

    # What is done

    def _new(self, sid: str) -> Record:
        return {"sid": sid, "account_sid": self.account, "date_created": self.now, "date_updated": self.now}

    def _keep(self, kept: dict[str, Record], prefix: str, **fields: Any) -> Record:
        sid = self.new_sid(prefix)
        record = {**self._new(sid), **fields}
        if "date_created" in fields and "date_updated" not in fields:
            record["date_updated"] = record["date_created"]
        kept[sid] = record
        return record

    def _add_user(self, service: Record, identity: str, role_sid: str, **given: Any) -> Record:
        return self._keep(
            self.users,
            "US",
            **{
                "service_sid": service["sid"],
                "identity": identity,
                "friendly_name": None,
                "attributes": "{}",
                "role_sid": role_sid,
                **given,
            },
        )

    def _check_free(self, service: Record, unique_name: str | None) -> None:
        if unique_name is not None and _of(
            self.channels, service_sid=service["sid"], unique_name=unique_name
        ):
            raise Refused(NAME_TAKEN)

    def _drop_channel(self, channel: Record) -> None:
        for kept in (self.members, self.invites):
            for record in _of(kept, channel_sid=channel["sid"]):
                self._leave(kept, record)
        for kept in (self.messages, self.webhooks, self.media):
            for record in _of(kept, channel_sid=channel["sid"]):
                del kept[record["sid"]]
        del self.channels[channel["sid"]]

    def _leave(self, kept: dict[str, Record], record: Record) -> None:
        """End a membership or an invitation."""
        user = self._user_with(self.services[record["service_sid"]], record["identity"])
        assert user is not None
        del self.levels[user["sid"], record["channel_sid"]]
        del kept[record["sid"]]

    def _read(self, member: Record, horizon: Record) -> None:
        """Move a read horizon: never beyond the last message; reached now, unless it is said when."""
        if "last_consumed_message_index" in horizon:
            index = horizon["last_consumed_message_index"]
            last = max(self.posted[member["channel_sid"]] - 1, 0)
            member["last_consumed_message_index"] = None if index is None else min(index, last)
            member["last_consumption_timestamp"] = None if index is None else self.now
        if "last_consumption_timestamp" in horizon:
            member["last_consumption_timestamp"] = horizon["last_consumption_timestamp"]

    def _joined_channels(self, user: Record) -> int:
        return len(_of(self.members, service_sid=user["service_sid"], identity=user["identity"]))

    def _user_channel(self, user: Record, channel: Record) -> Record:
        member = self._in_channel(self.members, channel, user["identity"])
        horizon = member["last_consumed_message_index"] if member else None
        unread = [message for message in self.messages_of(channel) if message["index"] > (horizon or 0)]
        return {
            "account_sid": user["account_sid"],
            "service_sid": user["service_sid"],
            "user_sid": user["sid"],
            "channel_sid": channel["sid"],
            "member_sid": member["sid"] if member else None,
            "status": "joined" if member else "invited",
            "notification_level": self.levels[user["sid"], channel["sid"]],
            "last_consumed_message_index": horizon,
            "unread_messages_count": None if horizon is None else len(unread),
        }


_HORIZON = ("last_consumed_message_index", "last_consumption_timestamp")


def _matching(records: Iterable[Record], fields: Record) -> Iterator[Record]:
    return (record for record in records if all(record[name] == value for name, value in fields.items()))


def _of(kept: dict[str, Record], **fields: Any) -> list[Record]:
    return list(_matching(kept.values(), fields))


def _one(kept: dict[str, Record], sid: str, **fields: Any) -> Record:
    for record in _matching([kept[sid]] if sid in kept else [], fields):
        return record
    raise Refused(NOT_FOUND)


def _named(prefix: str, key: str, name: str, records: list[Record]) -> Record:
    """What is named by a SID, in either letter case, or else by another name."""
    by_sid = re.fullmatch(f"{prefix}[0-9a-f]{{32}}", key, re.IGNORECASE)
    for record in records:
        if record["sid"].lower() == key.lower() if by_sid else record[name] == key:
            return record
    raise Refused(NOT_FOUND)


def _permitted(role_type: str, permissions: tuple[str, ...]) -> tuple[str, ...]:
    if not set(permissions) <= PERMISSIONS[role_type]:
        raise Refused(PERMISSION)
    return tuple(sorted(set(permissions), key=permissions.index))


def _check_identity(identity: str) -> None:
    if not identity:
        raise Refused(NO_IDENTITY)
    if len(identity) > 256:
        raise Refused(TOO_LONG)
    if re.fullmatch("US[0-9a-f]{32}", identity, re.IGNORECASE):
        raise Refused(LIKE_SID)
    if identity.lower() == "system":
        raise Refused(RESERVED)


def _check_webhook(webhook: Record) -> None:
    kind = webhook["type"]
    if kind == "studio":
        if webhook["flow_sid"] is None:
            raise Refused(FLOW)
        return
    if webhook["target"] is None:
        raise Refused(NO_URL)
    if kind == "webhook" and not webhook["filters"]:
        raise Refused(NO_FILTER)
    if kind == "trigger" and not webhook["triggers"]:
        raise Refused(NO_TRIGGER)
    if len(webhook["triggers"]) > 5:
        raise Refused(TRIGGERS)
