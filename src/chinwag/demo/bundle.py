"""The client library in the browser: the developer's own copy of it, which is never part of this project."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

INSTALL = "npm install twilio-chat@6.0.0"

_BUILD = "builds/twilio-chat.min.js"
_PLACES = (_BUILD, f"twilio-chat/{_BUILD}", f"node_modules/twilio-chat/{_BUILD}")
"""Where the bundle is in the folder of the package, in `node_modules`, and in the folder of a program."""


class BundleMissingError(Exception):
    """There is no client library where the operator says that it is. The text says how to get it."""


def read_bundle(path: Path) -> bytes:
    """Return the client library.

    Args:
        path: the file, or a folder that `npm install` has put it into.

    Raises:
        BundleMissingError: it is not there, or cannot be read.
    """
    file = path
    if path.is_dir():
        file = next((path / place for place in _PLACES if (path / place).is_file()), path / _BUILD)
    try:
        return file.read_bytes()
    except OSError as error:
        raise BundleMissingError(
            f"demo is {str(path)!r}, and {file} cannot be read: {error.strerror}. It must be the "
            f"twilio-chat.min.js of your own `{INSTALL}`, or a folder with it, such as ./node_modules"
        ) from None
