"""Own reports: alerts of this house beside those that were received, under the contexts that the ledger gave them."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from uuid import UUID

from maritime.alerts.alert import Alert
from maritime.errors import InputError
from maritime.sharing.desk import NOBODY, id_apart
from maritime.sharing.envelope import Status
from maritime.sharing.ledger import Ledger
from maritime.sharing.merge import Report, Source
from maritime.sharing.own_view import OWN_VIEW
from maritime.sharing.policy import ReleasePolicy
from maritime.sharing.prepare import Address, prepare


def contexts_in(ledger: Ledger) -> dict[str, str]:
    """The context of each alert that a ledger knows, by internal id. Raises InputError where it keeps none."""
    try:
        rows = ledger.database.execute("SELECT internal_id, shared_id FROM ids WHERE partner = ?", (NOBODY,))
        return dict(rows)
    except sqlite3.Error as error:
        raise InputError(f"ledger {ledger.path} knows no ids ({error}); let 'maritime share' open it once") from None


def own_reports(
    alerts: Iterable[Alert], policy: ReleasePolicy, contexts: Mapping[str, str], status: Status
) -> Iterator[Report]:
    """Each alert as a report; what no ledger knows is a context by itself, under the alert's own id.

    A type that the policy has no mark for is marked as shared with nobody.
    """
    for alert in alerts:
        context_id = contexts.get(id_apart(alert.alert_id, status), alert.alert_id)
        stands_for = str(UUID(alert.alert_id, version=4))  # an envelope must have one; it leaves with nobody
        address = Address(stands_for, alert.revision, "alert")
        sent_ms = alert.raised_ms if alert.ended_ms is None else max(alert.raised_ms, alert.ended_ms)
        unmarked = OWN_VIEW.model_copy(update={"originator": policy.originator})
        for by in (policy, unmarked):
            envelope = prepare(alert, by, status=status, sent_ms=sent_ms, address=address)
            if envelope is not None:
                yield Report(Source(policy.originator.org_id, alert.alert_id, "own"), context_id, envelope)
                break
