"""Each format, from a few lines as its publisher writes them, and from real files."""

import json
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely

from maritime.columns import SourceTable
from maritime.errors import UsageError
from maritime.sources.inputs import Inputs
from maritime.times import from_rfc3339
from tests.sources.gather import Gathered, gather, shared

LEGACY = (
    "MMSI,BaseDateTime,LAT,LON,SOG,COG,Heading,VesselName,IMO,CallSign,VesselType,Status,Length,Width,Draft,Cargo,"
    "TransceiverClass\n"
)


def read(folder: Path, name: str, text: str | bytes, **options: object) -> Gathered:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    gathered = gather(path, **options)
    assert gathered.bytes_read == gathered.total_bytes
    return gathered


def formats(gathered: Gathered) -> list[tuple[str, str]]:
    return [(read.format, read.container) for read in gathered.reads]


def test_marinecadastre_legacy(tmp_path: Path) -> None:
    words = "JEAN ANNE,IMO9233167,WDC3786,70,0,31.0,12.0,7.5,70,A"
    got = read(
        tmp_path,
        "AIS_2023_01_11.csv",
        LEGACY
        + "367000001,2023-01-11T00:00:00,37.5,-122.5,10.1,83.0,511.0,"
        + words
        + "\n"
        + "367000001,2023-01-11T00:01:00,37.6,-122.4,102.3,360.0,83.0,"
        + words
        + "\n"
        + "367000002,2023-01-11T00:02:00,37.7,-122.3,0.0,0.0,0.0,,IMO0000000,,,,,,,,B\n",
    )
    assert formats(got) == [("marinecadastre", "plain")]
    assert [row["t"] for row in got.rows] == [from_rfc3339(f"2023-01-11T00:0{i}:00Z") for i in range(3)]
    first, second, third = got.rows
    assert (first["mmsi"], first["lat"], first["lon"]) == (367000001, 37.5, -122.5)
    assert (first["sog"], first["cog"], first["heading"]) == (pytest.approx(10.1), 83.0, None)
    assert (second["sog"], second["cog"], second["heading"]) == (None, None, 83.0)
    assert [row["msg_type"] for row in got.rows] == [1, 1, 18]
    assert [row["nav_status"] for row in got.rows] == [0, 0, 15]
    assert [row["line"] for row in got.rows] == [2, 3, 4]
    assert third["heading"] == 0.0
    assert [row["utc_s"] for row in got.rows] == [255] * 3
    assert set(got.sources) == {"marinecadastre"}
    assert got.statics == [
        {
            **{"mmsi": 367000001, "t": first["t"], "imo": 9233167, "call_sign": "WDC3786", "name": "JEAN ANNE"},
            **{"ship_type": 70, "length_m": 31.0, "beam_m": 12.0, "draught_m": 7.5, "destination": None, "eta": None},
        }
    ]


def test_marinecadastre_aliases_order_and_case_do_not_matter(tmp_path: Path) -> None:
    got = read(
        tmp_path,
        "zone.csv",
        "LON,lat,TranscieverClass,basedatetime,mmsi\n-122.5,37.5,B,2018-01-01T00:00:00,367000001\n",
    )
    (row,) = got.rows
    assert (row["lat"], row["lon"], row["msg_type"], row["nav_status"]) == (37.5, -122.5, 18, 15)


def test_marinecadastre_csv2_has_longitude_first(tmp_path: Path) -> None:
    got = read(
        tmp_path,
        "ais-2026-03-31.csv",
        "mmsi,base_date_time,longitude,latitude,sog,cog,heading,vessel_name,imo,call_sign,vessel_type,status,length,"
        "width,draft,cargo,transceiver\n367000001,2026-03-31 00:00:01,-122.5,37.5,1,2,,N,9233167,C,31,5,31,10,,,A\n",
    )
    (row,) = got.rows
    assert formats(got) == [("marinecadastre", "plain")]
    assert (row["lat"], row["lon"], row["t"]) == (37.5, -122.5, from_rfc3339("2026-03-31T00:00:01Z"))
    assert (row["heading"], row["nav_status"]) == (None, 5)
    assert got.statics[0]["imo"] == 9233167


