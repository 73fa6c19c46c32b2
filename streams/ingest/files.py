"""Files: one file to its end, or a directory that is watched for files that are new or grow.

In a directory a file is known by its device and inode, so one that is renamed (rotated) is read on where it was, and
the new one of its name from its beginning; one that became shorter (copied and truncated), or begins otherwise than
before, is read anew. Of a file that was not changed since the watermark of the log every report would be late: after a
restart it is read on from its end. Of one that was changed since, what is older than the watermark was read before: it
is counted, and not told as late once more. Lines are read as they are appended, whole ones only; the sentences among
them that were appended while we looked on and carry no time get the time at which they were read. Compressed files,
Parquet and single JSON documents are read once, when they have not changed for `settle_s`; one whose name begins with
that of a file read by lines and a dot (`ais.log.1.gz` after `ais.log`) is a rotated log and left out.
"""

import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event
from typing import Final

import pyarrow as pa

from maritime.columns import Chunk
from maritime.errors import InputError
from maritime.sources import nmea
from maritime.sources.blocks import LONGEST_LINE
from maritime.sources.expansion import BROKEN, container_of
from maritime.sources.inputs import Inputs
from maritime.sources.members import Member
from maritime.sources.naming import shown
from maritime.sources.reading import MemberReader, ReadOptions
from maritime.sources.rejects import RejectBook
from maritime.sources.sniffer import Finding, sniff
from streams.ingest.inbox import Inbox, refused
from streams.ingest.sentences import KEEPS_ALL, SentenceDecoder

LOG = logging.getLogger(__name__)
LOOK_S: Final = 0.5  # chosen: how often a directory is looked through
SETTLE_S: Final = 5.0
PIECE_BYTES: Final = 1 << 20
MOST_FILES: Final = 100_000  # chosen: files remembered, some 30 MB; beyond that those that are gone are forgotten
START_BYTES: Final = 512  # by which a file is told from an earlier one that had its inode
UNREADABLE: Final = "unreadable"
READ_BEFORE: Final = "read_before"
SUFFIXES: Final = (".gz", ".bz2", ".xz", ".zst")

Place = tuple[int, int]
"""Device and inode."""


class FileSource:
    """One file, or all files of a directory as they are now, read to the end. `format` as `maritime replay` has it."""

    def __init__(self, name: str, path: Path, *, format: str | None = None) -> None:
        self.name = name
        self._path = path
        self._format = format

    def run(self, inbox: Inbox, stop: Event) -> None:
        """Read to the end, or until `stop`. What cannot be read is a reject: the other sources go on."""
        inbox.connected = True
        inbox.connects += 1
        try:
            inputs = Inputs([self._path], inbox.table, format=self._format)
            for chunk in inputs:
                inbox.put(chunk, stop)
                if stop.is_set():
                    return
            failures = [f"{failure.file} {failure.reason}" for failure in inputs.failures]
        except BROKEN as error:
            failures = [f"{shown(self._path)} {error}"]
        for failure in failures:
            inbox.last_error = failure
            inbox.put(refused(shown(self._path), UNREADABLE, failure.encode("utf-8", "replace")), stop)


@dataclass(slots=True)
class _Growing:
    """A file of a directory: what is read of it, and how it is read."""

    path: Path
    offset: int = 0
    size: int = 0
    changed_ns: int = 0
    still_since_s: float = 0.0
    first_size: int = -1  # when it was first read: what came later was appended before our eyes
    finding: Finding | None = None
    start: bytes = b""  # its first bytes
    head: bytes = b""  # the header of a table
    decoder: SentenceDecoder | None = None
    is_done: bool = False  # read once and for all, or refused
    by_whole: bool = False
    known_until: int = 0  # where it ended when an ingester that goes on found it: up to here it may have been read


