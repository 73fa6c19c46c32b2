"""What the bulk decoder makes of each framing, of time, of defects; and that the split into blocks does not matter."""

import math
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from maritime.ais.decoder import Decoder
from maritime.ais.layout import LINE_LIMIT_BYTES
from maritime.ais.messages import decode_all, sentence
from maritime.columns import CLOCK_SCHEMA, PROVENANCE_SCHEMA, STATIC_SCHEMA, SourceTable
from maritime.errors import UsageError
from maritime.times import from_rfc3339
from tests import naive_ais
from tests.ais.logs import ALL_FRAMINGS, CLASS_A, STATIC_1, STATIC_2, Decoded, decode, nmea, read, shared_logs, tagged

T0_MS = 1_577_836_800_000  # 2020-01-01


def times(decoded: Decoded) -> list[int]:
    return decoded.positions["t"].to_pylist()


def names(decoded: Decoded) -> list[str]:
    return [decoded.sources.name(code) for code in decoded.positions["source"].to_pylist()]


# ------------------------------------------------------------------------------------------------ one framing each


@pytest.mark.parametrize(
    ("line", "t_ms", "source"),
    [
        (tagged(sentence(CLASS_A, 0), "s:2573555", "c:1577836800"), T0_MS, "2573555"),
        (tagged(sentence(CLASS_A, 0, "BS"), "c:1577836800123"), T0_MS + 123, "feed"),
        (tagged(sentence(CLASS_A, 0, "B2"), "c:1577836800.5", "s:x"), T0_MS + 500, "x"),
        (tagged(sentence(CLASS_A, 0), "s:42809", "c:1577836800", "t:1635731965"), T0_MS, "42809"),
        (sentence(CLASS_A, 0) + b",d-109,S2105,t0.00,T56.1,r003669946,1577836899,1577836800", T0_MS, "003669946"),
        (sentence(CLASS_A, 0) + b",b003669794,1577836800", T0_MS, "003669794"),
        (sentence(CLASS_A, 0) + b",1577836800", T0_MS, "feed"),
        (b"2020-01-01T00:00:00Z " + sentence(CLASS_A, 0), T0_MS, "feed"),
        (b"2020-01-01 01:00:00.250+01:00 " + sentence(CLASS_A, 0), T0_MS + 250, "feed"),
        (b"20200101T000000Z " + sentence(CLASS_A, 0), T0_MS, "feed"),
        (b"20200101000000 " + sentence(CLASS_A, 0), T0_MS, "feed"),
        (b"1577836800 " + sentence(CLASS_A, 0), T0_MS, "feed"),
        (b"1577836800.75 " + sentence(CLASS_A, 0), T0_MS + 750, "feed"),
        (b"1577836800123 " + sentence(CLASS_A, 0), T0_MS + 123, "feed"),
        (b"1577836800123456789 " + sentence(CLASS_A, 0), T0_MS + 123, "feed"),
        (b"[2020-01-01 00:00:00] " + sentence(CLASS_A, 0), T0_MS, "feed"),
        (b"1577836800," + sentence(CLASS_A, 0), T0_MS, "feed"),
        (b"01/01/20 00:00:00:075 " + tagged(sentence(CLASS_A, 0), "s:abc"), T0_MS + 75, "abc"),
        (b'"01/01/2020 00:00:00" ' + sentence(CLASS_A, 0), T0_MS, "feed"),
        (nmea("$PGHP,1,2020,1,1,0,0,0,42,239,0,2391100,1,2C") + b"\n" + sentence(CLASS_A, 0), T0_MS + 42, "2391100"),
        (nmea("$PGHP,1,2020,1,1,0,0,0,42,239,7,,1,2C") + b"\n" + sentence(CLASS_A, 0), T0_MS + 42, "7"),
        (nmea("$GPZDA,000000.00,01,01,2020,00,00") + b"\n" + sentence(CLASS_A, 0), T0_MS, "feed"),
        (nmea("$GPZDA,000000,01,01,20,-02,00") + b"\n" + sentence(CLASS_A, 0), T0_MS, "feed"),
        (nmea("$IIRMC,000000,A,,,,,,,010120,,") + sentence(CLASS_A, 0), T0_MS, "feed"),
        (b"  " + sentence(CLASS_A, 0).replace(b"VDM", b"VDO").replace(b"*4A", b"*48"), T0_MS - 1, "feed"),
    ],
)
def test_time_and_source_of_a_line(line: bytes, t_ms: int, source: str) -> None:
    decoded = decode(line + b"\r\n", start_ms=T0_MS - 1, feed="feed")
    assert decoded.rejects == []
    assert times(decoded) == [t_ms]
    assert names(decoded) == [source]
    assert decoded.positions["mmsi"].to_pylist() == [371_798_000]