def test_geoparquet_of_points(tmp_path: Path) -> None:
    table = pa.table(
        {
            "mmsi": pa.array([367000001, 367000002, 367000003], pa.int32()),
            "base_date_time": pa.array([1711843200_123456, 1711843260_000000, 1711843261_000000], pa.timestamp("us")),
            "sog": pa.array([1.5, None, 2.0], pa.float32()),
            "vessel_name": ["ONE", "TWO", None],
            "transceiver": pa.array(["A", "B", "A"]).dictionary_encode(),
            "geometry": [shapely.Point(-122.5, 37.5).wkb, None, shapely.LineString([(0, 0), (1, 1)]).wkb],
        }
    )
    pq.write_table(table, tmp_path / "points.parquet", row_group_size=2)
    got = gather(tmp_path / "points.parquet")
    assert formats(got) == [("marinecadastre", "parquet")]
    assert [(r["lat"], r["lon"], r["t"], r["sog"], r["msg_type"]) for r in got.rows] == [
        (37.5, -122.5, 1711843200123, 1.5, 1),
        (None, None, 1711843260000, None, 18),
    ]
    assert [s["name"] for s in got.statics] == ["ONE", "TWO"]
    assert [(r.line, r.reason) for r in got.rejects] == [(3, "position_not_a_number")]
    assert got.bytes_read == got.total_bytes


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary(), pa.binary_view()])
def test_points_in_any_binary_column(tmp_path: Path, kind: pa.DataType) -> None:
    points = [shapely.Point(5, 60).wkb, shapely.Point().wkb, None, b"\x01\x01"]
    table = pa.table({"mmsi": [1, 2, 3, 4], "t": [1577836800] * 4, "geometry": pa.array(points, kind)})
    pq.write_table(table, tmp_path / "points.parquet")
    got = gather(tmp_path / "points.parquet")
    assert [(r["mmsi"], r["lat"], r["lon"]) for r in got.rows] == [(1, 60.0, 5.0), (2, None, None), (3, None, None)]
    assert [(r.line, r.reason) for r in got.rejects] == [(4, "position_not_a_number")]


def test_a_call_sign_that_ends_in_vdm_makes_no_log_of_a_table(tmp_path: Path) -> None:
    row = "367000001,2020-01-01T00:00:00,37,-122,1,2,3,NAME,IMO9123456,3VDM,70,0,100,20,5,70,A\n"
    got = read(tmp_path, "day.csv", LEGACY + row)
    assert formats(got) == [("marinecadastre", "plain")]
    assert [s["call_sign"] for s in got.statics] == ["3VDM"]


DANISH = (
    "# Timestamp,Type of mobile,MMSI,Latitude,Longitude,Navigational status,ROT,SOG,COG,Heading,IMO,Callsign,Name,"
    "Ship type,Cargo type,Width,Length,Type of position fixing device,Draught,Destination,ETA,Data source type,"
    "A,B,C,D\n"
)


def test_danish(tmp_path: Path) -> None:
    nothing = "Unknown,Unknown,,Undefined,,,,GPS,,Unknown,,AIS,,,,"
    rows = [
        "26/04/2026 00:00:00,Class A,211429600,54.6,8.5,Engaged in fishing,0.0,0.1,,62,9123456,"
        "DABC,SEA,Fishing,,8,30,GPS,2.5,HUSUM,03/05/2026 12:30:00,AIS,15,15,4,4",
        "26/04/2026 00:00:01,Base Station,2190064,56.7,11.5,Unknown value,,,,," + nothing,
        "26/04/2026 00:00:02,AtoN,992191234,56.7,11.5,Unknown value,,,,," + nothing,
        "26/04/2026 00:00:03,SAR Airborne,111219501,56.7,11.5,Unknown value,,120,,," + nothing,
        "26/04/2026 00:00:04,Class B,219000001,91.0,0.0,Unknown value,,,,," + nothing,
    ]
    got = read(tmp_path, "aisdk.csv", DANISH + "\n".join(rows) + "\n")
    assert formats(got) == [("danish", "plain")]
    assert [row["msg_type"] for row in got.rows] == [1, 4, 21, 9, 18]
    assert [row["nav_status"] for row in got.rows] == [7, 15, 15, 15, 15]
    assert got.rows[0]["t"] == from_rfc3339("2026-04-26T00:00:00Z")
    assert (got.rows[-1]["lat"], got.rows[-1]["lon"]) == (None, None)
    (static,) = got.statics
    assert (static["ship_type"], static["imo"], static["length_m"], static["beam_m"]) == (30, 9123456, 30.0, 8.0)
    assert static["eta"] == "2026-05-03T12:30:00Z"


