"""Publisher: takes alerts, decides for every partner, signs what may go, and writes each decision into the ledger.

What one alert leads to is written at once: entries, copies, what waits, what is to be delivered. A partner that fails,
or delivery that stops, holds up nothing here.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Final, cast

from maritime.alerts.alert import Alert
from maritime.sharing.decide import Case, Decision, Rulebook
from maritime.sharing.desk import Channel, Copy, Desk, Parcel, Waiting, Whole, id_apart
from maritime.sharing.envelope import Envelope, Kind, Status, offset_time
from maritime.sharing.keys import SigningKey
from maritime.sharing.ledger import Decision as Written
from maritime.sharing.ledger import Entry, Ledger, PolicyState
from maritime.sharing.policy import ReleasePolicy
from maritime.sharing.prepare import Address, prepare
from maritime.sharing.redact import cancel
from maritime.sharing.review_book import Filed, ReviewBook
from maritime.sharing.signatures import ENVELOPE, sign_bytes
from maritime.times import from_rfc3339
from maritime.units import MINUTE_MS

NOT_NEWS: Final = frozenset({"sent", "revision", "kind", "references", "expires"})
"""Fields of an envelope that tell of the message, not of what happened."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """The originator's signing key, and for each partner with pseudonyms a key of its own. Never shown."""

    signing: SigningKey
    pseudonyms: Mapping[str, bytes]

    def __repr__(self) -> str:
        return f"Secrets(signing={self.signing.kid}, pseudonyms of {len(self.pseudonyms)})"


