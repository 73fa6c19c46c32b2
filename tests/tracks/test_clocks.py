"""Receivers' clocks: the kernels against their slow twin, and what a wrong clock does to alerts, end to end."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from maritime.columns import CLOCK_SCHEMA, POSITION_SCHEMA, PROVENANCE_SCHEMA, SourceTable
from maritime.detect.engine import Engine
from maritime.detect.heartbeat import HeartbeatMaker, Heartbeats
from maritime.detect.settings import DetectSettings
from maritime.replay import replay
from maritime.simulate import simulate
from maritime.sources.inputs import Inputs
from maritime.tracks import clock_kernels as kernel
from maritime.tracks.clocks import ClockSettings, _blank
from maritime.units import HOUR_MS, MINUTE_MS
from tests.detect.fleet import as_bytes, fleet, places, sources, statics
from tests.naive_clocks import judged

SCENARIO = Path(__file__).parents[2] / "configs" / "scenarios" / "dark_clean.yaml"
LIMITS = ClockSettings().parameters()
LATENESS_MS = 2 * MINUTE_MS
T0_MIN = 26_297_281  # not a full ten minutes
DOUBT = {kernel.OFF: "off", kernel.REFUSED: "refused"}
BY = {kernel.BASE_STATIONS: "base_station", kernel.SECONDS: "utc_second"}


@st.composite
def scenes(draw):
    """Minutes of up to three sources with clocks of their own, heard thinly or well, steadily or scattered."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    minutes = draw(st.integers(3, 25))
    reports, base_times = [], []
    for source in range(draw(st.integers(1, 3))):
        offset_ms = draw(st.sampled_from([0, 800, 14_500, -15_500, 29_000, 45_000, -110_000, 7_200_000]))
        per_minute = draw(st.sampled_from([0, 1, 3, 8]))
        jitter_ms = draw(st.sampled_from([500, 3_000, 60_000]))
        vessels = draw(st.sampled_from([1, 2, 5]))
        silent_from = draw(st.integers(1, 25))
        stations = draw(st.sampled_from([0, 0, 1, 3]))
        for minute in range(min(minutes, silent_from)):
            for _ in range(per_minute):
                t_ms = (T0_MIN + minute) * MINUTE_MS + int(rng.integers(0, 60_000))
                sent_ms = t_ms - offset_ms + int(rng.integers(0, jitter_ms))
                utc_s = sent_ms // 1000 % 60 if rng.random() < 0.9 else 63
                reports += [(source, int(rng.integers(1, vessels + 1)), t_ms, utc_s)] * int(rng.integers(1, 3))
            for k in range(stations):
                t_ms = (T0_MIN + minute) * MINUTE_MS + 10_000 * k + int(rng.integers(0, 300))
                base_times += [(source, t_ms, (t_ms - offset_ms) // 1000 * 1000)] * int(rng.integers(1, 3))
    order = rng.permutation(len(reports))
    return [reports[i] for i in order], base_times, [T0_MIN + m + 1 for m in range(minutes)]


@settings(max_examples=150, deadline=None)
@given(scenes())
def test_clocks_are_judged_as_by_the_slow_twin(scene):
    reports, base_times, minutes = scene
    bits = {int(np.uint64(m) * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(58)) for m in range(1, 6)}
    assert len(bits) == 5, "the vessels of the scenes are told apart by the sketch"
    clocks, doubted = _blank(4), np.zeros(4, np.uint8)
    for now_min, expected in zip(minutes, judged(reports, base_times, minutes, *LIMITS), strict=True):
        now_ms = now_min * MINUTE_MS
        base = np.array(sorted(b for b in base_times if now_ms - MINUTE_MS <= b[1] < now_ms), np.int64).reshape(-1, 3)
        rows = np.array([r for r in reports if now_ms - MINUTE_MS <= r[2] < now_ms], np.int64).reshape(-1, 4)
        kernel.note_base_times(clocks, base[:, 0].astype(np.uint16), base[:, 1], base[:, 2])
        kernel.note_seconds(
            clocks, rows[:, 0].astype(np.uint16), rows[:, 1].astype(np.uint32), rows[:, 2], rows[:, 3].astype(np.uint8),
            now_ms,
        )  # fmt: skip
        kernel.judge_clocks(clocks, now_ms, *LIMITS, doubted)
        found = {
            int(s): (pytest.approx(clocks[s]["offset_ms"], abs=0.01), BY[clocks[s]["by"]], DOUBT[clocks[s]["doubt"]])
            for s in np.flatnonzero(clocks["doubt"])
        }
        assert {s: state[:3] for s, state in expected.items()} == found
        assert doubted.astype(bool).tolist() == [s in expected and expected[s][3] for s in range(4)]


def fed(t_ms, source) -> tuple[int, np.ndarray]:
    """The watermark after reports in order of arrival, and which of them were refused."""
    n = len(t_ms)
    columns = {name: np.zeros(n) for name in POSITION_SCHEMA.names} | {"t": t_ms, "source": source}
    columns["mmsi"] = np.arange(n) + 1
    maker = HeartbeatMaker(DetectSettings().time)
    arrays = [pa.array(columns[f.name].astype(f.type.to_pandas_dtype()), f.type) for f in POSITION_SCHEMA]
    batch = pa.RecordBatch.from_arrays(arrays, schema=POSITION_SCHEMA)
    beats, refused = [], np.zeros(n, bool)
    for start in range(0, n, 7):
        part = batch.slice(start, 7)
        beats.append(maker.feed(part))
        ahead = maker.believed(part)[1]
        if ahead is not None:
            refused |= np.isin(columns["mmsi"], ahead.column("mmsi").to_numpy())
    return int(Heartbeats.joined(beats).watermark_ms[-1]), refused


def test_a_source_two_hours_ahead_moves_the_clock_of_nobody_else():
    n = 2000
    source = np.arange(n) % 2
    t_ms = 10**12 + 5_000 * np.arange(n) + np.where(source == 1, 2 * HOUR_MS, 0)
    t_ms, source = np.insert(t_ms, 0, 10**12), np.insert(source, 0, 0)
    watermark_ms, refused = fed(t_ms, source)
    assert watermark_ms == (t_ms[source == 0].max() - LATENESS_MS) // MINUTE_MS * MINUTE_MS
    assert refused[source == 1].sum() >= n / 2 - 2
    assert not refused[source == 0].any()


def test_a_source_that_goes_on_alone_after_a_gap_is_believed():
    t_ms = np.concatenate((np.arange(50) * 5_000, 5 * HOUR_MS + np.arange(50) * 5_000)) + 10**12
    watermark_ms, refused = fed(t_ms, np.repeat([0, 1], 50))
    assert watermark_ms == (t_ms[-1] - LATENESS_MS) // MINUTE_MS * MINUTE_MS
    assert not refused.any()


@pytest.mark.parametrize(
    ("offsets_s", "expected_s"), [([0.4] * 9, 0.9), ([59.4] * 9, -0.1), ([45.2] * 9, -14.3), ([29.9] * 9, -29.6)]
)
def test_the_dial_reads_the_offset_without_minutes(offsets_s, expected_s):
    dial = np.zeros(60)
    for k, offset_s in enumerate(offsets_s):
        t_ms = round((1000 + k + 0.5 + offset_s) * 1000)
        dial[(t_ms // 1000 - (1000 + k)) % 60] += 1.0
    offset, share, weight = kernel.read_dial(dial)
    assert share == 1.0
    assert weight == 9.0
    assert abs((offset - expected_s + 30) % 60 - 30) <= 1.0


# --- the engine: any split gives the same alerts -------------------------------------------------------------------


def with_clocks(positions: pa.RecordBatch, offset_s: dict[int, float]) -> tuple[pa.RecordBatch, pa.RecordBatch]:
    """Reports whose sources stamp them wrongly, by stamp, and the base-station times that two of the sources hear."""
    t_ms, source = positions.column("t").to_numpy(), positions.column("source").to_numpy()
    late_ms = np.zeros(len(t_ms), np.int64)
    for code, off_s in offset_s.items():
        late_ms[source == code] = round(off_s * 1000)
    columns = {name: positions.column(name).to_numpy() for name in positions.schema.names}
    columns |= {"line": np.arange(len(t_ms)), "utc_s": t_ms // 1000 % 60, "t": t_ms + late_ms}
    order = np.argsort(columns["t"], kind="stable")
    arrays = [pa.array(columns[f.name][order].astype(f.type.to_pandas_dtype()), f.type) for f in PROVENANCE_SCHEMA]
    sent_ms = np.arange(t_ms.min(), t_ms.max(), 20_000)
    clock = [
        {"source": code, "t": int(sent) + round(offset_s.get(code, 0) * 1000), "reported": int(sent)}
        for sent in sent_ms
        for code in (1, 2)
    ]
    clock = sorted(clock, key=lambda row: row["t"])
    return pa.RecordBatch.from_arrays(arrays, schema=PROVENANCE_SCHEMA), pa.RecordBatch.from_pylist(clock, CLOCK_SCHEMA)


def told(positions, clock, cuts=(), parts=1) -> str:
    """Episodes of some engines that share the vessels and hear the same heartbeats."""
    detect = DetectSettings()
    maker = HeartbeatMaker(detect.time, detect.clocks)
    engines = [Engine(detect, places(), sources(), tells_outages=part == 0) for part in range(parts)]
    who = statics().column("mmsi").to_numpy() % parts
    for part, engine in enumerate(engines):
        engine.feed(positions.slice(0, 0), statics().filter(pa.array(who == part)))
    episodes = []
    edges = [0, *sorted(c for c in set(cuts) if 0 < c < positions.num_rows), positions.num_rows]
    t_ms, sent_ms = positions.column("t").to_numpy(), clock.column("t").to_numpy()
    heard = 0
    for start, end in pairwise(edges):
        batch = positions.slice(start, end - start)
        until = np.searchsorted(sent_ms, t_ms[end - 1], side="right") if end < positions.num_rows else len(sent_ms)
        beats = maker.feed(batch, clock.slice(heard, until - heard))
        heard = until
        batch = maker.believed(batch)[0]
        for part, engine in enumerate(engines):
            engine.feed(batch.filter(pa.array(batch.column("mmsi").to_numpy() % parts == part)))
            episodes += engine.advance(beats)
    beats = maker.finish()
    for engine in engines:
        episodes += [*engine.advance(beats), *engine.open_episodes()]
    return as_bytes(episodes)


@pytest.fixture(scope="module", params=[45.0, 7200.0], ids=["45 s", "2 h"])
def wrong_south(request):
    return with_clocks(fleet(1), {2: request.param})


@pytest.fixture(scope="module")
def whole(wrong_south) -> str:
    return told(*wrong_south)


def test_a_wrong_clock_is_told_and_silences_nobody(whole, wrong_south):
    episodes = [json.loads(line) for line in whole.splitlines()]
    south = [e for e in episodes if 411_000_001 <= e["mmsi"] < 411_000_009]
    assert not any(e["alerted"] for e in south if e["type"] == "silence")
    dark = [e for e in episodes if e["mmsi"] == 311_000_001 and e["type"] == "silence" and e["alerted"]]
    assert dark
    assert all("source_clock_off_s" not in e["evidence"] for e in dark), "the right source judges on"


@settings(max_examples=6, deadline=None)
@given(cuts=st.lists(st.integers(1, 14_000), max_size=30))
def test_batch_split_with_a_wrong_clock(cuts):
    scene = with_clocks(fleet(1), {2: 7200.0})
    assert told(*scene, cuts=cuts) == told(*scene)


@pytest.mark.parametrize("parts", [2, 7])
def test_vessels_split_with_a_wrong_clock(parts, whole, wrong_south):
    assert told(*wrong_south, parts=parts) == whole


# --- end to end: simulated receivers, NMEA, replay -----------------------------------------------------------------


def scenario(folder: Path, *, base_stations: bool = True, **skew_s: float) -> Path:
    """The clean dark periods, some of whose receivers' clocks are wrong."""
    scene = yaml.safe_load(SCENARIO.read_text())
    for receiver in scene["receivers"]:
        if not base_stations:
            receiver.pop("base_station", None)
        receiver["clock_skew_s"] = skew_s.get(receiver["name"], 0.0)
    path = folder / "scene.yaml"
    path.write_text(yaml.safe_dump(scene))
    simulate(path, folder / "sea.nmea", folder / "truth.csv")
    return folder / "sea.nmea"


def dark_of(out: Path) -> dict[int, dict]:
    alerts = [json.loads(line) for line in (out / "alerts.jsonl").read_text().splitlines()]
    assert not [a for a in alerts if a["type"] == "identity_clash"], "no second, false track"
    return {a["mmsi"]: a for a in alerts if a["type"] == "dark_period" and a["state"] != "retracted"}


def clocks_of(summary: dict) -> dict[str, dict]:
    return {entry["source"]: entry for entry in summary["clocks"]["sources"]}


@pytest.mark.parametrize(("base_stations", "by"), [(True, "base_station"), (False, "utc_second")])
def test_right_clocks_are_checked_and_not_flagged(tmp_path, base_stations, by):
    result = replay([scenario(tmp_path, base_stations=base_stations)], tmp_path / "out", draw_map=False)
    clocks = clocks_of(result.summary)
    assert {name: c["flagged"] for name, c in clocks.items()} == {"PHUKET": False, "KHAOLAK": False, "SURIN": False}
    assert {c["by"] for c in clocks.values()} == {by}
    assert all(abs(c["offset_s"]) < 2 for c in clocks.values())
    assert result.summary["clocks"]["flagged"] == 0
    assert len(dark_of(tmp_path / "out")) == 4


def test_a_source_two_hours_ahead_is_refused_and_the_others_see_what_they_see(tmp_path):
    log = scenario(tmp_path, KHAOLAK=7200.0)
    result = replay([log], tmp_path / "out", draw_map=False)
    khaolak = clocks_of(result.summary)["KHAOLAK"]
    assert khaolak["flagged"]
    assert khaolak["by"] == "base_station"
    assert khaolak["offset_s"] == pytest.approx(7200, abs=2)
    rejects = result.summary["rejects"]["by_reason"]
    assert rejects["source_clock_off"] == khaolak["refused"] > 10_000
    assert "late" not in rejects
    dark_of(tmp_path / "out")


def test_the_dial_flags_a_source_without_base_station(tmp_path):
    result = replay([scenario(tmp_path, base_stations=False, SURIN=45.0)], tmp_path / "out", draw_map=False)
    surin = clocks_of(result.summary)["SURIN"]
    assert (surin["flagged"], surin["by"], surin["refused"]) == (True, "utc_second", 0)
    assert surin["offset_s"] == pytest.approx(-15, abs=1.5), "45 s fast, without whole minutes"
    alerts = dark_of(tmp_path / "out")
    assert alerts
    assert not [a for a in alerts.values() if a["evidence"]["source"] == "SURIN" and a["ended_at"] is None]


def test_in_order_of_arrival_nobody_is_late_for_a_source_two_hours_ahead(tmp_path):
    log = scenario(tmp_path, KHAOLAK=7200.0)
    names, detect = SourceTable(), DetectSettings()
    engine, maker = Engine(detect, places(), names), HeartbeatMaker(detect.time, detect.clocks)
    episodes, refused = [], 0
    for chunk in Inputs([log], names):
        for start in range(0, chunk.positions.num_rows, 500):
            batch = chunk.positions.slice(start, 500)
            beats = maker.feed(batch, chunk.clock if start == 0 else None)
            batch, ahead = maker.believed(batch)
            refused += ahead.num_rows if ahead else 0
            engine.feed(batch, chunk.statics if start == 0 else None)
            episodes += engine.advance(beats)
    assert refused > 1_000, "before its clock is known, by the others' stamps"
    assert engine.counters["clock_refused"] > 50_000, "then by base stations"
    assert engine.late_reports == 0
    assert engine.counters["identity_clashes"] == 0
    dark = {e.mmsi for e in episodes if e.type == "silence" and e.alerted and e.state != "retracted"}
    assert dark
