"""PartitionDetector: the records of one partition in, alerts, distress calls and refused reports out.

A pure function of the records. It holds an engine of its own, the names of the sources and, for every alert that may
still change, when it was first raised. Where one poll, one cycle or one process ends makes no difference: the alerts
are those of `maritime replay`.
"""

import base64
import hashlib
import json
import struct
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final, Self

import numpy as np
import pyarrow as pa

import maritime
from maritime.alerts.alert import Alert, Detector
from maritime.alerts.recorder import CLOCK_OFF, LATE
from maritime.columns import POSITION_SCHEMA
from maritime.config import config_sha256
from maritime.detect.engine import Engine
from maritime.detect.episode import Episode
from maritime.detect.heartbeat import Heartbeats
from maritime.detect.places import EnginePlaces
from maritime.detect.settings import DetectSettings
from maritime.errors import SnapshotError, UsageError
from maritime.replay import DETECTOR
from maritime.times import NEVER
from maritime.units import DAY_MS
from streams import codec
from streams.codec import HeartbeatPart
from streams.dead_letters import letter_of_record, letters_of_reports
from streams.distress import DistressCall, DistressWatch
from streams.exercise import LogStatus
from streams.feeds import STALE_S, FeedWatch
from streams.murmur2 import partitions_of
from streams.poison import PoisonError
from streams.source_names import SourceNames
from streams.transport import Headers, Outgoing, Record

CLOSED_KEPT_MS: Final = 30 * DAY_MS  # a hull is forgotten after 30 days of silence, and with it what it may retract
OPEN_KEPT_MS: Final = 365 * DAY_MS  # chosen: without any word for a year, an open alert's hull is long forgotten
MAGIC: Final = b"MWPART"
VERSION: Final = 3
_HEAD: Final = struct.Struct(">6sHI")  # magic, version, bytes of the JSON that follows


@dataclass(frozen=True, slots=True)
class DetectSetup:
    """What every detector of a run shares: settings, places and how many partitions the vessels are spread over.

    A source of the ingester that says nothing for `stale_s` is told. `status` is that of the log; whoever does not say
    is an exercise.
    """

    settings: DetectSettings
    places: EnginePlaces
    partitions: int
    stale_s: float = STALE_S
    status: LogStatus = "exercise"

    @property
    def detector(self) -> Detector:
        """What the alerts say of their maker, as a replay says it."""
        return Detector(DETECTOR, maritime.__version__, config_sha256(self.settings))


@dataclass(slots=True)
class Found:
    """What a record led to."""

    alerts: list[Alert] = field(default_factory=list)
    letters: list[Outgoing] = field(default_factory=list)  # dead letters
    calls: list[DistressCall] = field(default_factory=list)  # of beacons, ahead of their alerts


