"""The contract: what others read of the log, as models from which JSON Schemas and the AsyncAPI document are made.

`scripts/write_contract.py` writes them into docs/. Headers are models of texts, as Kafka's headers are bytes.
"""

from typing import Annotated, Final, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from maritime.alerts.schema import LARGEST_MMSI, Latitude, Longitude, PublishedAlert, Time
from maritime.sharing.answer import Answer, AnswerEvent
from maritime.sharing.envelope import UUID4, Envelope, Kind, Status, Tlp, Uuid4
from maritime.sharing.envelope import Time as OffsetTime
from maritime.sharing.feedback import FeedbackEvent, FeedbackMessage
from maritime.sharing.formats import cloudevent
from maritime.sharing.merge import MergedEvent
from maritime.sharing.watch_match import WatchMatch
from streams import codec
from streams.exercise import EXERCISE, LogStatus
from streams.snapshots import MOST_CHUNKS
from streams.topic_names import ALERTS, POSITIONS, REJECTS, RESCUE, STATE, VESSELS, answers_of, feedback_of

Digits = Annotated[str, Field(pattern="^[0-9]{1,16}$", description="a whole number as text")]
Milliseconds = Annotated[str, Field(pattern="^[0-9]{1,16}$", description="ms since 1970, UTC, as text")]
AlertStatus = Annotated[
    LogStatus, Field(description="of the log: `exercise` is none of the world; what does not say is an exercise")
]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class AlertEvent(BaseModel):
    """One revision of an alert as a CloudEvent 1.0 in structured JSON."""

    specversion: Literal["1.0"]
    id: str = Field(pattern="^[0-9a-f]{32}/[0-9]+$", description="alert_id/revision: the same event has the same id")
    source: Literal["/maritime-watch/detector"]
    type: str = Field(pattern=r"^org\.maritime-watch\.alert\.v1\.[a-z_]+$", description="ends with data.type")
    subject: str = Field(min_length=1, description="data.hull")
    time: Time = Field(description="data.raised_at")
    datacontenttype: Literal["application/json"]
    partitionkey: str = Field(pattern="^[0-9]{9}$", description="the MMSI as nine digits, which is the record's key")
    alertstatus: AlertStatus = "exercise"
    data: PublishedAlert


class DistressCall(BaseModel):
    """Somebody's beacon is active: told at its first report. The alert `distress_beacon` follows."""

    mmsi: int = Field(ge=0, le=LARGEST_MMSI)
    call: Literal[1, 2] = Field(description="2: a position has come to a beacon that was called without one")
    device: Literal["AIS-SART", "man overboard", "EPIRB-AIS"] | None = Field(
        description="by the MMSI (ITU-R M.585-9 annex 2); null: a vessel with navigational status 14"
    )
    heard_at: Time = Field(description="of the report")
    lat: Latitude | None
    lon: Longitude | None
    source: str | None = Field(description="the receiver or feed that heard it; null while the log has not named it")


class DistressEvent(BaseModel):
    """A distress call as a CloudEvent 1.0 in structured JSON."""

    specversion: Literal["1.0"]
    id: str = Field(pattern="^[0-9]{9}/[0-9]+/[12]$", description="MMSI, time of the report and number of the call")
    source: Literal["/maritime-watch/detector"]
    type: Literal["org.maritime-watch.distress.v1"]
    subject: str = Field(pattern="^[0-9]{9}$", description="the MMSI as nine digits")
    time: Time = Field(description="data.heard_at")
    datacontenttype: Literal["application/json"]
    partitionkey: str = Field(pattern="^[0-9]{9}$", description="the MMSI as nine digits, which is the record's key")
    alertstatus: AlertStatus = "exercise"
    data: DistressCall


class EnvelopeEvent(BaseModel):
    """One revision of an alert as a partner may have it, as a CloudEvent 1.0 in structured JSON."""

    specversion: Literal["1.0"]
    id: str = Field(pattern=f"^{UUID4}@[0-9]+$", description="data.alert_id@data.revision")
    source: str = Field(pattern="^/org/[a-z0-9][a-z0-9.-]{0,62}$", description="data.originator.org_id")
    type: Literal["org.maritime-watch.envelope.v1"]
    subject: Uuid4 = Field(description="data.alert_id, which is the record's key")
    time: OffsetTime = Field(description="data.sent")
    datacontenttype: Literal["application/json"]
    dataschema: str = Field(json_schema_extra={"const": cloudevent.DATA_SCHEMA})
    partitionkey: Uuid4 = Field(description="data.alert_id")
    correlationid: Uuid4 | None = Field(None, description="data.context_id, where it is released")
    sequence: str = Field(
        pattern=f"^[0-9]{{{cloudevent.SEQUENCE_DIGITS}}}$",
        description="counts the events of the topic from 1, without a gap",
    )
    expirytime: OffsetTime | None = Field(None, description="data.expires")
    dataclassification: Tlp = Field(description="data.handling.tlp")
    alertkind: Kind = Field(description="data.kind")
    alertstatus: Status = Field(description="data.status")
    jws: str = Field(description="detached JWS (RFC 7515, RFC 7797) over the canonical bytes (RFC 8785) of data")
    data: Envelope


