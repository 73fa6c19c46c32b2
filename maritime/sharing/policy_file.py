"""Policy file: YAML read strictly, so that every fault is told with its line, and nothing in it is ever guessed."""

from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import ValidationError

from maritime.errors import ConfigurationError
from maritime.sharing.policy import PolicyFaultError, ReleasePolicy
from maritime.sharing.policy_values import value_faults

MOST_BYTES: Final = 1_000_000  # chosen: a policy is written by people
DEEPEST: Final = 20  # chosen: twice what a policy needs
PLAIN_TAGS: Final = ("tag:yaml.org,2002:seq", "tag:yaml.org,2002:map")


class _Place:
    """Lines of the keys and items of a YAML document, by path."""

    def __init__(self) -> None:
        self.lines: dict[tuple[str, ...], int] = {}

    def of(self, path: tuple[str, ...]) -> int:
        """The line of a path, or of the nearest part of it that stands in the file."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def load_policy(path: Path) -> ReleasePolicy:
    """Read a policy, with the files of its areas beside it. Raises ConfigurationError that names file, line and key."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read ({error.strerror}); check the path") from None
    return parse_policy(text, path.parent, str(path))


def parse_policy(text: bytes, folder: Path = Path(), origin: str = "the policy") -> ReleasePolicy:
    """Read a policy from its text. Raises ConfigurationError that names origin, line and key."""
    if len(text) > MOST_BYTES:
        raise ConfigurationError(f"{origin} has {len(text):,} bytes; a policy has at most {MOST_BYTES:,}")
    place = _Place()
    content = _content(text, origin, place)
    if not isinstance(content, dict):
        raise ConfigurationError(f"{origin}:1: a policy is a mapping; write 'policy: NAME' first")
    if "folder" in content:
        raise ConfigurationError(f"{origin}:{place.of(('folder',))}: 'folder' is not a key of a policy")
    try:
        policy = ReleasePolicy.model_validate({**content, "folder": folder})
    except ValidationError as error:
        # a misspelt key first: it is why another one is missing
        faults = sorted(error.errors(), key=lambda fault: fault["type"] != "extra_forbidden")
        raise ConfigurationError("; ".join(_sentence(dict(fault), origin, place) for fault in faults[:5])) from None
    for where, said in value_faults(policy):  # files of areas are read here, not at the first alert
        raise ConfigurationError(_told(origin, place, tuple(where.split(".")), said))
    return policy


def _sentence(error: dict[str, Any], origin: str, place: _Place) -> str:
    fault = error.get("ctx", {}).get("error")
    if isinstance(fault, PolicyFaultError):
        path, said = tuple(fault.place.split(".")), fault.sentence
    else:
        path, said = tuple(str(part) for part in error["loc"]), error["msg"][:1].lower() + error["msg"][1:]
        if error["type"] == "extra_forbidden":
            said = "this key is not known here"
    return _told(origin, place, path, said)


def _told(origin: str, place: _Place, path: tuple[str, ...], said: str) -> str:
    return f"{origin}:{place.of(path)}: {'.'.join(path) or 'policy'}: {said}"


def _content(text: bytes, origin: str, place: _Place) -> Any:
    try:
        root = yaml.compose(text.decode("utf-8"), Loader=_Strict)
        return None if root is None else _value(root, (), place, _Strict(""))
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{origin}: is not UTF-8 at byte {error.start}") from None
    except yaml.MarkedYAMLError as error:
        line = 1 + (error.problem_mark.line if error.problem_mark else 0)
        raise ConfigurationError(f"{origin}:{line}: {error.problem or error.context}") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise ConfigurationError(f"{origin}: is not YAML: {' '.join(str(error).split())[:200]}") from None


class _Strict(yaml.SafeLoader):
    """Plain YAML without anchors: sets of fields have names in the policy itself."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()
            raise yaml.MarkedYAMLError(problem="a policy has no aliases; use field_sets", problem_mark=event.start_mark)
        return super().compose_node(parent, index)


def _value(node: yaml.Node, path: tuple[str, ...], place: _Place, loader: _Strict) -> Any:
    if len(path) > DEEPEST:
        raise yaml.MarkedYAMLError(problem="too deep for a policy", problem_mark=node.start_mark)
    place.lines.setdefault(path, node.start_mark.line + 1)
    if not isinstance(node, yaml.ScalarNode) and node.tag not in PLAIN_TAGS:
        raise yaml.MarkedYAMLError(problem=f"'{node.tag}' is nothing for a policy", problem_mark=node.start_mark)
    if isinstance(node, yaml.SequenceNode):
        return [_value(inner, (*path, str(i)), place, loader) for i, inner in enumerate(node.value)]
    if not isinstance(node, yaml.MappingNode):
        return loader.construct_object(node, deep=True)
    made: dict[str, Any] = {}
    for key_node, inner in node.value:
        key = key_node.value
        if not isinstance(key, str) or key == "<<":
            raise yaml.MarkedYAMLError(problem="a key is a word", problem_mark=key_node.start_mark)
        if key in made:
            raise yaml.MarkedYAMLError(problem=f"'{key}' stands here twice", problem_mark=key_node.start_mark)
        place.lines[(*path, key)] = key_node.start_mark.line + 1
        made[key] = _value(inner, (*path, key), place, loader)
    return made
