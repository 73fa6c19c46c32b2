"""AsyncAPI's official parser reads docs/asyncapi.yaml, and would say if something were wrong."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from maritime.config import load_settings
from streams.contract import CHANNELS
from streams.partners import partner_topics
from streams.settings import LiveSettings
from streams.topics import specs as specs_of
from tests.cli.running import PROJECT
from tests.contract.npm import npm_package
from tests.sharing.policies import one, rule

PARSER = "3.6.0"
DOCUMENT = PROJECT / "docs" / "asyncapi.yaml"
ERROR, WARNING = 0, 1

pytestmark = pytest.mark.node


@pytest.fixture(scope="module")
def parse():
    folder = npm_package("@asyncapi/parser", PARSER, "asyncapi")

    def parse(path):
        script = Path(__file__).with_name("parse_asyncapi.mjs")
        command = ["node", str(script), str(folder), str(path)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return parse


def test_the_parser_finds_nothing_wrong(parse):
    told = parse(DOCUMENT)
    assert [said for said in told["said"] if said["severity"] <= WARNING] == []
    assert told["channels"] == [channel.topic for channel in CHANNELS]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda document: document["operations"]["ingest.ais.positions"].update(action="publish"),
        lambda document: document["channels"]["alerts"]["messages"].update(x={"$ref": "#/components/messages/none"}),
        lambda document: document["components"]["messages"]["alert_event"]["payload"].update(type="text"),
        lambda document: document["info"].pop("version"),
        lambda document: document["channels"]["alerts.partner"].update(parameters="partner"),
    ],
)
def test_the_parser_refuses_what_is_wrong(parse, spoil, tmp_path):
    document = yaml.safe_load(DOCUMENT.read_text())
    document["components"]["messages"]["alert_event"]["payload"] = {"type": "object"}
    spoil(document)
    (tmp_path / "asyncapi.yaml").write_text(yaml.safe_dump(document))
    shutil.copytree(PROJECT / "docs" / "schemas", tmp_path / "schemas")
    assert any(said["severity"] == ERROR for said in parse(tmp_path / "asyncapi.yaml")["said"])


def named(spec):
    """The topic as the document has it: `p` is the partner of this test's policy."""
    return spec.name.removesuffix("p") + "{partner}" if spec.name.endswith(".p") else spec.name


def test_partners_read_their_own_channels_with_the_envelope_in_them():
    document = yaml.safe_load(DOCUMENT.read_text())
    for name in ("alerts.partner", "exercise.alerts.partner"):
        channel = document["channels"][name]
        assert channel["address"] == name.removesuffix("partner") + "{partner}"
        assert set(channel["parameters"]) == {"partner"}
        assert document["operations"][f"partner.{name}"]["action"] == "receive"
        (message,) = channel["messages"]
        assert document["components"]["messages"][message]["payload"]["$ref"] == "./schemas/envelope_event.schema.json"


def test_a_partner_writes_feedback_and_reads_answers():
    document = yaml.safe_load(DOCUMENT.read_text())
    assert document["operations"]["speaks.feedback.partner"]["action"] == "send"
    assert document["operations"]["partner.answers.partner"]["action"] == "receive"
    assert "partner.feedback.partner" not in document["operations"]


def test_the_topics_are_kept_as_the_document_says():
    bindings = {
        channel["address"]: channel["bindings"]["kafka"]
        for channel in yaml.safe_load(DOCUMENT.read_text())["channels"].values()
    }
    live = load_settings(LiveSettings)
    specs = [*specs_of(live), *partner_topics(one(rule()), "p", live)]
    assert {named(spec) for spec in specs} == set(bindings)
    for spec in specs:
        binding = bindings[named(spec)]
        assert binding["partitions"] == spec.partitions
        for key, value in binding["topicConfiguration"].items():
            stated = ",".join(value) if isinstance(value, list) else str(value)
            assert spec.configs()[key] == stated, (spec.name, key)