class Vessel(BaseModel):
    """What a vessel says of itself by now. The newest record of a key counts.

    Left out is what it never told, or not since the ingester began.
    """

    mmsi: int = Field(ge=0, le=LARGEST_MMSI)
    at: Time = Field(description="when it last told something")
    imo: int | None = Field(None, ge=0)
    call_sign: str | None = None
    name: str | None = None
    ship_type: int | None = Field(None, ge=0, le=255, description="by ITU-R M.1371-5")
    length_m: float | None = Field(None, ge=0)
    beam_m: float | None = Field(None, ge=0)
    draught_m: float | None = Field(None, ge=0)
    destination: str | None = None
    eta: str | None = None


class Manifest(BaseModel):
    """What a snapshot of a partition's detector is. It counts when it and all its chunks are there and fit."""

    slot: Literal[0, 1]
    sequence: int = Field(ge=0, description="counts up with each snapshot of the partition")
    offset: int = Field(ge=0, description="of the first record of ais.positions that it has not seen")
    chunks: int = Field(ge=1, le=MOST_CHUNKS)
    bytes: int = Field(ge=0, description="of all chunks together")
    sha256: Sha256 = Field(description="of the chunks one after the other")
    detector_version: str = Field(min_length=1)
    config_sha256: Sha256
    places_sha256: Sha256
    partitions: int = Field(ge=1, description="over how many the vessels are spread")
    schema_: int = Field(1, alias="schema", ge=1)


class BatchHeaders(BaseModel):
    """Headers of a record of ais.positions, as text. The value is an Arrow IPC stream with one batch."""

    model_config = ConfigDict(extra="allow")

    schema_: str = Field(alias="schema", json_schema_extra={"enum": list(codec.SCHEMAS.values())})
    v: str = Field(json_schema_extra={"const": str(codec.VERSION)})
    kind: str = Field(json_schema_extra={"enum": list(codec.SCHEMAS)})
    n: Digits = Field(description="rows, or heartbeats")
    tmin: Milliseconds = Field(description="the earliest time in it")
    tmax: Milliseconds = Field(description="the latest time in it")
    src: Digits | None = Field(None, description="code of the source, when all rows are of one")
    part: str | None = Field(None, pattern="^[0-9]{1,3}/[0-9]{1,3}$", description="of a heartbeat in parts: 1/3")


class DeadLetterHeaders(BaseModel):
    """Headers of a record of ais.rejects, as text. The value is what was refused."""

    model_config = ConfigDict(extra="allow")

    reason: str = Field(pattern="^[a-z0-9_]+$", description="why; counted in maritime_rejects_total")
    of: Literal["row", "reports", "record", "alert"] = Field(
        description="row: bytes of a reader's row or sentence; reports: an Arrow batch of positions with the headers "
        "of one; record: a record as it lay in the log, its headers with was. before their names; alert: a cut event"
    )
    n: Digits = Field(description="how many rows or records it stands for")
    at: str | None = Field(None, description="topic/partition/offset, or file:line")
    bytes: Digits | None = Field(None, description="how long the value was before it was cut")


PARTNER: Final = "{partner}"
"""Stands in a topic for a partner's name in the release policy."""


class Message(NamedTuple):
    """A kind of record: its name in the documents, its models and what it is."""

    name: str
    says: str
    content_type: str
    payload: type[BaseModel] | None = None  # None: bytes
    headers: type[BaseModel] | None = None
    key: str | None = None  # a pattern


class Channel(NamedTuple):
    """A topic as others see it. `kept_days` is None where the newest record of each key is kept, or by partner."""

    topic: str
    says: str
    kept_days: float | None
    messages: tuple[Message, ...]
    by_vessel: bool = True  # as many partitions as LiveSettings.partitions
    is_shared: bool = False

    @property
    def name(self) -> str:
        """What it is called in the document: its topic, with `partner` for that of each partner."""
        return self.topic.replace(PARTNER, "partner")

    @property
    def is_of_partners(self) -> bool:
        """Whether each partner has one, whose records are kept as long as that partner may keep them."""
        return PARTNER in self.topic


NINE_DIGITS: Final = "^[0-9]{9}$"
ARROW: Final = "application/vnd.apache.arrow.stream"
BYTES: Final = "application/octet-stream"
CLOUD_EVENT: Final = "application/cloudevents+json"

