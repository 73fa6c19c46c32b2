"""Fields equal those of pyais: on every shared log, and on round trips through its encoder for every bulk type."""

import math
from collections import Counter
from pathlib import Path
from typing import Any

import pyais
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyais.constants import ShipType
from pyais.exceptions import UnknownPartNoException
from pyais.stream import IterMessages

from maritime.ais import tables
from maritime.ais.decoder import Decoder
from maritime.ais.messages import decode_all, sentence
from maritime.columns import SourceTable
from tests import naive_ais
from tests.ais.logs import Decoded, decode, read, shared_logs

T0_MS = 1_577_836_800_000
POSITION_TYPES = (1, 2, 3, 4, 9, 11, 14, 18, 19, 21, 27)


def known(value: float | None, unknown: float) -> float:
    return math.nan if value is None or value >= unknown else value


class Expected:
    """Rows and refusals that the fields of pyais ask for, message by message."""

    def __init__(self) -> None:
        self.positions: list[dict[str, Any]] = []
        self.statics: list[dict[str, Any]] = []
        self.refused: list[str] = []

    def add(self, payload: str, fill_bits: int) -> None:
        n_bits = len(payload) * 6 - fill_bits
        msg_type = naive_ais.unsigned(naive_ais.bits_of(payload, fill_bits), 0, 6)
        if msg_type is None or not 1 <= msg_type <= 27:
            self.refused.append("unknown_message_type" if msg_type is not None else "truncated_payload")
            return
        try:
            message = pyais.decode(sentence(payload, fill_bits))
        except UnknownPartNoException:
            self.refused.append("unknown_message_type")
            return
        least = tables.LEAST_BITS[msg_type]
        if msg_type == 24:
            least = tables.LEAST_BITS_24_B if message.partno else tables.LEAST_BITS_24_A
        if n_bits < least:
            self.refused.append("truncated_payload")
            return
        if msg_type in POSITION_TYPES and not self.add_position(message, msg_type, n_bits):
            return
        if msg_type in (5, 19, 24):
            self.add_static(message, msg_type, naive_ais.bits_of(payload, fill_bits))

    def add_position(self, message: Any, msg_type: int, n_bits: int) -> bool:
        lat, lon = getattr(message, "lat", 91.0), getattr(message, "lon", 181.0)
        if (lat == 91) != (lon == 181):
            self.refused.append("half_position")
            return False
        if lat != 91 and (abs(lat) > 90 or abs(lon) > 180):
            self.refused.append("position_out_of_range")
            return False
        layout = dict(zip(tables.POSITION_FIELDS, tables.POSITION_TABLE[msg_type], strict=True))

        def whole(field: str, bits: int) -> bool:  # pyais gives the value of the bits that are there; we say unknown
            return msg_type != 14 and layout[field] >= 0 and layout[field] + bits <= n_bits

        sog_unknown = {9: 1023, 27: 63}.get(msg_type, 102.3)
        status = int(message.status) if whole("status", 4) else 15
        if msg_type == 14 and "ACTIVE" in (message.text or ""):
            status = 14
        self.positions.append(
            {
                "mmsi": message.mmsi,
                "lat": math.nan if lat == 91 else lat,
                "lon": math.nan if lon == 181 else lon,
                "sog": known(message.speed, sog_unknown) if whole("sog", layout["sog_bits"]) else math.nan,
                "cog": known(message.course, 360) if whole("cog", layout["cog_bits"]) else math.nan,
                "heading": known(message.heading, 360) if whole("heading", 9) else math.nan,
                "nav_status": status,
                "msg_type": msg_type,
                "utc_s": message.second if whole("second", 6) else 255,
            }
        )
        return True

    def add_static(self, message: Any, msg_type: int, bits: str) -> None:
        def value(field: str, last_bit: int) -> Any:
            return (getattr(message, field, None) or None) if len(bits) >= last_bit else None  # 0 and "" are unknown

        ends = {5: (70, 112, 232, 240, 270, 294, 302, 302), 19: (0, 0, 263, 271, 301, 0, 0, 0)}
        imo, call, name, kind, size, eta, draught, destination = ends.get(msg_type, (0, 132, 160, 48, 162, 0, 0, 0))
        bow, stern = value("to_bow", size) or 0, value("to_stern", size) or 0
        port, starboard = value("to_port", size) or 0, value("to_starboard", size) or 0
        eta_text = None
        if msg_type == 5 and len(bits) >= eta and message.month and message.day:
            eta_text = f"{message.month:02d}-{message.day:02d} {message.hour:02d}:{message.minute:02d}"
        destination_text = value("destination", destination)
        if msg_type == 5 and len(bits) < 422:  # pyais makes one more character of the bits that are left over
            destination_text = naive_ais.text(bits, 302, 20)
        ship_type = value("ship_type", kind)
        if msg_type != 24 and len(bits) >= kind:  # pyais folds the codes that it has no name for
            raw = naive_ais.unsigned(bits, kind - 8, 8)
            assert ShipType.from_value(raw) == message.ship_type
            ship_type = raw or None
        self.statics.append(
            {
                "mmsi": message.mmsi,
                "imo": value("imo", imo),
                "call_sign": value("callsign", call),
                "name": value("shipname", name),
                "ship_type": ship_type,
                "length_m": (bow + stern) or None,
                "beam_m": (port + starboard) or None,
                "draught_m": value("draught", draught),
                "destination": destination_text,
                "eta": eta_text,
            }
        )