def test_rows_have_the_schemas_and_the_fields_of_a_known_message() -> None:
    decoded = decode(tagged(sentence(CLASS_A, 0), "c:1577836800"))
    assert decoded.positions.schema == PROVENANCE_SCHEMA
    assert decoded.statics.schema == STATIC_SCHEMA
    assert decoded.clock.schema == CLOCK_SCHEMA
    row = decoded.positions.to_pylist()[0]
    assert row == {
        "mmsi": 371_798_000,
        "t": T0_MS,
        "lat": pytest.approx(48.38163333333),  # gpsd's sample.aivdm
        "lon": pytest.approx(-123.395383333),
        "sog": pytest.approx(12.3),
        "cog": 224.0,
        "heading": 215.0,
        "nav_status": 0,
        "msg_type": 1,
        "source": 0,
        "line": 1,
        "utc_s": 33,
    }


def test_group_members_inherit_time_and_source() -> None:
    log = b"\n".join(
        [
            tagged(nmea(f"!AIVDM,2,1,7,B,{STATIC_1},0"), "g:1-2-99", "s:first", "c:1577836800"),
            tagged(nmea(f"!AIVDM,2,1,7,B,{STATIC_1},0"), "g:1-2-98", "s:other", "c:1577836801"),
            tagged(nmea(f"!AIVDM,2,2,7,B,{STATIC_2},2"), "g:2-2-98"),
            tagged(nmea(f"!AIVDM,2,2,7,B,{STATIC_2},2"), "g:2-2-99"),
            tagged(sentence(CLASS_A, 0), "1G2:5", "s:old", "c:1577836802"),
            tagged(sentence(CLASS_A, 0), "2G2:5"),
            tagged(sentence(CLASS_A, 0), "g:2-2-99"),  # that group is over
        ]
    )
    decoded = decode(log)
    assert decoded.statics["t"].to_pylist() == [T0_MS + 1000, T0_MS]
    assert times(decoded) == [T0_MS + 2000, T0_MS + 2000]
    assert names(decoded) == ["old", "old"]
    assert decoded.reasons == ["no_time"]


def test_static_fields_of_parts_that_are_interleaved_over_stations() -> None:
    parts = [nmea(f"!AIVDM,2,1,7,B,{STATIC_1},0"), nmea(f"!AIVDM,2,2,7,B,{STATIC_2},2")]
    log = b"\n".join(tagged(part, f"s:{name}", "c:1577836800") for part in parts for name in "abc")
    decoded = decode(log)
    assert decoded.rejects == []
    row = decoded.statics.to_pylist()[2]
    assert row == {
        "mmsi": 351_759_000,
        "t": T0_MS,
        "imo": 9_134_270,
        "call_sign": "3FOF8",
        "name": "EVER DIADEM",
        "ship_type": 70,
        "length_m": 295.0,
        "beam_m": 32.0,
        "draught_m": pytest.approx(12.2),
        "destination": "NEW YORK",
        "eta": "05-15 14:00",
    }


def test_parts_out_of_time_or_of_order_are_not_joined() -> None:
    first, second = nmea(f"!AIVDM,2,1,7,B,{STATIC_1},0"), nmea(f"!AIVDM,2,2,7,B,{STATIC_2},2")
    late = tagged(first, "c:1577836800") + b"\n" + tagged(second, "c:1577836811")
    assert decode(late).reasons == ["incomplete_multipart", "incomplete_multipart"]
    swapped = tagged(second, "c:1577836800") + b"\n" + tagged(first, "c:1577836800")
    decoded = decode(swapped)
    assert [(reject.line, reject.reason) for reject in decoded.rejects] == [
        (1, "incomplete_multipart"),
        (2, "incomplete_multipart"),
    ]
    assert decoded.rejects[1].content == tagged(first, "c:1577836800")


# ------------------------------------------------------------------------------------------------ time of untimed logs


