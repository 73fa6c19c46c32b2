"""Scrape config, alarms and dashboard: they parse, name metrics that there are, and the runbook knows every alarm."""

import json
import re
import threading

import pytest
import yaml
from prometheus_client import CollectorRegistry

from streams.memory import MemoryLog
from streams.observe.health import Pulse
from streams.observe.observed_share import ShareMetrics, ShareReading
from streams.observe.observed_worker import ObservedWorker
from streams.observe.probe import probe
from streams.observe.source_metrics import SourceMetrics
from streams.observe.status_server import StatusServer
from streams.observe.webhook_metrics import WebhookMetrics
from streams.status import LIVE, SourceStatus, Status
from tests.cli.running import PROJECT
from tests.streams.live import setup_of, topics

DEPLOY = PROJECT / "deploy"
RULES = yaml.safe_load((DEPLOY / "alert_rules.yml").read_text())
ALARMS = [rule for group in RULES["groups"] for rule in group["rules"]]
DASHBOARD = json.loads((DEPLOY / "grafana" / "dashboards" / "dashboard.json").read_text())
COMPOSE = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())
WORDS = re.compile(r"\b(?:maritime|process)_[a-z_]+\b|\bup\b")


@pytest.fixture(scope="module")
def metrics():
    """Names of every series that a detector and an ingester serve."""
    log = MemoryLog(topics(1))
    observed = ObservedWorker(lambda: log.client("seen"), setup_of(1))
    observed.worker.cycle()
    observed._look()
    sources = SourceMetrics(lambda: Status(1_000, None, (SourceStatus("a", LIVE, 0, 1, 0),)))
    names = {"up"}
    sharing = ShareMetrics()
    sharing.reading = ShareReading(0.0, True, 0, None, 0, {}, {}, {})
    webhooks = WebhookMetrics(lambda: [("a", 1, 1, True)])
    for family in (*observed.registry.collect(), *sources.collect(), *sharing.collect(), *webhooks.collect()):
        names.add(family.name)
        suffixes = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"]}.get(family.type, [])
        names.update(family.name + suffix for suffix in suffixes)
    return names


def expressions():
    yield from ((rule["alert"], rule["expr"]) for rule in ALARMS)
    yield from ((panel["title"], target["expr"]) for panel in DASHBOARD["panels"] for target in panel["targets"])


@pytest.mark.parametrize(("where", "expression"), list(expressions()), ids=lambda value: value[:40])
def test_metrics_that_are_named_exist(where, expression, metrics):
    named = set(WORDS.findall(re.sub(r'"[^"]*"', "", expression)))
    assert named
    assert named <= metrics, where
    for left, right in ("()", "[]", "{}"):
        assert expression.count(left) == expression.count(right)


def test_every_alarm_says_what_it_is_and_stands_in_the_runbook():
    runbook = (PROJECT / "docs" / "operations.md").read_text(encoding="utf-8")
    names = [rule["alert"] for rule in ALARMS]
    assert len(set(names)) == len(names)
    for rule in ALARMS:
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert rule["annotations"]["summary"]
        assert re.match(r"^[0-9]+[smh]$", rule.get("for", "0s"))
        assert f"| `{rule['alert']}` |" in runbook, rule["alert"]
    assert set(re.findall(r"^\| `([A-Z][A-Za-z]+)` \|", runbook, re.MULTILINE)) == set(names)


def test_every_metric_stands_in_the_runbook(metrics):
    runbook = (PROJECT / "docs" / "operations.md").read_text(encoding="utf-8")
    told = set(re.findall(r"`(maritime_[a-z_]+)", runbook))
    ours = {name for name in metrics if name.startswith("maritime_")}
    ours -= {name for name in ours if f"{name}_total" in ours or re.search("_(bucket|sum|count)$", name)}
    assert told == ours | {"maritime_detector_count", "maritime_client_count"}


def test_prometheus_scrapes_where_the_services_serve():
    config = yaml.safe_load((DEPLOY / "prometheus.yml").read_text())
    services = COMPOSE["services"]
    for job in config["scrape_configs"]:
        for target in job["static_configs"][0]["targets"]:
            host, port = target.split(":")
            if host != "127.0.0.1":
                assert services[host]["command"][-1] == port
                assert "watch" in services[host]["networks"]
    mounted = {volume.split(":")[1] for volume in services["prometheus"]["volumes"]}
    assert set(config["rule_files"]) <= mounted


def test_grafana_finds_its_source_and_its_dashboard():
    folder = DEPLOY / "grafana" / "provisioning"
    (source,) = yaml.safe_load((folder / "datasources" / "prometheus.yml").read_text())["datasources"]
    assert source["url"] == "http://prometheus:9090"
    (provider,) = yaml.safe_load((folder / "dashboards" / "maritime.yml").read_text())["providers"]
    mounted = {volume.split(":")[1] for volume in COMPOSE["services"]["grafana"]["volumes"]}
    assert provider["options"]["path"] in mounted
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    for panel in DASHBOARD["panels"]:
        assert {target["datasource"]["uid"] for target in panel["targets"]} == {source["uid"]}
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24


def test_the_probe_tells_whether_a_process_is_well():
    now_s, threads = [0.0], threading.active_count()
    pulse = Pulse(lambda: now_s[0], silent_s=10)
    with StatusServer(CollectorRegistry(), pulse) as server:
        url = f"http://127.0.0.1:{server.port}"
        assert probe(f"{url}/healthz") is None
        assert "has not begun" in probe(f"{url}/readyz")
        pulse.turned()
        assert probe(f"{url}/readyz") is None
        pulse.turned("the source is away")
        assert "the source is away" in probe(f"{url}/readyz")
        now_s[0] = 11.0
        assert "nothing was done for 11 s" in probe(f"{url}/healthz")
    assert probe(f"{url}/healthz")
    assert probe("no address")
    assert threading.active_count() - threads < 3
