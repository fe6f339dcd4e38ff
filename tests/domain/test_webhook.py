"""Where the events of a service go. Source: webhook-events."""

from __future__ import annotations

from msgspec import UNSET

from chinwag.domain.webhook import (
    OWN_TARGETS,
    WebhookEvent,
    WebhookMethod,
    WebhookTarget,
    WebhookTargetChange,
    retargeted,
)

SEND, SENT, ADDED = WebhookEvent.MESSAGE_SEND, WebhookEvent.MESSAGE_SENT, WebhookEvent.MEMBER_ADDED
SOMEWHERE = WebhookTarget(url="http://a", method=WebhookMethod.GET)


def test_sixteen_events_of_twenty_three_have_targets_of_their_own() -> None:
    assert len(set(OWN_TARGETS)) == 16
    assert len(WebhookEvent) == 23


def test_a_new_target_is_posted_to() -> None:
    found = retargeted({}, {SEND: WebhookTargetChange(url="http://a")})

    assert found == {SEND: WebhookTarget(url="http://a", method=WebhookMethod.POST)}


def test_a_target_keeps_what_is_not_changed() -> None:
    by_url = retargeted({SEND: SOMEWHERE}, {SEND: WebhookTargetChange(url="http://b", method=UNSET)})
    by_method = retargeted({SEND: SOMEWHERE}, {SEND: WebhookTargetChange(method=WebhookMethod.POST)})

    assert by_url == {SEND: WebhookTarget(url="http://b", method=WebhookMethod.GET)}
    assert by_method == {SEND: WebhookTarget(url="http://a", method=WebhookMethod.POST)}


def test_a_url_of_none_takes_the_target_away_with_its_method() -> None:
    change = WebhookTargetChange(url=None, method=WebhookMethod.GET)

    assert retargeted({SEND: SOMEWHERE, SENT: SOMEWHERE}, {SEND: change, ADDED: change}) == {SENT: SOMEWHERE}


def test_a_method_alone_is_kept_for_a_url_to_come() -> None:
    found = retargeted({}, {SEND: WebhookTargetChange(method=WebhookMethod.GET)})

    assert found == {SEND: WebhookTarget(url=None, method=WebhookMethod.GET)}


def test_targets_stand_in_the_order_of_the_documentation() -> None:
    everywhere = dict.fromkeys(reversed(OWN_TARGETS), WebhookTargetChange(url="http://a"))

    assert tuple(retargeted({}, everywhere)) == OWN_TARGETS


def test_what_was_given_is_left_as_it_is() -> None:
    targets = {SEND: SOMEWHERE}

    retargeted(targets, {SEND: WebhookTargetChange(url=None)})

    assert targets == {SEND: SOMEWHERE}
