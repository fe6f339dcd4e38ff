"""The sample answers of the vendor have the keys that a real server answers with, operation by operation.

Each operation is asked for as the vendor's own sample request has it, with SIDs of objects that are there.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import msgspec
import pytest

from chinwag.rest.version import Version
from conformance.sdk_made import add_binding, add_media
from conformance.vendor import Difference, Known, Operation, stale, unexplained, vendors

if TYPE_CHECKING:
    from conformance.sdk_made import Account
    from support.api import Answer, Api

pytestmark = pytest.mark.clients

Objects = dict[str, dict[str, Any]]
"""What is there, by the segment of a path that it stands behind: `Roles` → a role."""

Answers = dict[tuple[str, str], "Answer"]
"""By operation and sample."""

CERTIFIED = {"Certificate": "a certificate", "PrivateKey": "a private key"}

MORE_ASKED = {"CreateCredential": CERTIFIED}
"""What we need and the vendor's sample request lacks: it makes a credential of apn without any secret."""

KNOWN = {
    Version.V1: (
        Known(
            r"GET /v1/Services/\{\}/Roles: readEmpty \.roles\..+",
            "A service has four roles from the start.",
        ),
        Known(
            r"(POST /v1/Services: create|GET /v1/Services/\{\}: fetch) \.notifications\..+",
            "A recorded new service has all four notifications; the samples show none.",
        ),
        Known(
            r"(POST /v1/Services/\{\}: update |GET /v1/Services: readFull \.services)\.webhooks\.\w+\.format",
            "A remnant: nothing else of the vendor's describes it.",
        ),
        Known(
            r"GET /v1/Services: readFull \.services\.(limits\.actions_per_second|notifications\.log_enabled)",
            "A remnant: recorded answers lack it.",
        ),
    ),
    Version.V2: (
        Known(
            r"GET /v2/Services/\{\}/Roles: readEmpty \.roles\..+",
            "A service has four roles from the start.",
        ),
        Known(
            r"(POST /v2/Services: create|GET /v2/Services/\{\}: fetch) \.notifications\..+",
            "A recorded new service has all four notifications; the samples show none.",
        ),
        Known(
            r"GET /v2/Services: readFull \.services\.notifications\..+",
            "A recorded new service has all four notifications; the samples show none.",
        ),
        Known(
            r".+/Webhooks(: readFull \.webhooks|/\{\}: update )\.configuration\.triggers",
            "The words of a trigger are `filters` in the samples and Triggers in the form: we show both.",
        ),
    ),
}


@pytest.mark.parametrize("version", Version)
async def test_every_answer_has_the_keys_of_the_vendors_sample(
    api: Api, account: Account, version: Version
) -> None:
    there, answers = await everything_made(api, account, version)
    answers |= await everything_asked(api, version, there)

    found = sample_differences(version, answers)

    assert set(answers) == samples(version)
    assert unexplained(found, KNOWN[version]) == []
    assert stale(found, KNOWN[version]) == []


@pytest.mark.parametrize("version", Version)
async def test_every_deletion_answers_as_described_and_with_nothing(
    api: Api, account: Account, version: Version
) -> None:
    there, _ = await everything_made(api, account, version)
    deletions = [key for key in vendors(version) if key.startswith("DELETE ")]

    # What is deepest first; a user is taken out of a channel before either goes.
    for key in sorted(deletions, key=lambda key: (-key.count("/"), key)):
        if key.endswith("/Bindings/{}"):
            there["Bindings"] = {"sid": await add_binding(account, there["Users"], there["Credentials"])}
        answer = await api.delete(filled(key.removeprefix("DELETE "), there))

        assert (answer.status, answer.body) == (vendors(version)[key].items["status"], b""), key


