"""The index of a channel's objects finds what a list of all of them gives, and a page costs what it shows."""

from functools import cache
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maritime.console.stix_feed import StixFeed
from maritime.console.stix_index import Entry, IndexedObject, IndexedParcel, StixIndex, Wanted, time_of
from maritime.errors import OutputError
from maritime.sharing.sent import SentParcels
from maritime.units import DAY_MS, HOUR_MS
from tests.console.house import ALERT, LONGER, NOW_MS, alert

LAST = Wanted(None, None, frozenset({"last"}))
ALL = Wanted(None, None, frozenset({"all"}))


def thing(name="a", kind="incident", version=1, content=0):
    """An object; version None: undated."""
    thing_id = f"{kind}--{name}"
    text = None if version is None else time_of(version)
    return IndexedObject(thing_id, kind, text, version, repr((thing_id, version, content)).encode())


def parcel(sequence, retain_until_ms=1000):
    return IndexedParcel(sequence, sequence * 10, retain_until_ms, b"digest")


def filled(parcels):
    index = StixIndex(None)
    index.add(parcels)
    return index


def listed(parcels, now_ms):
    """All objects, from a list of all parcels."""
    seen, entries = set(), []
    for each, objects in parcels:
        if each.retain_until_ms <= now_ms:
            continue
        for place, one in enumerate(objects):
            if one.digest not in seen:
                seen.add(one.digest)
                added_us = each.added_ms * 1000 + place
                version_us = added_us if one.version_us is None else one.version_us
                entry = Entry(added_us, one.id, one.version or time_of(added_us), one.type, each.sequence)
                entries.append((version_us, entry))
    return entries


def picked(entries, wanted, after_us, most):
    """A page of a list, as the standard words it."""
    found = []
    for version_us, each in entries:
        ranks = [(v, e.added_us) for v, e in entries if e.id == each.id]
        rank = (version_us, each.added_us)
        chosen = (
            "all" in wanted.choices
            or ("first" in wanted.choices and rank == min(ranks))
            or ("last" in wanted.choices and rank == max(ranks))
            or version_us in wanted.versions_us
        )
        if (
            chosen
            and (wanted.ids is None or each.id in wanted.ids)
            and (wanted.types is None or each.type in wanted.types)
            and each.added_us > after_us
        ):
            found.append(each)
    return found[:most]


KINDS, NAMES = ("incident", "identity", "vessel"), ("a", "b")
THINGS = st.builds(
    thing, st.sampled_from(NAMES), st.sampled_from(KINDS), st.one_of(st.none(), st.integers(1, 3)), st.integers(0, 1)
)
OBJECTS = st.lists(THINGS, max_size=4, unique_by=lambda each: each.id)
PARCELS = st.lists(st.tuples(OBJECTS, st.integers(1, 5)), max_size=8).map(
    lambda rows: [(parcel(i, until_ms), objects) for i, (objects, until_ms) in enumerate(rows, 1)]
)
WANTED = st.builds(
    Wanted,
    st.none() | st.frozensets(st.sampled_from([f"{kind}--{name}" for kind in KINDS for name in (*NAMES, "c")])),
    st.none() | st.frozensets(st.sampled_from([*KINDS, "malware"])),
    st.frozensets(st.sampled_from(["first", "last", "all"])),
    st.frozensets(st.integers(1, 3), max_size=2),
)


@settings(max_examples=150, deadline=None)
@given(PARCELS, st.lists(st.integers(0, 5), min_size=1, max_size=3), st.lists(WANTED, min_size=1), st.data())
def test_a_page_is_that_of_a_list_of_everything(parcels, times_ms, wanteds, data):
    cuts = sorted(data.draw(st.lists(st.integers(0, len(parcels)), min_size=len(times_ms), max_size=len(times_ms))))
    index, begin, gone = StixIndex(None), 0, set()
    for cut, now_ms in zip([*cuts, len(parcels)], [*sorted(times_ms), max(times_ms)], strict=True):
        index.purge(now_ms)
        gone |= {each.sequence for each, _ in parcels[:begin] if each.retain_until_ms <= now_ms}
        index.add([each for each in parcels[begin:cut] if each[0].retain_until_ms > now_ms])
        begin = cut
        entries = listed(parcels[:cut], now_ms)
        for wanted in wanteds:
            after_us = data.draw(st.sampled_from([-1, *(each.added_us for _, each in entries)]))
            most = data.draw(st.integers(1, 5))
            assert index.page(wanted, after_us, most) == picked(entries, wanted, after_us, most)
        for name in ("incident--a", "vessel--b"):
            assert index.has(name) == any(each.id == name for _, each in entries)
    index.purge(10_000)
    assert (index.last(), index.page(ALL, -1, 10), index.has("incident--a")) == (None, [], False)


