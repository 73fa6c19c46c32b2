"""What travels in the log, as bytes: reports, static reports, heartbeats and names of sources as Arrow, alerts as JSON.

An Arrow record says in its headers what it holds: `schema` and `v` (its version), `kind`, `n` (rows, or heartbeats),
`tmin` and `tmax` (ms UTC), `src` (code of the source when all rows are of one). Readers trust neither headers nor
value: what does not fit raises PoisonError, never anything else, and takes bounded memory. Alerts are CloudEvents 1.0
in structured JSON: the alert itself, byte for byte as the files of a replay have it, is the event's `data`.

A heartbeat can be larger than a record may be. It then comes in parts (header `part`, "1/3"), which `whole` joins.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from maritime.alerts.alert import Alert, rounded
from maritime.columns import POSITION_SCHEMA, STATIC_SCHEMA, SourceTable
from maritime.detect.heartbeat import Clocks, Heard, Heartbeats, Resting
from maritime.errors import UsageError
from maritime.geo.cells import MOORING_CELL_DEG, RECEPTION_CELL_DEG
from maritime.times import LAST_MS, from_rfc3339, to_rfc3339
from streams.arrow_frames import MOST_ROWS, pack, unpack
from streams.distress import DistressCall
from streams.exercise import LogStatus
from streams.murmur2 import vessel_key
from streams.poison import PoisonError
from streams.status import STATES, SourceStatus, Status
from streams.transport import Headers

POSITIONS: Final = "pos"
STATICS: Final = "static"
HEARTBEATS: Final = "hb"
NAMES: Final = "src"
STATUS: Final = "status"
SCHEMAS: Final = {
    POSITIONS: "positions",
    STATICS: "statics",
    HEARTBEATS: "heartbeats",
    NAMES: "sources",
    STATUS: "status",
}
VERSION: Final = 1

PACKED_BYTES: Final = 256 * 1024  # chosen: what a writer aims at, half of the cap
LONGEST_NAME: Final = 4_096  # characters of a source's name; a longer one is cut
MOST_PARTS: Final = 256
MOST_SOURCES: Final = 1_000  # chosen: of one ingester; its status must fit into a record
LONGEST_SOURCE: Final = 200  # characters of a source's name in a status
FIRST_MS: Final = 0  # AIS is younger than 1970
LARGEST_MMSI: Final = (1 << 30) - 1  # the field has 30 bits (ITU-R M.1371-5)
LARGEST_MESSAGE_TYPE: Final = 27
LARGEST_SOURCE: Final = SourceTable.LIMIT
RECEPTION_CELLS: Final = 2 * round(180 / RECEPTION_CELL_DEG) ** 2  # see maritime.geo.cells
MOORING_CELLS: Final = 2 * round(180 / MOORING_CELL_DEG) ** 2

EVENT_TYPE: Final = "org.maritime-watch.alert.v1"
CALL_TYPE: Final = "org.maritime-watch.distress.v1"
EVENT_SOURCE: Final = "/maritime-watch/detector"
EVENT_HEADERS: Final[Headers] = (("content-type", b"application/cloudevents+json; charset=UTF-8"),)

HEARTBEAT_SCHEMA: Final = pa.schema(
    [
        pa.field("watermark", pa.int64(), nullable=False),  # ms UTC
        pa.field(
            "heard",
            pa.list_(
                pa.field(
                    "row",
                    pa.struct(
                        [
                            pa.field("cell", pa.int64(), nullable=False),
                            pa.field("group", pa.int64(), nullable=False),
                            pa.field("vessels", pa.int64(), nullable=False),
                            pa.field("slow", pa.int64(), nullable=False),
                            pa.field("first", pa.int64(), nullable=False),
                            pa.field("last", pa.int64(), nullable=False),
                            pa.field("who", pa.uint64(), nullable=False),
                            pa.field("south", pa.float64(), nullable=False),
                            pa.field("north", pa.float64(), nullable=False),
                            pa.field("west", pa.float64(), nullable=False),
                            pa.field("east", pa.float64(), nullable=False),
                        ]
                    ),
                    nullable=False,
                )
            ),
            nullable=False,
        ),
        pa.field(
            "resting",
            pa.list_(
                pa.field(
                    "row",
                    pa.struct(
                        [
                            pa.field("cell", pa.int64(), nullable=False),
                            pa.field("who", pa.uint64(), nullable=False),
                        ]
                    ),
                    nullable=False,
                )
            ),
            nullable=False,
        ),
        pa.field(
            "clocks",
            pa.list_(
                pa.field(
                    "row",
                    pa.struct(
                        [
                            pa.field("source", pa.int64(), nullable=False),
                            pa.field("offset", pa.float64(), nullable=False),
                            pa.field("doubt", pa.int64(), nullable=False),
                        ]
                    ),
                    nullable=False,
                )
            ),
            nullable=False,
        ),
    ]
)
"""One row per heartbeat; see maritime.detect.heartbeat.Heartbeats for what the columns mean."""

NAME_SCHEMA: Final = pa.schema(
    [pa.field("code", pa.uint16(), nullable=False), pa.field("name", pa.string(), nullable=False)]
)
"""Names of sources by their codes."""

STATUS_SCHEMA: Final = pa.schema(
    [
        pa.field("wall", pa.int64(), nullable=False),  # ms UTC, the same in every row
        pa.field("watermark", pa.int64()),  # ms UTC, the same in every row; null = no report yet
        pa.field("source", pa.string(), nullable=False),
        pa.field("state", pa.string(), nullable=False),
        pa.field("last", pa.int64()),  # ms UTC; null = no report yet
        pa.field("reports", pa.int64(), nullable=False),
        pa.field("rejects", pa.int64(), nullable=False),
    ]
)
"""One row per source of the ingester; see streams.status."""

ROW_BYTES: Final = {"heard": 88, "resting": 16, "clocks": 24, "watermark": 24}

_NUMBER: Final = re.compile(rb"-?[0-9]{1,16}\Z")
_PART: Final = re.compile(rb"([0-9]{1,3})/([0-9]{1,3})\Z")


class Packed(NamedTuple):
    """Value and headers of a record."""

    value: bytes
    headers: Headers


class HeartbeatPart(NamedTuple):
    """What one record holds of heartbeats: all of it when `parts` is 1, else part number `part` (from 1)."""

    heartbeats: Heartbeats
    part: int
    parts: int


class ToldAlert(NamedTuple):
    """A revision of an alert, and the status of the log that it was told in."""

    alert: Alert
    status: LogStatus


class ToldCall(NamedTuple):
    """A distress call; its `source_code` is lost on the way, the name of the source is not."""

    call: DistressCall
    source: str
    status: LogStatus


def pack_positions(batch: pa.RecordBatch) -> Packed:
    """A PositionBatch as a record; further columns are left out. Empty batches are none of ours."""
    batch = batch.select(POSITION_SCHEMA.names).cast(POSITION_SCHEMA)
    source = batch["source"].to_numpy()
    one = int(source[0]) if (source == source[0]).all() else None
    return Packed(pack(batch), _headers(POSITIONS, batch.num_rows, _span(batch["t"].to_numpy()), one))


def pack_statics(batch: pa.RecordBatch) -> Packed:
    """A StaticBatch as a record."""
    batch = batch.select(STATIC_SCHEMA.names).cast(STATIC_SCHEMA)
    return Packed(pack(batch), _headers(STATICS, batch.num_rows, _span(batch["t"].to_numpy())))


def pack_names(names: Mapping[int, str]) -> Iterator[Packed]:
    """Names of sources as records of bounded size."""
    codes = sorted(names)
    begin = size = 0
    for i, code in enumerate([*codes, None]):
        taken = len(names[code].encode("utf-8", "replace")[: 4 * LONGEST_NAME]) + 8 if code is not None else 0
        if i > begin and (code is None or size + taken > PACKED_BYTES or i - begin >= MOST_ROWS):
            part = codes[begin:i]
            texts = [names[c][:LONGEST_NAME].encode("utf-8", "replace").decode() for c in part]
            batch = pa.record_batch([pa.array(part, pa.uint16()), pa.array(texts, pa.string())], schema=NAME_SCHEMA)
            yield Packed(pack(batch), _headers(NAMES, len(part), (0, 0)))
            begin, size = i, 0
        size += taken


def pack_status(status: Status) -> Packed:
    """A status of one source or more as a record."""
    rows = [
        {
            "wall": status.wall_ms,
            "watermark": status.watermark_ms,
            "source": source.name[:LONGEST_SOURCE],
            "state": source.state,
            "last": source.last_ms,
            "reports": source.reports,
            "rejects": source.rejects,
        }
        for source in status.sources[:MOST_SOURCES]
    ]
    batch = pa.RecordBatch.from_pylist(rows, schema=STATUS_SCHEMA)
    return Packed(pack(batch), _headers(STATUS, len(rows), (status.wall_ms, status.wall_ms)))


def pack_heartbeats(beats: Heartbeats) -> Iterator[Packed]:
    """Heartbeats as records of bounded size, in order; a single one that is too large comes in parts."""
    sizes = (
        ROW_BYTES["watermark"]
        + ROW_BYTES["heard"] * np.diff(beats.heard_from)
        + ROW_BYTES["resting"] * np.diff(beats.resting_from)
        + ROW_BYTES["clocks"] * np.diff(beats.clocks_from)
    )
    begin, size = 0, 0
    for i, taken in enumerate([*sizes.tolist(), PACKED_BYTES]):
        if i > begin and (size + taken > PACKED_BYTES or i - begin >= MOST_ROWS):
            yield from _pack_beats(between(beats, begin, i), size)
            begin, size = i, 0
        size += taken


def kind_of(headers: Headers) -> str:
    """The kind that the headers state, with the schema and version that belong to it; raises PoisonError."""
    kind = _header(headers, "kind").decode("ascii", "replace")
    if kind not in SCHEMAS:
        raise PoisonError("wrong_kind", f"kind {kind[:20]!r} is not one of {', '.join(SCHEMAS)}")
    if _header(headers, "schema") != SCHEMAS[kind].encode():
        raise PoisonError("wrong_schema", f"kind {kind} has schema {SCHEMAS[kind]}")
    if _number(headers, "v") != VERSION:
        raise PoisonError("wrong_version", f"version {_number(headers, 'v')}; this reader knows {VERSION}")
    return kind


def rows_and_span(headers: Headers) -> tuple[int, list[int]]:
    """How many position reports a record says it holds, and its times, ms UTC, without a look into it."""
    kind = kind_of(headers)
    span_ms = [_number(headers, "tmin"), _number(headers, "tmax")] if kind in (POSITIONS, HEARTBEATS) else []
    return (_number(headers, "n") if kind == POSITIONS else 0), span_ms


def unpack_positions(value: bytes | None, headers: Headers) -> pa.RecordBatch:
    """The PositionBatch of a record, every row within what AIS can say; raises PoisonError."""
    batch = _batch(value, headers, POSITION_SCHEMA)
    for reason, right in position_rules(batch):
        _check(reason, right)
    _check_span(batch["t"].to_numpy(), headers)
    return batch


def unpack_statics(value: bytes | None, headers: Headers) -> pa.RecordBatch:
    """The StaticBatch of a record; raises PoisonError."""
    batch = _batch(value, headers, STATIC_SCHEMA)
    for reason, right in static_rules(batch):
        _check(reason, right)
    _check_span(batch["t"].to_numpy(), headers)
    return batch


def position_rules(batch: pa.RecordBatch) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """What every row of a PositionBatch must keep to, as reasons and bool[n]: the engine's kernels check nothing."""
    yield from static_rules(batch)
    lat, lon, sog, msg_type = (batch[name].to_numpy() for name in ("lat", "lon", "sog", "msg_type"))
    withheld = np.isnan(lat) & np.isnan(lon)
    yield "position_out_of_range", ((abs(lat) <= 90.0) & (abs(lon) <= 180.0)) | withheld
    yield "speed_out_of_range", np.isnan(sog) | ((sog >= 0) & np.isfinite(sog))
    for name in ("cog", "heading"):
        degrees = batch[name].to_numpy()
        yield "direction_out_of_range", np.isnan(degrees) | ((degrees >= 0) & (degrees <= 360))
    yield "message_type_out_of_range", msg_type <= LARGEST_MESSAGE_TYPE


