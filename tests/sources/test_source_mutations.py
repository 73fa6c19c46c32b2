"""Damaged files of every format: no crash, and in a table every line becomes a report or a reject."""

import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sources.gather import gather

MUTANTS = 250
NEWEST_MS = 1_900_000_000_000
SENTENCE = "!AIVDM,1,1,,A,13u08p0000QDeLNO=PvHU3M>0>`<,0*00"
TOKENS = [
    *(b'"', b",", b"\n", b"\r", b"\0", b"\xff", b"{", b"}", b"[", b"]", b":", b"\\", b"!", b"$", b";", b"\t"),
    *(b"NaN", b"1e999", b"-", b"null", b"true", b"9" * 30, b"2020-13-45T99:99", b"0001-01-01T00:00:00+14:00"),
    *(b"!AIVDM,", b"\xef\xbb\xbf"),
]
LOCATION = {"time": 1668075025, "sog": 10.7, "navStat": 0, "posAcc": True, "raim": False, "lon": 20.3, "lat": 60.0}
METADATA = {"timestamp": 1668075026035, "draught": 68, "eta": 733376, "posType": 1, "refA": 1, "callSign": "OH"}
CATCHER = {"class": "AIS", "rxuxtime": 1707873398.25, "station_id": 7, "mmsi": 257000001, "type": 1}
SAMPLES = {
    "nmea": f"\\s:2573555,c:1707873398*0E\\{SENTENCE}\n2020-01-01T00:00:00Z {SENTENCE},r003669946,1707873398\n",
    "generic": "mmsi,time,lat,lon,sog,name,imo,eta\n"
    "257000001,2020-01-01T00:00:00Z,60,5,1.5,NORD,IMO9123456,01-02 03:04\n",
    "danish": "# Timestamp,Type of mobile,MMSI,Latitude,Longitude,Navigational status,SOG,Length,Draught,ETA\n"
    "31/12/2015 23:59:59,Class A,219000001,55.5,10.5,Moored,0.0,150,6.5,02/01/2016 12:00:00\n",
    "exactearth": '"MMSI","Message_ID","Time","Millisecond","Longitude","Latitude"\n'
    '"316001234","1","20210701_185151","250","-123.5","48.5"\n',
    "digitraffic": f"vessels-v2/230123000/location {json.dumps(LOCATION)}\n"
    f"vessels-v2/230123000/metadata {json.dumps(METADATA)}\n",
    "aiscatcher": f"{json.dumps({**CATCHER, 'lat': 60.5, 'lon': 5.5})}\n"
    f"{json.dumps({**CATCHER, 'nmea': [SENTENCE]})}\n",
    "document": json.dumps({"stationid": "coast", "msgs": [{**CATCHER, "nmea": [SENTENCE]}]}, indent=1),
}


def mutants(content: bytes, seed: int, *, kept: int = 0) -> Iterator[bytes]:
    """The content damaged in one to eight places, none of them among the first `kept` bytes."""
    chance = random.Random(seed)
    for _ in range(MUTANTS):
        damaged = bytearray(content)
        for _ in range(chance.randint(1, 8)):
            at = chance.randint(kept, len(damaged))
            match chance.randrange(5):
                case 0 | 1:
                    damaged[at : at + chance.randint(0, 2)] = chance.choice(TOKENS)
                case 2:
                    end = damaged.find(b",", at)
                    damaged[at : end if end >= 0 else len(damaged)] = chance.choice(TOKENS)
                case 3:
                    del damaged[at : at + chance.randint(1, 40)]
                case _:
                    damaged[at:at] = damaged[max(kept, at - chance.randint(1, 60)) : at]
        yield bytes(damaged)


@pytest.mark.parametrize("name", SAMPLES)
def test_no_damage_is_a_crash(tmp_path: Path, name: str) -> None:
    content = (SAMPLES[name] * 3 if name != "document" else SAMPLES[name]).encode()
    good = 0
    for mutant in mutants(content, seed=1):
        (tmp_path / "a").write_bytes(mutant)
        got = gather(tmp_path / "a", newest_ms=NEWEST_MS)
        good += bool(got.rows)
    assert 0 < good < MUTANTS


@pytest.mark.parametrize("name", ["generic", "danish", "exactearth"])
def test_every_line_of_a_damaged_table_is_a_report_or_a_reject(tmp_path: Path, name: str) -> None:
    header, row = SAMPLES[name].encode().splitlines(keepends=True)
    for mutant in mutants(header + row * 5, seed=2, kept=len(header)):
        (tmp_path / "a").write_bytes(mutant)
        got = gather(tmp_path / "a", newest_ms=NEWEST_MS)
        lines = [n for n, line in enumerate(mutant.split(b"\n"), 1) if n > 1 and line.strip(b"\r\t \0")]
        told = sorted([r["line"] for r in got.rows] + [r.line for r in got.rejects])
        assert set(told) <= set(lines)
        if name != "exactearth":  # whose rows of some message types say nothing that is kept
            assert told == lines, mutant
