"""Warm-up: run every kernel of a replay once on a few made-up reports, so that numba compiles them apart from the work.

numba keeps what it compiled; after the first time on a machine this takes a fraction of a second.
"""

from typing import Final

import numpy as np
import pyarrow as pa

from maritime.ais.decoder import Decoder
from maritime.columns import CLOCK_SCHEMA, PROVENANCE_SCHEMA, STATIC_SCHEMA, SourceTable
from maritime.detect.engine import Engine
from maritime.detect.heartbeat import HeartbeatMaker
from maritime.detect.places import EnginePlaces
from maritime.detect.settings import DetectSettings
from maritime.detect.state import grown, new_state
from maritime.sources import marinecadastre
from maritime.sources.blocks import Block
from maritime.sources.csv_table import CsvReader
from maritime.sources.rejects import RejectBook
from maritime.sources.table import TableDecoder
from maritime.units import MINUTE_MS

START_MS: Final = 1_577_836_800_000  # 2020-01-01T00:00:00Z; any time does
REPORTS: Final = 40
SENTENCE: Final = b"!AIVDM,1,1,,B,177KQJ5000G?tO`K>RA1wUbN0TKH,0*5C\n"  # a type 1 message
TABLE: Final = b"MMSI,BaseDateTime,LAT,LON,VesselName\n366000001,2020-01-01T00:00:00,37.0,-123.0,WARM UP\n"


def warm_up(places: EnginePlaces) -> None:
    """Decode one sentence and one row, and let an engine of its own follow two ships for some hours."""
    sources = SourceTable()
    Decoder(sources, start_ms=START_MS).feed(SENTENCE)
    _decode_table(sources)
    settings = DetectSettings()
    engine, heartbeats = Engine(settings, places, sources), HeartbeatMaker(settings.time)
    positions = _two_ships()
    engine.feed(positions, _names())
    engine.advance(heartbeats.feed(positions, _base_station()))
    engine.advance(heartbeats.finish())
    engine.open_episodes()
    grown(new_state(hulls=1), heard=1024, resting=1024)


def _decode_table(sources: SourceTable) -> None:
    rejects = RejectBook("")
    decoder = TableDecoder(marinecadastre.LAYOUT.mapping, sources, rejects, file="", newest_ms=None)
    reader = CsvReader(marinecadastre.LAYOUT.mapping, decoder, rejects, mapped_too=False)
    list(reader.read(iter([Block(1, TABLE, 2)])))


def _two_ships() -> pa.RecordBatch:
    """Two ships that cross, out of order and one of them without a position now and then."""
    number = np.arange(2 * REPORTS)
    step = (number // 2)[::-1]
    columns = {
        "mmsi": 366_000_001 + number % 2,
        "t": START_MS + step * 6 * MINUTE_MS,
        "lat": np.where(number % 17 == 3, np.nan, 37.0 + step * 0.01),
        "lon": np.where(number % 17 == 3, np.nan, -123.0 + (number % 2) * 0.2),
        "sog": np.full(number.size, 6.0),
        "cog": np.zeros(number.size),
        "heading": np.zeros(number.size),
        "nav_status": np.zeros(number.size),
        "msg_type": np.ones(number.size),
        "source": np.zeros(number.size),
        "line": number + 1,
        "utc_s": np.zeros(number.size),
    }
    arrays = [pa.array(columns[field.name].astype(field.type.to_pandas_dtype())) for field in PROVENANCE_SCHEMA]
    return pa.RecordBatch.from_arrays(arrays, schema=PROVENANCE_SCHEMA)


def _base_station() -> pa.RecordBatch:
    """One full time from a base station."""
    return pa.RecordBatch.from_pylist([{"source": 0, "t": START_MS, "reported": START_MS}], schema=CLOCK_SCHEMA)


def _names() -> pa.RecordBatch:
    static = {"mmsi": 366_000_001, "t": START_MS, "name": "WARM UP", "ship_type": 70, "destination": "USOAK"}
    return pa.RecordBatch.from_pylist([static], schema=STATIC_SCHEMA)
