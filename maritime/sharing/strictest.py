"""Strictest: how what several originators' handling binds together may be used: only as all of them allow."""

from collections.abc import Sequence
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from maritime.sharing.envelope import TLP_ORDER, Country, Handling, Onward, Purpose, Time, Tlp
from maritime.times import from_rfc3339

ONWARD_ORDER: Final[tuple[Onward, ...]] = ("permitted", "with_consent", "originator_only")


class ProtectedAboard(BaseModel):
    """People on board who must not be found by those they fled from, as far as any part says so."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    countries_of_origin: list[Country] = Field(description="all that any part names")
    origin_not_known: bool = Field(description="whether a part does not say where they come from")


class JointHandling(BaseModel):
    """The handling of what is made from several parts: in each field the strictest of theirs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tlp: Tlp
    purpose: list[Purpose] = Field(description="what all allow; empty: nothing")
    rel_to: list[str] = Field(description="whom all name; empty: it may be shared with nobody")
    onward: Onward
    personal_data: bool
    protected_persons: ProtectedAboard | None
    retain_until: Time | None = Field(description="the earliest that any says")
    retention_not_said: bool = Field(description="whether a part does not say until when it may be kept")

    @property
    def may_be_shared(self) -> bool:
        """Whether there is anyone who may have it for anything, and until when."""
        return bool(self.rel_to) and bool(self.purpose) and not self.retention_not_said


def strictest(parts: Sequence[Handling]) -> JointHandling:
    """The handling that keeps to that of every part; there must be one at least."""
    until = [part.retain_until for part in parts if part.retain_until is not None]
    return JointHandling(
        tlp=max((part.tlp for part in parts), key=TLP_ORDER.index),
        purpose=sorted(set[Purpose].intersection(*(set(part.purpose) for part in parts))),
        rel_to=sorted(set[str].intersection(*(set(part.rel_to) for part in parts))),
        onward=max((part.onward for part in parts), key=ONWARD_ORDER.index),
        personal_data=any(part.personal_data for part in parts),
        protected_persons=_protected(parts),
        retain_until=min(until, key=from_rfc3339, default=None),
        retention_not_said=len(until) < len(parts),
    )


def _protected(parts: Sequence[Handling]) -> ProtectedAboard | None:
    told = [part.protected_persons for part in parts if part.protected_persons is not None]
    if not told:
        return None
    countries = sorted({country for each in told for country in each.countries_of_origin})
    return ProtectedAboard(
        countries_of_origin=countries, origin_not_known=any(not each.countries_of_origin for each in told)
    )
