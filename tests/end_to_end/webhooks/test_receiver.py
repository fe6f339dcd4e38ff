"""The applications that our webhooks are tested with: what they verify, and that they do as they are told."""

from __future__ import annotations

import asyncio
import hmac
import time
from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

import aiohttp
import pytest
from yarl import URL

from support.receiver import Receiver, Tally, receiving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from support.receiver import Language, Rule

pytestmark = pytest.mark.clients

AUTH_TOKEN = "an auth token for tests"

Form = dict[str, str | list[str]]

SENT: Form = {
    "EventType": "onMessageSent",
    "AccountSid": "AC00000000000000000000000000000001",
    "Index": "0",
    "From": "alice",
    "Body": "Hello & welcome",
    "Attributes": "{}",
    "DateCreated": "2016-11-24T15:06:40.123Z",
    "RetryCount": "0",
}

FORMS: dict[str, Form] = {
    "a message": SENT,
    "nothing": {},
    "an empty value": {"Body": "", "From": "alice"},
    "an empty value, last": {"From": "alice", "Subject": ""},
    "a repeated name": {"Word": ["zebra", "ant", "zebra", "Ant"], "From": "alice"},
    "a repeated empty value": {"Word": ["", "", "ant"]},
    "names that only differ in case": {"b": "1", "B": "2", "a": "3", "A": "4", "Body": "5", "body": "6"},
    "plus, ampersand, equals": {"Body": "1 + 1 = 2 & 2 ; 100 % %41 a+b"},
    "punctuation": {"Body": "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"},
    "JSON": {"Attributes": '{"a": [1, "two"], "b": {"c": null}}'},
    "other scripts": {"Body": "Grüße, 你好, שלום 👋🏽", "From": "Zoë"},
    "lines": {"Body": "one\r\ntwo\nthree\tfour", "From": " alice "},
    "brackets in a name": {"a[b]": "1", "c[]": ["2", "3"], "d.e": "4"},
}

QUERIES = {
    "one parameter": "?tenant=7",
    "pluses, escapes and an empty value": "?a=1+2%202&b=%C3%A9%2F/&c=&a=3&d",
    "what may stand in a query as it is": "?q=-._~!$'()*,;:@/?",
}

AS_IT_IS = "-._~!$'()*,/:?@"
"""What stands in the query of a GET as it is.

The middleware of Node reads an escaped question mark as a bare one, and so finds another signature; much the
same befalls the rest in frameworks of Python that show an address as they would have written it.
"""


def signature(url: str, form: Form, auth_token: str = AUTH_TOKEN) -> str:
    """Return what the header `X-Twilio-Signature` holds."""
    pairs = sorted({(name, value) for name, values in form.items() for value in _listed(values)})
    text = url + "".join(name + value for name, value in pairs)
    return b64encode(hmac.digest(auth_token.encode(), text.encode(), "sha1")).decode()


def encoded(form: Form) -> str:
    """Return a form as the query of a GET."""
    return urlencode(form, doseq=True, quote_via=quote, safe=AS_IT_IS)


def _listed(values: str | list[str]) -> list[str]:
    return values if isinstance(values, list) else [values]


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: str


async def answered(
    method: str, url: str, form: Form | None = None, *, signed: str | None = None, **headers: str
) -> Answer:
    """Send a request and return what it was answered with."""
    if signed is not None:
        headers["X-Twilio-Signature"] = signed
    body = None
    if method == "POST":
        headers["Content-Type"] = "application/x-www-form-urlencoded; charset=utf-8"
        body = urlencode(form or {}, doseq=True)
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, URL(url, encoded=True), data=body, headers=headers) as answer,
    ):
        return Answer(answer.status, answer.headers, await answer.text())


async def sent(method: str, url: str, form: Form, *, signed: str | None = None, **headers: str) -> int:
    return (await answered(method, url, form, signed=signed, **headers)).status


async def post(url: str, form: Form = SENT, **headers: str) -> Answer:
    """Send a genuine POST."""
    return await answered("POST", url, form, signed=signature(url, form), **headers)


async def posted(url: str, form: Form = SENT) -> int:
    return (await post(url, form)).status


async def fetched(url: str) -> int:
    """Send a genuine GET."""
    return await sent("GET", url, {}, signed=signature(url, {}))


