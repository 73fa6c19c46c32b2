"""The ledger: what edits in the database itself show, what receipts prove, and what they keep to themselves."""

import itertools
import json
import shutil
import sqlite3
import time
from hashlib import sha256
from pathlib import Path

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from maritime.errors import InputError, OutputError, SignatureError, UsageError
from maritime.sharing.keys import KeySet, SigningKey
from maritime.sharing.ledger import BEGINNING, Entry, Ledger, entry_hash, leaf_of
from maritime.sharing.ledger_check import check
from maritime.sharing.merkle import Frontier, leaf_hash
from maritime.sharing.receipts import check_consistency, check_receipt, read_head
from maritime.sharing.signatures import sign
from maritime.times import from_rfc3339
from tests import naive_merkle
from tests.sharing.samples import full

KEY = SigningKey.from_seed(bytes(range(32)))
KEYS = KeySet((KEY.public(),))
AT = "2026-03-15T00:00:00+00:00"
AT_MS = from_rfc3339(AT)
POLICY = {"name": "national-centre", "version": "3", "sha256": "cd" * 32}
COPY = full().canonical()


def salts(seed=0):
    """Bytes that are as good as random here, and the same in every run."""
    count = itertools.count()
    return lambda size: sha256(b"%d %d" % (seed, next(count))).digest()[:size]


def released(number=0, partner="fusion-centre", copy=COPY, **changes):
    return Entry.model_validate(
        {
            "at": "2026-03-14T21:00:01+00:00",
            "internal_id": f"{number:032x}",
            "internal_revision": 1,
            "partner": partner,
            "decision": "released",
            "reason": "rule",
            "rule": "loitering near the border",
            "policy": POLICY,
            "alert_id": "4e423363-002e-410f-8563-edd7cb220a22",
            "revision": number,
            "kind": "update",
            "sha256": sha256(copy).hexdigest(),
            "kid": KEY.kid,
        }
        | changes
    )


def denied(number=0, partner="neighbour"):
    nothing = dict.fromkeys(("alert_id", "revision", "kind", "sha256", "kid", "rule"))
    return released(number, partner, decision="denied", reason="no_rule", **nothing)


def mixed(count):
    return [denied(each) if each % 3 == 1 else released(each) for each in range(count)]


def written(path, count, heads_at=()):
    """A ledger of so many entries, with its heads at these sizes."""
    heads, random_bytes = [], salts()
    with Ledger(path) as ledger:
        for number, entry in enumerate(mixed(count), start=1):
            ledger.append([entry], random_bytes)
            if number in heads_at:
                heads.append(ledger.head(AT))
    return heads


def checked(path, heads=()):
    with Ledger(path, read_only=True) as ledger:
        return check(ledger, heads)


def opened(path):
    """The database as somebody opens it who wants to change it."""
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA synchronous = OFF")
    for kind, name in database.execute(
        "SELECT type, name FROM sqlite_schema WHERE type IN ('index', 'trigger')"
    ).fetchall():
        database.execute(f"DROP {kind} {name}")
    return database


def contents(database):
    return database.execute("SELECT entry, salt, hash, nodes FROM entries ORDER BY seq").fetchall()


def put(database, rows):
    database.execute("BEGIN")
    database.execute("DELETE FROM entries")
    database.executemany("INSERT INTO entries VALUES (?, ?, ?, ?, ?)", [(seq, *row) for seq, row in enumerate(rows)])
    database.execute("COMMIT")
    database.close()


def first_difference(before, after):
    for seq, (old, new) in enumerate(itertools.zip_longest(before, after)):
        if old != new:
            return seq
    return None


@pytest.fixture(scope="module")
def eleven(tmp_path_factory):
    """Eleven entries, with heads at 4 and 11."""
    path = tmp_path_factory.mktemp("ledger") / "ledger.sqlite"
    return path, written(path, 11, heads_at=(4, 11))


def duplicate(path, folder):
    """A copy of a ledger; its file is whole, because the last to close it has emptied the write-ahead log."""
    return Path(shutil.copy(path, folder / f"{len(list(folder.iterdir()))}.sqlite"))


@pytest.fixture
def copy_of_eleven(eleven, tmp_path):
    return lambda: duplicate(eleven[0], tmp_path)


# What is found


def test_an_untouched_ledger_is_sound(eleven):
    path, heads = eleven
    assert checked(path) is None
    assert checked(path, heads) is None


