"""Policy values: what is of the right kind in a policy, and yet can come to nothing or stop the publisher later."""

from collections.abc import Iterator
from typing import Final

from shapely.geometry.base import BaseGeometry

from maritime.sharing.policy import Partner, ReleasePolicy, Rule
from maritime.sharing.wording import LANGUAGES
from maritime.units import DAY_MS, HOUR_MS, MINUTE_MS

LONGEST_DAYS: Final = 36_525  # chosen: a hundred years; times of day end with the year 9999
WORLD: Final = (-180.0, -90.0, 180.0, 90.0)


def value_faults(policy: ReleasePolicy) -> Iterator[tuple[str, str]]:
    """What no policy can mean, and where: a path of keys with dots between."""
    for name, shape in policy.shapes.items():
        if said := _no_area(shape):
            yield f"areas.{name}", said
    for i, mark in enumerate(policy.marks):
        yield from _too_long(f"marks.{i}.retain_days", mark.retain_days * DAY_MS)
        yield from _too_long(f"marks.{i}.expires_h", mark.expires_h * HOUR_MS)
    for name, partner in policy.partners.items():
        yield from _partner_faults(f"partners.{name}", partner)
        for candidate in policy.candidates(name):
            yield from _rule_faults(candidate.place, candidate.rule)


def _no_area(shape: BaseGeometry) -> str | None:
    if shape.is_empty or not shape.is_valid:
        return "its edges cross or enclose nothing; give positions in their order around it"
    west, south, east, north = shape.bounds
    if west < WORLD[0] or south < WORLD[1] or east > WORLD[2] or north > WORLD[3]:
        return "it reaches beyond 180 degrees of longitude or 90 of latitude; nothing lies there"
    return None


def _partner_faults(place: str, partner: Partner) -> Iterator[tuple[str, str]]:
    agreement = partner.agreement
    if agreement.until < agreement.since:
        yield f"{place}.agreement.until", f"{agreement.until} is before {agreement.since}, so that it is never in force"
    known = ", ".join(LANGUAGES)
    if not partner.languages:
        yield f"{place}.languages", f"name one of {known}"
    for j, language in enumerate(partner.languages):
        if language not in LANGUAGES:
            yield f"{place}.languages.{j}", f"there are no texts in '{language}'; there are {known}"


def _rule_faults(place: str, rule: Rule) -> Iterator[tuple[str, str]]:
    yield from _too_long(f"{place}.delay_min", rule.delay_min * MINUTE_MS)
    yield from _too_long(f"{place}.retain_days", (rule.retain_days or 0.0) * DAY_MS)


def _too_long(place: str, length_ms: float) -> Iterator[tuple[str, str]]:
    if length_ms > LONGEST_DAYS * DAY_MS:
        yield place, f"it is longer than {LONGEST_DAYS:,} days; write what is meant"
