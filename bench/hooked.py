"""What it costs to post while webhooks are told of it: one at which nobody answers, and one that is slow."""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING

from bench import targets
from bench.chat import Chat, ask, request
from bench.rows import Growth, Share, Spread
from bench.works import CHANNELS, Turn, take_turn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bench.report import Report
    from bench.targets import Target

IN_FLIGHT = 32

SLOW_SECONDS = 4.9
"""How long the slow receiver takes: just not too long."""

LEAST_RATE = 0.7
MOST_P99 = 2.0
"""Bars: of the rate and of the p99 of posts of which no webhook is told."""


def hooked(server: Target, rounds: int, seconds: float, folder: Path, report: Report) -> None:
    """Post in turns to services whose webhook is told of it, and to one without."""
    without = Chat.on(server, CHANNELS).posts
    with targets.receiver(SLOW_SECONDS, folder) as slow, _nobody() as dead:
        posts = {
            "dead webhook": _posts_told_to(server, dead),
            "slow webhook": _posts_told_to(server, slow.port),
        }
        turns: dict[str, list[Turn]] = {name: [] for name in ("none", *posts)}
        for nth in range(rounds):
            report.now(f"posting with webhooks on {server.name}", nth, rounds)
            for name, asked in ({"none": without} | posts).items():
                turn = take_turn(server, asked, status=201, in_flight=IN_FLIGHT, seconds=seconds)
                turns[name].append(turn)
    best = turns.pop("none")
    for name, mine in turns.items():
        _add(name, server, best, mine, report)


def _posts_told_to(server: Target, port: int) -> list[bytes]:
    """Return posts to a service that tells a receiver of them."""
    chat = Chat.on(server, CHANNELS)
    hook = f"PostWebhookUrl=http%3A%2F%2F127.0.0.1%3A{port}%2Fhook&WebhookFilters=onMessageSent"
    ask(server, request("POST", chat.path, hook))
    return [post.replace(b"\r\n", b"\r\nX-Twilio-Webhook-Enabled: true\r\n", 1) for post in chat.posts]


@contextlib.contextmanager
def _nobody() -> Iterator[int]:
    """Yield a port at which nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


def _add(name: str, server: Target, best: list[Turn], mine: list[Turn], report: Report) -> None:
    pairs = [(one.load, other.load) for one, other in zip(best, mine, strict=True)]
    report.add(
        Share(
            work=f"posts, {name}",
            server=server.name,
            unit="posts/s",
            figure=Spread.of([other.rate for _, other in pairs]),
            best=Spread.of([one.rate for one, _ in pairs]),
            ratio=Spread.of([other.rate / one.rate for one, other in pairs]),
            load_busy=max(other.busy for _, other in pairs),
            least=LEAST_RATE,
        )
    )
    report.add(
        Growth(
            work=f"posts, {name}: p99",
            server=server.name,
            unit="ms",
            small=Spread.of([one.p99_ms for one, _ in pairs]),
            large=Spread.of([other.p99_ms for _, other in pairs]),
            ratio=Spread.of([other.p99_ms / one.p99_ms for one, other in pairs]),
            most=MOST_P99,
        )
    )
