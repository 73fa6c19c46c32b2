"""WebhookMetrics: how it stands with each partner that is told by a webhook, for /metrics."""

from collections.abc import Callable, Iterable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

Stands = tuple[str, int, int, bool]
"""A partner, events told, tries that were not taken, and whether it is given up."""


class WebhookMetrics(Collector):
    """Asks at every scrape."""

    def __init__(self, stands: Callable[[], Iterable[Stands]]) -> None:
        self._stands = stands

    def collect(self) -> Iterator[Metric]:
        """The metrics now."""
        told = CounterMetricFamily("maritime_webhook_told", "Events that a webhook took", labels=["partner"])
        not_taken = CounterMetricFamily("maritime_webhook_not_taken", "Tries that it did not take", labels=["partner"])
        given_up = GaugeMetricFamily(
            "maritime_webhook_given_up", "1 while it is told no more, until it is taken up again", labels=["partner"]
        )
        for partner, taken, refused, is_given_up in self._stands():
            told.add_metric([partner], taken)
            not_taken.add_metric([partner], refused)
            given_up.add_metric([partner], float(is_given_up))
        yield from (told, not_taken, given_up)
