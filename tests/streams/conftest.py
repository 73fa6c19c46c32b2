from tests.broker.fixtures import broker, pytest_runtest_makereport, secured_broker

__all__ = ["broker", "pytest_runtest_makereport", "secured_broker"]
