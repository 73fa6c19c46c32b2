"""Run the command line in a process of its own, as people do."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command left on the screen, and its exit code."""

    code: int
    out: str
    err: str

    def json(self) -> dict[str, Any]:
        return json.loads(self.out)


def maritime(*arguments: object, cwd: Path, env: dict[str, str] | None = None, timeout_s: float = 300) -> Ran:
    """Run `maritime ARGUMENTS` in a folder."""
    done = subprocess.run(
        [sys.executable, "-m", "maritime.cli", *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def with_alert_id(line: str, folder: Path) -> str:
    """A command of the docs with the id of a replay's first alert, or of the first entry of drill.db."""
    if "WATCH_ID" in line:
        listed = maritime("watchlist", "list", "--store", "drill.db", "--at", "2026-03-10", "--json", cwd=folder)
        return line.replace("WATCH_ID", listed.json()["entries"][0]["alert_id"])
    if "ALERT_ID" not in line:
        return line
    first = (folder / "out" / "alerts.jsonl").read_text().splitlines()[0]
    return line.replace("ALERT_ID", json.loads(first)["alert_id"])
