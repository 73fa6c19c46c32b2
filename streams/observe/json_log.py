"""Logs as JSON lines: one event a line, with its fields, and never a secret.

    log = logging.getLogger("maritime.detect")
    tell(log, "restored", partition=3, seconds=0.8)

What is secret is told to `JsonLines` once, at the start; it is masked wherever it appears, also in messages of
libraries and in what an error says. SecretStr values, fields with the name of a secret, and passwords in the ways in
which SASL configurations and addresses write them are masked without being told.
"""

import json
import logging
import re
import sys
from collections.abc import Iterable, Mapping
from typing import Any, Final, TextIO

from pydantic import SecretBytes, SecretStr

from maritime.times import to_rfc3339

MASK: Final = "**********"
LONGEST_TEXT: Final = 8_192  # chosen: a line must stay one, and be of use
DEEPEST: Final = 6
SHORTEST_SECRET: Final = 4  # shorter ones would mask half of every line

_SECRET_NAME: Final = re.compile(
    r"pass(word|wd|phrase)|secret|token|credential|api_?key|private_?key|authori[sz]ation|jaas", re.IGNORECASE
)
_IN_TEXT: Final = (
    # password=…, "password": "…", sasl_plain_password='…', with quotes of either kind or none
    re.compile(
        r"(?P<name>[\w.-]*(?:pass(?:word|wd|phrase)|secret|api_?key)[\w.-]*['\"]?\s*[=:]\s*)"
        r"(?P<value>\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|[^\s,;)}\]]+)",
        re.IGNORECASE,
    ),
    re.compile(r"(?P<name>\bBearer\s+)(?P<value>[\w.~+/-]+=*)"),
    re.compile(r"(?P<name>[a-z][a-z0-9+.-]*://[^\s/:@]*:)(?P<value>[^\s/@]+)(?=@)", re.IGNORECASE),
)


class Masker:
    """Masks secrets in values of any kind."""

    def __init__(self, secrets: Iterable[SecretStr | None] = ()) -> None:
        texts = {secret.get_secret_value() for secret in secrets if secret is not None}
        forms = {form for text in texts for form in (text, json.dumps(text)[1:-1], repr(text)[1:-1])}
        self._secrets = sorted((form for form in forms if len(form) >= SHORTEST_SECRET), key=len, reverse=True)
        self._short = {text for text in texts if len(text) < SHORTEST_SECRET}

    def text(self, text: str) -> str:
        """The text without secrets, cut when it is very long."""
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        for pattern in _IN_TEXT:
            text = pattern.sub(lambda found: found["name"] + MASK, text)
        return text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT] + "…"

    def value(self, value: Any, depth: int = 0) -> Any:
        """The value as JSON can say it, without secrets."""
        if isinstance(value, SecretStr | SecretBytes):
            return MASK
        if value is None or isinstance(value, bool | int):
            return value
        if isinstance(value, float):
            return value if value - value == 0.0 else str(value)
        if isinstance(value, str):
            return MASK if value in self._short else self.text(value)
        if depth < DEEPEST and isinstance(value, Mapping):
            return {
                self.text(str(name)): MASK if _SECRET_NAME.search(str(name)) else self.value(inner, depth + 1)
                for name, inner in value.items()
            }
        if depth < DEEPEST and isinstance(value, list | tuple | set | frozenset):
            return [self.value(inner, depth + 1) for inner in value]
        return self.text(str(value))


class JsonLines(logging.Formatter):
    """A record as a line of JSON: `at`, `level`, `event`, `logger`, its fields, `error` with type, text and trace."""

    def __init__(self, secrets: Iterable[SecretStr | None] = ()) -> None:
        super().__init__()
        self._masker = Masker(secrets)

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        line: dict[str, Any] = {
            "at": to_rfc3339(round(record.created * 1000)),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            "logger": record.name,
        }
        fields = getattr(record, "fields", None)
        if isinstance(fields, Mapping):
            line |= {name: value for name, value in fields.items() if name not in line}
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            line["error"] = {
                "type": type(error).__name__,
                "text": str(error),
                "trace": self.formatException(record.exc_info),
            }
        return json.dumps(self._masker.value(line), ensure_ascii=True, allow_nan=False, separators=(",", ":"))


def log_json_lines(
    secrets: Iterable[SecretStr | None] = (), *, level: int = logging.INFO, stream: TextIO | None = None
) -> None:
    """Let everything that is logged go to standard error (or `stream`) as JSON lines, and nowhere else."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines(secrets))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)


def tell(
    log: logging.Logger, event: str, level: int = logging.INFO, *, error: Exception | None = None, **fields: Any
) -> None:
    """Log an event with its fields."""
    log.log(level, "%s", event, extra={"fields": fields}, exc_info=error)
