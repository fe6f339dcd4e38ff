"""The signature, against two of the vendor's own library (twilio-python 9.13.0)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from chinwag.delivery.signature import signature, signed_text

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.check(15)

TOKEN = "12345678901234567890123456789012"
ACCOUNT = "AC" + "0" * 31 + "1"
WEBHOOKS = Path(__file__).parents[2] / "docs" / "webhooks.md"

ALTERED = pytest.mark.parametrize(
    ("url", "form"),
    [
        ("https://example.com/b", {"Body": "hello", "From": "alice"}),
        ("http://example.com/a", {"Body": "hello", "From": "alice"}),
        ("https://example.com/a?", {"Body": "hello", "From": "alice"}),
        ("https://example.com/a", {"Body": "hello ", "From": "alice"}),
        ("https://example.com/a", {"body": "hello", "From": "alice"}),
        ("https://example.com/a", {"Body": "hello"}),
        ("https://example.com/a", {"Body": "hello", "From": "alice", "RetryCount": "0"}),
        ("https://example.com/a", {"Body": "alice", "From": "hello"}),
    ],
)


def test_a_form_is_signed_as_the_vendor_signs_it() -> None:
    form = {
        "EventType": "onMessageSent",
        "AccountSid": ACCOUNT,
        "InstanceSid": "IS" + "0" * 31 + "3",
        "ChannelSid": "CH" + "0" * 31 + "6",
        "MessageSid": "IM" + "0" * 31 + "7",
        "Index": "0",
        "From": "alice",
        "Body": "Hello & welcome",
        "Attributes": "{}",
        "DateCreated": "2016-11-24T15:06:40.123Z",
        "ClientIdentity": "alice",
        "Source": "SDK",
        "RetryCount": "0",
    }

    text = signed_text("https://example.com/chat/post?tenant=7", form)

    assert text.startswith(f"https://example.com/chat/post?tenant=7AccountSid{ACCOUNT}Attributes{{}}Body")
    assert text.endswith("RetryCount0SourceSDK")
    assert signature(TOKEN, text) == "h7sB2+9c9IEQb0RpBO2piy0lcAc="


def test_a_query_is_signed_with_its_address() -> None:
    url = f"https://example.com/chat/post?AccountSid={ACCOUNT}&EventType=onChannelDestroyed"

    assert signature(TOKEN, signed_text(url, {})) == "r9hQgrI+xQeIn0Zl2JqbRpU850o="


@ALTERED
def test_whatever_is_altered_has_another_signature(url: str, form: dict[str, str]) -> None:
    right = signature(TOKEN, signed_text("https://example.com/a", {"Body": "hello", "From": "alice"}))

    assert signature(TOKEN, signed_text(url, form)) != right
    assert signature(TOKEN[::-1], signed_text(url, form)) != right


@pytest.fixture(scope="module")
def is_signed() -> Callable[[str, str, dict[str, str], str], bool]:
    """What the documentation tells receivers to do."""
    [recipe] = re.findall(r"```python\n(import base64.*?)```", WEBHOOKS.read_text(), re.DOTALL)
    defined: dict[str, Any] = {}
    exec(recipe, defined)
    return defined["is_signed"]


def test_the_documented_recipe_takes_what_we_sign(is_signed: Callable[..., bool]) -> None:
    for url, form in (
        ("https://example.com/a", {"Body": "h\u00e9llo", "From": "alice"}),
        ("http://x/?a=b", {}),
    ):
        assert is_signed(TOKEN, url, form, signature(TOKEN, signed_text(url, form)))


@ALTERED
def test_the_documented_recipe_refuses_whatever_is_altered(
    is_signed: Callable[..., bool], url: str, form: dict[str, str]
) -> None:
    right = signature(TOKEN, signed_text("https://example.com/a", {"Body": "hello", "From": "alice"}))

    assert not is_signed(TOKEN, url, form, right)
    assert not is_signed(TOKEN[::-1], "https://example.com/a", {"Body": "hello", "From": "alice"}, right)


@pytest.mark.parametrize("wrong", ["", "x", "=" * 28, "h7sB2+9c9IEQb0RpBO2piy0lcAc"])
def test_the_documented_recipe_refuses_what_is_no_signature(
    is_signed: Callable[..., bool], wrong: str
) -> None:
    assert not is_signed(TOKEN, "https://example.com/a", {}, wrong)