def test_untimed_messages_wait_for_a_clock_or_are_refused() -> None:
    station = sentence("402=481uaUcf;OQ55JS9ITi025Jp", 0)  # 2010-06-11T11:46:11Z
    log = b"\n".join([sentence(CLASS_A, 0), station, sentence(CLASS_A, 0)])
    station_ms = next(decode_all([station]))["t"]
    decoded = decode(log)
    assert decoded.reasons == ["no_time"]
    assert times(decoded) == [from_rfc3339(station_ms)] * 2
    assert decoded.clock.num_rows == 0  # its own time cannot check it
    started = decode(log, start_ms=T0_MS)
    assert times(started)[0] == T0_MS
    assert started.rejects == []


def test_one_base_station_far_off_is_not_believed_before_a_second_agrees() -> None:
    def station(hour: int) -> bytes:
        bits = f"{4:06b}{0:02b}{2573555:030b}{2020:014b}{1:04b}{1:05b}{hour:05b}{0:06b}{0:06b}{0:01b}"
        bits += f"{0:028b}{0:027b}{1:04b}{0:010b}{0:01b}{0:019b}"
        payload = "".join(naive_ais._ARMOR[int(bits[k : k + 6], 2)] for k in range(0, 168, 6))
        return sentence(payload, 0)

    hours = [0, 9, 0, 9, 9]
    assert [(t - T0_MS) / 3_600_000 for t in times(decode(b"\n".join(map(station, hours))))] == [0, 0, 0, 0, 9]


def test_base_stations_check_a_clock_of_the_receiver() -> None:
    log = tagged(sentence("402=481uaUcf;OQ55JS9ITi025Jp", 0), "s:x", "c:1577836800")
    (row,) = decode(log).clock.to_pylist()
    assert (row["t"], row["source"]) == (T0_MS, 1)
    assert row["reported"] == from_rfc3339("2010-06-11T11:46:11Z")


# ------------------------------------------------------------------------------------------------ defects


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"!AIVDM,1,1,,A,15RTgt0PAso;90TKcjM8h6g208CQ,0*4B", "bad_checksum"),
        (b"!AIVDM,1,1,,A,15RTgt0PAso;90TKcjM8h6g208CQ,0*4", "bad_checksum"),
        (b"!AIVDM,1,1,,A,15RTgt0PAso;90TKcjM8h6g208CQ,0", "missing_checksum"),
        (b"\\c:1577836800*00\\!AIVDM,1,1,,A,15RTgt0PAso;90TKcjM8h6g208CQ,0*4A", "bad_tag_block"),
        (b"\\c:1577836800\\!AIVDM,1,1,,A,15RTgt0PAso;90TKcjM8h6g208CQ,0*4A", "bad_tag_block"),
        (b"AIVDM,1,1,,A,15RTgt0PAso;90TKcjM8h6g208CQ,0*4A", "unknown_sentence"),
        (nmea("!AIVDM,1,1"), "malformed_sentence"),
        (nmea("!AIVDM,2,3,1,A,1,0"), "bad_part_number"),
        (nmea("!AIVDM,0,0,1,A,1,0"), "bad_part_number"),
        (nmea("!AIVDM,1,1,x,A,1,0"), "malformed_sentence"),
        (nmea("!AIVDM,1,1,,A,15RTgt0PAso;90TKcjM8h6g208CQ,6"), "bad_fill_bits"),
        (nmea("!AIVDM,1,1,,A,,0"), "empty_payload"),
        (nmea("!AIVDM,1,1,,A,15RTgt0PAsoX90TKcjM8h6g208CQ,0"), "bad_armor"),
        (nmea("!AIVDM,1,1,,A," + "1" * 201 + ",0"), "payload_too_long"),
        (nmea("!AIVDM,2,2,1,A,15,0"), "incomplete_multipart"),
        (nmea("!AIVDM,2,1,1,A,15,0"), "incomplete_multipart"),
        (nmea("!AIVDM,1,1,,A,15RTgt0PAso;90,0"), "truncated_payload"),
        (nmea("!AIVDM,1,1,,A,1,3"), "truncated_payload"),
        (nmea("!AIVDM,1,1,,A,05RTgt0PAso;90TKcjM8h6g208CQ,0"), "unknown_message_type"),
        (nmea("!AIVDM,1,1,,A,l5RTgt0PAso;90TKcjM8h6g208CQ,0"), "unknown_message_type"),
        (nmea("$PGHP,1,2020,1,1,0,0,0,42,239,0,2391100,1,2C")[:-2] + b"00", "bad_checksum"),
        (b"!AIVDM" + b"x" * LINE_LIMIT_BYTES, "line_too_long"),
    ],
)
def test_each_defect_has_its_reason(line: bytes, reason: str) -> None:
    decoded = decode(b"\n" + line + b"\n", start_ms=T0_MS)
    (reject,) = decoded.rejects
    assert (reject.file, reject.line, reject.reason, reject.content) == ("log", 2, reason, line[:1024])
    assert decoded.reject_counts == {reason: 1}
    assert decoded.positions.num_rows == decoded.statics.num_rows == 0


