"""Write every setting with its default, of detection and of live operation: python scripts/write_default_config.py"""

import json
from pathlib import Path

from pydantic import BaseModel

from maritime.detect.settings import DetectSettings
from streams.settings import LiveSettings

CONFIGS = Path(__file__).resolve().parents[1] / "configs"
LIVE_HEAD = """\
# Every setting of live operation with its default: sections of the same file that holds the settings of detection.
# A password is none of them: it is in MARITIME_KAFKA_PASSWORD, or in the file that MARITIME_KAFKA_PASSWORD_FILE names.
# Written by scripts/write_default_config.py; a test holds it equal to the code.
"""
HEAD = """\
# Every setting of detection with its default. Copy what you change into a file of your own and give it to
# `maritime replay --config FILE`; what is left out keeps its default, and a misspelt key stops the start.
# Written by scripts/write_default_config.py; a test holds it equal to the code.
"""


def main() -> None:
    (CONFIGS / "default.yaml").write_text(default_yaml(), encoding="utf-8")
    (CONFIGS / "live.yaml").write_text(live_yaml(), encoding="utf-8")


def default_yaml() -> str:
    return HEAD + "".join(section(name, branch) for name, branch in DetectSettings())


def live_yaml() -> str:
    return LIVE_HEAD + "".join(section(name, branch) for name, branch in LiveSettings())


def section(name: str, branch: BaseModel) -> str:
    comment = (type(branch).__doc__ or "").strip().splitlines()[0]
    lines = [f"\n# {comment}", f"{name}:"]
    values = branch.model_dump(mode="json")
    for key, field in type(branch).model_fields.items():
        if field.description:
            lines.append(f"  # {field.description}")
        lines.append(f"  {key}: {json.dumps(values[key])}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
