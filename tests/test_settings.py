"""Settings: each by option, by variable and by file, and what is said of one that cannot be."""

from __future__ import annotations

import re
import sys
from dataclasses import fields
from ipaddress import ip_network
from pathlib import Path

import pytest

from chinwag import cli
from chinwag.settings import Settings, StoreSettings, allowed_networks, key_path, without_password

BAD = {
    "host": ("", "an address or a name of this machine"),
    "port": ("99999", "a port: 0 to 65535"),
    "database": ("mysql://x", "sqlite:///FILE or postgresql://USER@HOST/NAME"),
    "database_connections": ("0", "a number from 1 to 1000"),
    "public_url": ("foo", "an http or https address such as https://chat.example.com"),
    "trusted_proxies": ("300.1.1.1", "addresses or networks such as 10.0.0.0/8"),
    "account_sid": ("xyz", "AC and 32 lower-case hexadecimal digits"),
    "api_key_sid": ("AC" + "0" * 32, "SK and 32 lower-case hexadecimal digits"),
    "default_channel_members": ("1001", "a number from 1 to 1000"),
    "media_store": (
        "ftp://example.com/media",
        "file:///FOLDER, s3://BUCKET/PATH, gs://BUCKET/PATH or az://CONTAINER/PATH",
    ),
    "media_size_limit_mb": ("0", "a number from 1 to 100000"),
    "outgoing_allow": ("localhost", "addresses or networks such as 10.0.0.0/8"),
    "default_user_channels": ("many", "a number from 1 to 1000"),
    "demo": ("", "a file or a folder"),
}
"""For each setting something that it cannot be, and what it must be."""

OTHERS_THAT_ARE_BAD = [
    ("port", "abc"),
    ("port", "-1"),
    ("port", "80.0"),
    ("port", "8_080"),
    ("port", "٨٠"),
    ("port", "99999999999999999999"),
    ("database", "chinwag.db"),
    ("database", "sqlite:chinwag.db"),
    ("database", "sqlite:///"),
    ("database", "sqlite:///:memory:"),
    ("database", "postgresql://localhost:99999/chinwag"),
    ("database", "postgresql://[::1/chinwag"),
    ("public_url", "ftp://chat.example.com"),
    ("public_url", "https://"),
    ("public_url", "https://chat.example.com/?a=b"),
    ("trusted_proxies", "10.0.0.1/8"),
    ("trusted_proxies", "10.0.0.0/8,nobody"),
    ("outgoing_allow", "10.0.0.1/8"),
    ("outgoing_allow", "10.0.0.0/8,nobody"),
    ("account_sid", "AC" + "A" * 32),
    ("media_store", "data/media"),
    ("media_store", "file://data/media"),
    ("media_store", "file:data/media"),
    ("media_store", "s3://"),
    ("media_size_limit_mb", "150MB"),
]

FLAGS = ("outgoing_credentials", "v1_list_attributes", "list_public_channels_only")
"""The settings that are true or false, and false unless given."""

SECRETS = ("encryption_key", "auth_token", "api_key_secret")


