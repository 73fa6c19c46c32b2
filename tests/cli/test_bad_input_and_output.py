"""Wrong usage, bad inputs, outputs that cannot be written: as people meet them, by exit code and a sentence."""

import json
import resource
import signal
import subprocess
import sys
import time

import pytest

from tests.cli.conftest import SCENARIO
from tests.cli.running import maritime


def names(folder):
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["replay", "sea.nmea"], 2, "--out"),
        (
            ["replay", "sea.nmea", "--out", "x", "--types", "drifting"],
            2,
            "'drifting' is not an alert type; the types are",
        ),
        (["replay", "sea.nmea", "--out", "x", "--from", "yesterday"], 2, "--from: 'yesterday' is not a time"),
        (["replay", "sea.nmea", "--out", "x", "--format", "morse"], 2, "morse"),
        (["replay", "sea.nmea", "--out", "x", "--config", "none.yaml"], 3, "none.yaml cannot be read"),
        (["replay", "sea.nmea", "--out", "x", "--area", "none.geojson"], 3, "none.geojson"),
        (["replay", "sea.nmea", "--out", "x", "--zones", "none.geojson"], 3, "none.geojson"),
        (["replay", "sea.nmea", "--out", "x", "--ports", "none.csv"], 3, "none.csv"),
        (["replay", "sea.nmea", "--out", "x", "--coastline", "none.geojson"], 3, "none.geojson"),
        (["replay", "sea.nmea", "--out", "x", "--mapping", "none.yaml"], 3, "none.yaml"),
        (["simulate", "none.yaml", "--out", "a.nmea", "--truth", "a.csv"], 3, "none.yaml"),
        (["evaluate", "none.jsonl", "truth.csv"], 1, "none.jsonl"),
        (["decode", "sea.nmea", "--out", "a", "--rejects", "a"], 2, "two of the outputs are one file"),
        (["no-such-command"], 2, "no-such-command"),
        (
            ["replay", "sea.nmea", "--out", "x", "--from", "2026-03-25", "--to", "2026-03-24"],
            2,
            "no time lies from 2026-03-25",
        ),
        (["simulate", "s.yaml", "--out", "x", "--truth", "t.csv", "--seed", "-1"], 2, "--seed"),
        (["simulate", SCENARIO, "--out", "x", "--truth", "x"], 2, "two of the outputs are one file"),
        (["evaluate", "sea.nmea", "truth.csv", "--vessel-days", "-3"], 2, "vessel-days of -3 give no rate"),
        (["decode", "sea.nmea", "--out", "."], 1, "cannot write to .: it is not a file"),
        (["decode", "sea.nmea", "--out", "truth.csv/x"], 1, "truth.csv is not a folder"),
        (["replay", "sea.nmea", "--out", "truth.csv"], 1, "cannot write to truth.csv: truth.csv is not a folder"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence_with_an_exit_code(sea, arguments, code, said):
    ran = maritime(*arguments, cwd=sea)
    assert ran.code == code, ran.err
    assert said in ran.err
    assert "Traceback" not in ran.err
    assert not (sea / "x").exists()


def test_with_json_a_failure_is_json_too(sea):
    ran = maritime("replay", "sea.nmea", "--out", "x", "--config", "none.yaml", "--json", cwd=sea)
    assert ran.code == ran.json()["exit_code"] == 3
    assert "none.yaml cannot be read" in ran.json()["error"]


@pytest.mark.parametrize("arguments", [["replay", "--bogus"], ["replay", "sea.nmea"], ["decode", "--out"], ["morse"]])
def test_with_json_wrong_usage_is_json_too(sea, arguments):
    ran = maritime(*arguments, "--json", cwd=sea)
    assert ran.code == ran.json()["exit_code"] == 2
    assert ran.json()["error"] in ran.err


def test_files_that_cannot_be_inspected_are_listed_each(sea, tmp_path):
    (tmp_path / "empty.csv").touch()
    ran = maritime("inspect", sea / "sea.nmea", "empty.csv", "missing.csv", "--json", cwd=tmp_path)
    assert ran.code == 1
    told = {failure["file"]: failure["reason"] for failure in ran.json()["failures"]}
    assert told["empty.csv"] == "is empty"
    assert told["missing.csv"].startswith("cannot be read")
    assert len(ran.json()["files"]) == 1


def test_a_folder_without_a_usable_file_is_one_sentence(tmp_path):
    for name in "abcd":
        (tmp_path / name).touch()
    ran = maritime("inspect", tmp_path, cwd=tmp_path)
    assert ran.code == 1
    assert f"{tmp_path} holds 4 files and none can be used; the first: {tmp_path / 'a'} is empty" in ran.err


def test_a_misspelt_setting_lists_the_right_ones(sea, tmp_path):
    (tmp_path / "mine.yaml").write_text("loitring: {}")
    ran = maritime("replay", "sea.nmea", "--out", "x", "--config", tmp_path / "mine.yaml", cwd=sea)
    assert ran.code == 3
    assert (
        "mine.yaml: 'loitring' is not a setting; did you mean 'loitering'? the keys there are clocks, dark_period"
        in ran.err
    )


def test_a_misspelt_variable_is_wrong_configuration(sea):
    ran = maritime("replay", "sea.nmea", "--out", "x", cwd=sea, env={"MARITIME_TIME__LATENES_S": "5"})
    assert ran.code == 3
    assert "did you mean 'lateness_s'?" in ran.err


def test_the_other_inputs_are_still_used_and_the_exit_code_tells(sea, tmp_path):
    (tmp_path / "empty.csv").touch()
    ran = maritime("replay", sea / "sea.nmea", "empty.csv", "missing.csv", "--out", "out", "--json", cwd=tmp_path)
    assert ran.code == 1
    failures = {failure["file"]: failure["reason"] for failure in ran.json()["failures"]}
    assert set(failures) == {"empty.csv", "missing.csv"}
    assert ran.json()["reports"] > 1000
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert {failure["file"] for failure in summary["failures"]} == set(failures)


def test_without_a_terminal_nothing_but_the_result_is_printed(sea, tmp_path):
    ran = maritime("replay", sea / "sea.nmea", "--out", "out", cwd=tmp_path)
    assert "\x1b" not in ran.out + ran.err
    assert "/s" not in ran.err


def full_disk():
    """Files end at 100 kB: a write beyond fails in the kernel, as on a disk that is full."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))


@pytest.mark.parametrize(
    "arguments",
    [
        ["replay", "--out", "out", "--revisions"],
        ["decode", "--out", "out.parquet", "--rejects", "r.jsonl"],
        ["decode", "--out", "out.parquet", "--static", "s.parquet", "--all", "m.jsonl"],
    ],
)
def test_a_full_disk_leaves_nothing_that_looks_whole(sea, replayed, tmp_path, arguments):
    command, *options = arguments
    ran = subprocess.run(
        [sys.executable, "-m", "maritime.cli", command, sea / "sea.nmea", *options],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        preexec_fn=full_disk,
        check=False,
    )
    assert ran.returncode == 1
    assert "cannot write to" in ran.stderr
    assert "File too large" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert names(tmp_path) <= {"out"}
    assert names(tmp_path / "out") == set()


def test_a_folder_that_cannot_be_made_is_said(sea, tmp_path):
    (tmp_path / "out").write_text("a file")
    ran = maritime("replay", sea / "sea.nmea", "--out", "out", cwd=tmp_path)
    assert ran.code == 1
    assert "cannot write to out" in ran.err


@pytest.fixture(scope="session")
def long_log(sea, tmp_path_factory):
    """So much of the same log that a replay takes seconds."""
    path = tmp_path_factory.mktemp("long") / "long.nmea"
    log = (sea / "sea.nmea").read_bytes()
    with path.open("wb") as file:
        for _ in range(max(1, 200_000_000 // len(log))):
            file.write(log)
    return path


def test_a_decoding_killed_outright_leaves_nothing_that_looks_whole_and_can_be_run_again(sea, long_log, tmp_path):
    outputs = ["--out", "p.parquet", "--rejects", "r.jsonl", "--all", "m.jsonl"]
    run = subprocess.Popen(
        [sys.executable, "-m", "maritime.cli", "decode", long_log, *outputs], cwd=tmp_path, stderr=subprocess.DEVNULL
    )
    deadline_s = time.monotonic() + 120
    while not names(tmp_path) and run.poll() is None and time.monotonic() < deadline_s:
        time.sleep(0.02)
    time.sleep(0.5)
    assert run.poll() is None, "the run ended before it could be interrupted"
    run.send_signal(signal.SIGKILL)
    run.communicate(timeout=60)
    assert all(name.endswith(".partial") for name in names(tmp_path))
    ran = maritime("decode", sea / "sea.nmea", *outputs, cwd=tmp_path)
    assert ran.code == 0, ran.err
    assert names(tmp_path) == {"p.parquet", "r.jsonl", "m.jsonl"}


@pytest.mark.parametrize(
    ("sent", "code", "left", "said"),
    [
        (signal.SIGINT, 130, set(), b"interrupted; nothing half-written is left"),
        (signal.SIGTERM, 143, set(), b"terminated; nothing half-written is left"),
        (signal.SIGKILL, -9, None, b""),
    ],
)
def test_an_interrupted_run_leaves_nothing_that_looks_whole(long_log, replayed, tmp_path, sent, code, left, said):
    out = tmp_path / "out"
    run = subprocess.Popen(
        [sys.executable, "-m", "maritime.cli", "replay", long_log, "--out", out],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    deadline_s = time.monotonic() + 120
    while not names(out) and run.poll() is None and time.monotonic() < deadline_s:
        time.sleep(0.02)
    time.sleep(0.5)
    assert run.poll() is None, "the run ended before it could be interrupted"
    run.send_signal(sent)
    _, err = run.communicate(timeout=60)
    assert run.returncode == code
    assert b"Traceback" not in err
    assert said in err
    assert "summary.json" not in names(out)
    assert all(name.endswith(".partial") for name in names(out)) if left is None else names(out) == left
