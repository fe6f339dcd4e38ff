"""Every event, for whoever reads one from the wire. Each is described in its noun's file."""

from __future__ import annotations

from chinwag.domain.account import AccountsChanged
from chinwag.domain.channel import ChannelCreated, ChannelDeleted, ChannelUpdated
from chinwag.domain.member import MemberAdded, MemberRemoved, MemberUpdated
from chinwag.domain.message import MessageAdded, MessageRemoved, MessageUpdated
from chinwag.domain.occasion import OccasionNoted
from chinwag.domain.role import RoleCreated, RoleDeleted, RoleUpdated
from chinwag.domain.service import ServiceCreated, ServiceDeleted, ServiceUpdated
from chinwag.domain.typing import Typing
from chinwag.domain.user import UserCreated, UserDeleted, UserUpdated
from chinwag.domain.user_channel import UserChannelAdded, UserChannelRemoved, UserChannelUpdated

AnyEvent = (
    ServiceCreated
    | ServiceUpdated
    | ServiceDeleted
    | RoleCreated
    | RoleUpdated
    | RoleDeleted
    | UserCreated
    | UserUpdated
    | UserDeleted
    | UserChannelAdded
    | UserChannelUpdated
    | UserChannelRemoved
    | ChannelCreated
    | ChannelUpdated
    | ChannelDeleted
    | MemberAdded
    | MemberUpdated
    | MemberRemoved
    | MessageAdded
    | MessageUpdated
    | MessageRemoved
    | Typing
    | OccasionNoted
    | AccountsChanged
)
