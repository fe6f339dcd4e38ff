"""The signature, against two of the vendor's own library (twilio-python 9.13.0)."""

from __future__ import annotations

from chinwag.delivery.signature import signature, signed_text

TOKEN = "12345678901234567890123456789012"
ACCOUNT = "AC" + "0" * 31 + "1"


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
