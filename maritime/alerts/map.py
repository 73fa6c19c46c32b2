"""Map: the alerts and the tracks over the coast, as a picture. matplotlib without pyplot: no state, no display."""

import heapq
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from maritime.alerts.alert import SEVERITY_WEIGHT, Alert, rank
from maritime.alerts.antimeridian import lines, unwrapped
from maritime.alerts.tracks import Track, TrackSketch
from maritime.alerts.view import View
from maritime.geo.coastline import Coastline
from maritime.times import from_rfc3339
from maritime.units import HOUR_MS, NM_M

SIZE_IN: Final = (13.0, 8.2)
DPI: Final = 130
MAP_BOX: Final = (0.045, 0.06, 0.685, 0.86)  # left, bottom, width, height of the figure
LISTED: Final = 18  # numbered alerts: as many as the list beside the map holds
DRAWN: Final = 3_000  # alerts drawn at most, the first by rank; more would hide the coast
ENOUGH_ROOM: Final = 1.6  # heights of a number, between it and its neighbours
TRACK_GAP_MS: Final = 2 * HOUR_MS  # a longer silence is not bridged by a line
LEAP_KN: Final = 100.0  # chosen: above every ship; the track is broken there

SEA, LAND, SHORE, TRACK, INK = "#eef3f6", "#d8d3c6", "#9c9585", "#4a6a86", "#22303c"
STYLES: Final[dict[str, tuple[str, str]]] = {  # colours: Okabe & Ito 2008, told apart with any colour vision
    "dark_period": ("#000000", "s"),
    "distress_beacon": ("#d55e00", "*"),
    "identity_clash": ("#56b4e9", "X"),
    "loitering": ("#0072b2", "o"),
    "position_withheld": ("#cc79a7", "D"),
    "reception_outage": ("#7f7f7f", "P"),
    "unusual_landing": ("#009e73", "^"),
}
OTHER_STYLE: Final = ("#e69f00", "v")


def draw(
    path: Path, alerts: Iterable[Alert], sketch: TrackSketch, coastline: Coastline, summary: dict[str, Any]
) -> None:
    """Draw the standing alerts (retracted ones are left out) with their geometry and every track into a PNG at `path`.

    `summary` gives the title's numbers: `alerts_by_type`, `vessels`, `span`, as the recorder counts them.
    """
    newest_ms = from_rfc3339(summary["span"]["to"]) if summary["span"]["to"] else 0
    standing = (alert for alert in alerts if alert.state != "retracted")
    ranked = heapq.nlargest(DRAWN, standing, key=lambda alert: (rank(alert, newest_ms), alert.alert_id))
    tracks = list(sketch.tracks())
    figure = Figure(figsize=SIZE_IN, dpi=DPI, facecolor="white")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes(MAP_BOX, facecolor=SEA)
    view = _view(ranked, tracks)
    _frame(axes, view)
    _coast(axes, view, coastline)
    _tracks(axes, view, tracks)
    _alerts(axes, view, ranked)
    _scale(axes, view)
    _words(figure, ranked, coastline, summary)
    with path.open("wb") as file:
        canvas.print_png(file)


def _view(alerts: list[Alert], tracks: list[Track]) -> View:
    lat = np.concatenate([track.lat_deg for track in tracks]) if tracks else np.empty(0, np.float32)
    lon = np.concatenate([track.lon_deg for track in tracks]) if tracks else np.empty(0, np.float32)
    placed = [(alert.lat, alert.lon) for alert in alerts if None not in (alert.lat, alert.lon)]
    must_lat, must_lon = np.array(placed, np.float64).reshape(-1, 2).T
    aspect = SIZE_IN[0] * MAP_BOX[2] / (SIZE_IN[1] * MAP_BOX[3])
    return View.of(lat, lon, must_lat, must_lon, aspect=aspect)


def _frame(axes: Axes, view: View) -> None:
    axes.set_xlim(view.west, view.east)
    axes.set_ylim(view.south, view.north)
    axes.set_aspect(view.stretch, adjustable="box", anchor="NW")
    axes.xaxis.set_major_formatter(lambda lon, _: _degrees((lon + 180) % 360 - 180, "EW"))
    axes.yaxis.set_major_formatter(lambda lat, _: _degrees(lat, "NS"))
    axes.tick_params(length=0, labelsize=8, colors="#5b6770")
    axes.grid(color="white", linewidth=0.8)
    axes.set_axisbelow(True)
    for spine in axes.spines.values():
        spine.set_color("#b8c2ca")