@pytest.fixture(scope="module", params=["python", "node"])
async def running(request: pytest.FixtureRequest) -> AsyncIterator[Receiver]:
    async with receiving(request.param, AUTH_TOKEN) as found:
        yield found


@pytest.fixture
async def receiver(running: Receiver) -> Receiver:
    """The application, without a plan and with nothing received."""
    await running.plan()
    await running.forget()
    return running


def test_our_signatures_are_those_of_the_reference() -> None:
    sent_on = {
        "InstanceSid": "IS00000000000000000000000000000003",
        "ChannelSid": "CH00000000000000000000000000000006",
        "MessageSid": "IM00000000000000000000000000000007",
        "ClientIdentity": "alice",
        "Source": "SDK",
    }
    with_its_parameters = (
        "https://example.com/chat/post?AccountSid=AC00000000000000000000000000000001"
        "&EventType=onChannelDestroyed"
    )
    token = "12345678901234567890123456789012"

    assert (
        signature("https://example.com/chat/post?tenant=7", SENT | sent_on, token)
        == "h7sB2+9c9IEQb0RpBO2piy0lcAc="
    )
    assert signature(with_its_parameters, {}, token) == "r9hQgrI+xQeIn0Zl2JqbRpU850o="


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
async def test_a_genuine_post_is_accepted(receiver: Receiver, form: Form) -> None:
    assert await posted(receiver.hook, form) == 200

    (came,) = await receiver.received()
    assert came.valid
    assert came.params == {name: _listed(values) for name, values in form.items()}


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
async def test_a_genuine_post_to_an_address_with_a_query_is_accepted(receiver: Receiver, query: str) -> None:
    assert await posted(receiver.hook + query) == 200

    (came,) = await receiver.received()
    assert came.url == "/hook" + query
    assert came.params == {name: _listed(values) for name, values in SENT.items()}


async def test_a_genuine_post_may_be_long(receiver: Receiver) -> None:
    assert await posted(receiver.hook, SENT | {"Body": "👋" * 8_192, "Attributes": "é" * 16_384}) == 200


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
async def test_a_genuine_get_is_accepted(receiver: Receiver, form: Form) -> None:
    assert await fetched(f"{receiver.hook}?tenant=7&{encoded(form)}") == 200

    (came,) = await receiver.received()
    assert came.valid
    assert came.params == {"tenant": ["7"]} | {name: _listed(values) for name, values in form.items()}


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
async def test_a_genuine_get_may_have_any_query(receiver: Receiver, query: str) -> None:
    assert await fetched(receiver.hook + query) == 200


async def test_a_get_whose_question_mark_is_escaped_is_refused_by_the_middleware(receiver: Receiver) -> None:
    await fetched(f"{receiver.hook}?Body=Who+is+it%3F")
    await fetched(f"{receiver.hook}?Body=Who+is+it?")

    escaped, as_it_is = await receiver.received()
    assert escaped.valid == (receiver.language == "python")
    assert as_it_is.valid


async def test_a_path_below_the_hook_is_a_hook(receiver: Receiver) -> None:
    assert await posted(f"{receiver.hook}/pre%20event/1") == 200

    (came,) = await receiver.received()
    assert came.url == "/hook/pre%20event/1"


@pytest.mark.parametrize(
    ("host", "signed_as"),
    [
        ("chat.example", "chat.example"),
        ("chat.example", "chat.example:80"),
        ("chat.example:80", "chat.example"),
        ("chat.example:8080", "chat.example:8080"),
        ("chat.example:8080", "chat.example"),
    ],
)
async def test_a_port_may_be_signed_or_not(receiver: Receiver, host: str, signed_as: str) -> None:
    signed = signature(f"http://{signed_as}/hook", SENT)

    assert await sent("POST", receiver.hook, SENT, signed=signed, Host=host) == 200


@pytest.mark.parametrize(
    "signed_as",
    [
        "http://chat.example:81/hook",
        "http://alice:secret@chat.example:8080/hook",
        "https://chat.example:8080/hook",
        "http://chat.example:8080/hook/",
        "http://chat.example:8080/hook?",
        "http://chat.example:8080/hook#here",
    ],
)
async def test_what_is_signed_is_the_address_as_it_was_sent(receiver: Receiver, signed_as: str) -> None:
    signed = signature(signed_as, SENT)

    assert await sent("POST", receiver.hook, SENT, signed=signed, Host="chat.example:8080") == 403


