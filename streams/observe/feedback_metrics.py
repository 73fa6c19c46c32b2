"""Feedback as metrics: what partners said, what of it was refused, and which of their questions wait."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from streams.share.feedback_door import FeedbackDoor


@dataclass(frozen=True, slots=True)
class FeedbackTold:
    """What partners said, and what waits for an answer."""

    taken: dict[tuple[str, str], int] = field(default_factory=dict)  # partner and kind
    refused: dict[tuple[str, str], int] = field(default_factory=dict)  # partner and reason
    answered: dict[str, int] = field(default_factory=dict)
    requests: dict[str, tuple[int, int]] = field(default_factory=dict)  # open, and of these overdue
    not_heard: dict[str, str] = field(default_factory=dict)
    missing: int = 0

    def families(self) -> Iterator[Metric]:
        """Its metrics."""
        taken = CounterMetricFamily("maritime_share_feedback", "Feedback taken", labels=["partner", "kind"])
        refused = CounterMetricFamily(
            "maritime_share_feedback_refused", "Feedback not taken; it is kept", labels=["partner", "reason"]
        )
        answered = CounterMetricFamily("maritime_share_answers", "Answers delivered to the log", labels=["partner"])
        waits = GaugeMetricFamily("maritime_share_requests_open", "Requests without an answer", labels=["partner"])
        overdue = GaugeMetricFamily(
            "maritime_share_requests_overdue", "Of these past their deadline", labels=["partner"]
        )
        failing = GaugeMetricFamily(
            "maritime_share_feedback_failing", "1 while feedback cannot be read or answered", labels=["partner"]
        )
        for labels, count in self.taken.items():
            taken.add_metric(labels, count)
        for labels, count in self.refused.items():
            refused.add_metric(labels, count)
        for partner, count in self.answered.items():
            answered.add_metric([partner], count)
        for partner, (count, late) in self.requests.items():
            waits.add_metric([partner], count)
            overdue.add_metric([partner], late)
        for partner in self.not_heard:
            failing.add_metric([partner], 1.0)
        yield from (taken, refused, answered, waits, overdue, failing)
        yield CounterMetricFamily(
            "maritime_share_feedback_missing", "Times that feedback was gone before it was read", value=self.missing
        )


def feedback_told(
    door: FeedbackDoor | None, before: FeedbackTold, requests: dict[str, tuple[int, int]] | None
) -> FeedbackTold:
    """What a door tells by now. `requests` is None where they were not looked at; who has none left has 0."""
    if door is None:
        return before
    none_left = dict.fromkeys(before.requests, (0, 0))
    counts = door.counts
    return FeedbackTold(
        dict(counts.taken),
        dict(counts.refused),
        dict(counts.answered),
        before.requests if requests is None else none_left | requests,
        door.not_heard(),
        counts.missing,
    )