def _degrees(value: float, letters: str) -> str:
    if abs(value) < 1e-9 or abs(abs(value) - 180) < 1e-9:
        return f"{abs(value):g}°"
    return f"{round(abs(value), 6):.10g}° {letters[int(value < 0)]}"


def _coast(axes: Axes, view: View, coastline: Coastline) -> None:
    """Land as filled rings, those that touch the view only, each whole turn of longitude that does."""
    rings = []
    for ring in coastline.rings():
        south, north = ring[:, 1].min(), ring[:, 1].max()
        if south > view.north or north < view.south:
            continue
        west, east = ring[:, 0].min(), ring[:, 0].max()
        rings += [
            ring + np.array([turn, 0.0])
            for turn in (-360.0, 0.0, 360.0)
            if west + turn < view.east and east + turn > view.west
        ]
    axes.add_collection(PolyCollection(rings, facecolor=LAND, edgecolor=SHORE, linewidth=0.5, zorder=0.5))


def _tracks(axes: Axes, view: View, tracks: list[Track]) -> None:
    """Lines between the kept points; a dot where a vessel has one alone, as in a log of some minutes."""
    segments: list[npt.NDArray[np.float64]] = []
    alone: list[npt.NDArray[np.float64]] = []
    for track in tracks:
        points = np.column_stack([view.lon(track.lon_deg.astype(np.float64)), track.lat_deg])
        breaks = (np.diff(track.t_ms) > TRACK_GAP_MS) | (np.abs(np.diff(points[:, 0])) > 180) | _leaps(track)
        parts = np.split(points, np.flatnonzero(breaks) + 1)
        segments += [part for part in parts if len(part) > 1]
        alone += [part for part in parts if len(part) == 1]
    dots = np.concatenate(alone) if alone else np.empty((0, 2))
    axes.scatter(dots[:, 0], dots[:, 1], s=3, c=TRACK, alpha=0.6, linewidths=0, zorder=2)
    axes.add_collection(LineCollection(segments, colors=TRACK, linewidths=0.6, alpha=0.35, zorder=2))


def _leaps(track: Track) -> npt.NDArray[np.bool_]:
    """Which steps between the n points of a track, bool[n - 1], no ship can make: another hull or a wild fix."""
    north_nm = np.diff(track.lat_deg.astype(np.float64)) * 60
    east_deg = (np.diff(track.lon_deg.astype(np.float64)) + 180) % 360 - 180
    east_nm = east_deg * 60 * np.cos(np.radians(track.lat_deg[1:]))
    hours = np.maximum(np.diff(track.t_ms), 60_000) / HOUR_MS
    return np.hypot(north_nm, east_nm) / hours > LEAP_KN


def _alerts(axes: Axes, view: View, ranked: list[Alert]) -> None:
    middle_lon = (view.west + view.east) / 2
    places = np.array([(alert.lon, alert.lat) for alert in ranked], np.float64).reshape(-1, 2)  # None becomes NaN
    places[:, 0] = view.lon(places[:, 0])
    for number, (alert, (x, y)) in reversed(list(enumerate(zip(ranked, places, strict=True)))):  # the first on top
        colour, marker = STYLES.get(alert.type, OTHER_STYLE)
        for line in lines(unwrapped(alert.geometry, middle_lon)) if alert.geometry else ():
            if len(line) > 1:
                xy = np.array([position[:2] for position in line])
                axes.plot(xy[:, 0], xy[:, 1], color=colour, linewidth=1.1, alpha=0.55, zorder=3)
        size = 40 + 90 * SEVERITY_WEIGHT[alert.severity]
        order = 5 + (len(ranked) - number) / len(ranked)
        axes.scatter(x, y, s=size, c=colour, marker=marker, edgecolors="white", linewidths=0.9, zorder=order)
    _numbers(axes, view, places[:LISTED])


def _numbers(axes: Axes, view: View, places: npt.NDArray[np.float64]) -> None:
    """Write each listed alert's number beside its marker, where no other number or marker stands if it can be."""
    unit = (view.north - view.south) / 60  # about the height of a number, in degrees of latitude
    step = np.array([unit * view.stretch, unit])
    angles = np.arange(8) * np.pi / 4
    around = np.column_stack([np.cos(angles), np.sin(angles)])
    offsets = np.concatenate([radius * around for radius in (1.5, 2.6, 4.0, 5.5)]) * step
    taken = places[~np.isnan(places[:, 0])]
    for number, place in enumerate(places, 1):
        if np.isnan(place[0]):
            continue
        spots = place + offsets
        room = np.hypot(*((spots[:, None, :] - taken) / step).T).min(axis=0)
        spot = spots[np.argmax(np.minimum(room, ENOUGH_ROOM))]
        taken = np.vstack([taken, spot])
        axes.annotate(
            str(number),
            (float(place[0]), float(place[1])),
            (float(spot[0]), float(spot[1])),
            ha="center",
            va="center",
            fontsize=8,
            fontweight="bold",
            color=INK,
            zorder=8,
            annotation_clip=True,
            arrowprops={"arrowstyle": "-", "color": INK, "linewidth": 0.5, "shrinkA": 3, "shrinkB": 3},
            path_effects=[withStroke(linewidth=2.2, foreground="white")],
        )


