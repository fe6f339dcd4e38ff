"""The versions of the API. A version is a presentation: rules never ask which one is speaking."""

from __future__ import annotations

from enum import IntEnum

OWN = "/chinwag/v1"
"""Where that begins which the original has not. It is shown as the newest version is."""


class Version(IntEnum):
    """A version, as it stands in a path."""

    V1 = 1
    V2 = 2

    @property
    def path(self) -> str:
        """The first segment of a path, such as `/v1`."""
        return f"/v{self.value}"
