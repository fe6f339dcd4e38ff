"""The command line as an operator meets it: real processes, real files, real signals."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import re
import secrets
import shlex
import signal
import socket
import stat
import time
from http.client import HTTPConnection
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import aiohttp
import pytest

from chinwag import __version__
from support.api import Api
from support.command_line import READY, START_SECONDS, STOP_SECONDS, CommandLine, Done, Serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from pathlib import Path

    from support.postgres import Postgres

REVOKED_SECONDS = 2.0
"""A second is promised; the other one is for a busy machine."""

AN_ACCOUNT = "AC" + "0" * 31 + "1"
A_KEY = "SK" + "0" * 31 + "1"


@pytest.fixture
def command_line(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path)


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A server at its first start, with nothing set but the port."""
    with CommandLine(tmp_path_factory.mktemp("first")).serving() as server:
        yield server


@pytest.fixture(scope="module")
async def served(
    engine: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> AsyncIterator[tuple[CommandLine, Serving]]:
    """A running server on each engine, and the command line beside it."""
    variables = {}
    if engine == "postgres":
        variables["CHINWAG_DATABASE"] = await request.getfixturevalue("postgres").database()
    beside = CommandLine(tmp_path_factory.mktemp("served"), variables)
    with beside.serving() as server:
        yield beside, server


# The first minute


def test_the_first_start_prints_new_credentials_and_then_the_ready_line(first: Serving) -> None:
    assert re.fullmatch(r"AC[0-9a-f]{32}", first.credential("account SID"))
    assert re.fullmatch(r"[0-9a-f]{32}", first.credential("auth token"))
    assert re.fullmatch(r"SK[0-9a-f]{32}", first.credential("API key SID"))
    assert re.fullmatch(r"[0-9a-f]{32}", first.credential("secret"))
    last = first.output.splitlines()[-1]
    assert re.fullmatch(r"Chinwag is listening on http://127\.0\.0\.1:[1-9]\d*", last)


async def test_the_printed_curl_line_makes_a_service(first: Serving, session: aiohttp.ClientSession) -> None:
    url, user, form = _curl(first.line("curl"))

    made = await Api(session, first.base, *user.split(":")).form(urlsplit(url).path, form)

    assert url.startswith(first.base)
    assert made.status == 201
    assert made.json["account_sid"] == first.credential("account SID")


async def test_the_printed_api_key_works_too(first: Serving, session: aiohttp.ClientSession) -> None:
    key = Api(session, first.base, first.credential("API key SID"), first.credential("secret"))

    assert (await key.get("/v1/Services")).status == 200


@pytest.mark.parametrize("language", ["Python", "Node"])
def test_the_printed_lines_point_a_client_library_here(first: Serving, language: str) -> None:
    line = first.line(language)

    assert first.credential("account SID") in line
    assert first.credential("auth token") in line
    assert first.base in line


def test_the_printed_browser_line_points_the_javascript_sdk_here(first: Serving) -> None:
    socket_uri = first.base.replace("http://", "ws://") + "/v3/wsconnect"

    assert (
        first.line("Browser") == f"new Twilio.Chat.Client(token, {{ Twilsock: {{ uri: '{socket_uri}' }} }});"
    )
    assert first.line("Token") == "chinwag token --service IS… --identity alice"


@pytest.mark.parametrize(
    ("settings", "uri"),
    [
        ({"CHINWAG_PUBLIC_URL": "https://chat.example.com/"}, "wss://chat.example.com/v3/wsconnect"),
        ({"CHINWAG_HOST": "0.0.0.0"}, "ws://localhost:"),
    ],
)
def test_the_browser_line_has_the_address_that_a_browser_can_reach(
    command_line: CommandLine, settings: dict[str, str], uri: str
) -> None:
    with command_line.serving(**settings) as server:
        assert f"uri: '{uri}" in server.line("Browser")


async def test_a_second_start_prints_no_credentials_and_everything_is_still_there(
    command_line: CommandLine, session: aiohttp.ClientSession
) -> None:
    with command_line.serving() as server:
        credentials = server.credential("account SID"), server.credential("auth token")
        service = await Api(session, server.base, *credentials).a_service()

    with command_line.serving() as server:
        found = await Api(session, server.base, *credentials).get(f"/v1/Services/{service['sid']}")

    _has_no_credentials(server)
    assert found.json["sid"] == service["sid"]


def test_the_database_and_the_encryption_key_are_for_their_owner_only(command_line: CommandLine) -> None:
    command_line.run("migrate")

    data = command_line.folder / "data"
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in data.iterdir()}
    assert modes["chinwag.key"] == 0o600
    assert modes["chinwag.db"] == 0o600


