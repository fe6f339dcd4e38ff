"""How a database is opened: made, brought up to date, or refused with one clear line."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from msgspec.structs import replace

from chinwag.domain.media import Media
from chinwag.domain.notifications import NO_NOTIFICATIONS, Notification, NotificationKind
from chinwag.domain.paging import Cursor
from chinwag.domain.service import Limits
from chinwag.domain.webhook import WebhookEvent, WebhookMethod, WebhookTarget
from chinwag.storage import postgres, sqlite
from chinwag.storage.migrations import DatabaseTooNewError, Migration, migrations, pending
from chinwag.storage.sqlite import AlreadyServedError, SqliteStore
from chinwag.storage.store import StoreCannotOpenError, open_store
from storage.builders import (
    DEADLINE_SECONDS,
    NOW,
    a_user,
    adding,
    an_account,
    kept_accounts,
    new_service,
    sid,
)
from storage.outside import ask

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from chinwag.domain.account import Account
    from chinwag.domain.unit import Store
    from support.postgres import Postgres

TABLES = {"account", "answer", "api_key", "installation", "migration", "role", "service"} | {
    "binding",
    "channel",
    "channel_webhook",
    "content_left",
    "credential",
    "invite",
    "lease",
    "media",
    "member",
    "message",
    "push",
    "push_occasion",
    "user",
    "user_channel",
    "webhook_call",
}


@pytest.fixture
def database(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """The address of a database in which nothing was made."""
    if engine == "sqlite":
        return f"sqlite:///{tmp_path}/chinwag.db"
    return request.getfixturevalue("postgres_database")


@pytest.fixture
async def postgres_database(postgres: Postgres) -> AsyncIterator[str]:
    url = await postgres.database()
    yield url
    await postgres.drop(url)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "chinwag.db"


@pytest.fixture
async def visitor(postgres_database: str) -> AsyncIterator[None]:
    """A user of PostgreSQL who may look at databases and do nothing."""
    await ask(postgres_database, "CREATE ROLE visitor LOGIN")
    yield
    await ask(postgres_database, "DROP ROLE visitor")


# Both engines


async def test_opening_a_new_database_migrates_it(database: str) -> None:
    store = await opened(database, now=1234)

    assert await kept_accounts(store) == []
    assert await applied(database) == [(step.version, step.name, 1234) for step in migrations("sqlite")]
    await store.close()


async def test_opening_a_database_again_changes_nothing(database: str) -> None:
    first = await opened(database, now=1)
    await first.write(adding(1))
    await first.close()
    before = await applied(database)

    again = await opened(database, now=2)

    assert await applied(database) == before
    assert await kept_accounts(again) == [sid("AC", 1)]
    await again.close()


async def test_two_programs_may_have_a_database_open_at_once(database: str) -> None:
    one, other = await opened(database), await opened(database)

    await one.write(adding(1))
    await other.write(adding(2))

    assert await kept_accounts(one) == await kept_accounts(other) == [sid("AC", 1), sid("AC", 2)]
    await one.close()
    await other.close()


async def test_a_database_of_a_newer_release_is_refused_in_one_line_and_left_alone(database: str) -> None:
    await (await opened(database)).close()
    await ask(database, "INSERT INTO migration VALUES (9999, 'from the future', 0)")
    before = await applied(database)

    with pytest.raises(DatabaseTooNewError) as refusal:
        await opened(database)

    newest = migrations("sqlite")[-1].version
    assert str(refusal.value) == (
        f"this database is at version 9999, and this release of Chinwag knows versions up to {newest}: "
        "run a newer release, or restore a backup made with this one"
    )
    assert await applied(database) == before


async def test_a_step_that_fails_leaves_the_database_as_it_was(database: str) -> None:
    await ask(database, "CREATE TABLE role (in_the_way integer)")

    with pytest.raises(StoreCannotOpenError):
        await opened(database)

    assert await tables(database) == {"role"}


def test_the_steps_of_both_engines_have_the_same_versions_and_names() -> None:
    sqlite, postgres = (
        [(step.version, step.name) for step in migrations(engine)] for engine in ("sqlite", "postgres")
    )

    assert sqlite == postgres


def test_the_steps_are_numbered_from_1_without_a_gap() -> None:
    versions = [step.version for step in migrations("sqlite")]

    assert versions == list(range(1, len(versions) + 1))


@pytest.mark.parametrize(("version", "expected"), [(0, [1, 2, 3]), (2, [3]), (3, [])])
def test_the_steps_after_the_version_of_a_database_are_pending(version: int, expected: list[int]) -> None:
    steps = [Migration(number, "step", "") for number in (1, 2, 3)]

    assert [step.version for step in pending(steps, version)] == expected


async def test_both_engines_have_the_same_tables_columns_keys_and_cascades(
    path: Path, postgres_database: str
) -> None:
    sqlite = f"sqlite:///{path}"
    await (await opened(sqlite)).close()
    await (await opened(postgres_database)).close()

    described = [await described_by_sqlite(sqlite), await described_by_postgres(postgres_database)]

    assert {name for name, _ in described[0]["columns"]} == TABLES
    assert described[0] == described[1]


async def test_both_engines_have_the_same_indices_besides(path: Path, postgres_database: str) -> None:
    sqlite = f"sqlite:///{path}"
    await (await opened(sqlite)).close()
    await (await opened(postgres_database)).close()

    named = [
        {row[0] for row in await ask(database, listed)}
        for database, listed in (
            (sqlite, "SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL"),
            (
                postgres_database,
                """
                SELECT indexrelid::regclass::text
                FROM pg_index JOIN pg_class ON pg_class.oid = indrelid
                WHERE relnamespace = 'public'::regnamespace
                    AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = indexrelid)
                """,
            ),
        )
    ]

    assert named[0] == named[1]


@pytest.mark.check(6)
async def test_services_of_the_first_release_are_unharmed_by_what_came_later(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = await a_database_of_the_first_step(database, monkeypatch)
    await ask(database, OLD_SERVICES)

    store = await opened(database, now=2)

    assert len(await applied(database)) == len(migrations("sqlite"))
    async with store.reading() as tx:
        first, second = await tx.services.page(account.id, Cursor())
    assert first == new_service(account, 1, id=first.id)
    assert second == new_service(
        account,
        2,
        id=second.id,
        friendly_name="Zoë's 🐙",
        limits=Limits(channel_members=1, user_channels=1000),
        read_status_enabled=False,
        reachability_enabled=True,
        notifications={**NO_NOTIFICATIONS, NotificationKind.NEW_MESSAGE: Notification(enabled=True)},
        pre_webhook_url="https://example.com/",
        webhook_method=WebhookMethod.GET,
        webhook_filters=(WebhookEvent.MESSAGE_SENT,),
        webhooks={WebhookEvent.MESSAGE_SENT: WebhookTarget(url="https://example.com/")},
        date_updated=NOW + 1,
    )
    await store.close()


@pytest.mark.check(6)
async def test_what_came_later_has_its_default_in_services_of_the_first_release(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = await a_database_of_the_first_step(database, monkeypatch)
    await ask(database, OLD_SERVICES)

    store = await opened(database)

    async with store.reading() as tx:
        service, _ = await tx.services.page(account.id, Cursor())
    assert (service.pre_webhook_retry_count, service.post_webhook_retry_count) == (0, 0)
    assert service.notifications_log_enabled is False
    assert service.media_compatibility_message == "Media messages are not supported"
    await store.close()


@pytest.mark.check(6)
async def test_files_that_were_sent_know_their_messages_after_the_fourth_step(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = await a_database_of_step(3, database, monkeypatch)
    await ask(database, OLD_SERVICES)
    await ask(database, OLD_CHANNEL)
    await ask(database, OLD_FILES)
    await ask(database, OLD_MESSAGE)

    store = await opened(database)

    async with store.reading() as tx:
        service, _ = await tx.services.page(account.id, Cursor())
        sent, unsent = [await tx.media.get(service, sid("ME", number)) for number in (1, 2)]
    whole = Media(
        id=1,
        sid=sid("ME", 1),
        size=5,
        content_type="image/png",
        channel_sid=sid("CH", 1),
        message_sid=sid("IM", 1),
        date_created=NOW,
        date_updated=NOW,
    )
    assert sent == whole
    assert unsent == replace(whole, id=2, sid=sid("ME", 2), channel_sid=None, message_sid=None)
    await store.close()


@pytest.mark.check(6)
async def test_services_of_the_first_release_take_part_in_what_came_later(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = await a_database_of_the_first_step(database, monkeypatch)
    await ask(database, OLD_SERVICES)
    store = await opened(database)
    async with store.reading() as tx:
        service, other = await tx.services.page(account.id, Cursor())

    user = await a_user(store, service)
    await store.write(lambda tx: tx.services.save(replace(service, notifications_log_enabled=True)))
    await store.write(lambda tx: tx.services.remove(other))

    async with store.reading() as tx:
        assert await tx.users.get(service, user.sid) == user
        assert await tx.services.page(account.id, Cursor()) == [
            replace(service, notifications_log_enabled=True)
        ]
    await store.close()


# SQLite


async def test_a_database_file_is_for_its_owner_only(path: Path) -> None:
    before = os.umask(0)
    try:
        store = await SqliteStore.open(path)
        await store.write(adding(1))
    finally:
        os.umask(before)

    assert files_beside(path) == {"chinwag.db": 0o600, "chinwag.db-wal": 0o600, "chinwag.db-shm": 0o600}
    await store.close()


async def test_the_folder_of_a_database_file_is_made(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "some" / "where" / "chinwag.db")

    await store.write(adding(1))

    assert await kept_accounts(store) == [sid("AC", 1)]
    await store.close()


async def test_a_file_that_is_no_database_is_refused_and_left_alone(path: Path) -> None:
    write_diary(path)

    with pytest.raises(StoreCannotOpenError, match=f"{path} cannot be used: file is not a database"):
        await SqliteStore.open(path)

    assert contents(path) == DIARY


async def test_a_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreCannotOpenError, match=f"{tmp_path} cannot be used"):
        await SqliteStore.open(tmp_path)


async def test_a_path_through_a_file_is_refused(path: Path) -> None:
    write_diary(path)

    with pytest.raises(StoreCannotOpenError, match="cannot be used"):
        await SqliteStore.open(path / "chinwag.db")


async def test_a_second_server_on_a_file_is_refused(path: Path) -> None:
    server = await SqliteStore.open(path, serving=True)

    with pytest.raises(AlreadyServedError, match=f"another Chinwag server is using {path}"):
        await SqliteStore.open(path, serving=True)

    await server.write(adding(1))
    await server.close()


async def test_a_command_line_works_beside_a_server(path: Path) -> None:
    server = await SqliteStore.open(path, serving=True)

    beside = await SqliteStore.open(path)
    await beside.write(adding(1))
    await beside.close()

    assert await kept_accounts(server) == [sid("AC", 1)]
    await server.close()


async def test_a_server_may_follow_one_that_was_closed(path: Path) -> None:
    await (await SqliteStore.open(path, serving=True)).close()

    second = await SqliteStore.open(path, serving=True)

    await second.close()


async def test_a_server_that_could_not_open_a_file_does_not_hold_it(path: Path) -> None:
    write_diary(path)
    with pytest.raises(StoreCannotOpenError, match="not a database"):
        await SqliteStore.open(path, serving=True)
    remove(path)

    second = await SqliteStore.open(path, serving=True)

    await second.close()


async def test_a_server_refused_for_a_newer_database_does_not_hold_it(path: Path) -> None:
    database = f"sqlite:///{path}"
    await (await opened(database)).close()
    await ask(database, "INSERT INTO migration VALUES (9999, 'from the future', 0)")
    with pytest.raises(DatabaseTooNewError):
        await SqliteStore.open(path, serving=True)
    await ask(database, "DELETE FROM migration WHERE version = 9999")

    second = await SqliteStore.open(path, serving=True)

    await second.close()


async def test_a_file_opened_twice_in_one_program_is_safe_from_the_tidying_of_another(path: Path) -> None:
    first, second = await SqliteStore.open(path), await SqliteStore.open(path)
    await first.write(adding(1))
    shell = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('SELECT * FROM role'); c.close()"
    )

    other = await asyncio.create_subprocess_exec(sys.executable, "-c", shell, str(path))
    await other.wait()

    assert f"{path.name}-wal" in files_beside(path)
    await first.close()
    await second.close()


async def test_programs_that_open_a_new_file_at_once_migrate_it_once(path: Path) -> None:
    together = threading.Barrier(4)

    async def program() -> None:
        together.wait(DEADLINE_SECONDS)
        await (await SqliteStore.open(path)).close()

    await asyncio.gather(*(asyncio.to_thread(asyncio.run, program()) for _ in range(4)))

    assert len(await applied(f"sqlite:///{path}")) == len(migrations("sqlite"))


# PostgreSQL


async def test_nodes_that_open_a_new_database_at_once_migrate_it_once(postgres_database: str) -> None:
    nodes = await asyncio.gather(*(opened(postgres_database, now=now) for now in range(5)))

    dates = {date for _, _, date in await applied(postgres_database)}
    assert len(await applied(postgres_database)) == len(migrations("postgres"))
    assert len(dates) == 1
    for node in nodes:
        await node.close()


async def test_a_server_that_cannot_be_reached_is_named_without_the_password() -> None:
    with pytest.raises(
        StoreCannotOpenError, match=r"PostgreSQL database at 127\.0\.0\.1 cannot be used"
    ) as refusal:
        await opened("postgresql://chinwag:hunter2@127.0.0.1:1/chinwag")

    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize("password", ["hun/ter2", "hun#ter2", "hun?ter2", "hun%ter2", "hun@ter2", "hun ter2"])
async def test_a_password_that_needs_encoding_is_not_shown_even_in_part(password: str) -> None:
    with pytest.raises(StoreCannotOpenError) as refusal:
        await opened(f"postgresql://chinwag:{password}@127.0.0.1:1/chinwag")

    assert "hun" not in str(refusal.value)
    assert "ter2" not in str(refusal.value)


async def test_an_unknown_database_is_refused(postgres_database: str) -> None:
    unknown = urlunsplit(urlsplit(postgres_database)._replace(path="/unknown"))

    with pytest.raises(StoreCannotOpenError, match='database "unknown" does not exist'):
        await opened(unknown)


async def test_a_user_who_may_not_make_tables_is_refused(postgres_database: str, visitor: None) -> None:
    with pytest.raises(StoreCannotOpenError, match="permission denied for schema public"):
        await opened(postgres_database.replace("postgres:@", "visitor:@"))


async def test_text_in_postgres_sorts_by_bytes_everywhere(postgres_database: str) -> None:
    await (await opened(postgres_database)).close()

    others = await ask(
        postgres_database,
        """
        SELECT table_name, column_name FROM information_schema.columns
        WHERE table_schema = 'public' AND data_type = 'text' AND collation_name IS DISTINCT FROM 'C'
          AND table_name <> 'migration'
        """,
    )

    assert others == []


PLAIN = (
    '{"new_message":{"enabled":false},"added_to_channel":{"enabled":false},'
    '"removed_from_channel":{"enabled":false},"invited_to_channel":{"enabled":false}}'
)
LOUD = PLAIN.replace('"new_message":{"enabled":false}', '"new_message":{"enabled":true}')

ROLES = ", ".join(f"'{sid('RL', number)}'" for number in (1, 2, 3))

OLD_SERVICES = f"""
    INSERT INTO service (
        account_id, sid, friendly_name, default_service_role_sid, default_channel_role_sid,
        default_channel_creator_role_sid, channel_members, user_channels, read_status_enabled,
        reachability_enabled, typing_indicator_timeout, consumption_report_interval, notifications,
        pre_webhook_url, post_webhook_url, webhook_method, webhook_filters, webhooks, date_created,
        date_updated
    )
    VALUES
        (1, '{sid("IS", 1)}', 'Support', {ROLES}, 250, 100, TRUE, FALSE, 5, 10, '{PLAIN}', NULL, NULL, NULL,
         NULL, '{{}}', {NOW}, {NOW}),
        (1, '{sid("IS", 2)}', 'Zoë''s 🐙', {ROLES}, 1, 1000, FALSE, TRUE, 5, 10, '{LOUD}',
         'https://example.com/', NULL, 'GET', '["onMessageSent"]',
         '{{"onMessageSent":{{"url":"https://example.com/"}}}}', {NOW}, {NOW + 1})