@pytest.mark.parametrize(
    "forged",
    [
        SENT | {"Body": "Hello & welcome!"},
        SENT | {"From": "bob"},
        SENT | {"body": "hello"},
        SENT | {"Body": ["Hello & welcome", "and more"]},
        SENT | {"RetryCount": ""},
        {name: value for name, value in SENT.items() if name != "Index"},
        {},
    ],
)
async def test_a_post_whose_form_was_changed_is_refused(receiver: Receiver, forged: Form) -> None:
    signed = signature(receiver.hook, SENT)

    assert await sent("POST", receiver.hook, forged, signed=signed) == 403

    (came,) = await receiver.received()
    assert (came.valid, came.answered) == (False, 403)


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_an_address_that_was_changed_is_refused(receiver: Receiver, method: str) -> None:
    form = SENT if method == "POST" else {}
    signed = signature(receiver.hook + "?tenant=7", form)

    for query in ("?tenant=8", "?tenant=7&more=", "", "/7?tenant=7"):
        assert await sent(method, receiver.hook + query, form, signed=signed) == 403


async def test_the_signature_of_another_account_is_refused(receiver: Receiver) -> None:
    signed = signature(receiver.hook, SENT, "another auth token")

    assert await sent("POST", receiver.hook, SENT, signed=signed) == 403
    assert await sent("POST", receiver.hook, SENT, signed="") in (400, 403)
    assert await sent("POST", receiver.hook, SENT) in (400, 403)


@pytest.mark.parametrize("language", ["python", "node"])
async def test_a_lenient_application_takes_everything(language: Language) -> None:
    async with receiving(language, AUTH_TOKEN, lenient=True) as receiver:
        assert await sent("POST", receiver.hook, SENT) == 200
        assert await posted(receiver.hook) == 200

        assert [one.valid for one in await receiver.received()] == [False, True]


async def test_without_a_plan_the_answer_is_empty(receiver: Receiver) -> None:
    answer = await post(receiver.hook)

    assert (answer.status, answer.body) == (200, "")


async def test_an_answer_is_as_planned(receiver: Receiver) -> None:
    await receiver.plan({"status": 202, "body": "<é/>", "type": "text/xml", "headers": {"X-Asked": "yes"}})

    answer = await post(receiver.hook)

    assert (answer.status, answer.body) == (202, "<é/>")
    assert answer.headers["Content-Type"].startswith("text/xml")
    assert answer.headers["X-Asked"] == "yes"


async def test_an_answer_is_json_unless_planned_otherwise(receiver: Receiver) -> None:
    await receiver.plan({"body": '{"body": "amended"}'})

    answer = await post(receiver.hook)

    assert answer.body == '{"body": "amended"}'
    assert answer.headers["Content-Type"].startswith("application/json")


async def test_an_answer_may_be_of_any_size(receiver: Receiver) -> None:
    await receiver.plan({"size": 3_000_000, "times": 1}, {"size": 0})

    assert len((await post(receiver.hook)).body) == 3_000_000
    assert len((await post(receiver.hook)).body) == 0


async def test_the_first_rule_that_fits_is_followed(receiver: Receiver) -> None:
    await receiver.plan(
        {"match": {"EventType": "onMessageSent", "From": "bob"}, "status": 201},
        {"match": {"EventType": "onMessageSent"}, "status": 202},
        {"match": {"EventType": "onChannelAdded"}, "path": "/hook/v2?", "status": 203},
        {"status": 204},
    )

    assert await posted(receiver.hook) == 202
    assert await posted(receiver.hook, SENT | {"From": "bob"}) == 201
    assert await posted(receiver.hook, {"EventType": "onChannelAdded"}) == 204
    assert await posted(receiver.hook + "/v2?x", {"EventType": "onChannelAdded"}) == 203
    assert await fetched(receiver.hook + "?EventType=onMessageSent") == 202


async def test_a_rule_is_passed_over_when_it_is_used_up(receiver: Receiver) -> None:
    await receiver.plan({"times": 2, "status": 503}, {"times": 1, "status": 429})

    assert [await posted(receiver.hook) for _ in range(4)] == [503, 503, 429, 200]


async def test_a_forged_request_uses_no_rule_up(receiver: Receiver) -> None:
    await receiver.plan({"times": 1, "status": 201})

    assert await sent("POST", receiver.hook, SENT, signed="forged") == 403
    assert await posted(receiver.hook) == 201