def static_rules(batch: pa.RecordBatch) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """What every row of a StaticBatch must keep to, as reasons and bool[n]."""
    mmsi, t_ms = batch["mmsi"].to_numpy(), batch["t"].to_numpy()
    yield "mmsi_out_of_range", mmsi <= LARGEST_MMSI
    yield "time_out_of_range", (t_ms >= FIRST_MS) & (t_ms <= LAST_MS)


def unpack_names(value: bytes | None, headers: Headers) -> dict[int, str]:
    """The names of sources in a record; raises PoisonError."""
    batch = _batch(value, headers, NAME_SCHEMA)
    names = dict(zip(batch["code"].to_pylist(), batch["name"].to_pylist(), strict=True))
    if any(len(name) > LONGEST_NAME for name in names.values()):
        raise PoisonError("oversize", f"a source's name is longer than {LONGEST_NAME} characters")
    return names


def unpack_status(value: bytes | None, headers: Headers) -> Status:
    """The status in a record; raises PoisonError."""
    batch = _batch(value, headers, STATUS_SCHEMA)
    rows = batch.to_pylist()
    if len(rows) > MOST_SOURCES or len({row["source"] for row in rows}) < len(rows):
        raise PoisonError("wrong_count", f"{len(rows)} sources, or one of them twice; {MOST_SOURCES} are the most")
    if len({(row["wall"], row["watermark"]) for row in rows}) != 1:
        raise PoisonError("wrong_status", "the rows are not of one time")
    for row in rows:
        if len(row["source"]) > LONGEST_SOURCE:
            raise PoisonError("oversize", f"a source's name is longer than {LONGEST_SOURCE} characters")
        if row["state"] not in STATES:
            raise PoisonError("wrong_status", f"state {row['state'][:20]!r} is not one of {', '.join(STATES)}")
        if row["reports"] < 0 or row["rejects"] < 0:
            raise PoisonError("count_out_of_range", "a count is below 0")
        if not all(
            FIRST_MS <= t_ms <= LAST_MS for t_ms in (row["wall"], row["watermark"], row["last"]) if t_ms is not None
        ):
            raise PoisonError("time_out_of_range", "a time is before 1970 or after 9999")
    _check_span(batch["wall"].to_numpy(), headers)
    sources = (SourceStatus(r["source"], r["state"], r["last"], r["reports"], r["rejects"]) for r in rows)
    return Status(rows[0]["wall"], rows[0]["watermark"], tuple(sources))


