from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.console.house import House


@pytest.fixture
def build(tmp_path: Path) -> Iterator[Callable[..., House]]:
    """Makes houses that are closed in the end."""
    houses: list[House] = []

    def made(**limits) -> House:
        folder = tmp_path / str(len(houses))
        folder.mkdir()
        houses.append(House(folder, **limits))
        return houses[-1]

    yield made
    for house in houses:
        house.close()


@pytest.fixture
def house(build) -> House:
    return build().start()