async def test_a_plan_replaces_the_one_before(receiver: Receiver) -> None:
    await receiver.plan({"status": 500})
    await receiver.plan({"match": {"EventType": "onChannelAdded"}, "status": 500})

    assert await posted(receiver.hook) == 200


async def test_what_came_is_told_as_it_was_received(receiver: Receiver) -> None:
    before = time.time()
    form = {"EventType": "onMessageSent", "Body": "1 + 1", "Word": ["b", "a"]}

    await post(f"{receiver.hook}/x?y=1", form, **{"User-Agent": "Tests"})

    (came,) = await receiver.received()
    assert (came.method, came.url) == ("POST", "/hook/x?y=1")
    assert came.body == "EventType=onMessageSent&Body=1+%2B+1&Word=b&Word=a"
    assert (came.event, came.one("Body"), came.params["Word"]) == ("onMessageSent", "1 + 1", ["b", "a"])
    assert came.headers["user-agent"] == "Tests"
    assert came.headers["x-twilio-signature"] == signature(f"{receiver.hook}/x?y=1", form)
    assert came.answered == 200
    assert abs(came.at / 1000 - before) < 60


async def test_a_slow_answer_comes_late(receiver: Receiver) -> None:
    await receiver.plan({"delay": 1, "status": 201})

    asked = asyncio.create_task(posted(receiver.hook))
    (waiting,) = await receiver.wait_for(1)
    assert waiting.answered is None

    assert await asked == 201
    (done,) = await receiver.received()
    assert done.answered == 201


@pytest.mark.parametrize("rule", [{"hang": True}, {"delay": 1}], ids=["hangs", "is slow"])
async def test_an_answer_that_nobody_waits_for_is_not_sent(receiver: Receiver, rule: Rule) -> None:
    await receiver.plan({**rule, "times": 1}, {"delay": 1.2})

    asked = asyncio.create_task(posted(receiver.hook))
    await receiver.wait_for(1)
    asked.cancel()
    assert await posted(receiver.hook) == 200

    assert [one.answered for one in await receiver.received()] == [None, 200]


async def test_a_connection_may_be_dropped(receiver: Receiver) -> None:
    await receiver.plan({"drop": True, "times": 1})

    with pytest.raises(aiohttp.ClientConnectionError):
        await posted(receiver.hook)
    assert await posted(receiver.hook) == 200

    assert [one.answered for one in await receiver.received()] == [None, 200]


async def test_requests_wait_beside_each_other(receiver: Receiver) -> None:
    await receiver.plan({"delay": 0.5})
    began = time.monotonic()

    found = await asyncio.gather(*(posted(receiver.hook) for _ in range(64)))

    assert found == [200] * 64
    assert time.monotonic() - began < 10


async def test_many_requests_are_counted(receiver: Receiver) -> None:
    headers = {"X-Twilio-Signature": signature(receiver.hook, SENT)}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=64)) as session:

        async def send(n: int) -> None:
            mark = {"I-Twilio-Idempotency-Token": f"{n % 700}"}
            async with session.post(receiver.hook, data=SENT, headers=headers | mark) as answer:
                assert answer.status == 200

        await asyncio.gather(*(send(n) for n in range(2_000)))

    assert await receiver.count() == Tally(requests=2_000, ids=700)
    await receiver.forget()
    assert await receiver.count() == Tally(requests=0, ids=0)


async def test_what_is_waited_for_comes_or_is_missed(receiver: Receiver) -> None:
    asked = asyncio.create_task(posted(receiver.hook, {"EventType": "onMemberAdded", "Identity": "bob"}))
    (found,) = await receiver.wait_for(1, EventType="onMemberAdded", Identity="bob")
    await asked

    assert found.event == "onMemberAdded"
    with pytest.raises(AssertionError, match=r"1 x \('onMemberAdded', 200\)"):
        await receiver.wait_for(1, seconds=0.2, EventType="onMemberAdded", Identity="alice")


@pytest.mark.parametrize("language", ["python", "node"])
async def test_an_application_comes_back_at_its_address(language: Language) -> None:
    async with receiving(language, AUTH_TOKEN) as first:
        assert await posted(first.hook) == 200

    with pytest.raises(aiohttp.ClientConnectionError):
        await posted(first.hook)

    async with receiving(language, AUTH_TOKEN, first.port) as second:
        assert second.hook == first.hook
        assert await posted(first.hook) == 200
        assert len(await second.received()) == 1
