"""The command line: `chinwag serve`, and what an operator does beside it."""

from __future__ import annotations

import os
import sys
import tomllib
from dataclasses import fields
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING

import uvloop
from cyclopts import App, CycloptsError
from cyclopts.config import Dict, Env

from chinwag import __version__, app, commands, limits
from chinwag.app import opened
from chinwag.auth.secrets import new_secret
from chinwag.cli_push import push
from chinwag.cli_run import run_to_the_end
from chinwag.cli_webhooks import webhooks
from chinwag.domain.account import ChangeAuthToken, CreateAccount, CreateKey, RevokeKey
from chinwag.domain.caller import Operator
from chinwag.errors import ApiError, Kinds
from chinwag.logs import configure_logs
from chinwag.settings import Settings, StoreSettings, without_password

if TYPE_CHECKING:
    from cyclopts import ArgumentCollection

    from chinwag.auth.first_start import Credentials

_DEFAULTS = Settings()
_STORE = StoreSettings()


def _settings_file(cli: App, names: tuple[str, ...], arguments: ArgumentCollection) -> None:
    """Take settings from `chinwag.toml`, or from the file that `CHINWAG_CONFIG` names."""
    named = os.environ.get("CHINWAG_CONFIG")
    path = Path(named or "chinwag.toml")
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if named is None:
            return
        raise CycloptsError(f"CHINWAG_CONFIG is {named!r}: there is no such file") from None
    except (OSError, ValueError) as error:
        raise CycloptsError(f"{path} cannot be read as TOML: {error}") from error

    known = [field.name for field in fields(Settings)]
    for name in found:
        if name not in known:
            raise CycloptsError(f"{name} in {path} is not a setting: it must be one of {', '.join(known)}")
    taken = {field.name for field in fields(Settings if names == ("serve",) else StoreSettings)}
    config = {name: value for name, value in found.items() if name in taken}
    Dict(config, source=str(path), use_commands_as_keys=False)(cli, names, arguments)


command_line = App(
    name="chinwag",
    help="A self-hosted server for the Programmable Chat API.",
    version=__version__,
    config=[Env("CHINWAG_", command=False), _settings_file],
    result_action="return_value",
)
accounts = App(name="accounts", help="List, add and change accounts.")
keys = App(name="keys", help="List, add and revoke API keys.")
command_line.command(accounts)
command_line.command(keys)
command_line.command(webhooks)
command_line.command(push)


