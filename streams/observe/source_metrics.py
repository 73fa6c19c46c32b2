"""SourceMetrics: how each source of an ingester is, for /metrics."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Protocol

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from streams.observe.log_metrics import MOST_SOURCES
from streams.status import LIVE, Status


class Connection(Protocol):
    """What a source says of its connection."""

    name: str
    connected: bool
    connects: int


def nothing() -> Iterable[Connection]:
    """No connections are known."""
    return ()


class SourceMetrics(Collector):
    """Asks for the status at every scrape, so it is as new as that; no more than MOST_SOURCES sources are told."""

    def __init__(self, status: Callable[[], Status], connections: Callable[[], Iterable[Connection]] = nothing) -> None:
        self._status = status
        self._connections = connections

    def collect(self) -> Iterator[Metric]:
        """The metrics now."""
        status = self._status()
        live = GaugeMetricFamily(
            "maritime_source_live", "1 while the source gives reports, 0 when idle, stale or ended", labels=["source"]
        )
        age = GaugeMetricFamily(
            "maritime_source_silent_seconds", "Since the newest report of the source was received", labels=["source"]
        )
        reports = CounterMetricFamily("maritime_source_reports", "Reports the source gave", labels=["source"])
        rejects = CounterMetricFamily("maritime_source_rejects", "Lines and rows of it refused", labels=["source"])
        for source in status.sources[:MOST_SOURCES]:
            live.add_metric([source.name], 1.0 if source.state == LIVE else 0.0)
            if source.last_ms is not None:
                age.add_metric([source.name], max(0.0, (status.wall_ms - source.last_ms) / 1000.0))
            reports.add_metric([source.name], source.reports)
            rejects.add_metric([source.name], source.rejects)
        connected = GaugeMetricFamily(
            "maritime_source_connected", "1 while the source is connected, listens or reads", labels=["source"]
        )
        connects = CounterMetricFamily(
            "maritime_source_connects",
            "Connections that were made; more than one says that some broke",
            labels=["source"],
        )
        for connection in islice(self._connections(), MOST_SOURCES):
            connected.add_metric([connection.name], 1.0 if connection.connected else 0.0)
            connects.add_metric([connection.name], connection.connects)
        yield from (live, age, reports, rejects, connected, connects)
