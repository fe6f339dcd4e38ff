"""Secrets at rest, and the key that seals them.

Webhooks are signed with the auth token, and access tokens are verified with the secrets of API keys, so both
must be readable again: they are encrypted (Fernet), not hashed. The key comes from the environment or from a
file that only its owner can read.
"""

from __future__ import annotations

import base64
import os
import secrets
from typing import TYPE_CHECKING

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

if TYPE_CHECKING:
    from pathlib import Path

    from chinwag.domain.unit import Transaction

_PROOF = "chinwag"


class WrongKeyError(Exception):
    """The key at hand did not seal this."""


class Seal:
    """Encrypts and decrypts secrets with one key.

    Args:
        key: a Fernet key: 32 bytes in URL-safe base64.

    Raises:
        ValueError: the key is not one.
    """

    def __init__(self, key: str) -> None:
        self._fernet = Fernet(key)
        self._key = key

    def seal(self, secret: str) -> bytes:
        """Return the secret encrypted."""
        return self._fernet.encrypt(secret.encode())

    def open(self, sealed: bytes) -> str:
        """Return the secret in clear.

        Raises:
            WrongKeyError: another key sealed it.
        """
        try:
            return self._fernet.decrypt(sealed).decode()
        except InvalidToken:
            raise WrongKeyError from None

    def key_for(self, purpose: str) -> bytes:
        """Return a key of 32 bytes for another purpose, which tells nothing of this one or of any other."""
        derivation = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"chinwag {purpose}".encode())
        return derivation.derive(base64.urlsafe_b64decode(self._key))


def new_secret() -> str:
    """Return a new auth token or key secret: 32 hexadecimal digits, as the original's."""
    return secrets.token_hex(16)


def key_from_file(path: Path) -> str:
    """Return the key in a file, which is made, with a new key, if it is not there.

    Raises:
        OSError: the file can neither be read nor made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    key = Fernet.generate_key().decode()
    with os.fdopen(descriptor, "w") as file:
        file.write(key + "\n")
        file.flush()
        os.fsync(file.fileno())
    return key


async def prove_key(tx: Transaction, seal: Seal) -> None:
    """Check that the key is the one this database was sealed with; a new database takes it as its own.

    Raises:
        WrongKeyError: it is another key.
    """
    proof = await tx.installation.key_check()
    if proof is None:
        await tx.installation.keep_key_check(seal.seal(_PROOF))
    else:
        seal.open(proof)