class PartitionDetector:
    """Detects in one partition; partition 0 also tells the notices about sensors and sources.

    Not one of its methods raises for what a record holds: poison becomes a dead letter.
    """

    def __init__(self, setup: DetectSetup, number: int) -> None:
        self._setup = setup
        self._number = number
        self._maker = setup.detector
        self._names = SourceNames()
        self._raised: dict[str, list[int]] = {}  # alert id → first raised (ms UTC), is over, last told (ms UTC)
        self._swept_day = 0
        self._parts: list[tuple[bytes, Headers]] = []  # of a heartbeat that has not come whole
        self._counts: Counter[str] = Counter()
        self._distress = DistressWatch(setup.settings)
        self._feeds = FeedWatch(self._maker, setup.stale_s) if number == 0 else None
        self._engine = self._new_engine()

    @property
    def watermark_ms(self) -> int | None:
        """Event time reached; None before the first heartbeat."""
        return self._engine.watermark_ms

    @property
    def counters(self) -> dict[str, int]:
        """The engine's counters, and `rows` (reports taken in), `records`, `poison`, `alerts` and
        `distress_calls` told.

        Every row is one of: `reports` or `set_aside` (processed), `clock_refused`, `late`, `waiting`.
        """
        return self._engine.counters | dict(self._counts)

    @property
    def alerts_remembered(self) -> int:
        """How many alerts may still change."""
        return len(self._raised)

    def source_name(self, code: int) -> str:
        """The name of a source, as far as the log has told it; nothing when it has not."""
        return self._names.name(code) if code < len(self._names) else ""

    def take(self, record: Record) -> Found:
        """Take the next record of the partition."""
        found = Found()
        self._counts["records"] += 1
        try:
            self._take(record, found)
        except PoisonError as poison:
            self._counts["poison"] += 1
            found.letters.append(letter_of_record(record, poison.reason, self._signature()))
        self._counts["alerts"] += len(found.alerts)
        self._counts["distress_calls"] += len(found.calls)
        return found

    def snapshot(self) -> bytes:
        """All that the detector knows, as versioned bytes."""
        known = {
            "raised": self._raised,
            "swept_day": self._swept_day,
            "names": self._names.by_code(),
            "counts": dict(self._counts),
            "feeds": self._feeds.saved() if self._feeds is not None else None,
            "distress": self._distress.saved(),
            "parts": [
                [base64.b64encode(value).decode(), [[name, text.decode("latin-1")] for name, text in headers]]
                for value, headers in self._parts
            ],
        }
        head = json.dumps(known, separators=(",", ":")).encode()
        return _HEAD.pack(MAGIC, VERSION, len(head)) + head + self._engine.snapshot()

    @classmethod
    def restore(cls, saved: bytes, setup: DetectSetup, number: int) -> Self:
        """The detector as it was at `snapshot`; raises SnapshotError for bytes that are none, or of another version."""
        restored = cls(setup, number)
        try:
            magic, version, length = _HEAD.unpack_from(saved)
            if magic != MAGIC or version != VERSION:
                raise SnapshotError(f"these bytes are no snapshot of version {VERSION}; replay the data")
            known = json.loads(saved[_HEAD.size : _HEAD.size + length])
            restored._remember(known)
            restored._engine = Engine.restore(
                saved[_HEAD.size + length :],
                setup.settings,
                setup.places,
                restored._names,
                tells_outages=number == 0,
            )
        except SnapshotError:
            raise
        except (
            *(struct.error, ValueError, KeyError, TypeError, AttributeError, OverflowError),
            *(pa.ArrowException, UsageError),
        ) as error:
            raise SnapshotError(f"the snapshot cannot be read ({error}); use the one before") from None
        return restored

    def _remember(self, known: dict[str, Any]) -> None:
        self._raised = {alert_id: [int(number) for number in told] for alert_id, told in known["raised"].items()}
        self._swept_day = int(known["swept_day"])
        self._names.learn({int(code): name for code, name in known["names"].items()})
        self._counts = Counter(known["counts"])
        if self._feeds is not None:
            self._feeds.remember(known["feeds"])
        self._distress.remember(known["distress"])
        self._parts = [
            (base64.b64decode(value), tuple((name, text.encode("latin-1")) for name, text in headers))
            for value, headers in known["parts"]
        ]

    def _new_engine(self) -> Engine:
        return Engine(self._setup.settings, self._setup.places, self._names, tells_outages=self._number == 0)

    def _take(self, record: Record, found: Found) -> None:
        kind = codec.kind_of(record.headers)
        if kind == codec.NAMES:
            self._names.learn(codec.unpack_names(record.value, record.headers))
        elif kind == codec.POSITIONS:
            self._feed(self._ours(codec.unpack_positions(record.value, record.headers)), None, found)
        elif kind == codec.STATICS:
            self._feed(None, self._ours(codec.unpack_statics(record.value, record.headers)), found)
        elif kind == codec.STATUS:
            status = codec.unpack_status(record.value, record.headers)
            if self._feeds is not None:
                found.alerts += self._feeds.take(status)
        else:
            beats = self._whole(codec.unpack_heartbeats(record.value, record.headers), record)
            if beats is not None:
                self._advance(beats, found)

    def _ours(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The batch, if all its vessels belong here: in two partitions at once a vessel would be judged by halves."""
        if self._setup.partitions > 1:
            mmsi = batch["mmsi"].to_numpy()
            if (partitions_of(mmsi, self._setup.partitions) != self._number).any():
                raise PoisonError("wrong_partition", f"vessels of other partitions than {self._number}")
        return batch

    def _feed(self, positions: pa.RecordBatch | None, statics: pa.RecordBatch | None, found: Found) -> None:
        if positions is not None:
            found.calls += self._distress.take(positions)
        self._engine.feed(_NO_POSITIONS if positions is None else positions, statics)
        if positions is not None:
            self._counts["rows"] += positions.num_rows
            found.letters += letters_of_reports(self._engine.take_late(), LATE, self._signature())

    def _whole(self, told: HeartbeatPart, record: Record) -> Heartbeats | None:
        """The heartbeats that a record tells, or completes; None while parts are missing."""
        follows = not self._parts or codec.beat_of(self._parts[0][1]) == codec.beat_of(record.headers)
        if told.part != len(self._parts) + 1 or not follows:
            self._parts = []
            if told.part != 1:
                raise PoisonError("wrong_part", f"part {told.part} of {told.parts} without those before it")
        passed = int(np.searchsorted(told.heartbeats.watermark_ms, self._watermark_ms(), side="right"))
        if passed == len(told.heartbeats):
            self._parts = []
            raise PoisonError("time_out_of_order", "heartbeats of a time that has passed")
        if told.parts == 1:
            self._parts = []
            return codec.between(told.heartbeats, passed, len(told.heartbeats)) if passed else told.heartbeats
        self._parts.append((record.value or b"", record.headers))
        if told.part < told.parts:
            return None
        parts = [codec.unpack_heartbeats(value, headers) for value, headers in self._parts]
        self._parts = []
        return codec.whole([part.heartbeats for part in parts])

    def _advance(self, beats: Heartbeats, found: Found) -> None:
        for episode in self._engine.advance(beats):
            alert = self._alert(episode)
            if alert is not None:
                found.alerts.append(alert)
        found.letters += letters_of_reports(self._engine.take_refused(), CLOCK_OFF, self._signature())
        self._distress.forget(int(beats.watermark_ms[-1]))
        self._forget(int(beats.watermark_ms[-1]))

    def _alert(self, episode: Episode) -> Alert | None:
        """The alert that an episode is, if this revision of it or an earlier one was raised."""
        if episode.raised_ms is not None:
            self._raised.setdefault(episode.episode_id, [episode.raised_ms, 0, 0])
        known = self._raised.get(episode.episode_id)
        if known is None:
            return None
        known[1:] = [int(episode.state != "open"), self._watermark_ms()]
        return Alert.of(episode, self._maker, known[0])

    def _forget(self, now_ms: int) -> None:
        """Once a day the alerts leave that nothing can change any more."""
        if now_ms // DAY_MS <= self._swept_day:
            return
        self._swept_day = now_ms // DAY_MS
        self._raised = {
            alert_id: [raised_ms, is_over, told_ms]
            for alert_id, (raised_ms, is_over, told_ms) in self._raised.items()
            if now_ms - told_ms <= (CLOSED_KEPT_MS if is_over else OPEN_KEPT_MS)
        }

    def _watermark_ms(self) -> int:
        watermark_ms = self._engine.watermark_ms
        return NEVER if watermark_ms is None else watermark_ms

    def _signature(self) -> bytes:
        """The key of dead letters: whose they are."""
        return f"{codec.SCHEMAS[codec.POSITIONS]}/{self._number}".encode()


def places_sha256(places: EnginePlaces) -> str:
    """A digest of coastline, ports and zones: engine state speaks of them by number."""
    digest = hashlib.sha256()
    ports, zones = places.ports, places.zones
    _add(digest, (places.coastline.id, ports.places, ports.arrays, zones.names, zones.properties, zones.arrays))
    return digest.hexdigest()


def _add(digest: Any, value: Any) -> None:
    if isinstance(value, np.ndarray):
        digest.update(f"{value.dtype.str}{value.shape}".encode() + np.ascontiguousarray(value).tobytes())
    elif isinstance(value, tuple):
        digest.update(b"(")
        for inner in value:
            _add(digest, inner)
    else:
        digest.update(repr(value).encode() + b"\0")


_NO_POSITIONS: Final = pa.RecordBatch.from_pylist([], POSITION_SCHEMA)
