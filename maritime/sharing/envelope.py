"""Envelope: an alert prepared for sharing, with handling marks. What partners receive is this, or is made from this.

Words are those of CAP 1.2 (severity, urgency, certainty, status), TLP 2.0 (FIRST), and the admiralty code of NATO
AJP-2.1 (source reliability, information credibility). Times are RFC 3339 in UTC and end in `+00:00`, as CAP asks.
Within a schema version fields are added, never removed or given another meaning; readers keep what they do not know.
"""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Any, Final, Literal, NamedTuple, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from maritime.alerts.schema import (
    LARGEST_MMSI,
    Geometry,
    GeometryCollection,
    Latitude,
    Longitude,
    PointGeometry,
    PublishedDetector,
    Share,
)
from maritime.detect.episode import Scalar
from maritime.sharing.scribe import Scribe, in_json, is_part
from maritime.sharing.shapes import Part, Shapes, parts_of, shapes_of

SCHEMA_VERSION: Final = "1.0"

Kind = Literal["alert", "update", "cancel"]
Status = Literal["actual", "exercise", "test", "system"]
Tlp = Literal["TLP:CLEAR", "TLP:GREEN", "TLP:AMBER", "TLP:AMBER+STRICT", "TLP:RED"]
TLP_ORDER: Final[tuple[Tlp, ...]] = ("TLP:CLEAR", "TLP:GREEN", "TLP:AMBER", "TLP:AMBER+STRICT", "TLP:RED")
WATCH_REQUEST: Final = "watch_request"
"""The type of an entry of a watchlist: nothing happened, an originator asks to be told of a vessel until it expires."""
Purpose = Literal[
    "border_surveillance",
    "customs",
    "defence",
    "environment",
    "fisheries_control",
    "humanitarian_protection",
    "law_enforcement",
    "maritime_safety",
    "search_and_rescue",
]
Onward = Literal["originator_only", "with_consent", "permitted"]
"""Whether a recipient may pass it on: never, when the originator agrees, or to whom its own policy allows."""
CapSeverity = Literal["Extreme", "Severe", "Moderate", "Minor", "Unknown"]
CapUrgency = Literal["Immediate", "Expected", "Future", "Past", "Unknown"]
CapCertainty = Literal["Observed", "Likely", "Possible", "Unlikely", "Unknown"]

OrgId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{0,62}$", description="short name of an organisation")]
Country = Annotated[str, Field(pattern="^[A-Z]{2}$", description="ISO 3166-1 alpha-2")]
UUID4: Final = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
TIME: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{3})?\+00:00"
Uuid4 = Annotated[
    str,
    Field(pattern=f"^{UUID4}$", description="random (RFC 9562 version 4): tells neither time nor content"),
]


@lru_cache(maxsize=256)  # as those of `offset_time`; texts are short here, since the pattern comes first
def _is_a_time(text: str) -> str:
    """A pattern alone lets the 30th of February pass."""
    try:
        datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"'{text}' is not a time; write it as 2020-01-01T00:00:00+00:00") from None
    return text


Time = Annotated[
    str,
    Field(
        pattern=f"^{TIME}$",
        json_schema_extra={"format": "date-time"},
        description="RFC 3339, UTC, with the offset written as +00:00",
    ),
    AfterValidator(_is_a_time),
]


class Reference(NamedTuple):
    """An earlier revision, and when the recipient's copy of it was sent."""

    alert_id: str
    revision: int
    sent: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """The reference in `alert_id@revision@sent`, of the form that the envelope demands."""
        alert_id, revision, sent = text.split("@")
        return cls(alert_id, int(revision), sent)


def _is_a_reference(text: str) -> str:
    _is_a_time(Reference.parse(text).sent)
    return text


ReferenceText = Annotated[
    str,
    Field(
        pattern=f"^{UUID4}@[0-9]{{1,9}}@{TIME}$",
        description="alert_id@revision@sent; sent is that of the recipient's copy, without which CAP cannot name it",
    ),
    AfterValidator(_is_a_reference),
]

