"""Every fault of benchmarks.chaos once, on a real broker: nothing is lost and nothing is told twice."""

import pytest

from benchmarks.chaos import SHORT
from benchmarks.faults import FAULTS

pytestmark = [pytest.mark.broker, pytest.mark.slow]


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.timeout(300)
def test_nothing_lost_and_nothing_twice(broker, name):
    """The broker of the session is not touched; where none can be started, this is skipped or fails as all do."""
    result = FAULTS[name](SHORT)
    assert result.repetitions
    assert result.verdict.duplicated == 0
    assert result.verdict.is_right or result.is_told
