"""What the REST API shows but cannot make: bindings and media. Client SDKs and uploads make them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chinwag.app import opened
from chinwag.domain.binding import Binding
from chinwag.domain.credential import PushType
from chinwag.domain.media import Media
from chinwag.domain.notifications import NotificationKind

if TYPE_CHECKING:
    from chinwag.domain.service import Service
    from chinwag.domain.unit import Transaction
    from chinwag.settings import Settings


async def add_binding(settings: Settings, user: dict[str, Any], credential: dict[str, Any]) -> str:
    """Add a device of a user, both as REST shows them, and return the SID of its binding."""
    (sid,) = await add_bindings(settings, user, credential, 1)
    return sid


async def add_bindings(
    settings: Settings, user: dict[str, Any], credential: dict[str, Any], how_many: int
) -> list[str]:
    """Add several devices of a user in the same way."""
    async with opened(settings) as parts:
        sids = [parts.world.new_sid("BS") for _ in range(how_many)]

        async def add(tx: Transaction) -> None:
            service = await _service(tx, user)
            found = await tx.users.get(service, user["sid"])
            assert found is not None
            for sid in sids:
                binding = Binding(
                    user_id=found.id,
                    sid=sid,
                    account_sid=user["account_sid"],
                    service_sid=user["service_sid"],
                    user_sid=user["sid"],
                    identity=user["identity"],
                    endpoint=f"phone {sid}",
                    credential_sid=credential["sid"],
                    binding_type=PushType(credential["type"]),
                    address=f"device {sid}",
                    message_types=tuple(NotificationKind),
                    date_created=parts.world.now(),
                    date_updated=parts.world.now(),
                )
                await tx.bindings.add(service, binding)

        await parts.world.store.write(add)
    return sids


async def add_media(settings: Settings, within: dict[str, Any]) -> str:
    """Add a file to the service of something that REST shows, and return its SID."""
    async with opened(settings) as parts:
        media_sid = parts.world.new_sid("ME")

        async def add(tx: Transaction) -> None:
            media = Media(
                sid=media_sid,
                size=2048,
                content_type="application/pdf",
                filename="hello.pdf",
                date_created=parts.world.now(),
                date_updated=parts.world.now(),
            )
            await tx.media.add(await _service(tx, within), media)

        await parts.world.store.write(add)
    return media_sid


async def _service(tx: Transaction, within: dict[str, Any]) -> Service:
    account = await tx.accounts.get(within["account_sid"])
    assert account is not None
    service = await tx.services.get(account.id, within["service_sid"])
    assert service is not None
    return service