"""
"""Services as the first release kept them."""


OLD_CHANNEL = f"""
    INSERT INTO channel (
        id, service_id, sid, attributes, type, created_by, members_count, messages_count, next_index,
        date_created, date_updated, event_id, messages_event_id, roster_event_id
    )
    VALUES (7, 1, '{sid("CH", 1)}', '{{}}', 'public', 'system', 0, 1, 1, {NOW}, {NOW}, 1, 1, 0)
"""

OLD_FILES = f"""
    INSERT INTO media (id, service_id, sid, size, content_type, attached, date_created)
    VALUES (1, 1, '{sid("ME", 1)}', 5, 'image/png', TRUE, {NOW}),
           (2, 1, '{sid("ME", 2)}', 5, 'image/png', FALSE, {NOW})
"""

OLD_MESSAGE = f"""
    INSERT INTO message (
        channel_id, "index", sid, author, attributes, was_edited, media_id, date_created, date_updated,
        created_event_id, last_event_id
    )
    VALUES (7, 0, '{sid("IM", 1)}', 'alice', '{{}}', FALSE, 1, {NOW}, {NOW}, 1, 1)
"""


async def a_database_of_the_first_step(database: str, monkeypatch: pytest.MonkeyPatch) -> Account:
    """Make a database as the first release made it, with an account, and return the account."""
    return await a_database_of_step(1, database, monkeypatch)


async def a_database_of_step(step: int, database: str, monkeypatch: pytest.MonkeyPatch) -> Account:
    """Make a database as it was after a step, with an account, and return the account."""
    with monkeypatch.context() as before:
        for engine in (sqlite, postgres):
            before.setattr(engine, "migrations", lambda engine: migrations(engine)[:step])
        store = await opened(database, now=1)
        account = await an_account(store)
        await store.close()
    assert [version for version, _, _ in await applied(database)] == list(range(1, step + 1))
    return account


DIARY = b"Dear diary, " * 1000


def write_diary(path: Path) -> None:
    path.write_bytes(DIARY)


def contents(path: Path) -> bytes:
    return path.read_bytes()


def remove(path: Path) -> None:
    path.unlink()


def files_beside(path: Path) -> dict[str, int]:
    """The files of a folder and who may do what with them."""
    return {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}


async def opened(database: str, *, now: int = 0) -> Store:
    return await open_store(database, serving=False, now=now, connections=2)


async def applied(database: str) -> list[tuple[int, str, int]]:
    return [tuple(row) for row in await ask(database, "SELECT * FROM migration ORDER BY version")]


async def tables(database: str) -> set[str]:
    listed = (
        "SELECT name FROM sqlite_schema WHERE type = 'table'"
        if database.startswith("sqlite")
        else "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    )
    return {row[0] for row in await ask(database, listed)}


SAME_KIND = {"INTEGER": "number", "bigint": "number", "integer": "number", "boolean": "number"} | {
    "TEXT": "text",
    "text": "text",
    "BLOB": "bytes",
    "bytea": "bytes",
}


async def described_by_sqlite(database: str) -> dict[str, Any]:
    columns = await ask(
        database,
        """
        SELECT t.name, c.name, c.type, c."notnull" OR c.pk
        FROM pragma_table_list AS t JOIN pragma_table_info(t.name) AS c
        WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'
        """,
    )
    unique = await ask(
        database,
        """
        SELECT t.name, (SELECT group_concat(i.name, ',') FROM pragma_index_info(l.name) AS i)
        FROM pragma_table_list AS t JOIN pragma_index_list(t.name) AS l
        WHERE l."unique" AND t.name NOT LIKE 'sqlite_%'
        UNION
        SELECT t.name, c.name FROM pragma_table_list AS t JOIN pragma_table_info(t.name) AS c
        WHERE t.type = 'table' AND c.pk AND NOT t.wr AND t.name NOT LIKE 'sqlite_%'
        """,
    )
    cascades = await ask(
        database,
        """
        SELECT t.name, f."from", f."table", f.on_delete
        FROM pragma_table_list AS t JOIN pragma_foreign_key_list(t.name) AS f
        """,
    )
    return description(columns, unique, cascades)


async def described_by_postgres(database: str) -> dict[str, Any]:
    columns = await ask(
        database,
        """
        SELECT table_name, column_name, data_type, is_nullable = 'NO'
        FROM information_schema.columns WHERE table_schema = 'public'
        """,
    )
    unique = await ask(
        database,
        """
        SELECT relname,
               (SELECT string_agg(attname, ',' ORDER BY attnum) FROM pg_attribute WHERE attrelid = indexrelid)
        FROM pg_index JOIN pg_class ON pg_class.oid = indrelid
        WHERE indisunique AND relnamespace = 'public'::regnamespace
        """,
    )
    cascades = await ask(
        database,
        """
        SELECT child.relname, attname, parent.relname,
               CASE confdeltype WHEN 'c' THEN 'CASCADE' WHEN 'a' THEN 'NO ACTION' END
        FROM pg_constraint
        JOIN pg_attribute ON attrelid = conrelid AND attnum = ANY (conkey)
        JOIN pg_class AS child ON child.oid = conrelid
        JOIN pg_class AS parent ON parent.oid = confrelid
        WHERE contype = 'f'
        """,
    )
    return description(columns, unique, cascades)


def description(columns: list[Any], unique: list[Any], cascades: list[Any]) -> dict[str, Any]:
    return {
        "columns": {(row[0], row[1]): (SAME_KIND[row[2]], bool(row[3])) for row in columns},
        "unique": {tuple(row) for row in unique},
        "cascades": {tuple(row) for row in cascades},
    }
