"""How accounts and API keys are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chinwag.domain.account import Account, Key

if TYPE_CHECKING:
    from chinwag.ids import Millis
    from chinwag.storage.database import Database, Row


class AccountRows:
    """Accounts and their keys. Secrets are kept as they come: sealed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, sid: str) -> Account | None:
        """Return an account, or None."""
        row = await self._database.row(
            """
            SELECT id, sid, friendly_name, sealed_auth_token, date_created
            FROM account
            WHERE sid = $1
            """,
            sid,
        )
        return _account(row) if row else None

    async def all(self) -> list[Account]:
        """Return every account, oldest first."""
        rows = await self._database.rows(
            "SELECT id, sid, friendly_name, sealed_auth_token, date_created FROM account ORDER BY id"
        )
        return [_account(row) for row in rows]

    async def add(
        self, *, sid: str, friendly_name: str, sealed_auth_token: bytes, date_created: Millis
    ) -> Account | None:
        """Add an account and return it; None when the SID is taken."""
        row = await self._database.row(
            """
            INSERT INTO account (sid, friendly_name, sealed_auth_token, date_created)
            VALUES ($1, $2, $3, $4)
            ON CONFLICT (sid) DO NOTHING
            RETURNING id, sid, friendly_name, sealed_auth_token, date_created
            """,
            sid, friendly_name, sealed_auth_token, date_created,
        )  # fmt: skip
        return _account(row) if row else None

    async def set_auth_token(self, sid: str, sealed_auth_token: bytes) -> bool:
        """Change the auth token; False when there is no such account."""
        row = await self._database.row(
            "UPDATE account SET sealed_auth_token = $2 WHERE sid = $1 RETURNING 1", sid, sealed_auth_token
        )
        return row is not None

    async def key(self, sid: str) -> Key | None:
        """Return an API key, or None."""
        row = await self._database.row(
            """
            SELECT api_key.id, api_key.sid, account_id, account.sid, api_key.friendly_name, sealed_secret,
                   api_key.date_created
            FROM api_key JOIN account ON account.id = account_id
            WHERE api_key.sid = $1
            """,
            sid,
        )
        return _key(row) if row else None

    async def keys(self, account: Account) -> list[Key]:
        """Return the API keys of an account, oldest first."""
        rows = await self._database.rows(
            """
            SELECT id, sid, account_id, $2, friendly_name, sealed_secret, date_created
            FROM api_key
            WHERE account_id = $1
            ORDER BY id
            """,
            account.id, account.sid,
        )  # fmt: skip
        return [_key(row) for row in rows]

    async def add_key(
        self, account: Account, *, sid: str, friendly_name: str, sealed_secret: bytes, date_created: Millis
    ) -> Key | None:
        """Add a key and return it; None when the SID is taken."""
        row = await self._database.row(
            """
            INSERT INTO api_key (sid, account_id, friendly_name, sealed_secret, date_created)
            VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (sid) DO NOTHING
            RETURNING id, sid, account_id, $6, friendly_name, sealed_secret, date_created
            """,
            sid, account.id, friendly_name, sealed_secret, date_created, account.sid,
        )  # fmt: skip
        return _key(row) if row else None

    async def set_key_secret(self, sid: str, sealed_secret: bytes) -> bool:
        """Change the secret of a key; False when there is no such key."""
        row = await self._database.row(
            "UPDATE api_key SET sealed_secret = $2 WHERE sid = $1 RETURNING 1", sid, sealed_secret
        )
        return row is not None

    async def remove_key(self, sid: str) -> bool:
        """Remove a key; False when there is no such key."""
        row = await self._database.row("DELETE FROM api_key WHERE sid = $1 RETURNING 1", sid)
        return row is not None


def _account(row: Row) -> Account:
    return Account(id=row[0], sid=row[1], friendly_name=row[2], sealed_auth_token=row[3], date_created=row[4])


def _key(row: Row) -> Key:
    return Key(
        id=row[0],
        sid=row[1],
        account_id=row[2],
        account_sid=row[3],
        friendly_name=row[4],
        sealed_secret=row[5],
        date_created=row[6],
    )