TEXTS = ["at", "internal_id", "partner", "decision", "reason", "rule", "alert_id", "kind", "sha256", "kid"]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_edit_is_found_at_its_entry(eleven, tmp_path_factory, data):
    path = duplicate(eleven[0], tmp_path_factory.mktemp("edited"))
    database = opened(path)
    before = contents(database)
    column = data.draw(st.sampled_from(range(4)))
    seq = data.draw(st.integers(0, 10))
    rows = [list(row) for row in before]
    if column == 0:
        fields = json.loads(rows[seq][0])
        how = data.draw(st.sampled_from(["value", "space", "member", "cut", "nothing"]))
        fields[data.draw(st.sampled_from(TEXTS))] = data.draw(st.text(st.characters(exclude_categories=["Cs"])))
        rows[seq][0] = {
            "value": rfc8785.dumps(fields).decode(),
            "space": rows[seq][0] + " ",
            "member": rows[seq][0][:-1] + ',"z":0}',
            "cut": rows[seq][0][:-1],
            "nothing": "",
        }[how]
    else:
        old = rows[seq][column]
        spot = data.draw(st.integers(0, len(old) - 1))
        flip = data.draw(st.integers(1, 255))
        rows[seq][column] = data.draw(
            st.sampled_from([old[:spot] + bytes([old[spot] ^ flip]) + old[spot + 1 :], old[:spot], old + b"\0"])
        )
    rows = [tuple(row) for row in rows]
    put(database, rows)
    expected = first_difference(before, rows)
    fault = checked(path)
    assert (fault and (fault.seq, fault.until)) == (None if expected is None else (expected, expected + 1))


@pytest.mark.parametrize("seq", range(11))
def test_any_removed_entry_is_found(eleven, copy_of_eleven, seq):
    for closed_up in (False, True):
        path = copy_of_eleven()
        database = opened(path)
        database.execute("DELETE FROM entries WHERE seq = ?", [seq])
        if closed_up:
            for later in range(seq + 1, 11):
                database.execute("UPDATE entries SET seq = ? WHERE seq = ?", [later - 1, later])
        database.close()
        assert checked(path, eleven[1]).seq == seq
        assert seq == 10 or checked(path).seq == seq


@pytest.mark.parametrize("left", range(11))
def test_entries_cut_off_at_the_end_show_by_a_signed_head(eleven, copy_of_eleven, left):
    path = copy_of_eleven()
    database = opened(path)
    database.execute("DELETE FROM entries WHERE seq >= ?", [left])
    database.close()
    fault = checked(path, eleven[1])
    assert fault.seq == left
    assert f"entry {left} is missing" in fault.sentence
    assert checked(path) is None


@settings(max_examples=60, deadline=None)
@given(st.permutations(range(11)))
def test_entries_in_another_order_are_found(eleven, tmp_path_factory, order):
    path = duplicate(eleven[0], tmp_path_factory.mktemp("moved"))
    database = opened(path)
    before = contents(database)
    rows = [before[each] for each in order]
    put(database, rows)
    fault = checked(path)
    assert (fault and fault.seq) == first_difference(before, rows)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 11), st.integers(0, 10), st.booleans())
def test_entries_put_in_are_found(eleven, tmp_path_factory, seq, of, begins_new):
    path = duplicate(eleven[0], tmp_path_factory.mktemp("more"))
    database = opened(path)
    before = contents(database)
    text = rfc8785.dumps(denied(99, "put-in").model_dump(mode="json"))
    previous = before[seq - 1][2] if seq else BEGINNING
    forged = (text.decode(), bytes(32), entry_hash(text, previous, bytes(32)), bytes(32))
    rows = [*before[:seq], forged if begins_new else before[of], *before[seq:]]
    put(database, rows)
    fault = checked(path)
    assert fault.seq == first_difference(before, rows)


def test_a_row_before_the_first_or_far_after_the_last_is_found(copy_of_eleven):
    for seq, found in ((-1, 0), (-(2**62), 0), (2**62, 11)):
        path = copy_of_eleven()
        database = opened(path)
        database.execute("INSERT INTO entries SELECT ?, entry, salt, hash, nodes FROM entries WHERE seq = 3", [seq])
        database.close()
        assert checked(path).seq == found


def forged_from(before, seq, entries):
    """Rows of a ledger that was made anew from `seq` on, hashes and all, as its host could."""
    tree, previous, rows, new = Frontier(), BEGINNING, [], iter(entries)
    for place, (text, salt, _, _) in enumerate(before):
        raw = text.encode() if place < seq else rfc8785.dumps(next(new).model_dump(mode="json"))
        previous = entry_hash(raw, previous, salt)
        nodes = b"".join(tree.add(leaf_hash(rfc8785.dumps(leaf_of(json.loads(raw), previous)))))
        rows.append((raw.decode(), salt, previous, nodes))
    return rows


