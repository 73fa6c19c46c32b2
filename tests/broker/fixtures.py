"""Fixtures `broker` and `secured_broker`: one of each for a test session, started when first asked for.

Where no broker can be started the tests are skipped and say why; with CI=true they fail.
"""

import os
from collections.abc import Iterator

import pytest

from tests.broker.kafka_broker import Broker, NoBrokerError, RunningBroker


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker | RunningBroker]:
    """A broker without access control; `KAFKA_BOOTSTRAP` names one that runs already."""
    bootstrap = os.environ.get("KAFKA_BOOTSTRAP")
    if bootstrap:
        yield RunningBroker(bootstrap)
    else:
        yield from _running(tmp_path_factory, secured=False)


@pytest.fixture(scope="module")
def own_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker without access control that no other module's tests write to: the names of the topics are fixed."""
    yield from _running(tmp_path_factory, secured=False)


@pytest.fixture(scope="session")
def secured_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker with TLS, SCRAM-SHA-512 and an authorizer that denies what no rule allows."""
    yield from _running(tmp_path_factory, secured=True)


def _running(tmp_path_factory: pytest.TempPathFactory, *, secured: bool) -> Iterator[Broker]:
    broker = None
    try:
        broker = Broker(tmp_path_factory.mktemp("secured_broker" if secured else "broker"), secured=secured)
        broker.start()
    except NoBrokerError as error:
        if broker is not None:
            broker.stop()
        if os.environ.get("CI") == "true":
            pytest.fail(f"no broker: {error}", pytrace=False)
        pytest.skip(f"no broker: {error}")
    try:
        yield broker
    finally:
        broker.stop()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Show the end of the broker's log under a test that failed."""
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    if report.failed:
        for name in ("broker", "own_broker", "secured_broker"):
            used = getattr(item, "funcargs", {}).get(name)
            if used is not None:
                report.sections.append((f"log of {name}", used.log()))
