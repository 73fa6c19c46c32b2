"""The commands of live operation on a real broker: the log finds what a replay finds, byte for byte."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

from maritime.alerts.spool import json_line, read_alerts
from maritime.cli.tail import What
from tests.cli.running import maritime

pytestmark = pytest.mark.broker


@pytest.fixture(scope="module")
def env(own_broker):
    return {
        "MARITIME_KAFKA__BOOTSTRAP": own_broker.bootstrap,
        "MARITIME_KAFKA__SESSION_TIMEOUT_MS": "6000",
        "MARITIME_LOG__PARTITIONS": "3",
        "MARITIME_LOG__STATUS": "exercise",  # what is replayed is one
    }


@pytest.fixture(scope="module")
def live(sea, env):
    """The folder of the sea, whose reports are in the log and read by two detectors."""
    made = maritime("topics", "create", "--json", cwd=sea, env=env)
    assert made.code == 0, made.err
    assert "exercise.ais.positions" in made.json()["created"]
    fed = maritime("replay", "sea.nmea", "--to", "kafka", "--json", cwd=sea, env=env)
    assert fed.code == 0, fed.err
    assert fed.json()["reports"] > 0
    command = [sys.executable, "-m", "maritime.cli", "detect", "--stop-when-idle-s", "8", "--json"]
    both = [
        subprocess.Popen([*command, "--member", name], cwd=sea, env={**os.environ, **env}, stdout=subprocess.PIPE)
        for name in ("one", "two")
    ]
    outs = [process.communicate(timeout=240)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    counts = [json.loads(out) for out in outs]
    assert sum(count["records"] for count in counts) > 0  # the one that comes late may find nothing left
    return sea


def alerts_in_the_log(folder, env):
    ran = maritime("tail", "alerts", "--from-beginning", "--no-follow", "--json", cwd=folder, env=env)
    assert ran.code == 0, ran.err
    newest = {}
    for line in ran.out.splitlines():
        alert = json.loads(line)["data"]
        if alert["revision"] >= newest.get(alert["alert_id"], alert)["revision"]:
            newest[alert["alert_id"]] = alert
    return ran.out, newest


def test_two_detectors_find_what_a_replay_finds(live, replayed, env):
    out, newest = alerts_in_the_log(live, env)
    ids = [(json.loads(line)["data"]["alert_id"], json.loads(line)["data"]["revision"]) for line in out.splitlines()]
    assert len(ids) == len(set(ids))
    expected = {alert.alert_id: json_line(alert) for alert in read_alerts(replayed / "alerts.jsonl")}
    found = {
        alert_id: (json.dumps(alert, ensure_ascii=False, separators=(",", ":")) + "\n").encode()
        for alert_id, alert in newest.items()
    }
    assert found == expected
    assert expected


def test_nothing_is_left_to_read(live, env):
    status = maritime("group", "status", "--json", cwd=live, env=env).json()
    assert status["group"] == "exercise.maritime-detect"
    assert [p["rows"] for p in status["partitions"]] == [0, 0, 0]
    shown = maritime("group", "status", cwd=live, env=env)
    assert "reports behind" in shown.out


@pytest.mark.parametrize("what", list(What))
def test_tail_in_short(live, env, what):
    ran = maritime("tail", what, "--from-beginning", "--no-follow", cwd=live, env=env)
    assert ran.code == 0, ran.err
    if what is not What.rejects:
        assert re.match(r"20\d\d-", ran.out)


def test_the_rescue_topic_has_a_beacon_s_call_and_its_alert(live, env):
    ran = maritime("tail", "rescue", "--from-beginning", "--no-follow", "--json", cwd=live, env=env)
    told = [json.loads(line) for line in ran.out.splitlines()]
    calls = [event["data"] for event in told if event["type"] == "org.maritime-watch.distress.v1"]
    assert [(call["mmsi"], call["call"], call["device"]) for call in calls] == [(970123456, 1, "AIS-SART")]
    assert {event["data"]["type"] for event in told if event["data"] not in calls} == {"distress_beacon"}


def test_tail_follows_until_told_to_stop(live, env):
    with subprocess.Popen(
        [sys.executable, "-m", "maritime.cli", "tail", "--from-beginning", "--json"],
        cwd=live,
        env={**os.environ, **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        first = process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
        assert json.loads(first)["specversion"] == "1.0"


def test_topics_as_they_should_be_and_not(live, env):
    assert maritime("topics", "create", cwd=live, env=env).out == "all topics are there\n"
    assert maritime("topics", "check", cwd=live, env=env).out == "all is as it should be\n"
    other = maritime("topics", "check", "--json", cwd=live, env=env | {"MARITIME_LOG__PARTITIONS": "4"})
    assert other.code == 1
    assert any("3 partitions where 4 are set" in sentence for sentence in other.json()["differences"])


def test_another_number_of_partitions_stops_a_detector(live, env):
    ran = maritime("detect", "--stop-when-idle-s", 1, cwd=live, env=env | {"MARITIME_LOG__PARTITIONS": "4"})
    assert ran.code == 3
    assert "ais.positions has 3 partitions" in ran.err


def test_a_replay_at_a_speed_takes_its_time(live, env):
    ran = maritime("replay", "sea.nmea", "--to", "kafka", "--speed", 7200, "--json", cwd=live, env=env)
    assert ran.code == 0, ran.err
    assert ran.json()["seconds"] > 3.0  # some twelve hours


def test_a_log_that_is_not_there_is_told_in_a_sentence(sea):
    ran = maritime("topics", "check", cwd=sea, env={"MARITIME_KAFKA__BOOTSTRAP": "127.0.0.1:9"})
    assert ran.code == 1
    assert ran.err.startswith("maritime: 127.0.0.1:9 cannot be reached")
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--to", "kafka", "--out", "x"], "--out is for results"),
        (["--to", "kafka"], "set log.status: exercise"),
        ([], "--out is missing"),
        (["--out", "x", "--speed", "2"], "--speed is for --to kafka"),
        (["--to", "2020-01-01", "--to", "2020-01-02", "--out", "x"], "two times"),
    ],
)
def test_what_does_not_fit_together(sea, words, sentence):
    ran = maritime("replay", "sea.nmea", *words, cwd=sea)
    assert ran.code == 2
    assert sentence in ran.err


def test_one_file_of_settings_serves_replay_and_log(sea, tmp_path):
    (tmp_path / "all.yaml").write_text("loitering: {leave_kn: 3.5}\nkafka: {bootstrap: 'a:1'}\nlog: {partitions: 5}\n")
    ran = maritime("replay", sea / "sea.nmea", "--out", "out", "--no-map", "--config", "all.yaml", cwd=tmp_path)
    assert ran.code == 0, ran.err
    rules = maritime("topics", "acl", "--config", "all.yaml", cwd=tmp_path).out
    assert rules.startswith("kafka-acls.sh --bootstrap-server a:1 ")


def newest_of(path):
    newest = {}
    for line in path.read_bytes().splitlines(keepends=True):
        newest[json.loads(line)["alert_id"]] = line
    return newest


def test_one_process_without_a_broker_finds_what_a_replay_finds(sea, replayed, tmp_path):
    ran = maritime("run", sea / "sea.nmea", "--out", "alerts.jsonl", cwd=tmp_path)
    assert ran.code == 0, ran.err
    expected = {alert.alert_id: json_line(alert) for alert in read_alerts(replayed / "alerts.jsonl")}
    assert newest_of(tmp_path / "alerts.jsonl") == expected
    assert ran.out.count("loitering") >= 3


def test_one_process_calls_a_beacon_before_its_alert(tmp_path):
    rows = [("970123456", second, 14) for second in range(0, 600, 60)]
    rows += [("311000001", second, 0) for second in range(0, 2_400, 60)]  # goes on, so that time does
    lines = [
        "MMSI,BaseDateTime,LAT,LON,SOG,COG,Heading,VesselName,IMO,CallSign,VesselType,Status,Length,Width,Draft,Cargo"
    ]
    for mmsi, second, status in sorted(rows, key=lambda row: row[1]):
        at = f"2020-01-01T10:{second // 60:02}:{second % 60:02}"
        lines.append(f"{mmsi},{at},6.5,95.0,0.1,0.0,511.0,,,,,{status},,,,")
    (tmp_path / "sea.csv").write_text("\n".join(lines) + "\n")
    ran = maritime("run", "sea.csv", "--out", "alerts.jsonl", cwd=tmp_path)
    assert ran.code == 0, ran.err
    called, *later = ran.out.splitlines()
    assert called == "2020-01-01T10:00:00Z  DISTRESS  AIS-SART  970123456  6.5000 95.0000"
    assert not any("DISTRESS" in line for line in later)
    assert "distress_beacon" in later[0]
    counted = maritime("run", "sea.csv", "--json", cwd=tmp_path)
    assert counted.json()["distress_calls"] == 1


def test_what_one_process_refuses_is_kept(sea, tmp_path):
    log = (sea / "sea.nmea").read_bytes()
    (tmp_path / "dirty.nmea").write_bytes(log + b"!AIVDM,1,1,,A,13u?etPv2;0n:dDPwUM1U1Cb069D,0*00\n")
    ran = maritime("run", "dirty.nmea", "--rejects", "refused.jsonl", "--json", cwd=tmp_path)
    assert ran.json()["dead_letters"] == 1
    assert json.loads((tmp_path / "refused.jsonl").read_text())["reason"] == "bad_checksum"


def test_sentences_over_tcp_reach_the_log(live, env):
    """A second ingester of the same sea adds nothing: what it brings is late, and heartbeats are there already."""
    before = alerts_in_the_log(live, env)
    with socket.create_server(("127.0.0.1", 0)) as server:
        uri = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        process = subprocess.Popen(
            [sys.executable, "-m", "maritime.cli", "ingest", uri, "--metrics-port", "0", "--json"],
            cwd=live,
            env={**os.environ, **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        server.settimeout(60)
        client, _ = server.accept()
        with client:
            sentences = b"".join((live / "sea.nmea").read_bytes().splitlines(keepends=True)[:500])
            client.sendall(sentences)
            address = next(line for line in process.stderr if "metrics at" in line).rsplit(" ", 1)[1].strip()
            until_s = time.monotonic() + 30
            metrics = ""
            while time.monotonic() < until_s and f'maritime_source_live{{source="{uri}"}} 1.0' not in metrics:
                metrics = urllib.request.urlopen(address, timeout=5).read().decode()
                time.sleep(0.2)
            health = urllib.request.urlopen(address.replace("/metrics", "/healthz"), timeout=5)
            assert health.status == 200
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert json.loads(out)["reports"] > 100
    assert f'maritime_source_live{{source="{uri}"}} 1.0' in metrics
    assert alerts_in_the_log(live, env) == before
