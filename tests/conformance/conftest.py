"""Whose account is used: new ones of a server that runs here, or the one of any server, which is said.

`pytest -m clients tests/conformance --server-url http://127.0.0.1:8080`, with ACCOUNT_SID, AUTH_TOKEN,
API_KEY_SID and API_KEY_SECRET in the environment. Nothing but the wire is used then. The account must be
empty: everything in it is removed between two tests, and at the end.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import aiohttp
import pytest

from chinwag import commands
from chinwag.app import opened
from chinwag.auth.secrets import new_secret
from chinwag.domain.account import CreateAccount
from chinwag.domain.caller import Operator
from conformance.sdk_made import Account
from support.api import Api
from support.keys import Key, a_key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from chinwag.settings import Settings

    NewAccount = Callable[[], Awaitable[Account]]

VARIABLES = ("ACCOUNT_SID", "AUTH_TOKEN", "API_KEY_SID", "API_KEY_SECRET")

COLLECTIONS = ("services", "credentials")
"""What an account has; the rest is within."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--server-url", help="the server that tests/conformance is run against: http://…")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Run everything once against a server that is named: nobody knows its engine."""
    if server_url(config) is None:
        return
    again = {item for item in items if "postgres" in item.name}
    config.hook.pytest_deselected(items=list(again))
    items[:] = [item for item in items if item not in again]


def server_url(config: pytest.Config) -> str | None:
    """Return the address of the server that is named. The option is known in runs of this folder alone."""
    return config.getoption("server_url", None) or None


@pytest.fixture(scope="session")
async def elsewhere(request: pytest.FixtureRequest) -> AsyncIterator[Account | None]:
    """The account of the server that is named, if one is. It is left as it was: empty."""
    base = server_url(request.config)
    if base is None:
        yield None
        return
    missing = [name for name in VARIABLES if not os.environ.get(name)]
    if missing or not base.startswith("http://"):
        needed = ", ".join(VARIABLES)
        pytest.exit(f"--server-url needs an address of http://, and in the environment {needed}", 4)
    sid, auth_token, key_sid, secret = (os.environ[name] for name in VARIABLES)
    account = Account(base.rstrip("/"), sid, auth_token, Key(key_sid, secret))
    if await contents(account):
        pytest.exit(f"the account {sid} is not empty: all that is in it would be removed", 4)
    yield account
    await emptied(account)


@pytest.fixture(scope="session")
def new_account(engine: str, elsewhere: Account | None, request: pytest.FixtureRequest) -> NewAccount:
    """Gives accounts that have nothing in them: new ones, or always the one that is named."""
    if elsewhere is not None:
        return lambda: emptied(elsewhere)
    base, settings = request.getfixturevalue("server")
    return lambda: made_account(base, settings)


@pytest.fixture
async def account(new_account: NewAccount) -> Account:
    return await new_account()


@pytest.fixture
async def api(account: Account) -> AsyncIterator[Api]:
    """The REST API, as the account sees it."""
    async with aiohttp.ClientSession() as session:
        yield Api(session, account.base, account.sid, account.auth_token)


async def made_account(base: str, settings: Settings) -> Account:
    """Make an account of a server that runs here."""
    token = new_secret()
    async with opened(settings) as parts:
        command = CreateAccount(friendly_name="Test", sealed_auth_token=parts.seal.seal(token))
        account = await commands.run(command, Operator(), parts.world)
    return Account(base, account.sid, token, await a_key(settings, account.sid))


async def emptied(account: Account) -> Account:
    """Remove all that an account has, and return it."""
    async with aiohttp.ClientSession() as session:
        api = Api(session, account.base, account.sid, account.auth_token)
        while paths := await contents(account):
            for path in paths:
                answer = await api.delete(path)
                assert answer.status == 204, answer.body
    return account


async def contents(account: Account) -> list[str]:
    """Return the paths of what an account has, or of much of it."""
    async with aiohttp.ClientSession() as session:
        api = Api(session, account.base, account.sid, account.auth_token)
        found: list[str] = []
        for collection in COLLECTIONS:
            path = f"/v2/{collection.title()}"
            answer = await api.get(path)
            assert answer.status == 200, answer.body
            found += [f"{path}/{one['sid']}" for one in answer.json[collection]]
    return found
