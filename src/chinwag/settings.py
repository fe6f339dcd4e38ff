"""Every setting, once.

Each is an option of the command line, an environment variable `CHINWAG_<NAME>` and a key of `chinwag.toml`;
the first of the three that is given wins. `docs/settings.md` lists them for operators.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar
from urllib.parse import unquote, urlsplit

from cyclopts import CycloptsError, Parameter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cyclopts import Token

T = TypeVar("T")

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
"""The hosts that only this machine reaches."""

_LOOPBACK_NETWORKS = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))


def _read(
    parse: Callable[[str], T], expected: str, *, shown: Callable[[str], str] = repr, several: bool = False
) -> Parameter:
    """Return how a setting is read.

    Args:
        parse: the value that a text spells; raises ValueError when it spells none.
        expected: what the setting may be, for the operator who gave something else.
        shown: what may be repeated of a text that was refused.
        several: whether the setting is a list.
    """

    def convert(_type: object, tokens: Sequence[Token]) -> T:
        text = " ".join(token.value for token in tokens)
        try:
            return parse(text)
        except ValueError:
            raise CycloptsError(f"{_place(tokens[0])} is {shown(text)}: it must be {expected}") from None

    if not several:
        return Parameter(converter=convert)
    return Parameter(converter=convert, negative=(), env_var_split=_whole, show_default=_listed)


def _whole(_type: object, text: str, *, delimiter: str | None) -> list[str]:  # noqa: ARG001  # cyclopts's form
    return [text]


def _listed(default: Sequence[str] | None) -> str:
    return "unset" if default is None else " ".join(default)


def _place(token: Token) -> str:
    """Return where a setting was given, as the operator wrote it."""
    name = (token.keyword or "").strip("[]")
    return name if token.source in {"cli", "env"} else f"{name} in {token.source}"


def _some(text: str) -> str:
    if not text:
        raise ValueError
    return text


def _path(text: str) -> Path:
    return Path(_some(text))


def _number(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if re.fullmatch(r"[0-9]{1,9}", text) is None or not low <= int(text) <= high:
            raise ValueError
        return int(text)

    return parse


def _database(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        right = url.startswith("sqlite:///") and parts.path not in {"/", "/:memory:"}
    else:
        right = parts.scheme in {"postgresql", "postgres"} and parts.port != 0  # a bad port is a ValueError
    if not right:
        raise ValueError
    return url


def _media_store(url: str) -> str:
    parts = urlsplit(url)
    local = parts.scheme == "file" and not parts.netloc and parts.path.startswith("/")
    if not local and (parts.scheme not in {"s3", "gs", "az"} or not parts.netloc):
        raise ValueError
    return url


def _base(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError
    return url


def _origin(url: str) -> str:
    if urlsplit(url).scheme != "https" or urlsplit(url).path not in {"", "/"}:
        raise ValueError
    return _base(url).rstrip("/")


def _networks(text: str) -> tuple[str, ...]:
    networks = tuple(part for part in re.split(r"[\s,]+", text) if part)
    for network in networks:
        ip_network(network)
    return networks


def _flag(text: str) -> bool:
    if text.lower() not in {"true", "false"}:
        raise ValueError
    return text.lower() == "true"


def _encryption_key(text: str) -> str:
    if len(base64.urlsafe_b64decode(text)) != 32:  # noqa: PLR2004  # bytes of a Fernet key
        raise ValueError
    return text


def _only_length(secret: str) -> str:
    return f"{len(secret)} characters that are no key"


def _sid(prefix: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if re.fullmatch(prefix + "[0-9a-f]{32}", text) is None:
            raise ValueError
        return text

    return parse


def without_password(database: str) -> str:
    """Return a database address as it may be shown."""
    database = re.sub(r"(?s)(://[^:@/?]*):.*@", r"\1:***@", database)
    return re.sub(r"(password=)[^&]*", r"\1***", database)


def _shown_database(url: str) -> str:
    return repr(without_password(url))


def _together(_type: object, settings: Settings) -> None:
    """Check what only the whole can tell.

    Raises:
        ValueError: a setting is given without the one that it needs.
    """
    for name, needed in (
        ("account_sid", "auth_token"),
        ("auth_token", "account_sid"),
        ("api_key_sid", "api_key_secret"),
        ("api_key_secret", "api_key_sid"),
        ("api_key_sid", "account_sid"),
    ):
        if getattr(settings, name) and not getattr(settings, needed):
            raise ValueError(f"{name} is set and {needed} is not: set both or neither")


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSettings:
    """Where everything is kept and how its secrets are sealed: what a command beside the server needs."""

    database: Annotated[
        str,
        _read(
            _database,
            "sqlite:///FILE or postgresql://USER@HOST/NAME",
            shown=_shown_database,
        ),
    ] = "sqlite:///data/chinwag.db"
    """sqlite:///FILE, sqlite:////ABSOLUTE/FILE or postgresql://USER@HOST/NAME."""

    database_connections: Annotated[int, _read(_number(1, 1000), "a number from 1 to 1000")] = 16
    """Most connections to PostgreSQL at a time."""

    encryption_key: Annotated[
        str | None,
        _read(
            _encryption_key,
            "32 bytes in URL-safe base64, which is 44 characters",
            shown=_only_length,
        ),
    ] = field(default=None, repr=False)
    """Key that seals secrets in the database: 32 bytes in URL-safe base64. Unset: the key file is used."""

    key_file: Path | None = None
    """File with that key, made at the first start. Unset: chinwag.key beside the SQLite file, or in data."""


