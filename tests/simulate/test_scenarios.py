"""Every shipped scenario can be played, and holds what it says: truth by definition, and nothing else by definition."""

from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from maritime.geo.coastline import load_coastline
from maritime.geo.coastline_kernels import coast_distance_m
from maritime.geo.ports import load_ports
from maritime.simulate import Scene, load_scenario, play
from maritime.simulate.geometry import distance_m, wrapped_lon_deg
from maritime.simulate.track import GRID_S, Track
from maritime.simulate.truth import TruthRow, Witnessed
from maritime.times import from_rfc3339
from maritime.units import NM_M

SCENARIOS = sorted((Path(__file__).parents[2] / "configs" / "scenarios").glob("*.yaml"))
HOUR_MS = 3_600_000
NATURAL_LOITERERS = frozenset(
    {30, 31, 32, 33, 34, 50, 51, 52, 53}
)  # fishing, towing, dredging, diving, pilot, SAR, tug
AT_REST = (1, 5)  # at anchor, moored
NOT_UNDER_COMMAND = 2
MINUTE = round(60 / GRID_S)


@pytest.fixture(scope="module", params=SCENARIOS, ids=lambda path: path.stem)
def path(request) -> Path:
    return request.param


@pytest.fixture(scope="module")
def scene(path) -> Scene:
    return play(load_scenario(path), path.stem)


def named(name: str) -> Scene:
    path = next(path for path in SCENARIOS if path.stem == name)
    return play(load_scenario(path), name)


@cache
def coast():
    return load_coastline().arrays


def coast_nm(lat_deg: float, lon_deg: float) -> float:
    return coast_distance_m(coast(), float(lat_deg), float(wrapped_lon_deg(lon_deg)), 100_000.0) / NM_M


def hull_of(scene: Scene, row: TruthRow) -> Witnessed:
    return next(hull for hull in scene.hulls if hull.hull == row.hull)


def span_ms(scene: Scene, row: TruthRow) -> tuple[int, int]:
    end_ms = scene.scenario.start_ms + round(scene.scenario.duration_h * HOUR_MS)
    return from_rfc3339(row.started_at), from_rfc3339(row.ended_at) if row.ended_at else end_ms


def during(scene: Scene, track: Track, from_ms: int, to_ms: int) -> np.ndarray:
    t_ms = scene.scenario.start_ms + track.t_s * 1000
    return (t_ms >= from_ms) & (t_ms <= to_ms)


def labels(scene: Scene, kind: str) -> list[tuple[TruthRow, Witnessed]]:
    return [(row, hull_of(scene, row)) for row in scene.truth if row.type == kind]


