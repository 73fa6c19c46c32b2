"""What the simulator encodes, pyais decodes to the same values."""

from datetime import UTC, datetime

import numpy as np
import pyais
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maritime.simulate import messages
from maritime.simulate.armour import Field, Payload, encode
from maritime.simulate.messages import Identity, Report
from maritime.simulate.sentences import decimal, lines, merge

T_MS = 1_773_446_400_123
MMSIS = st.integers(1, 999_999_999)
SHIP_TYPES = st.sampled_from([0, 20, 30, 31, 36, 50, 52, 60, 70, 79, 80, 99])  # those that pyais has a name for
LATITUDES = st.floats(-90, 90)
LONGITUDES = st.floats(-180, 180)
NAMES = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 -./", min_size=1, max_size=20).map(str.strip).filter(bool)


def log(payload: Payload, station: str = "TEST", in_ms: bool = True, t_ms: int = T_MS) -> bytes:
    n = payload.chars.shape[0]
    channel = np.full((n, 1), ord("A"), np.uint8)
    serial = decimal(1000 + np.arange(n), 4)
    rows = lines(payload, channel, station, np.full(n, t_ms), in_ms, serial)
    return merge([rows], [np.arange(n)])


def decoded(payload: Payload) -> dict:
    sentences = [line.split(b"\\")[-1] for line in log(payload).splitlines()]
    return pyais.decode(*sentences).asdict()


def one(**values: float) -> Report:
    columns = {name: np.array([value], float) for name, value in values.items()}
    missing = {
        name: np.array([np.nan])
        for name in ("lat_deg", "lon_deg", "speed_kn", "course_deg", "heading_deg", "turn_deg_min")
    }
    return Report(t_ms=np.array([T_MS]), nav_status=np.array([3]), **(missing | columns))


@given(MMSIS, LATITUDES, LONGITUDES, st.floats(0, 102.2), st.floats(0, 359.94), st.floats(0, 359.4))
def test_class_a_position_survives(mmsi, lat, lon, speed, course, heading):
    report = one(lat_deg=lat, lon_deg=lon, speed_kn=speed, course_deg=course, heading_deg=heading, turn_deg_min=0.0)
    found = decoded(messages.class_a_positions(mmsi, report))
    assert (found["msg_type"], found["mmsi"], found["status"], found["turn"]) == (1, mmsi, 3, 0)
    assert found["lat"] == pytest.approx(lat, abs=2e-6)
    assert found["lon"] == pytest.approx(lon, abs=2e-6)
    assert found["speed"] == pytest.approx(speed, abs=0.051)
    assert found["course"] == pytest.approx(course, abs=0.051)
    assert found["heading"] == round(heading)
    assert found["second"] == T_MS // 1000 % 60


@given(MMSIS, LATITUDES, LONGITUDES, st.floats(0, 102.2), st.floats(0, 359.94))
def test_class_b_position_survives(mmsi, lat, lon, speed, course):
    report = one(lat_deg=lat, lon_deg=lon, speed_kn=speed, course_deg=course)
    found = decoded(messages.class_b_positions(mmsi, report))
    assert (found["msg_type"], found["mmsi"], found["heading"], found["cs"]) == (18, mmsi, 511, True)
    assert found["lat"] == pytest.approx(lat, abs=2e-6)
    assert found["lon"] == pytest.approx(lon, abs=2e-6)
    assert found["speed"] == pytest.approx(speed, abs=0.051)
    assert found["course"] == pytest.approx(course, abs=0.051)


@given(MMSIS, LATITUDES, LONGITUDES, st.floats(0, 62), st.floats(0, 359.4))
def test_long_range_position_survives(mmsi, lat, lon, speed, course):
    found = decoded(
        messages.long_range_positions(mmsi, one(lat_deg=lat, lon_deg=lon, speed_kn=speed, course_deg=course))
    )
    assert (found["msg_type"], found["mmsi"], found["status"]) == (27, mmsi, 3)
    assert found["lat"] == pytest.approx(lat, abs=1e-3)
    assert found["lon"] == pytest.approx(lon, abs=1e-3)
    assert found["speed"] == pytest.approx(speed, abs=0.51)
    assert found["course"] == round(course) % 360


@pytest.mark.parametrize("encoder", [messages.class_a_positions, messages.class_b_positions])
def test_the_unknown_is_sent_as_the_standard_says(encoder):
    found = decoded(encoder(235_000_001, one()))
    assert (found["lat"], found["lon"]) == (91, 181)
    assert (found["speed"], found["course"], found["heading"]) == (102.3, 360, 511)


@pytest.mark.parametrize(("turn", "expected"), [(0, 0), (10, 10), (-10, -10), (400, 400), (-400, -400)])
def test_rate_of_turn(turn, expected):
    found = decoded(messages.class_a_positions(235_000_001, one(turn_deg_min=turn)))
    assert float(found["turn"]) == pytest.approx(expected, rel=0.05)


