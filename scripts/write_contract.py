"""Write docs/asyncapi.yaml and docs/schemas/ (JSON Schemas, murmur2 vectors) from the code.

python scripts/write_contract.py
"""

import json
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

import maritime
from maritime.alerts.schema import AlertType
from maritime.reports.report import Report
from maritime.units import DAY_MS
from streams.arrow_frames import MOST_BYTES
from streams.codec import EVENT_TYPE
from streams.contract import (
    CHANNELS,
    SCHEMAS,
    VECTOR_KEYS,
    VECTOR_PARTITIONS,
    Channel,
    Message,
)
from streams.murmur2 import murmur2, partition_of
from streams.topic_names import ALERTS, POSITIONS, REJECTS, RESCUE, STATE, VESSELS, feedback_of
from streams.topics import MOST_BATCH_BYTES

DOCS = Path(__file__).resolve().parents[1] / "docs"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
PARTITIONS = 12  # the default of LiveSettings

HEAD = "# Written by scripts/write_contract.py from the models in the code; a test holds it equal.\n"
ABOUT = """\
AIS messages in, explained alerts out. This is the log between the parts of live operation, on Apache Kafka.

Others in the house read `alerts`, `alerts.rcc`, `ais.vessels` and `ais.rejects`; each partner reads the topics with its
name, and `alerts.rcc` if it rescues; the other topics belong to the detectors. Read committed records only
(`isolation.level=read_committed`): then no alert is read twice or in vain. Within a version fields are added, never
removed or given another meaning.
"""
FEEDBACK = feedback_of("partner")
PARTNER_CHANNELS = tuple(channel.name for channel in CHANNELS if channel.is_of_partners and channel.name != FEEDBACK)
ROLES = {
    "ingest": ("send", (POSITIONS, VESSELS, REJECTS), "Reads the sources of AIS and writes what they say."),
    "detect": ("receive", (POSITIONS, STATE), "Reads the reports, and its own snapshots after a start."),
    "detected": (
        "send",
        (ALERTS, RESCUE, REJECTS, STATE),
        "Writes alerts, distress calls, dead letters and snapshots, in one transaction.",
    ),
    "share": ("receive", (ALERTS, RESCUE), "Reads what is to be decided about for every partner."),
    "hears": ("receive", (FEEDBACK,), "Reads what partners say of their alerts."),
    "speaks": ("send", (FEEDBACK,), "What a partner writes: its own."),
    "shared": ("send", PARTNER_CHANNELS, "Delivers to each partner what the release policy lets go, each once."),
    "partner": (
        "receive",
        (*PARTNER_CHANNELS, RESCUE),
        "What a partner reads: its own; `alerts.rcc` if it rescues.",
    ),
    "tail": ("receive", (ALERTS, RESCUE, VESSELS, REJECTS), "What others read."),
}


class Plain(GenerateJsonSchema):
    """JSON Schema without the titles that only repeat names."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def tagged_union_schema(self, schema: Any) -> dict[str, Any]:
        """Without `discriminator`, which is OpenAPI's; AsyncAPI means something else by it."""
        made = super().tagged_union_schema(schema)
        made.pop("discriminator", None)
        return made

    def generate(self, schema: Any, mode: Any = "validation") -> dict[str, Any]:
        made = super().generate(schema, mode=mode)
        for inner in made.get("$defs", {}).values():
            inner.pop("title", None)
        return made


