"""One event a line, and no secret in any of them."""

import io
import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from streams.observe.json_log import MASK, JsonLines, tell

SECRET = 'hunter2 "and\\more"\n'
TOLD = (SecretStr(SECRET),)


def line_of(event="event", *, secrets=TOLD, error=None, **fields):
    """What is written for one event, as text."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines(secrets))
    log = logging.Logger("maritime.test")
    log.addHandler(handler)
    tell(log, event, error=error, **fields)
    return stream.getvalue()


def test_an_event_is_one_line_with_its_fields():
    text = line_of("restored\nnot a new line", partition=3, seconds=0.5, nothing=None, ended=float("nan"), parts=(1, 2))
    assert text.count("\n") == 1
    line = json.loads(text)
    assert line.pop("at").endswith("Z")
    assert line == {
        "level": "info",
        "event": "restored\nnot a new line",
        "logger": "maritime.test",
        "partition": 3,
        "seconds": 0.5,
        "nothing": None,
        "ended": "nan",
        "parts": [1, 2],
    }


def test_fields_do_not_overwrite_what_every_line_has():
    assert json.loads(line_of("event", logger="another"))["logger"] == "maritime.test"


@pytest.mark.parametrize(
    "fields",
    [
        {"settings": {"sasl_plain_password": "abcdef"}},
        {"config": {"kafka": {"password": SecretStr("abcdef")}}},
        {"anything": SecretStr("abcdef")},
        {"text": "sasl_plain_password='abcdef', sasl_mechanism=…"},
        {"text": '{"password": "abcdef"}'},
        {"text": 'org.apache.kafka…ScramLoginModule required username="u" password="abcdef";'},
        {"text": "MARITIME_KAFKA_PASSWORD=abcdef"},
        {"text": "mqtt://user:abcdef@broker:1883/ais"},
        {"text": "Authorization: Bearer abcdef"},
        {"api_key": "abcdef"},
        {"many": [{"SSL_PASSWORD": "abcdef"}]},
        {"object": type("Odd", (), {"__str__": lambda self: "password=abcdef"})()},
    ],
)
def test_secrets_are_masked_without_being_told(fields):
    text = line_of(secrets=(), **fields)
    assert "abcdef" not in text
    assert MASK in text


@pytest.mark.parametrize("where", ["{}", "before {} after", "[{}]", "key={}"])
def test_a_secret_that_was_told_is_masked_everywhere(where):
    text = where.format(SECRET)
    try:
        raise ValueError(text)
    except ValueError as error:
        written = line_of(text, error=error, field=text, deep={"list": [text, repr(text)]})
    assert "hunter2" not in written
    assert json.loads(written)["error"]["type"] == "ValueError"


@given(st.text(min_size=4).filter(lambda text: text not in f'"{MASK}event level info logger error maritime.test"'))
def test_no_secret_of_any_letters_is_written(secret):
    written = json.loads(line_of(secrets=[SecretStr(secret)], field=f"a {secret} b", same=secret))
    assert secret not in written["field"].replace(MASK, "")
    assert secret not in written["same"].replace(MASK, "")


def test_messages_of_libraries_go_the_same_way():
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines([SecretStr(SECRET)]))
    log = logging.Logger("kafka.conn")
    log.addHandler(handler)
    log.warning("connecting with %s as %r", {"sasl_plain_password": "abcdef"}, SECRET)
    line = json.loads(stream.getvalue())
    assert line["logger"] == "kafka.conn"
    assert "abcdef" not in line["event"]
    assert "hunter2" not in line["event"]
