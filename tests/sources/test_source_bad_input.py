"""Bad inputs: what is wrong is told, what is good comes through, and the next file is read."""

import bz2
import gzip
import io
import lzma
import os
import random
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from maritime.columns import SourceTable
from maritime.sources.blocks import LONGEST_LINE
from maritime.sources.inputs import Inputs
from tests.sources.gather import gather

HEADER = "mmsi,time,lat,lon,name\n"
GOOD = "257000001,2020-01-01T00:00:00Z,60,5,NORD\n"
NEWEST_MS = 1_600_000_000_000


def zstd(content: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return sink.getvalue().to_pybytes()


def zipped(**files: bytes) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "."), content)
    return sink.getvalue()


COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zstd,
    "zip": lambda content: zipped(day__csv=content),
}


def many_rows(count: int) -> bytes:
    chance = random.Random(1)
    rows = (
        f"257000001,2020-01-01T00:00:00Z,{chance.uniform(-90, 90)},{chance.uniform(-180, 180)},\n" for _ in range(count)
    )
    return (HEADER + "".join(rows)).encode()


@pytest.mark.parametrize("container", COMPRESSORS)
def test_content_decides_and_not_the_name(tmp_path: Path, container: str) -> None:
    path = tmp_path / "holiday.jpg"
    path.write_bytes(COMPRESSORS[container]((HEADER + GOOD).encode()))
    got = gather(path)
    assert [(r.format, r.container) for r in got.reads] == [("generic", container)]
    assert [row["mmsi"] for row in got.rows] == [257000001]
    assert got.rows[0]["file"] == (f"{path}!day.csv" if container == "zip" else str(path))
    assert not got.failures


