from tests.broker.fixtures import broker, own_broker, pytest_runtest_makereport, secured_broker

__all__ = ["broker", "own_broker", "pytest_runtest_makereport", "secured_broker"]