@pytest.mark.parametrize("version", Version)
async def test_the_largest_page_is_as_large_as_described(
    api: Api, account: Account, version: Version
) -> None:
    there, _ = await everything_made(api, account, version)
    largest = {
        key: operation.parameters["PageSize"]["maximum"]
        for key, operation in vendors(version).items()
        if "PageSize" in operation.parameters
    }

    sizes = {
        key: [await page_size(api, key, there, asked) for asked in (most, most + 1, 1_000_000)]
        for key, most in largest.items()
    }

    assert sizes == {key: [most] * 3 for key, most in largest.items()}


async def test_a_key_that_is_gone_from_an_answer_is_reported(api: Api) -> None:
    service = await api.a_service()
    answer = await api.get(f"/v2/Services/{service['sid']}")
    found = answer.json
    del found["links"]["bindings"], found["media"]["size_limit_mb"]
    damaged = replace(answer, body=msgspec.json.encode(found))

    reported = sample_differences(Version.V2, {("GET /v2/Services/{}", "fetch"): damaged})

    assert unexplained(reported, KNOWN[Version.V2]) == [
        Difference("GET /v2/Services/{}", "fetch .links.bindings", True, None),
        Difference("GET /v2/Services/{}", "fetch .media.size_limit_mb", True, None),
    ]


def samples(version: Version) -> set[tuple[str, str]]:
    """Return every sample answer, by operation and name."""
    return {(key, sample) for key, operation in vendors(version).items() for sample in operation.answers}


def sample_differences(version: Version, answers: Answers) -> list[Difference]:
    """Return every key that the vendor's sample has and our answer lacks, or the other way round."""
    return [
        Difference(key, f"{sample} {path}", path in theirs or None, path in own or None)
        for (key, sample), answer in answers.items()
        for theirs, own in [(keys(vendors(version)[key].answers[sample]), keys(answer.json))]
        for path in sorted(theirs ^ own)
    ]


async def everything_made(api: Api, account: Account, version: Version) -> tuple[Objects, Answers]:
    """Make one of everything; return it, and the answers of lists from before there was anything in them."""
    there: Objects = {}
    empty: Answers = {}
    makers = (
        lambda: make_a_service(api, there),
        lambda: make_a_user_and_a_channel(api, version, there),
        lambda: make_what_is_in_them(api, account, version, there),
    )
    for depth, make in enumerate(makers):
        for key, sample in samples(version):
            if sample == "readEmpty" and key.count("{}") == depth:
                empty[key, sample] = await ask(api, version, key, sample, there)
        await make()
    return there, empty


async def everything_asked(api: Api, version: Version, there: Objects) -> Answers:
    """Ask for every other sample: of what is new, then for changes, then for lists of what was changed."""
    stages = ("fetch",), ("create", "update"), ("readFull",)
    return {
        (key, sample): await ask(api, version, key, sample, there)
        for stage in stages
        for key, sample in sorted(samples(version))
        if sample.startswith(stage)
    }


async def ask(api: Api, version: Version, key: str, sample: str, there: Objects) -> Answer:
    """Do an operation as a sample has it."""
    operation = vendors(version)[key]
    method, _, path = key.partition(" ")
    about = {**there, **MORE_THERE.get(sample, dict)(there)}
    if method == "GET":
        answer = await api.get(filled(path, about))
    else:
        answer = await api.form(filled(path, about), sample_form(operation, sample, about))
    assert answer.status == operation.items["status"], (key, sample, answer.body)
    return answer


async def page_size(api: Api, key: str, there: Objects, asked: int) -> int:
    """Return how many records a page holds when so many are asked for."""
    answer = await api.get(filled(key.removeprefix("GET "), there), PageSize=asked)
    return answer.json["meta"]["page_size"]


async def make_a_service(api: Api, there: Objects) -> None:
    there["Services"] = await api.a_service()


async def make_a_user_and_a_channel(api: Api, version: Version, there: Objects) -> None:
    there["Users"] = await api.a_user(there["Services"], "alice", version=name(version))
    there["Channels"] = await api.a_channel(there["Services"], version=name(version))


