"""Certificates of an authority that only the tests know."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from pathlib import Path

DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Issued:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def key_pem(self) -> str:
        return self.key_pem_with(serialization.NoEncryption())

    def key_pem_with(self, encryption: serialization.KeySerializationEncryption) -> str:
        form = serialization.PrivateFormat.PKCS8
        return self.key.private_bytes(serialization.Encoding.PEM, form, encryption).decode()

    def trusted(self, folder: Path) -> str:
        """Write the certificate to a file of authorities, and return its path."""
        path = folder / "authorities.pem"
        path.write_text(self.pem)
        return str(path)


def a_ca(name: str = "An authority") -> Issued:
    """Make an authority."""
    return _made(_name(name, None), None, x509.BasicConstraints(ca=True, path_length=None))


def issue(
    ca: Issued,
    name: str = "Somebody",
    *,
    uid: str | None = None,
    hosts: tuple[str, ...] = (),
    begins: dt.datetime | None = None,
    ends: dt.datetime | None = None,
) -> Issued:
    """Make a certificate: of a server with `hosts`, or of the servers of an app with `uid`."""
    names = [_host(host) for host in hosts]
    extension = x509.SubjectAlternativeName(names) if names else None
    return _made(_name(name, uid), ca, extension, begins, ends)


def _made(
    subject: x509.Name,
    ca: Issued | None,
    extension: x509.ExtensionType | None,
    begins: dt.datetime | None = None,
    ends: dt.datetime | None = None,
) -> Issued:
    key = ec.generate_private_key(ec.SECP256R1())
    now = dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(ca.certificate.subject if ca else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins or now - DAY)
        .not_valid_after(ends or now + 300 * DAY)
    )
    if extension is not None:
        builder = builder.add_extension(extension, critical=False)
    return Issued(builder.sign(ca.key if ca else key, hashes.SHA256()), key)


def _name(name: str, uid: str | None) -> x509.Name:
    found = [x509.NameAttribute(NameOID.COMMON_NAME, name)]
    if uid is not None:
        found.append(x509.NameAttribute(NameOID.USER_ID, uid))
    return x509.Name(found)


def _host(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(text))
    except ValueError:
        return x509.DNSName(text)
