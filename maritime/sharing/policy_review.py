"""Review of a policy: what is allowed, and yet worth a second look by the people who answer for it."""

from collections import Counter
from datetime import UTC, datetime
from typing import Final, get_args

from maritime.alerts.schema import AlertType
from maritime.sharing.policy import GROUP, ReleasePolicy

TYPES: Final = frozenset(get_args(AlertType))
DISTRESS: Final = "distress_beacon"
SOON_DAYS: Final = 60  # chosen: about what it takes to renew an agreement


def warnings_of(policy: ReleasePolicy, now_ms: int) -> list[str]:
    """Sentences about what ends, and about types, rules and partners that come to nothing, at a time in ms UTC."""
    today = datetime.fromtimestamp(now_ms / 1000, UTC).date()
    said = []
    for name, partner in policy.partners.items():
        left = (partner.agreement.until - today).days
        if left < 0:
            said.append(f"partner {name} gets nothing: its agreement ended on {partner.agreement.until}")
        elif partner.agreement.since > today:
            said.append(f"partner {name} gets nothing yet: its agreement begins on {partner.agreement.since}")
        elif left < SOON_DAYS:
            said.append(f"the agreement with {name} ends in {left} days, on {partner.agreement.until}")
        if not policy.candidates(name) and not partner.rescue:
            said.append(f"partner {name} gets nothing: no rule is for it")
        targets = {target for mark in policy.marks for target in mark.rel_to}
        groups = {f"{GROUP}{each}" for each, group in policy.groups.items() if name in group.members}
        if not targets & ({name} | groups) and not partner.rescue:
            said.append(f"partner {name} gets nothing: no mark has it in rel_to")
    for name, group in policy.groups.items():
        if group.until < today:
            said.append(f"group {name} is over since {group.until}")
    return said + _of_types(policy)


def _of_types(policy: ReleasePolicy) -> list[str]:
    """About types of alert: those that nothing here is called, those marked twice, and distress that has no mark."""
    marked = Counter(each for mark in policy.marks for each in mark.types)
    rules = [candidate.rule for name in policy.partners for candidate in policy.candidates(name)]
    named = marked.keys() | {each for rule in rules for each in rule.types or ()}
    said = [f"'{each}' is no type of alert made here: misspelt, unless a partner's" for each in sorted(named - TYPES)]
    said += [f"of several marks for {each} the first counts" for each in sorted(marked) if marked[each] > 1]
    if any(partner.rescue for partner in policy.partners.values()) and DISTRESS not in marked:
        said.append(f"no mark is for {DISTRESS}: those who rescue are not told of it by this policy")
    return said