class DirectorySource:
    """Watches until it is stopped. Hidden files are left out, and those that cannot be read wait until they can."""

    def __init__(
        self,
        name: str,
        path: Path,
        *,
        format: str | None = None,
        look_s: float = LOOK_S,
        settle_s: float = SETTLE_S,
    ) -> None:
        self.name = name
        self._path = path
        self._format = format
        self._look_s = look_s
        self._settle_s = settle_s
        self._files: dict[Place, _Growing] = {}
        self._names: set[str] = set()  # of files read line by line
        self._is_first_look = True

    def run(self, inbox: Inbox, stop: Event) -> None:
        """Watch until `stop`."""
        inbox.connected = True
        inbox.connects += 1
        watched_s = 0.0
        while not stop.is_set():
            self._look(inbox, stop, watched_s)
            stop.wait(self._look_s)
            watched_s += self._look_s
        for file in self._files.values():
            self._end(file, inbox, stop)

    def _look(self, inbox: Inbox, stop: Event, now_s: float) -> None:
        """Read what is new in all files, by their names."""
        seen: set[Place] = set()
        for path, found in self._found(inbox):
            place = (found.st_dev, found.st_ino)
            if place in seen or stop.is_set():
                continue
            seen.add(place)
            file = self._files.get(place)
            if file is None:
                file = self._files[place] = _Growing(path, still_since_s=now_s)
                if inbox.since_ms is not None and found.st_mtime_ns // 1_000_000 < inbox.since_ms:
                    file.offset = file.first_size = found.st_size
                    LOG.info("%s: %s is older than the log's time; read on from its end", self.name, shown(path))
                elif inbox.since_ms is not None and self._is_first_look:
                    file.known_until = found.st_size
            file.path = path
            if found.st_size < file.offset or _begins_otherwise(file):
                self._end(file, inbox, stop)
                file = self._files[place] = _Growing(path, still_since_s=now_s)
            if (found.st_size, found.st_mtime_ns) != (file.size, file.changed_ns):
                file.size, file.changed_ns, file.still_since_s = found.st_size, found.st_mtime_ns, now_s
            try:
                self._read_on(file, inbox, stop, now_s)
            except BROKEN as error:
                inbox.last_error = f"{shown(path)}: {error}"
        for place in self._files.keys() - seen:
            self._end(self._files[place], inbox, stop)
            if len(self._files) > MOST_FILES or not self._files[place].is_done:
                del self._files[place]
        self._is_first_look = False

    def _found(self, inbox: Inbox) -> Iterator[tuple[Path, os.stat_result]]:
        for folder, folders, names in os.walk(self._path):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(names):
                if name.startswith("."):
                    continue
                try:
                    path = Path(folder) / name
                    found = path.stat()
                except OSError as error:  # it has just gone
                    inbox.last_error = str(error)
                    continue
                if found.st_size and path.is_file():
                    yield path, found

    def _read_on(self, file: _Growing, inbox: Inbox, stop: Event, now_s: float) -> None:
        if file.is_done or file.size <= file.offset:
            return
        if file.by_whole:
            if now_s - file.still_since_s >= self._settle_s:
                file.is_done, file.offset = True, file.size
                self._read_whole(file, inbox, stop)
            return
        with file.path.open("rb") as opened:
            head = opened.read(LONGEST_LINE if file.finding is None else START_BYTES)
            file.start = max(file.start, head[:START_BYTES], key=len)
            if file.finding is None and not self._recognised(file, head, inbox, stop):
                return
            if file.first_size < 0:
                file.first_size = file.size
            opened.seek(file.offset)
            while not stop.is_set():
                piece = opened.read(PIECE_BYTES)
                end = piece.rfind(b"\n") + 1
                if not end:
                    if len(piece) >= PIECE_BYTES:  # no line is so long: passed over
                        inbox.refuse("line_too_long", piece, stop)
                        file.offset += len(piece)
                        continue
                    return
                for chunk in self._chunks(file, piece[:end], inbox):
                    inbox.put(_without_known(chunk, inbox.since_ms) if file.offset < file.known_until else chunk, stop)
                file.offset += end
                opened.seek(file.offset)

    def _recognised(self, file: _Growing, head: bytes, inbox: Inbox, stop: Event) -> bool:
        """See what a file is, once there is a line to see it by; whether it is read line by line."""
        if container_of(head) != "plain":
            file.by_whole = True
            if file.path.name.endswith(SUFFIXES) and file.path.name.startswith(
                tuple(f"{name}." for name in self._names)
            ):
                file.is_done = True  # a log that was read, rotated and compressed
            return False
        if b"\n" not in head:
            return False
        try:
            finding = sniff(head[: head.rfind(b"\n") + 1], format=self._format)
        except InputError as error:
            file.is_done = True
            inbox.last_error = f"{shown(file.path)} {error}"
            LOG.warning("%s: %s", self.name, inbox.last_error)
            inbox.put(refused(shown(file.path), "unknown_format", head), stop)
            return False
        if finding.carrier == "json document":
            file.by_whole = True
            return False
        file.finding = finding
        if len(self._names) >= MOST_FILES:
            self._names.clear()
        self._names.add(file.path.name)
        if finding.carrier == "csv":
            file.head = head[: head.find(b"\n") + 1]
            file.offset = max(file.offset, len(file.head))
        if finding.layout is None:
            start_ms = nmea.start_in_name(file.path.name)
            file.decoder = SentenceDecoder(inbox.table, nmea.NAME, file=shown(file.path), start_ms=start_ms)
        return True

    def _chunks(self, file: _Growing, lines: bytes, inbox: Inbox) -> Iterator[Chunk]:
        """The chunks of some whole lines of a file."""
        if file.decoder is not None:
            was_appended = file.offset >= file.first_size
            yield from file.decoder.decode(lines, inbox.clock_ms() if was_appended else None)
            return
        name = shown(file.path)
        member = Member(name, "plain", iter([file.head + lines]), lambda: 0)
        options = ReadOptions(format=file.finding.format if file.finding is not None else self._format)
        reader = MemberReader(member, file.path, inbox.table, options, RejectBook(name, KEEPS_ALL))
        yield from reader.chunks()
        kept, counts = reader.rejects.page()
        if counts:
            yield Chunk(name, *_NO_ROWS, None, kept, 0, counts)

    def _read_whole(self, file: _Growing, inbox: Inbox, stop: Event) -> None:
        inputs = Inputs([file.path], inbox.table, format=self._format)
        for chunk in inputs:
            inbox.put(_without_known(chunk, inbox.since_ms) if file.known_until else chunk, stop)
        for failure in inputs.failures:
            inbox.last_error = f"{failure.file} {failure.reason}"
            inbox.put(refused(failure.file, UNREADABLE, failure.reason.encode()), stop)

    def _end(self, file: _Growing, inbox: Inbox, stop: Event) -> None:
        """A file is gone, or all shall stop: its unfinished messages are refused."""
        if file.decoder is not None:
            for chunk in file.decoder.end_all():
                inbox.put(chunk, stop)
            file.decoder = SentenceDecoder(inbox.table, nmea.NAME, file=shown(file.path))


def _without_known(chunk: Chunk, since_ms: int | None) -> Chunk:
    """Without the rows that an earlier ingester has read: counted, and no dead letters."""
    if since_ms is None:
        return chunk
    kept: dict[str, pa.RecordBatch] = {}
    known = 0
    for name in ("positions", "statics", "clock"):
        batch = getattr(chunk, name)
        if batch is not None and batch.num_rows:
            is_new = batch["t"].to_numpy() >= since_ms
            kept[name] = batch.filter(pa.array(is_new))
            known += batch.num_rows - kept[name].num_rows
    counts = chunk.reject_counts | ({READ_BEFORE: known} if known else {})
    return replace(chunk, **kept, reject_counts=counts)


def _begins_otherwise(file: _Growing) -> bool:
    """Whether this is another file, with the inode of one that is gone."""
    try:
        with file.path.open("rb") as opened:
            return opened.read(len(file.start)) != file.start
    except OSError:
        return False


_NO_ROWS: Final = (refused("", "", b"").positions, refused("", "", b"").statics)