def test_exactearth(tmp_path: Path) -> None:
    got = read(
        tmp_path,
        "exact.csv",
        '"MMSI","Message_ID","Time","Millisecond","Vessel_Name","Dimension_to_Bow","Dimension_to_stern",'
        '"SOG","Longitude","Latitude"\n'
        '"257000001","1","20210701_185151","250","None","None","None","12.5","5.0","60.0"\n'
        '"257000001","5","20210701_185152","0","NORD","80","20","None","None","None"\n'
        '"257000001","8","20210701T185153Z","0","None","None","None","None","None","None"\n',
    )
    (row,) = got.rows
    assert formats(got) == [("exactearth", "plain")]
    assert (row["t"], row["sog"]) == (from_rfc3339("2021-07-01T18:51:51.250Z"), 12.5)
    assert [(s["name"], s["length_m"]) for s in got.statics] == [("NORD", 100.0)]
    assert got.reads[0].message_counts[1] == got.reads[0].message_counts[5] == got.reads[0].message_counts[8] == 1
    assert not got.rejects


def test_spire_in_either_column_order(tmp_path: Path) -> None:
    names = ["created_at", "timestamp", "msg_type", "mmsi", "latitude", "longitude", "speed", "collection_type"]
    values = ["2021-01-01T00:00:09Z", "2021-01-01T00:00:01.5Z", "3", "257000001", "60", "5", "10", "satellite"]
    for order in (range(8), (0, 1, 3, 2, 5, 4, 7, 6)):
        text = ",".join(names[i] for i in order) + "\n" + ",".join(values[i] for i in order) + "\n"
        got = read(tmp_path, "spire.csv", text)
        (row,) = got.rows
        assert formats(got) == [("spire", "plain")]
        assert (row["t"], row["lat"], row["lon"], row["msg_type"]) == (1609459201500, 60.0, 5.0, 3)
        assert got.sources == ["spire:satellite"]


def test_marinetraffic_speeds_are_tenths_of_knots(tmp_path: Path) -> None:
    text = "MMSI,IMO,SHIP_ID,LAT,LON,SPEED,HEADING,COURSE,STATUS,TIMESTAMP,DSRC\n"
    text += "257000001,0,1,60,5,125,90,91,0,2021-01-01T00:00:00,TER\n"
    got = read(tmp_path, "mt.csv", text)
    assert (formats(got), got.rows[0]["sog"]) == ([("marinetraffic", "plain")], 12.5)


SENTENCE = "!AIVDM,1,1,,A,13u08p0000QDeLNO=PvHU3M>0>`<,0*00"
TWO_PARTS = [
    "!AIVDM,2,1,1,A,55?MbV02;H;s<HtKR20EHE:0@T4@Dn2222222216L961O5Gf0NSQEp6ClRp8,0*1C",
    "!AIVDM,2,2,1,A,88888888880,2*25",
]


def test_aiscatcher_sentences_have_the_receivers_time(tmp_path: Path) -> None:
    lines = [
        {"class": "AIS", "rxuxtime": 1707873398.25, "station_id": 7, "mmsi": 265292000, "type": 1, "nmea": [SENTENCE]},
        {"class": "AIS", "rxuxtime": 1707873399, "mmsi": 351759000, "type": 5, "nmea": TWO_PARTS},
        {"class": "AIS", "rxuxtime": 1707873400, "mmsi": 265292000, "type": 1, "lat": 54.5, "lon": 18.5, "speed": 5.0},
    ]
    got = read(tmp_path, "catcher.json", "".join(json.dumps(line) + "\n" for line in lines) + '{"class":"AIS",\n')
    assert formats(got) == [("aiscatcher", "plain")]
    assert [(r["mmsi"], r["t"], r["line"]) for r in got.rows] == [
        (265292000, 1707873398250, 1),
        (265292000, 1707873400000, 3),
    ]
    assert [(s["mmsi"], s["name"], s["t"]) for s in got.statics] == [(351759000, "EVER DIADEM", 1707873399000)]
    assert [(r.line, r.reason, r.content) for r in got.rejects] == [(4, "not_json", b'{"class":"AIS",')]


