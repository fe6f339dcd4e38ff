"""What Apple's answers to a push mean. Source: apns."""

from __future__ import annotations

from msgspec import Struct

from chinwag.delivery.provider import Verdict


class Meaning(Struct, frozen=True):
    """What an answer means.

    Args:
        code: the number of the original's log; None for what was delivered.
        words: for a developer: what is wrong, and what helps.
    """

    verdict: Verdict
    code: int | None
    words: str


_DELIVERED, _AGAIN, _FAILED, _GONE, _STOPPED = (
    Verdict.DELIVERED,
    Verdict.AGAIN,
    Verdict.FAILED,
    Verdict.GONE,
    Verdict.STOPPED,
)
_OF_CERTIFICATE = "Apple does not accept the certificate of the credential"
_OF_TOKEN = "Apple takes a token for the credential's, but it has a certificate"  # noqa: S105  # words
_OF_TOPIC = "the certificate is not for this app: its UID must be the app's bundle identifier"
_OF_US = "Apple does not understand this server"

_MEANINGS: dict[tuple[int, str], Meaning] = {
    (200, ""): Meaning(_DELIVERED, None, "delivered"),
    (400, ""): Meaning(_FAILED, 52143, "Apple rejects the push"),
    (400, "BadDeviceToken"): Meaning(
        _GONE, 52142, "the device is not known here: is the app of the store, or of the sandbox?"
    ),
    (400, "DeviceTokenNotForTopic"): Meaning(_GONE, 52142, "the device has registered for another app"),
    (400, "PayloadEmpty"): Meaning(_FAILED, 52136, "there is nothing to tell"),
    (400, "BadTopic"): Meaning(_STOPPED, 52131, _OF_TOPIC),
    (400, "MissingTopic"): Meaning(_STOPPED, 52131, _OF_TOPIC),
    (400, "TopicDisallowed"): Meaning(_STOPPED, 52131, _OF_TOPIC),
    (403, ""): Meaning(_STOPPED, 52145, _OF_CERTIFICATE),
    (403, "BadCertificateEnvironment"): Meaning(
        _STOPPED,
        52145,
        "the certificate is for the sandbox and the credential is not, or the other way round",
    ),
    (403, "ExpiredProviderToken"): Meaning(_STOPPED, 52148, _OF_TOKEN),
    (403, "InvalidProviderToken"): Meaning(_STOPPED, 52149, _OF_TOKEN),
    (403, "MissingProviderToken"): Meaning(_STOPPED, 52145, "Apple has not seen the certificate"),
    (404, ""): Meaning(_FAILED, 52143, _OF_US),
    (405, ""): Meaning(_FAILED, 52143, _OF_US),
    (410, ""): Meaning(_GONE, 52141, "the app is not on the device any more"),
    (410, "ExpiredToken"): Meaning(_GONE, 52141, "the registration of the device has expired"),
    (413, ""): Meaning(_FAILED, 52138, "the push is too large"),
    (429, ""): Meaning(_AGAIN, 52143, "too many pushes to the same device"),
    (429, "TooManyProviderTokenUpdates"): Meaning(_AGAIN, 52147, _OF_TOKEN),
    (500, ""): Meaning(_AGAIN, 52144, "Apple has a fault"),
    (503, ""): Meaning(_AGAIN, 52139, "Apple is not available"),
}
"""What is not among them means what its status does."""


def meaning(status: int, reason: str) -> Meaning:
    """Return what an answer means.

    Args:
        status: of HTTP.
        reason: as Apple calls it; may be empty, or unknown.
    """
    found = _MEANINGS.get((status, reason)) or _MEANINGS.get((status, ""))
    if found is not None:
        return found
    if 500 <= status <= 599:  # noqa: PLR2004  # a fault of the server, whichever
        return Meaning(_AGAIN, 52140, f"Apple, or what stands before it, has a fault: status {status}")
    return Meaning(_FAILED, 52140, f"an answer that is not known: status {status}")
