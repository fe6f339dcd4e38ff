"""`chinwag token` as an operator meets it. What it may say is in tests/auth/test_issuing.py."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import pytest

from chinwag import app, commands
from chinwag.app import opened
from chinwag.auth.access_token import AccessTokens
from chinwag.domain.caller import Caller
from chinwag.domain.service import CreateService, Limits
from chinwag.settings import StoreSettings
from support.command_line import CommandLine, Done

if TYPE_CHECKING:
    from pathlib import Path

    from chinwag.auth.access_token import Session

NOBODYS = "IS" + "0" * 32


@pytest.fixture
def command_line(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path)


@pytest.fixture
def settings(tmp_path: Path) -> StoreSettings:
    return StoreSettings(database=f"sqlite:///{tmp_path}/data/chinwag.db")


@pytest.fixture
def account(command_line: CommandLine) -> str:
    command_line.run("migrate")
    return _sid(command_line.run("accounts", "create", "Support"))


@pytest.fixture
async def service(settings: StoreSettings, account: str) -> str:
    async with opened(settings) as parts:
        async with parts.world.store.reading() as tx:
            found = await tx.accounts.get(account)
        assert found is not None
        command = CreateService(friendly_name="Support", limits=Limits(channel_members=9, user_channels=9))
        caller = Caller(account_id=found.id, account_sid=account)
        return (await commands.run(command, caller, parts.world)).sid


async def test_a_token_is_all_that_is_printed_and_a_server_accepts_it(
    command_line: CommandLine, settings: StoreSettings, account: str, service: str
) -> None:
    key = _sid(command_line.run("keys", "create", account))
    before = int(time.time())

    printed = command_line.run("token", "--service", service, "--identity", "álïçé 🐙")

    session = await _session(settings, printed)
    assert re.fullmatch(r"[\w-]+\.[\w-]+\.[\w-]+\n", printed.output)
    assert printed.errors == ""
    assert (session.account_sid, session.service_sid) == (account, service)
    assert (session.key_sid, session.identity) == (key, "álïçé 🐙")
    assert before + 3600 <= session.expires <= int(time.time()) + 3600


async def test_every_option_is_heard(
    command_line: CommandLine, settings: StoreSettings, account: str, service: str
) -> None:
    key = _sid(command_line.run("keys", "create", account))
    _sid(command_line.run("keys", "create", account, "Newer"))
    async with opened(settings) as parts, parts.world.store.reading() as tx:
        found = await tx.accounts.get(account)
        assert found is not None
        role = (await tx.services.get(found.id, service)).default_service_role_sid

    printed = command_line.run(
        *("token", "--service", service, "--identity", "alice", "--ttl", "86400", "--key", key),
        *("--endpoint-id", "phone", "--deployment-role", role),
    )

    session = await _session(settings, printed)
    assert session.key_sid == key
    assert session.expires > time.time() + 86_000
    assert (session.endpoint_id, session.deployment_role_sid) == ("phone", role)


async def test_what_cannot_be_is_one_line(command_line: CommandLine, account: str, service: str) -> None:
    plain = ("token", "--service", service, "--identity", "alice")
    _is_one_line(
        command_line.run(*plain),
        f"account {account} has no API key: `chinwag keys create {account}` makes one",
    )
    command_line.run("keys", "create", account)

    for option, given, said in [
        ("--service", NOBODYS, f"there is no service {NOBODYS}"),
        ("--key", "SK" + "0" * 32, "there is no key SK" + "0" * 32),
        ("--deployment-role", "RL" + "0" * 32, f"not a deployment role of service {service}"),
        ("--push-credential", "CR" + "0" * 32, "there is no credential CR" + "0" * 32),
        ("--identity", "system", "grants.identity: Identity reserved"),
    ]:
        wanted = dict(zip(plain[1::2], plain[2::2], strict=True)) | {option: given}
        _is_one_line(command_line.run("token", *(word for pair in wanted.items() for word in pair)), said)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--identity", "alice"), "--service"),
        (("--service", NOBODYS), "--identity"),
        (
            ("--service", NOBODYS, "--identity", "alice", "--ttl", "0"),
            "--ttl is 0: it must be 1 to 86400 seconds",
        ),
        (("--service", NOBODYS, "--identity", "alice", "--ttl", "86401"), "--ttl is 86401"),
        (("--service", NOBODYS, "--identity", "alice", "--ttl", "long"), "--ttl"),
    ],
)
def test_a_wrong_option_is_one_line(command_line: CommandLine, arguments: tuple[str, ...], said: str) -> None:
    _is_one_line(command_line.run("token", *arguments), said, status=2)


def test_a_token_in_the_wrong_folder_makes_no_database(command_line: CommandLine) -> None:
    refusal = command_line.run("token", "--service", NOBODYS, "--identity", "alice")

    _is_one_line(refusal, "there is no database")
    assert list(command_line.folder.iterdir()) == []


async def _session(settings: StoreSettings, printed: Done) -> Session:
    """Return what a server makes of the token that was printed."""
    assert printed.status == 0, printed
    async with opened(settings) as parts:
        tokens = AccessTokens(parts.world.store, parts.seal, app.now)
        return await tokens.session(printed.output.removesuffix("\n"))


def _is_one_line(refusal: Done, text: str, status: int = 1) -> None:
    assert refusal.status == status, refusal
    assert refusal.output == ""
    assert refusal.errors.startswith("chinwag: ")
    assert refusal.errors.count("\n") == 1, refusal.errors
    assert text in refusal.errors


def _sid(made: Done) -> str:
    found = re.search(r"SID +(\S+)", made.output)
    assert found is not None, made
    return found[1]
