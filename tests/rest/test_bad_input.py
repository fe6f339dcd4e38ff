"""What is refused, with which code, and that nothing changes by it; and the odd things that are accepted."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import aiohttp
import pytest

from chinwag import limits
from rest.wire import basic, connected, head

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

    from support.api import Answer, Api

pytestmark = pytest.mark.check(21)

SERVICES = "/v1/Services"
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
async def service(api: Api) -> dict[str, Any]:
    """The only service of the account."""
    return await api.a_service()


async def assert_refused(
    api: Api, service: dict[str, Any], answer: Answer, error: tuple[int, int], message: str | None = None
) -> None:
    """See that an answer has this status and code, and that the account has what it had."""
    assert (answer.status, answer.code) == error
    assert message is None or answer.json["message"] == message
    await assert_unchanged(api, service)


async def assert_unchanged(api: Api, service: dict[str, Any]) -> None:
    assert (await api.get(SERVICES)).json["services"] == [service]
    assert len((await api.get(f"{SERVICES}/{service['sid']}/Roles")).json["roles"]) == 4


async def codes(api: Api, path: str, parameter: str, values: Iterable[Any]) -> dict[str, int | str]:
    """The code with which each value of a parameter is refused when it stands beside a good one."""
    found: dict[str, int | str] = {}
    for value in values:
        answer = await api.post(path, FriendlyName="Sales", **{parameter: value})
        found[str(value)] = answer.code if answer.status == 400 else f"status {answer.status}"
    return found


def each(values: Iterable[Any], code: int) -> dict[str, int]:
    return {str(value): code for value in values}


# Names


async def test_a_name_is_required(api: Api, service: dict[str, Any]) -> None:
    refusal = await api.post(SERVICES)

    message = "Missing required parameter FriendlyName in the post body"
    await assert_refused(api, service, refusal, (400, 20001), message)


@pytest.mark.parametrize(
    ("name", "code"),
    [("", 50000), ("x" * 65, 50003), ("😀" * 65, 50003), ("a\0b", 20001), ("\0", 20001)],
    ids=["empty", "65 letters", "65 emoji", "NUL inside", "NUL"],
)
async def test_a_bad_name_is_refused_wherever_one_is_taken(
    api: Api, service: dict[str, Any], name: str, code: int
) -> None:
    this = f"{SERVICES}/{service['sid']}"

    refusals = [
        await api.post(path, FriendlyName=name, Type="channel", Permission="sendMessage")
        for path in (SERVICES, this, f"{this}/Roles")
    ]

    assert [(answer.status, answer.code) for answer in refusals] == [(400, code)] * 3
    await assert_unchanged(api, service)


@pytest.mark.check(24)
@pytest.mark.parametrize("name", ["x" * 64, "😀" * 64, "x"], ids=["64 letters", "64 emoji", "1 letter"])
async def test_a_name_has_up_to_64_characters_of_any_script(api: Api, name: str) -> None:
    made = await api.post(SERVICES, FriendlyName=name)

    assert made.status == 201
    assert made.json["friendly_name"] == name


@pytest.mark.check(24)
@pytest.mark.parametrize(
    "name",
    [
        pytest.param("'; DROP TABLE service; --", id="SQL"),
        pytest.param("Robert'); DELETE FROM role WHERE ('1'='1", id="more SQL"),
        pytest.param('" OR ""="', id="quotes"),
        pytest.param("$1 :x ? %s %(a)s {0} {path} \\' \\x00", id="placeholders"),
        pytest.param("\u05e9\u05dc\u05d5\u05dd \u202edrowssap\u202c \u0639\u0644\u064a", id="right to left"),
        pytest.param("e\u0301 \u00e9 Z\u0351\u036b\u0343 \ufeff\u200d", id="combining"),
        pytest.param("👩\u200d👩\u200d👧 🏴\U000e0067\U000e0062\U000e007f", id="joined emoji"),
        pytest.param("\U0010ffff\uffff\ufdd0", id="noncharacters"),
        pytest.param("\x01\x1b[31m\x7f\x85\u2028\t", id="control characters"),
        pytest.param("<script>alert(1)</script>&amp;", id="HTML"),
        pytest.param("  spaces \t around  ", id="spaces"),
        pytest.param("x\r\nSet-Cookie: a=b\r\n\r\nHTTP/1.1 200 OK", id="header lines"),
    ],
)
async def test_text_is_kept_byte_for_byte(api: Api, name: str) -> None:
    service = await api.a_service(name)
    role = await api.a_role(service, name)

    fetched = await api.get(f"{SERVICES}/{service['sid']}")

    assert fetched.json["friendly_name"] == name
    assert "Set-Cookie" not in fetched.headers
    assert (await api.get(f"{SERVICES}/{service['sid']}/Roles/{role['sid']}")).json["friendly_name"] == name


# SIDs


@pytest.mark.parametrize("below", ["", "/Roles", "/Roles/RL" + "0" * 32])
async def test_a_service_that_does_not_exist_is_not_found(api: Api, below: str) -> None:
    digits = ["0" * 32, "f" * 31, "f" * 33, "g" * 32, "\uff10" * 32, ""]
    sids = [f"IS{some}" for some in digits] + ["RL" + "0" * 32, "0", "null", "' OR 1=1 --", "..", "x" * 4000]
    paths = [f"{SERVICES}/{quote(sid)}{below}" for sid in sids]

    fetched = {path: (await api.get(path)).code for path in paths}
    changed = {path: (await api.post(path, FriendlyName="x")).code for path in paths}

    assert fetched == changed == each(paths, 20404)


async def test_a_role_that_does_not_exist_is_not_found(api: Api, service: dict[str, Any]) -> None:
    roles = f"{SERVICES}/{service['sid']}/Roles"
    paths = [f"{roles}/{sid}" for sid in ("RL" + "0" * 32, "RL" + "0" * 31, service["sid"], "x", "%20")]

    fetched = {path: (await api.get(path)).code for path in paths}
    changed = {path: (await api.post(path, Permission="sendMessage")).code for path in paths}
    deleted = {path: (await api.delete(path)).code for path in paths}

    assert fetched == changed == deleted == each(paths, 20404)


@pytest.mark.parametrize("spelled", [str.upper, str.lower])
async def test_a_sid_in_a_path_may_be_in_either_letter_case(
    api: Api, service: dict[str, Any], spelled: Callable[[str], str]
) -> None:
    role = await api.a_role(service)

    fetched = await api.get(f"{SERVICES}/{spelled(service['sid'])}/Roles/{spelled(role['sid'])}")

    assert fetched.status == 200
    assert fetched.json == role


@pytest.mark.parametrize("spelled", [str.upper, str.lower])
async def test_a_sid_in_a_body_may_be_in_either_letter_case(
    api: Api, service: dict[str, Any], spelled: Callable[[str], str]
) -> None:
    role = await api.a_role(service)

    changed = await api.post(f"{SERVICES}/{service['sid']}", DefaultChannelRoleSid=spelled(role["sid"]))

    assert changed.status == 200
    assert changed.json["default_channel_role_sid"] == role["sid"]


@pytest.mark.parametrize(
    ("parameter", "field", "code"),
    [
        ("DefaultServiceRoleSid", "default_service_role_sid", 50102),
        ("DefaultChannelRoleSid", "default_channel_role_sid", 50101),
        ("DefaultChannelCreatorRoleSid", "default_channel_creator_role_sid", 50106),
    ],
)
async def test_a_default_role_that_does_not_fit_is_refused(
    api: Api, stranger: Api, parameter: str, field: str, code: int
) -> None:
    service, other, strange = await api.a_service(), await api.a_service(), await stranger.a_service()
    wrong_type = "default_channel_role_sid" if code == 50102 else "default_service_role_sid"
    sids = ["RL" + "0" * 32, "RL0", "", "' --", service[wrong_type], other[field], strange[field]]

    found = await codes(api, f"{SERVICES}/{service['sid']}", parameter, sids)

    assert found == each(sids, code)
    assert (await api.get(f"{SERVICES}/{service['sid']}")).json == service


# Paths


async def test_a_path_with_odd_bytes_is_not_found(api: Api, service: dict[str, Any]) -> None:
    sid = service["sid"]
    spoiled = [f"{sid}%00", f"{sid}%FF", f"{sid}%2FRoles", f"{sid}%2f", f"{sid}%20", f"%25{sid}", f"{sid}%"]
    paths = [f"{SERVICES}/{segment}" for segment in [*spoiled, "%zz", "%2E%2E", "%C3%28", "%00", "%FF"]]

    found = {path: (await api.get(path)).code for path in paths}

    assert found == each(paths, 20404)


async def test_each_segment_of_a_path_is_decoded_once(api: Api, service: dict[str, Any]) -> None:
    once = service["sid"].replace("I", "%49")
    twice = once.replace("%", "%25")

    assert (await api.get(f"/v1/%53ervices/{once}")).json == service
    assert (await api.get(f"{SERVICES}/{twice}")).code == 20404


# Pages


@pytest.mark.parametrize("below", ["", "/{sid}/Roles"])
async def test_a_page_size_that_is_no_positive_number_is_refused(
    api: Api, service: dict[str, Any], below: str
) -> None:
    sizes = ["0", "-1", "abc", "", "1.0", "1e3", " 5", "٣", "5\0", "'"]

    found = {size: (await api.get(SERVICES + below.format(**service), PageSize=size)).code for size in sizes}

    assert found == each(sizes, 20001)


@pytest.mark.parametrize(("below", "most"), [("", 100), ("/{sid}/Roles", 1000)])
async def test_a_page_size_that_is_too_large_is_clamped(
    api: Api, service: dict[str, Any], below: str, most: int
) -> None:
    sizes = [f"{most + 1}", "5000", "2147483647", "9223372036854775807"]

    pages = [await api.get(SERVICES + below.format(**service), PageSize=size) for size in sizes]

    assert [page.status for page in pages] == [200] * 4
    assert [page.json["meta"]["page_size"] for page in pages] == [most] * 4


@pytest.mark.check(25)
async def test_a_forged_page_token_is_refused(api: Api, service: dict[str, Any]) -> None:
    zeros = "0" * 32
    tokens = ["", "garbage", "PT", "PT' OR 1=1 --", "PTIS\0", "x" * 10_000, service["sid"]]
    tokens += [f"{start}{zeros}" for start in ("IS", "XXIS", "ptIS", "PTRL", "PPRL", "PTIS0", "PT IS")]
    tokens += [f"PTIS{zeros[1:]}", f"PTIS{zeros}' OR '1'='1"]

    found = {token: (await api.get(SERVICES, PageToken=token)).code for token in tokens}

    assert found == each(tokens, 20001)
    await assert_unchanged(api, service)


async def test_a_bad_page_number_is_refused(api: Api) -> None:
    numbers = ["-1", "1000000001", "99999999999999999999", "x", "", "1.0"]

    found = {number: (await api.get(SERVICES, Page=number)).code for number in numbers}

    assert found == each(numbers, 20001)


async def test_a_page_far_behind_the_end_is_empty(api: Api, service: dict[str, Any]) -> None:
    page = await api.get(f"{SERVICES}/{service['sid']}/Roles", Page="1000000000", PageSize="1000")

    assert page.status == 200
    assert page.json["roles"] == []
    assert page.json["meta"]["page"] == 1_000_000_000
    assert page.json["meta"]["next_page_url"] is None


# Bodies


async def test_a_json_body_is_not_read_and_the_developer_is_told(api: Api, service: dict[str, Any]) -> None:
    refusal = await api.send("POST", SERVICES, json={"FriendlyName": "Support"})

    message = "Missing required parameter FriendlyName in the post body"
    await assert_refused(api, service, refusal, (400, 20001), message)
    assert "application/json" in refusal.headers["Chinwag-Detail"]
    assert FORM in refusal.headers["Chinwag-Detail"]


async def test_a_multipart_body_is_not_read(api: Api, service: dict[str, Any]) -> None:
    form = aiohttp.FormData(default_to_multipart=True)
    form.add_field("FriendlyName", "Support")

    refusal = await api.send("POST", SERVICES, data=form)

    await assert_refused(api, service, refusal, (400, 20001))
    assert FORM in refusal.headers["Chinwag-Detail"]


async def test_a_plain_body_is_not_read(api: Api, service: dict[str, Any]) -> None:
    headers = {"Content-Type": "text/plain"}

    refusal = await api.send("POST", SERVICES, data=b"FriendlyName=Support", headers=headers)

    await assert_refused(api, service, refusal, (400, 20001))


async def test_a_form_may_be_announced_in_any_spelling(api: Api) -> None:
    kinds = [FORM.upper(), f"{FORM}; charset=UTF-8", f" {FORM} ;x"]

    made = [
        await api.send("POST", SERVICES, data=b"FriendlyName=Support", headers={"Content-Type": kind})
        for kind in kinds
    ]

    assert [answer.status for answer in made] == [201, 201, 201]


async def test_a_body_of_no_announced_kind_is_a_form(api: Api) -> None:
    made = await api.send("POST", SERVICES, data=b"FriendlyName=Support", skip_auto_headers=["Content-Type"])

    assert made.status == 201
    assert made.json["friendly_name"] == "Support"


async def test_a_body_that_is_not_utf8_is_refused(api: Api, service: dict[str, Any]) -> None:
    values = [b"%FF", b"\xff", b"%C3", b"%ED%A0%80", b"%C0%80", b"%F4%90%80%80", b"x&%FF=y", b"x&\xfe=\0"]

    found = {value: await api.form(SERVICES, b"FriendlyName=" + value) for value in values}

    assert {value: answer.code for value, answer in found.items()} == dict.fromkeys(values, 20001)
    messages = {answer.json["message"] for answer in found.values()}
    assert messages == {"The request is not form-encoded UTF-8"}
    await assert_unchanged(api, service)


async def test_a_query_that_is_not_utf8_is_refused(api: Api) -> None:
    answer = await api.get(f"{SERVICES}?PageSize=%FF")

    assert (answer.status, answer.code) == (400, 20001)


async def test_a_body_that_does_not_name_the_name_is_refused(api: Api, service: dict[str, Any]) -> None:
    bodies = [b"", b"&", b"&&&=&", b"=", b"FriendlyName;x=1", b"friendlyname=x", b"FriendlyName[]=x"]

    found = {body: (await api.form(SERVICES, body)).code for body in bodies}

    assert found == dict.fromkeys(bodies, 20001)
    await assert_unchanged(api, service)


@pytest.mark.check(22)
async def test_a_body_of_a_megabyte_is_refused(api: Api, service: dict[str, Any]) -> None:
    refusal = await api.form(SERVICES, b"FriendlyName=x&Other=" + b"x" * 1_000_000)

    await assert_refused(api, service, refusal, (413, 20001))


@pytest.mark.check(22)
async def test_a_body_of_256_kilobytes_is_read_and_one_byte_more_is_not(
    api: Api, service: dict[str, Any]
) -> None:
    path = f"{SERVICES}/{service['sid']}"
    body = b"FriendlyName=Sales&Other=".ljust(limits.BODY_BYTES, b"x")

    refusal = await api.form(path, body + b"x")
    await assert_refused(api, service, refusal, (413, 20001))

    assert (await api.form(path, body)).json["friendly_name"] == "Sales"


@pytest.mark.check(22)
async def test_a_hundred_announced_megabytes_are_refused_before_they_are_sent(
    api: Api, service: dict[str, Any]
) -> None:
    announced = head(
        f"POST {SERVICES}",
        "Content-Length: 100000000",
        f"Content-Type: {FORM}",
        authorization=basic(api.account_sid, api.auth_token),
    )

    async with connected(api.base) as wire:
        await wire.send(announced)

        refusal = await wire.answer()
        assert await wire.is_closed()

    assert (refusal.status, refusal.code) == (413, 20001)
    await assert_unchanged(api, service)


@pytest.mark.check(22)
async def test_a_body_in_pieces_is_refused_when_it_grows_too_large(api: Api, service: dict[str, Any]) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"FriendlyName=x&Other="
        for _ in range(40):
            yield b"x" * 10_000

    refusal = await api.send("POST", SERVICES, data=pieces(), headers={"Content-Type": FORM})

    await assert_refused(api, service, refusal, (413, 20001))


async def test_a_body_in_pieces_that_is_small_enough_is_read(api: Api) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"Friendly"
        yield b"Name=Sup"
        yield b"port"

    made = await api.send("POST", SERVICES, data=pieces(), headers={"Content-Type": FORM})

    assert made.status == 201
    assert made.json["friendly_name"] == "Support"


@pytest.mark.check(22)
async def test_ten_thousand_parameters_are_refused(api: Api, service: dict[str, Any]) -> None:
    refusal = await api.form(SERVICES, "FriendlyName=x" + "&a=b" * 10_000)

    await assert_refused(api, service, refusal, (400, 20001), "Too many parameters")


@pytest.mark.check(22)
async def test_a_thousand_parameters_are_read_and_one_more_is_not(api: Api, service: dict[str, Any]) -> None:
    path = f"{SERVICES}/{service['sid']}"

    refusal = await api.form(path, "a=b&" * 1000 + "FriendlyName=Sales")
    await assert_refused(api, service, refusal, (400, 20001), "Too many parameters")

    assert (await api.form(path, "a=b&" * 999 + "FriendlyName=Sales")).json["friendly_name"] == "Sales"


# Values


@pytest.mark.parametrize(
    ("parameter", "out_of_bounds", "code"),
    [
        ("Limits.ChannelMembers", ["0", "1001"], 50061),
        ("Limits.UserChannels", ["0", "1001"], 50060),
        ("TypingIndicatorTimeout", ["0", "3601", "99999"], 50053),
        ("ConsumptionReportInterval", ["86401", "99999"], 50052),
    ],
)
async def test_a_number_that_is_none_or_out_of_bounds_is_refused(
    api: Api, service: dict[str, Any], parameter: str, out_of_bounds: list[str], code: int
) -> None:
    no_numbers = [
        "-1",
        "x",
        "1.0",
        "1.5",
        "1e2",
        "",
        " 5",
        "5 ",
        "٣",
        "1_0",
        "0x10",
        "true",
        "null",
        "9" * 30,
    ]
    texts = [*no_numbers, *out_of_bounds]

    found = await codes(api, f"{SERVICES}/{service['sid']}", parameter, texts)

    assert found == each(texts, code)
    await assert_unchanged(api, service)


@pytest.mark.parametrize(
    "parameter", ["ReadStatusEnabled", "ReachabilityEnabled", "Notifications.NewMessage.Enabled"]
)
async def test_a_flag_that_is_neither_true_nor_false_is_refused(
    api: Api, service: dict[str, Any], parameter: str
) -> None:
    texts = ["", "1", "0", "yes", "on", "truee", " true", "null", "\uff54\uff52\uff55\uff45"]

    found = await codes(api, f"{SERVICES}/{service['sid']}", parameter, texts)

    assert found == each(texts, 20001)
    await assert_unchanged(api, service)


async def test_a_flag_may_be_in_any_letter_case(api: Api, service: dict[str, Any]) -> None:
    flags = {"True": True, "FALSE": False, "TRUE": True, "False": False, "tRuE": True}
    path = f"{SERVICES}/{service['sid']}"

    answers = {text: await api.post(path, ReachabilityEnabled=text) for text in flags}

    assert {text: answer.json["reachability_enabled"] for text, answer in answers.items()} == flags


@pytest.mark.parametrize("parameter", ["PreWebhookUrl", "PostWebhookUrl", "Webhooks.OnMessageSend.Url"])
async def test_a_webhook_that_is_no_absolute_http_url_is_refused(
    api: Api, service: dict[str, Any], parameter: str
) -> None:
    urls = [
        "example.com",
        "//example.com/hook",
        "/hook",
        "ftp://example.com/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "http:",
        "http://",
        "http:///path",
        "http:\\\\example.com",
        "http://:80/",
        "http://[::1",
        "http://[zz]/",
        "http://example.com:port/",
        "http://example.com:99999/",
        "http://example.com:0/",
        "http://exam ple.com/",
        " http://example.com/",
        "http://example.com/ ",
        "http://example.com/\r\nHost: other",
        "http://example.com/\t",
        "http://example.com/\x7f",
        "http://example.com/".ljust(2049, "x"),
    ]

    found = await codes(api, f"{SERVICES}/{service['sid']}", parameter, urls)

    assert found == each(urls, 50054)
    await assert_unchanged(api, service)


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost",
        "HTTPS://EXAMPLE.COM/Hook",
        "http://[::1]:8080/hook",
        "http://example.com/é?x=ü",
        "http://example.com/".ljust(2048, "x"),
    ],
)
async def test_a_webhook_url_is_kept_as_it_was_written(api: Api, service: dict[str, Any], url: str) -> None:
    changed = await api.post(f"{SERVICES}/{service['sid']}", PreWebhookUrl=url)

    assert changed.json["pre_webhook_url"] == url


async def test_an_unknown_event_is_no_filter(api: Api, service: dict[str, Any]) -> None:
    events = ["onTea", "OnMessageSent", "onmessagesent", "on_message_sent"]
    filters = [*events, ["onMessageSent", "onTea"], ["onMessageSent", ""]]

    found = await codes(api, f"{SERVICES}/{service['sid']}", "WebhookFilters", filters)

    assert found == each(filters, 50054)
    await assert_unchanged(api, service)


@pytest.mark.parametrize("parameter", ["WebhookMethod", "Webhooks.OnMemberAdd.Method"])
async def test_an_unknown_webhook_method_is_refused(
    api: Api, service: dict[str, Any], parameter: str
) -> None:
    methods = ["PUT", "get", "post", "GET ", "DELETE"]

    found = await codes(api, f"{SERVICES}/{service['sid']}", parameter, methods)

    assert found == each(methods, 50055)
    await assert_unchanged(api, service)


async def test_the_method_of_one_event_cannot_be_empty(api: Api, service: dict[str, Any]) -> None:
    refusal = await api.post(f"{SERVICES}/{service['sid']}", Webhooks__OnMemberAdd__Method="")

    await assert_refused(api, service, refusal, (400, 50055))


@pytest.mark.parametrize(("part", "most", "code"), [("Template", 2048, 50058), ("Sound", 256, 50059)])
async def test_a_template_or_sound_that_is_too_long_is_refused(
    api: Api, service: dict[str, Any], part: str, most: int, code: int
) -> None:
    path = f"{SERVICES}/{service['sid']}"
    kinds = ("NewMessage", "AddedToChannel", "RemovedFromChannel", "InvitedToChannel")
    parameters = [f"Notifications.{kind}.{part}" for kind in kinds]

    too_long = {name: (await api.post(path, **{name: "😀" * (most + 1)})).code for name in parameters}
    await assert_unchanged(api, service)
    long = {name: (await api.post(path, **{name: "😀" * most})).status for name in parameters}

    assert too_long == each(parameters, code)
    assert long == each(parameters, 200)


async def test_an_unknown_type_of_role_is_refused(api: Api, service: dict[str, Any]) -> None:
    path = f"{SERVICES}/{service['sid']}/Roles"
    types = ["nonsense", "Channel", "CHANNEL", "service", ""]

    found = {
        name: (await api.post(path, FriendlyName="x", Type=name, Permission="sendMessage")).code
        for name in types
    }

    assert found == each(types, 50105)
    await assert_unchanged(api, service)


async def test_an_unknown_permission_is_refused(api: Api, service: dict[str, Any]) -> None:
    path = f"{SERVICES}/{service['sid']}/Roles"
    names = ["makeTea", "SendMessage", "sendmessage", ["sendMessage", ""], "x" * 5000, "😀"]

    found = {
        str(name): (await api.post(path, FriendlyName="x", Type="channel", Permission=name)).code
        for name in names
    }

    assert found == each(names, 50104)
    await assert_unchanged(api, service)


@pytest.mark.check(28)
@pytest.mark.parametrize(
    "name", ["x\r\nSet-Cookie: a=b", "x\nSet-Cookie: a=b", "\x85\u2028é", "x" * 5000], ids=repr
)
async def test_a_detail_in_a_header_is_one_short_line(api: Api, service: dict[str, Any], name: str) -> None:
    path = f"{SERVICES}/{service['sid']}/Roles"

    refusal = await api.post(path, FriendlyName="x", Type="channel", Permission=name)

    await assert_refused(api, service, refusal, (400, 50104))
    assert "Set-Cookie" not in refusal.headers
    detail = refusal.headers["Chinwag-Detail"]
    assert detail.isascii()
    assert detail.isprintable()
    assert len(detail) <= 500


@pytest.mark.check(28)
async def test_the_name_of_a_parameter_cannot_write_a_header(api: Api, service: dict[str, Any]) -> None:
    refusal = await api.form(SERVICES, b"a%0D%0ASet-Cookie:%20a=%00")

    await assert_refused(api, service, refusal, (400, 20001))
    assert "Set-Cookie" not in refusal.headers


# Credentials


@pytest.mark.check(16)
async def test_without_credentials_nothing_is_done(api: Api, service: dict[str, Any]) -> None:
    headers = {"Content-Type": FORM}

    refusal = await api.send("POST", SERVICES, auth=False, headers=headers, data=b"FriendlyName=x")

    await assert_refused(api, service, refusal, (401, 20003), "Authenticate")
    assert refusal.headers["WWW-Authenticate"] == 'Basic realm="Twilio API"'


@pytest.mark.check(16)
async def test_with_wrong_credentials_nothing_is_done(api: Api, service: dict[str, Any]) -> None:
    sid, token = api.account_sid, api.auth_token
    right = basic(sid, token)
    wrong = {
        "empty": "",
        "scheme only": "Basic",
        "scheme and space": "Basic ",
        "another scheme": right.replace("Basic", "Bearer"),
        "digest": f'Digest username="{sid}"',
        "no base64": "Basic !!!!",
        "base64 with rubbish": right + "!",
        "half base64": right[:-3],
        "no colon": "Basic " + base64.b64encode(sid.encode()).decode(),
        "not UTF-8": "Basic /////w==",
        "NUL in the user name": basic(sid + "\0", token),
        "NUL in the password": basic(sid, token + "\0"),
        "wrong password": basic(sid, "0" * 32),
        "empty password": basic(sid, ""),
        "longer password": basic(sid, token + "0"),
        "shorter password": basic(sid, token[:-1]),
        "password with a space": basic(sid, token + " "),
        "empty user name": basic("", token),
        "lower-case user name": basic(sid.lower(), token),
        "unknown account": basic("AC" + "0" * 32, token),
        "unknown key": basic("SK" + "0" * 32, token),
        "a service as user name": basic(service["sid"], token),
        "SQL as user name": basic("' OR '1'='1", token),
        "SQL as password": basic(sid, "' OR '1'='1"),
        "emoji": basic("😀", "😀"),
        "long": basic("AC" * 5000, "x" * 5000),
        "twice": f"{right}, {right}",
        "swapped": basic(token, sid),
    }

    refusals = {
        name: await api.send(
            "POST", SERVICES, headers={"Authorization": text, "Content-Type": FORM}, data=b"FriendlyName=x"
        )
        for name, text in wrong.items()
    }

    assert {name: answer.status for name, answer in refusals.items()} == dict.fromkeys(wrong, 401)
    assert {name: answer.code for name, answer in refusals.items()} == dict.fromkeys(wrong, 20003)
    assert all("WWW-Authenticate" in answer.headers for answer in refusals.values())
    await assert_unchanged(api, service)


async def test_the_name_of_the_scheme_may_be_in_any_letter_case(api: Api) -> None:
    authorization = basic(api.account_sid, api.auth_token).replace("Basic", "bAsIc")

    answer = await api.send("GET", SERVICES, headers={"Authorization": authorization})

    assert answer.status == 200


# What is judged first


async def test_an_unknown_path_comes_before_missing_credentials(api: Api) -> None:
    answer = await api.send("GET", "/v1/Tea", auth=False)

    assert (answer.status, answer.code) == (404, 20404)


async def test_a_wrong_method_comes_before_missing_credentials(api: Api) -> None:
    answer = await api.send("PUT", SERVICES, auth=False)

    assert (answer.status, answer.code) == (405, 20004)


@pytest.mark.check(16)
async def test_missing_credentials_come_before_an_unknown_service(api: Api) -> None:
    answer = await api.send("GET", f"{SERVICES}/IS{'0' * 32}", auth=False)

    assert (answer.status, answer.code) == (401, 20003)


@pytest.mark.parametrize("below", ["", "/Roles", "/Roles/RL" + "0" * 32])
async def test_an_unknown_service_comes_before_a_bad_body(api: Api, below: str) -> None:
    path = f"{SERVICES}/IS{'0' * 32}{below}"

    answers = [
        await api.form(path, b"%FF"),
        await api.post(path),
        await api.post(path, FriendlyName="", Type="x", Permission="x", TypingIndicatorTimeout="x"),
    ]

    assert [(answer.status, answer.code) for answer in answers] == [(404, 20404)] * 3


async def test_an_unknown_service_comes_before_a_bad_page(api: Api) -> None:
    answer = await api.get(f"{SERVICES}/IS{'0' * 32}/Roles", PageSize="x")

    assert (answer.status, answer.code) == (404, 20404)


async def test_an_unknown_role_comes_before_a_bad_body(api: Api, service: dict[str, Any]) -> None:
    answer = await api.post(f"{SERVICES}/{service['sid']}/Roles/RL{'0' * 32}")

    assert (answer.status, answer.code) == (404, 20404)


async def test_a_missing_parameter_comes_before_a_bad_one(api: Api, service: dict[str, Any]) -> None:
    refusal = await api.post(f"{SERVICES}/{service['sid']}/Roles", FriendlyName="", Type="nonsense")

    message = "Missing required parameter Permission in the post body"
    await assert_refused(api, service, refusal, (400, 20001), message)


async def test_a_bad_format_comes_before_an_unknown_role(api: Api, service: dict[str, Any]) -> None:
    refusal = await api.post(
        f"{SERVICES}/{service['sid']}", DefaultServiceRoleSid="RL" + "0" * 32, TypingIndicatorTimeout="x"
    )

    await assert_refused(api, service, refusal, (400, 50053))


async def test_of_two_bad_parameters_the_first_in_the_documentation_is_judged(
    api: Api, service: dict[str, Any]
) -> None:
    refusal = await api.post(
        f"{SERVICES}/{service['sid']}", WebhookMethod="x", TypingIndicatorTimeout="x", FriendlyName=""
    )

    await assert_refused(api, service, refusal, (400, 50000))


async def test_an_odd_request_never_spoils_the_next_one(api: Api) -> None:
    await api.form(SERVICES, b"\x00\xff%")

    made = await api.post(SERVICES, FriendlyName=json.dumps({"a": "b"}))

    assert made.json["friendly_name"] == '{"a": "b"}'


async def test_who_updates_with_json_is_told_that_it_was_not_read(api: Api) -> None:
    service = await api.a_service()

    answer = await api.send("POST", f"/v1/Services/{service['sid']}", json={"FriendlyName": "Other"})

    assert answer.status == 200
    assert answer.json["friendly_name"] == "Support"
    assert answer.headers["Chinwag-Detail"].startswith("the body is application/json, which is not read")


async def test_a_parameter_in_the_wrong_case_is_ignored_with_a_hint(api: Api) -> None:
    service = await api.a_service()

    made = await api.post(f"/v2/Services/{service['sid']}/Channels", uniqueName="lobby")

    assert (made.status, made.json["unique_name"]) == (201, None)
    assert "UniqueName" in made.headers["Chinwag-Detail"]


async def test_a_required_parameter_in_the_wrong_case_is_missing_with_a_hint(api: Api) -> None:
    service = await api.a_service()

    refusal = await api.post(f"/v2/Services/{service['sid']}/Users", identity="alice")

    assert (refusal.status, refusal.code) == (400, 20001)
    assert "Identity is" in refusal.headers["Chinwag-Detail"]


@pytest.mark.parametrize("body", ['{"UniqueName":"lobby"}', " [1]"])
async def test_json_that_is_sent_as_a_form_is_ignored_with_a_hint(api: Api, body: str) -> None:
    service = await api.a_service()

    made = await api.form(f"/v2/Services/{service['sid']}/Channels", body)

    assert (made.status, made.json["unique_name"]) == (201, None)
    assert "JSON" in made.headers["Chinwag-Detail"]


async def test_a_form_without_mistakes_gets_no_hint(api: Api) -> None:
    service = await api.a_service()

    made = await api.post(f"/v2/Services/{service['sid']}/Channels", UniqueName="lobby", Unheard="of")

    assert "Chinwag-Detail" not in made.headers


async def test_what_is_missing_of_a_path_is_in_the_detail(api: Api) -> None:
    service = await api.a_service()

    channel = await api.get(f"/v2/Services/{service['sid']}/Channels/nowhere/Messages")
    nothing = await api.get(f"/v2/Services/IS{'0' * 32}/Channels/nowhere/Messages")

    assert (channel.status, channel.headers["Chinwag-Detail"]) == (404, "Channel not found")
    assert (nothing.status, nothing.headers["Chinwag-Detail"]) == (404, "Service Instance not found")