def position_sentence(lat_deg: float, lon_deg: float) -> bytes:
    lon, lat = round(lon_deg * 600_000) & 0xFFFFFFF, round(lat_deg * 600_000) & 0x7FFFFFF
    bits = f"{1:06b}{0:02b}{257000001:030b}{0:04b}{0:08b}{1023:010b}{0:01b}{lon:028b}{lat:027b}{3600:012b}{511:09b}"
    bits += f"{60:06b}{0:025b}"
    return sentence("".join(naive_ais._ARMOR[int(bits[k : k + 6], 2)] for k in range(0, 168, 6)), 0)


def test_sentinels_are_unknown_and_a_withheld_position_is_a_row() -> None:
    (row,) = decode(position_sentence(91, 181), start_ms=T0_MS).positions.to_pylist()
    assert all(math.isnan(row[name]) for name in ("lat", "lon", "sog", "cog", "heading"))
    assert row["utc_s"] == 60


@pytest.mark.parametrize(
    ("lat_deg", "lon_deg", "reason"),
    [
        (91, 10, "half_position"),
        (10, 181, "half_position"),
        (90.1, 10, "position_out_of_range"),
        (10, -180.1, "position_out_of_range"),
        (10, 190, "position_out_of_range"),
    ],
)
def test_positions_that_are_none_are_refused(lat_deg: float, lon_deg: float, reason: str) -> None:
    assert decode(position_sentence(lat_deg, lon_deg), start_ms=T0_MS).reasons == [reason]


def test_other_sentences_comments_and_blank_lines_are_no_rejects() -> None:
    log = b"# x !AIVDM,bad\n\n   \r\r\n$GPGGA,1,2*00\n!AIABM,1,1,0,,0,0,,0*00\n$GPRMC,bad\n\\x0d\\x0a\nhello\n"
    decoded = decode(log + position_sentence(1, 2))
    assert decoded.reasons == ["no_time"]
    assert decoded.rejects[0].line == 10


def test_sentences_joined_on_a_line_are_each_decoded() -> None:
    whole = position_sentence(1, 2)
    log = tagged(whole, "c:1577836800") + whole + whole[:20] + whole + nmea("$GPGGA,1") + whole
    decoded = decode(log)
    assert times(decoded) == [T0_MS] * 4
    assert decoded.reasons == ["missing_checksum"]


def test_rejects_beyond_the_limit_are_counted() -> None:
    decoded = decode(b"!AIVDM,bad\n" * 50, kept=7)
    assert len(decoded.rejects) == 7
    assert decoded.reject_counts == {"missing_checksum": 50}


def test_a_line_of_ten_megabytes_is_one_reject_in_bounded_memory() -> None:
    sources = SourceTable()
    decoder = Decoder(sources, start_ms=T0_MS)
    counts: dict[str, int] = {}
    for block in [b"!AIVDM,"] + [b"0" * 65_536] * 160 + [b"\n" + position_sentence(1, 2) + b"\n"]:
        chunk = decoder.feed(block)
        counts |= chunk.reject_counts
    assert counts == {"line_too_long": 1}
    assert chunk.positions["line"].to_pylist() == [2]
    assert decoder._framer._rest.size == 0


def test_unfinished_messages_are_bounded_and_all_of_them_refused() -> None:
    first = [nmea(f"!AIVDM,2,1,{k % 10},A,{STATIC_1},0") for k in range(10)]
    lines = [tagged(first[k % 10], f"s:{k}", "c:1577836800") for k in range(20_000)]
    decoded = decode(b"\n".join(lines), kept=20_000)
    assert decoded.reject_counts == {"incomplete_multipart": 20_000}
    assert sorted(reject.line for reject in decoded.rejects) == list(range(1, 20_001))


def test_names_beyond_the_limit_share_the_last_code() -> None:
    whole = position_sentence(1, 2)
    log = b"\n".join(tagged(whole, f"s:station{k}", "c:1577836800") for k in range(SourceTable.LIMIT + 50))
    decoded = decode(log)
    told = names(decoded)
    assert told[:2] == ["station0", "station1"]
    assert told[-1] == told[-50] == "(other)"
    assert len(decoded.sources) == SourceTable.LIMIT


