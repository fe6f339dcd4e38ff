"""Every setting, once. Each is an option of the command line, an environment variable `CHINWAG_<NAME>` and a
key of `chinwag.toml`; the first of the three that is given wins. `docs/settings.md` lists them for operators.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import urlsplit

from cyclopts import Parameter

if TYPE_CHECKING:
    from collections.abc import Callable

_SID = re.compile(r"[A-Z]{2}[0-9a-f]{32}")


def _must(holds: Callable[[str], bool], expected: str) -> Callable[[object, object], None]:
    """Return a validator that says what a setting may be."""

    def validate(_type: object, value: object) -> None:
        for text in value if isinstance(value, tuple) else (value,):
            if text is not None and not holds(str(text)):
                raise ValueError(f"{text!r} is not {expected}.")

    return validate


def _is_database(url: str) -> bool:
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return url.startswith("sqlite:///") and len(parts.path) > 1
    return parts.scheme in {"postgresql", "postgres"}


def _is_base(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and not (parts.query or parts.fragment)


def _is_network(text: str) -> bool:
    try:
        ip_network(text)
    except ValueError:
        return False
    return True


def _is_encryption_key(text: str) -> bool:
    try:
        return len(base64.urlsafe_b64decode(text)) == 32  # noqa: PLR2004  # bytes of a Fernet key
    except (binascii.Error, ValueError):
        return False


def _is_sid(prefix: str) -> Callable[[str], bool]:
    return lambda text: _SID.fullmatch(text) is not None and text.startswith(prefix)


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a server runs. Secrets belong into the environment, not on a command line that others can list."""

    host: str = "127.0.0.1"
    """Address to listen on. 0.0.0.0 is every IPv4 address of this machine."""

    port: Annotated[
        int, Parameter(validator=_must(lambda text: 0 <= int(text) <= 65535, "a port (0 to 65535)"))
    ] = 8080
    """Port to listen on; 0 lets the system choose."""

    database: Annotated[
        str, Parameter(validator=_must(_is_database, "sqlite:///FILE or postgresql://USER@HOST/NAME"))
    ] = "sqlite:///data/chinwag.db"
    """Where everything is kept: sqlite:///FILE or postgresql://USER@HOST/NAME."""

    database_connections: Annotated[
        int, Parameter(validator=_must(lambda text: 1 <= int(text) <= 1000, "a number from 1 to 1000"))
    ] = 16
    """Most connections to PostgreSQL at a time."""

    public_url: Annotated[
        str | None,
        Parameter(validator=_must(_is_base, "an http or https address such as https://chat.example.com")),
    ] = None
    """Base of the addresses in answers. Unset: as each request arrived (Host, and X-Forwarded-* of trusted
    proxies)."""

    trusted_proxies: Annotated[
        tuple[str, ...],
        Parameter(validator=_must(_is_network, "an address or network such as 10.0.0.0/8"), negative=()),
    ] = ("127.0.0.1", "::1")
    """Addresses or networks whose X-Forwarded-* headers are believed."""

    encryption_key: Annotated[
        str | None,
        Parameter(validator=_must(_is_encryption_key, "32 bytes in URL-safe base64 (44 characters)")),
    ] = field(default=None, repr=False)
    """Key that seals secrets in the database: 32 bytes in URL-safe base64. Unset: the key file is used."""

    key_file: Path | None = None
    """File with that key, made at the first start. Unset: chinwag.key beside the SQLite file, or in
    ./data."""

    account_sid: Annotated[
        str | None, Parameter(validator=_must(_is_sid("AC"), "AC and 32 lower-case hexadecimal digits"))
    ] = None
    """Fixed account, for tests and containers. Unset: the first start makes one. Needs auth_token."""

    auth_token: str | None = field(default=None, repr=False)
    """Auth token of the fixed account."""

    api_key_sid: Annotated[
        str | None, Parameter(validator=_must(_is_sid("SK"), "SK and 32 lower-case hexadecimal digits"))
    ] = None
    """Fixed API key of the fixed account. Needs api_key_secret."""

    api_key_secret: str | None = field(default=None, repr=False)
    """Secret of the fixed API key."""

    default_channel_members: Annotated[
        int, Parameter(validator=_must(lambda text: 1 <= int(text) <= 1000, "a number from 1 to 1000"))
    ] = 250
    """limits.channel_members of a new service."""

    default_user_channels: Annotated[
        int, Parameter(validator=_must(lambda text: 1 <= int(text) <= 1000, "a number from 1 to 1000"))
    ] = 100
    """limits.user_channels of a new service."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Least level that is logged; info has a line for each request."""

    log_format: Literal["auto", "json", "console"] = "auto"
    """How log lines look. auto: console on a terminal, otherwise json."""

    def __post_init__(self) -> None:
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
            if getattr(self, name) and not getattr(self, needed):
                raise ValueError(f"{name} is set and {needed} is not: set both or neither.")


def key_path(settings: Settings) -> Path:
    """Return the file that holds the encryption key."""
    if settings.key_file is not None:
        return settings.key_file
    if urlsplit(settings.database).scheme == "sqlite":
        return Path(settings.database.removeprefix("sqlite:///")).parent / "chinwag.key"
    return Path("data/chinwag.key")
