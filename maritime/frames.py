"""Frames: the analyst's edge, AIS files and alerts as pandas DataFrames."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

import maritime
from maritime.alerts.alert import Alert, Detector
from maritime.columns import (
    MSG_TYPE_UNKNOWN,
    NAV_STATUS_UNKNOWN,
    POSITION_SCHEMA,
    PROVENANCE_SCHEMA,
    STATIC_SCHEMA,
    Chunk,
    SourceTable,
)
from maritime.config import LIVE_SECTIONS, config_sha256, load_settings
from maritime.detect.engine import Engine
from maritime.detect.episode import Episode
from maritime.detect.heartbeat import HeartbeatMaker
from maritime.detect.places import EnginePlaces
from maritime.detect.settings import DetectSettings
from maritime.errors import InputError, UsageError
from maritime.sources.inputs import Inputs
from maritime.sources.mapping import ColumnMapping, load_mapping
from maritime.sources.naming import shown
from maritime.sources.ordering import in_time_order

REQUIRED: Final = ("mmsi", "t", "lat", "lon")
OPTIONAL: Final[dict[str, Any]] = {
    "sog": np.nan,
    "cog": np.nan,
    "heading": np.nan,
    "nav_status": NAV_STATUS_UNKNOWN,
    "msg_type": MSG_TYPE_UNKNOWN,
}
"""Columns that a frame may leave out, and what unknown is in them."""
ROWS_PER_CHUNK: Final = 65_536
UTC_SECOND_UNKNOWN: Final = 255

Config = DetectSettings | Mapping[str, Any] | Path | str | None


def read(
    path: Path | str,
    *,
    format: str | None = None,
    mapping: ColumnMapping | Path | str | None = None,
    start_ms: int | None = None,
) -> pd.DataFrame:
    """The position reports of an AIS file or directory, of any known format, in file order.

    Columns: `mmsi`, `t` (UTC), `lat`, `lon` (degrees), `sog` (knots), `cog`, `heading` (degrees), `nav_status`,
    `msg_type`, `source` (name of the receiver or feed), `file`, `line`. Unknown is NaN, or 15 in `nav_status` and 0 in
    `msg_type`. A file without reports gives an empty frame.

    `format` forces a format; `mapping`, or the path of its YAML file, names the columns of a table of your own;
    `start_ms` is when a log without times begins, ms UTC. Raises InputError when an input cannot be read to its end,
    UsageError for an unknown format, ConfigurationError for a wrong mapping.
    """
    if isinstance(mapping, Path | str):
        mapping = load_mapping(Path(mapping))
    sources = SourceTable()
    inputs = Inputs([path], sources, format=format, mapping=mapping, start_ms=start_ms)
    frames = [_frame(chunk, sources) for chunk in inputs]
    _raise_failures(inputs)
    if not frames:
        frames = [_frame(Chunk(shown(path), _no_rows(PROVENANCE_SCHEMA), _no_rows(STATIC_SCHEMA)), sources)]
    whole = pd.concat(frames, ignore_index=True)
    return whole.astype({"source": "category", "file": "category"})


def detect(path_or_frame: Path | str | pd.DataFrame, config: Config = None) -> pd.DataFrame:
    """The alerts in an AIS file, a directory, or a frame of reports, one row each, by the time they were raised.

    A frame needs `mmsi`, `t`, `lat`, `lon` and may have the other columns that `read` gives; its order does not matter.
    `config` is a settings object, a mapping of settings, or the path of a YAML file. The columns are those of
    `alerts.parquet`, with `reasons`, `evidence` and `geometry` as Python objects. No alerts give an empty frame.

    Raises InputError when a file cannot be read, UsageError when a frame lacks a column, ConfigurationError when a
    setting is wrong.
    """
    settings = _settings(config)
    sources = SourceTable()
    if isinstance(path_or_frame, pd.DataFrame):
        newest = _newest(_chunks(path_or_frame, sources), settings, sources)
    else:
        inputs = Inputs([path_or_frame], sources)
        chunks = in_time_order(inputs, lateness_ms=round(settings.time.lateness_s * 1000))
        newest = _newest(chunks, settings, sources)
        _raise_failures(inputs)
    return _alert_frame(sorted(newest, key=lambda alert: (alert.raised_ms, alert.alert_id)))


def _newest(chunks: Iterable[Chunk], settings: DetectSettings, sources: SourceTable) -> Iterable[Alert]:
    """The newest revision of each alert in chunks that are in time order."""
    engine = Engine(settings, EnginePlaces.load(), sources)
    heartbeats = HeartbeatMaker(settings.time, settings.clocks)
    detector = Detector("maritime-watch", maritime.__version__, config_sha256(settings))
    newest: dict[str, Alert] = {}

    def keep(episodes: Iterable[Episode]) -> None:
        for episode in episodes:
            earlier = newest.get(episode.episode_id)
            if earlier or episode.raised_ms is not None:
                newest[episode.episode_id] = Alert.of(episode, detector, earlier.raised_ms if earlier else None)

    for chunk in chunks:
        beats = heartbeats.feed(chunk.positions, chunk.clock)
        engine.feed(heartbeats.believed(chunk.positions)[0], chunk.statics)
        keep(engine.advance(beats))
    keep(engine.advance(heartbeats.finish()))
    return newest.values()


def _settings(config: Config) -> DetectSettings:
    if isinstance(config, DetectSettings):
        return config
    if isinstance(config, Mapping):
        return load_settings(DetectSettings, content=config, besides=LIVE_SECTIONS)
    return load_settings(DetectSettings, Path(config) if config is not None else None, besides=LIVE_SECTIONS)


def _raise_failures(inputs: Inputs) -> None:
    if inputs.failures:
        raise InputError("; ".join(f"{failure.file} {failure.reason}" for failure in inputs.failures))


def _frame(chunk: Chunk, sources: SourceTable) -> pd.DataFrame:
    frame: pd.DataFrame = chunk.positions.drop_columns(["utc_s"]).to_pandas()
    frame["t"] = frame["t"].astype("datetime64[ms]").dt.tz_localize("UTC")
    names = np.array([sources.name(code) for code in range(len(sources) + 1)], object)
    frame["source"] = names[np.minimum(frame["source"], len(sources))]
    frame.insert(len(frame.columns) - 1, "file", chunk.file)
    return frame


def _no_rows(schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([], schema=schema)


def _chunks(frame: pd.DataFrame, sources: SourceTable) -> Iterator[Chunk]:
    """A frame's reports in time order, as a source would yield them."""
    missing = [name for name in REQUIRED if name not in frame.columns]
    if missing:
        raise UsageError(f"the frame has no column {', '.join(missing)}; it needs {', '.join(REQUIRED)}")
    if frame[["mmsi", "t"]].isna().to_numpy().any():
        raise UsageError("the frame has reports without mmsi or t; drop them first")
    order = np.argsort(_ms(frame["t"]), kind="stable")
    columns: dict[str, Any] = {name: frame[name].to_numpy()[order] for name in ("mmsi", "lat", "lon")}
    columns["t"] = _ms(frame["t"])[order]
    for name, unknown in OPTIONAL.items():
        known = frame[name].fillna(unknown) if name in frame.columns else pd.Series(unknown, index=frame.index)
        columns[name] = known.to_numpy()[order]
    columns["source"] = _codes(frame, sources)[order]
    arrays = [
        pa.array(columns[field.name].astype(field.type.to_pandas_dtype()), field.type) for field in POSITION_SCHEMA
    ]
    positions = pa.RecordBatch.from_arrays(
        [*arrays, pa.array(order, pa.int64()), pa.array(np.full(len(frame), UTC_SECOND_UNKNOWN, np.uint8))],
        schema=PROVENANCE_SCHEMA,
    )
    for start in range(0, len(frame), ROWS_PER_CHUNK):
        yield Chunk("frame", positions.slice(start, ROWS_PER_CHUNK), _no_rows(STATIC_SCHEMA))


def _ms(times: "pd.Series[Any]") -> npt.NDArray[np.int64]:
    """Times of any resolution, with or without zone (then UTC), or already ms, as ms UTC."""
    if pd.api.types.is_numeric_dtype(times):
        return np.asarray(times, np.int64)
    return np.asarray(pd.to_datetime(times, utc=True).dt.as_unit("ms").astype(np.int64), np.int64)


def _codes(frame: pd.DataFrame, sources: SourceTable) -> npt.NDArray[np.uint16]:
    if "source" not in frame.columns:
        return np.zeros(len(frame), np.uint16)
    codes, names = pd.factorize(frame["source"].astype(str))
    return np.array([sources.code(name) for name in names], np.uint16)[codes]


def _alert_frame(alerts: list[Alert]) -> pd.DataFrame:
    from maritime.alerts.writers.parquet_table import alert_table

    frame: pd.DataFrame = alert_table(alerts).to_pandas()
    records = [alert.to_dict() for alert in alerts]
    for name in ("reasons", "evidence", "geometry"):
        frame[name] = pd.Series([record[name] for record in records], dtype=object)
    return frame