class Blocks(yaml.SafeDumper):
    """YAML with texts of several lines as blocks, and without anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def as_block(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


Blocks.add_representer(str, as_block)


def main() -> None:
    for path, text in files().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def files() -> dict[Path, str]:
    """Every file of the contract with its text."""
    schemas = DOCS / "schemas"
    models = {**SCHEMAS, "report": Report}
    made = {schemas / f"{name}.schema.json": as_json(json_schema(name, model)) for name, model in models.items()}
    made[schemas / "murmur2-vectors.json"] = as_json(murmur2_vectors())
    asyncapi = yaml.dump(asyncapi_document(), Dumper=Blocks, sort_keys=False, width=110, allow_unicode=True)
    return made | {DOCS / "asyncapi.yaml": HEAD + asyncapi}


def json_schema(name: str, model: type[BaseModel]) -> dict[str, Any]:
    schema = model.model_json_schema(by_alias=True, schema_generator=Plain)
    if name == "alert_event":
        schema["allOf"] = [
            {
                "if": {"properties": {"data": {"properties": {"type": {"const": alert_type}}}}},
                "then": {"properties": {"type": {"const": f"{EVENT_TYPE}.{alert_type}"}}},
            }
            for alert_type in AlertType.__args__  # type: ignore[attr-defined]
        ]
    return {"$schema": DIALECT, "$id": f"urn:maritime-watch:{name}:1", **schema}


def murmur2_vectors() -> dict[str, Any]:
    return {
        "about": "Kafka's partitioner: partition = (murmur2(key) & 0x7fffffff) % partitions. The key of a vessel is "
        "its MMSI as nine ASCII digits, with zeros in front. murmur2 is a signed 32-bit integer.",
        "vectors": [
            {
                "key": key.decode("ascii"),
                "murmur2": murmur2(key),
                "partition_of": {str(n): partition_of(key, n) for n in VECTOR_PARTITIONS},
            }
            for key in VECTOR_KEYS
        ],
    }


def asyncapi_document() -> dict[str, Any]:
    messages = {message.name: asyncapi_message(message) for channel in CHANNELS for message in channel.messages}
    return {
        "asyncapi": "3.0.0",
        "id": "urn:maritime-watch:log",
        "info": {
            "title": "maritime-watch",
            "version": maritime.__version__,
            "description": ABOUT,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "local": {
                "host": "127.0.0.1:9092",
                "protocol": "kafka",
                "description": "The broker of docker-compose.yml; without a password, for one machine.",
            },
            "secured": {
                "host": "kafka.example.org:9093",
                "protocol": "kafka-secure",
                "description": "A cluster with TLS and SCRAM.",
                "security": [{"$ref": "#/components/securitySchemes/scram"}],
            },
        },
        "channels": {channel.name: asyncapi_channel(channel) for channel in CHANNELS},
        "operations": {
            f"{role}.{topic}": {
                "action": action,
                "channel": {"$ref": f"#/channels/{topic}"},
                "summary": says,
            }
            for role, (action, topics, says) in ROLES.items()
            for topic in topics
        },
        "components": {
            "messages": messages,
            "securitySchemes": {"scram": {"type": "scramSha512", "description": "One user for each role."}},
        },
    }


def asyncapi_channel(channel: Channel) -> dict[str, Any]:
    if channel.is_of_partners:
        return asyncapi_partner_channel(channel)
    kept: dict[str, Any] = {"cleanup.policy": ["compact" if channel.kept_days is None else "delete"]}
    if channel.kept_days is not None:
        kept["retention.ms"] = int(channel.kept_days * DAY_MS)
    return {
        "address": channel.topic,
        "description": channel.says,
        "messages": {m.name: {"$ref": f"#/components/messages/{m.name}"} for m in channel.messages},
        "tags": [{"name": "shared" if channel.is_shared else "internal"}],
        "bindings": {
            "kafka": {
                "topic": channel.topic,
                "partitions": PARTITIONS if channel.by_vessel else 1,
                "topicConfiguration": {**kept, "max.message.bytes": MOST_BATCH_BYTES},
                "bindingVersion": "0.5.0",
            }
        },
    }


def asyncapi_partner_channel(channel: Channel) -> dict[str, Any]:
    return {
        "address": channel.topic,
        "description": channel.says,
        "messages": {m.name: {"$ref": f"#/components/messages/{m.name}"} for m in channel.messages},
        "parameters": {"partner": {"description": "The partner's name, as the release policy has it."}},
        "tags": [{"name": "shared"}],
        "bindings": {
            "kafka": {
                "partitions": 1,
                "topicConfiguration": {"cleanup.policy": ["delete"]},
                "bindingVersion": "0.5.0",
            }
        },
    }


def asyncapi_message(message: Message) -> dict[str, Any]:
    made: dict[str, Any] = {"name": message.name, "title": message.says, "contentType": message.content_type}
    if message.headers is not None:
        made["headers"] = {"$ref": reference(message.headers)}
    if message.payload is not None:
        made["payload"] = {"$ref": reference(message.payload)}
    else:
        made["payload"] = {"type": "string", "format": "binary", "maxLength": MOST_BYTES}
    if message.key is not None:
        made["bindings"] = {"kafka": {"key": {"type": "string", "pattern": message.key}, "bindingVersion": "0.5.0"}}
    return made


def reference(model: type[BaseModel]) -> str:
    (name,) = (name for name, known in SCHEMAS.items() if known is model)
    return f"./schemas/{name}.schema.json"


def as_json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    main()