class Operator:
    """Somebody who runs `chinwag` in a folder of their own and reads what it says."""

    def __init__(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self._folder = folder
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        monkeypatch.chdir(folder)

    def by_option(self, **settings: str) -> None:
        options = [part for name, text in settings.items() for part in (f"--{name.replace('_', '-')}", text)]
        self._monkeypatch.setattr(sys, "argv", ["chinwag", "serve", *options])

    def by_variable(self, **settings: str) -> None:
        self.by_option()
        for name, text in settings.items():
            self._monkeypatch.setenv(f"CHINWAG_{name.upper()}", text)

    def by_file(self, text: str, name: str = "chinwag.toml") -> None:
        self.by_option()
        (self._folder / name).write_text(text)

    def is_told(self) -> str:
        """Run the command, and return the one line with which it is refused."""
        with pytest.raises(SystemExit) as end:
            cli.main()
        said = self._capsys.readouterr()
        assert end.value.code == 2, said
        assert said.out == ""
        assert re.fullmatch(r"chinwag: .*\n", said.err), said.err
        return said.err.removeprefix("chinwag: ").removesuffix("\n")


@pytest.fixture
def operator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Operator:
    return Operator(tmp_path, monkeypatch, capsys)


def settings(*arguments: str) -> Settings:
    """Return the settings that the command line reads."""
    _, bound, _ = cli.command_line.parse_args(["serve", *arguments], print_error=False, exit_on_error=False)
    return bound.arguments.get("settings", Settings())


# What is refused


@pytest.mark.parametrize("name", BAD)
def test_a_bad_option_is_named_with_what_it_was_and_what_it_must_be(operator: Operator, name: str) -> None:
    text, expected = BAD[name]

    operator.by_option(**{name: text})

    assert operator.is_told() == f"--{name.replace('_', '-')} is {text!r}: it must be {expected}"


@pytest.mark.parametrize("name", BAD)
def test_a_bad_variable_is_named_with_what_it_was_and_what_it_must_be(operator: Operator, name: str) -> None:
    text, expected = BAD[name]

    operator.by_variable(**{name: text})

    assert operator.is_told() == f"CHINWAG_{name.upper()} is {text!r}: it must be {expected}"


@pytest.mark.parametrize("name", BAD)
def test_a_bad_line_of_the_file_is_named_with_what_it_was_and_what_it_must_be(
    operator: Operator, name: str
) -> None:
    text, expected = BAD[name]

    operator.by_file(f"{name} = '{text}'")

    assert operator.is_told() == f"{name} in chinwag.toml is {text!r}: it must be {expected}"


@pytest.mark.parametrize(("name", "text"), OTHERS_THAT_ARE_BAD)
def test_it_is_refused_too(operator: Operator, name: str, text: str) -> None:
    operator.by_variable(**{name: text})

    assert operator.is_told() == f"CHINWAG_{name.upper()} is {text!r}: it must be {BAD[name][1]}"


@pytest.mark.parametrize("name", ["log_level", "log_format"])
def test_a_word_that_is_not_one_of_a_few_is_refused_with_those_few(operator: Operator, name: str) -> None:
    operator.by_variable(**{name: "loud"})

    told = operator.is_told()

    assert f'Invalid value "loud" for CHINWAG_{name.upper()}' in told
    assert ('"warning"' if name == "log_level" else '"console"') in told


@pytest.mark.parametrize("name", FLAGS)
@pytest.mark.parametrize("text", ["yes", "1", "", "truee"])
def test_what_is_neither_true_nor_false_is_refused(operator: Operator, name: str, text: str) -> None:
    operator.by_variable(**{name: text})

    assert operator.is_told() == f"CHINWAG_{name.upper()} is {text!r}: it must be true or false"


@pytest.mark.parametrize("name", FLAGS)
@pytest.mark.parametrize("value", ["1", "'yes'"])
def test_what_is_neither_true_nor_false_in_the_file_is_refused(
    operator: Operator, name: str, value: str
) -> None:
    operator.by_file(f"{name} = {value}")

    text = value.strip("'")
    assert operator.is_told() == f"{name} in chinwag.toml is {text!r}: it must be true or false"


def test_a_bad_encryption_key_is_not_repeated(operator: Operator) -> None:
    operator.by_variable(encryption_key="swordfish")

    told = operator.is_told()

    assert told == (
        "CHINWAG_ENCRYPTION_KEY is 9 characters that are no key: "
        "it must be 32 bytes in URL-safe base64, which is 44 characters"
    )


def test_the_password_of_a_bad_database_is_not_repeated(operator: Operator) -> None:
    operator.by_variable(database="mysql://chinwag:swordfish@localhost/chinwag")

    assert operator.is_told().startswith(
        "CHINWAG_DATABASE is 'mysql://chinwag:***@localhost/chinwag': it must be"
    )


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ("account_sid", "auth_token"),
        ("auth_token", "account_sid"),
        ("api_key_sid", "api_key_secret"),
        ("api_key_secret", "api_key_sid"),
    ],
)
def test_half_of_a_pair_is_refused(operator: Operator, given: str, missing: str) -> None:
    sids = {"account_sid": "AC" + "0" * 32, "api_key_sid": "SK" + "0" * 32}

    operator.by_variable(**{given: sids.get(given, "swordfish")})

    assert operator.is_told() == f"{given} is set and {missing} is not: set both or neither"