def unpack_heartbeats(value: bytes | None, headers: Headers) -> HeartbeatPart:
    """The heartbeats of a record, or a part of one; raises PoisonError."""
    part, parts = 1, 1
    if any(name == "part" for name, _ in headers):
        stated = _PART.match(_header(headers, "part"))
        part, parts = (int(stated[1]), int(stated[2])) if stated else (0, 0)
    batch = _batch(value, headers, HEARTBEAT_SCHEMA)
    if not 1 <= part <= parts <= MOST_PARTS or (parts > 1 and batch.num_rows != 1):
        raise PoisonError("wrong_part", f"part {part} of {parts} with {batch.num_rows} heartbeats")
    beats = _beats_of(batch)
    _check_beats(beats)
    _check_span(beats.watermark_ms, headers)
    return HeartbeatPart(beats, part, parts)


def beat_of(headers: Headers) -> tuple[bytes, bytes]:
    """What the parts of one heartbeat have in common: its time, and how many they are."""
    stated = dict(headers)
    return stated["tmin"], stated.get("part", b"1/1").partition(b"/")[2]


def whole(parts: Sequence[Heartbeats]) -> Heartbeats:
    """The one heartbeat that some parts make."""
    joined = Heartbeats.joined(list(parts))
    ends = [np.array([0, int(offsets[-1])]) for offsets in (joined.heard_from, joined.resting_from, joined.clocks_from)]
    return replace(
        joined, watermark_ms=joined.watermark_ms[:1], heard_from=ends[0], resting_from=ends[1], clocks_from=ends[2]
    )


