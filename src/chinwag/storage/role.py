"""How roles are kept."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING

import msgspec

from chinwag.domain.permissions import RoleType
from chinwag.domain.rights import Standing
from chinwag.domain.role import Role
from chinwag.storage.page import PageOf

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chinwag.domain.channel import Channel
    from chinwag.domain.paging import Cursor
    from chinwag.domain.service import Service
    from chinwag.ids import Millis
    from chinwag.storage.database import Database, Row

_SELECT = """
    SELECT sid, friendly_name, type, permissions, date_created, date_updated
    FROM role
    WHERE service_id = $1
"""

_PAGE = PageOf(_SELECT, by="sid")

_STANDING = """
    SELECT "user".sid, deployment_role.sid, deployment_role.permissions, member.sid, channel_role.sid,
           channel_role.permissions, invite.sid
    FROM "user"
    LEFT JOIN role AS deployment_role ON deployment_role.service_id = "user".service_id
        AND deployment_role.sid = coalesce(
            (SELECT sid FROM role WHERE role.service_id = "user".service_id AND role.sid = "user".role_sid),
            $4
        )
    LEFT JOIN member ON member.user_id = "user".id AND member.channel_id = $3 AND NOT member.deleted
    LEFT JOIN role AS channel_role ON channel_role.service_id = "user".service_id AND member.id IS NOT NULL
        AND channel_role.sid = coalesce(
            (SELECT sid FROM role WHERE role.service_id = "user".service_id AND role.sid = member.role_sid),
            $5
        )
    LEFT JOIN invite ON invite.user_id = "user".id AND invite.channel_id = $3
    WHERE "user".service_id = $1 AND identity = $2
"""

COLUMNS = 6
"""What is kept of a role, beside its service."""

_permissions = msgspec.json.Decoder(tuple[str, ...]).decode


class RoleRows:
    """Roles, each within its service."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, service: Service, sid: str) -> Role | None:
        """Return a role of the service, or None."""
        row = await self._database.row(_SELECT + " AND sid = $2", service.id, sid)
        return _role(row, service) if row else None

    async def page(self, service: Service, cursor: Cursor) -> list[Role]:
        """Return a page of roles, oldest first, and one more if there are more."""
        return [_role(row, service) for row in await _PAGE.read(self._database, service.id, cursor)]

    async def add(self, service: Service, roles: Iterable[Role]) -> None:
        """Add roles to the service."""
        await self._database.execute_many(
            """
            INSERT INTO role (service_id, sid, friendly_name, type, permissions, date_created, date_updated)
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            """,
            [(service.id, *columns(role)) for role in roles],
        )

    async def set_permissions(
        self, service: Service, sid: str, permissions: tuple[str, ...], date_updated: Millis
    ) -> Role:
        """Replace the permissions of a role that was found in the same transaction, and return it."""
        row = await self._database.row(
            """
            UPDATE role
            SET permissions = $3, date_updated = $4
            WHERE service_id = $1 AND sid = $2
            RETURNING sid, friendly_name, type, permissions, date_created, date_updated
            """,
            service.id, sid, _text(permissions), date_updated,
        )  # fmt: skip
        assert row is not None, "the service is locked, so the role cannot have gone"
        return _role(row, service)

    async def remove(self, service: Service, sid: str) -> None:
        """Remove a role."""
        await self._database.execute("DELETE FROM role WHERE service_id = $1 AND sid = $2", service.id, sid)

    async def standing(self, service: Service, identity: str, channel: Channel | None) -> Standing | None:
        """Return who a user is in a service and in a channel, and what the user's roles permit, or None."""
        row = await self._database.row(
            _STANDING,
            service.id, identity, channel.id if channel else None, service.default_service_role_sid,
            service.default_channel_role_sid,
        )  # fmt: skip
        return _standing(row, service) if row else None


def columns(role: Role) -> tuple[object, ...]:
    """Return what is kept of a role, beside its service, in the order in which INSERT names it."""
    return (
        role.sid,
        role.friendly_name,
        role.type,
        _text(role.permissions),
        role.date_created,
        role.date_updated,
    )


def _role(row: Row, service: Service) -> Role:
    return Role(
        sid=row[0],
        account_sid=service.account_sid,
        service_sid=service.sid,
        friendly_name=row[1],
        type=RoleType(row[2]),
        permissions=_permissions(row[3]),
        date_created=row[4],
        date_updated=row[5],
    )


def _standing(row: Row, service: Service) -> Standing:
    user_sid, deployment_role_sid, permitted, member_sid, channel_role_sid, permitted_there, invite_sid = row
    return Standing(
        user_sid=user_sid,
        deployment_role_sid=deployment_role_sid or service.default_service_role_sid,
        channel_role_sid=channel_role_sid or (member_sid and service.default_channel_role_sid),
        permissions=_together(permitted or "[]", permitted_there or "[]"),
        member_sid=member_sid,
        invited=invite_sid is not None,
    )


@lru_cache(maxsize=1000)
def _together(deployment: str, channel: str) -> frozenset[str]:
    """Return the permissions of two roles, as they are kept."""
    return frozenset(_permissions(deployment)).union(_permissions(channel))


@cache
def _text(permissions: tuple[str, ...]) -> str:
    return msgspec.json.encode(permissions).decode()