def _scale(axes: Axes, view: View) -> None:
    """A bar of a round number of nautical miles, true at the middle latitude."""
    nm_per_lon_degree = 60 / view.stretch
    wanted = (view.east - view.west) * nm_per_lon_degree / 5
    length_nm = max(step * 10**e for e in range(-1, 5) for step in (1, 2, 5) if step * 10**e <= max(wanted, 0.1))
    width = length_nm / nm_per_lon_degree
    x = view.west + 0.03 * (view.east - view.west)
    y = view.south + 0.035 * (view.north - view.south)
    halo = [withStroke(linewidth=3, foreground="white")]
    axes.plot([x, x + width], [y, y], color=INK, linewidth=2.4, solid_capstyle="butt", path_effects=halo, zorder=9)
    text = f"{length_nm:g} nm · {float(f'{length_nm * NM_M / 1000:.3g}'):,g} km"
    axes.annotate(text, (x, y), (0, 5), textcoords="offset points", fontsize=8, color=INK, path_effects=halo, zorder=9)


def _has_area(geometry: dict[str, Any] | None) -> bool:
    return geometry is not None and (
        geometry["type"].endswith("Polygon") or any(_has_area(part) for part in geometry.get("geometries", ()))
    )


def _words(figure: Figure, ranked: list[Alert], coastline: Coastline, summary: dict[str, Any]) -> None:
    """Title, legend, list of the first alerts, and where the coastline comes from."""
    counts = Counter({kind: n["open"] + n["closed"] for kind, n in summary["alerts_by_type"].items()})
    left, right = MAP_BOX[0], MAP_BOX[0] + MAP_BOX[2] + 0.02
    total = counts.total()
    heading = f"{total:,} alert{'' if total == 1 else 's'} · {summary['vessels']:,} vessels"
    figure.text(left, 0.955, heading, fontsize=15, fontweight="bold", color=INK)
    span = summary["span"]
    if span["from"]:
        period = f"{_clock(span['from'])} – {_clock(span['to'])} UTC"
        figure.text(left, 0.93, period, fontsize=9.5, color="#5b6770")
    handles = [Line2D([], [], color=TRACK, alpha=0.6, linewidth=1.4, label="track")]
    if any(_has_area(alert.geometry) for alert in ranked):
        colour = STYLES["dark_period"][0]
        handles.append(Line2D([], [], color=colour, alpha=0.55, linewidth=1.1, label="can have reached"))
    for place, kind in enumerate(sorted(counts)):
        colour, marker = STYLES.get(kind, OTHER_STYLE)
        label = f"{kind.replace('_', ' ')}  {counts[kind]}"
        handles.insert(
            place,
            Line2D(
                [], [], color=colour, marker=marker, linestyle="", markeredgecolor="white", markersize=9, label=label
            ),
        )
    figure.legend(handles=handles, loc="upper left", bbox_to_anchor=(right - 0.008, 0.93), frameon=False, fontsize=9)
    below = 0.93 - 0.031 * len(handles) - 0.03
    for number, alert in enumerate(ranked[:LISTED], 1):
        y = below - (number - 1) * 0.038
        if y < 0.06:
            break
        record = alert.to_dict()
        figure.text(right + 0.012, y, str(number), fontsize=8.5, fontweight="bold", color=INK, ha="right")
        words = f"{alert.type.replace('_', ' ')} · {alert.hull}"
        figure.text(right + 0.018, y, words, fontsize=8.5, color=INK)
        ended = _clock(record["ended_at"]) if record["ended_at"] else "open"
        when = f"{_clock(record['started_at'])} – {ended} · {alert.severity} {alert.confidence:.2f}"
        figure.text(right + 0.018, y - 0.0155, when, fontsize=7, color="#5b6770")
    note = f"Coastline: {coastline.id}. Equirectangular. Not for navigation."
    figure.text(left + MAP_BOX[2], 0.012, note, fontsize=6.5, color="#8a949b", ha="right")


def _clock(text: str) -> str:
    """`2020-01-01T00:00:03.5Z` → `2020-01-01 00:00`."""
    return text[:16].replace("T", " ")
