"""The vendor's description of both versions and ours say the same, item by item."""

from __future__ import annotations

import pytest

from chinwag.rest.version import Version
from conformance.vendor import (
    Difference,
    Known,
    differences,
    our_description,
    ours,
    stale,
    unexplained,
    vendors,
)

pytestmark = pytest.mark.clients

OPERATIONS = {Version.V1: 40, Version.V2: 54}

REPEATED = Known(
    r"POST /v\d/.+: header Idempotency-Key",
    "A header of ours: a create that is sent again with it is carried out once.",
)

KNOWN = {
    Version.V1: (
        REPEATED,
        Known(
            r"POST /v1/Services/\{\}: form Notifications\.\w+\.Sound",
            "A parameter of v2 that we take in v1 too.",
        ),
        Known(
            r"POST /v1/Services/\{\}: form WebhookFilters",
            "We list the words that the vendor names in prose.",
        ),
    ),
    Version.V2: (
        REPEATED,
        Known(
            r"POST /v2/Services/\{\}: form WebhookFilters",
            "We list the words that the vendor names in prose.",
        ),
        Known(
            r"POST /v2/Services/\{\}/Channels/\{\}/Webhooks(/\{\})?: form Configuration\.Filters",
            "We list the words that the vendor names in prose.",
        ),
        Known(
            r"\w+ /v2/Services/\{\}/Channels/\{\}/Messages(/\{\})?: field (messages\.)?type",
            "We list the words that the vendor names in prose.",
        ),
        Known(
            r"DELETE /v2/Services/\{\}/Users/\{\}: header X-Twilio-Webhook-Enabled",
            "Removing a user removes members, of which webhooks are told if the request wants it.",
        ),
    ),
}


@pytest.mark.parametrize("version", Version)
def test_the_vendor_describes_as_many_operations_as_we_know_of(version: Version) -> None:
    assert len(vendors(version)) == OPERATIONS[version]


@pytest.mark.parametrize("version", Version)
def test_every_item_is_the_same_but_for_what_is_listed(version: Version) -> None:
    found = differences(vendors(version), ours(version, our_description()))

    assert unexplained(found, KNOWN[version]) == []


@pytest.mark.parametrize("version", Version)
def test_every_difference_that_is_listed_is_there(version: Version) -> None:
    found = differences(vendors(version), ours(version, our_description()))

    assert stale(found, KNOWN[version]) == []


def test_a_route_that_is_gone_is_reported() -> None:
    document = our_description()
    del document["paths"]["/v1/Credentials/{credential_sid}"]["delete"]

    found = differences(vendors(Version.V1), ours(Version.V1, document))

    assert unexplained(found, KNOWN[Version.V1]) == [
        Difference("DELETE /v1/Credentials/{}", "route", True, None)
    ]


def test_a_route_that_is_ours_alone_is_reported() -> None:
    document = our_description()
    paths = document["paths"]
    paths["/v2/Tea"] = {"get": paths["/v2/Credentials/{credential_sid}"]["get"]}

    found = differences(vendors(Version.V2), ours(Version.V2, document))

    assert unexplained(found, KNOWN[Version.V2]) == [Difference("GET /v2/Tea", "route", None, True)]


def test_a_field_that_is_gone_is_reported() -> None:
    document = our_description()
    del document["components"]["schemas"]["InviteV2"]["properties"]["created_by"]

    found = differences(vendors(Version.V2), ours(Version.V2, document))

    invites = "/v2/Services/{}/Channels/{}/Invites"
    assert unexplained(found, KNOWN[Version.V2]) == [
        Difference(f"GET {invites}", "field invites.created_by", "string", None),
        Difference(f"GET {invites}/{{}}", "field created_by", "string", None),
        Difference(f"POST {invites}", "field created_by", "string", None),
    ]


def test_a_link_that_is_gone_is_reported() -> None:
    document = our_description()
    del document["components"]["schemas"]["BindingV2"]["properties"]["links"]["properties"]["user"]

    found = differences(vendors(Version.V2), ours(Version.V2, document))

    bindings = "/v2/Services/{}/Bindings"
    assert unexplained(found, KNOWN[Version.V2]) == [
        Difference(f"GET {bindings}", "link user", True, None),
        Difference(f"GET {bindings}/{{}}", "link user", True, None),
    ]


def test_a_parameter_of_a_form_that_is_gone_is_reported() -> None:
    document = our_description()
    body = document["paths"]["/v1/Services/{service_sid}/Channels"]["post"]["requestBody"]
    del body["content"]["application/x-www-form-urlencoded"]["schema"]["properties"]["Type"]

    found = differences(vendors(Version.V1), ours(Version.V1, document))

    assert unexplained(found, KNOWN[Version.V1]) == [
        Difference("POST /v1/Services/{}/Channels", "form Type", "string private|public", None)
    ]


@pytest.mark.parametrize(
    ("path", "method", "item", "theirs"),
    [
        ("/v2/Services/{service_sid}/Bindings", "get", "query Identity", "array of string"),
        ("/v2/Services/{service_sid}/Users", "post", "header X-Twilio-Webhook-Enabled", "string false|true"),
    ],
)
def test_any_other_parameter_that_is_gone_is_reported(path: str, method: str, item: str, theirs: str) -> None:
    document = our_description()
    place, _, name = item.partition(" ")
    parameters = document["paths"][path][method]["parameters"]
    parameters.remove(next(one for one in parameters if (one["in"], one["name"]) == (place, name)))

    found = differences(vendors(Version.V2), ours(Version.V2, document))

    key = f"{method.upper()} {path.replace('{service_sid}', '{}')}"
    assert unexplained(found, KNOWN[Version.V2]) == [Difference(key, item, theirs, None)]


def test_a_parameter_that_is_no_longer_required_is_reported() -> None:
    document = our_description()
    body = document["paths"]["/v2/Services"]["post"]["requestBody"]
    del body["content"]["application/x-www-form-urlencoded"]["schema"]["required"]

    found = differences(vendors(Version.V2), ours(Version.V2, document))

    assert unexplained(found, KNOWN[Version.V2]) == [
        Difference("POST /v2/Services", "form FriendlyName required", True, None)
    ]


def test_another_type_other_words_and_another_status_are_reported() -> None:
    document = our_description()
    schemas = document["components"]["schemas"]
    schemas["UserV1"]["properties"]["joined_channels_count"] = {"type": "string"}
    schemas["CredentialV1"]["properties"]["type"]["enum"].append("fax")
    responses = document["paths"]["/v1/Services"]["post"]["responses"]
    responses["200"] = responses.pop("201")

    found = unexplained(differences(vendors(Version.V1), ours(Version.V1, document)), KNOWN[Version.V1])

    assert {(one.item, one.theirs, one.ours) for one in found} == {
        ("field joined_channels_count", "integer", "string"),
        ("field users.joined_channels_count", "integer", "string"),
        ("field type", "string apn|fcm|gcm", "string apn|fax|fcm|gcm"),
        ("field credentials.type", "string apn|fcm|gcm", "string apn|fax|fcm|gcm"),
        ("status", 201, 200),
    }
