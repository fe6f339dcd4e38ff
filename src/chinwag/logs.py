"""Log lines: one JSON object each on standard error, or coloured text on a terminal."""

from __future__ import annotations

import asyncio
import atexit
import logging
import sys
import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

# structlog.dev imports rich, 0.1 s, for a way of printing tracebacks that we do not use.
_rich = sys.modules.get("rich")
sys.modules["rich"] = None  # type: ignore[assignment]
import structlog  # noqa: E402

if _rich is None:
    del sys.modules["rich"]
else:
    sys.modules["rich"] = _rich

import msgspec  # noqa: E402

if TYPE_CHECKING:
    from io import TextIOBase

    from chinwag.settings import Settings

GATHER_SECONDS = 0.05
"""Longest wait of a line of level info or debug before it is written, in seconds."""

_encode = msgspec.json.Encoder(enc_hook=str).encode


class Lines:
    """A stream of log lines that are written together, if nothing is wrong and there are many.

    Writing each line of a busy server alone costs more than all else about it. A warning is written at once,
    with all that came before it.
    """

    def __init__(self, stream: TextIOBase) -> None:
        self._stream = stream
        self._waiting: list[str] = []
        self._timer: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        atexit.register(self.flush)

    def info(self, line: str) -> None:
        """Write a line soon; without an event loop, now."""
        self._waiting.append(line)
        if self._timer is not None and self._loop is not None and not self._loop.is_closed():
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self.flush()
            return
        self._timer, self._loop = loop.call_later(GATHER_SECONDS, self.flush), loop

    def warning(self, line: str) -> None:
        """Write a line now."""
        self._waiting.append(line)
        self.flush()

    debug = info
    error = critical = exception = warning

    def write(self, text: str) -> None:
        """Write text of a library now. Its line has its end."""
        self.flush()
        self._stream.write(text)
        self._stream.flush()

    def flush(self) -> None:
        """Write what waits."""
        self._timer = None
        waiting, self._waiting = self._waiting, []
        if waiting:
            self._stream.write("\n".join(waiting) + "\n")
            self._stream.flush()


def logger() -> Any:  # noqa: ANN401  # structlog's own type is Any
    """Return what log lines are written with."""
    return structlog.get_logger()


def configure_logs(settings: Settings) -> None:
    """Send every log line, also those of libraries, to standard error in one form."""
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    console = settings.log_format == "console" or (settings.log_format == "auto" and sys.stderr.isatty())
    lines = Lines(sys.stderr)  # type: ignore[arg-type]  # a text stream, as typing has it
    shared: list[Any] = [_stamped]
    if console:
        renderer = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        last: list[Any] = [structlog.processors.format_exc_info, _inert, renderer]
    else:
        last = [structlog.processors.format_exc_info, _json]
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: lines,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(lines)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    logging.basicConfig(handlers=[handler], level=max(level, logging.WARNING), force=True)


def _stamped(_logger: object, name: str, event: dict[str, Any]) -> dict[str, Any]:
    """Add the level and the moment."""
    event["level"] = name
    seconds, millis = divmod(time.time_ns() // 1_000_000, 1000)
    event["timestamp"] = f"{_second(seconds)}.{millis:03d}Z"
    return event


@lru_cache(maxsize=2)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _inert(_logger: object, _name: str, event: dict[str, Any]) -> dict[str, Any]:
    """Escape what is not plain text, so that no request can write lines or colours of its own."""
    traceback: str | None = event.pop("exception", None)
    plain = {name: _escaped(value) if isinstance(value, str) else value for name, value in event.items()}
    if traceback is not None:
        plain["exception"] = "\n".join(_escaped(line) for line in traceback.split("\n"))
    return plain


def _escaped(text: str) -> str:
    return text if text.isprintable() else text.encode("unicode_escape").decode()


def _json(_logger: object, _name: str, event: dict[str, Any]) -> str:
    return _encode(event).decode()