class Publisher:
    """Decides under one policy; a new policy is a new publisher on the same ledger."""

    def __init__(
        self,
        policy: ReleasePolicy,
        policy_sha256: str,
        ledger: Ledger,
        secrets: Secrets,
        random_bytes: Callable[[int], bytes],
    ) -> None:
        """`policy_sha256` is that of the policy's file; `random_bytes` must not be guessable."""
        self._policy, self._secrets, self._random_bytes = policy, secrets, random_bytes
        self._rulebook = Rulebook(policy)
        self._state = PolicyState(name=policy.policy, version=policy.version, sha256=policy_sha256)
        self._ledger = ledger
        self.desk = Desk(ledger, random_bytes)
        self.reviews = ReviewBook(ledger)

    @property
    def signing(self) -> SigningKey:
        """The key that it signs with."""
        return self._secrets.signing

    @property
    def state(self) -> PolicyState:
        """Under which policy it decides, as entries say it."""
        return self._state

    def take(self, alerts: Iterable[Alert], status: Status, now_ms: int) -> list[Parcel]:
        """Decide about some alerts, in their order. What comes back lies in the outbox, the urgent first."""
        with self._ledger.transaction():
            decided = [each for alert in alerts for each in self._taken(alert, status, now_ms)]
            self._ledger.append([entry for entry, _ in decided], self._random_bytes)
        return [parcel for _, parcel in decided if parcel is not None]

    def take_call(self, alert: Alert, status: Status, now_ms: int) -> list[Parcel]:
        """Tell those who rescue of an active beacon at once, ahead of its alert; all others are told by the alert."""
        with self._ledger.transaction():
            decided = self._called(_apart(alert, status), status, now_ms)
            self._ledger.append([entry for entry, _ in decided], self._random_bytes)
        return [parcel for _, parcel in decided if parcel is not None]

    def take_urgent(self, alert: Alert, now_ms: int) -> list[Parcel]:
        """Tell those who rescue of an alert of distress, in earnest, at once; `take` then decides for all others."""
        with self._ledger.transaction():
            decided = self._urgent(alert, now_ms)
            self._ledger.append([entry for entry, _ in decided], self._random_bytes)
        return [parcel for _, parcel in decided if parcel is not None]

    def release_due(self, now_ms: int) -> list[Parcel]:
        """Decide anew about what has waited for its hour: what was true then may be so no more."""
        with self._ledger.transaction():
            decided = [self._come_due(waiting, now_ms) for waiting in self.desk.due(now_ms)]
            self._ledger.append([entry for entry, _ in decided], self._random_bytes)
        return [parcel for _, parcel in decided if parcel is not None]

    def take_review(self, filed: Filed, now_ms: int) -> list[Parcel]:
        """Act on what a person said of an alert: it stands from now on, and every partner is decided about anew."""
        with self._ledger.transaction():
            self.reviews.take(filed.number, now_ms)
            decided = [(self._review_entry(filed, now_ms), None), *self._reviewed(filed.internal_id, now_ms)]
            self._ledger.append([entry for entry, _ in decided], self._random_bytes)
        return [parcel for _, parcel in decided if parcel is not None]

    def purge(self, now_ms: int) -> int:
        """Forget the copies that recipients must have purged by now, and alerts of long ago; how many copies."""
        with self._ledger.transaction():
            purged = self.desk.purge(now_ms)
            entries = [
                Entry(
                    at=offset_time(now_ms),
                    internal_id=internal_id,
                    internal_revision=0,
                    partner=partner,
                    decision="purged",
                    reason="retention_over",
                    policy=self._state,
                    alert_id=self.desk.shared_id(internal_id, partner),
                    revision=copy.revision,
                    kind=copy.kind,
                )
                for internal_id, partner, copy in purged
            ]
            self._ledger.append(entries, self._random_bytes)
            self.desk.forget(now_ms)
            self.reviews.purge()
        return len(purged)

    def _taken(self, alert: Alert, status: Status, now_ms: int) -> list[tuple[Entry, Parcel | None]]:
        alert = _apart(alert, status)
        self.desk.remember(alert.alert_id, now_ms)
        if alert.state == "retracted":
            self.desk.drop_whole(alert.alert_id)
            return self._let_go(alert, "retracted", now_ms)
        case = self._case(alert, status, now_ms, now_ms)
        if case is None:
            return self._let_go(alert, "no_mark", now_ms)
        self.desk.keep_whole(_whole_of(alert, case, now_ms))
        # of an alert that was told ahead of others, no revision so old must come after it
        ahead = [name for name in self._policy.partners if self._newest_ahead(name, alert) >= alert.revision]
        return self._for_all(alert, case, without=ahead)

    def _for_all(self, alert: Alert, case: Case, *, without: Iterable[str]) -> list[tuple[Entry, Parcel | None]]:
        """Decide about every partner, those who rescue first where it is urgent, and take it back from former ones."""
        partners = self._policy.partners
        order = sorted(partners, key=lambda name: not (case.is_urgent and partners[name].rescue))
        having = self.desk.recipients(alert.alert_id)
        waiting = {each.partner for each in self.desk.waiting(alert.alert_id)}
        decided = []
        for name in order:
            if name not in without:
                last = self.desk.copy(alert.alert_id, name) if name in having else None
                decided.append(self._decided(alert, case, name, last, some_wait=name in waiting))
        former = [name for name in having if name not in partners]
        return decided + self._taken_back(alert, former, "not_a_partner", case.now_ms)

    def _newest_ahead(self, partner: str, alert: Alert) -> int:
        """The highest revision that was told to a partner ahead of others; -1 when none was."""
        return self.desk.newest_taken(_told_to(partner, alert))

    def _reviewed(self, internal_id: str, now_ms: int) -> list[tuple[Entry, Parcel | None]]:
        """Decide anew about the newest revision, which is no younger for being reviewed."""
        kept = self.desk.whole(internal_id)
        if kept is None:
            return []
        self.desk.remember(internal_id, now_ms)
        alert = Alert.from_dict(json.loads(kept.alert))
        case = self._case(alert, cast(Status, kept.status), kept.sent_ms, now_ms)
        if case is None:
            return self._let_go(alert, "no_mark", now_ms)
        ahead = [name for name in self._policy.partners if self._newest_ahead(name, alert) > alert.revision]
        return self._reviewed_late(alert, case, ahead) if case.is_over else self._for_all(alert, case, without=ahead)

    def _reviewed_late(self, alert: Alert, case: Case, without: Iterable[str]) -> list[tuple[Entry, Parcel | None]]:
        """Of what has expired nobody is sent anything new: who may not have it any more is asked to let go."""
        decided = []
        for partner in (name for name in self._policy.partners if name not in without):
            last = self.desk.copy(alert.alert_id, partner)
            decision = self._decision(alert, case, partner, last, is_kept=True)
            is_held_by = last is not None and last.kind != "cancel"
            if decision.code == "safety" or (is_held_by and decision.outcome == "denied"):
                decided.append(self._decided(alert, case, partner, last, decision=decision))
            else:
                decided.append((self._entry(alert, partner, "denied", "expired", case.now_ms), None))
        return decided

    def _review_entry(self, filed: Filed, now_ms: int) -> Entry:
        review = filed.review
        return Entry(
            at=offset_time(now_ms),
            internal_id=filed.internal_id,
            internal_revision=filed.internal_revision,
            partner="nobody",
            decision="reviewed",
            reason=review.code,
            policy=self._state,
            sha256=sha256(review.canonical()).hexdigest(),
            role=review.role,
        )

    def _called(self, alert: Alert, status: Status, now_ms: int) -> list[tuple[Entry, Parcel | None]]:
        self.desk.remember(alert.alert_id, now_ms)
        case = self._case(alert, status, now_ms, now_ms)
        if case is None:
            return [(self._entry(alert, "nobody", "denied", "no_mark", now_ms), None)]
        told: list[tuple[Entry, Parcel | None]] = []
        for partner in (name for name, terms in self._policy.partners.items() if terms.rescue):
            last = self.desk.copy(alert.alert_id, partner)
            decision = self._decision(alert, case, partner, last)
            if decision.envelope is None:
                told.append((self._entry(alert, partner, "denied", decision.code, now_ms, decision.rule), None))
            else:
                told.append(self._released(alert, case, partner, last, decision.envelope, decision))
        return told

    def _urgent(self, alert: Alert, now_ms: int) -> list[tuple[Entry, Parcel | None]]:
        self.desk.remember(alert.alert_id, now_ms)
        case = self._case(alert, "actual", now_ms, now_ms)
        if case is None or not case.is_urgent or alert.state == "retracted":
            return []
        told: list[tuple[Entry, Parcel | None]] = []
        for partner in (name for name, terms in self._policy.partners.items() if terms.rescue):
            if self._newest_ahead(partner, alert) >= alert.revision:
                continue
            last = self.desk.copy(alert.alert_id, partner)
            decision = self._decision(alert, case, partner, last)
            if decision.code == "safety" and decision.envelope is not None:
                told.append(self._released(alert, case, partner, last, decision.envelope, decision))
                self.desk.supersede(alert.alert_id, alert.revision, partner)
                self.desk.set_taken(_told_to(partner, alert), alert.revision)
        return told

    def _decision(
        self, alert: Alert, case: Case, partner: str, last: Copy | None, *, is_kept: bool = False
    ) -> Decision:
        address = self._address(alert, partner, last, context_id=case.envelope.context_id)
        pseudonym_key = self._secrets.pseudonyms.get(partner)
        return case.decide(partner, address=address, pseudonym_key=pseudonym_key, is_kept=is_kept)

    def _released(
        self,
        alert: Alert,
        case: Case,
        partner: str,
        last: Copy | None,
        copy: Envelope,
        decision: Decision,
        *,
        may_wait: bool = False,
    ) -> tuple[Entry, Parcel | None]:
        """Send a copy, unless the recipient has all of it; if it may wait, at the next step of the copy's clock."""
        content, now_ms = case.canonical(copy), case.now_ms
        if last is not None and last.kind != "cancel" and _news(content) == _news(last.envelope):
            return self._entry(alert, partner, "unchanged", decision.code, now_ms, decision.rule), None
        due_ms = _next_step_ms(copy, now_ms)
        if may_wait and due_ms > now_ms:
            self._hold(alert, partner, due_ms, case.sent_ms, case.envelope.status)
            return self._entry(alert, partner, "held", "delayed", now_ms, decision.rule), None
        return self._sent(alert, partner, copy, content, "released", decision, now_ms)

    def _case(self, alert: Alert, status: Status, sent_ms: int, now_ms: int) -> Case | None:
        """The full view, on which decisions are made; its numbers are nobody's. None: there is no mark for it."""
        context_id = self.desk.shared_id(alert.alert_id)
        address = Address(context_id, alert.revision, "alert", (), context_id)
        review = self.reviews.standing(alert.alert_id)
        whole = prepare(
            alert, self._policy, status=status, sent_ms=sent_ms, address=address, review=review, words=False
        )
        return None if whole is None else Case(whole, self._rulebook, now_ms)

    def _decided(
        self,
        alert: Alert,
        case: Case,
        partner: str,
        last: Copy | None,
        *,
        decision: Decision | None = None,
        may_wait: bool = True,
        some_wait: bool = True,
    ) -> tuple[Entry, Parcel | None]:
        """Decide about one partner, which has `last`; `some_wait` says whether earlier revisions may wait for it."""
        decision = decision or self._decision(alert, case, partner, last)
        now_ms = case.now_ms
        had = None if last is None or last.kind == "cancel" else last
        if decision.outcome != "held" and some_wait:
            self.desk.supersede(alert.alert_id, alert.revision, partner)
        if decision.envelope is not None:
            return self._released(alert, case, partner, last, decision.envelope, decision, may_wait=may_wait)
        if decision.outcome == "held":
            assert decision.release_at_ms is not None
            self._hold(alert, partner, decision.release_at_ms, case.sent_ms, case.envelope.status)
            return self._entry(alert, partner, "held", decision.code, now_ms, decision.rule), None
        if had is not None:
            return self._cancelled(alert, partner, had, decision.code, now_ms, may_wait=may_wait)
        return self._entry(alert, partner, "denied", decision.code, now_ms, decision.rule), None

    def _hold(self, alert: Alert, partner: str, due_ms: int, sent_ms: int, status: Status) -> None:
        text = json.dumps(alert.to_dict()).encode()
        self.desk.hold(Waiting(alert.alert_id, alert.revision, partner, due_ms, sent_ms, status, text))

    def _come_due(self, waiting: Waiting, now_ms: int) -> tuple[Entry, Parcel | None]:
        alert = Alert.from_dict(json.loads(waiting.alert))
        status = cast(Status, waiting.status)
        last = self.desk.copy(alert.alert_id, waiting.partner)
        case = self._case(alert, status, waiting.sent_ms, now_ms)
        reason = "no_mark" if case is None else "not_a_partner"
        if alert.state == "retracted" and last is not None:
            reason, case = "retracted", None
        if case is None or waiting.partner not in self._policy.partners:
            if last is not None and last.kind != "cancel":  # whoever it is by now is asked to let go, not left with it
                return self._cancelled(alert, waiting.partner, last, reason, now_ms, may_wait=False)
            return self._entry(alert, waiting.partner, "denied", reason, now_ms), None
        return self._decided(alert, case, waiting.partner, last, may_wait=False)

    def _let_go(self, alert: Alert, reason: str, now_ms: int) -> list[tuple[Entry, Parcel | None]]:
        """Nobody may have it any more: what waits is dropped, and whoever has a copy is told, agreement or not."""
        told: list[tuple[Entry, Parcel | None]] = []
        for waiting in self.desk.waiting(alert.alert_id):
            self.desk.drop(waiting)
            told.append((self._entry(alert, waiting.partner, "denied", reason, now_ms), None))
        told += self._taken_back(alert, self.desk.recipients(alert.alert_id), reason, now_ms)
        return told or [(self._entry(alert, "nobody", "denied", reason, now_ms), None)]

    def _taken_back(
        self, alert: Alert, recipients: Iterable[str], reason: str, now_ms: int
    ) -> list[tuple[Entry, Parcel | None]]:
        copies = ((partner, self.desk.copy(alert.alert_id, partner)) for partner in recipients)
        return [
            self._cancelled(alert, partner, last, reason, now_ms)
            for partner, last in copies
            if last is not None and last.kind != "cancel"
        ]

    def _address(
        self, alert: Alert, partner: str, last: Copy | None, kind: Kind | None = None, context_id: str | None = None
    ) -> Address:
        alert_id = self.desk.shared_id(alert.alert_id, partner)
        if last is None:
            return Address(alert_id, 0, kind or "alert", (), context_id)
        # who was asked to let go has nothing that could be updated
        kind = kind or ("alert" if last.kind == "cancel" else "update")
        reference = f"{alert_id}@{last.revision}@{last.sent}"
        return Address(alert_id, last.revision + 1, kind, (reference,), context_id)

    def _cancelled(
        self, alert: Alert, partner: str, last: Copy, reason: str, now_ms: int, *, may_wait: bool = True
    ) -> tuple[Entry, Parcel | None]:
        had = Envelope.model_validate_json(last.envelope)
        due_ms = _next_step_ms(had, now_ms)
        if may_wait and due_ms > now_ms:  # when it is cancelled must not tell more than the copy did
            self._hold(alert, partner, due_ms, now_ms, had.status)
            return self._entry(alert, partner, "held", reason, now_ms), None
        copy = cancel(had, partner, address=self._address(alert, partner, last, "cancel"), now_ms=now_ms)
        decision = Decision("denied", cast(Any, reason))
        return self._sent(alert, partner, copy, copy.canonical(), "cancelled", decision, now_ms)

    def _sent(
        self,
        alert: Alert,
        partner: str,
        copy: Envelope,
        content: bytes,
        written: Written,
        decision: Decision,
        now_ms: int,
    ) -> tuple[Entry, Parcel | None]:
        """Sign a copy, by its canonical bytes, and put it into the outbox."""
        jws = sign_bytes(content, self._secrets.signing, ENVELOPE, detached=True)
        channel: Channel = "actual" if copy.status == "actual" else "exercise"
        until_ms = from_rfc3339(copy.handling.retain_until) if copy.handling.retain_until else now_ms
        kept = Copy(copy.revision, copy.kind, copy.sent, content)
        parcel = self.desk.send(alert.alert_id, copy.alert_id, partner, channel, kept, until_ms, jws)
        entry = self._entry(
            alert,
            partner,
            written,
            decision.code,
            now_ms,
            decision.rule,
            alert_id=copy.alert_id,
            revision=copy.revision,
            kind=copy.kind,
            sha256=sha256(content).hexdigest(),
            kid=self._secrets.signing.kid,
        )
        return entry, parcel

    def _entry(
        self,
        alert: Alert,
        partner: str,
        written: Written,
        reason: str,
        now_ms: int,
        rule: str | None = None,
        **left: Any,
    ) -> Entry:
        """An entry; `left` says what left with it."""
        return Entry(
            at=offset_time(now_ms),
            internal_id=alert.alert_id,
            internal_revision=alert.revision,
            partner=partner,
            decision=written,
            reason=reason,
            rule=rule,
            policy=self._state,
            **left,
        )


def _whole_of(alert: Alert, case: Case, now_ms: int) -> Whole:
    expires = case.envelope.expires
    expires_ms = now_ms if expires is None else from_rfc3339(expires)
    text = json.dumps(alert.to_dict()).encode()
    return Whole(alert.alert_id, alert.revision, case.envelope.status, now_ms, expires_ms, text)


def _told_to(partner: str, alert: Alert) -> str:
    return f"{partner}|{alert.alert_id}"


def _apart(alert: Alert, status: Status) -> Alert:
    return replace(alert, alert_id=id_apart(alert.alert_id, status))


def _next_step_ms(had: Envelope, now_ms: int) -> int:
    """When something about a copy may be told: now, or at the next step of the clock that the copy was rounded to."""
    generalised = had.handling.generalised
    if generalised is None or generalised.time_step_min is None:
        return now_ms
    step_ms = round(generalised.time_step_min * MINUTE_MS)
    return -(-now_ms // step_ms) * step_ms


def _news(canonical: bytes) -> dict[str, Any]:
    """What a copy tells of the event."""
    record = json.loads(canonical)
    record["handling"].pop("retain_until", None)
    return {name: value for name, value in record.items() if name not in NOT_NEWS}
