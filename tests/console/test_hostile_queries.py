"""Whatever a partner asks, it gets an answer or is told that it cannot be meant; nothing breaks."""

from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.console.house import ALERT, House, alert

TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
    st.from_regex(r"\A[-+0-9.,/eEnaif]{0,30}\Z"),
    st.sampled_from(
        ["9" * 18, "9" * 19, "1e999", "nan,nan,nan,nan", "../..", "0001-01-01", "9999-12-31T23:59:59Z", "²"]
    ),
    st.tuples(st.datetimes(), st.datetimes()).map(lambda both: "/".join(each.isoformat() + "Z" for each in both)),
    st.lists(st.floats(-200, 200), min_size=4, max_size=6).map(lambda numbers: ",".join(map(str, numbers))),
)
PARAMETERS = {
    "/taxii2/alerts/collections/actual/objects/": (
        ["added_after", "limit", "next", "match[id]", "match[type]", "match[version]", "match[spec_version]"]
    ),
    "/features/collections/actual/items": ["bbox", "datetime", "limit", "after"],
    "/cap/feed.atom": ["before", "limit"],
    "/events": ["after", "limit", "channel"],
}


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    house = House(tmp_path_factory.mktemp("house")).start()
    house.take(ALERT, alert(1))
    yield house
    house.close()


@st.composite
def requests_made(draw):
    path = draw(st.sampled_from(sorted(PARAMETERS)))
    names = draw(st.lists(st.sampled_from(PARAMETERS[path]), min_size=1, max_size=3))
    return path + "?" + "&".join(f"{quote(name)}={quote(draw(TEXTS))}" for name in names)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=requests_made())
def test_every_query_is_answered_or_refused(served, path):
    answer = served.get(path)
    assert answer.status_code in (200, 400, 404), path
    assert answer.status_code != 404 or "channel=" in path


@settings(max_examples=100)
@given(path=st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_every_path_is_found_or_not(served, path):
    assert served.get(f"/{quote(path, safe='/%')}").status_code in (200, 400, 404)
