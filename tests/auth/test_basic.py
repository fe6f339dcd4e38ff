"""Basic credentials: whose they are, what is remembered, and what never is."""

from __future__ import annotations

import base64
from contextlib import asynccontextmanager
from itertools import product
from typing import TYPE_CHECKING

import pytest
from cryptography.fernet import Fernet

from chinwag import commands
from chinwag.auth.basic import MEMORY, BasicAuthentication
from chinwag.auth.secrets import Seal
from chinwag.domain.account import Account, ChangeAuthToken, CreateAccount, CreateKey, Key, RevokeKey
from chinwag.domain.caller import Caller, Operator
from chinwag.errors import ApiError, Kinds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from chinwag.commands import World
    from chinwag.domain.unit import Reader, Store

pytestmark = pytest.mark.check(18)


class CountingSeal(Seal):
    """A seal that knows how often it was opened, which is what a verification costs."""

    opened = 0

    def open(self, sealed: bytes) -> str:
        self.opened += 1
        return super().open(sealed)


class Interrupted:
    """A store in which something else happens just after each time it was read."""

    def __init__(self, store: Store, meanwhile: Callable[[], Awaitable[None]]) -> None:
        self._store = store
        self._meanwhile = meanwhile

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Reader]:
        async with self._store.reading() as tx:
            yield tx
        await self._meanwhile()


@pytest.fixture
def seal() -> CountingSeal:
    return CountingSeal(Fernet.generate_key().decode())


@pytest.fixture
def authentication(store: Store, seal: Seal) -> BasicAuthentication:
    return BasicAuthentication(store, seal)


async def test_an_account_sid_and_its_auth_token_are_the_account(
    authentication: BasicAuthentication, world: World, seal: Seal
) -> None:
    account = await an_account(world, seal, "token")

    caller = await authentication.caller(basic(account.sid, "token"))

    assert caller == Caller(account_id=account.id, account_sid=account.sid)


async def test_a_key_sid_and_its_secret_are_the_account_of_the_key(
    authentication: BasicAuthentication, world: World, seal: Seal
) -> None:
    await an_account(world, seal, "token")
    account = await an_account(world, seal, "token")
    key = await a_key(world, seal, account, "secret")

    caller = await authentication.caller(basic(key.sid, "secret"))

    assert caller == Caller(account_id=account.id, account_sid=account.sid, key_sid=key.sid)


async def test_each_secret_fits_only_its_own_name(
    authentication: BasicAuthentication, world: World, seal: Seal
) -> None:
    account = await an_account(world, seal, "token")
    key = await a_key(world, seal, account, "secret")
    other = await an_account(world, seal, "other token")

    await is_refused(authentication, basic(account.sid, "secret"))
    await is_refused(authentication, basic(key.sid, "token"))
    await is_refused(authentication, basic(account.sid, "other token"))
    await is_refused(authentication, basic(other.sid, "token"))


@pytest.mark.parametrize("wrong", ["", "toke", "token ", "Token", "töken", "token:", "token\0"])
async def test_a_password_that_is_nearly_right_is_refused(
    authentication: BasicAuthentication, world: World, seal: Seal, wrong: str
) -> None:
    account = await an_account(world, seal, "token")

    await is_refused(authentication, basic(account.sid, wrong))


@pytest.mark.parametrize("token", ["with:colons:in it", "wîth àccents", " spaces "])
async def test_a_password_may_hold_any_characters(
    authentication: BasicAuthentication, world: World, seal: Seal, token: str
) -> None:
    account = await an_account(world, seal, token)

    assert (await authentication.caller(basic(account.sid, token))).account_sid == account.sid


@pytest.mark.parametrize("scheme", ["Basic", "basic", "BASIC", "bAsIc"])
async def test_the_scheme_is_read_in_any_letter_case(
    authentication: BasicAuthentication, world: World, seal: Seal, scheme: str
) -> None:
    account = await an_account(world, seal, "token")
    header = basic(account.sid, "token").replace("Basic", scheme)

    assert (await authentication.caller(header)).account_sid == account.sid


@pytest.mark.parametrize(
    ("header", "detail"),
    [
        (None, "no Authorization header"),
        ("", "scheme is not Basic"),
        ("Basic", "scheme is not Basic"),
        ("Bearer QUM6dG9rZW4=", "scheme is not Basic"),
        ("BasicQUM6dG9rZW4=", "scheme is not Basic"),
        ("Basic !!!!", "not base64"),
        ("Basic QUM6dG9rZW4", "not base64"),
        ("Basic QUM6 dG9rZW4=", "not base64"),
        ("Basic é", "not base64"),
        ("Basic \udcff", "not base64"),
        ("Basic " + base64.b64encode(b"AC\xff:token").decode(), "not base64 of UTF-8"),
        ("Basic ", "not of the form user:password"),
        ("Basic " + base64.b64encode(b"no colon").decode(), "not of the form user:password"),
        ("Basic " + base64.b64encode(b"AC\0:token").decode(), "not of the form user:password"),
        ("Basic " + base64.b64encode(b":").decode(), "unknown user name or wrong password"),
    ],
)
async def test_a_malformed_header_is_refused_and_the_detail_says_why(
    authentication: BasicAuthentication, header: str | None, detail: str
) -> None:
    refusal = await is_refused(authentication, header)

    assert detail in (refusal.detail or "")


