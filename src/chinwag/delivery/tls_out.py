"""TLS of outgoing connections that show a certificate of their own."""

from __future__ import annotations

import os
import ssl
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from chinwag.delivery.http_out import Failure, SendError

if TYPE_CHECKING:
    from collections.abc import Generator

_CERTIFICATE_ALERTS = frozenset(
    {
        "ACCESS_DENIED",
        "BAD_CERTIFICATE",
        "CERTIFICATE_EXPIRED",
        "CERTIFICATE_REQUIRED",
        "CERTIFICATE_REVOKED",
        "CERTIFICATE_UNKNOWN",
        "UNKNOWN_CA",
        "UNSUPPORTED_CERTIFICATE",
    }
)
"""What the other side says to a certificate that it does not want."""


def client_context(certificate: str, private_key: str) -> ssl.SSLContext:
    """Return what connections begin with that show a certificate; it takes long, as it reads many others.

    Args:
        certificate: PEM; those of its issuers may follow.
        private_key: PEM.

    Raises:
        SendError: `IDENTITY`.
    """
    context = ssl.create_default_context()
    context.set_alpn_protocols(["h2"])
    try:
        with _as_file(certificate) as certificate_path, _as_file(private_key) as key_path:
            # Without a password OpenSSL would ask for one on the terminal.
            context.load_cert_chain(certificate_path, key_path, password="")
    except (OSError, ValueError):
        detail = "the certificate or its private key cannot be read, or they do not belong together"
        raise SendError(Failure.IDENTITY, detail) from None
    return context


def lost(error: Exception | None, host: str) -> SendError:
    """Return what is told of a connection that has ended, or has never begun.

    Args:
        error: of the system or of TLS; None if it was closed.
        host: whom it was to.
    """
    match error:
        case ssl.SSLCertVerificationError():
            detail = f"the certificate of {host} is not accepted: {error.verify_message}"
            return SendError(Failure.TLS, detail)
        case ssl.SSLError() if not isinstance(error, ssl.SSLEOFError):
            alert = (error.reason or "").rpartition("ALERT_")[2]
            if alert in _CERTIFICATE_ALERTS:
                words = alert.lower().replace("_", " ")
                return SendError(Failure.IDENTITY, f"{host} does not accept the client certificate: {words}")
            if alert == "NO_APPLICATION_PROTOCOL":
                return SendError(Failure.PROTOCOL, "the other side does not speak HTTP/2")
            return SendError(Failure.TLS, "the other side does not agree on an encrypted connection")
        case _:
            detail = "the connection was closed before there was a whole answer"
            return SendError(Failure.DISCONNECTED, detail)


@contextmanager
def _as_file(text: str) -> Generator[str]:
    """Return a path from which a secret can be read for now, because OpenSSL takes only paths.

    On Linux it is in memory alone; elsewhere in a file that nobody else may read.
    """
    if sys.platform == "linux" and Path("/proc/self/fd").is_dir():
        with os.fdopen(os.memfd_create("identity"), "wb") as file:
            file.write(text.encode())
            file.flush()
            yield f"/proc/self/fd/{file.fileno()}"
    else:
        with tempfile.NamedTemporaryFile() as file:
            file.write(text.encode())
            file.flush()
            yield file.name
