"""Secrets at rest: sealed in the database, absent from the log, and the key in a file of its own."""

from __future__ import annotations

import base64
import re
import stat
from typing import TYPE_CHECKING

import aiohttp
import pytest
from cryptography.fernet import Fernet

from chinwag.auth.secrets import Seal, WrongKeyError, key_from_file, new_secret, prove_key
from support.api import Api
from support.command_line import CommandLine

if TYPE_CHECKING:
    from pathlib import Path

    from chinwag.commands import World


def test_a_sealed_secret_is_opened_with_the_same_key(seal: Seal) -> None:
    assert seal.open(seal.seal("swordfish")) == "swordfish"


@pytest.mark.check(19)
def test_a_sealed_secret_shows_nothing_of_itself(seal: Seal) -> None:
    sealed = seal.seal("swordfish")

    assert b"swordfish" not in sealed
    assert b"swordfish" not in base64.urlsafe_b64decode(sealed)
    assert seal.seal("swordfish") != sealed


def test_another_key_does_not_open_a_secret(seal: Seal) -> None:
    other = Seal(Fernet.generate_key().decode())

    with pytest.raises(WrongKeyError):
        other.open(seal.seal("swordfish"))


def test_a_sealed_secret_that_was_changed_is_not_opened(seal: Seal) -> None:
    sealed = bytearray(seal.seal("swordfish"))
    sealed[40] ^= 1

    with pytest.raises(WrongKeyError):
        seal.open(bytes(sealed))


def test_new_secrets_have_32_hexadecimal_digits_and_differ() -> None:
    made = {new_secret() for _ in range(100)}

    assert len(made) == 100
    assert all(re.fullmatch(r"[0-9a-f]{32}", secret) for secret in made)


def test_a_key_file_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "down" / "chinwag.key"

    key = key_from_file(path)

    assert Seal(key)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert key_from_file(path) == key


async def test_a_database_takes_the_first_key_and_no_other(world: World, seal: Seal) -> None:
    await world.store.write(lambda tx: prove_key(tx, seal))

    await world.store.write(lambda tx: prove_key(tx, seal))
    with pytest.raises(WrongKeyError):
        await world.store.write(lambda tx: prove_key(tx, Seal(Fernet.generate_key().decode())))


@pytest.mark.check(19)
async def test_secrets_are_neither_in_the_database_files_nor_in_the_log(tmp_path: Path) -> None:
    operator = CommandLine(tmp_path, {"CHINWAG_LOG_LEVEL": "debug"})
    with operator.serving() as server:
        made = operator.run("accounts", "create", "Second").output
        sid, token = re.findall(r"(?:SID|token) +(\S+)", made)
        secret = re.findall(r"secret +(\S+)", operator.run("keys", "create", sid).output)[0]
        async with aiohttp.ClientSession() as session:
            statuses = [
                (await Api(session, server.base, *credentials).get("/v1/Services")).status
                for credentials in [(sid, token), (sid, "swordfish"), ("nobody", token), (token, secret)]
            ]
        hidden = [token, secret, "swordfish", server.credential("auth token"), server.credential("secret")]
        files = b"".join(file.read_bytes() for file in (tmp_path / "data").glob("chinwag.db*"))

    assert statuses == [200, 401, 401, 401]
    assert sid.encode() in files
    assert server.log.count('"event":"request"') == 4
    for text in hidden:
        assert text.encode() not in files
        assert text not in server.log
    for credentials in (f"{sid}:{token}", f"{sid}:swordfish"):
        assert base64.b64encode(credentials.encode()).decode() not in server.log
