"""What partners say over HTTP: of their own alerts alone, once, and never larger than feedback is."""

import json
import socket
import stat
from pathlib import Path

import pytest
import requests

from maritime.sharing.answer import ANSWER
from maritime.sharing.canonical import canonical
from maritime.sharing.feedback import MOST_BYTES
from maritime.sharing.feedback_spool import MOST_WAITING, FeedbackSpool
from maritime.sharing.receipts import check_receipt, read_head
from maritime.sharing.signatures import sign_bytes, verify
from maritime.units import MINUTE_MS
from tests.console.house import ALERT, NOW_MS, House
from tests.console.test_access import Certificates, told
from tests.sharing.policies import partner, rule
from tests.sharing.speaking import event, feedback_id, said
from tests.sharing.test_publisher import SIGNING

JSON = {"Content-Type": "application/json"}


@pytest.fixture
def full(house: House) -> House:
    house.take(ALERT)
    return house


def mine(house: House, name: str = "now", *arguments, **changes):
    return said(*arguments, alert_id=house.publisher.desk.shared_id(ALERT.alert_id, name), **changes)


def post(house: House, record, name: str | None = "now", headers=JSON, **more) -> requests.Response:
    body = record if isinstance(record, bytes) else json.dumps(record).encode()
    return house.get("/feedback", name, method="POST", data=body, headers=headers, **more)


def test_what_is_said_waits_until_it_is_taken_and_can_be_read(full: House) -> None:
    record = mine(full, note="seen", seen_by="P-17")
    answer = post(full, record)
    assert (answer.status_code, answer.json()) == (202, {"feedback_id": feedback_id(1), "state": "waiting"})
    path = answer.headers["Location"]
    assert full.get(path).json() == answer.json()
    assert full.get("/feedback").json() == {"feedback": []}
    assert [each.outcome for each in full.hear()] == ["taken"]
    taken = full.get(path).json()
    assert (taken["state"], taken["message"], taken["answers"]) == ("taken", record, [])
    assert full.get("/feedback").json() == {"feedback": [taken]}
    assert full.get("/feedback", "also").json() == {"feedback": []}
    assert full.ledger.entry(len(full.ledger) - 1).decision == "feedback"


def test_said_again_it_is_the_same(full: House) -> None:
    record = mine(full)
    assert [post(full, record).status_code for _ in range(3)] == [202, 202, 202]
    assert len(full.hear()) == 1
    again = post(full, json.dumps(record, indent=3).encode())  # the same, written otherwise
    assert (again.status_code, again.json()["state"]) == (200, "taken")
    assert full.hear() == []


def test_something_else_under_the_same_id_is_refused_before_and_after_it_is_taken(full: House) -> None:
    post(full, mine(full))
    assert post(full, mine(full, note="other")).status_code == 409
    full.hear()
    assert post(full, mine(full, note="other")).status_code == 409
    assert post(full, mine(full, "also"), "also").status_code == 202  # an id is one partner's


def test_an_event_does_as_well(full: House) -> None:
    headers = {"Content-Type": "application/cloudevents+json; charset=UTF-8"}
    assert post(full, event(mine(full)), headers=headers).status_code == 202
    assert post(full, mine(full, number=2), headers=headers).status_code == 400
    assert post(full, event(mine(full, number=2))).status_code == 400
    assert [each.kind for each in full.hear()] == ["confirmed"]


def test_anothers_alert_cannot_be_told_from_one_that_is_not(full: House) -> None:
    unknown = post(full, said(alert_id=feedback_id(77)))
    assert unknown.status_code == 404
    for record in (mine(full, "also"), mine(full, "late"), mine(full, "")):
        assert told(post(full, record)) == told(unknown)
    nothing = full.get(f"/feedback/{feedback_id(5)}", "also")
    assert nothing.status_code == 404
    post(full, mine(full))
    assert told(full.get(f"/feedback/{feedback_id(1)}", "also")) == told(nothing)  # another's that waits
    full.hear()
    assert told(full.get(f"/feedback/{feedback_id(1)}", "also")) == told(nothing)  # and that is taken
    assert len(full.hear()) == 0


def test_a_revision_that_was_not_sent_is_not_there(full: House) -> None:
    assert post(full, mine(full, revision=1)).status_code == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"null", 400),
        (b'{"a":1,"a":2}', 400),
        (b"[" * 10_000, 400),
        (b"\xff\xfe", 400),
        (b" " * (MOST_BYTES + 1), 413),
        (b" " * 3_000_000, 413),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_is_no_feedback_is_refused(full: House, body: bytes, status: int) -> None:
    answer = post(full, body)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert full.hear() == []


def test_what_says_no_size_is_cut_off(full: House) -> None:
    answer = full.get("/feedback", method="POST", data=iter([b" " * 10_000] * 50), headers=JSON)
    assert answer.status_code == 413


