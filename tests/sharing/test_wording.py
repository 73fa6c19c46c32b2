"""The sentences are short, neutral, true to the envelope and to nothing else, in every language."""

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maritime.errors import UsageError
from maritime.sharing import wording
from maritime.sharing.envelope import WATCH_REQUEST
from maritime.sharing.wording import LANGUAGES, LONGEST_HEADLINE, area_desc, event_name, headline
from tests.sharing.samples import EVERY, TYPES, cancel, coarse, full

JUDGING = re.compile(
    r"suspect|suspici|suspicieu|sospech|mencuriga|smuggl|contreband|contraband|lundup|ill[ée]gal|ilegal|ill?[ií]cit"
    r"|gelap|traffick|trafi[cq]|tráfico|crimin|kriminal|crime|delit|délit|pirat|bajak|clandestin|offen[cs]|infraction"
    r"|fraud|penipu|evas|evad|violat|pelangg|guilt|wrong|threat|menace|amenaza|ancam|danger",
    re.IGNORECASE,
)
FREE = st.text(max_size=300)


def texts_of(language):
    for value in wording._TEXTS[language]:
        yield from value.values() if isinstance(value, dict) else [value]


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_template_judges(language):
    assert [text for text in texts_of(language) if JUDGING.search(text)] == []


def test_the_word_list_of_this_test_finds_such_words():
    for word in ("Suspected smuggler", "embarcación ilegal", "trafiquants", "penyelundupan", "trafficking"):
        assert JUDGING.search(word)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_text(language):
    english, texts = wording._TEXTS["en"], wording._TEXTS[language]
    assert set(texts.events) == {*TYPES, WATCH_REQUEST}
    for field in ("events", "vessels", "statuses"):
        assert set(getattr(texts, field)) == set(getattr(english, field))
    for theirs, ours in zip(texts, english, strict=True):
        if isinstance(ours, str):
            assert set(re.findall("{.*?}", theirs)) == set(re.findall("{.*?}", ours))
    assert len(set(texts.events.values())) == len(texts.events)


def test_languages_differ():
    for one, other in itertools.combinations(LANGUAGES, 2):
        assert headline(full(), one) != headline(full(), other)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("number", range(len(EVERY)))
def test_every_headline_is_short_and_says_the_event(language, number):
    said = headline(EVERY[number], language)
    assert len(said) <= LONGEST_HEADLINE
    assert event_name(EVERY[number], language) in said
    assert said == " ".join(said.split())


def test_a_whole_sentence():
    assert headline(full("loitering")) == (
        "Slow or adrift in one area: pleasure craft CHAO LE 2 (flag TH), near 8.7997° N 98.2549° E, "
        "from 2026-03-14 20:23 to 20:42 UTC"
    )
    assert headline(full("loitering"), "fr") == (
        "Lent ou à la dérive dans une zone: bateau de plaisance CHAO LE 2 (pavillon TH), "
        "près de 8.7997° N 98.2549° E, de 2026-03-14 20:23 à 20:42 UTC"
    )
    assert area_desc(coarse()) == "around 8.8° N 98.2° E (± 40 km)"


def test_distress_comes_first():
    assert headline(full("distress_beacon")).startswith("DISTRESS EPIRB-AIS: ")
    assert headline(full("distress_beacon"), "es").startswith("SOCORRO")
    uncertain = full("dark_period", safety={"distress": False, "beacon": None, "sar_phase": "uncertainty"})
    assert headline(uncertain).startswith("UNCERTAINTY PHASE: ")
    assert headline(full(event={"type": "man_overboard", "nature": "distress"})).startswith("DISTRESS: Man overboard")
    assert "DISTRESS" not in headline(full("loitering"))


@pytest.mark.parametrize(("status", "mark"), [("exercise", "EXERCISE"), ("test", "TEST"), ("system", "SYSTEM MESSAGE")])
def test_what_is_not_real_says_so_before_all_else(status, mark):
    assert headline(full("distress_beacon", status=status)).startswith(f"{mark}: DISTRESS")


def test_a_cancel_says_so():
    assert headline(cancel()) == "CANCELLED: No AIS reports received"
    assert area_desc(cancel()) is None


def test_only_what_the_envelope_has_is_said():
    bare = full(vessels=[{"mmsi": 567801002}], geometry=None, places=[], observed=None)
    assert headline(bare) == "Landing at an unusual place: a vessel"
    assert headline(full("feed_stale", observed=None)) == "AIS feed without new reports"
    assert "k3v9" not in headline(coarse())


def test_its_own_headline_and_area_are_not_read():
    event = {"type": "loitering", "nature": "behaviour", "headline": "SECRET"}
    hidden = full("loitering", event=event, area_desc="SECRET")
    for language in LANGUAGES:
        assert headline(hidden, language) == headline(full("loitering"), language)
        assert area_desc(hidden, language) == area_desc(full("loitering"), language)