@pytest.mark.parametrize("seq", range(11))
def test_a_ledger_made_anew_shows_by_a_signed_head(eleven, copy_of_eleven, seq):
    path = copy_of_eleven()
    database = opened(path)
    before = contents(database)
    assert forged_from(before, 11, []) == before
    put(database, forged_from(before, seq, [denied(70 + each) for each in range(11 - seq)]))
    assert checked(path) is None
    fault = checked(path, eleven[1])
    assert (fault.seq, fault.until) == ((0, 4) if seq < 4 else (4, 11))
    assert fault.seq <= seq < fault.until


@pytest.mark.parametrize("text", ["{}", "[]", "x", '{"a":' * 3000, '{"a":' * 3000 + "1" + "}" * 3000])
def test_an_entry_that_is_none_is_found_even_with_the_right_hash(copy_of_eleven, text):
    path = copy_of_eleven()
    database = opened(path)
    rows = contents(database)
    raw = text.encode()
    rows[5] = (text, rows[5][1], entry_hash(raw, rows[4][2], rows[5][1]), rows[5][3])
    put(database, rows)
    assert checked(path).seq == 5


def test_bytes_that_are_no_text_are_found(copy_of_eleven):
    path = copy_of_eleven()
    database = opened(path)
    database.execute("UPDATE entries SET entry = CAST(x'ff00fe' AS TEXT) WHERE seq = 6")
    database.close()
    assert checked(path).seq == 6


def test_a_table_of_another_shape_is_no_traceback(copy_of_eleven):
    path = copy_of_eleven()
    database = opened(path)
    database.executescript(
        "CREATE TABLE other (seq, entry, salt, hash, nodes); INSERT INTO other SELECT * FROM entries;"
        "DROP TABLE entries; ALTER TABLE other RENAME TO entries;"
        "UPDATE entries SET salt = 7, nodes = NULL WHERE seq = 3"
    )
    database.close()
    assert checked(path).seq == 3
    database = opened(path)
    database.execute("UPDATE entries SET seq = 'two' WHERE seq = 2")
    database.close()
    assert checked(path).seq == 2
    database = opened(path)
    database.execute("DELETE FROM entries WHERE typeof(seq) = 'integer'")
    database.close()
    assert checked(path).seq == 0
    database = opened(path)
    database.execute("DROP TABLE entries")
    database.close()
    with pytest.raises(InputError, match="cannot be read"):
        checked(path)


def test_a_ledger_cannot_be_changed_by_mistake(copy_of_eleven):
    database = sqlite3.connect(copy_of_eleven())
    for statement in ("UPDATE entries SET salt = x'00'", "DELETE FROM entries WHERE seq = 10"):
        with pytest.raises(sqlite3.IntegrityError, match="only grows"):
            database.execute(statement)
    database.close()


# What a partner can see


def receipt_of(path, seq, size):
    with Ledger(path, read_only=True) as ledger:
        return json.loads(json.dumps(ledger.prove(seq, size)))


def test_every_copy_that_left_can_be_proven_to_its_recipient(eleven):
    path, heads = eleven
    for head in heads:
        signed = read_head(head.sign(KEY), KEYS, AT_MS)
        assert signed == head
        for seq in range(head.size):
            if seq % 3 == 1:
                with pytest.raises(UsageError, match="sent nothing"):
                    receipt_of(path, seq, head.size)
            else:
                check_receipt(receipt_of(path, seq, head.size), signed, COPY)


def test_a_receipt_is_for_one_copy_and_one_head_only(eleven):
    path, (early, late) = eleven
    receipt = receipt_of(path, 2, late.size)
    check_receipt(receipt, late, COPY)
    refused = [
        (receipt, late, COPY + b" ", "another copy"),
        (receipt, early, COPY, "head of size 11, not 4"),
        (receipt | {"size": 4}, early, COPY, "does not lead"),
        (receipt | {"index": 3}, late, COPY, "does not lead"),
        (receipt | {"leaf": receipt["leaf"] | {"partner": "somebody"}}, late, COPY, "does not lead"),
        (receipt | {"leaf": receipt["leaf"] | {"entry": "00" * 32}}, late, COPY, "does not lead"),
        (receipt | {"leaf": receipt["leaf"] | {"sha256": sha256(b"x").hexdigest()}}, late, b"x", "does not lead"),
        (receipt | {"path": receipt["path"][:-1]}, late, COPY, "does not lead"),
        (receipt | {"path": ["zz"]}, late, COPY, "64 hexadecimal"),
        (receipt | {"path": receipt["path"] * 99}, late, COPY, "at most 128"),
        (receipt | {"path": None}, late, COPY, "list"),
        (receipt | {"index": -1}, late, COPY, "count"),
        (receipt | {"leaf": 7}, late, COPY, "lacks"),
        (receipt | {"leaf": {"sha256": 2**60}}, late, COPY, "lacks"),
        ({}, late, COPY, "lacks"),
    ]
    for each, head, copy, said in refused:
        with pytest.raises(InputError, match=said):
            check_receipt(each, head, copy)


