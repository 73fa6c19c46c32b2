"""Alerts against a truth table: recall, precision, errors in time and rates, each with its interval."""

from maritime.evaluate.evaluation import Evaluation, Spread, TypeScore, evaluate, read_alerts, read_truth, score
from maritime.evaluate.matching import Event, Matching, match

__all__ = [
    "Evaluation",
    "Event",
    "Matching",
    "Spread",
    "TypeScore",
    "evaluate",
    "match",
    "read_alerts",
    "read_truth",
    "score",
]