async def make_what_is_in_them(api: Api, account: Account, version: Version, there: Objects) -> None:
    service, user, channel, v = there["Services"], there["Users"], there["Channels"], name(version)
    for identity in ("guest", "identity"):
        await api.a_user(service, identity, version=v)
    there["Roles"] = await api.a_role(service)
    there["deployment role"] = await api.a_role(service, Type="deployment", Permission="createChannel")
    await api.a_member(channel, "alice", version=v)
    there["Members"] = await api.a_member(channel, "bob", version=v)
    there["Invites"] = await api.an_invite(channel, "guest", version=v)
    there["Messages"] = await api.a_message(channel, version=v)
    there["Credentials"] = (await api.post(f"/{v}/Credentials", Type="apn", **CERTIFIED)).json
    if version >= Version.V2:
        there["Bindings"] = {"sid": await add_binding(account, user, there["Credentials"])}
        there["media"] = {"sid": await add_media(api, account, channel)}
        there["media message"] = await api.a_message(
            channel, version=v, MediaSid=await add_media(api, account, channel)
        )
        await make_webhooks(api, there)


async def make_webhooks(api: Api, there: Objects) -> None:
    """Make webhooks of a channel, a trigger and a flow; the vendor's sample adds one of the third kind."""
    path = filled("/v2/Services/{}/Channels/{}/Webhooks", there)
    words = {"Configuration__Url": "https://example.org/", "Configuration__Triggers": "keyword1"}
    there["Webhooks"] = (await api.post(path, Type="trigger", **words)).json
    flow = await api.post(path, Type="studio", Configuration__FlowSid=f"FW{1:032x}")
    there["flow"] = flow.json


MORE_THERE = {
    "fetchMedia": lambda there: {"Messages": there["media message"]},
    "fetch": lambda there: {"Webhooks": there["flow"]} if "flow" in there else {},
}
"""What a sample is of, where it is not what the others are of."""


def name(version: Version) -> str:
    return f"v{version.value}"


def filled(path: str, there: Objects) -> str:
    """Put SIDs into a path: `/v1/Services/{}` → `/v1/Services/IS…`."""
    return re.sub(r"(\w+)/\{\}", lambda found: f"{found[1]}/{there[found[1]]['sid']}", path)


def sample_form(operation: Operation, sample: str, there: Objects) -> str:
    """Return the form of a sample, with values that mean something here."""
    asked = operation.requests[sample] | MORE_ASKED.get(operation.id, {})
    return urlencode({key: sensible(operation, key, asked[key], there) for key in asked}, doseq=True)


def sensible(operation: Operation, parameter: str, value: Any, there: Objects) -> Any:
    """Return a value of a sample, or what may stand in its place."""
    role = "deployment role" if operation.id in {"CreateUser", "UpdateUser"} else "Roles"
    better = {
        "RoleSid": lambda: there[role]["sid"],
        "DefaultServiceRoleSid": lambda: there["deployment role"]["sid"],
        "DefaultChannelRoleSid": lambda: there["Roles"]["sid"],
        "DefaultChannelCreatorRoleSid": lambda: there["Roles"]["sid"],
        "MediaSid": lambda: there["media"]["sid"],
        "UniqueName": lambda: operation.id,
        "WebhookFilters": lambda: "onMessageSend",
        "Configuration.RetryCount": lambda: min(value, 3),
    }
    if parameter in better:
        return better[parameter]()
    if parameter.endswith("Url"):
        return "https://example.org/"
    if parameter.endswith("Method"):
        return "POST"
    return str(value).lower() if isinstance(value, bool) else value


def keys(value: Any, above: str = "") -> set[str]:
    """Return the path of every key in a JSON value. A list counts as its elements."""
    found: set[str] = set()
    match value:
        case dict():
            for key, part in value.items():
                found |= {f"{above}.{key}", *keys(part, f"{above}.{key}")}
        case list():
            for part in value:
                found |= keys(part, above)
    return found