@pytest.mark.parametrize("content", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_what_a_form_of_a_web_page_could_send_is_not_read(full: House, content: str) -> None:
    assert post(full, mine(full), headers={"Content-Type": content}).status_code == 415


def test_a_wrong_value_is_named(full: House) -> None:
    answer = post(full, mine(full, "now", "dismissed", reason=None))
    assert answer.status_code == 400
    assert "reason" in answer.json()["title"]


def test_from_the_future_nothing_is_taken(full: House) -> None:
    assert post(full, mine(full, at="2026-03-14T22:06:00+00:00")).status_code == 400


def test_whoever_is_not_known_learns_nothing(full: House) -> None:
    known, unknown = mine(full), said(alert_id=feedback_id(77))
    answers = [post(full, record, name) for record in (known, unknown, b"{") for name in (None, "x" * 40)]
    assert {each.status_code for each in answers} == {401}
    assert len({repr(told(each)) for each in answers}) == 1
    assert post(full, known, "nobody").status_code == 403


def test_after_the_agreement_nothing_is_taken(full: House) -> None:
    record = mine(full)
    full.policy["partners"]["now"]["agreement"]["until"] = "2026-03-13"
    full.write_policy()
    assert post(full, record).status_code == 403


def test_a_certificate_is_enough_and_speaks_for_its_owner_alone(build, tmp_path: Path) -> None:
    certificates = Certificates(tmp_path)
    house = build().start(tls=certificates.tls, with_tokens=False)
    house.take(ALERT)
    url, ca = f"https://127.0.0.1:{house.port}/feedback", str(certificates.folder / "ca.pem")

    def say(record, name) -> int:
        cert = certificates.of(name)
        return requests.post(url, json=record, cert=cert, verify=ca, timeout=5).status_code

    assert say(mine(house), "now") == 202
    assert say(mine(house, number=2), "also") == 404
    assert say(mine(house, number=3), "nobody") == 403
    assert [(each.partner, each.outcome) for each in house.hear()] == [("now", "taken")]


def test_who_asks_too_often_waits(build) -> None:
    house = build(per_minute=60, burst=2).start()
    house.take(ALERT)
    answers = [post(house, mine(house, number=number)).status_code for number in range(3)]
    assert answers == [202, 202, 429]


def test_who_says_too_much_at_once_waits(full: House) -> None:
    spool = FeedbackSpool(full.folder / "spool")
    for number in range(MOST_WAITING):
        spool.add("now", feedback_id(1000 + number), b"{}")
    answer = post(full, mine(full))
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "30")
    assert post(full, mine(full, "also"), "also").status_code == 202


def test_the_server_writes_nothing_but_its_folder(full: House) -> None:
    before = {path: path.stat().st_mtime_ns for path in full.folder.glob("ledger.db")}
    size = len(full.ledger)
    post(full, mine(full))
    assert (len(full.ledger), {path: path.stat().st_mtime_ns for path in before}) == (size, before)
    (laid,) = (full.folder / "spool").iterdir()
    assert stat.S_IMODE((full.folder / "spool").stat().st_mode) == 0o700
    assert json.loads(laid.read_bytes()) == mine(full)


def test_an_answer_is_read_by_who_asked_and_verifies(full: House) -> None:
    post(full, mine(full, "now", "request_for_information"))
    full.hear()
    full.book.answer(feedback_id(1), "Flag unknown.", "analyst", NOW_MS + MINUTE_MS)
    assert full.get(f"/feedback/{feedback_id(1)}").json()["answers"] == []  # not signed yet
    full.book.sign_answers(
        frozenset(["now"]),
        "nmc.example",
        lambda words: (sign_bytes(words, SIGNING, ANSWER, detached=True), SIGNING.kid),
        full.publisher.state,
        NOW_MS + MINUTE_MS,
        9,
    )
    (answered,) = full.get(f"/feedback/{feedback_id(1)}").json()["answers"]
    verify(answered["data"], answered["jws"], full.keys, full.clock_ms, ANSWER)
    assert answered["data"]["text"] == "Flag unknown."
    assert full.get(f"/feedback/{feedback_id(1)}", "also").status_code == 404


def test_pages_follow_each_other(full: House) -> None:
    for number in range(5):
        post(full, mine(full, "now", "received", number))
    post(full, mine(full, "also", "received", 1), "also")
    full.hear()
    found, url = [], "/feedback?limit=2"
    while url:
        answer = full.get(url)
        found += [each["sequence"] for each in answer.json()["feedback"]]
        url = answer.links["next"]["url"] if "next" in answer.links else ""
    assert found == [1, 2, 3, 4, 5]
    assert full.get("/feedback?after=x").status_code == 400


def test_what_the_publisher_refuses_is_told(full: House) -> None:
    post(full, mine(full))
    full.clock_ms -= 2 * 60 * MINUTE_MS
    assert [each.refusal for each in full.hear()] == ["said_in_future"]
    answer = full.get(f"/feedback/{feedback_id(1)}").json()
    assert (answer["state"], answer["reason"]) == ("refused", "said_in_future")


def test_only_a_partner_that_has_the_alert_in_the_policy_of_now_speaks(full: House) -> None:
    full.policy["partners"]["new"] = partner(rule())
    full.write_policy()
    full.tokens["new"] = full.add_token("new")
    assert post(full, mine(full), "new").status_code == 404


def test_half_a_message_that_never_ends_is_given_up(build) -> None:
    house = build(headers_s=1.0).start()
    house.take(ALERT)
    with socket.create_connection(("127.0.0.1", house.port), timeout=5) as connection:
        head = f"POST /feedback HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {house.tokens['also']}\r\n"
        connection.sendall((head + "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{").encode())
        assert post(house, mine(house)).status_code == 202  # nobody else waits for it


def test_what_was_said_can_be_proved_to_who_said_it(full: House) -> None:
    record = mine(full)
    post(full, record)
    full.hear()
    path = f"/receipts/feedback/{feedback_id(1)}"
    assert full.get(path).status_code == 409  # no head covers it
    full.sign_head()
    proof = full.get(path).json()
    check_receipt(proof["receipt"], read_head(proof["head"], full.keys, full.clock_ms), canonical(record))
    assert full.get(path, "also").status_code == 404
    assert full.get(f"/receipts/feedback/{feedback_id(2)}").status_code == 404
