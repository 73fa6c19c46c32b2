"""Told: what a report knows of one alert. For a partner it is taken from the released copy, and from nothing else."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from maritime.alerts.alert import Alert
from maritime.errors import InputError
from maritime.sharing.decide import Decision, decide
from maritime.sharing.envelope import Envelope, Review
from maritime.sharing.policy import ReleasePolicy
from maritime.sharing.prepare import NATURE, Address, prepare
from maritime.times import from_rfc3339
from maritime.units import MINUTE_MS

UNKNOWN_TO_ALL: Final = Address("00000000-0000-4000-8000-000000000000", 0, "alert")
NO_KEY: Final = bytes(32)
"""Pseudonyms of a report's copies never leave, so that any key will do."""

Place = tuple[float, float]
"""Latitude and longitude, degrees."""


class Verdict(NamedTuple):
    """What a person has said of an alert, and when, ms UTC."""

    verdict: Literal["confirmed", "dismissed"]
    at_ms: int


@dataclass(frozen=True, slots=True)
class Told:
    """One alert. `vessel` is for protection and never told; `linked_by` joins alerts of a vessel where a copy does."""

    alert_id: str
    type: str
    start_ms: int
    end_ms: int | None
    place: Place
    next_place: Place | None  # where the vessel reported again
    vessel: str
    linked_by: str | None
    latency_min: int  # from the end of what happened, or its start while it lasts, to the alert
    verdict: Literal["confirmed", "dismissed"] | None


View = Callable[[Alert, Verdict | None], Told | None]
"""How a reader sees an alert; None where it does not."""


def own_view(alert: Alert, verdict: Verdict | None) -> Told | None:
    """An alert as its originator sees it; None where it was retracted, has no place, or is about receivers."""
    if alert.state == "retracted" or alert.lat is None or alert.lon is None or NATURE.get(alert.type) == "sensor":
        return None
    again_lat, again_lon = alert.evidence.get("reappeared_lat"), alert.evidence.get("reappeared_lon")
    return Told(
        alert.alert_id,
        alert.type,
        alert.started_ms,
        alert.ended_ms,
        (alert.lat, alert.lon),
        None if again_lat is None or again_lon is None else (again_lat, again_lon),
        _vessel(alert),
        alert.hull if alert.mmsi else None,
        _latency_min(alert),
        verdict.verdict if verdict else None,
    )


def partner_view(policy: ReleasePolicy, partner: str, at_ms: int | None) -> View:
    """How a partner sees alerts: by the copies that the policy releases, each when it was raised, or all at `at_ms`.

    An alert that waits for a person is released when one has confirmed it. What a copy does not tell, neither does the
    report: without time or place an alert is not in it.
    """

    def view(alert: Alert, verdict: Verdict | None) -> Told | None:
        whole = own_view(alert, verdict)
        copy = _released(alert, verdict, policy, partner, at_ms) if whole else None
        if whole is None or copy is None or copy.observed is None:
            return None
        places = _places(copy)
        if not places:
            return None
        end = copy.observed.end
        return Told(
            whole.alert_id,
            copy.event.type,
            from_rfc3339(copy.observed.start),
            from_rfc3339(end) if end else None,
            places[0],
            places[1] if len(places) > 1 else None,
            whole.vessel,
            _name(copy),
            whole.latency_min,
            whole.verdict,
        )

    return view


class Newest:
    """The newest revision of every alert, seen in one way. The order in which alerts come does not matter."""

    def __init__(self, view: View, verdicts: Mapping[str, Verdict], most: int) -> None:
        self._view, self._verdicts, self._most = view, verdicts, most
        self._alerts: dict[str, tuple[tuple[int, bytes], Told | None]] = {}

    def add(self, alert: Alert, line_sha256: bytes) -> None:
        """Take one revision. Raises InputError when there are too many alerts."""
        known = self._alerts.get(alert.alert_id)
        order = (alert.revision, line_sha256)
        if known is None and len(self._alerts) >= self._most:
            raise InputError(f"there are more than {self._most:,} alerts; report a shorter time, from fewer folders")
        if known is None or order > known[0]:
            self._alerts[alert.alert_id] = order, self._view(alert, self._verdicts.get(alert.alert_id))

    def told(self) -> list[Told]:
        """What is seen, by time and id."""
        seen = (told for _, told in self._alerts.values() if told is not None)
        return sorted(seen, key=lambda told: (told.start_ms, told.alert_id))


def _released(
    alert: Alert, verdict: Verdict | None, policy: ReleasePolicy, partner: str, at_ms: int | None
) -> Envelope | None:
    """The copy that the partner got; where no person had looked at it, that of when one has confirmed it."""
    sent_ms = alert.raised_ms if at_ms is None else at_ms
    answer = _decided(alert, policy, partner, sent_ms, Review(state="unreviewed"))
    if answer is not None and answer.code == "unreviewed" and verdict is not None and verdict.verdict == "confirmed":
        reviewed_ms = max(sent_ms, verdict.at_ms) if at_ms is None else at_ms
        answer = _decided(alert, policy, partner, reviewed_ms, Review(state="confirmed"))
    return answer.envelope if answer else None


def _decided(alert: Alert, policy: ReleasePolicy, partner: str, sent_ms: int, review: Review) -> Decision | None:
    whole = prepare(alert, policy, status="exercise", sent_ms=sent_ms, address=UNKNOWN_TO_ALL)
    if whole is None or whole.assessment is None:
        return None
    assessment = whole.assessment.model_copy(update={"review": review})
    envelope = whole.model_copy(update={"assessment": assessment})
    answer = decide(envelope, partner, policy, address=UNKNOWN_TO_ALL, now_ms=sent_ms, pseudonym_key=NO_KEY)
    if answer.release_at_ms is None or answer.outcome != "held":
        return answer
    now_ms = answer.release_at_ms
    return decide(envelope, partner, policy, address=UNKNOWN_TO_ALL, now_ms=now_ms, pseudonym_key=NO_KEY)


def _places(copy: Envelope) -> list[Place]:
    """Where a copy says that it was: its places, else the middles of the parts of its geometry, in their order."""
    if copy.places:
        return [(place.lat, place.lon) for place in copy.places]
    made: list[Place] = []
    for part in copy.parts():
        match part.kind:
            case "Point":
                outlines = [[part.coordinates]]
            case "Polygon":
                outlines = [part.coordinates[0]]
            case "MultiPolygon":
                outlines = [polygon[0] for polygon in part.coordinates]
            case _:
                outlines = []
        for outline in outlines:
            lons, lats = [position[0] for position in outline], [position[1] for position in outline]
            made.append(((min(lats) + max(lats)) / 2, (min(lons) + max(lons)) / 2))
    return made


def _name(copy: Envelope) -> str | None:
    """By what a copy tells its vessel from others."""
    if not copy.vessels:
        return None
    vessel = copy.vessels[0]
    return vessel.pseudonym or (None if vessel.mmsi is None else str(vessel.mmsi))


def _vessel(alert: Alert) -> str:
    """The MMSI, of which two hulls count as one vessel; an alert of no vessel stands for itself."""
    return str(alert.mmsi) if alert.mmsi else alert.alert_id


def _latency_min(alert: Alert) -> int:
    since_ms = alert.started_ms if alert.ended_ms is None else alert.ended_ms
    return max(0, alert.raised_ms - since_ms) // MINUTE_MS