def between(beats: Heartbeats, begin: int, end: int) -> Heartbeats:
    """Heartbeats number `begin` up to `end`."""
    heard, resting, clocks = (
        slice(int(offsets[begin]), int(offsets[end]))
        for offsets in (beats.heard_from, beats.resting_from, beats.clocks_from)
    )
    return Heartbeats(
        beats.watermark_ms[begin:end],
        beats.heard_from[begin : end + 1] - beats.heard_from[begin],
        Heard(*_rows(beats.heard, heard)),
        beats.resting_from[begin : end + 1] - beats.resting_from[begin],
        Resting(*_rows(beats.resting, resting)),
        beats.clocks_from[begin : end + 1] - beats.clocks_from[begin],
        Clocks(*_rows(beats.clocks, clocks)),
    )


def pack_alert(alert: Alert, status: LogStatus = "exercise") -> tuple[bytes, Packed]:
    """One revision of an alert of a log of that status as a CloudEvent: key, and value with headers."""
    data = alert.to_dict()
    event_id = f"{alert.alert_id}/{alert.revision}"
    return _event(event_id, f"{EVENT_TYPE}.{alert.type}", alert.hull, data["raised_at"], alert.mmsi, status, data)


def pack_call(call: DistressCall, source: str, status: LogStatus = "exercise") -> tuple[bytes, Packed]:
    """A distress call as a CloudEvent: key, and value with headers. `source` is the name of who heard it, if known."""
    heard_at = to_rfc3339(call.heard_ms)
    data = {
        "mmsi": call.mmsi,
        "call": call.number,
        "device": call.device,
        "heard_at": heard_at,
        "lat": rounded(call.lat),
        "lon": rounded(call.lon),
        "source": source or None,
    }
    key = vessel_key(call.mmsi).decode()
    return _event(f"{key}/{call.heard_ms}/{call.number}", CALL_TYPE, key, heard_at, call.mmsi, status, data)