@given(MMSIS, NAMES, st.integers(0, 9_999_999), SHIP_TYPES, st.floats(0, 500), st.floats(0, 80), st.floats(0, 25))
def test_class_a_static_survives(mmsi, name, imo, ship_type, length, beam, draught):
    who = Identity(mmsi, name, "ABC1234", imo, ship_type, length, beam, draught, "SGSIN")
    found = decoded(messages.class_a_statics(who, 1))
    assert (found["msg_type"], found["mmsi"], found["imo"], found["ship_type"]) == (5, mmsi, imo, ship_type)
    assert (found["shipname"], found["callsign"], found["destination"]) == (name, "ABC1234", "SGSIN")
    assert found["to_bow"] + found["to_stern"] == round(length)
    assert found["to_port"] + found["to_starboard"] == round(beam)
    assert found["draught"] == pytest.approx(draught, abs=0.051)


@given(MMSIS, NAMES, SHIP_TYPES)
def test_class_b_static_survives(mmsi, name, ship_type):
    part_a, part_b = messages.class_b_statics(Identity(mmsi, name, "XYZ99", ship_type=ship_type, length_m=12.0), 1)
    found_a, found_b = decoded(part_a), decoded(part_b)
    assert (found_a["mmsi"], found_a["partno"], found_a["shipname"]) == (mmsi, 0, name)
    assert (found_b["mmsi"], found_b["partno"], found_b["ship_type"]) == (mmsi, 1, ship_type)
    assert (found_b["callsign"], found_b["to_bow"] + found_b["to_stern"]) == ("XYZ99", 12)


@given(st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31)), LATITUDES, LONGITUDES)
def test_base_station_survives(moment, lat, lon):
    t_ms = int(moment.replace(tzinfo=UTC, microsecond=0).timestamp() * 1000)
    found = decoded(messages.base_stations(5_670_001, np.array([t_ms]), lat, lon))
    told = [found[part] for part in ("year", "month", "day", "hour", "minute", "second")]
    assert told == [moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second]
    assert (found["msg_type"], found["mmsi"]) == (4, 5_670_001)
    assert (found["lat"], found["lon"]) == (pytest.approx(lat, abs=2e-6), pytest.approx(lon, abs=2e-6))


@given(NAMES, LATITUDES, LONGITUDES)
def test_aid_to_navigation_survives(name, lat, lon):
    found = decoded(messages.aids_to_navigation(995_670_001, name, 14, np.array([T_MS]), lat, lon))
    assert (found["msg_type"], found["mmsi"], found["aid_type"], found["name"]) == (21, 995_670_001, 14, name)
    assert (found["lat"], found["lon"]) == (pytest.approx(lat, abs=2e-6), pytest.approx(lon, abs=2e-6))


@pytest.mark.parametrize("text", ["SART ACTIVE", "MOB TEST", "EPIRB ACTIVE"])
def test_safety_text_survives(text):
    found = decoded(messages.safety_texts(970_123_456, text, 1))
    assert (found["msg_type"], found["mmsi"], found["text"]) == (14, 970_123_456, text)


@given(st.lists(st.tuples(st.integers(1, 30), st.integers(0, 2**30 - 1)), min_size=1, max_size=20))
def test_bits_are_packed_in_order_from_the_most_significant(fields):
    """The slow twin: the same fields as one string of zeros and ones."""
    values = [value % 2**width for width, value in fields]
    table = [Field(str(i), width) for i, (width, _) in enumerate(fields)]
    payload = encode(table, {str(i): value for i, value in enumerate(values)}, 1)
    text = "".join(format(value, f"0{width}b") for (width, _), value in zip(fields, values, strict=True))
    codes = [int(text[i : i + 6].ljust(6, "0"), 2) for i in range(0, len(text), 6)]
    assert payload.chars.tobytes().decode() == "".join(chr(code + (48 if code < 40 else 56)) for code in codes)
    assert payload.fill_bits == -len(text) % 6


@pytest.mark.parametrize(("in_ms", "clock"), [(True, b"c:1773446400123*"), (False, b"c:1773446400*")])
def test_tag_block_tells_station_and_time(in_ms, clock):
    line = log(messages.class_b_positions(235_000_001, one()), "PHUKET", in_ms)
    assert line.startswith(b"\\s:PHUKET," + clock)
    assert line.endswith(b"\r\n")


@given(st.binary(min_size=0, max_size=3))
def test_checksums_hold_for_sentence_and_tag_block(seed):
    number = int.from_bytes(seed or b"\0", "big")
    for line in log(messages.class_a_statics(Identity(number + 1, "CHECK"), 3)).splitlines():
        _, tag_block, sentence = line.split(b"\\")
        for body, told in (tag_block.split(b"*"), sentence[1:].split(b"*")):
            total = 0
            for byte in body:
                total ^= byte
            assert int(told, 16) == total


def test_two_sentences_share_a_group_and_fit_into_82_characters():
    first, second = log(messages.class_a_statics(Identity(235_000_001), 1)).splitlines(keepends=True)
    assert first.startswith(b"\\g:1-2-1000,s:TEST,c:1773446400123*")
    assert second.startswith(b"\\g:2-2-1000*")
    assert max(len(line.split(b"\\")[-1]) for line in (first, second)) <= 82


def test_merge_puts_every_row_at_its_rank():
    long_rows = np.frombuffer(b"aaaabbbb", np.uint8).reshape(2, 4)
    short_rows = np.frombuffer(b"xyz", np.uint8).reshape(3, 1)
    assert merge([long_rows, short_rows], [np.array([3, 0]), np.array([4, 1, 2])]) == b"bbbbyzaaaax"