def runs(holds: np.ndarray) -> list[tuple[int, int]]:
    """First and one past the last index of each stretch that holds."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], holds.astype(np.int8), [0]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def bridged(holds: np.ndarray, samples: int) -> np.ndarray:
    """Gaps of up to some samples inside a stretch are filled."""
    filled = holds.copy()
    for first, last in runs(~holds):
        if first > 0 and last < holds.size and last - first <= samples:
            filled[first:last] = True
    return filled


def test_scenario_keeps_its_promises(path, scene):
    scenario = scene.scenario
    assert path.read_text().startswith("# ")
    assert "# Expected: " in path.read_text()
    assert 6 <= scenario.duration_h <= 30
    assert len({hull.track.vessel.mmsi for hull in scene.hulls}) >= 10
    labelled = [step.expect for vessel in scenario.vessels for step in vessel.plan if step.expect]
    labelled += [vessel.expect for vessel in scenario.vessels if vessel.expect]
    spans = [*(s for v in scenario.vessels for s in (*v.silences, *v.withheld)), *scenario.beacons]
    spans += [outage for receiver in scenario.receivers for outage in receiver.outages]
    assert len(scene.truth) == len(labelled) + sum(span.expect is not None for span in spans)
    assert scene.messages == scene.log.count(b"!AIVDM,1,1") + scene.log.count(b"!AIVDM,2,1")


def test_loitering_is_labelled_where_and_only_where_it_is(scene):
    """Slow for 4 h beyond 20 nm or 2 h beyond 12 nm, circling for as long, or adrift for half an hour."""
    expected = {(row.mmsi, row.started_at) for row in scene.truth if row.type == "loitering"}
    found = set()
    for hull in scene.hulls:
        track = hull.track
        if track.vessel.ship_type in NATURAL_LOITERERS:
            continue
        moving = ~np.isin(track.nav_status, AT_REST)
        slow = runs(bridged((track.speed_kn < 2) & moving, 10 * MINUTE))
        circling = [run for run in runs((track.speed_kn < 5) & moving) if circles(track, *run)]
        long = [run for run in slow + circling if hours_of(run) >= needed_hours(track, *run)]
        long += [run for run in runs(bridged(adrift(track), 10 * MINUTE)) if hours_of(run) >= 0.5]
        found |= {label_of(scene, hull, *run, expected) for run in long}
    assert found == expected
    for row, _ in labels(scene, "loitering"):
        from_ms, to_ms = span_ms(scene, row)
        assert to_ms - from_ms > 0.5 * HOUR_MS


def test_pilot_and_tug_look_like_loiterers():
    """Slow for long enough and far enough out that only their work explains it."""
    for mmsi in (567501001, 567501002):
        [hull] = [hull for hull in named("lookalike_port_craft").hulls if hull.track.vessel.mmsi == mmsi]
        slow = runs(bridged(hull.track.speed_kn < 2, 10 * MINUTE))
        assert any(hours_of(run) >= needed_hours(hull.track, *run) for run in slow), mmsi


def hours_of(run: tuple[int, int]) -> float:
    return (run[1] - run[0]) * GRID_S / 3600


def adrift(track: Track) -> np.ndarray:
    sideways = (track.speed_kn > 0.3) & (track.speed_kn < 5) & (drift_angle_deg(track) > 45)
    return ~np.isin(track.nav_status, AT_REST) & ((track.nav_status == NOT_UNDER_COMMAND) | sideways)


def drift_angle_deg(track: Track) -> np.ndarray:
    course = np.degrees(np.arctan2(track.east_ms, track.north_ms))
    off = np.abs((track.heading_deg - course + 180) % 360 - 180)
    return np.where(track.vessel.transceiver == "A", off, 0.0)


def circles(track: Track, first: int, last: int) -> bool:
    path_m = np.hypot(track.north_ms, track.east_ms)[first:last].sum() * GRID_S
    lat, lon = track.lat_deg[first:last], track.lon_deg[first:last]
    from_middle_nm = distance_m(lat.mean(), lon.mean(), lat, lon).max() / NM_M
    return from_middle_nm < 5 and path_m >= 3 * float(distance_m(lat[0], lon[0], lat[-1], lon[-1]))


def needed_hours(track: Track, first: int, last: int) -> float:
    from_coast_nm = min(coast_nm(track.lat_deg[i], track.lon_deg[i]) for i in (first, (first + last) // 2, last - 1))
    return 4.0 if from_coast_nm > 20 else 2.0 if from_coast_nm > 12 else np.inf


def label_of(scene: Scene, hull: Witnessed, first: int, last: int, expected: set) -> tuple:
    began_ms = scene.scenario.start_ms + hull.track.t_s[first] * 1000
    ended_ms = scene.scenario.start_ms + hull.track.t_s[last - 1] * 1000
    for mmsi, started_at in expected:
        if mmsi == hull.track.vessel.mmsi and began_ms - 6e5 <= from_rfc3339(started_at) <= ended_ms:
            return mmsi, started_at
    return hull.track.vessel.mmsi, f"{hull.track.vessel.name}: unlabelled from {hull.track.t_s[first] / 3600:.1f} h"


def test_a_dark_vessel_is_silent_far_out_and_under_way_while_others_are_heard(scene):
    satellites_only = not scene.scenario.receivers
    for row, hull in labels(scene, "dark_period"):
        from_ms, to_ms = span_ms(scene, row)
        assert not np.any((hull.heard_ms > from_ms) & (hull.heard_ms < to_ms))
        assert (to_ms - from_ms) / HOUR_MS >= (12 if satellites_only else 2)
        assert np.sum((hull.heard_ms <= from_ms) & (hull.heard_ms > from_ms - 12 * HOUR_MS)) >= 14
        assert hull.track.speed_kn[during(scene, hull.track, from_ms, from_ms + 60_000)].min() > 3
        assert coast_nm(row.lat, row.lon) > 10
        witnesses = [
            other
            for other in scene.hulls
            if other is not hull and np.any((other.heard_ms > from_ms) & (other.heard_ms < to_ms))
        ]
        assert len(witnesses) >= 8


def test_nobody_else_falls_silent_inside_good_coverage(scene):
    """A hole of more than an hour, well inside the range of a working coast station, is a labelled silence."""
    scenario = scene.scenario
    for hull in scene.hulls:
        labelled = [(s.from_h, s.to_h) for s in hull.track.vessel.silences]
        heard_h = (hull.heard_ms - scenario.start_ms) / HOUR_MS
        for before_h, after_h in pairwise(heard_h):
            if after_h - before_h < 1 or any(b < after_h and e > before_h for b, e in labelled):
                continue
            middle = np.searchsorted(hull.track.t_s, (before_h + after_h) / 2 * 3600)
            lat, lon = hull.track.lat_deg[middle], hull.track.lon_deg[middle]
            for receiver in scenario.receivers:
                if receiver.at is None or any(o.from_h < after_h and o.to_h > before_h for o in receiver.outages):
                    continue
                safe_nm = receiver.range_nm - 4 * receiver.roll_off_nm
                assert distance_m(lat, lon, *receiver.at) / NM_M > safe_nm, (hull.hull, before_h, after_h)


def test_a_landing_obeys_the_definition(scene):
    ports = load_ports().arrays
    for row, hull in labels(scene, "unusual_landing"):
        track = hull.track
        assert distance_m(row.lat, row.lon, ports.lat_deg, ports.lon_deg).min() > 3000
        if any(silence.expect == "unusual_landing" for silence in track.vessel.silences):
            last_heard = np.searchsorted(track.t_s, (hull.heard_ms[-1] - scene.scenario.start_ms) / 1000)
            speed_kn = track.speed_kn[last_heard - 1]
            from_coast_nm = coast_nm(track.lat_deg[last_heard - 1], track.lon_deg[last_heard - 1])
            earlier_nm = coast_nm(track.lat_deg[last_heard - MINUTE], track.lon_deg[last_heard - MINUTE])
            assert from_coast_nm < min(1.0, earlier_nm)
            assert from_coast_nm / speed_kn * 60 <= 15
            continue
        ashore = during(scene, track, *span_ms(scene, row))
        assert track.speed_kn[ashore].max() <= 0.5
        assert 10 <= ashore.sum() / MINUTE < 60  # a short stay, which is one of the further terms
        assert coast_nm(row.lat, row.lon) * NM_M < 300
        heard = during_heard(scene, hull, row)
        assert heard >= 3, "the stop must be heard"


def during_heard(scene: Scene, hull: Witnessed, row: TruthRow) -> int:
    from_ms, to_ms = span_ms(scene, row)
    return int(np.sum((hull.heard_ms >= from_ms) & (hull.heard_ms <= to_ms)))


def test_short_stops_on_the_shore_are_labelled_but_for_working_craft(scene):
    expected = {(row.mmsi, row.started_at) for row in scene.truth if row.type == "unusual_landing"}
    working = {*NATURAL_LOITERERS, *range(60, 70)}  # and passenger ships
    for hull in scene.hulls:
        track = hull.track
        limit_kn = 0.2 if track.vessel.transceiver == "A" else 0.5
        for first, last in runs(track.speed_kn < limit_kn):
            minutes = (last - first) / MINUTE
            whole = first > 0 and last < track.t_s.size
            if not whole or not 10 <= minutes < 60 or track.vessel.ship_type in working:
                continue
            if coast_nm(track.lat_deg[first], track.lon_deg[first]) * NM_M < 300:
                assert label_of(scene, hull, first, last, expected) in expected


def test_a_withheld_position_is_transmitted_all_the_same():
    scene = named("position_withheld")
    rows = labels(scene, "position_withheld")
    assert len(rows) == 2
    for row, hull in rows:
        from_ms, to_ms = span_ms(scene, row)
        heard = hull.heard_ms[(hull.heard_ms >= from_ms) & (hull.heard_ms <= to_ms)]
        assert heard.size > 100
        assert np.diff(heard).max() < 5 * 60_000


def test_nothing_is_heard_from_a_station_in_an_outage():
    for name, station in (("outage_receiver", b"KHAOLAK"), ("outage_feed", b"PHUKET")):
        scene = named(name)
        (row,) = scene.truth
        from_ms, to_ms = span_ms(scene, row)
        stamps = [int(line.split(b"c:")[1][:13]) for line in scene.log.splitlines() if b"s:" + station + b"," in line]
        inside = [stamp for stamp in stamps if from_ms + 1000 <= stamp < to_ms - 1000]
        assert (row.type, inside) == ("reception_outage", [])
        assert min(stamps) < from_ms < to_ms < max(stamps)


def test_the_shared_mmsi_is_never_silent():
    scene = named("shared_mmsi")
    clash, row = scene.truth
    assert (clash.type, row.type) == ("identity_clash", "dark_period")
    assert clash.hull == row.hull
    twins = [hull for hull in scene.hulls if hull.track.vessel.mmsi == row.mmsi]
    assert len(twins) == 2
    from_ms, to_ms = span_ms(scene, row)
    together = np.sort(np.concatenate([hull.heard_ms for hull in twins]))
    inside = together[(together >= from_ms) & (together <= to_ms)]
    assert np.diff(inside).max() < 5 * 60_000
    lat, lon = (np.array([np.mean(getattr(h.track, axis)) for h in twins]) for axis in ("lat_deg", "lon_deg"))
    assert distance_m(lat[0], lon[0], lat[1], lon[1]) / NM_M > 60


def test_midnight_lies_inside_all_three_episodes():
    scene = named("midnight")
    midnight_ms = from_rfc3339("2026-03-24T00:00:00Z")
    assert {row.type for row in scene.truth} == {"loitering", "dark_period", "unusual_landing"}
    for row in scene.truth:
        from_ms, to_ms = span_ms(scene, row)
        assert from_ms < midnight_ms < to_ms


def test_the_antimeridian_is_crossed_in_every_episode():
    scene = named("antimeridian")
    for row in scene.truth:
        track = hull_of(scene, row).track
        from_ms, to_ms = span_ms(scene, row)
        wide = during(scene, track, from_ms - 2 * HOUR_MS, to_ms)
        assert track.lon_deg[wide].min() < 180 < track.lon_deg[wide].max()
