"""DetectWorker: a member of the group of detectors. Reads reports and heartbeats, writes alerts, each exactly once.

A cycle is one transaction: the alerts and dead letters of what was read, snapshots that are due, and the group's new
positions become visible together or not at all. What a partition's detector knows follows from its records alone, so
it can always be had again: the newest whole snapshot, then the records up to the committed position with the output
suppressed (it was written before), then on as if nothing had happened.

- A partition is assigned: restore it.
- It is revoked: what is open is committed with a snapshot, inside `poll`, before the next owner begins.
- It is lost: its detector is dropped without commit, and what is open is aborted.
- A transaction failed: every partition that was in it is restored.
- Fenced: leave, and come back as a new member.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from threading import Event
from typing import Final, NamedTuple

import maritime
from maritime.config import config_sha256
from maritime.errors import (
    ConfigurationError,
    FencedError,
    MaritimeError,
    RefusedError,
    SnapshotError,
    TransportError,
)
from streams.arrow_frames import MOST_BYTES
from streams.codec import pack_alert, pack_call
from streams.dead_letters import letter_of_alert
from streams.detector import DetectSetup, Found, PartitionDetector, places_sha256
from streams.distress import concerns_rescue
from streams.snapshots import Maker, records_of, shelf_of
from streams.spare_memory import give_back
from streams.topic_names import ALERTS, POSITIONS, RESCUE, STATE
from streams.transport import Outgoing, Partition, Record, Transport

LONGEST_PAUSE_S: Final = 5.0  # chosen: between attempts while the log is away
SHORTEST_PAUSE_S: Final = 0.1
LOOKS_UNTIL_STALLED: Final = 2  # so one whole period passes in which records were there and none came
MOST_FAILURES: Final = 20  # chosen: some 80 s of failures one after the other, then whoever runs the process decides


@dataclass(frozen=True, slots=True)
class Pace:
    """How often things happen."""

    cycle_s: float = 1.0  # length of a transaction: 0.5–1 s live, 5 s in replay; 0 = one poll each
    snapshot_every_s: float = 120.0
    most_records: int = 500  # of one poll
    look_every_s: float = 15.0  # for partitions that stand still though the log goes on


class Standing(NamedTuple):
    """How far a partition of ours is, as others may read it."""

    is_restored: bool
    next_offset: int  # of the first record not taken
    live_from: int  # until there what it finds was written before
    is_standing: bool  # the log went on and nothing came, when it was last looked at


@dataclass(slots=True)
class _Held:
    """One partition of ours. `detector` is None until it is restored; when `is_astray` the log may have read past what
    the detector has seen.
    """

    detector: PartitionDetector | None = None
    is_astray: bool = False
    next_offset: int = 0  # of the first record not taken
    live_from: int = 0  # output of earlier records was written before
    committed: int = 0
    slot: int = 0  # of the next snapshot, and its number
    sequence: int = 0
    saved_offset: int = -1  # of the newest snapshot
    saved_at_s: float = 0.0
    looked_position: int = -1  # where it stood when it was last looked at, where the log ended when it last moved …
    looked_end: int = 0
    looks_standing: int = 0  # … and how often since it stood while the log went on

    @property
    def is_dirty(self) -> bool:
        """Whether records were taken whose output is not committed."""
        return self.detector is None or self.next_offset > max(self.committed, self.live_from)


class DetectWorker:
    """One client of the log with the detectors of its partitions. Raises ConfigurationError when the topics have not as
    many partitions as the setup says.

    `connect` makes a client, again after being fenced. `clock` gives seconds and only paces: what is found does not
    depend on it. `cycle` never raises for a log that fails; `run` does after MOST_FAILURES cycles that failed one
    after the other, with the last error.
    """

    def __init__(
        self,
        connect: Callable[[], Transport],
        setup: DetectSetup,
        pace: Pace | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connect = connect
        self._setup = setup
        self._pace = pace or Pace()
        self._clock = clock
        self._maker = Maker(
            maritime.__version__, config_sha256(setup.settings), places_sha256(setup.places), setup.partitions
        )
        self._transport: Transport | None = None
        self._held: dict[Partition, _Held] = {}
        self._failure: TransportError | None = None  # inside the listener; told after `poll`
        self._counts = dict.fromkeys(
            (
                "cycles",
                "records",
                "alerts",
                "distress_calls",
                "rejects",
                "commits",
                "failures",
                "fenced",
                "stalled",
                "snapshots",
                "restored",
                "restored_from_start",
                "snapshots_passed_over",
                "replayed_records",
                "history_missing",
            ),
            0,
        )
        self._looked_at_s = clock()
        self.failures_in_a_row = 0
        self.last_error: TransportError | None = None

    def run(
        self,
        stop: Event,
        after_cycle: Callable[[], None] = lambda: None,
        *,
        stop_when_idle_s: float | None = None,
    ) -> None:
        """Cycle until `stop` is set, or nothing came for so long to partitions of ours; then leave cleanly.

        `after_cycle` is called after each.
        """
        busy_s = self._clock()
        while not stop.is_set() and (stop_when_idle_s is None or self._clock() - busy_s < stop_when_idle_s):
            if self.cycle() or self.failures_in_a_row or not self._held:
                busy_s = self._clock()
            after_cycle()
            if self.failures_in_a_row:
                if self.failures_in_a_row >= MOST_FAILURES and self.last_error is not None:
                    raise self.last_error
                stop.wait(min(SHORTEST_PAUSE_S * 2.0 ** (self.failures_in_a_row - 1), LONGEST_PAUSE_S))
        self.stop()

    def cycle(self) -> int:
        """One transaction; returns how many records were taken."""
        self._counts["cycles"] += 1
        taken = 0
        try:
            transport = self._joined()
            began_s, left_s = self._clock(), self._pace.cycle_s
            while True:
                unsettled = any(held.detector is None or held.is_astray for held in self._held.values())
                records = transport.poll(0.0 if unsettled else left_s, self._pace.most_records)
                if self._failure is not None:
                    raise self._failure
                calls = self._counts["distress_calls"]
                taken += self._take(transport, records)
                self._settle(transport, self._held)  # after the poll, which tells what is no longer ours
                passed_s = self._clock() - began_s
                is_over = not 0.0 <= passed_s < self._pace.cycle_s  # or the clock was put back
                if is_over or self._counts["distress_calls"] > calls:  # which must not wait
                    break
                left_s = self._pace.cycle_s - passed_s
            self._commit(transport, self._due())
            self._look(transport)
            self.failures_in_a_row = 0
        except TransportError as error:
            self._failed(error)
        return taken

    def stop(self) -> None:
        """Commit what is open with snapshots of all partitions, and leave the group."""
        if self._transport is None:
            return
        try:
            self._commit(self._transport, list(self._held))
        except TransportError as error:
            self._failed(error)
        self._leave()

    def counters(self) -> dict[str, int]:
        """What this worker did."""
        return dict(self._counts)

    def detectors(self) -> dict[int, PartitionDetector]:
        """The detectors that are restored, by number of their partition."""
        return {p.number: held.detector for p, held in self._held.items() if held.detector is not None}

    def standings(self) -> dict[int, Standing]:
        """How far each of our partitions is, by its number."""
        return {
            partition.number: Standing(
                held.detector is not None and not held.is_astray,
                held.next_offset,
                held.live_from,
                held.looks_standing > 0,
            )
            for partition, held in self._held.items()
        }

    def assigned(self, partitions: Sequence[Partition]) -> None:
        """Restore what is ours now; called inside `poll`."""
        transport = self._transport
        for partition in partitions:
            self._held[partition] = _Held()
        if transport is not None:
            self._guarded(lambda: self._settle(transport, partitions))

    def revoked(self, partitions: Sequence[Partition]) -> None:
        """Commit what is open with snapshots of what leaves; called inside `poll`."""
        transport = self._transport
        if transport is not None and self._failure is None:
            self._guarded(lambda: self._commit(transport, [p for p in partitions if p in self._held]))
        for partition in partitions:
            self._held.pop(partition, None)

    def lost(self, partitions: Sequence[Partition]) -> None:
        """Drop what is another's already, and all that is open with it; called inside `poll`."""
        for partition in partitions:
            self._held.pop(partition, None)
        self._failure = TransportError(f"{len(partitions)} partitions were lost to other members of the group")

    def _guarded(self, act: Callable[[], None]) -> None:
        """A listener must not raise into `poll`: what fails is told afterwards."""
        try:
            act()
        except TransportError as error:
            self._failure = error

    def _joined(self) -> Transport:
        if self._transport is None:
            transport = self._connect()
            try:
                self._check_topics(transport.topics())
                transport.subscribe(POSITIONS, self)
            except MaritimeError:
                transport.close()
                raise
            self._transport = transport
        return self._transport

    def _check_topics(self, partitions: Mapping[str, int]) -> None:
        """The number of partitions decides where vessels are: with another one nothing found would be right."""
        for topic in (POSITIONS, STATE):
            if topic not in partitions:
                raise RefusedError(f"there is no topic {topic} that this client may see; create it")
            if partitions[topic] != self._setup.partitions:
                right = f"the settings say {self._setup.partitions}; correct them, or create the topics anew"
                raise ConfigurationError(f"{topic} has {partitions[topic]} partitions, {right}")

    def _look(self, transport: Transport) -> None:
        """Now and then, see whether a partition stands still while the log goes on: clients have stalled silently.

        The end of a partition alone says nothing: the last offsets may be marks of transactions. Nor do the records
        that came: a writer whose transactions are all aborted moves the log on, and the client with it, without any.
        """
        if self._clock() - self._looked_at_s < self._pace.look_every_s:
            return
        self._looked_at_s = self._clock()
        for partition, held in self._held.items():
            _, end = transport.bounds(partition)
            position = transport.position(partition)
            if position != held.looked_position:
                held.looked_position, held.looked_end, held.looks_standing = position, end, 0
            elif end > held.looked_end:
                held.looks_standing += 1
            if held.looks_standing >= LOOKS_UNTIL_STALLED:
                self._counts["stalled"] += 1
                self._leave()
                raise TransportError(f"{partition.topic} {partition.number} stands still at {position} of {end}")

    def _take(self, transport: Transport, records: Iterable[Record]) -> int:
        """Let the detectors see records, and send what they find."""
        outgoing: list[Outgoing] = []
        taken = 0
        for record in records:
            held = self._held.get(record.partition)
            if held is None or held.detector is None or held.is_astray or record.offset < held.next_offset:
                continue
            found = held.detector.take(record)
            held.next_offset = record.offset + 1
            taken += 1
            if record.offset >= held.live_from:
                outgoing += self._told(found, held.detector)
            else:
                self._counts["replayed_records"] += 1
        self._counts["records"] += taken
        if outgoing:
            transport.send(outgoing)
        return taken

    def _told(self, found: Found, detector: PartitionDetector) -> list[Outgoing]:
        """Distress calls, alerts and dead letters as records. The rescue topic has what may be distress too."""
        records: list[Outgoing] = []
        for call in found.calls:
            key, (value, headers) = pack_call(call, detector.source_name(call.source_code), self._setup.status)
            records.append(Outgoing(RESCUE, value, key, headers=headers))
        letters = list(found.letters)
        for alert in found.alerts:
            key, (value, headers) = pack_alert(alert, self._setup.status)
            if len(value) > MOST_BYTES:  # no log would take it, again and again
                letters.append(letter_of_alert(key, value))
                continue
            topics = (RESCUE, ALERTS) if concerns_rescue(alert) else (ALERTS,)
            records += [Outgoing(topic, value, key, headers=headers) for topic in topics]
        self._counts["distress_calls"] += len(found.calls)
        self._counts["alerts"] += len(found.alerts)
        self._counts["rejects"] += len(letters)
        return records + letters

    def _due(self) -> list[Partition]:
        """The partition whose snapshot is due longest, if any: one a cycle, so that no transaction grows with them."""
        due_s = self._clock() - self._pace.snapshot_every_s
        due = [(held.saved_at_s, partition) for partition, held in self._held.items() if held.saved_at_s <= due_s]
        return [min(due)[1]] if due else []

    def _commit(self, transport: Transport, to_save: Iterable[Partition]) -> None:
        """End the transaction: snapshots, then the positions of all that was taken."""
        saved: list[tuple[Partition, int]] = []
        for partition in to_save:
            held = self._held[partition]
            if held.detector is None or held.next_offset < held.live_from:
                continue
            if held.saved_offset == held.next_offset:  # nothing new to save
                held.saved_at_s = self._clock()
                continue
            body = held.detector.snapshot()
            transport.send(
                list(records_of(body, partition.number, held.next_offset, held.slot, held.sequence, self._maker))
            )
            saved.append((partition, held.next_offset))
        moved = {p: held.next_offset for p, held in self._held.items() if held.detector is not None and held.is_dirty}
        moved |= dict(saved)  # positions prove that the partition is still ours; without them a zombie could save
        if not moved and not saved:
            return
        transport.commit(moved)
        self._counts["commits"] += 1
        for partition, offset in moved.items():
            self._held[partition].committed = offset
        for partition, offset in saved:
            held = self._held[partition]
            held.saved_offset, held.saved_at_s = offset, self._clock()
            held.slot, held.sequence = 1 - held.slot, held.sequence + 1
            self._counts["snapshots"] += 1
        if saved:
            give_back()

    def _failed(self, error: TransportError) -> None:
        """Forget what was open, and every detector that has seen more than what is committed.

        The others read on from where they are: a poll that failed has maybe moved past records that nobody took.
        """
        self._failure = None
        self.failures_in_a_row += 1
        self.last_error = error
        self._counts["failures"] += 1
        if isinstance(error, FencedError) or self._transport is None:
            self._counts["fenced"] += isinstance(error, FencedError)
            self._leave()
            return
        try:
            self._transport.abort()
        except TransportError:
            self._leave()
            return
        for held in self._held.values():
            held.is_astray = True
            if held.is_dirty:
                held.detector = None

    def _leave(self) -> None:
        """Let go of everything; the next cycle joins anew."""
        self._held.clear()
        self._failure = None
        if self._transport is not None:
            with suppress(TransportError):
                self._transport.close()
            self._transport = None

    def _settle(self, transport: Transport, partitions: Iterable[Partition]) -> None:
        """Restore the detectors that are missing, and read on where the others stand."""
        for partition in partitions:
            held = self._held[partition]
            if held.detector is None:
                self._restore(transport, partition, held)
            elif held.is_astray:
                transport.seek(partition, held.next_offset)
            held.is_astray = False

    def _restore(self, transport: Transport, partition: Partition, held: _Held) -> None:
        """Bring a partition to its newest snapshot, or to nothing, and read on from there."""
        number = partition.number
        committed = transport.committed(partition)
        oldest, end = transport.bounds(partition)
        if committed is not None and committed > end:  # of a log that is no more
            committed = None
        shelf = shelf_of(transport.read(Partition(STATE, number)), number, self._maker)
        detector, offset, saved_offset = PartitionDetector(self._setup, number), oldest, -1
        passed_over = shelf.foreign
        for saved in shelf.saved:
            if not oldest <= saved.offset <= (end if committed is None else committed):
                passed_over += 1  # the records after it are gone, or it saw more than was committed
                continue
            try:
                detector = PartitionDetector.restore(saved.body, self._setup, number)
            except SnapshotError:
                passed_over += 1
                continue
            offset = saved_offset = saved.offset
            break
        transport.seek(partition, offset)
        held.next_offset, held.saved_offset = offset, saved_offset
        held.committed = held.live_from = offset if committed is None else max(committed, offset)
        held.slot, held.sequence = shelf.next_slot, shelf.next_sequence
        held.saved_at_s = self._clock()
        held.detector = detector
        self._counts["restored"] += 1
        self._counts["restored_from_start"] += saved_offset < 0
        self._counts["snapshots_passed_over"] += passed_over
        self._counts["history_missing"] += saved_offset < 0 and oldest > 0
        give_back()