def test_a_fixed_key_without_a_fixed_account_is_refused(operator: Operator) -> None:
    operator.by_variable(api_key_sid="SK" + "0" * 32, api_key_secret="swordfish")

    assert operator.is_told() == "api_key_sid is set and account_sid is not: set both or neither"


def test_an_option_that_does_not_exist_is_refused(operator: Operator) -> None:
    operator.by_option(prot="80")

    assert "Unknown option" in operator.is_told()


@pytest.mark.parametrize("line", ["prot = 80", "log-level = 'debug'", "[serve]\nport = 80"])
def test_a_name_in_the_file_that_is_no_setting_is_refused_with_those_that_are(
    operator: Operator, line: str
) -> None:
    operator.by_file(line)

    told = operator.is_told()

    assert re.match(r"(prot|log-level|serve) in chinwag\.toml is not a setting: it must be one of ", told)
    assert "database, database_connections, encryption_key" in told


@pytest.mark.parametrize("text", ["port = ", "port: 80", "port = 1\nport = 2", 'host = "\n"'])
def test_a_file_that_is_not_toml_is_named(operator: Operator, text: str) -> None:
    operator.by_file(text)

    assert operator.is_told().startswith("chinwag.toml cannot be read as TOML: ")


@pytest.mark.parametrize("line", ["port = [1, 2]", "port = {a = 1}", "[port]\nport = 1"])
def test_a_value_in_the_file_that_is_no_plain_value_is_refused(operator: Operator, line: str) -> None:
    operator.by_file(line)

    assert "[port]" in operator.is_told()


def test_a_folder_in_the_place_of_the_file_is_refused(operator: Operator, tmp_path: Path) -> None:
    (tmp_path / "chinwag.toml").mkdir()
    operator.by_option()

    assert operator.is_told().startswith("chinwag.toml cannot be read as TOML: [Errno 21] Is a directory")


def test_a_named_file_that_is_not_there_is_refused(operator: Operator) -> None:
    operator.by_variable(config="nowhere.toml")

    assert operator.is_told() == "CHINWAG_CONFIG is 'nowhere.toml': there is no such file"


# What is read


def test_nothing_needs_to_be_set(operator: Operator) -> None:
    assert settings() == Settings()


def test_a_setting_may_be_an_option_a_variable_or_a_line_of_the_file(operator: Operator) -> None:
    operator.by_file("host = 'by.file'\nport = 1\ndatabase_connections = 2")
    operator.by_variable(port="3", log_level="debug")

    read = settings("--log-format", "json")

    assert read == Settings(
        host="by.file", port=3, database_connections=2, log_level="debug", log_format="json"
    )


def test_an_option_wins_over_a_variable_and_a_variable_over_the_file(operator: Operator) -> None:
    operator.by_file("port = 1\ndatabase_connections = 1\ndefault_user_channels = 1")
    operator.by_variable(port="2", database_connections="2")

    read = settings("--port", "3")

    assert (read.port, read.database_connections, read.default_user_channels) == (3, 2, 1)


def test_another_file_may_be_named(operator: Operator) -> None:
    operator.by_file("port = 1")
    operator.by_file("port = 2", "other.toml")
    operator.by_variable(config="other.toml")

    assert settings().port == 2