def test_nothing_stays_of_what_was_purged():
    index = filled([(parcel(n), [thing(str(n)), thing("shared", "identity")]) for n in range(1, 500)])
    index.purge(1000)
    for table in ("parcels", "things", "objects", "carried"):
        assert index._database.execute(f"SELECT count(*) FROM {table}").fetchall() == [(0,)]


def test_what_is_added_twice_is_there_once():
    parcels = [(parcel(n), [thing(str(n)), thing("shared", "identity")]) for n in (1, 2)]
    index = filled(parcels)
    before = index.page(ALL, -1, 10)
    index.add(parcels)
    assert index.page(ALL, -1, 10) == before
    assert len(before) == 3


def steps_of(index, work):
    """How many steps SQLite takes for some work: a measure of the rows that are read which is the same each time."""
    steps = count()
    index._database.set_progress_handler(lambda: next(steps) and None, 1)
    work()
    index._database.set_progress_handler(None, 1)
    return next(steps)


@cache
def channel_of(size):
    """Like a real one: an alert, its place, a marking of its own, an originator with a version each, shared ones."""
    return filled(
        (
            parcel(n),
            [
                thing("author", "identity"),
                thing(f"terms-{n}", "marking-definition"),
                thing("originator", "identity", n),
                thing(f"alert-{n}", "incident", n),
                thing(f"alert-{n}", "location", n),
                thing("ship", "vessel", None),
            ],
        )
        for n in range(1, size + 1)
    )


@pytest.mark.parametrize(
    "wanted",
    [
        LAST,
        ALL,
        LAST._replace(choices=frozenset({"first"})),
        LAST._replace(types=frozenset({"incident"})),
        LAST._replace(types=frozenset({"identity", "malware"})),
        LAST._replace(ids=frozenset({"incident--alert-7"})),
        LAST._replace(ids=frozenset({"identity--originator", "vessel--ship", "incident--nothing"})),
        ALL._replace(ids=frozenset({"identity--originator"})),
        Wanted(None, None, frozenset(), frozenset({7, 11})),
        Wanted(frozenset({"identity--originator"}), None, frozenset(), frozenset({7, 11})),
    ],
    ids=str,
)
def test_a_page_costs_the_same_however_much_there_is(wanted):
    told = []
    for size in (300, 3_000):
        index = channel_of(size)
        told.append([steps_of(index, lambda i=index, a=at: i.page(wanted, a, 101)) for at in (-1, size * 5_000)])
    assert told[1][0] <= told[0][0] * 1.1 + 100
    assert told[1][1] <= told[0][1] * 1.1 + 100


def test_a_file_is_taken_up_again_or_made_anew(tmp_path):
    path = tmp_path / "index.db"
    StixIndex(path).add([(parcel(1), [thing()])])
    assert path.stat().st_mode & 0o077 == 0
    again = StixIndex(path)
    assert again.has("incident--a")
    again._database.execute("PRAGMA user_version = 999")
    assert not StixIndex(path).has("incident--a")
    path.write_bytes(b"something else " * 100)
    with pytest.raises(OutputError, match="delete it"):
        StixIndex(path)


def test_what_fails_half_way_is_not_kept():
    index = filled([(parcel(1), [thing()])])
    with pytest.raises(OutputError):
        index.add([(parcel(2), [thing("b"), thing("c")._replace(type=None)])])
    assert [each.id for each in index.page(ALL, -1, 10)] == ["incident--a"]
    assert index.last() == parcel(1)