# The end


@pytest.mark.check(34, on="sqlite")
async def test_sigterm_lets_a_request_in_flight_be_answered_and_exits_with_0(
    command_line: CommandLine,
) -> None:
    with command_line.serving() as server:
        reader, writer = await _half_a_request(server)

        server.process.send_signal(signal.SIGTERM)
        await _until(lambda: _refuses_connections(server))
        writer.write(b"Name=Support")
        answer = await asyncio.wait_for(reader.read(), STOP_SECONDS)
        writer.close()

        assert answer.startswith(b"HTTP/1.1 201 ")
        assert server.process.wait(STOP_SECONDS) == 0
        assert "Traceback" not in server.log


@pytest.mark.check(34, on="sqlite")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_server_ends_cleanly_with_0(command_line: CommandLine, number: int) -> None:
    with (
        command_line.serving() as server,
        socket.create_connection(("127.0.0.1", urlsplit(server.base).port)),  # an idle client holds nobody up
    ):
        began = time.monotonic()

        assert server.stop(number) == 0
        assert time.monotonic() - began < STOP_SECONDS
        assert server.log == ""


async def test_a_server_whose_output_nobody_reads_any_more_serves_on(
    command_line: CommandLine, session: aiohttp.ClientSession
) -> None:
    with command_line.serving() as server:
        server.process.stdout.close()

        async with session.get(f"{server.base}/healthz") as answer:
            assert answer.status == 200
        assert server.stop() == 0


def test_on_a_terminal_a_server_logs_lines_for_people(command_line: CommandLine) -> None:
    with command_line.serving_on_a_terminal() as (process, terminal):
        address = urlsplit(_read_until(terminal, rf"{READY}\S+\r\n").rpartition(READY)[2].strip())
        with contextlib.closing(HTTPConnection(address.hostname, address.port)) as client:
            client.request("GET", "/v1/Services")
        shown = _read_until(terminal, r"request .*\n")
        process.send_signal(signal.SIGINT)

        assert process.wait(STOP_SECONDS) == 0
        assert "\x1b[" in shown
        assert "401" in shown


# What it refuses


def test_a_second_server_on_the_same_file_is_refused(command_line: CommandLine) -> None:
    with command_line.serving():
        refusal = command_line.run("serve", "--port", "0")

    _is_one_line(refusal, "another Chinwag server is using data/chinwag.db")


