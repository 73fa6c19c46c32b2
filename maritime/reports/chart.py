"""Chart: rates by period with their intervals, over the vessel-hours they rest on, as SVG."""

from collections.abc import Sequence
from html import escape
from typing import Final

from maritime.reports.report import Trend

WIDTH_PX: Final = 460
HEIGHT_PX: Final = 250
LEFT, RIGHT, TOP, MIDDLE, LOW = 52, 12, 14, 168, 222  # of the axes; hours are drawn from LOW up to below MIDDLE
HOURS_PX: Final = 36
MOST_LABELS: Final = 8
INK, GREY, POINT, BAR = "#22303c", "#5b6770", "#0072b2", "#c9d3da"


def chart(trends: Sequence[Trend], periods: Sequence[str], title: str) -> str:
    """Points with bars of their 95 % intervals; a period without a rate is left empty."""
    by_period = {trend.period: trend for trend in trends}
    highest = max((t.rate.interval.high or 0.0 for t in trends if t.rate), default=0.0) or 1.0
    top, step = _scale(highest)
    most_hours = max((trend.vessel_hours for trend in trends), default=0) or 1
    width = (WIDTH_PX - LEFT - RIGHT) / len(periods)
    parts = [f'<svg class="chart" viewBox="0 0 {WIDTH_PX} {HEIGHT_PX}" role="img"><title>{escape(title)}</title>']
    for number in range(round(top / step) + 1):
        y = _y(number * step, top)
        parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH_PX - RIGHT}" stroke="#e3e8ec"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 3.5:.1f}" text-anchor="end">{number * step:g}</text>')
    every = -(-len(periods) // MOST_LABELS)
    for number, period in enumerate(periods):
        x = LEFT + (number + 0.5) * width
        if number % every == 0:
            parts.append(f'<text x="{x:.1f}" y="{LOW + 14}" text-anchor="middle">{escape(period)}</text>')
        if period in by_period:
            parts.append(_point(by_period[period], x, width, top, most_hours))
    parts.append(f'<text x="{LEFT - 6}" y="{LOW - 6}" text-anchor="end">hours</text>')
    parts.append(f'<path d="M{LEFT} {LOW}H{WIDTH_PX - RIGHT}" stroke="{GREY}"/></svg>')
    return "".join(parts)


def _point(trend: Trend, x: float, width: float, top: float, most_hours: int) -> str:
    hours_px, bar = HOURS_PX * trend.vessel_hours / most_hours, min(26.0, width * 0.6)
    made = (
        f'<rect x="{x - bar / 2:.1f}" y="{LOW - hours_px:.1f}" width="{bar:.1f}" height="{hours_px:.1f}" fill="{BAR}">'
        f"<title>{escape(trend.period)}: {trend.vessel_hours:,} vessel-hours</title></rect>"
    )
    if trend.rate is None:
        return made
    rate, low, high = trend.rate.per_1000_vessel_hours, trend.rate.interval.low, trend.rate.interval.high or top
    said = f"{trend.period}: {rate:g} ({low:g}–{high:g}) per 1,000 vessel-hours, {trend.count} alerts"
    return (
        f'{made}<path d="M{x:.1f} {_y(low, top):.1f}V{_y(high, top):.1f}" stroke="{POINT}" stroke-width="2"/>'
        f'<circle cx="{x:.1f}" cy="{_y(rate, top):.1f}" r="4.5" fill="{POINT}"><title>{escape(said)}</title></circle>'
    )


def _y(value: float, top: float) -> float:
    return MIDDLE - (MIDDLE - TOP) * min(value, top) / top


def _scale(highest: float) -> tuple[float, float]:
    """The end of the axis and the step of its lines: round numbers, three to six steps."""
    step = next(
        digit * 10.0**power for power in range(-12, 13) for digit in (1, 2, 5) if digit * 10.0**power * 5 >= highest
    )
    count = -(-highest // step)
    return step * count, step