@pytest.mark.parametrize("indent", [None, 1])
def test_aiscatcher_http_bodies_with_sentences(tmp_path: Path, indent: int | None) -> None:
    message = {"class": "AIS", "rxuxtime": 1707873398.25, "type": 1, "nmea": [SENTENCE]}
    named = {**message, "station_id": "a,b*\\!$\n"}
    body = {"protocol": "jsonaiscatcher", "stationid": "coast", "msgs": [message, named, message]}
    got = read(tmp_path, "body.json", json.dumps(body, indent=indent))
    assert [(r["mmsi"], r["t"], r["line"]) for r in got.rows] == [(265292000, 1707873398250, 0 if indent else 1)] * 3
    assert [row["lat"] is None for row in got.rows] == [False] * 3
    assert got.sources == ["coast", "a_b_____", "coast"]


def test_aiscatcher_bodies_of_many_messages_on_a_line(tmp_path: Path) -> None:
    """More than the longest line of NMEA, and the lines behind keep their numbers."""
    body = {"msgs": [{"class": "AIS", "rxuxtime": 1707873398, "type": 1, "nmea": SENTENCE}] * 3_000}
    got = read(tmp_path, "bodies.json", f"{json.dumps(body)}\n\n{json.dumps(body)}\n")
    assert [r["line"] for r in got.rows] == [1] * 3_000 + [3] * 3_000
    assert not got.counts


@pytest.mark.parametrize(
    ("told", "t_ms"),
    [
        ('"rxuxtime":1707873398.25', 1707873398250),
        ('"rxuxtime":"1707873398"', 1707873398000),
        ('"rxtime":"20240214011638"', 1707873398000),
        ('"rxuxtime":NaN', None),
        ('"rxuxtime":1e999', None),
        ('"rxuxtime":-1', None),
        ('"rxuxtime":[]', None),
        ('"rxuxtime":1707873.5', None),
        ('"rxtime":"today"', None),
    ],
)
def test_aiscatcher_times_are_read_or_refused(tmp_path: Path, told: str, t_ms: int | None) -> None:
    lines = [f'{{"class":"AIS",{time},"type":1,"nmea":["{SENTENCE}"]}}\n' for time in ('"rxuxtime":1707873398', told)]
    got = read(tmp_path, "a.json", "".join(lines))
    assert [row["t"] for row in got.rows[1:]] == ([t_ms] if t_ms else [])
    assert sum(got.counts.values()) == (0 if t_ms else 1)


def test_aiscatcher_sentences_of_another_kind_are_refused(tmp_path: Path) -> None:
    line = '{"class":"AIS","rxuxtime":1707873398,"type":1,"nmea":["!AIVDX,1,1,,A,1,0*00"]}'
    got = read(tmp_path, "a.json", f"{line}\n")
    assert [(r.line, r.reason, r.content) for r in got.rejects] == [(1, "unknown_sentence", line.encode())]


def test_aiscatcher_full(tmp_path: Path) -> None:
    lines = [
        {"rxuxtime": 1707873398.25, "mmsi": 257000001, "type": 1, "lat": 60.1, "lon": 5.2, "speed": 102.3, "status": 5},
        {
            "rxuxtime": 1707873399,
            "mmsi": 257000001,
            "type": 5,
            "shipname": "ÅSE",
            "to_bow": 10,
            "to_stern": 5,
            "eta": "03-14T12:00Z",
        },
        {"rxuxtime": 1707873400, "mmsi": 111257001, "type": 9, "lat": 60.1, "lon": 5.2, "speed": 150},
    ]
    got = read(tmp_path, "catcher.log", json.dumps({"protocol": "jsonaiscatcher", "msgs": lines}) + "\n")
    row, aircraft = got.rows
    assert (row["t"], row["sog"], row["nav_status"]) == (1707873398250, None, 5)
    assert (aircraft["sog"], aircraft["msg_type"]) == (150.0, 9)
    assert [(s["name"], s["length_m"], s["eta"]) for s in got.statics] == [("ÅSE", 15.0, "03-14 12:00")]


LOCATION = {"time": 1668075025, "sog": 10.7, "cog": 326.6, "navStat": 0, "rot": 0, "posAcc": True, "raim": False}
PLACE = {"heading": 325, "lon": 20.345818, "lat": 60.03802}
METADATA = {
    **{"timestamp": 1668075026035, "destination": "HEL", "name": "NORD", "draught": 68, "eta": 733376, "posType": 1},
    **{"refA": 1, "refB": 2, "refC": 3, "refD": 4, "callSign": "OH", "imo": 9123456, "type": 70},
}


