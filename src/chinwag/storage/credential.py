"""How credentials are kept. Secrets come sealed and stay sealed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chinwag.domain.credential import Credential, PushType
from chinwag.storage.page import PageOf

if TYPE_CHECKING:
    from chinwag.domain.paging import Cursor
    from chinwag.storage.database import Database, Row

_SELECT = """
    SELECT credential.sid, account.sid, credential.friendly_name, type, sandbox, sealed_certificate,
           sealed_private_key, sealed_api_key, sealed_secret, credential.date_created, date_updated,
           stopped, stopped_code, date_stopped
    FROM credential JOIN account ON account.id = account_id
    WHERE account_id = $1
"""

_PAGE = PageOf(_SELECT, by="credential.sid")


class CredentialRows:
    """Credentials, each within its account."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, account_id: int, sid: str) -> Credential | None:
        """Return a credential, or None."""
        row = await self._database.row(_SELECT + " AND credential.sid = $2", account_id, sid)
        return _credential(row) if row else None

    async def hold(self, account_id: int, sid: str) -> Credential | None:
        """Return a credential and hold its row until the transaction ends, or None."""
        row = await self._database.row(
            _SELECT + " AND credential.sid = $2 FOR UPDATE OF credential", account_id, sid
        )
        return _credential(row) if row else None

    async def find(self, sid: str) -> tuple[int, Credential] | None:
        """Return a credential of any account, behind the key of the account's row, or None."""
        row = await self._database.row("SELECT account_id FROM credential WHERE sid = $1", sid)
        found = await self.get(row[0], sid) if row else None
        return (row[0], found) if row and found else None

    async def page(self, account_id: int, cursor: Cursor) -> list[Credential]:
        """Return a page of credentials, oldest first, and one more if there are more."""
        return [_credential(row) for row in await _PAGE.read(self._database, account_id, cursor)]

    async def add(self, account_id: int, credential: Credential) -> None:
        """Add a credential."""
        await self._database.execute(
            """
            INSERT INTO credential (
                account_id, sid, type, date_created, friendly_name, sandbox, sealed_certificate,
                sealed_private_key, sealed_api_key, sealed_secret, date_updated
            )
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
            """,
            account_id, credential.sid, credential.type, credential.date_created, *_values(credential),
        )  # fmt: skip

    async def save(self, account_id: int, credential: Credential) -> None:
        """Replace every column of a credential that is held."""
        await self._database.execute(
            """
            UPDATE credential
            SET friendly_name = $3, sandbox = $4, sealed_certificate = $5, sealed_private_key = $6,
                sealed_api_key = $7, sealed_secret = $8, date_updated = $9, stopped = $10,
                stopped_code = $11, date_stopped = $12
            WHERE account_id = $1 AND sid = $2
            """,
            account_id, credential.sid, *_values(credential), credential.stopped, credential.stopped_code,
            credential.date_stopped,
        )  # fmt: skip

    async def remove(self, account_id: int, credential: Credential) -> None:
        """Remove a credential."""
        await self._database.execute(
            "DELETE FROM credential WHERE account_id = $1 AND sid = $2", account_id, credential.sid
        )


def _credential(row: Row) -> Credential:
    return Credential(
        sid=row[0],
        account_sid=row[1],
        friendly_name=row[2],
        type=PushType(row[3]),
        sandbox=None if row[4] is None else bool(row[4]),
        sealed_certificate=row[5],
        sealed_private_key=row[6],
        sealed_api_key=row[7],
        sealed_secret=row[8],
        date_created=row[9],
        date_updated=row[10],
        stopped=row[11],
        stopped_code=row[12],
        date_stopped=row[13],
    )


def _values(credential: Credential) -> tuple[object, ...]:
    """Return what may change about a credential, in the order in which both statements name it."""
    return (
        credential.friendly_name,
        credential.sandbox,
        credential.sealed_certificate,
        credential.sealed_private_key,
        credential.sealed_api_key,
        credential.sealed_secret,
        credential.date_updated,
    )
