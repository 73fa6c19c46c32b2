"""What partners sent: kept as signed, each originator's apart, and gone when it is to be."""

import io
import json
import sqlite3

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maritime.errors import InputError, UsageError
from maritime.sharing.document_lines import documents
from maritime.sharing.envelope import Envelope
from maritime.sharing.formats import FORMATS
from maritime.sharing.intake import Accepted, Rejected, examine, held_to
from maritime.sharing.keys import KeySet, SigningKey
from maritime.sharing.received import MOST_REJECTS, ReceivedStore
from maritime.sharing.release import Release
from maritime.sharing.signatures import sign
from maritime.sharing.untrusted import MOST_BYTES
from maritime.times import from_rfc3339
from maritime.units import DAY_MS
from tests.sharing.envelopes import envelopes
from tests.sharing.samples import cancel, changed, full

KEY, OTHER = SigningKey.from_seed(bytes(range(32))), SigningKey.from_seed(bytes(32))
KEYS = KeySet((KEY.public(org_id="nmc.example"), OTHER.public(org_id="other.example")))
NOW_MS = from_rfc3339("2026-03-15T22:00:00Z")
OTHERS = {"originator": {"org_id": "other.example"}}


@pytest.fixture
def store(tmp_path):
    with ReceivedStore(tmp_path / "received.db") as opened:
        yield opened


def document(envelope, key=KEY, name="cloudevent"):
    return FORMATS[name].render(Release(envelope, sign(envelope, key) if key else None))


def put(store, envelope, key=KEY, now_ms=NOW_MS, **how):
    examined = examine(document(envelope, key), KEYS, now_ms, **how)
    return examined if isinstance(examined, Rejected) else store.add(examined, now_ms)


def kept(store, now_ms=NOW_MS):
    return {(each.originator, each.status, each.standing): each for each in store.alerts(now_ms)}


@pytest.mark.parametrize("name", FORMATS)
def test_it_is_kept_to_the_byte_from_every_format(store, name):
    examined = examine(document(full(), name=name), KEYS, NOW_MS)
    assert store.add(examined, NOW_MS) == "added"
    (one,) = store.alerts(NOW_MS)
    assert (one.canonical, one.jws, one.kid, one.format) == (full().canonical(), sign(full(), KEY), KEY.kid, name)
    assert (one.standing, one.envelope()) == ("verified", full())


def test_a_field_of_a_newer_version_is_kept_and_its_signature_holds(store):
    newer = Envelope.model_validate(full().to_dict() | {"a_later_field": [1, {"x": "y"}]})
    assert put(store, newer) == "added"
    assert b"a_later_field" in next(store.alerts(NOW_MS)).canonical


def test_the_highest_revision_counts_in_any_order_and_twice_is_once(store):
    assert put(store, full(revision=2)) == "added"
    assert put(store, full(revision=2)) == "unchanged"
    assert put(store, full(revision=1)) == "older"
    assert put(store, full(revision=5)) == "updated"
    assert put(store, full(revision=3)) == "older"
    assert put(store, changed(full(revision=5), area_desc="other")).reason == "conflicting_revision"
    assert [each.revision for each in store.alerts(NOW_MS)] == [5]


def test_the_same_id_of_another_originator_is_another_alert(store):
    put(store, full())
    theirs = changed(cancel(), revision=99, **OTHERS)
    assert put(store, theirs, OTHER) == "withdrawn"
    assert {each.originator: each.kind for each in store.alerts(NOW_MS)} == {
        "nmc.example": "update",
        "other.example": "cancel",
    }
    assert put(store, changed(full(), **OTHERS), KEY).reason == "other_originator"


def test_an_exercise_and_what_nobody_vouches_for_touch_nothing(store):
    put(store, full())
    assert put(store, changed(full(revision=9), status="exercise", kind="cancel")) == "withdrawn"
    assert put(store, changed(full(revision=9), kind="cancel"), None, take_unsigned=True) == "withdrawn"
    assert {key[1:]: each.kind for key, each in kept(store).items()} == {
        ("actual", "verified"): "update",
        ("exercise", "verified"): "cancel",
        ("actual", "unverified"): "cancel",
    }
    assert store.find("4e", NOW_MS).standing == "verified"


