"""Make: a report for the house, or for a partner as the policy has it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from maritime.errors import InputError, UsageError
from maritime.reports.build import Contains, Scope, findings
from maritime.reports.disclosure import FOR_PARTNERS, FOR_THE_HOUSE, Limits
from maritime.reports.exposure import Exposure
from maritime.reports.grid import Grid
from maritime.reports.inputs import Replays, read_replays, read_verdicts
from maritime.reports.periods import Period, PeriodKind, whole_periods
from maritime.reports.report import PeriodQuality, Policy, Quality, Report, ReportLimits
from maritime.reports.told import View, own_view, partner_view
from maritime.sharing.policy import ReleasePolicy
from maritime.times import to_rfc3339
from maritime.units import HOUR_MS

INTERNAL: Final = "The originator's own full view: nothing is left out. Not for release."
RELEASED: Final = "For {partner} alone, as the policy {policy} {version} releases its alerts. Not to be passed on."


@dataclass(frozen=True, slots=True)
class Ordered:
    """What a report is asked to be. Times are ms UTC; `area_said` is how the area was asked for."""

    from_ms: int
    to_ms: int
    period: PeriodKind = "month"
    cell_deg: float = 1.0
    area: Contains | None = None
    area_said: str | None = None


@dataclass(frozen=True, slots=True)
class Recipient:
    """A partner, the policy that says what it may have, and when all was sent, where not each as it was raised."""

    partner: str
    policy: ReleasePolicy
    at_ms: int | None = None


def report_of(
    folders: Sequence[Path], ordered: Ordered, recipient: Recipient | None = None, verdicts: Path | None = None
) -> Report:
    """The report of some replays: the house's own, or a partner's, whose periods and cells are those of the policy.

    Raises UsageError for a partner that may have no reports or no exercises, or a time without a whole period,
    InputError for inputs that are not sound.
    """
    view: View = own_view
    limits = FOR_THE_HOUSE
    if recipient is not None:
        ordered, view, limits = _for_partner(ordered, recipient)
    periods, grid = whole_periods(ordered.from_ms, ordered.to_ms, ordered.period), Grid(ordered.cell_deg)
    if not folders:
        raise InputError("no folder is given; give folders that `maritime replay` has written")
    replays = read_replays(folders, view, read_verdicts(verdicts) if verdicts else {})
    exposure = replays.observed.by_period(ordered.period, grid)
    found = findings(replays.told, exposure, Scope(ordered.period, periods, grid, limits, ordered.area))
    by = recipient.policy if recipient else None
    return Report(
        view="partner" if recipient else "own",
        handling=_handling(recipient),
        partner=recipient.partner if recipient else None,
        policy=Policy(name=by.policy, version=by.version) if by else None,
        period_kind=ordered.period,
        periods=[period.label for period in periods],
        start=str(to_rfc3339(periods[0].start_ms)),
        end=str(to_rfc3339(periods[-1].end_ms)),
        area=ordered.area_said,
        cell_deg=ordered.cell_deg,
        limits=ReportLimits(alerts=limits.alerts, vessels=limits.vessels) if recipient else None,
        quality=_quality(replays, periods, exposure),
        **found._asdict(),
    )


def _for_partner(ordered: Ordered, recipient: Recipient) -> tuple[Ordered, View, Limits]:
    name, by = recipient.partner, recipient.policy
    partner = by.partners.get(name)
    if partner is None:
        known = ", ".join(by.partners) or "none"
        raise UsageError(f"'{name}' is no partner of the policy {by.policy}; there are {known}")
    if partner.reports is None:
        raise UsageError(f"the policy {by.policy} gives {name} no reports; write `reports:` under the partner")
    if not partner.exercises:
        raise UsageError(f"{name} takes no exercises, and what comes of files is one; there is no report for it")
    terms = replace(ordered, period=partner.reports.period, cell_deg=float(partner.reports.cell_deg))
    return terms, partner_view(by, name, recipient.at_ms), FOR_PARTNERS


def _handling(recipient: Recipient | None) -> str:
    if recipient is None:
        return INTERNAL
    by = recipient.policy
    return RELEASED.format(partner=by.partners[recipient.partner].name, policy=by.policy, version=by.version)


def _quality(replays: Replays, periods: Sequence[Period], exposure: Exposure) -> Quality:
    heard = dict.fromkeys(periods, 0)
    for (period, _), hours in exposure.items():
        if period in heard:
            heard[period] += hours
    return Quality(
        periods=[
            PeriodQuality(
                period=period.label,
                hours=(period.end_ms - period.start_ms) // HOUR_MS,
                hours_heard=replays.observed.hours_heard(period),
                vessel_hours=heard[period],
            )
            for period in periods
        ],
        reports=replays.reports,
        rejects=replays.rejects.total(),
        rejects_by_reason=dict(sorted(replays.rejects.items())),
        settings_sha256=sorted(replays.settings_sha256),
        overlaps=replays.observed.overlaps,
    )
