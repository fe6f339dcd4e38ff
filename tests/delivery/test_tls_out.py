"""Certificates of this server: they are loaded from memory, or from files that are gone at once."""

from __future__ import annotations

import sys
import tempfile
from typing import TYPE_CHECKING

import pytest

from chinwag.delivery.http_out import Failure, SendError
from chinwag.delivery.tls_out import client_context
from delivery.http2_client import CLIENT

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.skipif(sys.platform != "linux", reason="files in memory are Linux's")
def test_secrets_are_not_written_where_there_is_another_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))

    assert client_context(CLIENT.pem, CLIENT.key_pem)


def test_elsewhere_they_are_written_and_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "another")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    assert client_context(CLIENT.pem, CLIENT.key_pem)
    with pytest.raises(SendError) as error:
        client_context(CLIENT.pem, "key")

    assert error.value.failure is Failure.IDENTITY
    assert list(tmp_path.iterdir()) == []