@pytest.mark.parametrize("container", COMPRESSORS)
def test_truncated_archives_give_the_rows_before_the_break(tmp_path: Path, container: str) -> None:
    whole = many_rows(30_000)
    packed = COMPRESSORS[container](whole)
    path = tmp_path / f"day.{container}"
    path.write_bytes(packed[: len(packed) * 2 // 3])
    got = gather(path)
    lines = whole.decode().splitlines()
    assert 10_000 < len(got.rows) < 25_000
    for row in got.rows[::500]:
        assert (row["lat"], row["lon"]) == tuple(float(text) for text in lines[row["line"] - 1].split(",")[2:4])
    assert got.rows[-1]["line"] == len(got.rows) + 1
    assert set(got.counts) <= {"line_cut"}
    assert "cut off" in got.failures[0].reason or "to its end" in got.failures[0].reason
    assert got.bytes_read == got.total_bytes


def test_a_truncated_nmea_log_gives_the_sentences_before_the_break(tmp_path: Path) -> None:
    line = b"1550303566167726840 !AIVDM,1,1,,B,10bb7q@P0lPGHlVMhbl0Qgw>2>`<,0*7F\n"
    chance = random.Random(2)
    noise = b"".join(b"# %d\n" % chance.getrandbits(64) + line for _ in range(5_000))
    packed = gzip.compress(noise)
    path = tmp_path / "log.gz"
    path.write_bytes(packed[: len(packed) // 2])
    got = gather(path)
    assert 1_000 < len(got.rows) < 4_000
    assert len(got.failures) == 1


def test_a_flipped_byte_in_a_zip_is_told(tmp_path: Path) -> None:
    packed = bytearray(zipped(day__csv=many_rows(5_000)))
    packed[len(packed) // 2] ^= 0xFF
    (tmp_path / "day.zip").write_bytes(packed)
    assert len(gather(tmp_path / "day.zip").failures) == 1


@pytest.mark.parametrize("container", ["gz", "zst", "zip"])
def test_archive_bombs_are_stopped(tmp_path: Path, container: str) -> None:
    bomb = COMPRESSORS[container](HEADER.encode() + GOOD.encode() * 3_000_000)  # 126 MB of one line
    (tmp_path / "bomb").write_bytes(bomb)
    tracemalloc.start()
    got = gather_counts(tmp_path / "bomb")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "archive bomb" in got
    assert peak < 64 << 20


def gather_counts(path: Path) -> str:
    return gather_counts_below(path, 2_000_000)


def gather_counts_below(path: Path, most: int) -> str:
    inputs = Inputs([path], SourceTable())
    rows = sum(chunk.positions.num_rows for chunk in inputs)
    assert rows < most
    return inputs.failures[0].reason


def test_an_archive_of_many_members_is_one_bomb(tmp_path: Path) -> None:
    """Each member alone stays below what may expand freely; the first two may."""
    content = HEADER.encode() + GOOD.encode() * 700_000  # 29 MB of one line
    (tmp_path / "many.zip").write_bytes(zipped(**{f"{k}__csv": content for k in range(5)}))
    got = gather_counts(tmp_path / "many.zip")
    assert "archive bomb" in got


def test_members_that_lie_over_each_other_count_once(tmp_path: Path) -> None:
    """The directory names one member of 29 MB a thousand times."""
    packed = zipped(a__csv=HEADER.encode() + GOOD.encode() * 700_000)
    begin, end = packed.index(b"PK\x01\x02"), packed.index(b"PK\x05\x06")
    directory = packed[begin:end] * 1000
    tail = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 1000, 1000, len(directory), begin, 0)
    (tmp_path / "over.zip").write_bytes(packed[:begin] + directory + tail)
    inputs = Inputs([tmp_path / "over.zip"], SourceTable())
    assert sum(chunk.positions.num_rows for chunk in inputs) < 2_000_000
    assert ["archive bomb" in failure.reason for failure in inputs.failures] == [True, True]


def test_a_parquet_bomb_is_stopped(tmp_path: Path) -> None:
    same = {"mmsi": 257000001, "t": 1577836800, "lat": 60.0, "lon": 5.0}
    columns = {name: pa.repeat(pa.scalar(value), 4_000_000) for name, value in same.items()}
    pq.write_table(pa.table(columns), tmp_path / "bomb.parquet")
    assert "archive bomb" in gather_counts_below(tmp_path / "bomb.parquet", 4_000_000)


def test_a_damaged_zip_directory_is_told(tmp_path: Path) -> None:
    packed = bytearray(zipped(a__csv=(HEADER + GOOD).encode(), b__csv=(HEADER + GOOD).encode()))
    packed[packed.index(b"PK\x01\x02") + 32] = 60  # the length of the first comment: it swallows the second member
    (tmp_path / "day.zip").write_bytes(packed)
    got = gather(tmp_path / "day.zip")
    assert len(got.rows) == 1
    assert ["its directory lists 1 of 2 members" in f.reason for f in got.failures] == [True]


def test_an_encrypted_member_is_told_and_the_others_are_read(tmp_path: Path) -> None:
    packed = bytearray(zipped(a__csv=(HEADER + GOOD).encode(), b__csv=(HEADER + GOOD).encode()))
    directory = packed.index(b"PK\x01\x02")
    packed[directory + 8] |= 1
    (tmp_path / "day.zip").write_bytes(packed)
    got = gather(tmp_path / "day.zip")
    assert [(f.file, f.reason) for f in got.failures] == [
        (f"{tmp_path}/day.zip!a.csv", "is encrypted; decrypt it first")
    ]
    assert [row["file"] for row in got.rows] == [f"{tmp_path}/day.zip!b.csv"]


def test_a_gz_inside_a_zip_is_read_and_a_zip_inside_a_zip_is_not(tmp_path: Path) -> None:
    inner = zipped(day__csv=(HEADER + GOOD).encode())
    (tmp_path / "day.zip").write_bytes(zipped(a__gz=gzip.compress((HEADER + GOOD).encode()), b__zip=inner))
    got = gather(tmp_path / "day.zip")
    assert [(r.container, r.positions) for r in got.reads] == [("zip/gz", 1), ("zip", 0)]
    assert ["cannot be streamed" in f.reason for f in got.failures] == [True]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b" \n\n", "holds nothing but blanks"),
        (b"\x7fELF\x01\x02\x03 nothing of ours", "is of no known format: it begins with b'\\x7fELF"),
        (b"Dear Sir,\nplease find no data here.\n", "is of no known format"),
        (b"mmsi,time,lat\n1,2020-01-01T00:00:00Z,5\n", "has no column for the longitude; it has mmsi, time, lat"),
        (b"a,b,c,d\n1,2,3,4\n", "has no column for the MMSI, the time, the latitude, the longitude"),
        (b'{"a": 1, "b": [', "is no JSON document"),
        (b"PK\x03\x04 but no zip", "is a zip without its directory"),
        (zipped(), "is an archive without members"),
        (b"PAR1 but no parquet", "cannot be read to its end"),
        (b"mmsi,time,lat,lon\n1,03/04/2020 10:00,3,4\n", "say in a mapping whether days or months come first"),
        ((HEADER + GOOD * 9).replace("\n", "\r").encode(), "ends with CR alone"),
        (f"mmsi,time,lat,lon,{'n' * 200_000}\n".encode(), "has a header that is too long"),
        ((HEADER + GOOD).encode("utf-16"), "is UTF-16 text"),
        (b"[" * 100_000, "is no JSON document"),
        (b"!AIVDM,1,1,,A,15RTgt0PAso;90TKcjM8h6g208CQ,0*4A\n", "say with --start when the log begins"),
    ],
)
def test_whole_failures_say_why(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    (tmp_path / "b.csv").write_text(HEADER + GOOD)
    got = gather(tmp_path)
    assert reason in got.failures[0].reason
    assert {f.file for f in got.failures} == {f"{tmp_path}/a.csv"}
    assert [row["file"] for row in got.rows] == [f"{tmp_path}/b.csv"]
    assert got.bytes_read == got.total_bytes


def test_missing_and_unreadable_files_are_told(tmp_path: Path) -> None:
    (tmp_path / "locked.csv").write_text(HEADER + GOOD)
    (tmp_path / "locked.csv").chmod(0)
    (tmp_path / "none").mkdir()
    got = gather(tmp_path / "gone.csv", tmp_path / "locked.csv", tmp_path / "none")
    reasons = {Path(f.file).name: f.reason for f in got.failures}
    assert reasons["gone.csv"].startswith("cannot be read (No such file")
    assert reasons["none"] == "is a directory without files"
    if os.geteuid():  # the superuser reads everything
        assert reasons["locked.csv"].startswith("cannot be read (Permission denied)")


def test_what_is_no_file_in_a_directory_is_told_and_never_waited_for(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(HEADER + GOOD)
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "device.csv").symlink_to("/dev/zero")
    (tmp_path / "gone.csv").symlink_to(tmp_path / "nowhere")
    (tmp_path / "self.csv").symlink_to("self.csv")
    got = gather(tmp_path)
    assert len(got.rows) == 1
    reasons = {Path(f.file).name: f.reason for f in got.failures}
    assert "is a pipe, socket or device" in reasons["pipe.csv"]
    assert "is a pipe, socket or device" in reasons["device.csv"]
    assert "No such file" in reasons["gone.csv"]
    assert "symbolic links" in reasons["self.csv"]
    assert gather(tmp_path / "pipe.csv").failures


def test_links_to_directories_are_followed_once(tmp_path: Path) -> None:
    (tmp_path / "days" / "deeper").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "b.csv").write_text(HEADER + GOOD)
    (tmp_path / "days" / "a.csv").write_text(HEADER + GOOD)
    (tmp_path / "days" / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "days" / "deeper" / "up").symlink_to(tmp_path / "days")
    got = gather(tmp_path / "days")
    assert sorted(Path(row["file"]).name for row in got.rows) == ["a.csv", "b.csv"]
    assert not got.failures


def test_a_file_that_vanishes_before_it_is_read_is_told(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text(HEADER + GOOD)
    inputs = Inputs([tmp_path], SourceTable())
    (tmp_path / "a.csv").unlink()
    assert sum(chunk.positions.num_rows for chunk in inputs) == 1
    assert ["No such file" in failure.reason for failure in inputs.failures] == [True]


def test_file_names_that_are_no_text_are_told_with_escapes(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.csv")).write_text(HEADER + GOOD + "x,y,z,w,v\n")
    got = gather(tmp_path)
    assert [row["file"] for row in got.rows] == [f"{tmp_path}/\\xff.csv"]
    assert [reject.file for reject in got.rejects] == [f"{tmp_path}/\\xff.csv"]


def test_rows_are_refused_each_with_line_reason_and_bytes(tmp_path: Path) -> None:
    faults = [
        ("", None),
        ("x,2020-01-01T00:00:00Z,60,5,A", "mmsi_invalid"),
        (",2020-01-01T00:00:00Z,60,5,A", "mmsi_invalid"),
        ("1000000000,2020-01-01T00:00:00Z,60,5,A", "mmsi_invalid"),
        ("257000001,2020-01-01T25:00:00Z,60,5,A", "time_invalid"),
        ("257000001,yesterday,60,5,A", "time_invalid"),
        ("257000001,1970-01-01T00:00:00Z,60,5,A", "time_out_of_range"),
        ("257000001,2099-01-01T00:00:00Z,60,5,A", "time_out_of_range"),
        ("257000001,2020-01-01T00:00:00Z,95,5,A", "position_out_of_range"),
        ("257000001,2020-01-01T00:00:00Z,60,-180.1,A", "position_out_of_range"),
        ("257000001,2020-01-01T00:00:00Z,north,5,A", "position_not_a_number"),
        ("257000001,2020-01-01T00:00:00Z,60,,A", "half_position"),
        ("257000001,2020-01-01T00:00:00Z,91,5,A", "half_position"),
        ("257000001,2020-01-01T00:00:00Z,60,5", "wrong_field_count"),
        ('257000001,2020-01-01T00:00:00Z,60,5,"A', None),
        ("257000001,2020-01-01T00:00:00Z,60,5,A,B", "wrong_field_count"),
    ]
    (tmp_path / "a.csv").write_text(HEADER + "".join(f"{text}\n{GOOD}" for text, _ in faults))
    got = gather(tmp_path / "a.csv", newest_ms=NEWEST_MS)
    expected = [(2 * i + 2, reason, text.encode()) for i, (text, reason) in enumerate(faults) if reason]
    assert [(r.line, r.reason, r.content) for r in got.rejects] == expected
    assert {r.file for r in got.rejects} == {str(tmp_path / "a.csv")}
    assert sum(got.counts.values()) == len(expected)
    assert len(got.rows) == len(faults) + 1
    assert not got.failures


def test_sentinels_are_unknown(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        "mmsi,time,lat,lon,sog,cog,heading,status\n"
        "257000001,2020-01-01T00:00:00Z,91,181,102.3,360,511,15\n"
        "257000001,2020-01-01T00:00:00Z,0,0,102.2,359.9,359,99\n"
        "257000001,2020-01-01T00:00:00Z,0,0.001,-1,-1,-1,x\n"
    )
    rows = gather(tmp_path / "a.csv").rows
    assert [(r["lat"], r["lon"]) for r in rows] == [(None, None), (None, None), (0.0, 0.001)]
    assert [(r["sog"], r["cog"], r["heading"]) for r in rows] == [
        (None, None, None),
        (pytest.approx(102.2), pytest.approx(359.9), 359.0),
        (None, None, None),
    ]
    assert [r["nav_status"] for r in rows] == [15, 15, 15]


def test_a_file_of_nothing_but_bad_rows_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(HEADER + "x,y,z,w,v\n" * 20)
    got = gather(tmp_path / "a.csv")
    assert got.counts == {"mmsi_invalid": 20}
    assert got.failures[0].reason.startswith(
        "holds no usable row: all 20 were refused, the first in line 2 for mmsi_inv"
    )


def test_future_and_ancient_times_in_sentences_are_refused(tmp_path: Path) -> None:
    sentence = "!AIVDM,1,1,,B,10bb7q@P0lPGHlVMhbl0Qgw>2>`<,0*7F"
    name = "!AIVDM,1,1,,A,H52N>V@T2rN1LU:1@u8m5@T00000,0*07"  # type 24: no position, and refused all the same
    times = ("567000000", "1550303566", "1950303566")
    (tmp_path / "a.nmea").write_text("".join(f"{t} {line}\n" for t in times for line in (sentence, name)))
    got = gather(tmp_path / "a.nmea", newest_ms=NEWEST_MS)
    assert [row["line"] for row in got.rows] == [3]
    assert len(got.statics) == 1
    assert [(r.line, r.reason) for r in got.rejects] == [(line, "time_out_of_range") for line in (1, 2, 5, 6)]
    assert got.rejects[0].content == f"567000000 {sentence}".encode()
    assert got.rejects[3].content == f"1950303566 {name}".encode()


def test_a_base_station_whose_clock_cannot_be_is_not_believed(tmp_path: Path) -> None:
    station, sentence = (
        "!AIVDM,1,1,,A,402=481uaUcf;OQ55JS9ITi025Jp,0*28",
        "!AIVDM,1,1,,B,10bb7q@P0lPGHlVMhbl0Qgw>2>`<,0*7F",
    )
    (tmp_path / "a.nmea").write_text(f"{station}\n{sentence}\n")
    assert len(gather(tmp_path / "a.nmea", newest_ms=NEWEST_MS).rows) == 2
    assert gather(tmp_path / "a.nmea", newest_ms=1_200_000_000_000).counts == {"no_time": 2}


def test_numbers_beyond_all_reason_are_unknown_or_refused(tmp_path: Path) -> None:
    eta = ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00")
    (tmp_path / "a.csv").write_text(
        "mmsi,time,lat,lon,name,imo,eta\n"
        + f"257000001,2020-01-01T00:00:00Z,60,5,A,{'9' * 5000},{eta[0]}\n"
        + f"257000002,2020-01-01T00:00:00Z,60,5,B,IMO9123456,{eta[1]}\n"
        + f"257000003,{eta[0]},60,5,C,,\n257000004,{eta[1]},60,5,D,,\n"
    )
    got = gather(tmp_path / "a.csv")
    assert [(s["name"], s["imo"], s["eta"]) for s in got.statics] == [("A", None, eta[0]), ("B", 9123456, eta[1])]
    assert got.counts == {"time_out_of_range": 2}


def test_parquet_times_of_any_unit_and_reach(tmp_path: Path) -> None:
    good_s = 1_577_836_800
    for unit, a_second in (("s", 1), ("ms", 10**3), ("us", 10**6), ("ns", 10**9)):
        ticks = [good_s * a_second, None, -(2**62) if unit != "s" else -(2**50), 2**62 if unit != "s" else 2**50]
        columns = {"mmsi": [1, 2, 3, 4], "lat": [1.0] * 4, "lon": [2.0] * 4}
        table = pa.table({**columns, "t": pa.array(ticks, pa.timestamp(unit))})
        pq.write_table(table, tmp_path / f"{unit}.parquet")
        got = gather(tmp_path / f"{unit}.parquet", newest_ms=NEWEST_MS)
        assert [(row["mmsi"], row["t"]) for row in got.rows] == [(1, good_s * 1000)]
        assert sum(got.counts.values()) == 3


def test_text_that_is_not_utf8_is_read_as_latin1(tmp_path: Path) -> None:
    row = b"257000001,2020-01-01T00:00:00Z,60,5,"
    (tmp_path / "a.csv").write_bytes(
        HEADER.encode() + row + "ÅSE".encode("latin-1") + b"\n" + row + "ØST".encode() + b"\n"
    )
    assert [s["name"] for s in gather(tmp_path / "a.csv").statics] == ["ÅSE", "ØST"]


def test_nul_bytes_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(
        HEADER.encode()
        + b"257000001,2020-01-01T00:00:00Z,60,5,NO\0RD\0\n"
        + b"\0" * 70
        + b"\n257000001,2020-01-01T00:00:00Z,6\0,5,A\n"
    )
    got = gather(tmp_path / "a.csv")
    assert [s["name"] for s in got.statics] == ["NORD"]
    assert [(r.line, r.reason) for r in got.rejects] == [(4, "position_not_a_number")]


@pytest.mark.parametrize("block_bytes", [1 << 12, 4 << 20, 32 << 20])
def test_a_line_of_10_mb_is_refused_and_the_next_one_read(tmp_path: Path, block_bytes: int) -> None:
    long = b"x" * (10 << 20)
    (tmp_path / "a.csv").write_bytes(HEADER.encode() + GOOD.encode() + long + b"\n" + GOOD.encode() + long)
    got = gather(tmp_path / "a.csv", block_bytes=block_bytes)
    assert [row["line"] for row in got.rows] == [2, 4]
    assert [(r.line, r.reason, len(r.content)) for r in got.rejects] == [
        (3, "line_too_long", 1024),
        (5, "line_too_long", 1024),
    ]


@pytest.mark.parametrize("over", [0, 1])
@pytest.mark.parametrize("block_bytes", [1 << 16, 4 << 20])
def test_the_longest_line_is_exact(tmp_path: Path, over: int, block_bytes: int) -> None:
    row = GOOD.rstrip("\n").encode()
    filled = row + b"N" * (LONGEST_LINE - len(row) - 1 + over) + b"\n"
    (tmp_path / "a.csv").write_bytes(HEADER.encode() + GOOD.encode() + filled + GOOD.encode())
    got = gather(tmp_path / "a.csv", block_bytes=block_bytes)
    assert [row["line"] for row in got.rows] == ([2, 4] if over else [2, 3, 4])


def test_unknown_columns_byte_order_marks_and_windows_lines_are_fine(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(
        b"\xef\xbb\xbfcolour,mmsi,time,lat,lon,mmsi\r\nred,257000001,2020-01-01T00:00:00Z,60,5,9\r\n\r\n"
    )
    got = gather(tmp_path / "a.csv")
    assert [(r["mmsi"], r["lat"], r["line"]) for r in got.rows] == [(257000001, 60.0, 2)]
    assert not got.counts


def test_a_directory_of_mixed_formats_and_nested_folders_is_read_by_name(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "a.csv").write_text(HEADER + GOOD)
    (tmp_path / "b" / "log.txt").write_text("1550303566 !AIVDM,1,1,,B,10bb7q@P0lPGHlVMhbl0Qgw>2>`<,0*7F\n")
    (tmp_path / "b" / "c.json").write_text('{"mmsi":257000002,"timestamp":1550303566,"lat":60,"lon":5}\n')
    pq.write_table(pa.table({"mmsi": [1], "t": [1550303566], "lat": [60.0], "lon": [5.0]}), tmp_path / "d.parquet")
    (tmp_path / ".hidden").write_text("no")
    got = gather(tmp_path)
    assert [Path(row["file"]).name for row in got.rows] == ["a.csv", "d.parquet", "c.json", "log.txt"]
    assert not got.failures


def test_the_same_file_named_twice_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(HEADER + GOOD)
    assert len(gather(tmp_path / "a.csv", tmp_path, str(tmp_path / "a.csv")).rows) == 1


def test_rejects_are_all_counted_and_the_first_ten_thousand_kept(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(HEADER + GOOD + "x,y,z,w,v\n" * 12_000)
    got = gather(tmp_path / "a.csv", block_bytes=1 << 14)
    assert got.counts == {"mmsi_invalid": 12_000}
    assert [r.line for r in got.rejects] == list(range(3, 10_003))


def test_reading_again_gives_the_same_and_counts_anew(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(HEADER + GOOD + "x,y,z,w,v\n")
    (tmp_path / "b.csv").touch()
    inputs = Inputs([tmp_path, tmp_path / "none"], SourceTable())
    told = []
    for _ in range(2):
        rows = sum(chunk.positions.num_rows for chunk in inputs)
        told.append((rows, list(inputs.failures), dict(inputs.reject_counts), list(inputs.reads)))
    assert told[0] == told[1]
    assert (told[0][0], len(told[0][1]), told[0][2]) == (1, 2, {"mmsi_invalid": 1})
