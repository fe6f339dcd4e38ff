"""How a message is posted: what happens most in a chat."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from chinwag.domain.amendment import NO_AMENDMENT, Amendment
from chinwag.domain.attributes import NO_ATTRIBUTES
from chinwag.domain.caller import SYSTEM
from chinwag.domain.change import or_else
from chinwag.domain.channel import ChannelUpdated
from chinwag.domain.happening import Happening
from chinwag.domain.lookup import channel_to_change, service_named
from chinwag.domain.media import Media, media_to_send
from chinwag.domain.message import Draft, Message, MessageAdded, Posted
from chinwag.domain.occasion import OccasionNoted
from chinwag.domain.rights import EVERYTHING, rights_of
from chinwag.domain.webhook import WebhookEvent
from chinwag.domain.webhook_call import Foretold
from chinwag.errors import ApiError, Kinds
from chinwag.ids import Millis, parse_sid

if TYPE_CHECKING:
    from chinwag.domain.caller import Caller
    from chinwag.domain.rights import Rights
    from chinwag.domain.unit import Transaction
    from chinwag.ids import NewSid


class CreateMessage(Struct, frozen=True, kw_only=True):
    """Post a message. Over REST the author need be neither a member nor a user (decided).

    Args:
        channel: a SID or a unique name.
        media_sid: a file that was uploaded and not sent yet.
        foretold: what webhooks are told of it, if that is decided already.
    """

    service_sid: str
    channel: str
    body: str | None = None
    author: str = SYSTEM
    attributes: str = NO_ATTRIBUTES
    media_sid: str | None = None
    last_updated_by: str | None = None
    date_created: Millis | UnsetType = UNSET
    date_updated: Millis | UnsetType = UNSET
    amendment: Amendment = NO_AMENDMENT
    foretold: Foretold | None = None

    async def apply(self, tx: Transaction, caller: Caller, now: Millis, new_sid: NewSid) -> Message:
        """Return the new message.

        Raises:
            ApiError: `SERVICE_NOT_FOUND`; `CHANNEL_NOT_FOUND`; `NOT_A_MEMBER`; `UNAUTHORIZED`;
                `MESSAGE_BODY_NOT_PROVIDED` with neither body nor file; `MEDIA_NOT_FOUND`;
                `MEDIA_SENT_ALREADY`.
        """
        if self.foretold is not None:
            message = await self._post_as_foretold(tx, caller, self.foretold)
            if message is not None:
                return message

        sid, channel_sid = new_sid("IM"), parse_sid("CH", self.channel)
        may, media, service = EVERYTHING, None, None
        looks = caller.identity is not None or caller.tells_webhooks
        if looks or self.media_sid is not None or channel_sid is None:
            service = await service_named(tx, caller, self.service_sid)
            channel = await channel_to_change(tx, service, self.channel)
            channel_sid = channel.sid
            may = await rights_of(tx, caller, service, channel)
            may.must_be_member()
            may.must("sendMessage" if self.media_sid is None else "sendMediaMessage")
            if self.media_sid is not None:
                media = await media_to_send(tx, caller, service, self.media_sid)
                media = replace(media, channel_sid=channel.sid, message_sid=sid, date_updated=now)
                await tx.media.attach(media, channel)
        draft = self.draft(sid, now, caller, may=may, media=media)
        if draft.body is None and media is None:
            raise ApiError(Kinds.MESSAGE_BODY_NOT_PROVIDED, "a message needs Body or MediaSid")

        posted = await tx.messages.post(caller, self.service_sid, channel_sid, draft)
        if posted is None:
            raise ApiError(Kinds.CHANNEL_NOT_FOUND)
        event = WebhookEvent.MESSAGE_SENT if media is None else WebhookEvent.MEDIA_MESSAGE_SENT
        happening = Happening(event=event, subject=posted.message, service=service, channel=posted.channel)
        _record(tx, posted, happening)
        return posted.message

    def draft(
        self, sid: str, now: Millis, caller: Caller, *, may: Rights = EVERYTHING, media: Media | None = None
    ) -> Draft:
        """Return the message without its place."""
        created = or_else(self.date_created, now)
        updated = or_else(self.date_updated, created)
        return Draft(
            sid=sid,
            author=or_else(self.amendment.author, caller.identity or self.author),
            member_sid=may.member_sid,
            body=or_else(self.amendment.body, self.body),
            attributes=or_else(self.amendment.attributes, self.attributes),
            was_edited=updated > created,
            last_updated_by=self.last_updated_by,
            media=media,
            date_created=created,
            date_updated=updated,
        )

    async def _post_as_foretold(self, tx: Transaction, caller: Caller, foretold: Foretold) -> Message | None:
        """Return the new message; None when something is not as it was thought to be, or not there at all."""
        draft = self.draft(foretold.message_sid, foretold.date, caller)
        posted = await tx.messages.post(caller, self.service_sid, self.channel, draft, foretold)
        if posted is None:
            return None
        happening = Happening(
            event=WebhookEvent.MESSAGE_SENT, subject=posted.message, service=None, foretold=foretold
        )
        _record(tx, posted, happening)
        return posted.message


def _record(tx: Transaction, posted: Posted, happening: Happening) -> None:
    tx.record(MessageAdded(posted.message))
    tx.record(ChannelUpdated(posted.channel))
    tx.happened(happening)
    if posted.noted:
        tx.record(OccasionNoted(posted.message.service_sid))