def same(ours: Any, theirs: Any) -> bool:
    """Equal; floats to the six decimals that pyais rounds to, or the width of a float32."""
    if isinstance(ours, float) and theirs is not None:
        return (math.isnan(ours) and math.isnan(theirs)) or math.isclose(ours, theirs, rel_tol=1e-7, abs_tol=5.1e-7)
    return bool(ours == theirs)


def assert_rows_equal(rows: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    assert len(rows) == len(expected)
    for row, wanted in zip(rows, expected, strict=True):
        different = {name: (row[name], value) for name, value in wanted.items() if not same(row[name], value)}
        assert different == {}, wanted


def assert_as_pyais(decoded: Decoded, messages: list[tuple[str, int]]) -> None:
    expected = Expected()
    for payload, fill_bits in messages:
        expected.add(payload, fill_bits)
    assert_rows_equal(decoded.positions.to_pylist(), expected.positions)
    assert_rows_equal(decoded.statics.to_pylist(), expected.statics)
    refused = sorted(reason for reason in decoded.reasons if reason in REFUSED_MESSAGES)
    assert refused == sorted(expected.refused)


REFUSED_MESSAGES = ("unknown_message_type", "truncated_payload", "half_position", "position_out_of_range")


@pytest.mark.parametrize("path", shared_logs())
def test_fields_equal_those_of_pyais_on_real_logs(path: Path) -> None:
    log = read(path)[:2_000_000]
    messages = [(m.payload, m.fill_bits) for m in naive_ais.frame(log).messages]
    assert_as_pyais(decode(log, start_ms=T0_MS, kept=100_000), messages)


@pytest.mark.parametrize("path", shared_logs())
def test_all_that_pyais_assembles_from_the_bare_sentences_is_framed(path: Path) -> None:
    """Pyais gets the sentences without prefix, tag block and suffix, and only those with a sound checksum."""
    log = read(path)[:2_000_000]
    bare = []
    for line in log.splitlines():
        if not line.startswith(b"#"):
            for found in naive_ais.re.finditer(rb"!([A-Z0-9]{2}VD[MO],[^*!]*)\*([0-9A-F]{2})", line):
                if naive_ais.checksum(found[1]) == int(found[2], 16):
                    fields = found[1].split(b",")
                    bare.append(b"!" + b",".join(fields[:7]) + b"*00")
    theirs = Counter(m.payload.decode() for m in IterMessages(bare) if m.payload)
    decoder = Decoder(SourceTable())
    decoder.feed(log)
    ours = Counter(message.payload for message in decoder.messages())
    assert theirs - ours == Counter()


# ------------------------------------------------------------------------------------------------ round trips

MMSI = st.integers(0, 999_999_999)
LAT = st.integers(-54_000_000, 54_000_000).map(lambda raw: raw / 600_000) | st.just(91.0)
LON = st.integers(-108_000_000, 108_000_000).map(lambda raw: raw / 600_000) | st.just(181.0)
TEXT = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_ !\"#$%&'()*+,-./0123456789:;<=>?", max_size=20)
COMMON = {"lat": LAT, "lon": LON, "second": st.integers(0, 63)}
SPEED = {
    "speed": st.integers(0, 1023).map(lambda raw: raw / 10),
    "course": st.integers(0, 4095).map(lambda raw: raw / 10),
}
HEADING = {"heading": st.integers(0, 511)}
SIZE = {
    name: st.integers(0, top)
    for name, top in zip(("to_bow", "to_stern", "to_port", "to_starboard"), (511, 511, 63, 63), strict=True)
}
CLASS_A = COMMON | SPEED | HEADING | {"status": st.integers(0, 15), "turn": st.just(0)}
STATION = {"year": st.integers(2000, 2090), "month": st.integers(1, 12), "day": st.integers(1, 28)}
FIELDS = {
    1: CLASS_A,
    2: CLASS_A,
    3: CLASS_A,
    4: COMMON | STATION,
    5: SIZE
    | {
        "imo": st.integers(0, (1 << 30) - 1),
        "callsign": TEXT.map(lambda text: text[:7]),
        "shipname": TEXT,
        "ship_type": st.integers(0, 99),
        "month": st.integers(0, 12),
        "day": st.integers(0, 31),
        "hour": st.integers(0, 24),
        "minute": st.integers(0, 60),
        "draught": st.integers(0, 255).map(lambda raw: raw / 10),
        "destination": TEXT,
    },
    9: COMMON | {"speed": st.integers(0, 1023), "course": SPEED["course"]},
    11: COMMON | STATION,
    14: {"text": TEXT | st.sampled_from(["SART ACTIVE", "MOB ACTIVE", "SART TEST", "INACTIVE", "EPIRB ACTIVE X"])},
    18: COMMON | SPEED | HEADING,
    19: COMMON | SPEED | HEADING | SIZE | {"shipname": TEXT, "ship_type": st.integers(0, 99)},
    21: COMMON | {"name": TEXT},
    24: SIZE
    | {
        "partno": st.integers(0, 1),
        "shipname": TEXT,
        "callsign": TEXT.map(lambda text: text[:7]),
        "ship_type": st.integers(0, 99),
        "mothership_mmsi": MMSI,
    },
    27: {
        "lat": st.integers(-54_000, 54_000).map(lambda raw: raw / 600) | st.just(91.0),
        "lon": st.integers(-108_000, 108_000).map(lambda raw: raw / 600) | st.just(181.0),
        "speed": st.integers(0, 63),
        "course": st.integers(0, 511),
        "status": st.integers(0, 15),
    },
}