ENVELOPE_MESSAGE: Final = Message(
    "envelope_event", "An alert as the partner may have it.", CLOUD_EVENT, EnvelopeEvent, key=f"^{UUID4}$"
)
ALERT_MESSAGE: Final = Message("alert_event", "A revision of an alert.", CLOUD_EVENT, AlertEvent, key=NINE_DIGITS)

SCHEMAS: Final[dict[str, type[BaseModel]]] = {
    "alert": PublishedAlert,
    "alert_event": AlertEvent,
    "distress_event": DistressEvent,
    "vessel": Vessel,
    "dead_letter_headers": DeadLetterHeaders,
    "snapshot_manifest": Manifest,
    "batch_headers": BatchHeaders,
    "envelope": Envelope,
    "feedback": FeedbackMessage,
    "feedback_event": FeedbackEvent,
    "answer": Answer,
    "answer_event": AnswerEvent,
    "envelope_event": EnvelopeEvent,
    "merged_event": MergedEvent,
    "watch_match": WatchMatch,
}
"""Model by the name of its file in docs/schemas/."""

CHANNELS: Final = (
    Channel(
        POSITIONS,
        "Reports, static reports, heartbeats and names of sources, in one order per partition. Internal: a record "
        "holds vessels of its partition only, and the format may change with a release. Others use `maritime tail`.",
        7.0,
        (Message("batch", "A micro-batch of one kind, which the headers tell.", ARROW, headers=BatchHeaders),),
    ),
    Channel(
        VESSELS,
        "What vessels say of themselves: the newest record of each MMSI.",
        None,
        (Message("vessel", "A vessel by now.", "application/json", Vessel, key=NINE_DIGITS),),
        is_shared=True,
    ),
    Channel(
        REJECTS,
        "Dead letters: what was refused, with the reason; nothing is dropped silently.",
        7.0,
        (Message("dead_letter", "What was refused.", BYTES, headers=DeadLetterHeaders),),
        by_vessel=False,
        is_shared=True,
    ),
    Channel(
        STATE,
        "Snapshots of detectors, two of each partition. Internal.",
        None,
        (
            Message("snapshot_chunk", "A part of a snapshot.", BYTES, key="^[0-9]+/[01]/[0-9]{1,4}$"),
            Message(
                "snapshot_manifest",
                "Ends a snapshot, and says what it is.",
                "application/json",
                Manifest,
                key="^[0-9]+/[01]/manifest$",
            ),
        ),
    ),
    Channel(
        ALERTS,
        "Alerts, one record for each revision. Read committed records only, or upsert by alert id and revision.",
        90.0,
        (ALERT_MESSAGE,),
        is_shared=True,
    ),
    Channel(
        RESCUE,
        "Distress and what may be: calls of active beacons at their first report, and every revision of the alerts "
        "whose evidence states a phase of distress or uncertainty, which are in `alerts` too.",
        90.0,
        (
            Message("distress_event", "A beacon is active.", CLOUD_EVENT, DistressEvent, key=NINE_DIGITS),
            ALERT_MESSAGE,
        ),
        is_shared=True,
    ),
    Channel(
        f"{ALERTS}.{PARTNER}",
        "What one partner was sent, in the order of `sequence`; it alone may read it. Read committed records only, and "
        "verify the signature. The highest revision of an alert counts, and a cancel asks to let go of it.",
        None,
        (ENVELOPE_MESSAGE,),
        by_vessel=False,
        is_shared=True,
    ),
    Channel(
        f"{EXERCISE}{ALERTS}.{PARTNER}",
        "The same for exercises and drills, never mixed with what is real: `alertstatus` is never `actual` here.",
        None,
        (ENVELOPE_MESSAGE,),
        by_vessel=False,
        is_shared=True,
    ),
    Channel(
        feedback_of(PARTNER),
        "What one partner says of its alerts; it alone may write it. Who says it is whose topic it is. Written again "
        "with the same `feedback_id`, it counts once.",
        None,
        (Message("feedback_event", "What a partner says.", CLOUD_EVENT, FeedbackEvent, key=f"^{UUID4}$"),),
        by_vessel=False,
        is_shared=True,
    ),
    Channel(
        answers_of(PARTNER),
        "Answers to one partner's requests for information, signed; it alone may read it. One may come twice, with the "
        "same `id`.",
        None,
        (Message("answer_event", "An answer to a request.", CLOUD_EVENT, AnswerEvent, key=f"^{UUID4}$"),),
        by_vessel=False,
        is_shared=True,
    ),
)

VECTOR_KEYS: Final = (
    b"", b"a", b"ab", b"abc", b"abcd", b"000000000", b"000000001", b"002320001", b"111232501", b"211234560",
    b"419000123", b"970123456", b"999999999", b"1073741823",
)  # fmt: skip
VECTOR_PARTITIONS: Final = (1, 2, 7, 12, 48)
