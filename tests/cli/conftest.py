from pathlib import Path

import pytest

from tests.broker.fixtures import own_broker, pytest_runtest_makereport, secured_broker
from tests.broker.kafka_broker import ADMIN, PASSWORDS
from tests.cli.running import maritime

__all__ = ["own_broker", "pytest_runtest_makereport", "secured_broker"]

SCENARIO = Path(__file__).with_name("quiet_sea.yaml")


@pytest.fixture(scope="session")
def sea(tmp_path_factory) -> Path:
    """A folder with `sea.nmea` and `truth.csv` of a small scenario in which three ships loiter and a beacon calls."""
    folder = tmp_path_factory.mktemp("sea")
    ran = maritime("simulate", SCENARIO, "--out", "sea.nmea", "--truth", "truth.csv", cwd=folder)
    assert ran.code == 0, ran.err
    return folder


@pytest.fixture(scope="session")
def replayed(sea) -> Path:
    """The folder of its replay, all revisions written."""
    ran = maritime("replay", "sea.nmea", "--out", "out", "--revisions", cwd=sea)
    assert ran.code == 0, ran.err
    return sea / "out"


@pytest.fixture(scope="session")
def as_admin(secured_broker) -> dict[str, str]:
    """The environment of someone who administers the broker with access control."""
    return {
        "MARITIME_KAFKA__BOOTSTRAP": secured_broker.bootstrap,
        "MARITIME_KAFKA__SECURITY_PROTOCOL": "SASL_SSL",
        "MARITIME_KAFKA__USERNAME": ADMIN,
        "MARITIME_KAFKA__CA_FILE": str(secured_broker.ca_file),
        "MARITIME_KAFKA_PASSWORD": PASSWORDS[ADMIN],
    }