@pytest.mark.parametrize("wrapping", ["topic", "key", "payload"])
def test_digitraffic_lines(tmp_path: Path, wrapping: str) -> None:
    def line(kind: str, fields: dict[str, object]) -> str:
        topic = f"vessels-v2/230123000/{kind}"
        if wrapping == "topic":
            return f"{topic} {json.dumps(fields)}\n"
        return (
            json.dumps({"mmsi": 230123000, **fields} if wrapping == "key" else {"topic": topic, "payload": fields})
            + "\n"
        )

    got = read(tmp_path, "digitraffic.log", line("location", {**LOCATION, **PLACE}) + line("metadata", METADATA))
    (row,) = got.rows
    assert formats(got) == [("digitraffic", "plain")]
    assert (row["mmsi"], row["t"], row["lat"], row["lon"]) == (230123000, 1668075025000, 60.03802, 20.345818)
    (static,) = got.statics
    assert static["draught_m"] == pytest.approx(6.8)
    assert (static["t"], static["length_m"], static["beam_m"], static["ship_type"]) == (1668075026035, 3.0, 7.0, 70)
    assert static["eta"] == "11-06 03:00"  # 733376 = 11 << 16 | 6 << 11 | 3 << 6


@pytest.mark.parametrize("indent", [None, 2])
def test_digitraffic_geojson(tmp_path: Path, indent: int | None) -> None:
    properties = {"mmsi": 219598000, "sog": 0.1, "navStat": 1, "posAcc": True, "raim": False, "timestamp": 59}
    feature = {
        **{"mmsi": 219598000, "type": "Feature", "geometry": {"type": "Point", "coordinates": [20.85, 55.77]}},
        "properties": {**properties, "timestampExternal": 1659212938646},
    }
    document = json.dumps({"type": "FeatureCollection", "features": [feature]}, indent=indent)
    (row,) = read(tmp_path, "locations.json", document).rows
    assert (row["lat"], row["lon"], row["t"], row["nav_status"]) == (55.77, 20.85, 1659212938646, 1)


def test_aishub_document(tmp_path: Path) -> None:
    record = {
        "MMSI": 257000001,
        "TIME": "2021-07-09 12:08:05 GMT",
        "LONGITUDE": 5.1,
        "LATITUDE": 60.2,
        "SOG": 3.5,
        "NAME": "N",
    }
    document = [{"ERROR": False, "FORMAT": "HUMAN", "RECORDS": 1}, [record]]
    (row,) = read(tmp_path, "aishub.json", json.dumps(document)).rows
    assert (row["t"], row["lat"], row["sog"]) == (from_rfc3339("2021-07-09T12:08:05Z"), 60.2, 3.5)


def test_semicolons_and_statsat_names(tmp_path: Path) -> None:
    text = "mmsi;lon;lat;date_time_utc;sog;cog;true_heading;nav_status;rot;message_nr;source\n"
    text += "257000001;5;60;2021-07-09 12:08:05;1;2;3;0;0;27;s\n"
    (row,) = read(tmp_path, "ais_20210709.csv", text).rows
    assert (row["msg_type"], row["heading"], row["lat"]) == (27, 3.0, 60.0)


@pytest.mark.parametrize("carrier", ["csv", "jsonl", "parquet"])
def test_generic_in_every_carrier(tmp_path: Path, carrier: str) -> None:
    records = [
        {
            "mmsi": 257000001,
            "timestamp": "2021-07-09T12:08:05.250+02:00",
            "latitude": 60.25,
            "longitude": 5.5,
            "speed": 3.5,
        },
        {
            "mmsi": 257000002,
            "timestamp": "2021-07-09T12:08:06+02:00",
            "latitude": -1e-05,
            "longitude": 180.0,
            "speed": None,
        },
    ]
    path = tmp_path / f"reports.{carrier}"
    if carrier == "parquet":
        pq.write_table(pa.Table.from_pylist(records), path)
    elif carrier == "jsonl":
        path.write_text("".join(json.dumps(r) + "\n" for r in records))
    else:
        path.write_text(
            "\n".join(
                [",".join(records[0]), *(",".join("" if v is None else str(v) for v in r.values()) for r in records)]
            )
        )
    got = gather(path)
    assert formats(got)[0][0] == "generic"
    assert [(r["mmsi"], r["t"], r["lat"], r["lon"], r["sog"]) for r in got.rows] == [
        (257000001, from_rfc3339("2021-07-09T10:08:05.250Z"), 60.25, 5.5, 3.5),
        (257000002, from_rfc3339("2021-07-09T10:08:06Z"), -1e-05, 180.0, None),
    ]