def test_a_receipt_tells_nothing_that_the_recipient_does_not_have(tmp_path):
    path = tmp_path / "ledger.sqlite"
    with Ledger(path) as ledger:
        ledger.append([denied(7, "neighbour"), released(8), released(9, "rescue-centre", b"other")], salts())
        receipt, head = ledger.prove(1, 3), ledger.head(AT)
    told = json.dumps(receipt) + json.dumps(head.sign(KEY))
    kept = path.read_bytes().decode("latin-1")
    for secret in ("neighbour", "rescue-centre", "loitering", "rule", f"{8:032x}", "21:00:01", "cd" * 32, "national"):
        assert secret in kept
        assert secret not in told
    assert set(receipt["leaf"]) == {"alert_id", "revision", "kind", "partner", "sha256", "entry"}


def test_what_a_receipt_hides_cannot_be_tried_out(tmp_path):
    """The same decisions with other salts have no hash in common, so that guessing an entry does not confirm it."""
    seen = []
    for seed in (1, 2):
        with Ledger(tmp_path / f"{seed}.sqlite") as ledger:
            ledger.append(mixed(3), salts(seed))
            receipt = ledger.prove(0, 3)
            seen.append({receipt["leaf"]["entry"], *receipt["path"], ledger.head(AT).last_hash.hex()})
    assert not seen[0] & seen[1]


def test_growth_is_proven_between_any_two_heads(tmp_path):
    path = tmp_path / "ledger.sqlite"
    heads = [*written(path, 20, heads_at=range(1, 21))]
    with Ledger(path) as ledger:
        for older, newer in itertools.combinations_with_replacement(heads, 2):
            check_consistency(ledger.prove_growth(older.size, newer.size), older, newer)
        with pytest.raises(UsageError, match="two sizes"):
            ledger.prove_growth(5, 21)
        with pytest.raises(UsageError, match="two sizes"):
            ledger.prove_growth(5, 4)


def test_a_partner_sees_that_a_ledger_was_made_anew(eleven, copy_of_eleven):
    path = copy_of_eleven()
    database = opened(path)
    put(database, forged_from(contents(database), 2, [denied(70 + each) for each in range(9)]))
    with Ledger(path) as ledger:
        forged, proof = ledger.head(AT), ledger.prove_growth(4, 11)
    with pytest.raises(InputError, match="does not continue"):
        check_consistency(proof, eleven[1][0], forged)
    for broken in ({}, {"path": 7}, {"path": ["00"]}):
        with pytest.raises(InputError):
            check_consistency(broken, *eleven[1])


def test_a_head_is_believed_by_its_signature_only(eleven):
    head = eleven[1][0]
    token = head.sign(KEY)
    start, _, end = token.split(".")
    other = eleven[1][1].sign(KEY).split(".")[1]
    refused = {
        f"{start}.{other}.{end}": "altered",
        head.sign(SigningKey.from_seed(bytes(32))): "unknown_key",
        sign(full(), KEY): "wrong_type",
        "": "malformed",
    }
    for each, reason in refused.items():
        with pytest.raises(SignatureError) as error:
            read_head(each, KEYS, AT_MS)
        assert error.value.reason == reason
    with pytest.raises(SignatureError) as error:
        read_head(token, KeySet((KEY.public(0, AT_MS),)), AT_MS)
    assert error.value.reason == "key_expired"


# How it is kept


def test_roots_are_those_of_the_definition(tmp_path):
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        assert ledger.head(AT).root == naive_merkle.root([])
        random_bytes, leaves = salts(), []
        for count in (1, 2, 0, 5, 1, 16):
            places = ledger.append(mixed(count), random_bytes)
            assert len(places) == count
            for seq in places:
                row = next(row for row in ledger.stored() if row[0] == seq)
                leaves.append(rfc8785.dumps(leaf_of(json.loads(row[1]), row[3])))
            assert ledger.head(AT).root == naive_merkle.root(leaves)
            assert ledger.head(AT).size == len(ledger) == len(leaves)


