"""What is kept of feedback: each message once, of one's own alerts alone, proved by the ledger, gone in time."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maritime.errors import UsageError
from maritime.sharing.answer import ANSWER
from maritime.sharing.canonical import canonical
from maritime.sharing.feedback_book import MOST_REFUSED, REFUSED_KEPT_MS, FeedbackBook, Taken
from maritime.sharing.feedback_reading import MOST_OF_ALERT, FeedbackReading, Kept, standing
from maritime.sharing.keys import KeySet
from maritime.sharing.ledger_check import check
from maritime.sharing.receipts import check_receipt
from maritime.sharing.signatures import sign_bytes, verify
from maritime.units import DAY_MS, HOUR_MS, MINUTE_MS
from tests.sharing.policies import partner, policy, rule
from tests.sharing.speaking import feedback_id, said
from tests.sharing.test_publisher import ALERT, NOW_MS, SIGNING, Office

KEYS = KeySet((SIGNING.public(org_id="nmc.example"),))
LATER_MS = NOW_MS + HOUR_MS
MARK = {"types": ["loitering", "dark_period"], "tlp": "TLP:GREEN", "purpose": ["maritime_safety"]}


class Books(Office):
    """Partners `a` and `b`, who may have everything for nine days, and a book."""

    def __init__(self, folder: Path) -> None:
        mark = MARK | {"rel_to": ["a", "b"], "retain_days": 9}
        partners = {name: partner(rule(), exercises=True) for name in "ab"}
        super().__init__(folder, policy(partners, marks=[mark]))
        self.book = FeedbackBook(self.ledger, self.random.randbytes)
        self.reading = FeedbackReading(self.ledger.database)

    def sent(self, name: str, internal_id: str = ALERT.alert_id) -> str:
        return self.publisher.desk.shared_id(internal_id, name)

    def say(self, name: str, record: Any, now_ms: int = LATER_MS, **more: Any) -> Taken:
        document = record if isinstance(record, bytes) else json.dumps(record).encode()
        return self.book.take(name, document, "http", "here", self.publisher.state, now_ms, **more)

    def says(self, name: str, *arguments: Any, internal_id: str = ALERT.alert_id, **changes: Any) -> Taken:
        return self.say(name, said(*arguments, alert_id=self.sent(name, internal_id), **changes))

    def sign(self, partners: str = "ab", most: int = 10) -> int:
        def signed(words: bytes) -> tuple[str, str]:
            return sign_bytes(words, SIGNING, ANSWER, detached=True), SIGNING.kid

        return self.book.sign_answers(frozenset(partners), "nmc.example", signed, self.publisher.state, LATER_MS, most)


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Books]:
    made = Books(tmp_path)
    made.take(ALERT)
    yield made
    assert check(made.ledger, []) is None
    made.ledger.close()


def test_what_is_said_is_kept_once_with_an_entry(books: Books) -> None:
    size = len(books.ledger)
    record = said(alert_id=books.sent("a"), note="seen")
    assert books.say("a", record) == Taken("taken", "a", "confirmed")
    assert books.say("a", record) == Taken("repeated", "a", "confirmed")
    assert len(books.ledger) == size + 1
    entry = books.ledger.entry(size)
    assert (entry.decision, entry.reason, entry.partner) == ("feedback", "confirmed", "a")
    assert (entry.internal_id, entry.alert_id, entry.revision) == (ALERT.alert_id, books.sent("a"), 0)
    (kept,) = books.reading.of_partner("a", 0, 9)
    assert json.loads(kept.message) == record
    assert (kept.sequence, kept.type, kept.way) == (1, "loitering", "http")


def test_a_partner_can_prove_that_it_said_so_and_its_copy_still_can_be_proved(books: Books) -> None:
    record = said(alert_id=books.sent("a"))
    books.say("a", record)
    size = len(books.ledger)
    head = books.ledger.head("2026-03-14T22:00:00+00:00")
    check_receipt(books.ledger.prove(size - 1, size), head, canonical(record))
    assert books.ledger.entry(books.ledger.find(books.sent("a"), 0, "a")).decision == "released"


def test_the_same_id_for_another_message_is_refused(books: Books) -> None:
    books.says("a", "confirmed")
    assert books.says("a", "dismissed").refusal == "id_used_otherwise"
    assert books.says("b", "dismissed").outcome == "taken"  # an id is one partner's


def test_anothers_alert_is_refused_as_one_that_never_was(books: Books) -> None:
    of_b, of_nobody = said(alert_id=books.sent("b")), said(alert_id=feedback_id(77))
    of_the_house = said(alert_id=books.publisher.desk.shared_id(ALERT.alert_id))
    answers = [books.say("a", record) for record in (of_b, of_nobody, of_the_house)]
    assert set(answers) == {Taken("refused", "a", "confirmed", "unknown_alert")}
    told = [(each["reason"], each["said"]) for each in books.reading.refusals(9)]
    assert told == [("unknown_alert", "")] * 3
    assert books.reading.newest(9) == []


def test_an_id_that_was_made_but_never_sent_is_unknown(tmp_path: Path) -> None:
    made = Books(tmp_path)
    assert made.says("a").refusal == "unknown_alert"
    made.ledger.close()


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"revision": 1}, "unknown_revision"),
        ({"at": "2026-03-14T22:05:01+00:00"}, "said_in_future"),
        ({"role": ""}, "not_valid"),
    ],
)
def test_what_cannot_be_is_refused_and_kept(books: Books, changes: dict[str, Any], refusal: str) -> None:
    assert books.says("a", **changes).refusal == refusal
    (kept,) = books.reading.refusals(9)
    assert (kept["reason"], kept["partner"], kept["place"]) == (refusal, "a", "here")
    assert books.says("a", number=2).outcome == "taken"


def test_whoever_has_no_agreement_says_nothing(books: Books) -> None:
    record = said(alert_id=books.sent("a"))
    assert books.say("a", record, may_speak=False).refusal == "agreement_not_in_force"
    assert books.say("a", record).outcome == "taken"


def test_a_partner_that_never_stops_is_bounded(books: Books) -> None:
    for number in range(MOST_OF_ALERT):
        assert books.says("a", "received", number).outcome == "taken"
    assert books.says("a", "received", MOST_OF_ALERT).refusal == "too_much"
    assert books.says("b").outcome == "taken"
    with books.ledger.transaction():
        for number in range(MOST_REFUSED + 5):
            books.say("a", b"%d" % number)
    kept = books.ledger.database.execute("SELECT count(*), max(number) FROM feedback_refused").fetchone()
    assert kept == (MOST_REFUSED, MOST_REFUSED + 6)


def test_a_message_and_its_entry_come_together_or_not_at_all(books: Books) -> None:
    size = len(books.ledger)

    def broken() -> None:
        with books.ledger.transaction():
            books.says("a")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        broken()
    assert (len(books.ledger), books.reading.newest(9)) == (size, [])
    assert books.says("a").outcome == "taken"


def kept(kind: str, at_ms: int, sequence: int) -> Kept:
    return Kept("a", sequence, "", "", "", 0, "", kind, "", at_ms, 0, "log", None, None, "")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("story", "stands"),
    [
        ((), None),
        (("request_for_information",), None),
        (("received",), "received"),
        (("received", "confirmed"), "confirmed"),
        (("confirmed", "received"), "confirmed"),
        (("confirmed", "dismissed"), "dismissed"),
        (("confirmed", "resolved"), "resolved"),
        (("resolved", "dismissed"), "dismissed"),
        (("dismissed", "request_for_information"), "dismissed"),
    ],
)
def test_how_a_partner_stands(story: tuple[str, ...], stands: str | None) -> None:
    assert standing([kept(kind, at, at) for at, kind in enumerate(story)]) == stands


@given(
    st.lists(st.sampled_from(["received", "confirmed", "dismissed", "resolved"])).flatmap(
        lambda kinds: st.tuples(st.just(kinds), st.permutations(range(len(kinds))))
    )
)
def test_the_order_is_that_of_saying_not_of_arrival(story: tuple[list[str], list[int]]) -> None:
    kinds, arrivals = story
    messages = [kept(kind, at, sequence) for at, (kind, sequence) in enumerate(zip(kinds, arrivals, strict=True))]
    in_order = [kept(kind, at, at) for at, kind in enumerate(kinds)]
    assert standing(messages) == standing(in_order)


def test_the_last_word_of_each_partner_is_its_verdict(books: Books) -> None:
    books.says("a", "dismissed", 2, NOW_MS + 2 * MINUTE_MS)
    books.says("a", "confirmed", 1, NOW_MS + MINUTE_MS)  # came late
    books.says("a", "resolved", 3, NOW_MS + 3 * MINUTE_MS)
    books.says("b", "confirmed", 1)
    books.says("b", "received", 2)
    found = [(v.partner, v.type, v.verdict, v.internal_id) for v in books.reading.verdicts()]
    assert sorted(found) == [
        ("a", "loitering", "dismissed", ALERT.alert_id),
        ("b", "loitering", "confirmed", ALERT.alert_id),
    ]


def test_exercises_give_no_verdicts(books: Books) -> None:
    books.take(ALERT, status="exercise")
    taken = books.says("a", internal_id=f"exercise:{ALERT.alert_id}")
    assert taken.outcome == "taken"
    assert list(books.reading.verdicts()) == []


def ask(books: Books, name: str = "a", number: int = 5, **changes: Any) -> str:
    assert books.says(name, "request_for_information", number, **changes).outcome == "taken"
    return feedback_id(number)


def test_a_request_is_open_until_it_is_answered_or_the_partner_has_done_with_it(books: Books) -> None:
    first, second = ask(books), ask(books, "b")
    assert [each.partner for each in books.reading.open_requests()] == ["a", "b"]
    assert books.reading.open_counts(NOW_MS + HOUR_MS) == {"a": (1, 0), "b": (1, 0)}
    assert books.reading.open_counts(NOW_MS + 2 * HOUR_MS) == {"a": (1, 1), "b": (1, 1)}
    books.says("b", "resolved", 6, NOW_MS + 20 * MINUTE_MS)
    assert [each.partner for each in books.reading.open_requests()] == ["a"]
    books.book.answer(first, "Flag unknown.", "analyst", LATER_MS, "a")
    assert books.reading.open_requests() == []
    with pytest.raises(UsageError, match="2 partners"):
        books.book.answer(second, "Flag unknown.", "analyst", LATER_MS)


def test_an_answer_is_signed_and_says_what_a_person_said_and_no_more(books: Books) -> None:
    asked = ask(books)
    answer_id = books.book.answer(asked, "Flag unknown.", "analyst", LATER_MS)
    assert books.book.undelivered(9) == []
    assert books.sign() == 1
    assert books.sign() == 0
    (written,) = books.book.undelivered(9)
    assert written.answer is not None
    assert written.jws is not None
    record = json.loads(written.answer)
    assert record == {
        "schema_version": "1.0",
        "answer_id": answer_id,
        "feedback_id": asked,
        "alert_id": books.sent("a"),
        "originator": {"org_id": "nmc.example"},
        "sent": "2026-03-14T22:00:00+00:00",
        "role": "analyst",
        "text": "Flag unknown.",
    }
    verify(record, written.jws, KEYS, LATER_MS, ANSWER)
    entry = books.ledger.entry(len(books.ledger) - 1)
    assert (entry.decision, entry.partner, entry.kid) == ("answer", "a", SIGNING.kid)
    books.book.delivered(written.number)
    assert books.book.undelivered(9) == []
    assert books.reading.answers("b", asked) == []


def test_who_is_no_partner_any_more_is_not_answered(books: Books) -> None:
    books.book.answer(ask(books), "Flag unknown.", "analyst", LATER_MS)
    assert books.sign(partners="b") == 0
    assert books.book.undelivered(9) == []


@pytest.mark.parametrize(("text", "role"), [("", "analyst"), ("x" * 4001, "analyst"), ("\x1b[2J", "a"), ("x", "")])
def test_words_that_cannot_be_sent_are_refused(books: Books, text: str, role: str) -> None:
    asked = ask(books)
    with pytest.raises(UsageError, match="characters"):
        books.book.answer(asked, text, role, LATER_MS)


def test_only_requests_can_be_answered(books: Books) -> None:
    books.says("a", "confirmed", 3)
    for wrong in (feedback_id(3), feedback_id(4), "'; DROP TABLE feedback"):
        with pytest.raises(UsageError, match="there is no request"):
            books.book.answer(wrong, "x", "analyst", LATER_MS)


def test_feedback_goes_with_the_copy_and_its_verdict_stays_as_a_number(books: Books) -> None:
    other = replace(ALERT, alert_id="ab" * 16, type="dark_period")
    books.take(other, NOW_MS + 5 * DAY_MS)
    books.book.answer(ask(books), "Flag unknown.", "analyst", LATER_MS)
    books.says("a", "confirmed", 1)
    books.says("a", "dismissed", 2, NOW_MS + 20 * MINUTE_MS)
    books.says("b", "confirmed", 1)
    books.say("a", said(alert_id=books.sent("a", other.alert_id), number=9), NOW_MS + 5 * DAY_MS)
    books.say("a", b"nothing")
    books.publisher.purge(NOW_MS + 9 * DAY_MS)
    assert books.book.purge(NOW_MS + 9 * DAY_MS) == 4
    assert [each.type for each in books.reading.newest(9)] == ["dark_period"]
    assert books.reading.past_verdicts() == {("loitering", "confirmed"): 1, ("loitering", "dismissed"): 1}
    assert books.reading.answers("a", feedback_id(5)) == []
    assert len(books.reading.refusals(9)) == 1
    assert books.book.purge(LATER_MS + REFUSED_KEPT_MS) == 0
    assert books.reading.refusals(9) == []
    text = json.dumps([list(row) for row in books.ledger.database.execute("SELECT * FROM past_verdicts")])
    assert books.sent("a") not in text
    assert books.says("a", number=30).refusal == "unknown_alert"
    assert books.reading.past_verdicts() == {("loitering", "confirmed"): 1, ("loitering", "dismissed"): 1}


def test_a_ledger_of_before_has_no_feedback(tmp_path: Path) -> None:
    office = Office(tmp_path, policy({"p": partner(rule())}))
    reading = FeedbackReading(office.ledger.database)
    assert reading.newest(9) == reading.open_requests() == list(reading.verdicts()) == []
    assert reading.past_verdicts() == {}
    office.ledger.close()