def main() -> None:
    """Run the command line."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names need not fit the terminal
    try:
        sys.exit(command_line(sys.argv[1:], print_error=False, exit_on_error=False) or 0)
    except CycloptsError as error:
        print(f"chinwag: {error}", file=sys.stderr)
        sys.exit(2)


@command_line.command
def serve(*, settings: Settings = _DEFAULTS) -> int:
    """Run the server."""
    configure_logs(settings)

    async def run() -> None:
        from chinwag.serving import serve as serving  # noqa: PLC0415  # no other command needs what it needs

        await serving(settings, lambda base, credentials: _say_ready(settings, base, credentials))

    return run_to_the_end(run(), uvloop.new_event_loop)


@command_line.command
def migrate(*, settings: StoreSettings = _STORE) -> int:
    """Bring the database up to this release. `serve` does so by itself."""

    async def run() -> None:
        async with opened(settings, new=True):
            print(f"{without_password(settings.database)} is up to date.")

    return run_to_the_end(run())


@command_line.command
def check(*, settings: StoreSettings = _STORE) -> int:
    """Check the encryption key and the database, which is brought up to this release."""

    async def run() -> None:
        async with opened(settings) as parts, parts.world.store.reading() as tx:
            found = await tx.accounts.all()
            print(f"database        {without_password(settings.database)}: reachable, up to date")
            print("encryption key  fits this database")
            print(f"accounts        {len(found)}")
        print("Everything is in order.")

    return run_to_the_end(run())


@command_line.command
def token(
    *,
    service: str,
    identity: str,
    ttl: int = 3600,
    endpoint_id: str | None = None,
    deployment_role: str | None = None,
    push_credential: str | None = None,
    key: str | None = None,
    settings: StoreSettings = _STORE,
) -> int:
    """Print an access token, with which a client SDK connects as one user.

    Args:
        service: The SID of the service to chat in.
        identity: The user, who need not be there yet: the first connection makes one.
        ttl: How long the token is valid, in seconds; at most a day.
        endpoint_id: The application's name for the user's device.
        deployment_role: The SID of the role that the user has if the first connection makes the user.
        push_credential: The SID of the credential for push notifications to this device.
        key: The SID of the API key that signs. Unset: the newest of the service's account.
    """
    if not 1 <= ttl <= limits.TOKEN_LIFETIME_S:
        raise CycloptsError(f"--ttl is {ttl}: it must be 1 to {limits.TOKEN_LIFETIME_S} seconds")

    from chinwag.auth.issuing import issued  # noqa: PLC0415  # no other command signs

    async def run() -> None:
        async with opened(settings) as parts:
            made = await issued(
                parts.world.store,
                parts.seal,
                app.now,
                service_sid=service,
                identity=identity,
                ttl=ttl,
                key_sid=key,
                endpoint_id=endpoint_id,
                deployment_role_sid=deployment_role,
                push_credential_sid=push_credential,
            )
            print(made)

    return run_to_the_end(run())


@accounts.command(name="list")
def list_accounts(*, settings: StoreSettings = _STORE) -> int:
    """List the accounts."""

    async def run() -> None:
        async with opened(settings) as parts, parts.world.store.reading() as tx:
            found = await tx.accounts.all()
            for account in found:
                print(f"{account.sid}  {account.friendly_name}")
            if not found:
                print(f"There are no accounts in {without_password(settings.database)}.", file=sys.stderr)

    return run_to_the_end(run())


@accounts.command(name="create")
def create_account(friendly_name: str, /, *, settings: StoreSettings = _STORE) -> int:
    """Add an account and print its auth token, once.

    Args:
        friendly_name: A name for people.
    """

    async def run() -> None:
        async with opened(settings) as parts:
            token = new_secret()
            command = CreateAccount(friendly_name=friendly_name, sealed_auth_token=parts.seal.seal(token))
            account = await commands.run(command, Operator(), parts.world)
            print(f"account SID  {account.sid}\nauth token   {token}   (shown only now)")

    return run_to_the_end(run())


@accounts.command(name="new-token")
def new_auth_token(sid: str, /, *, settings: StoreSettings = _STORE) -> int:
    """Give an account another auth token and print it, once. The old one is refused within a second.

    Args:
        sid: The account.
    """

    async def run() -> None:
        async with opened(settings) as parts:
            token = new_secret()
            command = ChangeAuthToken(sid=sid, sealed_auth_token=parts.seal.seal(token))
            await commands.run(command, Operator(), parts.world)
            print(f"account SID  {sid}\nauth token   {token}   (shown only now)")

    return run_to_the_end(run())


@keys.command(name="list")
def list_keys(account: str | None = None, /, *, settings: StoreSettings = _STORE) -> int:
    """List the API keys.

    Args:
        account: Only those of this account.
    """

    async def run() -> None:
        async with opened(settings) as parts, parts.world.store.reading() as tx:
            owners = [owner for owner in await tx.accounts.all() if account in {None, owner.sid}]
            if account is not None and not owners:
                raise ApiError(Kinds.NOT_FOUND, f"there is no account {account}", path=f"/Accounts/{account}")
            for owner in owners:
                for key in await tx.accounts.keys(owner):
                    print(f"{key.sid}  {key.account_sid}  {key.friendly_name}")

    return run_to_the_end(run())


@keys.command(name="create")
def create_key(account: str, friendly_name: str = "API key", /, *, settings: StoreSettings = _STORE) -> int:
    """Add an API key to an account and print its secret, once.

    Args:
        account: The SID of the account.
        friendly_name: A name for people.
    """

    async def run() -> None:
        async with opened(settings) as parts:
            secret = new_secret()
            command = CreateKey(
                account_sid=account, friendly_name=friendly_name, sealed_secret=parts.seal.seal(secret)
            )
            key = await commands.run(command, Operator(), parts.world)
            print(f"key SID  {key.sid}\nsecret   {secret}   (shown only now)")

    return run_to_the_end(run())


@keys.command(name="revoke")
def revoke_key(sid: str, /, *, settings: StoreSettings = _STORE) -> int:
    """Revoke an API key. A running server refuses it within a second.

    Args:
        sid: The key.
    """

    async def run() -> None:
        async with opened(settings) as parts:
            await commands.run(RevokeKey(sid=sid), Operator(), parts.world)
            print(f"{sid} is revoked.")

    return run_to_the_end(run())


def _say_ready(settings: Settings, base: str, credentials: Credentials | None) -> None:
    here = _address(settings, base)
    if credentials is not None:
        print(_first_minute(settings, here, credentials))
    print(_browser_line(here))
    print(f"Chinwag is listening on {base}", flush=True)


def _address(settings: Settings, base: str) -> str:
    """Return the address of this server as clients may write it."""
    if settings.public_url is not None:
        return settings.public_url.rstrip("/")
    return f"http://localhost:{base.rpartition(':')[2]}" if settings.host in {"0.0.0.0", "::"} else base  # noqa: S104


def _browser_line(here: str) -> str:
    """Return what points the official JavaScript SDK here. It is shown at every start."""
    uri = f"ws{here.removeprefix('http')}/v3/wsconnect"
    return f"Browser new Twilio.Chat.Client(token, {{ Twilsock: {{ uri: '{uri}' }} }});"


def _first_minute(settings: Settings, here: str, credentials: Credentials) -> str:
    """Return what somebody needs who starts a server for the first time. It is shown once."""
    account, token = credentials.account_sid, credentials.auth_token
    return f"""
This is the first start, so there is a new account. Keep these; they are not shown again.
(Lost the token? `chinwag accounts new-token {account}` makes another.)

  account SID  {account}      auth token  {token}
  API key SID  {credentials.api_key_sid}      secret      {credentials.api_key_secret}

Everything is kept in {without_password(settings.database)}. The API is described at {here}/docs

curl    curl {here}/v2/Services -u {account}:{token} -d FriendlyName=Support
Python  client = Client("{account}", "{token}"); client.chat.base_url = "{here}"
Node    const client = require('twilio')('{account}', '{token}'); client.chat.baseUrl = '{here}';
Token   chinwag token --service IS… --identity alice"""
