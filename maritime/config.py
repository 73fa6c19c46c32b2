"""Settings: defaults, then a YAML file over them, then the environment over both; a misspelt key stops the start.

The typed models stand beside the code they tune (`maritime.detect.settings`); this file only fills them. An
environment variable `MARITIME_<SECTION>__<KEY>` sets one key, for instance `MARITIME_LOITERING__LEAVE_KN=3.5`; deeper
keys take further double underscores. Variables without a double underscore are not settings.
"""

import hashlib
import json
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError

from maritime.errors import ConfigurationError

ENVIRONMENT_PREFIX: Final = "MARITIME_"
SECTION_SEPARATOR: Final = "__"
LIVE_SECTIONS: Final = ("kafka", "log", "ingest")
"""Sections of a settings file that are of live operation (streams.settings), and none of detection's."""

Settings = TypeVar("Settings", bound=BaseModel)


def load_settings(
    model: type[Settings],
    path: Path | None = None,
    environment: Mapping[str, str] | None = None,
    *,
    content: Mapping[str, Any] | None = None,
    besides: Collection[str] = (),
) -> Settings:
    """Fill `model` from its defaults, the YAML file at `path` (or `content`) and the variables in `environment`.

    `besides` are sections that the file and the environment may hold for another model: they are passed over.

    Raises ConfigurationError, which names the file (or variable) and the key, when the file cannot be read, a key
    does not exist (the right ones are listed) or a value does not fit.
    """
    if path is not None:
        content = read_yaml(path)
    settings = _fill(model, _without(content or {}, besides), str(path or "the settings"))
    overrides = _without(_overrides(environment or {}), besides)
    if not overrides:
        return settings
    return _fill(model, merged(settings.model_dump(mode="json"), overrides), "the environment")


def _without(content: Mapping[str, Any], sections: Collection[str]) -> dict[str, Any]:
    return {name: value for name, value in content.items() if name not in sections}


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping that a YAML file holds; an empty file is an empty mapping. Raises ConfigurationError."""
    try:
        content = yaml.safe_load(path.read_bytes())
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read ({error.strerror}); check the path") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is not YAML: {' '.join(str(error).split())}") from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ConfigurationError(f"{path} holds a {type(content).__name__}; write sections with keys, 'section:' first")
    return content


def config_sha256(settings: BaseModel) -> str:
    """SHA-256 of the settings' canonical JSON (sorted keys, no spaces): equal settings, equal digest."""
    canonical = json.dumps(settings.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _fill(model: type[Settings], content: Mapping[str, Any], origin: str) -> Settings:
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise ConfigurationError("; ".join(_sentence(model, origin, dict(e)) for e in error.errors())) from None


def _sentence(model: type[BaseModel], origin: str, error: dict[str, Any]) -> str:
    location = [str(part) for part in error["loc"]]
    key = ".".join(location)
    if error["type"] != "extra_forbidden":
        return f"{origin}: '{key}' is {error['input']!r}; {error['msg'][:1].lower()}{error['msg'][1:]}"
    known = sorted(_fields_at(model, location[:-1]))
    near = get_close_matches(location[-1], known, n=1)
    meant = f"did you mean '{near[0]}'? " if near else ""
    return f"{origin}: '{key}' is not a setting; {meant}the keys there are {', '.join(known)}"


def _fields_at(model: type[BaseModel], location: list[str]) -> list[str]:
    """Names of the keys that are right at a place inside a model."""
    for name in location:
        if name in model.model_fields:
            model = _model_in(model.model_fields[name].annotation) or model
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model that an annotation such as `Noise`, `Noise | None` or `list[Noise]` speaks of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part))), None)


def _overrides(environment: Mapping[str, str]) -> dict[str, Any]:
    overrides: dict[str, Any] = {}
    for name in sorted(environment):
        if not name.startswith(ENVIRONMENT_PREFIX) or SECTION_SEPARATOR not in name:
            continue
        *sections, key = name.removeprefix(ENVIRONMENT_PREFIX).lower().split(SECTION_SEPARATOR)
        place = overrides
        for section in sections:
            place = place.setdefault(section, {})
        try:
            place[key] = yaml.safe_load(environment[name])
        except yaml.YAMLError:
            raise ConfigurationError(f"{name} is '{environment[name]}', which is not a YAML value") from None
    return overrides


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with the values of `over` in place of its own, mappings within mappings too."""
    both = dict(base)
    for key, value in over.items():
        below = both.get(key)
        both[key] = merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return both
