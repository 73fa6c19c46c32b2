import json
import os
import re
import shlex

import pytest
import typer

from maritime.cli import app
from maritime.sharing.feedback_book import FeedbackBook
from maritime.sharing.ledger import Ledger
from maritime.sharing.policy_file import load_policy
from maritime.sharing.publisher import Publisher, Secrets
from maritime.units import HOUR_MS
from tests.cli.running import PROJECT, maritime, with_alert_id
from tests.sharing.speaking import feedback_id, said
from tests.sharing.test_publisher import ALERT, NOW_MS, SIGNING

DOCS = PROJECT / "docs" / "commands.md"


def commands(group, prefix=""):
    """The commands of a group, those of groups within by both names."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name}", command


COMMANDS = dict(commands(typer.main.get_command(app)))
EXAMPLES = re.findall(r"^\$ maritime (.+)$", DOCS.read_text(), re.MULTILINE)


def section(name):
    return DOCS.read_text().split(f"\n## {name}\n", 1)[1].split("\n## ", 1)[0]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_its_section_with_all_options_and_an_example(name):
    told = section(name)
    options = {option for parameter in COMMANDS[name].params for option in parameter.opts + parameter.secondary_opts}
    undocumented = {
        option
        for option in options - {"--help", "-h", "--json"}
        if option.startswith("-") and f"`{option}`" not in told
    }
    examples = [line for line in EXAMPLES if line.startswith(f"{name} ") or line == name]
    assert {option for option in undocumented if not any(option in line for line in examples)} == set()
    assert examples


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_json_and_help(name):
    options = {option for parameter in COMMANDS[name].params for option in parameter.opts}
    assert "--json" in options
    assert COMMANDS[name].help


def test_every_section_of_the_docs_is_a_command():
    headings = re.findall(r"^## (.+)$", DOCS.read_text(), re.MULTILINE)
    assert set(headings) - {"What holds for all"} == set(COMMANDS)


def needs_log(line):
    return (
        "--to kafka" in line
        or "--out share" in line
        or line.split()[0] in ("topics", "ingest", "detect", "share", "tail", "group")
    )


def needs_access_control(line):
    return line.split()[0] == "partners"


def test_every_command_in_the_docs_runs(tmp_path):
    assert len(EXAMPLES) > len(COMMANDS)
    shared_id = published(tmp_path / "ledger.db")
    lines = [line for line in EXAMPLES if not needs_log(line) and not needs_access_control(line)]
    named = [line.replace("SHARED_ID", shared_id).replace("FEEDBACK_ID", feedback_id(1)) for line in lines]
    run(named, tmp_path)


def published(path):
    """A ledger as `maritime share` leaves it; the id of an alert as the fusion centre knows it, about which it asks."""
    policy = load_policy(PROJECT / "configs" / "sharing" / "national_centre.yaml")
    with Ledger(path) as ledger:
        publisher = Publisher(policy, "ab" * 32, ledger, Secrets(SIGNING, {}), os.urandom)
        told = [parcel for parcel in publisher.take([ALERT], "actual", NOW_MS) if parcel.partner == "fusion-centre"]
        shared_id = json.loads(told[0].envelope)["alert_id"]
        asks = json.dumps(said("request_for_information", alert_id=shared_id)).encode()
        book = FeedbackBook(ledger, os.urandom)
        assert book.take("fusion-centre", asks, "http", "here", publisher.state, NOW_MS + HOUR_MS).outcome == "taken"
    return shared_id


@pytest.mark.broker
def test_every_command_on_the_log_in_the_docs_runs(tmp_path, sea, own_broker):
    (tmp_path / "sea.nmea").symlink_to(sea / "sea.nmea")
    lines = [line for line in EXAMPLES if needs_log(line)]
    assert len(lines) > 10
    run(lines, tmp_path, env={"MARITIME_KAFKA__BOOTSTRAP": own_broker.bootstrap})


@pytest.mark.broker
def test_every_command_on_a_log_with_access_control_in_the_docs_runs(tmp_path, as_admin):
    lines = [line for line in EXAMPLES if needs_access_control(line)]
    assert len(lines) >= 4
    run(lines, tmp_path, env=as_admin)


def run(lines, tmp_path, env=None):
    for folder in ("configs", "docs"):
        (tmp_path / folder).symlink_to(PROJECT / folder)
    for line in lines:
        ran = maritime(*shlex.split(with_alert_id(line, tmp_path)), cwd=tmp_path, env=env)
        assert ran.code == 0, f"{line}: {ran.out} {ran.err}"
        assert ran.out.strip()
        if "--json" in line:
            assert [json.loads(one) for one in ran.out.splitlines()] if "tail" in line else ran.json()
