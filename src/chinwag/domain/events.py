"""What has happened. An event is recorded inside the transaction of its change and told after the commit."""

from __future__ import annotations

from msgspec import Struct


class Event(Struct, frozen=True, tag=True):
    """Anything that happened. On the wire between nodes it carries the name of its class."""


class ServiceCreated(Event, frozen=True):
    """A service came into being, with its default roles."""

    service_sid: str


class ServiceUpdated(Event, frozen=True):
    """A setting of a service changed."""

    service_sid: str


class ServiceDeleted(Event, frozen=True):
    """A service is gone, with everything in it."""

    service_sid: str


class RoleCreated(Event, frozen=True):
    """A role was added to a service."""

    service_sid: str
    role_sid: str


class RoleUpdated(Event, frozen=True):
    """The permissions of a role changed: who holds it may do more or less from now on."""

    service_sid: str
    role_sid: str


class RoleDeleted(Event, frozen=True):
    """A role is gone: who held it falls back to the default of the service."""

    service_sid: str
    role_sid: str


class AccountsChanged(Event, frozen=True):
    """Credentials were added, changed or revoked: whoever remembers some must look again."""


AnyEvent = (
    ServiceCreated
    | ServiceUpdated
    | ServiceDeleted
    | RoleCreated
    | RoleUpdated
    | RoleDeleted
    | AccountsChanged
)
"""Every event, for whoever reads one from the wire."""