async def test_an_unknown_user_and_a_wrong_password_are_refused_in_the_same_words(
    authentication: BasicAuthentication, world: World, seal: Seal
) -> None:
    account = await an_account(world, seal, "token")

    unknown = await is_refused(authentication, basic("AC" + "0" * 32, "token"))
    wrong = await is_refused(authentication, basic(account.sid, "wrong"))

    assert (unknown.kind, unknown.detail) == (wrong.kind, wrong.detail)


@pytest.mark.parametrize("unknown", ["AC" + "0" * 32, "SK" + "0" * 32, "somebody", ""])
async def test_an_unknown_user_costs_a_verification_too(
    authentication: BasicAuthentication, seal: CountingSeal, unknown: str
) -> None:
    await is_refused(authentication, basic(unknown, "token"))

    assert seal.opened == 1


async def test_verified_credentials_are_remembered(
    authentication: BasicAuthentication, world: World, seal: CountingSeal
) -> None:
    account = await an_account(world, seal, "token")
    first = await authentication.caller(basic(account.sid, "token"))

    again = await authentication.caller(basic(account.sid, "token"))

    assert again == first
    assert seal.opened == 1


async def test_forgotten_credentials_are_verified_again(
    authentication: BasicAuthentication, world: World, seal: Seal
) -> None:
    account = await an_account(world, seal, "token")
    await authentication.caller(basic(account.sid, "token"))
    await change_token(world, seal, account, "new token")

    authentication.forget()

    await is_refused(authentication, basic(account.sid, "token"))
    assert await authentication.caller(basic(account.sid, "new token"))


async def test_a_refusal_is_not_remembered(
    authentication: BasicAuthentication, world: World, seal: Seal
) -> None:
    account = await an_account(world, seal, "token")
    await is_refused(authentication, basic(account.sid, "new token"))

    await change_token(world, seal, account, "new token")

    assert await authentication.caller(basic(account.sid, "new token"))


async def test_a_key_that_is_revoked_while_it_is_verified_is_not_remembered(
    world: World, store: Store, seal: Seal
) -> None:
    account = await an_account(world, seal, "token")
    key = await a_key(world, seal, account, "secret")
    revocations = [RevokeKey(sid=key.sid)]

    async def meanwhile() -> None:
        if revocations:
            await commands.run(revocations.pop(), Operator(), world)
            authentication.forget()

    authentication = BasicAuthentication(Interrupted(store, meanwhile), seal)

    await authentication.caller(basic(key.sid, "secret"))  # it was still right when it was read

    await is_refused(authentication, basic(key.sid, "secret"))


async def test_no_more_credentials_are_remembered_than_there_is_room_for(
    authentication: BasicAuthentication, world: World, seal: Seal
) -> None:
    account = await an_account(world, seal, "token")
    # Blanks around the credentials mean nothing, and make as many headers as are wanted.
    blanks = product(" \t", repeat=14)
    headers = [basic(account.sid, "token") + "".join(next(blanks)) for _ in range(MEMORY + 1)]

    for header in headers:
        await authentication.caller(header)
    await change_token(world, seal, account, "new token")

    assert await authentication.caller(headers[-1])
    await is_refused(authentication, headers[0])


def basic(username: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


async def is_refused(authentication: BasicAuthentication, header: str | None) -> ApiError:
    with pytest.raises(ApiError) as refusal:
        await authentication.caller(header)
    assert refusal.value.kind is Kinds.AUTHENTICATE
    return refusal.value


async def an_account(world: World, seal: Seal, token: str) -> Account:
    command = CreateAccount(friendly_name="Test", sealed_auth_token=seal.seal(token))
    return await commands.run(command, Operator(), world)


async def change_token(world: World, seal: Seal, account: Account, token: str) -> None:
    command = ChangeAuthToken(sid=account.sid, sealed_auth_token=seal.seal(token))
    await commands.run(command, Operator(), world)


async def a_key(world: World, seal: Seal, account: Account, secret: str) -> Key:
    command = CreateKey(account_sid=account.sid, friendly_name="Test", sealed_secret=seal.seal(secret))
    return await commands.run(command, Operator(), world)
