"""Settings, secrets, and the table of topics and rules, without a broker."""

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from maritime.config import load_settings
from maritime.errors import ConfigurationError
from streams.observe.json_log import Masker
from streams.settings import SECRETS, KafkaSettings, LiveSettings, LogSettings, password_from, secret, secrets
from streams.topics import TopicFound, commands, differences, rules, specs

PROJECT = Path(__file__).resolve().parents[2]


def test_kafka_python_is_imported_in_one_folder_only():
    importing = {
        path.relative_to(PROJECT)
        for package in ("maritime", "models", "streams")
        for path in (PROJECT / package).rglob("*.py")
        if re.search(r"^\s*(from|import) kafka\b", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert {path.parent for path in importing} == {Path("streams/kafka")}


def test_a_password_comes_from_the_environment_or_a_file(tmp_path):
    secret = tmp_path / "password"
    secret.write_text("from the file\n")
    assert password_from({}) is None
    assert password_from({"MARITIME_KAFKA_PASSWORD": "word"}).get_secret_value() == "word"
    assert password_from({"MARITIME_KAFKA_PASSWORD_FILE": str(secret)}).get_secret_value() == "from the file"
    assert "word" not in repr(password_from({"MARITIME_KAFKA_PASSWORD": "word"}))


def test_two_passwords_or_a_missing_file_stop_the_start(tmp_path):
    with pytest.raises(ConfigurationError, match="both set") as raised:
        password_from({"MARITIME_KAFKA_PASSWORD": "word", "MARITIME_KAFKA_PASSWORD_FILE": "path"})
    assert "word;" not in str(raised.value)
    with pytest.raises(ConfigurationError, match="MARITIME_KAFKA_PASSWORD_FILE names"):
        password_from({"MARITIME_KAFKA_PASSWORD_FILE": str(tmp_path / "none")})


@pytest.mark.parametrize("variable", SECRETS)
def test_every_secret_is_read_in_the_same_way_and_hidden_in_logs(variable, tmp_path):
    file = tmp_path / "secret"
    file.write_text(" from the file \r\n")
    by_file = {f"{variable}_FILE": str(file)}
    for environment, value in (({variable: "by word\n"}, "by word"), (by_file, "from the file")):
        assert secret(environment, variable).get_secret_value() == value
        masked = Masker(secrets(environment)).text(f"it says {value}")
        assert value not in masked
    assert secret({variable: " "}, variable) is None
    file.write_text(" \n")
    with pytest.raises(ConfigurationError, match="is empty"):
        secret(by_file, variable)


def test_a_password_is_no_setting():
    with pytest.raises(ConfigurationError, match="not a setting"):
        load_settings(LiveSettings, content={"kafka": {"password": "word"}})


def test_settings_come_from_the_environment_too():
    settings = load_settings(LiveSettings, environment={"MARITIME_KAFKA__BOOTSTRAP": "a:1,b:2"})
    assert settings.kafka.bootstrap == "a:1,b:2"


@pytest.mark.parametrize("given", [{"security_protocol": "SASL_SSL"}, {"cert_file": "a.pem"}, {"bootstap": "a:1"}])
def test_what_does_not_fit_together_is_refused(given):
    with pytest.raises(ValidationError):
        KafkaSettings.model_validate(given)


def test_retention_counts_from_arrival():
    kept_by_time = [spec for spec in specs(LiveSettings()) if spec.cleanup == "delete"]
    assert kept_by_time
    assert all(spec.configs()["message.timestamp.type"] == "LogAppendTime" for spec in kept_by_time)


def test_no_difference_when_all_is_as_it_should_be():
    wanted = specs(LiveSettings())
    found = {spec.name: TopicFound(spec.name, spec.partitions, spec.replication, spec.configs()) for spec in wanted}
    assert differences(wanted, found) == []
    del found["alerts"]
    assert differences(wanted, found) == ["alerts: missing, or this user may not see it"]


def test_rules_as_commands():
    lines = commands(rules(LiveSettings(log=LogSettings(group="watch"))), "broker:9092")
    assert (
        "kafka-acls.sh --bootstrap-server broker:9092 --add --allow-principal User:detect --operation Write "
        "--transactional-id watch. --resource-pattern-type prefixed"
    ) in lines
    assert not any("Write" in line and "User:tail" in line for line in lines)
