"""The records of one connection: what `chinwag.domain.unit` asks for, made of one file per noun."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chinwag.storage.account import AccountRows
from chinwag.storage.answer import AnswerRows
from chinwag.storage.binding import BindingRows
from chinwag.storage.channel import ChannelRows
from chinwag.storage.channel_webhook import ChannelWebhookRows
from chinwag.storage.credential import CredentialRows
from chinwag.storage.installation import InstallationRow
from chinwag.storage.invite import InviteRows
from chinwag.storage.lease import LeaseRows
from chinwag.storage.media import MediaRows
from chinwag.storage.member import MemberRows
from chinwag.storage.message import MessageRows
from chinwag.storage.occasion import OccasionRows
from chinwag.storage.push import PushRows
from chinwag.storage.remains import RemainsRows
from chinwag.storage.role import RoleRows
from chinwag.storage.service import ServiceRows
from chinwag.storage.user import UserRows
from chinwag.storage.user_channel import UserChannelRows
from chinwag.storage.webhook_call import WebhookCallRows

if TYPE_CHECKING:
    from chinwag.domain.event import Event
    from chinwag.domain.happening import Happening
    from chinwag.storage.database import Database


class Unit:
    """Questions and changes on one connection, and the events that they caused."""

    def __init__(self, database: Database) -> None:
        self.installation = InstallationRow(database)
        self.accounts = AccountRows(database)
        self.services = ServiceRows(database)
        self.roles = RoleRows(database)
        self.users = UserRows(database)
        self.channels = ChannelRows(database)
        self.user_channels = UserChannelRows(database)
        self.members = MemberRows(database)
        self.invites = InviteRows(database)
        self.messages = MessageRows(database)
        self.media = MediaRows(database)
        self.channel_webhooks = ChannelWebhookRows(database)
        self.webhook_calls = WebhookCallRows(database)
        self.occasions = OccasionRows(database)
        self.pushes = PushRows(database)
        self.credentials = CredentialRows(database)
        self.bindings = BindingRows(database)
        self.leases = LeaseRows(database)
        self.remains = RemainsRows(database)
        self.answers = AnswerRows(database)
        self._events: list[Event] = []
        self._happenings: list[Happening] = []

    def record(self, event: Event) -> None:
        """Say what happened."""
        self._events.append(event)

    def happened(self, happening: Happening) -> None:
        """Say of what webhooks may be told."""
        self._happenings.append(happening)

    def take_happenings(self) -> list[Happening]:
        """Return what webhooks may be told of since the last call, and forget it."""
        happenings, self._happenings = self._happenings, []
        return happenings

    def take_events(self) -> list[Event]:
        """Return what was recorded since the last call, and forget it and everything else of the change."""
        events, self._events = self._events, []
        self._happenings.clear()
        return events
