"""An alert as it is named on the command line: a JSON file, `-` for standard input, or an id in a replay's folder."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from maritime.errors import InputError, UsageError

if TYPE_CHECKING:
    from maritime.alerts.alert import Alert
    from maritime.sharing.envelope import Envelope

MOST_BYTES: Final = 4 << 20  # chosen: some hundred times the largest alert


def given_alert(alert: str, folder: Path | None) -> "Alert | Envelope":
    """The alert; or the envelope, where the JSON is one already. An event (CloudEvents) is opened.

    Raises InputError when there is nothing of the kind, UsageError when an id is none or not the only one.
    """
    if alert != "-" and not Path(alert).is_file():
        from maritime.cli.explain import find_alert, newest_folder

        return find_alert(folder or newest_folder(Path()), alert)
    return alert_in(_record(alert), alert)


def alert_in(record: dict[str, Any], origin: str) -> "Alert | Envelope":
    """The alert or envelope that a JSON object is, or that the event (CloudEvents) in it carries. Raises InputError."""
    held = record.get("data") if "specversion" in record else record
    if not isinstance(held, dict):
        raise InputError(f"{origin} holds no alert; give one as JSON, or the id of one in a replay's folder")
    return _read(held, origin)


def _record(alert: str) -> dict[str, Any]:
    try:
        if alert == "-":
            text = sys.stdin.buffer.read(MOST_BYTES + 1)
        else:
            with Path(alert).open("rb") as file:
                text = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise InputError(f"{alert} cannot be read ({error.strerror}); check the path") from None
    if len(text) > MOST_BYTES:
        raise InputError(f"{alert} has more than {MOST_BYTES >> 20} MiB, which is no alert")
    from maritime.sharing.untrusted import read_object

    try:
        return read_object(text)
    except InputError as error:
        raise InputError(f"{alert}: {error}; of several alerts give one") from None


def _read(record: dict[str, Any], origin: str) -> "Alert | Envelope":
    from pydantic import ValidationError

    from maritime.alerts.alert import Alert

    what = "envelope" if "schema_version" in record else "alert"
    try:
        if what == "envelope":
            from maritime.sharing.envelope import Envelope

            return Envelope.model_validate(record)
        from maritime.alerts.schema import PublishedAlert

        PublishedAlert.model_validate(record)
        return Alert.from_dict(record)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the whole"
        raise InputError(f"{origin} is no {what}: {where}: {first['msg']}") from None
    except (KeyError, TypeError, UsageError) as error:
        raise InputError(f"{origin} is no {what}: {error}") from None
