"""The kernels of maritime.sources written again as slow, obvious loops: their specification."""

import math
import re
from datetime import UTC, datetime, timedelta

OFFSET = re.compile(r"^(.*?)\s*(?:(Z|z|UTC|GMT)|([+-])(\d\d):?(\d\d)?(?:\s+UTC)?)?$")


def time_ms(text: str, order: str) -> int | None:
    """One time as ms UTC by `datetime`, or None."""
    text = text.strip()
    if re.fullmatch(r"\d+(\.\d*)?", text) and not re.fullmatch(r"(19|20)(\d{6}|\d{12})(\.\d*)?", text):
        whole, _, fraction = text.partition(".")
        value = int(whole)
        if value >= 2**63:
            return None
        for limit, factor in ((10**11, 1000), (10**14, 1)):
            if value < limit:
                return value * factor + (int((fraction + "000")[:3]) if factor == 1000 else 0)
        return value // 10**3 if value < 10**17 else value // 10**6
    wall, _, sign, hours, minutes = OFFSET.fullmatch(text).groups()
    wall, _, fraction = re.sub(r"[T_]", " ", wall).partition(".")
    shape = {"auto": "%Y-%m-%d", "day_first": "%d/%m/%Y", "month_first": "%m/%d/%Y"}[order]
    for pattern in (f"{shape} %H:%M:%S", f"{shape} %H:%M", "%Y%m%d %H%M%S", "%Y%m%d%H%M%S"):
        try:
            moment = datetime.strptime(wall.strip(), pattern).replace(tzinfo=UTC)
        except ValueError:
            continue
        if sign:
            moment -= timedelta(hours=int(hours), minutes=int(minutes or 0)) * (1 if sign == "+" else -1)
        return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1) + int((fraction + "000")[:3])
    return None


def verdict(mmsi: float, t_ms: int | None, lat: float, lon: float, oldest_ms: int, newest_ms: int) -> str | None:
    """Why a row is refused, or None."""
    if math.isnan(mmsi) or not 1 <= mmsi <= 999_999_999 or mmsi % 1:
        return "mmsi_invalid"
    if t_ms is None:
        return "time_invalid"
    if not oldest_ms <= t_ms <= newest_ms:
        return "time_out_of_range"
    if math.inf in (abs(lat), abs(lon)):
        return "position_not_a_number"
    lat, lon = known_position(lat, lon)
    if (lat is not None and abs(lat) > 90) or (lon is not None and abs(lon) > 180):
        return "position_out_of_range"
    return "half_position" if (lat is None) != (lon is None) else None


def known_position(lat: float, lon: float) -> tuple[float | None, float | None]:
    """A position with None for what stands for unknown."""
    known_lat = None if math.isnan(lat) or lat == 91 else lat
    known_lon = None if math.isnan(lon) or lon == 181 else lon
    return (None, None) if known_lon == 0 and known_lat in (0, None) else (known_lat, known_lon)


def changes(rows: list[tuple[int, tuple[str, ...]]]) -> list[bool]:
    """Whether each (mmsi, words) says something new about its vessel."""
    last: dict[int, tuple[str, ...]] = {}
    marks = []
    for mmsi, words in rows:
        new = any(words) and last.get(mmsi) != words
        if new:
            last[mmsi] = words
        marks.append(new)
    return marks


def intervals_s(rows: list[tuple[int, int]]) -> list[int]:
    """Whole seconds between the newer and newer reports (mmsi, t_ms) of each vessel."""
    last: dict[int, int] = {}
    found = []
    for mmsi, t_ms in rows:
        interval = (t_ms - last[mmsi] + 500) // 1000 if mmsi in last else 0
        if mmsi not in last or interval > 0:
            last[mmsi] = t_ms
        if interval > 0:
            found.append(interval)
    return found