@pytest.mark.parametrize(
    ("text", "proxies"),
    [
        ("10.0.0.0/8", ("10.0.0.0/8",)),
        ("10.0.0.0/8 ::1", ("10.0.0.0/8", "::1")),
        ("10.0.0.0/8,::1", ("10.0.0.0/8", "::1")),
        ("10.0.0.0/8, ::1", ("10.0.0.0/8", "::1")),
        ("", ()),
    ],
)
def test_several_proxies_are_separated_by_blanks_or_commas(
    operator: Operator, text: str, proxies: tuple[str, ...]
) -> None:
    operator.by_variable(trusted_proxies=text)

    assert settings().trusted_proxies == proxies


def test_several_proxies_may_be_several_options_or_a_list_in_the_file(operator: Operator) -> None:
    operator.by_file("trusted_proxies = ['10.0.0.0/8', '::1']")

    assert settings().trusted_proxies == ("10.0.0.0/8", "::1")
    assert settings("--trusted-proxies", "::1", "--trusted-proxies", "10.0.0.1").trusted_proxies == (
        "::1",
        "10.0.0.1",
    )


def test_nothing_in_the_place_of_networks_that_may_be_called_means_none(operator: Operator) -> None:
    operator.by_variable(outgoing_allow="")

    assert settings().outgoing_allow == ()


def test_networks_that_may_be_called_may_be_a_list_in_the_file(operator: Operator) -> None:
    operator.by_file("outgoing_allow = ['10.0.0.0/8', '::1']")

    assert settings().outgoing_allow == ("10.0.0.0/8", "::1")


@pytest.mark.parametrize(
    "database",
    [
        "sqlite:///data/chinwag.db",
        "sqlite:////var/lib/chinwag.db",
        "postgresql://chinwag@localhost/chinwag",
        "postgres://chinwag:swordfish@localhost:5432/chinwag",
        "postgresql:///chinwag?host=/run/postgresql",
    ],
)
def test_a_database_is_a_file_or_a_postgresql(operator: Operator, database: str) -> None:
    assert settings("--database", database).database == database


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("public_url", "https://chat.example.com"),
        ("public_url", "http://localhost:8080/behind/a/proxy"),
        ("encryption_key", "Y2hpbndhZyB0ZXN0cyB1c2UgdGhpcyBmaXhlZCBrZXk="),
        ("account_sid", "AC" + "0" * 32),
        ("host", "::1"),
    ],
)
def test_a_good_text_is_taken_as_it_is(operator: Operator, name: str, text: str) -> None:
    operator.by_variable(**{name: text}, **({"auth_token": "token"} if name == "account_sid" else {}))

    assert getattr(settings(), name) == text


def test_the_demo_is_a_path(operator: Operator) -> None:
    assert settings("--demo", "./node_modules").demo == Path("node_modules")


@pytest.mark.parametrize("name", FLAGS)
def test_what_is_true_or_false_is_an_option_that_is_there_or_is_denied(operator: Operator, name: str) -> None:
    option = name.replace("_", "-")

    assert getattr(settings(), name) is False
    assert getattr(settings(f"--{option}"), name) is True
    assert getattr(settings(f"--no-{option}"), name) is False


@pytest.mark.parametrize("name", FLAGS)
@pytest.mark.parametrize(
    ("text", "value"), [("true", True), ("True", True), ("false", False), ("FALSE", False)]
)
def test_true_and_false_are_read_in_any_letter_case(
    operator: Operator, name: str, text: str, *, value: bool
) -> None:
    operator.by_variable(**{name: text})

    assert getattr(settings(), name) is value


@pytest.mark.parametrize("name", FLAGS)
@pytest.mark.parametrize("value", [True, False])
def test_true_and_false_are_what_they_are_in_the_file(operator: Operator, name: str, *, value: bool) -> None:
    operator.by_file(f"{name} = {str(value).lower()}")

    assert getattr(settings(), name) is value