@Parameter(name="*", validator=_together)
@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(StoreSettings):
    """How a server runs. Secrets belong into the environment, not on a command line that others can list."""

    host: Annotated[str, _read(_some, "an address or a name of this machine")] = "127.0.0.1"
    """Address to listen on. 0.0.0.0 is every IPv4 address of this machine."""

    port: Annotated[int, _read(_number(0, 65535), "a port: 0 to 65535")] = 8080
    """Port to listen on; 0 lets the system choose."""

    public_url: Annotated[
        str | None, _read(_base, "an http or https address such as https://chat.example.com")
    ] = None
    """Base of the addresses in answers. Unset: as each request arrived (Host, and X-Forwarded-* of trusted
    proxies)."""

    trusted_proxies: Annotated[
        tuple[str, ...], _read(_networks, "addresses or networks such as 10.0.0.0/8", several=True)
    ] = ("127.0.0.1", "::1")
    """Addresses or networks whose X-Forwarded-* headers (Proto, Host, For) are believed. Empty: nobody's."""

    account_sid: Annotated[str | None, _read(_sid("AC"), "AC and 32 lower-case hexadecimal digits")] = None
    """Fixed account, for tests and containers. Unset: the first start makes one. Needs auth_token."""

    auth_token: str | None = field(default=None, repr=False)
    """Auth token of the fixed account."""

    api_key_sid: Annotated[str | None, _read(_sid("SK"), "SK and 32 lower-case hexadecimal digits")] = None
    """Fixed API key of the fixed account. Needs api_key_secret."""

    api_key_secret: str | None = field(default=None, repr=False)
    """Secret of the fixed API key."""

    default_channel_members: Annotated[int, _read(_number(1, 1000), "a number from 1 to 1000")] = 250
    """limits.channel_members of a new service."""

    default_user_channels: Annotated[int, _read(_number(1, 1000), "a number from 1 to 1000")] = 100
    """limits.user_channels of a new service."""

    media_store: Annotated[
        str | None,
        _read(_media_store, "file:///FOLDER, s3://BUCKET/PATH, gs://BUCKET/PATH or az://CONTAINER/PATH"),
    ] = None
    """Where files in messages are kept: file:///FOLDER, s3://BUCKET/PATH, gs://… or az://…. Unset: the folder
    media beside the SQLite file, or data/media."""

    media_size_limit_mb: Annotated[int, _read(_number(1, 100_000), "a number from 1 to 100000")] = 150
    """Largest file in a message, in MB of 1,048,576 bytes."""

    requests_per_second: Annotated[int, _read(_number(0, 100_000), "a number from 0 to 100000")] = 0
    """Most requests of an account over REST in a second; 0 is as many as come."""

    service_actions_per_second: Annotated[int, _read(_number(0, 100_000), "a number from 0 to 100000")] = 0
    """Most changes in a service in a second, over REST and by client SDKs; 0 is as many as come."""

    channel_actions_per_second: Annotated[int, _read(_number(0, 100_000), "a number from 0 to 100000")] = 0
    """Most changes in a channel in a second, over REST and by client SDKs; 0 is as many as come."""

    guesses_per_minute: Annotated[int, _read(_number(0, 100_000), "a number from 0 to 100000")] = 100
    """How often an address may be wrong about a secret in a minute before it has to wait; 0 is as often as it
    likes."""

    outgoing_allow: Annotated[
        tuple[str, ...] | None, _read(_networks, "addresses or networks such as 10.0.0.0/8", several=True)
    ] = None
    """Addresses or networks of this machine or of private networks that webhooks may call, such as
    10.0.0.0/8. Unset: loopback, if the server itself listens on loopback, otherwise none."""

    outgoing_credentials: Annotated[bool, _read(_flag, "true or false")] = False
    """URLs of webhooks may hold a user name and a password."""

    webhook_failure: Literal["open", "closed"] = "open"
    """What becomes of a change by a client SDK when the pre-event webhook does not answer: open makes it, as
    the original does, closed refuses it."""

    webhook_patience_hours: Annotated[int, _read(_number(1, 720), "a number from 1 to 720")] = 24
    """How long a post-event webhook waits for a receiver that does not answer, in hours."""

    webhook_log_hours: Annotated[int, _read(_number(1, 8760), "a number from 1 to 8760")] = 72
    """How long `chinwag webhooks log` remembers calls that have ended, in hours."""

    push: Literal["send", "sink"] = "send"
    """What becomes of push notifications: send sends them, sink only records them, for development."""

    push_apns_url: Annotated[str, _read(_origin, "an https address such as https://api.push.apple.com")] = (
        "https://api.push.apple.com"
    )
    """Where Apple takes push notifications."""

    push_apns_sandbox_url: Annotated[
        str, _read(_origin, "an https address such as https://api.sandbox.push.apple.com")
    ] = "https://api.sandbox.push.apple.com"
    """Where Apple takes those of credentials with Sandbox."""

    push_fcm_url: Annotated[str, _read(_base, "an http or https address such as https://fcm.example.com")] = (
        "https://fcm.googleapis.com"
    )
    """Where Google takes push notifications."""

    push_patience_hours: Annotated[int, _read(_number(1, 672), "a number from 1 to 672")] = 4
    """How long a push notification is worth something, in hours: to this server, and to its provider."""

    push_log_hours: Annotated[int, _read(_number(1, 8760), "a number from 1 to 8760")] = 72
    """How long `chinwag push log` remembers push notifications that have ended, in hours."""

    v1_list_attributes: Annotated[bool, _read(_flag, "true or false")] = False
    """Lists of v1 show attributes, where the original has null."""

    list_public_channels_only: Annotated[bool, _read(_flag, "true or false")] = False
    """A list of channels without a Type leaves private channels out, as the vendor's text can be read."""

    demo: Annotated[Path | None, _read(_path, "a file or a folder")] = None
    """Serve a sample page at /demo, which lets anybody in, with the twilio-chat.min.js of your own npm
    install: the file, or a folder with it, such as ./node_modules. Unset: there is none."""

    requests_at_a_time: Annotated[int, _read(_number(1, 100_000), "a number from 1 to 100000")] = 300
    """Most requests of the REST API at a time. More are refused with 503, to come back after a second."""

    unknown_connections: Annotated[int, _read(_number(1, 1_000_000), "a number from 1 to 1000000")] = 5000
    """Most connections that have not shown whose they are, at most half of all open files. Beyond that the
    oldest are cut off."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Least level that is logged; info has a line for each request."""

    log_format: Literal["auto", "json", "console"] = "auto"
    """How log lines look. auto: console on a terminal, otherwise json."""


def key_path(settings: StoreSettings) -> Path:
    """Return the file that holds the encryption key."""
    return settings.key_file or _beside(settings.database, "chinwag.key")


def media_place(settings: Settings) -> Path | str:
    """Return the folder that holds files in messages, or the URL of a bucket that does."""
    if settings.media_store is None:
        return _beside(settings.database, "media")
    parts = urlsplit(settings.media_store)
    return Path(unquote(parts.path)) if parts.scheme == "file" else settings.media_store


def allowed_networks(settings: Settings) -> tuple[IPv4Network | IPv6Network, ...]:
    """Return the networks that may be called although they are not public."""
    if settings.outgoing_allow is None:
        return _LOOPBACK_NETWORKS if settings.host in LOOPBACK else ()
    return tuple(ip_network(network) for network in settings.outgoing_allow)


def _beside(database: str, name: str) -> Path:
    if urlsplit(database).scheme == "sqlite":
        return Path(database.removeprefix("sqlite:///")).parent / name
    return Path("data") / name
