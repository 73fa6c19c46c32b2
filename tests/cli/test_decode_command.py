import json
import os
import zipfile

import pyarrow.parquet as pq

from maritime.columns import POSITION_SCHEMA, STATIC_SCHEMA
from tests.cli.running import maritime


def test_every_report_has_its_columns_file_and_line(sea, tmp_path):
    ran = maritime("decode", sea / "sea.nmea", "--out", "p.parquet", "--static", "s.parquet", "--json", cwd=tmp_path)
    assert ran.code == 0, ran.err
    table = pq.read_table(tmp_path / "p.parquet")
    assert table.schema.names == [*POSITION_SCHEMA.names, "file", "line"]
    assert table.num_rows == ran.json()["positions"]
    assert pq.read_table(tmp_path / "s.parquet").schema.equals(STATIC_SCHEMA)
    lines = (sea / "sea.nmea").read_bytes().splitlines()
    row = table.slice(1000, 1).to_pylist()[0]
    assert row["file"] == str(sea / "sea.nmea")
    stamp = lines[row["line"] - 1].split(b"c:")[1].split(b"*")[0].split(b",")[0]
    assert row["t"] == (int(stamp) if len(stamp) == 13 else int(stamp) * 1000)


def test_the_sources_have_their_names(sea, tmp_path):
    maritime("decode", sea / "sea.nmea", "--out", "p.parquet", cwd=tmp_path)
    names = pq.read_metadata(tmp_path / "p.parquet").metadata[b"sources"].decode().split("\n")
    codes = pq.read_table(tmp_path / "p.parquet")["source"].unique().to_pylist()
    assert {names[code] for code in codes} == {"PHUKET", "KHAOLAK"}


def test_rejects_and_messages_are_written_where_asked(sea, tmp_path):
    (tmp_path / "bad.nmea").write_bytes(
        b"!AIVDM,1,1,,A,177KQJ5000G?tO`K>RA1wUbN0TKH,0*5D\n" + (sea / "sea.nmea").read_bytes()[:5_000]
    )
    arguments = ["--out", "p.parquet", "--rejects", "r.jsonl", "--all", "m.jsonl", "--json"]
    ran = maritime("decode", "bad.nmea", *arguments, cwd=tmp_path)
    rejects = [json.loads(line) for line in (tmp_path / "r.jsonl").read_text().splitlines()]
    assert rejects[0]["reason"] == "bad_checksum"
    assert rejects[0]["line"] == 1
    assert ran.json()["rejects"]["bad_checksum"] == 1
    messages = [json.loads(line) for line in (tmp_path / "m.jsonl").read_text().splitlines()]
    assert len(messages) == ran.json()["messages"] > 10
    assert {message["msg_type"] for message in messages} <= set(range(1, 28))


def test_a_name_that_is_no_text_does_no_harm(sea, tmp_path):
    name = os.fsdecode(b"\xe9t\xe9.nmea")
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / name).write_bytes((sea / "sea.nmea").read_bytes()[:5_000] + b"!AIVDM,1,1,,A,1,0*00\n")
    outputs = ["--out", "p.parquet", "--static", "s.parquet", "--all", "m.jsonl", "--rejects", "r.jsonl"]
    for arguments in (["decode", "logs", *outputs], ["inspect", "logs", f"logs/{name}", "--json"]):
        ran = maritime(*arguments, cwd=tmp_path)
        assert ran.code == 0, ran.err
        assert "logs/\\xe9t\\xe9.nmea" in ran.out if arguments[0] == "decode" else ran.json()
    assert set(pq.read_table(tmp_path / "p.parquet")["file"].to_pylist()) == {"logs/\\xe9t\\xe9.nmea"}


def test_the_results_of_an_earlier_run_are_no_input(sea, tmp_path):
    (tmp_path / "a.nmea").write_bytes((sea / "sea.nmea").read_bytes()[:5_000])
    outputs = ["--out", "p.parquet", "--all", "m.jsonl", "--rejects", "r.jsonl", "--json"]
    first, second = (maritime("decode", ".", *outputs, cwd=tmp_path) for _ in range(2))
    assert second.code == 0, second.err
    assert first.json() == second.json()


def test_an_input_is_never_overwritten(sea, tmp_path):
    log = (sea / "sea.nmea").read_bytes()[:5_000]
    (tmp_path / "a.nmea").write_bytes(log)
    (tmp_path / "link.nmea").symlink_to("a.nmea")
    for out in ("a.nmea", "./link.nmea"):
        ran = maritime("decode", "a.nmea", "--out", out, cwd=tmp_path)
        assert (ran.code, "would be overwritten" in ran.err) == (2, True)
    assert (tmp_path / "a.nmea").read_bytes() == log


def test_an_untimed_log_in_an_archive_begins_when_its_names_say(tmp_path):
    with zipfile.ZipFile(tmp_path / "2020-01-01.zip", "w") as archive:
        archive.writestr("logs/a.nmea", "!AIVDM,1,1,,B,177KQJ5000G?tO`K>RA1wUbN0TKH,0*5C\n")
    ran = maritime("decode", "2020-01-01.zip", "--out", "p.parquet", "--all", "m.jsonl", cwd=tmp_path)
    assert ran.code == 0, ran.err
    assert pq.read_table(tmp_path / "p.parquet")["t"].to_pylist() == [1_577_836_800_000]
    assert json.loads((tmp_path / "m.jsonl").read_text())["t"] == "2020-01-01T00:00:00Z"


def test_an_input_that_is_no_ais_is_told(tmp_path):
    (tmp_path / "x.bin").write_bytes(bytes(range(256)) * 40)
    ran = maritime("decode", "x.bin", "--out", "p.parquet", cwd=tmp_path)
    assert ran.code == 1
    assert "x.bin" in ran.err