AnyGeometry = PointGeometry | GeometryCollection | Geometry


def bare(geometry: AnyGeometry) -> dict[str, Any]:
    """A geometry as GeoJSON, with types and coordinates alone."""
    if isinstance(geometry, GeometryCollection):
        return {"type": geometry.type, "geometries": [bare(each) for each in geometry.geometries]}
    return {"type": geometry.type, "coordinates": geometry.coordinates}


def _is_a_shape(geometry: AnyGeometry) -> AnyGeometry:
    """Whether its coordinates are those of its type, which GeoJSON's types alone do not say."""
    parts_of(bare(geometry))
    return geometry


CheckedGeometry = Annotated[AnyGeometry, AfterValidator(_is_a_shape)]


@lru_cache(maxsize=256)  # an alert and its copies tell some five times, all of a batch when it was sent and expires
def offset_time(t_ms: int) -> str:
    """`1577836800000` → `"2020-01-01T00:00:00+00:00"`. CAP 1.2 §3.3.2 refuses `Z`."""
    seconds, millis = divmod(t_ms, 1000)
    time = datetime.fromtimestamp(seconds, UTC)
    return time.replace(microsecond=millis * 1000).isoformat(timespec="milliseconds") if millis else time.isoformat()


class _Part(BaseModel):
    """Keeps fields it does not know, so that a newer envelope is signed and passed on unchanged."""

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)


class Originator(_Part):
    """Who made the alert, and controls it."""

    org_id: OrgId
    name: str | None = None
    country: Country | None = None
    contact: str | None = None


class Observed(_Part):
    """When it was seen; `end` is null while it lasts."""

    start: Time
    end: Time | None = None


class Event(_Part):
    """What happened, in neutral words. An offence is named by a person in a role (`review`), never by a rule."""

    type: str = Field(
        pattern="^[a-z][a-z0-9_]{0,63}$", description="type of alert, as in alert.schema.json, or a partner's"
    )
    subtype: str | None = None
    nature: Literal["behaviour", "distress", "sensor", "offence"] = "behaviour"
    headline: str | None = Field(None, max_length=160)


class Explanation(_Part):
    """A named term that made the score: its value against its threshold."""

    feature: str = Field(min_length=1)
    value: Scalar
    threshold: Scalar = None
    unit: str | None = None


class Review(_Part):
    """What a person has said of it."""

    state: Literal["unreviewed", "confirmed", "dismissed", "resolved"] = "unreviewed"
    role: str | None = Field(None, description="the role, not the name, of who reviewed")
    at: Time | None = None


class Assessment(_Part):
    """How bad, how soon, how sure, and why."""

    severity: CapSeverity
    urgency: CapUrgency
    certainty: CapCertainty
    confidence: Share | None = None
    source_reliability: Literal["A", "B", "C", "D", "E", "F"] | None = None
    information_credibility: Literal[1, 2, 3, 4, 5, 6] | None = None
    explanation: list[Explanation] = []
    detector: PublishedDetector | None = None
    review: Review | None = None
    caveats: list[str] = []


class Vessel(_Part):
    """A vessel of the event; what is unknown or withheld is left out. A pseudonym stands in place of all identities."""

    mmsi: int | None = Field(None, ge=1, le=LARGEST_MMSI)
    imo: int | None = Field(None, ge=1_000_000, le=9_999_999)
    name: str | None = None
    call_sign: str | None = None
    flag: Country | None = None
    ship_type: int | None = Field(None, ge=0, le=255, description="ITU-R M.1371-5 table 53")
    length_m: float | None = Field(None, gt=0)
    role: Literal["subject", "other"] = "subject"
    pseudonym: str | None = Field(None, description="the same for one vessel and recipient; no other recipient has it")


class Place(_Part):
    """A position that matters, and what it is: the vessel's at that time."""

    role: Literal["position", "last_report", "next_report", "stop", "other"]
    at: Time | None = None
    lat: Latitude
    lon: Longitude
    sog_kn: float | None = Field(None, ge=0)
    cog_deg: float | None = Field(None, ge=0, lt=360)