def test_an_unknown_type_is_said_by_its_name_unless_the_name_judges():
    assert event_name(full(event={"type": "oil_slick"})) == "Oil slick"
    for judging in ("people_smuggling", "illegal_fishing", "drug_trafficking", "suspicious_vessel"):
        named = full(event={"type": judging, "subtype": "smuggling"})
        assert [JUDGING.search(headline(named, language)) for language in LANGUAGES] == [None] * len(LANGUAGES)


def test_an_offence_is_told_as_the_role_reported_it():
    offence = full(event={"type": "unusual_landing", "nature": "offence", "subtype": "migrant_smuggling"})
    assert headline(offence).startswith("Landing at an unusual place, reported by duty officer: migrant smuggling: ")
    behaviour = full(event={"type": "unusual_landing", "nature": "behaviour", "subtype": "migrant_smuggling"})
    assert "smuggling" not in headline(behaviour)
    assert event_name(full(event={"type": "unusual_landing", "nature": "offence"})) == "Landing at an unusual place"


@pytest.mark.parametrize(
    ("uncertainty_m", "said"),
    [
        (None, "8.800° N 98.255° E"),
        (0.0, "8.7997° N 98.2549° E"),
        (10.0, "8.7997° N 98.2549° E"),
        (60.0, "8.800° N 98.255° E"),
        (600.0, "8.80° N 98.25° E"),
        (6_000.0, "8.8° N 98.3° E"),
        (60_000.0, "9° N 98° E"),
    ],
)
def test_positions_are_as_precise_as_they_are_known(uncertainty_m, said):
    assert said in headline(full(position_uncertainty_m=uncertainty_m))


@pytest.mark.parametrize(
    ("uncertainty_m", "said"), [(30.0, "(± 30 m)"), (30.2, "(± 31 m)"), (1_001.0, "(± 2 km)"), (39_000.0, "(± 39 km)")]
)
def test_the_reach_is_rounded_up(uncertainty_m, said):
    assert area_desc(full(position_uncertainty_m=uncertainty_m)).endswith(said)


def test_the_last_place_is_told_where_the_geometry_is_an_area():
    assert "near 8.7997° N 98.2549° E" in headline(full("dark_period"))
    assert area_desc(full("dark_period")) == "around 8.8° N 98.2° E (± 40 km)"
    assert "near 8.8° N 98.2° E" in headline(full("dark_period", places=[]))


def test_the_middle_is_found_over_the_antimeridian():
    def square(west, east):
        return [[[west, -1.0], [east, -1.0], [east, 1.0], [west, 1.0], [west, -1.0]]]

    split = {"type": "MultiPolygon", "coordinates": [square(179.0, 180.0), square(-180.0, -178.0)]}
    assert area_desc(full(geometry=split, places=[])) == "around 0° N 180° W (± 201 km)"
    south = full(geometry={"type": "Point", "coordinates": [-70.5, -33.0]})
    assert "33.0000° S 70.5000° W" in headline(south)


@pytest.mark.parametrize(
    ("ship_type", "said"),
    [(30, "fishing vessel"), (52, "tug"), (69, "passenger ship"), (80, "tanker"), (0, "vessel X"), (99, "vessel X"),
     (200, "vessel X"), (None, "vessel X")],
)  # fmt: skip
def test_types_of_ships(ship_type, said):
    assert f": {said}" in headline(full(vessels=[{"name": "X", "ship_type": ship_type}]))


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_too_long_loses_its_time_first_and_its_position_last(language):
    long = full("distress_beacon", vessels=[{"name": "N" * 300, "ship_type": 37, "flag": "TH"}], status="exercise")
    said = headline(long, language)
    assert len(said) <= LONGEST_HEADLINE
    assert "8.7997° N 98.2549° E" in said
    assert "2026" not in said


@given(FREE, FREE, FREE, st.sampled_from(LANGUAGES))
def test_hostile_text_stays_on_one_short_line(name, subtype, role, language):
    review = {"state": "confirmed", "role": role or "r"}
    assessment = {"severity": "Minor", "urgency": "Past", "certainty": "Likely", "review": review}
    event = {"type": "loitering", "nature": "offence", "subtype": subtype}
    said = headline(full(vessels=[{"name": name}], event=event, assessment=assessment), language)
    assert len(said) <= LONGEST_HEADLINE
    assert said.isprintable() or all(each.isprintable() or ord(each) > 0x9F for each in said)
    assert not set(said) & set("\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u200f\n\r\t\0")


def test_a_language_without_texts_is_said():
    with pytest.raises(UsageError, match=r"no texts in 'xx'.*en, fr, es, id"):
        headline(full(), "xx")
