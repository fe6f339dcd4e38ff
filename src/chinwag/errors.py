"""Every error a caller can see, once.

A rule raises `ApiError(Kinds.…)`; an edge presents it: HTTP as a status and a JSON envelope of four keys, the
real-time side as a frame. The codes and texts are the original's, so that applications that compare them keep
working. Source: error-dictionary.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus


@dataclass(frozen=True, slots=True)
class Kind:
    """One row of the table: a code of the original, its HTTP status and its text."""

    code: int
    status: HTTPStatus
    text: str


class ApiError(Exception):
    """A refusal that the caller is told about.

    Args:
        kind: the row of `Kinds`.
        detail: what else a developer should know; goes into the `Chinwag-Detail` header and the log, never
            into the body. May be longer than the text, and may be changed freely.
        retry_after: after how many seconds the same may be asked again, if that is known; at least 1.
        fields: values for the placeholders of the row's text.
    """

    def __init__(
        self, kind: Kind, detail: str | None = None, /, *, retry_after: int | None = None, **fields: str
    ) -> None:
        super().__init__(kind.text.format_map(fields) if fields else kind.text)
        self.kind = kind
        self.detail = detail
        self.retry_after = retry_after

    @property
    def message(self) -> str:
        """The text on the wire."""
        return str(self)


class Kinds:
    """Every error a caller can see, in code order. `docs/api.md` lists them for users."""

    MISSING_PARAMETER = Kind(
        20001, HTTPStatus.BAD_REQUEST, "Missing required parameter {name} in the post body"
    )
    INVALID_PARAMETER = Kind(20001, HTTPStatus.BAD_REQUEST, "Invalid parameter {name}")
    INVALID_BODY = Kind(20001, HTTPStatus.BAD_REQUEST, "The request is not form-encoded UTF-8")
    TOO_MANY_PARAMETERS = Kind(20001, HTTPStatus.BAD_REQUEST, "Too many parameters")
    MALFORMED_REQUEST = Kind(20001, HTTPStatus.BAD_REQUEST, "Malformed HTTP request")
    REQUEST_TIMEOUT = Kind(20001, HTTPStatus.REQUEST_TIMEOUT, "The request did not arrive in time")
    BODY_TOO_LARGE = Kind(20001, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Request body too large")
    HEAD_TOO_LARGE = Kind(
        20001, HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "Request line and headers too large"
    )
    AUTHENTICATE = Kind(20003, HTTPStatus.UNAUTHORIZED, "Authenticate")
    METHOD_NOT_ALLOWED = Kind(20004, HTTPStatus.METHOD_NOT_ALLOWED, "Method not allowed")
    ACCESS_DENIED = Kind(20006, HTTPStatus.FORBIDDEN, "Access Denied")
    INVALID_TOKEN = Kind(20101, HTTPStatus.UNAUTHORIZED, "Invalid Access Token")
    INVALID_TOKEN_HEADER = Kind(20102, HTTPStatus.UNAUTHORIZED, "Invalid Access Token header")
    INVALID_TOKEN_ISSUER = Kind(20103, HTTPStatus.UNAUTHORIZED, "Invalid Access Token issuer/subject")
    TOKEN_EXPIRED = Kind(20104, HTTPStatus.UNAUTHORIZED, "Access Token expired or expiration date invalid")
    TOKEN_NOT_YET_VALID = Kind(20105, HTTPStatus.UNAUTHORIZED, "Access Token not yet valid")
    INVALID_TOKEN_GRANTS = Kind(20106, HTTPStatus.UNAUTHORIZED, "Invalid Access Token grants")
    INVALID_TOKEN_SIGNATURE = Kind(20107, HTTPStatus.UNAUTHORIZED, "Invalid Access Token signature")
    NOT_FOUND = Kind(20404, HTTPStatus.NOT_FOUND, "The requested resource {path} was not found")
    CONFLICT = Kind(20409, HTTPStatus.CONFLICT, "Conflict")
    KEY_REUSED = Kind(
        20422, HTTPStatus.UNPROCESSABLE_ENTITY, "The idempotency key was used for another request"
    )
    TOO_MANY_REQUESTS = Kind(20429, HTTPStatus.TOO_MANY_REQUESTS, "Too Many Requests")
    INTERNAL = Kind(20500, HTTPStatus.INTERNAL_SERVER_ERROR, "An internal server error has occurred")
    UNAVAILABLE = Kind(20503, HTTPStatus.SERVICE_UNAVAILABLE, "Service unavailable")

    FRIENDLY_NAME_NOT_PROVIDED = Kind(50000, HTTPStatus.BAD_REQUEST, "FriendlyName not provided")
    FRIENDLY_NAME_TOO_LONG = Kind(50003, HTTPStatus.BAD_REQUEST, "Friendly name too long")
    UNIQUE_NAME_TOO_LONG = Kind(50004, HTTPStatus.BAD_REQUEST, "Unique Name too long")

    SERVICE_NOT_FOUND = Kind(50050, HTTPStatus.NOT_FOUND, "Service Instance not found")
    INVALID_CONSUMPTION_INTERVAL = Kind(50052, HTTPStatus.BAD_REQUEST, "Invalid consumption interval format")
    INVALID_TYPING_INDICATOR = Kind(50053, HTTPStatus.BAD_REQUEST, "Invalid typing indicator format")
    INVALID_WEBHOOK = Kind(50054, HTTPStatus.BAD_REQUEST, "Invalid webhook format")
    INVALID_WEBHOOK_METHOD = Kind(50055, HTTPStatus.BAD_REQUEST, "Invalid webhook method")
    WEBHOOK_REFUSED = Kind(50056, HTTPStatus.FORBIDDEN, "Webhook disabled processing of command")
    WEBHOOK_FAILED = Kind(50057, HTTPStatus.FORBIDDEN, "Webhook call failed to execute successfully")
    TEMPLATE_TOO_LONG = Kind(50058, HTTPStatus.BAD_REQUEST, "Notification template too long")
    SOUND_TOO_LONG = Kind(50059, HTTPStatus.BAD_REQUEST, "Notification sound name too long")
    INVALID_USER_CHANNELS = Kind(50060, HTTPStatus.BAD_REQUEST, "Invalid user channels limit format")
    INVALID_CHANNEL_MEMBERS = Kind(50061, HTTPStatus.BAD_REQUEST, "Invalid channel members limit format")
    CHANNEL_ACTIONS_EXCEEDED = Kind(50063, HTTPStatus.TOO_MANY_REQUESTS, "Actions per second limit exceeded")
    INVALID_RETRY_COUNT = Kind(50065, HTTPStatus.BAD_REQUEST, "Invalid webhook retry count")
    SERVICE_ACTIONS_EXCEEDED = Kind(
        50074, HTTPStatus.TOO_MANY_REQUESTS, "Global actions per second limit exceeded"
    )
    WEBHOOK_TIMEOUT = Kind(
        50076, HTTPStatus.FORBIDDEN, "Webhook failed to execute successfully due to timeout"
    )

    ROLE_NOT_FOUND = Kind(50100, HTTPStatus.NOT_FOUND, "Role not found")
    CHANNEL_ROLE_NOT_FOUND = Kind(50101, HTTPStatus.BAD_REQUEST, "Channel role not found")
    DEPLOYMENT_ROLE_NOT_FOUND = Kind(50102, HTTPStatus.BAD_REQUEST, "Deployment role not found")
    PERMISSION_NOT_FOUND = Kind(50104, HTTPStatus.BAD_REQUEST, "Permission not found")
    INVALID_ROLE_TYPE = Kind(50105, HTTPStatus.BAD_REQUEST, "Invalid role type")
    CHANNEL_CREATOR_ROLE_NOT_FOUND = Kind(50106, HTTPStatus.BAD_REQUEST, "Channel creator role not found")
    UNAUTHORIZED = Kind(50107, HTTPStatus.FORBIDDEN, "User unauthorized for command")

    USER_NOT_FOUND = Kind(50200, HTTPStatus.NOT_FOUND, "User not found")
    USER_EXISTS = Kind(50201, HTTPStatus.CONFLICT, "User already exists")
    IDENTITY_RESERVED = Kind(50203, HTTPStatus.BAD_REQUEST, "Identity reserved")
    IDENTITY_NOT_PROVIDED = Kind(50204, HTTPStatus.BAD_REQUEST, "Identity not provided")
    ROLE_UNAUTHORIZED = Kind(50205, HTTPStatus.FORBIDDEN, "User unauthorized to set role")
    IDENTITY_LIKE_SID = Kind(50206, HTTPStatus.BAD_REQUEST, "Identity should not match user SID pattern")
    IDENTITY_TOO_LONG = Kind(50207, HTTPStatus.BAD_REQUEST, "Identity too long")
    USER_CHANNEL_LIMIT = Kind(50208, HTTPStatus.FORBIDDEN, "User channel limit exceeded")
    INVALID_BINDING_TYPE = Kind(50209, HTTPStatus.BAD_REQUEST, "Invalid binding type")
    INVALID_NOTIFICATION_LEVEL = Kind(50210, HTTPStatus.BAD_REQUEST, "Invalid notification level")
    USER_INVITED = Kind(50212, HTTPStatus.CONFLICT, "User already invited")

    CHANNEL_NOT_FOUND = Kind(50300, HTTPStatus.NOT_FOUND, "Channel not found")
    ATTRIBUTES_TOO_LONG = Kind(50303, HTTPStatus.BAD_REQUEST, "Attributes too long")
    ATTRIBUTES_NOT_JSON = Kind(50304, HTTPStatus.BAD_REQUEST, "Attributes not valid JSON")
    UNIQUE_NAME_LIKE_SID = Kind(
        50306, HTTPStatus.BAD_REQUEST, "Unique name should not match channel SID pattern"
    )
    CHANNEL_EXISTS = Kind(50307, HTTPStatus.CONFLICT, "Channel with provided unique name already exists")
    INVALID_DATE_CREATED = Kind(50308, HTTPStatus.BAD_REQUEST, "Invalid Date Created parameter")
    INVALID_DATE_UPDATED = Kind(50309, HTTPStatus.BAD_REQUEST, "Invalid Date Updated parameter")
    AUTHOR_TOO_LONG = Kind(50310, HTTPStatus.BAD_REQUEST, "Author parameter is too long")

    CHANNEL_WEBHOOK_NOT_FOUND = Kind(50320, HTTPStatus.NOT_FOUND, "Channel webhook not found")
    TOO_MANY_CHANNEL_WEBHOOKS = Kind(50321, HTTPStatus.BAD_REQUEST, "Too many channel webhooks")
    TOO_MANY_TRIGGERS = Kind(50322, HTTPStatus.BAD_REQUEST, "Too many channel webhook triggers")
    INVALID_CHANNEL_WEBHOOK_TYPE = Kind(50324, HTTPStatus.BAD_REQUEST, "Invalid channel webhook type")
    INVALID_CHANNEL_WEBHOOK_FILTER = Kind(50325, HTTPStatus.BAD_REQUEST, "Invalid channel webhook filter")
    INVALID_TRIGGER = Kind(50326, HTTPStatus.BAD_REQUEST, "Invalid channel webhook trigger")
    INVALID_FLOW_SID = Kind(50327, HTTPStatus.BAD_REQUEST, "Invalid channel webhook flow sid")
    CHANNEL_WEBHOOK_URL_NOT_PROVIDED = Kind(50329, HTTPStatus.BAD_REQUEST, "Channel webhook url not provided")
    CHANNEL_WEBHOOK_FILTER_NOT_PROVIDED = Kind(
        50330, HTTPStatus.BAD_REQUEST, "Channel webhook filter not provided"
    )
    TRIGGER_NOT_PROVIDED = Kind(50331, HTTPStatus.BAD_REQUEST, "Channel webhook trigger not provided")
    CHANNEL_WEBHOOK_URL_TOO_LONG = Kind(50332, HTTPStatus.BAD_REQUEST, "Channel webhook url too long")

    CHANNEL_UPDATE_EMPTY = Kind(
        50347, HTTPStatus.BAD_REQUEST, "Parameters are missing for channel update request"
    )

    NOT_A_MEMBER = Kind(50400, HTTPStatus.FORBIDDEN, "User not member of channel")
    MEMBER_NOT_FOUND = Kind(50402, HTTPStatus.NOT_FOUND, "Member not found")
    CHANNEL_MEMBER_LIMIT = Kind(50403, HTTPStatus.FORBIDDEN, "Channel member limit exceeded")
    MEMBER_EXISTS = Kind(50404, HTTPStatus.CONFLICT, "Member already exists")
    INVALID_CONSUMPTION_TIMESTAMP = Kind(
        50405, HTTPStatus.BAD_REQUEST, "Invalid last consumption timestamp format"
    )
    INVALID_CONSUMED_INDEX = Kind(50406, HTTPStatus.BAD_REQUEST, "Invalid last consumed message index format")

    MESSAGE_NOT_FOUND = Kind(50500, HTTPStatus.NOT_FOUND, "Message not found")
    MESSAGE_BODY_NOT_PROVIDED = Kind(50503, HTTPStatus.BAD_REQUEST, "Message body not provided")
    MESSAGE_BODY_TOO_LONG = Kind(50504, HTTPStatus.BAD_REQUEST, "Message body parameter is too long")
    LAST_UPDATED_BY_TOO_LONG = Kind(50505, HTTPStatus.BAD_REQUEST, "Last Updated By parameter is too long")
    MEDIA_NOT_FOUND = Kind(50507, HTTPStatus.NOT_FOUND, "Media not found")
    MEDIA_SENT_ALREADY = Kind(50508, HTTPStatus.CONFLICT, "Media already sent with another message")
    MEDIA_BODY_UPDATE = Kind(50509, HTTPStatus.BAD_REQUEST, "Media message body cannot be updated")

    INVITE_NOT_FOUND = Kind(50601, HTTPStatus.NOT_FOUND, "Invite not found")
    DECLINED_BY_MEMBER = Kind(
        50602, HTTPStatus.CONFLICT, "Cannot decline invite when already channel member."
    )

    BINDING_NOT_FOUND = Kind(52001, HTTPStatus.NOT_FOUND, "Invalid destination binding")
    CREDENTIAL_NOT_FOUND = Kind(52002, HTTPStatus.NOT_FOUND, "Invalid Credential Sid")
    PUSH_CREDENTIAL_TYPE = Kind(52003, HTTPStatus.BAD_REQUEST, "Invalid Credential Type")
    PUSH_CREDENTIAL_MISSING = Kind(52004, HTTPStatus.BAD_REQUEST, "Credential SID not specified")

    OBJECT_FORBIDDEN = Kind(54007, HTTPStatus.FORBIDDEN, "Access to the Sync object is forbidden")
    TOO_MANY_SUBSCRIPTIONS = Kind(54009, HTTPStatus.TOO_MANY_REQUESTS, "Too many subscriptions")
    OBJECT_NOT_FOUND = Kind(54100, HTTPStatus.NOT_FOUND, "Sync object not found")
    LIST_NOT_FOUND = Kind(54150, HTTPStatus.NOT_FOUND, "Sync list not found")


def all_kinds() -> list[Kind]:
    """Return every row, in the order in which it is written above."""
    return [kind for kind in vars(Kinds).values() if isinstance(kind, Kind)]
