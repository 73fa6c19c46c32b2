"""Where the official schemas are: beside the project, or where MARITIME_SHARED_DIR says."""

import os
from pathlib import Path

import pytest

SCHEMAS = Path(os.environ.get("MARITIME_SHARED_DIR", Path(__file__).parents[3] / "shared")) / "schemas"


def official(path: str) -> Path:
    """An official schema or sample; the test is skipped, with the reason, where it is not there."""
    if not (SCHEMAS / path).exists():
        pytest.skip(f"the official {path} is not in {SCHEMAS.name}/ beside the project")
    return SCHEMAS / path