def test_a_port_in_use_is_named(command_line: CommandLine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        refusal = command_line.run("serve", "--port", str(port))

    _is_one_line(refusal, f"cannot listen on host 127.0.0.1, port {port}: Address already in use")


def test_a_host_that_is_not_of_this_machine_is_named(command_line: CommandLine) -> None:
    refusal = command_line.run("serve", "--host", "192.0.2.1", "--port", "0")

    _is_one_line(refusal, "cannot listen on host 192.0.2.1, port 0:")


def test_another_encryption_key_than_the_databases_is_refused(command_line: CommandLine) -> None:
    command_line.run("migrate")

    refusal = command_line.run("check", CHINWAG_ENCRYPTION_KEY=_a_key())

    _is_one_line(refusal, "sealed with another key: set encryption_key, or key_file")


def test_a_key_file_without_a_key_is_refused(command_line: CommandLine) -> None:
    (command_line.folder / "my.key").write_text("no key\n")

    refusal = command_line.run("migrate", CHINWAG_KEY_FILE="my.key")

    _is_one_line(refusal, "key_file my.key holds no key")


def test_a_key_file_that_is_missing_is_not_made_anew(command_line: CommandLine) -> None:
    command_line.run("migrate")
    (command_line.folder / "data" / "chinwag.key").unlink()

    refusal = command_line.run("check")

    _is_one_line(refusal, "chinwag.key is not there, and this database was made with a key")
    assert not (command_line.folder / "data" / "chinwag.key").exists()


@pytest.mark.parametrize(
    "arguments", [("check",), ("accounts", "list"), ("accounts", "create", "Team"), ("keys", "list")]
)
def test_a_command_in_the_wrong_folder_makes_no_database(
    command_line: CommandLine, arguments: tuple[str, ...]
) -> None:
    refusal = command_line.run(*arguments)

    _is_one_line(refusal, "there is no database")
    assert list(command_line.folder.iterdir()) == []


def test_a_first_start_that_cannot_listen_keeps_no_account(command_line: CommandLine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        command_line.run("serve", "--port", str(taken.getsockname()[1]))

    with command_line.serving() as server:
        token = server.credential("auth token")

    assert len(token) == 32


def test_a_database_that_cannot_be_reached_is_named_without_its_password(command_line: CommandLine) -> None:
    nobody = "postgresql://chinwag:swordfish@127.0.0.1:1/chinwag"

    refusal = command_line.run("check", CHINWAG_DATABASE=nobody)

    _is_one_line(refusal, "127.0.0.1 cannot be used")
    assert "swordfish" not in refusal.errors


@pytest.mark.parametrize(
    "arguments",
    [
        ("accounts", "new-token", AN_ACCOUNT),
        ("keys", "create", AN_ACCOUNT),
        ("keys", "list", AN_ACCOUNT),
        ("keys", "revoke", A_KEY),
    ],
)
def test_an_unknown_account_or_key_is_one_line(command_line: CommandLine, arguments: tuple[str, ...]) -> None:
    command_line.run("migrate")

    refusal = command_line.run(*arguments)

    _is_one_line(refusal, f"there is no {'key' if arguments[1] == 'revoke' else 'account'} {arguments[2]}")


# Settings; tests/test_settings.py has every one of them


def test_a_bad_option_is_one_line(command_line: CommandLine) -> None:
    refusal = command_line.run("serve", "--port", "99999")

    _is_one_line(refusal, "--port is '99999': it must be a port: 0 to 65535", status=2)


def test_a_bad_variable_is_one_line(command_line: CommandLine) -> None:
    refusal = command_line.run("serve", CHINWAG_PUBLIC_URL="foo")

    _is_one_line(refusal, "CHINWAG_PUBLIC_URL is 'foo': it must be an http or https address", status=2)


def test_a_bad_line_in_the_file_is_one_line(command_line: CommandLine) -> None:
    (command_line.folder / "chinwag.toml").write_text("port = 'abc'")

    refusal = command_line.run("serve")

    _is_one_line(refusal, "port in chinwag.toml is 'abc': it must be a port: 0 to 65535", status=2)


def test_an_option_wins_over_the_environment_and_the_environment_over_the_file(
    command_line: CommandLine,
) -> None:
    (command_line.folder / "chinwag.toml").write_text("database = 'sqlite:///file.db'")
    by_variable = {"CHINWAG_DATABASE": "sqlite:///variable.db"}

    by_file = command_line.run("migrate")
    by_environment = command_line.run("migrate", **by_variable)
    by_option = command_line.run("migrate", "--database", "sqlite:///option.db", **by_variable)

    assert by_file.output == "sqlite:///file.db is up to date.\n"
    assert by_environment.output == "sqlite:///variable.db is up to date.\n"
    assert by_option.output == "sqlite:///option.db is up to date.\n"


# Fixed credentials


async def test_fixed_credentials_work_at_once_and_are_not_printed(
    command_line: CommandLine, session: aiohttp.ClientSession
) -> None:
    fixed = _fixed_credentials("token", "secret")

    with command_line.serving(**fixed) as server:
        account = await Api(session, server.base, AN_ACCOUNT, "token").get("/v1/Services")
        key = await Api(session, server.base, A_KEY, "secret").get("/v1/Services")

    assert (account.status, key.status) == (200, 200)
    _has_no_credentials(server)


async def test_fixed_credentials_that_were_changed_replace_the_old_ones(
    command_line: CommandLine, session: aiohttp.ClientSession
) -> None:
    with command_line.serving(**_fixed_credentials("old token", "old secret")) as server:
        service = await Api(session, server.base, AN_ACCOUNT, "old token").a_service()

    with command_line.serving(**_fixed_credentials("new token", "new secret")) as server:
        statuses = {
            password: (await Api(session, server.base, sid, password).get("/v1/Services")).status
            for sid, password in [
                (AN_ACCOUNT, "old token"),
                (A_KEY, "old secret"),
                (AN_ACCOUNT, "new token"),
                (A_KEY, "new secret"),
            ]
        }
        found = await Api(session, server.base, AN_ACCOUNT, "new token").get(f"/v1/Services/{service['sid']}")

    assert statuses == {"old token": 401, "old secret": 401, "new token": 200, "new secret": 200}
    assert found.status == 200


# Beside a running server, on both engines


async def test_a_new_account_and_a_new_key_work_at_once(
    served: tuple[CommandLine, Serving], session: aiohttp.ClientSession
) -> None:
    beside, server = served

    account = _secrets(beside.run("accounts", "create", "Second"))
    key = _secrets(beside.run("keys", "create", account[0], "Laptop"))

    assert (await Api(session, server.base, *account).get("/v1/Services")).status == 200
    assert (await Api(session, server.base, *key).get("/v1/Services")).status == 200


async def test_a_revoked_key_is_refused_within_a_second(
    served: tuple[CommandLine, Serving], session: aiohttp.ClientSession
) -> None:
    beside, server = served
    sid, secret = _secrets(beside.run("keys", "create", server.credential("account SID")))
    key = Api(session, server.base, sid, secret)
    assert (await key.get("/v1/Services")).status == 200

    revoked = beside.run("keys", "revoke", sid)

    assert revoked.output == f"{sid} is revoked.\n"
    await _until(lambda: _is_refused(key), REVOKED_SECONDS)


async def test_an_old_auth_token_is_refused_within_a_second(
    served: tuple[CommandLine, Serving], session: aiohttp.ClientSession
) -> None:
    beside, server = served
    sid, token = _secrets(beside.run("accounts", "create", "Third"))
    old = Api(session, server.base, sid, token)
    assert (await old.get("/v1/Services")).status == 200

    new = Api(session, server.base, *_secrets(beside.run("accounts", "new-token", sid)))

    assert (await new.get("/v1/Services")).status == 200
    await _until(lambda: _is_refused(old), REVOKED_SECONDS)


def test_accounts_and_keys_are_listed_without_their_secrets(command_line: CommandLine) -> None:
    command_line.run("migrate")
    sid, token = _secrets(command_line.run("accounts", "create", "Support"))
    key, secret = _secrets(command_line.run("keys", "create", sid, "Tablet"))

    accounts = command_line.run("accounts", "list").output
    keys = command_line.run("keys", "list").output

    assert accounts == f"{sid}  Support\n"
    assert keys == f"{key}  {sid}  Tablet\n"
    assert token not in accounts
    assert secret not in keys


async def test_the_password_of_a_database_is_never_shown(
    command_line: CommandLine, postgres: Postgres
) -> None:
    database = re.sub(r"//postgres:?@", "//postgres:swordfish@", await postgres.database())
    assert "swordfish" in database
    variables = {"CHINWAG_DATABASE": database, "CHINWAG_LOG_LEVEL": "debug"}

    migrated = command_line.run("migrate", **variables)
    with command_line.serving(**variables) as server:
        pass
    shown = migrated.output + migrated.errors + server.output + server.log

    assert migrated.output.startswith("postgresql://postgres:***@/")
    assert "swordfish" not in shown


def test_check_says_that_all_is_well(served: tuple[CommandLine, Serving]) -> None:
    beside, _ = served

    checked = beside.run("check")

    assert checked.status == 0
    assert checked.output.endswith("Everything is in order.\n")


# About itself


def test_the_version_is_that_of_the_package(command_line: CommandLine) -> None:
    assert command_line.run("--version").output == f"{__version__}\n"


def test_help_lists_the_commands(command_line: CommandLine) -> None:
    shown = command_line.run("--help")

    assert shown.status == 0
    for command in ("serve", "migrate", "check", "token", "accounts", "keys"):
        assert re.search(rf"│ {command} ", shown.output)


def test_an_unknown_command_is_one_line(command_line: CommandLine) -> None:
    _is_one_line(command_line.run("sevre"), 'Unknown command "sevre"', status=2)


def _has_no_credentials(server: Serving) -> None:
    """See that nothing is printed but how a browser connects, and the ready line."""
    browser, ready = server.output.splitlines()
    assert browser.startswith("Browser ")
    assert ready == f"{READY}{server.base}"


def _curl(line: str) -> tuple[str, str, str]:
    """Return the address, the credentials and the form of a printed curl line."""
    command, url, user_option, user, form_option, form = shlex.split(line)
    assert (command, user_option, form_option) == ("curl", "-u", "-d")
    return url, user, form


def _is_one_line(refusal: Done, text: str, status: int = 1) -> None:
    assert refusal.status == status, refusal
    assert refusal.output == ""
    assert refusal.errors.startswith("chinwag: ")
    assert refusal.errors.count("\n") == 1, refusal.errors
    assert text in refusal.errors


def _secrets(made: Done) -> tuple[str, str]:
    """Return the SID and the secret that a command printed."""
    assert made.status == 0, made
    sid = re.search(r"SID +(\S+)", made.output)
    secret = re.search(r"(?:auth token|secret) +(\S+)", made.output)
    assert sid is not None
    assert secret is not None
    return sid[1], secret[1]


def _fixed_credentials(token: str, secret: str) -> dict[str, str]:
    return {
        "CHINWAG_ACCOUNT_SID": AN_ACCOUNT,
        "CHINWAG_AUTH_TOKEN": token,
        "CHINWAG_API_KEY_SID": A_KEY,
        "CHINWAG_API_KEY_SECRET": secret,
    }


def _a_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


async def _half_a_request(server: Serving) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Begin to make a service; the server has read the head and half of the body when this returns."""
    address = urlsplit(server.base)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    credentials = f"{server.credential('account SID')}:{server.credential('auth token')}"
    head = (
        "POST /v1/Services HTTP/1.1",
        f"Host: {address.netloc}",
        f"Authorization: Basic {base64.b64encode(credentials.encode()).decode()}",
        "Content-Type: application/x-www-form-urlencoded",
        "Content-Length: 20",
        "Expect: 100-continue",
    )
    writer.write("\r\n".join([*head, "\r\n"]).encode())
    # It says so when it has begun to wait for the body.
    assert (
        await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), STOP_SECONDS)
        == b"HTTP/1.1 100 Continue\r\n\r\n"
    )
    writer.write(b"Friendly")
    return reader, writer


async def _until(holds: Callable[[], Awaitable[bool]], seconds: float = STOP_SECONDS) -> None:
    """Wait until something is true, or fail when it is not within a time."""
    async with asyncio.timeout(seconds):
        while not await holds():  # noqa: ASYNC110  # another process: there is no event
            await asyncio.sleep(0.02)


async def _refuses_connections(server: Serving) -> bool:
    address = urlsplit(server.base)
    try:
        _, writer = await asyncio.open_connection(address.hostname, address.port)
    except OSError:
        return True
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return False


async def _is_refused(api: Api) -> bool:
    return (await api.get("/v1/Services")).status == 401


def _read_until(terminal: int, pattern: str) -> str:
    """Return what a terminal shows, once it shows something."""
    shown = ""
    deadline = time.monotonic() + START_SECONDS
    os.set_blocking(terminal, False)
    while re.search(pattern, shown) is None:
        assert time.monotonic() < deadline, shown
        try:
            shown += os.read(terminal, 65536).decode()
        except BlockingIOError:
            time.sleep(0.02)
    return shown