def _event(
    event_id: str, kind: str, subject: str, time: str | None, mmsi: int, status: LogStatus, data: dict[str, Any]
) -> tuple[bytes, Packed]:
    event = {
        "specversion": "1.0",
        "id": event_id,
        "source": EVENT_SOURCE,
        "type": kind,
        "subject": subject,
        "time": time,
        "datacontenttype": "application/json",
        "partitionkey": vessel_key(mmsi).decode(),
        "alertstatus": status,
        "data": data,
    }
    text = json.dumps(event, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return vessel_key(mmsi), Packed(text.encode(), EVENT_HEADERS)


def unpack_alert(value: bytes | None) -> Alert:
    """The alert of a CloudEvent; raises PoisonError."""
    told = unpack_event(value)
    if not isinstance(told, ToldAlert):
        raise PoisonError("wrong_kind", "the event is no alert of this version")
    return told.alert


def unpack_event(value: bytes | None) -> ToldAlert | ToldCall:
    """What a CloudEvent of `alerts` or `alerts.rcc` tells; raises PoisonError. Without a status it is an exercise."""
    try:
        event = json.loads(value or b"")
        status: LogStatus = "actual" if event.get("alertstatus") == "actual" else "exercise"
        if event["specversion"] != "1.0":
            raise PoisonError("wrong_kind", "the event is no CloudEvent 1.0")
        if event["type"] == CALL_TYPE:
            return _told_call(event["data"], status)
        if not event["type"].startswith(f"{EVENT_TYPE}."):
            raise PoisonError("wrong_kind", "the event is no alert of this version")
        alert = Alert.from_dict(event["data"])
        if event["id"] != f"{alert.alert_id}/{alert.revision}":
            raise PoisonError("wrong_id", "the event's id is not that of its alert")
        return ToldAlert(alert, status)
    except (UsageError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise PoisonError("bad_json", f"{type(error).__name__}: {str(error)[:200]}") from None


def _told_call(data: dict[str, Any], status: LogStatus) -> ToldCall:
    heard_ms = from_rfc3339(data["heard_at"])
    call = DistressCall(data["mmsi"], data["call"], heard_ms, data["device"], data["lat"], data["lon"], 0)
    return ToldCall(call, data["source"] or "", status)


def halves(batch: pa.RecordBatch) -> tuple[pa.RecordBatch, pa.RecordBatch]:
    """A batch of two rows or more as two."""
    middle = batch.num_rows // 2
    return batch.slice(0, middle), batch.slice(middle)


def _headers(kind: str, n: int, span_ms: tuple[int, int], source: int | None = None) -> Headers:
    stated = {"schema": SCHEMAS[kind], "v": VERSION, "kind": kind, "n": n, "tmin": span_ms[0], "tmax": span_ms[1]}
    if source is not None:
        stated["src"] = source
    return tuple((name, str(value).encode()) for name, value in stated.items())


def _header(headers: Headers, name: str) -> bytes:
    """The one header of a name."""
    found = [value for header, value in headers if header == name]
    if len(found) != 1 or not isinstance(found[0], bytes):
        raise PoisonError("wrong_headers", f"header {name} is there {len(found)} times")
    return found[0]


def _number(headers: Headers, name: str) -> int:
    text = _header(headers, name)
    if not _NUMBER.match(text):
        raise PoisonError("wrong_headers", f"header {name} is {text[:20]!r}, no number")
    return int(text)


def _span(t_ms: NDArray[np.int64]) -> tuple[int, int]:
    return int(t_ms.min()), int(t_ms.max())


def _batch(value: bytes | None, headers: Headers, schema: pa.Schema) -> pa.RecordBatch:
    if value is None:
        raise PoisonError("empty", "the record has no value")
    batch = unpack(value, schema)
    if _number(headers, "n") != batch.num_rows:
        raise PoisonError("wrong_count", f"header n is {_number(headers, 'n')}, the rows are {batch.num_rows}")
    return batch


def _check(reason: str, right: NDArray[np.bool_]) -> None:
    if not right.all():
        raise PoisonError(reason, f"row {int(np.argmin(right))} and {int((~right).sum()) - 1} more")


def _check_span(t_ms: NDArray[np.int64], headers: Headers) -> None:
    if _span(t_ms) != (_number(headers, "tmin"), _number(headers, "tmax")):
        raise PoisonError("wrong_span", "the times are not those of tmin and tmax")


def _check_beats(beats: Heartbeats) -> None:
    """The kernels check no bounds: cells, groups and sources are checked here."""
    _check("time_out_of_range", (beats.watermark_ms >= FIRST_MS) & (beats.watermark_ms <= LAST_MS))
    if (np.diff(beats.watermark_ms) <= 0).any():
        raise PoisonError("time_out_of_order", "the watermarks do not rise")
    heard, resting, clocks = beats.heard, beats.resting, beats.clocks
    _check("cell_out_of_range", (heard.cell >= 0) & (heard.cell < RECEPTION_CELLS))
    _check("cell_out_of_range", (resting.cell >= 0) & (resting.cell < MOORING_CELLS))
    _check("source_out_of_range", (heard.group >= 0) & (heard.group >> 2 <= LARGEST_SOURCE) & (heard.group & 3 <= 2))
    _check("source_out_of_range", (clocks.source >= 0) & (clocks.source <= LARGEST_SOURCE))
    counts_right = (heard.vessels >= 0) & (heard.slow >= 0) & (heard.slow <= heard.vessels)
    _check("count_out_of_range", counts_right & (heard.vessels <= LARGEST_MMSI))
    times_right = (heard.first_ms >= FIRST_MS) & (heard.first_ms <= heard.last_ms) & (heard.last_ms <= LAST_MS)
    _check("time_out_of_range", times_right)
    limits = np.array([90.0, 90.0, 180.0, 180.0])
    in_range: NDArray[np.bool_] = np.logical_and.reduce(abs(heard.box) <= limits, axis=1)
    _check("position_out_of_range", in_range)
    _check("clock_out_of_range", np.isfinite(clocks.offset_s) & ((clocks.doubt == 1) | (clocks.doubt == 2)))


def _pack_beats(beats: Heartbeats, size: int) -> Iterator[Packed]:
    if len(beats) > 1 or size <= PACKED_BYTES:
        yield _packed_beats(beats)
        return
    parts = -(-size // PACKED_BYTES)
    for i in range(parts):
        heard, resting, clocks = (
            slice(len(rows) * i // parts, len(rows) * (i + 1) // parts)
            for rows in (beats.heard.cell, beats.resting.cell, beats.clocks.source)
        )
        part = Heartbeats(
            beats.watermark_ms,
            np.array([0, heard.stop - heard.start]),
            Heard(*_rows(beats.heard, heard)),
            np.array([0, resting.stop - resting.start]),
            Resting(*_rows(beats.resting, resting)),
            np.array([0, clocks.stop - clocks.start]),
            Clocks(*_rows(beats.clocks, clocks)),
        )
        packed = _packed_beats(part)
        yield packed._replace(headers=(*packed.headers, ("part", f"{i + 1}/{parts}".encode())))


def _packed_beats(beats: Heartbeats) -> Packed:
    schema = HEARTBEAT_SCHEMA
    heard = [*beats.heard[:-1], *beats.heard.box.T]
    columns = [
        pa.array(beats.watermark_ms),
        _lists(schema.field("heard").type, beats.heard_from, heard),
        _lists(schema.field("resting").type, beats.resting_from, list(beats.resting)),
        _lists(schema.field("clocks").type, beats.clocks_from, list(beats.clocks)),
    ]
    batch = pa.record_batch(columns, schema=schema)
    return Packed(pack(batch), _headers(HEARTBEATS, len(beats), _span(beats.watermark_ms)))


def _rows(columns: Sequence[NDArray[Any]], part: slice) -> Iterator[NDArray[Any]]:
    return (column[part] for column in columns)


def _lists(kind: pa.ListType, offsets: NDArray[np.int64], columns: Sequence[NDArray[Any]]) -> pa.ListArray:
    row: pa.StructType = kind.value_type
    arrays = [pa.array(np.ascontiguousarray(column), field.type) for column, field in zip(columns, row, strict=True)]
    rows = pa.StructArray.from_arrays(arrays, fields=list(row))
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), rows, type=kind)


def _beats_of(batch: pa.RecordBatch) -> Heartbeats:
    offsets: dict[str, NDArray[np.int64]] = {}
    rows: dict[str, list[NDArray[Any]]] = {}
    for name in ("heard", "resting", "clocks"):
        lengths = batch[name].value_lengths().to_numpy(zero_copy_only=False)
        offsets[name] = np.concatenate((np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)))
        # copied: kernels are compiled anew for arrays that cannot be written
        rows[name] = [column.to_numpy(zero_copy_only=False).copy() for column in batch[name].flatten().flatten()]
    heard = [*rows["heard"][:7], np.column_stack(rows["heard"][7:])]
    return Heartbeats(
        batch["watermark"].to_numpy().copy(),
        offsets["heard"],
        Heard(*heard),
        offsets["resting"],
        Resting(*rows["resting"]),
        offsets["clocks"],
        Clocks(*rows["clocks"]),
    )