class Counted:
    """What was sent, counting the parcels that are read."""

    def __init__(self, sent):
        self._sent, self.now_ms, self.read = sent, sent.now_ms, 0

    def parcels(self, *asked):
        found = self._sent.parcels(*asked)
        self.read += len(found)
        return found


@pytest.fixture
def rendered(monkeypatch):
    """The sequence in which parcels become STIX, for the index and for pages."""
    from maritime.console import stix_feed

    made = {"objects_of": 0, "render": 0}

    def counting(name, real):
        def counted(*given):
            made[name] += 1
            return real(*given)

        monkeypatch.setattr(stix_feed, name, counted)

    for name in made:
        counting(name, getattr(stix_feed, name))
    return made


def many(house, most):
    """Parcels without a publisher's work: copies of one, each an alert of its own."""
    house.take(alert(0))
    with house.ledger.transaction():
        database = house.ledger.database
        ((envelope, alert_id),) = database.execute("SELECT envelope, alert_id FROM parcels WHERE partner = 'now'")
        for number in range(2, most + 1):
            own = f"{number:08x}{alert_id[8:]}"
            database.execute(
                "INSERT INTO parcels SELECT partner, channel, ?1, added_ms + ?1, retain_until_ms, ?2, 0, first_sent, "
                "?3, jws FROM parcels WHERE partner = 'now' AND sequence = 1",
                (number, own, envelope.replace(alert_id.encode(), own.encode())),
            )


@pytest.mark.parametrize("size", [200, 2_000])
def test_a_page_reads_and_renders_what_it_shows(build, rendered, size):
    house = build()
    many(house, size)
    feed = StixFeed("now", "actual", None)
    with SentParcels(house.folder / "ledger.db", house.clock_ms) as real:
        sent = Counted(real)
        first = feed.page(sent, LAST, -1, 101)
        assert (sent.read, rendered["objects_of"]) == (size, size)  # once
        middle_us = (NOW_MS + size // 2) * 1000
        for after_us in (-1, middle_us):
            sent.read, before = 0, dict(rendered)
            entries = feed.page(sent, LAST, after_us, 101)
            shown = feed.content(sent, entries)
            assert len(shown) == 101
            of = len({each.sequence for each in entries})
            assert of < 40
            assert (rendered["objects_of"], rendered["render"]) == (before["objects_of"], before["render"] + of)
            assert sent.read == of + 1  # and the newest, to see that the ledger is the one it was
        assert feed.page(sent, LAST, -1, 101) == first


def ids_of(house, path, now_ms=NOW_MS + HOUR_MS):
    """What a server finds that begins with what another has left in its file."""
    with SentParcels(house.folder / "ledger.db", now_ms) as sent:
        entries = StixFeed("now", "actual", path).page(sent, ALL, -1, 1000)
        return [(each.id, each.version) for each in entries]


def test_a_server_that_starts_again_reads_only_what_is_new(build, tmp_path, rendered):
    house, path = build(), tmp_path / "index.db"
    house.take(ALERT, alert(1))
    before = ids_of(house, path)
    assert rendered["objects_of"] == 2
    assert ids_of(house, path) == before
    assert rendered["objects_of"] == 2
    house.take(LONGER, at_ms=NOW_MS + HOUR_MS)
    assert ids_of(house, path) == ids_of(house, None)
    assert rendered["objects_of"] == 3 + 3
    late_ms = NOW_MS + 90 * DAY_MS  # the first two have gone
    assert ids_of(house, path, late_ms) == ids_of(house, None, late_ms)
    assert ids_of(house, path, late_ms + DAY_MS) == []


def test_the_index_of_another_ledger_is_made_anew(build, tmp_path):
    path, one, other = tmp_path / "index.db", build(), build()
    one.take(ALERT, alert(1))
    ids_of(one, path)
    other.take(alert(2), at_ms=NOW_MS + 1)
    assert ids_of(other, path) == ids_of(other, None)
    one.take(alert(3))
    assert ids_of(one, path) == ids_of(one, None)
