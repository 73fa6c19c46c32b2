"""Fields: what a copy tells, by the path of each field, so that two copies can be compared."""

import json
from typing import Any


def told_by_field(copy: dict[str, Any]) -> dict[str, str]:
    """Path → value as text. Evidence and reasons are told by their names, other lists without their numbers."""
    told: dict[str, str] = {}
    _gather(copy, "", told)
    return told


def _gather(value: Any, path: str, told: dict[str, str]) -> None:
    if isinstance(value, dict) and path != "geometry":
        name = value.get("name", value.get("feature")) if path.endswith(("evidence", "explanation")) else None
        if name is not None:
            told[f"{path}.{name}"] = json.dumps(value)
            return
        for key, inner in value.items():
            _gather(inner, f"{path}.{key}" if path else key, told)
    elif isinstance(value, list) and any(isinstance(each, dict) for each in value):
        for each in value:
            _gather(each, path, told)
    else:
        told[path] = told.get(path, "") + json.dumps(value)