@pytest.mark.parametrize("start_ms", [0, -5, 5_000_000_000_000])
def test_a_start_that_is_no_time_is_refused(start_ms: int) -> None:
    with pytest.raises(UsageError, match=str(start_ms)):
        Decoder(SourceTable(), start_ms=start_ms)


# ------------------------------------------------------------------------------------------------ slow twin, splits


def framed(log: bytes, cuts: list[int] | None = None) -> tuple[list[tuple[object, ...]], list[tuple[int, str]]]:
    """Messages and refused sentences of the compiled framing; times of lines and own ship only."""
    from maritime.ais.framing import Framer
    from maritime.ais.layout import NO_TIME, REASONS

    framer, messages, rejects, sources = Framer(), [], [], [""]
    places = [0, *sorted(cuts or []), len(log)]
    blocks = [log[start:stop] for start, stop in pairwise(places)]
    for number, block in enumerate(blocks):
        framer.feed(block, final=number == len(blocks) - 1)
        sources += [name for _, name in framer.new_names()]
        for m in framer.messages:
            chars = framer.sixbit[m["start"] : m["start"] + -(-m["n_bits"] // 6)]
            t_ms = None if m["t"] == NO_TIME else int(m["t"])
            payload = "".join(naive_ais._ARMOR[char] for char in chars)
            messages.append((int(m["line"]), payload, chars.size * 6 - int(m["n_bits"]), t_ms, sources[m["source"]]))
        rejects += [(int(r["line"]), REASONS[r["reason"]]) for r in framer.rejects]
    return messages, rejects


def assert_as_the_slow_twin(log: bytes) -> None:
    twin = naive_ais.frame(log)
    messages, rejects = framed(log)
    assert messages == [(m.line, m.payload, m.fill_bits, m.t_ms, m.source) for m in twin.messages]
    assert rejects == twin.rejects


@pytest.mark.parametrize("path", shared_logs())
def test_framing_equals_its_slow_twin_on_real_logs(path: Path) -> None:
    assert_as_the_slow_twin(read(path)[:1_000_000])


def test_framing_equals_its_slow_twin_on_every_framing() -> None:
    assert_as_the_slow_twin(ALL_FRAMINGS)


PIECES = [line for line in ALL_FRAMINGS.split(b"\r\n") if len(line) < 1000] + [
    *(b"\n", b"\r", b"\r\n", b" ", b"!", b"$", b"\\", b"*", b",", b"\x00", b"\xff", b"VDM,", b"!AIVDM,", b"\\s:a*12\\"),
    *(b"1577836800 ", b"2020-01-01T00:00:00Z ", b"$GPRMC,", b",r1,1577836800", tagged(b"", "g:1-3-4", "c:1577836800")),
]


@given(st.lists(st.sampled_from(PIECES) | st.binary(max_size=6), max_size=30).map(b"".join))
@example(sentence(CLASS_A, 0) + b",b\x80")
@example(b"$PGHP")
@example(b"$*" + sentence(CLASS_A, 0))
@example(sentence(CLASS_A, 0) + b",r003669946,1577836806,b")
@settings(max_examples=300)
def test_framing_equals_its_slow_twin_on_any_soup(log: bytes) -> None:
    assert_as_the_slow_twin(log)


WHOLE = decode(ALL_FRAMINGS).everything


@given(st.lists(st.integers(0, len(ALL_FRAMINGS)), max_size=12))
@settings(max_examples=100)
def test_any_split_into_blocks_gives_the_same(cuts: list[int]) -> None:
    assert decode(ALL_FRAMINGS, cuts=cuts).everything() == WHOLE()


def test_one_byte_at_a_time_gives_the_same() -> None:
    log = ALL_FRAMINGS.replace(b"0" * 70_000, b"0" * 700)
    assert decode(log, cuts=list(range(len(log)))).everything() == decode(log).everything()


@pytest.mark.parametrize("path", shared_logs())
def test_real_logs_split_anywhere_give_the_same(path: Path) -> None:
    log = read(path)[:200_000]
    for step in (997, 65_536):
        assert (
            decode(log, cuts=list(range(0, len(log), step)), start_ms=T0_MS).everything()
            == decode(log, start_ms=T0_MS).everything()
        )
