"""SourceMetrics: how each source of an ingester is, for /metrics."""

from collections.abc import Callable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from streams.observe.log_metrics import MOST_SOURCES
from streams.status import LIVE, Status


class SourceMetrics(Collector):
    """Asks for the status at every scrape, so it is as new as that; no more than MOST_SOURCES sources are told."""

    def __init__(self, status: Callable[[], Status]) -> None:
        self._status = status

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
        yield from (live, age, reports, rejects)
