"""The alert as it is published: what `Alert.to_dict` writes, as models from which the JSON Schema is made.

Within a version fields may be added, never removed or given another meaning; readers pass over what they do not know.
"""

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from maritime.detect.episode import Scalar, Severity, State

AlertType = Literal[
    "dark_period",
    "distress_beacon",
    "feed_stale",
    "identity_clash",
    "loitering",
    "position_withheld",
    "reception_outage",
    "unusual_landing",
]
LARGEST_MMSI: Final = (1 << 30) - 1  # the field has 30 bits (ITU-R M.1371-5)

Time = Annotated[
    str,
    Field(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{3})?Z$",
        json_schema_extra={"format": "date-time"},
        description="RFC 3339, UTC",
    ),
]
Latitude = Annotated[float, Field(ge=-90, le=90)]
Longitude = Annotated[float, Field(ge=-180, le=180)]
Share = Annotated[float, Field(ge=0, le=1)]
Position = Annotated[list[float], Field(min_length=2, max_length=2, description="longitude and latitude, degrees")]


class PublishedReason(BaseModel):
    """A named term that made the score: its value against its threshold."""

    term: str = Field(min_length=1)
    value: Scalar
    threshold: Scalar
    unit: str


class PublishedDetector(BaseModel):
    """What made the alert: enough to make it again."""

    name: str = Field(min_length=1)
    version: str = Field(min_length=1)
    config_sha256: str = Field(pattern="^[0-9a-f]{64}$")


class Safety(BaseModel):
    """What a distress alert says to those who save lives."""

    distress: bool
    beacon: str | None
    sar_phase: Literal["distress", "uncertainty"] | None


class Evidence(BaseModel):
    """What was seen, by name. Which names there are depends on the type of the alert; these are shared by several."""

    model_config = ConfigDict(extra="allow")

    source: str | None = Field(None, description="the receiver or feed that heard it last; null when it has no name")
    last_report: Time | None = None
    first_report: Time | None = Field(None, description="since when the vessel is known")
    own_reception: Share | None = Field(None, description="share of its time in which the vessel was heard")
    own_reception_windows: int | None = Field(None, ge=0)
    prior_alerts_30d: int | None = Field(None, ge=0)
    prior_alerts_365d: int | None = Field(None, ge=0)
    source_clock_off_s: float | None = Field(None, description="how far the clock of the source is off")
    safety: Safety | None = None


class Geometry(BaseModel):
    """A GeoJSON geometry (RFC 7946)."""

    type: Literal["Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon"]
    coordinates: list[Any]


class PointGeometry(BaseModel):
    """A GeoJSON point."""

    type: Literal["Point"]
    coordinates: Position


class GeometryCollection(BaseModel):
    """GeoJSON geometries that belong together, as the last position and the area in reach from there."""

    type: Literal["GeometryCollection"]
    geometries: list[PointGeometry | Geometry]


class PublishedAlert(BaseModel):
    """One revision of an alert. The one with the highest `revision` of an `alert_id` is what counts."""

    alert_id: str = Field(pattern="^[0-9a-f]{32}$", description="the same in every run on the same reports")
    revision: int = Field(ge=0, description="counts up with each change told; not every number is told")
    type: AlertType
    state: State = Field(description="open: it lasts; closed: it is over; retracted: it was none after all")
    mmsi: int = Field(ge=0, le=LARGEST_MMSI, description="0 for notices about receivers and regions")
    hull: str = Field(min_length=1, description="MMSI and number of the transmitter behind it, or source-… region-…")
    started_at: Time
    ended_at: Time | None
    raised_at: Time = Field(description="event time at which people were first told")
    lat: Latitude | None
    lon: Longitude | None
    severity: Severity = Field(description="as in CAP 1.2")
    confidence: Share
    score: Share
    reasons: list[PublishedReason]
    evidence: Evidence
    detector: PublishedDetector
    geometry: PointGeometry | GeometryCollection | Geometry | None