@pytest.mark.parametrize(
    ("envelope", "key", "keys", "reason"),
    [
        (full(), None, KEYS, "unsigned"),
        (full(), SigningKey.from_seed(b"x" * 32), KEYS, "unknown_key"),
        (changed(full(), **OTHERS), KEY, KEYS, "other_originator"),
        (full(), KEY, KeySet((KEY.public(),)), "unbound_key"),
        (full(sent="2027-01-01T00:00:00+00:00"), KEY, KEYS, "sent_in_future"),
    ],
)
def test_what_does_not_hold_is_rejected_unsigned_taken_or_not(envelope, key, keys, reason):
    assert examine(document(envelope, key), keys, NOW_MS).reason == reason
    if key is not None:
        assert examine(document(envelope, key), keys, NOW_MS, take_unsigned=True).reason == reason


def test_a_partner_cannot_publish_a_key_of_another(store):
    theirs = KeySet((OTHER.public(org_id="nmc.example"), KEY.public()))
    assert [key.org_id for key in held_to(theirs, "other.example").keys] == ["other.example"]
    assert examine(document(full(), OTHER), held_to(theirs, "other.example"), NOW_MS).reason == "unknown_key"
    assert isinstance(examine(document(full(), OTHER), theirs, NOW_MS), Accepted)  # which is why --org is there


def test_other_formats_and_garbage_are_rejected_with_a_reason():
    assert examine(document(full()), KEYS, NOW_MS, only="cap").reason == "other_format"
    for content in (b"", b"{}", b"<x/>", b"\xff", b"[" * 1000, b'{"specversion":"1.0","data":{"a":1}}'):
        assert examine(content, KEYS, NOW_MS, take_unsigned=True).reason == "unreadable"


def test_a_cancel_takes_the_content_away_and_keeps_its_context(store):
    put(store, full("dark_period"))
    assert put(store, cancel()) == "withdrawn"
    (one,) = store.alerts(NOW_MS)
    assert b"CHAO LE" not in one.canonical
    assert one.context_id == full().context_id


def test_what_is_purged_is_gone_from_the_file_and_leaves_a_tombstone(store):
    put(store, full())
    until_ms = from_rfc3339(full().handling.retain_until)
    assert not list(store.alerts(until_ms))
    assert store.purge(until_ms - 1) == []
    (stone,) = store.purge(until_ms)
    assert (stone.originator, stone.alert_id, stone.revision) == ("nmc.example", full().alert_id, 2)
    for file in store.path.parent.glob("received.db*"):
        assert b"CHAO LE" not in file.read_bytes()
    assert list(store.tombstones()) == [stone]
    assert put(store, full(), now_ms=until_ms).reason == "retention_over"
    longer = changed(full(revision=2), handling={"retain_until": "2027-09-10T21:00:00+00:00"})
    assert put(store, longer, now_ms=until_ms) == "older"
    assert put(store, changed(longer, revision=3), now_ms=until_ms) == "added"
    assert store.purge(until_ms + 800 * DAY_MS) != []
    store.purge(until_ms + 1200 * DAY_MS)
    assert not list(store.tombstones())


def test_what_does_not_say_how_long_is_kept_thirty_days(store):
    unsaid = cancel()
    put(store, unsaid)
    assert len(list(store.alerts(NOW_MS + 30 * DAY_MS - 1))) == 1
    assert not list(store.alerts(NOW_MS + 30 * DAY_MS))


