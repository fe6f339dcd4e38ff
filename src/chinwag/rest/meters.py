"""What is measured, for `GET /metrics`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prometheus_client import Metric


class Meters:
    """The measures of one server."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._requests = Histogram(
            "chinwag_http_request_seconds",
            "Time to answer a request.",
            ("method", "route", "status"),
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0),
            registry=self._registry,
        )
        self._answered: dict[tuple[str, str, int], Histogram] = {}
        self._refused = Counter(
            "chinwag_http_refused", "Requests that were refused.", ("code",), registry=self._registry
        )

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count an answer."""
        labels = (method, route, status)
        meter = self._answered.get(labels)
        if meter is None:
            meter = self._answered[labels] = self._requests.labels(method, route, str(status))
        meter.observe(seconds)

    def refused(self, code: int) -> None:
        """Count a refusal."""
        self._refused.labels(str(code)).inc()

    def watch(self, name: str, text: str, value: Callable[[], float]) -> None:
        """Show a value that is asked for when somebody looks."""
        Gauge(name, text, registry=self._registry).set_function(value)

    def count(self, name: str, text: str, value: Callable[[], float]) -> None:
        """Show a count that is asked for when somebody looks. It ends in `_total` there."""
        self._registry.register(_Count(name, text, value))

    def text(self) -> bytes:
        """Return everything in the text format of Prometheus."""
        return generate_latest(self._registry)


class _Count(Collector):
    """A number that only grows, and that somebody else counts."""

    def __init__(self, name: str, text: str, value: Callable[[], float]) -> None:
        self._name, self._text, self._value = name, text, value

    def collect(self) -> Iterator[Metric]:
        yield CounterMetricFamily(self._name, self._text, self._value())
