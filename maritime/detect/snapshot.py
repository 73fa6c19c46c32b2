"""The engine's memory as bytes: plain Arrow, a version, a SHA-256. No pickle.

Layout: `MWSNAP` + version (2 bytes) + SHA-256 of the rest (32 bytes) + an Arrow IPC stream with one row, whose columns
are the arrays of the state as raw little-endian bytes and whose schema metadata holds each array's dtype.
"""

import hashlib
import json
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from maritime.detect.outage import SOURCE_DTYPE
from maritime.detect.state import CELL_DTYPE, HULL_DTYPE, Reception, State
from maritime.errors import SnapshotError
from maritime.times import FAR
from maritime.tracks.hulls import VESSEL_DTYPE

MAGIC: Final = b"MWSNAP"
VERSION: Final = 2
HEADER_BYTES: Final = 40
RECORDS: Final[dict[str, Any]] = {
    "hulls": HULL_DTYPE,
    "blank": HULL_DTYPE,
    "vessels": VESSEL_DTYPE,
    "reception.cells": CELL_DTYPE,
    "reception.sources": SOURCE_DTYPE,
    "reception.regions": SOURCE_DTYPE,
}
"""The arrays that are tables, and their rows."""

LAYOUT: Final = hashlib.sha256(
    repr(([(name, dtype.descr) for name, dtype in RECORDS.items()], State._fields, Reception._fields)).encode()
).hexdigest()
"""Fingerprint of the tables' columns: a snapshot of another layout is refused, not misread."""


def save(state: State, rows: tuple[NDArray, ...], statics: tuple[NDArray, ...], late_reports: int) -> bytes:
    """The bytes of an engine: its state, the reports that wait, and its count of late ones."""
    n_hulls, n_vessels = int(state.n[0]), int(state.n[1])
    arrays: dict[str, NDArray] = {
        "hulls": state.hulls[:n_hulls],
        "blank": state.hulls[-1:],
        "due_t": state.due_t[:n_hulls],
        "vessels": state.vessels[:n_vessels],
        "table": state.table,
        "n": state.n,
        "counts": state.counts,
        "late": np.array([late_reports], np.int64),
    }
    arrays |= {f"reception.{name}": getattr(state.reception, name) for name in Reception._fields}
    arrays |= {f"rows.{i}": column for i, column in enumerate(rows)}
    arrays |= {f"statics.{i}": column for i, column in enumerate(statics)}
    dtypes = {name: a.dtype.str if a.dtype.names is None else "record" for name, a in arrays.items()}
    header = {"layout": LAYOUT, "hull_rows": str(len(state.hulls)), "vessel_rows": str(len(state.vessels))}
    header |= {"dtypes": json.dumps(dtypes)}
    batch = pa.RecordBatch.from_arrays(
        [pa.array([np.ascontiguousarray(a).tobytes()], pa.large_binary()) for a in arrays.values()],
        schema=pa.schema([pa.field(name, pa.large_binary()) for name in arrays], metadata=header),
    )
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as writer:
        writer.write_batch(batch)
    body: bytes = sink.getvalue().to_pybytes()
    digest: bytes = hashlib.sha256(body).digest()
    return MAGIC + VERSION.to_bytes(2, "big") + digest + body


def load(saved: bytes) -> tuple[State, list[NDArray], list[NDArray], int]:
    """State, waiting rows, waiting statics and late count of saved bytes; SnapshotError when they are not whole."""
    if saved[: len(MAGIC)] != MAGIC:
        raise SnapshotError("these bytes are no engine snapshot; start from the beginning of the data")
    version = int.from_bytes(saved[len(MAGIC) : 8], "big")
    if len(saved) >= HEADER_BYTES and version != VERSION:
        raise SnapshotError(f"the snapshot is of version {version}, this engine reads {VERSION}; replay the data")
    body = saved[HEADER_BYTES:]
    if hashlib.sha256(body).digest() != saved[8:HEADER_BYTES]:
        raise SnapshotError("the snapshot is truncated or altered (SHA-256 differs); use the one before")
    with pa.ipc.open_stream(body) as reader:
        batch = reader.read_next_batch()
    metadata = {k.decode(): v.decode() for k, v in (batch.schema.metadata or {}).items()}
    if metadata.get("layout") != LAYOUT:
        raise SnapshotError("the snapshot's tables have another layout; it is of another release: replay the data")
    dtypes = json.loads(metadata["dtypes"])
    arrays = {
        name: np.frombuffer(bytearray(batch.column(name)[0].as_py()), RECORDS[name] if kind == "record" else kind)
        for name, kind in dtypes.items()
    }
    hulls = np.zeros(int(metadata["hull_rows"]), HULL_DTYPE)
    hulls[: len(arrays["hulls"])] = arrays["hulls"]
    hulls[-1] = arrays["blank"][0]
    due_t = np.full(len(hulls), FAR, np.int64)
    due_t[: len(arrays["due_t"])] = arrays["due_t"]
    vessels = np.zeros(int(metadata["vessel_rows"]), VESSEL_DTYPE)
    vessels[: len(arrays["vessels"])] = arrays["vessels"]
    reception = Reception(*(arrays[f"reception.{name}"] for name in Reception._fields))
    state = State(hulls, due_t, vessels, arrays["table"], arrays["n"], arrays["counts"], reception)
    return state, _columns(arrays, "rows."), _columns(arrays, "statics."), int(arrays["late"][0])


def _columns(arrays: dict[str, NDArray], prefix: str) -> list[NDArray]:
    names = sorted((n for n in arrays if n.startswith(prefix)), key=lambda n: int(n.removeprefix(prefix)))
    return [arrays[name] for name in names]