def test_nmea_takes_its_base_time_from_the_option_or_the_file_name(tmp_path: Path) -> None:
    assert read(tmp_path, "log.nmea", SENTENCE + "\n").counts == {"no_time": 1}
    assert read(tmp_path, "log.nmea", SENTENCE + "\n", start_ms=1_600_000_000_000).rows[0]["t"] == 1_600_000_000_000
    (row,) = read(tmp_path, "station7_2023-01-11_0630.nmea", SENTENCE + "\n").rows
    assert row["t"] == from_rfc3339("2023-01-11T06:30:00Z")


def test_a_format_can_be_forced_and_must_exist(tmp_path: Path) -> None:
    text = "mmsi,timestamp,lat,lon,typeofmobile\n1,03/04/2020 10:00:00,60,5,Class B\n"
    got = read(tmp_path, "a.csv", text, format="danish")
    assert [(r["t"], r["msg_type"]) for r in got.rows] == [(from_rfc3339("2020-04-03T10:00:00Z"), 18)]
    with pytest.raises(UsageError, match=r"'dansk' is not a format; the formats are nmea, aiscatcher, .*danish"):
        Inputs([], SourceTable(), format="dansk")


@pytest.mark.parametrize(
    ("name", "format", "rows", "vessels", "statics"),
    [
        ("tracks/marinecadastre_sf_bay_2020-01-01.zip", "marinecadastre", 111_884, 299, 299),
        ("tracks/marinecadastre_hawaii_2020-01-01.zip", "marinecadastre", 57_145, 132, 132),
        ("tracks/danish_aisdk_2026-04-26_97s.csv", "danish", 19_999, 2_005, None),
        ("tracks/solent_2016-01-12.csv", "generic", 18_623, 91, 0),
        ("tracks/german_bight_2022-11-01_1h.csv.gz", "generic", 50_142, 202, None),
        ("tracks/messages_20170921.json", "gfw", None, None, None),
        ("nmea/sf_bay_2020-01-01_tagblock.nm4.gz", "nmea", 111_884, 299, None),
    ],
)
def test_real_files(name: str, format: str, rows: int | None, vessels: int | None, statics: int | None) -> None:
    got = gather(shared(name))
    assert [read.format for read in got.reads] == [format]
    assert rows in (None, len(got.rows))
    assert vessels in (None, len({row["mmsi"] for row in got.rows}))
    assert statics in (None, len(got.statics))
    assert not got.failures
    assert not got.counts


def test_real_csv_and_its_reencoding_as_nmea_tell_the_same() -> None:
    table = gather(shared("tracks/marinecadastre_sf_bay_2020-01-01.zip")).rows
    sentences = gather(shared("nmea/sf_bay_2020-01-01_tagblock.nm4.gz")).rows
    for one, other in zip(table, sentences, strict=True):
        assert (one["mmsi"], one["t"]) == (other["mmsi"], other["t"])
        assert one["lat"] == pytest.approx(other["lat"], abs=1e-5)
        assert one["lon"] == pytest.approx(other["lon"], abs=1e-5)
        assert one["sog"] == pytest.approx(other["sog"], abs=0.01)


def test_real_file_equals_a_naive_reading_of_its_csv() -> None:
    path = shared("tracks/marinecadastre_hawaii_2020-01-01.zip")
    with zipfile.ZipFile(path) as archive:
        lines = archive.read(archive.namelist()[0]).decode().splitlines()[1:]
    got = gather(path).rows
    for row, line in list(zip(got, lines, strict=True))[::97]:
        mmsi, time, lat, lon, sog, cog, heading = line.split(",")[:7]
        assert (row["mmsi"], row["t"], row["lat"], row["lon"]) == (
            int(mmsi),
            from_rfc3339(time),
            float(lat),
            float(lon),
        )
        assert row["sog"] == (pytest.approx(float(sog)) if float(sog) < 102.3 else None)
        assert row["cog"] == (pytest.approx(float(cog)) if float(cog) < 360 else None)
        assert row["heading"] == (float(heading) if heading and float(heading) < 360 else None)
