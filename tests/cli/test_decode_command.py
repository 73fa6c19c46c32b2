import json

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


def test_an_input_that_is_no_ais_is_told(tmp_path):
    (tmp_path / "x.bin").write_bytes(bytes(range(256)) * 40)
    ran = maritime("decode", "x.bin", "--out", "p.parquet", cwd=tmp_path)
    assert ran.code == 1
    assert "x.bin" in ran.err
