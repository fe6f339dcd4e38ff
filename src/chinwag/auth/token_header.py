"""Access tokens in a header of HTTP, where the socket of a client SDK is not the way: for media.

Source: sdk-wire.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chinwag.auth.token_refusal import TokenRefusedError
from chinwag.errors import ApiError, Kinds

if TYPE_CHECKING:
    from chinwag.auth.access_token import AccessTokens
    from chinwag.domain.caller import Caller

_KINDS = {
    kind.code: kind
    for kind in (
        Kinds.INVALID_TOKEN_HEADER,
        Kinds.INVALID_TOKEN_ISSUER,
        Kinds.TOKEN_EXPIRED,
        Kinds.TOKEN_NOT_YET_VALID,
        Kinds.INVALID_TOKEN_GRANTS,
        Kinds.INVALID_TOKEN_SIGNATURE,
    )
}


class TokenAuthentication:
    """Answers who sent an `X-Twilio-Token` header."""

    def __init__(self, tokens: AccessTokens) -> None:
        self._tokens = tokens

    async def caller(self, token: str | None, service_sid: str, address: str = "") -> Caller:
        """Return the user who sent this header, in a service.

        Raises:
            ApiError: one of the 401s of 201xx, when the header is missing or the token refused;
                `SERVICE_NOT_FOUND` when it is for another service; `TOO_MANY_REQUESTS`.
        """
        if token is None:
            raise ApiError(Kinds.INVALID_TOKEN, "no X-Twilio-Token header: send an access token in it")
        try:
            session = await self._tokens.session(token, address)
        except TokenRefusedError as refusal:
            kind = _KINDS.get(refusal.code, Kinds.INVALID_TOKEN)
            raise ApiError(kind, f"{refusal.detail} ({refusal.connection_code})") from None
        if session.service_sid != service_sid:
            raise ApiError(Kinds.SERVICE_NOT_FOUND, f"the token is for service {session.service_sid}")
        return session.caller
