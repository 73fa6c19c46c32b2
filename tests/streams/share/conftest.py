from tests.broker.fixtures import own_broker, pytest_runtest_makereport

__all__ = ["own_broker", "pytest_runtest_makereport"]
