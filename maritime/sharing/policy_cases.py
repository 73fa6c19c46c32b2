"""Cases of a policy: what must come out for an alert and a partner, written down to be tried at every change."""

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from maritime.config import merged, read_yaml
from maritime.errors import ConfigurationError
from maritime.sharing.decide import decide
from maritime.sharing.envelope import Envelope
from maritime.sharing.policy import ReleasePolicy
from maritime.sharing.prepare import Address
from maritime.times import from_rfc3339

ADDRESS = Address("00000000-0000-4000-8000-000000000000", 0, "alert")
KEY = bytes(32)  # of pseudonyms that nobody ever sees


class Case(BaseModel):
    """An envelope, whole, and what a partner must get of it at a time."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    envelope: dict[str, Any] = Field(description="whole, as the originator has it")
    partner: str
    at: str = Field(description="time of the decision, RFC 3339")
    expect: str = Field(description="released, held, or the code of a denial")
    told: tuple[str, ...] = Field((), description="texts that must stand in the copy")
    untold: tuple[str, ...] = Field((), description="texts that must not")


class _Cases(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    envelopes: dict[str, dict[str, Any]] = Field({}, description="envelopes that cases build on, by name")
    cases: tuple[dict[str, Any], ...]


def load_cases(path: Path) -> list[Case]:
    """Read cases. `like` names an envelope of the file, over which the case's own fields go.

    Raises ConfigurationError that names file and case.
    """
    content = read_yaml(path)
    try:
        read = _Cases.model_validate(content)
    except ValidationError as error:
        raise ConfigurationError(f"{path}: {_first(error)}") from None
    return [_case(path, number, record, read) for number, record in enumerate(read.cases, 1)]


def _case(path: Path, number: int, record: dict[str, Any], read: _Cases) -> Case:
    record = dict(record)
    like = record.pop("like", None)
    if like is not None and like not in read.envelopes:
        raise ConfigurationError(f"{path}: case {number}: there is no envelope '{like}' to be like")
    base = read.envelopes[like] if like is not None else {}
    try:
        return Case.model_validate(record | {"envelope": merged(base, record.get("envelope", {}))})
    except ValidationError as error:
        raise ConfigurationError(f"{path}: case {number}: {_first(error)}") from None


def run_case(case: Case, policy: ReleasePolicy) -> str | None:
    """What comes out otherwise than expected; None when all is as it must be. Raises ConfigurationError."""
    try:
        envelope = Envelope.model_validate(case.envelope)
    except ValidationError as error:
        raise ConfigurationError(f"case '{case.name}' has no envelope: {_first(error)}") from None
    decision = decide(envelope, case.partner, policy, address=ADDRESS, now_ms=from_rfc3339(case.at), pseudonym_key=KEY)
    came = decision.code if decision.outcome == "denied" else decision.outcome
    if came != case.expect:
        return f"{came} instead of {case.expect} ({decision.steps[-1].said})"
    copy = decision.envelope.canonical().decode() if decision.envelope else ""
    for text in case.told:
        if text not in copy:
            return f"'{text}' is not told"
    for text in case.untold:
        if text in copy:
            return f"'{text}' is told"
    return None


def _first(error: ValidationError) -> str:
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc'])) or 'the whole'}: {first['msg']}"
