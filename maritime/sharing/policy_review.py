"""Review of a policy: what is allowed, and yet worth a second look by the people who answer for it."""

from datetime import UTC, datetime
from typing import Final

from maritime.sharing.policy import GROUP, ReleasePolicy

SOON_DAYS: Final = 60  # chosen: about what it takes to renew an agreement


def warnings_of(policy: ReleasePolicy, now_ms: int) -> list[str]:
    """Sentences about what ends, and about rules and partners that come to nothing, at a time in ms UTC."""
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
    return said
