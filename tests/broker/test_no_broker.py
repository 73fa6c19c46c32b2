"""Where no broker can be started, its tests are skipped and say so; in CI they fail."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
A_TEST = "tests/streams/test_transport.py::test_metrics_are_numbers"


@pytest.mark.parametrize(("ci", "code", "said"), [("", 0, "1 skipped"), ("true", 1, "1 error")])
def test_no_java(tmp_path, ci, code, said):
    environment = {**os.environ, "PATH": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path), "CI": ci}
    environment |= {"PYTHONPATH": str(PROJECT)}
    environment.pop("KAFKA_BOOTSTRAP", None)
    command = [sys.executable, "-m", "pytest", "-rs", "-p", "no:cacheprovider", A_TEST]
    done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == code, done.stdout + done.stderr
    assert said in done.stdout
    assert "the tests' broker needs openjdk-17-jre-headless maven; install them" in done.stdout