def test_the_hash_of_an_entry_is_that_of_its_canonical_json(eleven):
    with Ledger(eleven[0], read_only=True) as ledger:
        previous = BEGINNING
        for _, text, salt, stored, _ in ledger.stored():
            whole = {"entry": json.loads(text), "previous": previous.hex(), "salt": salt.hex()}
            assert sha256(rfc8785.dumps(whole)).digest() == stored
            previous = stored


def test_any_split_into_batches_gives_the_same_ledger(tmp_path):
    whole, single = tmp_path / "whole.sqlite", tmp_path / "single.sqlite"
    with Ledger(whole) as ledger:
        ledger.append(mixed(13), salts())
    written(single, 13)
    with Ledger(whole) as one, Ledger(single) as other:
        assert list(one.stored()) == list(other.stored())


def test_decisions_are_found_again(tmp_path):
    first, second = released(3), released(4, revision=5, internal_id=f"{3:032x}")
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        ledger.append([first, denied(3, "neighbour"), second], salts())
        assert (ledger.entry(0), ledger.entry(2)) == (first, second)
        assert ledger.find(first.alert_id, 3, "fusion-centre") == 0
        assert ledger.find(first.alert_id, 5, "fusion-centre") == 2
        for missing in ((first.alert_id, 4, "fusion-centre"), (first.alert_id, 3, "neighbour"), ("", 3, "neighbour")):
            with pytest.raises(UsageError, match="was sent no revision"):
                ledger.find(*missing)
        with pytest.raises(UsageError, match="no entry 3"):
            ledger.entry(3)
        with pytest.raises(UsageError, match="newer head"):
            ledger.prove(2, 2)


def test_a_failed_append_adds_nothing(tmp_path):
    path = tmp_path / "ledger.sqlite"
    with Ledger(path) as ledger:
        ledger.append(mixed(2), salts())

        def breaks():
            yield released(2)
            raise RuntimeError("the source broke")

        with pytest.raises(RuntimeError):
            ledger.append(breaks(), salts())
        assert len(ledger) == 2
        ledger.append(mixed(1), salts())
    assert checked(path) is None


def test_two_writers_take_turns(tmp_path):
    path = tmp_path / "ledger.sqlite"
    random_bytes = salts()
    with Ledger(path) as one, Ledger(path) as other:
        for ledger in (one, other, one, other):
            ledger.append(mixed(2), random_bytes)
        assert len(one) == len(other) == 8
    assert checked(path) is None


def test_a_ledger_for_reading_is_not_written(eleven):
    with Ledger(eleven[0], read_only=True) as ledger, pytest.raises(OutputError, match="nothing was added"):
        ledger.append(mixed(1), salts())


def test_a_ledger_is_for_its_owner_only(tmp_path):
    written(tmp_path / "ledger.sqlite", 1)
    assert (tmp_path / "ledger.sqlite").stat().st_mode & 0o077 == 0


def test_what_is_no_ledger_is_said(tmp_path):
    (tmp_path / "text.sqlite").write_text("no database at all, but long enough to be one " * 30)
    sqlite3.connect(tmp_path / "other.sqlite").executescript("CREATE TABLE ships (name); PRAGMA user_version = 9;")
    for name in ("text", "other"):
        with pytest.raises(InputError, match="no ledger"):
            Ledger(tmp_path / f"{name}.sqlite")
    with pytest.raises(InputError, match="cannot be opened"):
        Ledger(tmp_path / "none.sqlite", read_only=True)
    with pytest.raises(OutputError, match="cannot be opened"):
        Ledger(tmp_path / "no" / "folder.sqlite")


@pytest.mark.parametrize(
    "changes",
    [
        {"decision": "allowed"},
        {"sha256": None},
        {"alert_id": None},
        {"kind": None},
        {"at": "2026-03-14T21:00:01Z"},
        {"sha256": "AB" * 32},
        {"partner": ""},
        {"note": "x"},
    ],
)
def test_an_entry_that_says_too_little_or_too_much_is_refused(changes):
    with pytest.raises(ValidationError):
        released(**changes)


def test_many_entries_are_added_fast_and_heads_stay_cheap(tmp_path):
    entries = mixed(6000)
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        started_s = time.process_time()
        ledger.append(entries, salts())
        assert time.process_time() - started_s < 3.0  # at least 2,000 a second, on a busy machine too
        started_s = time.process_time()
        for _ in range(20):
            ledger.head(AT)
            ledger.prove(5, 6000)
        assert time.process_time() - started_s < 0.2
        assert check(ledger, [ledger.head(AT)]) is None