class Safety(_Part):
    """What an alert of distress says to those who save lives."""

    distress: bool
    beacon: str | None = None
    sar_phase: Literal["distress", "uncertainty"] | None = None


class ProtectedPersons(_Part):
    """People on board who must not be found by those they fled from. Never leaves but to those who protect them."""

    countries_of_origin: list[Country] = Field([], description="empty: not known")


class Generalised(_Part):
    """How the recipient's copy was coarsened."""

    grid_deg: float | None = None
    time_step_min: float | None = None
    significant_digits: int | None = None


class PolicyMark(_Part):
    """Under which policy it was released."""

    name: str
    version: str


class Handling(_Part):
    """How it may be used. `rel_to` names recipients; in a released copy only the recipient itself."""

    tlp: Tlp
    purpose: list[Purpose] = Field(min_length=1)
    rel_to: list[str]
    onward: Onward = "originator_only"
    personal_data: bool = True
    protected_persons: ProtectedPersons | None = None
    retain_until: Time | None = None
    withheld: list[str] = Field(
        [], description="fields that the policy keeps from this recipient, whether known or not"
    )
    generalised: Generalised | None = None
    policy: PolicyMark | None = None


class EvidenceItem(_Part):
    """Something seen, by name; the names are those of the alert's evidence."""

    name: str = Field(min_length=1)
    value: Any = None
    unit: str | None = None


class Feedback(_Part):
    """What the originator would like to hear back, and where."""

    ack_required: bool = False
    topic: str | None = None


class Envelope(_Part):
    """One revision of an alert, as shared. The highest `revision` of an `alert_id` counts."""

    schema_version: Literal["1.0"] = SCHEMA_VERSION
    alert_id: Uuid4
    revision: int = Field(ge=0)
    kind: Kind
    status: Status
    references: list[ReferenceText] = Field([], description="earlier revisions that this one replaces")
    context_id: Uuid4 | None = Field(None, description="shared by reports of one event from several originators")
    originator: Originator
    sent: Time
    expires: Time | None = None
    observed: Observed | None = None
    event: Event
    assessment: Assessment | None = None
    vessels: list[Vessel] = []
    geometry: CheckedGeometry | None = None
    places: list[Place] = []
    position_uncertainty_m: float | None = Field(None, ge=0)
    area_desc: str | None = None
    safety: Safety | None = None
    handling: Handling
    evidence: list[EvidenceItem] = []
    feedback: Feedback | None = None

    @model_validator(mode="after")
    def _an_offence_has_a_reviewer(self) -> Self:
        review = self.assessment.review if self.assessment else None
        if self.event.nature == "offence" and (review is None or review.state != "confirmed" or not review.role):
            raise ValueError("an offence must have been confirmed by a person in a named role (assessment.review)")
        return self

    def to_dict(self) -> dict[str, Any]:
        """The envelope as JSON says it: null and empty where nothing is known or released is left out."""
        return dict(in_json(self))

    def canonical(self) -> bytes:
        """The envelope's canonical bytes (RFC 8785): what is signed, and what every format carries.

        Raises InputError for numbers that JSON cannot say exactly.
        """
        return Scribe().canonical(self)

    def shapes(self) -> Shapes:
        """Where it is: the shapes of its geometry, or where that is absent the points of its places."""
        if self.geometry is None:
            return Shapes([(place.lon, place.lat) for place in self.places], [])
        return shapes_of(self.parts())

    def parts(self) -> list[Part]:
        """The parts of its geometry."""
        return parts_of(bare(self.geometry)) if self.geometry else []


def known(part: BaseModel) -> dict[str, Any]:
    """A part of an envelope with the fields that this version knows, and no others."""
    return {name: _known(getattr(part, name)) for name in type(part).model_fields}


def _known(value: Any) -> Any:
    if is_part(type(value)):
        return known(value)
    return [_known(each) for each in value] if isinstance(value, list) else value