@pytest.mark.parametrize("msg_type", FIELDS)
@given(drawn=st.data())
def test_round_trip_through_the_encoder_of_pyais(msg_type: int, drawn: st.DataObject) -> None:
    fields = drawn.draw(
        st.fixed_dictionaries(FIELDS[msg_type] | {"mmsi": MMSI | st.integers(980_000_000, 989_999_999)})
    )
    parts = pyais.encode_dict(fields | {"msg_type": msg_type}, talker_id="AI", sentence_type="VDM", seq_id=1)
    decoded = decode("\r\n".join(parts).encode(), start_ms=T0_MS)
    payload = "".join(part.split(",")[5] for part in parts)
    if msg_type == 14 and "INACTIVE" in fields["text"]:
        assert decoded.positions["nav_status"].to_pylist() == [15]
        return
    assert_as_pyais(decoded, [(payload, int(parts[-1].split(",")[6][0]))])
    assert decoded.message_counts[msg_type] == 1


def test_every_type_becomes_a_dictionary_or_says_why_not() -> None:
    log = "\n".join(
        part
        for msg_type in range(1, 28)
        for part in pyais.encode_dict(
            {
                "msg_type": msg_type,
                "mmsi": 257000000,
                "dest_mmsi": 1,
                "dest_mmsi_1": 1,
                "mmsi1": 1,
                "mmsiseq1": 0,
                "data": b"\x01\x02",
            },
            talker_id="AI",
            sentence_type="VDM",
        )
    )
    messages = list(decode_all([log.encode()], file="x.nmea", start_ms=T0_MS))
    assert [m["msg_type"] for m in messages] == list(range(1, 28))
    assert {m["t"] for m in messages if m["msg_type"] not in (4, 11)} >= {"2020-01-01T00:00:00Z"}
    assert {m["file"] for m in messages} == {"x.nmea"}
    assert next(m for m in messages if m["msg_type"] == 8)["data"] == "0102"
    (bad,) = decode_all([sentence("H" + "5MiOp>" + "0" * 20, 0)])
    assert "Partno" in bad["error"]