def test_an_option_denies_what_a_variable_says(operator: Operator) -> None:
    operator.by_variable(v1_list_attributes="true")

    assert settings("--no-v1-list-attributes").v1_list_attributes is False


@pytest.mark.parametrize("port", [0, 1, 65535])
def test_a_port_is_a_number_from_0_to_65535(operator: Operator, port: int) -> None:
    assert settings("--port", str(port)).port == port


# What is shown


@pytest.mark.parametrize(
    ("command", "settings_shown"),
    [(["serve"], Settings), (["check"], StoreSettings), (["accounts", "create"], StoreSettings)],
)
def test_help_has_every_setting_that_a_command_takes_and_no_other(
    operator: Operator,
    capsys: pytest.CaptureFixture[str],
    command: list[str],
    settings_shown: type[StoreSettings],
) -> None:
    cli.command_line([*command, "--help"])
    shown = " ".join(re.sub(r"[│╭╮╰╯─]", " ", capsys.readouterr().out).split())

    taken = [field.name for field in fields(settings_shown)]
    for name in [field.name for field in fields(Settings)]:
        assert (f"--{name.replace('_', '-')} " in shown) == (name in taken)
        assert (f"CHINWAG_{name.upper()}]" in shown) == (name in taken)
    assert "Most connections to PostgreSQL at a time." in shown
    assert "[default: 16]" in shown


def test_settings_are_shown_without_their_secrets() -> None:
    hidden = Settings(**dict.fromkeys(SECRETS, "swordfish"), account_sid="AC" + "0" * 32)

    assert "swordfish" not in repr(hidden)


@pytest.mark.parametrize(
    ("database", "shown"),
    [
        ("postgresql://me:swordfish@host:5432/name", "postgresql://me:***@host:5432/name"),
        ("postgresql://me:sword@fish@host/name", "postgresql://me:***@host/name"),
        ("postgresql://me:sword/fish@host/name", "postgresql://me:***@host/name"),
        ("postgresql://me:sword\nfish@host/name", "postgresql://me:***@host/name"),
        ("postgresql://host/name?user=me&password=swordfish", "postgresql://host/name?user=me&password=***"),
        ("postgresql://me@host:5432/name", "postgresql://me@host:5432/name"),
        ("postgresql:///name?host=/run/postgresql", "postgresql:///name?host=/run/postgresql"),
        ("sqlite:///data/chinwag.db", "sqlite:///data/chinwag.db"),
    ],
)
def test_a_database_is_shown_without_its_password(database: str, shown: str) -> None:
    assert without_password(database) == shown


# Where the encryption key is


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({}, "data/chinwag.key"),
        ({"database": "sqlite:////var/lib/chat.db"}, "/var/lib/chinwag.key"),
        ({"database": "postgresql://localhost/chat"}, "data/chinwag.key"),
        ({"database": "postgresql://localhost/chat", "key_file": Path("/etc/my.key")}, "/etc/my.key"),
    ],
)
def test_the_key_file_is_beside_the_database_unless_it_is_named(given: dict[str, object], path: str) -> None:
    assert key_path(Settings(**given)) == Path(path)


# What webhooks may call


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_a_server_that_only_this_machine_reaches_may_call_this_machine(host: str) -> None:
    networks = allowed_networks(Settings(host=host))

    assert networks == (ip_network("127.0.0.0/8"), ip_network("::1"))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.7", "chat.example.com"])
def test_a_server_that_others_reach_may_call_no_private_network(host: str) -> None:
    assert allowed_networks(Settings(host=host)) == ()


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
@pytest.mark.parametrize("given", [(), ("10.0.0.0/8",), ("192.168.0.7", "fd00::/8")])
def test_networks_that_are_given_may_be_called_and_no_others(host: str, given: tuple[str, ...]) -> None:
    networks = allowed_networks(Settings(host=host, outgoing_allow=given))

    assert networks == tuple(map(ip_network, given))