def test_rejects_are_kept_without_their_content_and_bounded(store):
    for _ in range(3):
        store.reject(Rejected("unsigned", "the envelope is not signed"), b"CHAO LE", "feed", 7, NOW_MS)
    assert [(each.file, each.line, each.reason) for each in store.rejects()] == [("feed", 7, "unsigned")] * 3
    assert b"CHAO LE" not in store.path.read_bytes()
    store.database.execute("UPDATE rejects SET number = number + ? WHERE number = 3", (MOST_REJECTS,))
    store.reject(Rejected("unsigned", "x"), b"", "feed", 8, NOW_MS)
    assert [each.line for each in store.rejects()] == [7, 8]


def test_a_flood_of_one_originator_ends(store, monkeypatch):
    monkeypatch.setattr("maritime.sharing.received.MOST_OF_ONE", 1)
    put(store, full())
    more = full(alert_id="11111111-2222-4333-8444-555555555555", references=[])
    assert put(store, more).reason == "too_many"
    assert put(store, changed(more, **OTHERS), OTHER) == "added"
    assert put(store, full(revision=8)) == "updated"


def test_an_alert_is_found_by_the_beginning_of_its_id(store):
    put(store, full())
    put(store, changed(full(), **OTHERS), OTHER)
    with pytest.raises(UsageError, match="2 alerts"):
        store.find("4e", NOW_MS)
    assert store.find("other.example/4e", NOW_MS).originator == "other.example"
    for nothing in ("", "zz", "other.example/", "third.example/4e"):
        with pytest.raises(UsageError, match="no alert"):
            store.find(nothing, NOW_MS)


def test_another_file_is_no_store(tmp_path):
    (tmp_path / "text").write_text("no database at all, and long enough to be one")
    sqlite3.connect(tmp_path / "other.db").execute("CREATE TABLE x (y)")
    for name in ("text", "other.db"):
        with pytest.raises(InputError):
            ReceivedStore(tmp_path / name)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from(("alert", "update", "cancel"))), max_size=8), st.data())
def test_the_order_of_arrival_does_not_matter(tmp_path_factory, told, data):
    revisions = {revision: full(revision=revision, kind=kind) for revision, kind in told}
    ends = []
    for order in (list(revisions), data.draw(st.permutations([*revisions, *revisions]))):
        with ReceivedStore(tmp_path_factory.mktemp("store") / "r.db") as opened:
            for revision in order:
                put(opened, revisions[revision])
            ends.append([(each.revision, each.canonical) for each in opened.alerts(NOW_MS)])
    assert ends[0] == ends[1]


@settings(max_examples=60, deadline=None)
@given(envelopes())
def test_any_envelope_is_kept_as_it_came(tmp_path_factory, envelope):
    with ReceivedStore(tmp_path_factory.mktemp("store") / "r.db") as opened:
        outcome = put(opened, envelope, now_ms=from_rfc3339("2026-03-15T22:00:00Z"))
        if not isinstance(outcome, Rejected):
            assert next(opened.alerts(NOW_MS)).canonical == envelope.canonical()


def test_lines_are_readone_by_one_and_anything_else_is_one_document():
    lines = b'{"a":1}\n\n{"b":2}\nnot json\n{"c":3}'
    assert list(documents(io.BytesIO(lines))) == [
        (1, b'{"a":1}\n'),
        (3, b'{"b":2}\n'),
        (4, b"not json\n"),
        (5, b'{"c":3}'),
    ]
    pretty = json.dumps({"a": 1}, indent=1).encode()
    assert list(documents(io.BytesIO(pretty))) == [(None, pretty)]
    assert list(documents(io.BytesIO(b""))) == [(None, b"")]


def test_a_line_that_is_too_long_is_passed_over():
    long = b'{"a":"' + b"x" * (2 * MOST_BYTES) + b'"}\n'
    read = list(documents(io.BytesIO(b"{}\n" + long + b'{"c":3}\n')))
    assert [(line, len(document) <= MOST_BYTES + 1) for line, document in read] == [(1, True), (2, True), (3, True)]
    assert examine(read[1][1], KEYS, NOW_MS).reason == "unreadable"
    (whole,) = documents(io.BytesIO(b"<x>" + b"y" * (2 * MOST_BYTES)))
    assert len(whole[1]) <= MOST_BYTES + 1
