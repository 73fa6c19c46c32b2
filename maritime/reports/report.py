"""Report: what is published, as a model from which the JSON Schema is made."""

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

SCHEMA_VERSION: Final = "1.0"

Finding = Literal["up", "down", "no evidence of change", "not compared"]
Latitude = Annotated[float, Field(ge=-90, le=90)]
Longitude = Annotated[float, Field(ge=-180, le=180)]
PeriodLabel = Annotated[str, Field(pattern=r"^[0-9]{4}-([0-9]{2}(-[0-9]{2})?|W[0-9]{2})$")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Interval(_Part):
    """Ends of a 95 % interval; null is without end."""

    low: float
    high: float | None


class Rate(_Part):
    """Alerts per 1,000 vessel-hours observed, with the exact interval of Poisson counts (Garwood 1936).

    In a partner's report both allow for it that only cells with five alerts or more are seen, so that the estimate lies
    below count over vessel-hours.
    """

    per_1000_vessel_hours: float
    interval: Interval


class Change(_Part):
    """Against an earlier period, over cells that both have. The ratio is hidden where fewer than five were before."""

    against: PeriodLabel
    finding: Finding
    cells: int = Field(ge=0, description="compared, each with itself")
    before: int = Field(ge=0, description="alerts in those cells before")
    now: int = Field(ge=0, description="alerts in those cells now")
    ratio: float | None = Field(None, description="rate now over rate before")
    interval: Interval | None = Field(None, description="exact, of the ratio")
    adjusted_p: float | None = Field(None, ge=0, le=1, description="of no change, adjusted by Holm over the report")


class Changes(_Part):
    """Against the period before, and the same of the year before; null where there is none."""

    previous: Change | None = None
    last_year: Change | None = None


class Trend(_Part):
    """A type in a period, over all cells that are shown."""

    type: str
    period: PeriodLabel
    count: int = Field(ge=0)
    vessel_hours: int = Field(ge=0, description="observed in the cells that are counted")
    rate: Rate | None
    changes: Changes


class CellCount(_Part):
    """A type in a period in one cell of the grid, given by its south-west corner."""

    type: str
    period: PeriodLabel
    south: Latitude
    west: Longitude
    count: int = Field(ge=1)
    vessel_hours: int = Field(ge=0)
    rate: Rate | None
    hot: bool = Field(description="more than the rate of all cells explains, adjusted by Holm")
    changes: Changes


class WholeCell(_Part):
    """A type in one cell over all periods of the report that are counted."""

    type: str
    south: Latitude
    west: Longitude
    count: int = Field(ge=1)
    vessel_hours: int = Field(ge=0)
    rate: Rate | None
    hot: bool = Field(description="in one period or more")


class CellCorner(_Part):
    """The south-west corner of a cell."""

    south: Latitude
    west: Longitude


class Flow(_Part):
    """From the cell where vessels were last heard to that where they were heard again."""

    type: str
    period: PeriodLabel
    origin: CellCorner
    destination: CellCorner
    count: int = Field(ge=1)


class ChainCount(_Part):
    """How often types of alert followed each other for one vessel; the area asked for does not cut this."""

    steps: list[str] = Field(min_length=1, description="`a + b` where two began at one time of a coarse clock")
    period: PeriodLabel
    count: int = Field(ge=1)


class VerdictCount(_Part):
    """What people said of alerts of a type; the share is hidden where fewer than five were judged."""

    type: str
    confirmed: int = Field(ge=0)
    dismissed: int = Field(ge=0)
    share_confirmed: float | None = Field(ge=0, le=1)
    interval: Interval | None = Field(description="Wilson")


class Latency(_Part):
    """Minutes from the end of what happened to the alert; 0 where it was told while it lasted."""

    type: str
    median_min: int = Field(ge=0)
    p95_min: int = Field(ge=0)


class PeriodQuality(_Part):
    """How much was heard in a period, everywhere."""

    period: PeriodLabel
    hours: int = Field(ge=1)
    hours_heard: int = Field(ge=0, description="UTC hours in which any ship was heard")
    vessel_hours: int = Field(ge=0)


class Quality(_Part):
    """What the rates rest on. Counts are those of the replays, whatever time and area were asked for."""

    periods: list[PeriodQuality]
    reports: int = Field(ge=0)
    rejects: int = Field(ge=0)
    rejects_by_reason: dict[str, int]
    settings_sha256: list[str] = Field(description="more than one: made with different settings, not to be compared")
    overlaps: int = Field(ge=0, description="hours and cells that several replays had; the largest count was taken")


class ReportLimits(_Part):
    """What is shown; null where everything is."""

    alerts: int
    vessels: int


class Policy(_Part):
    """Under which policy alerts were released to the partner."""

    name: str
    version: str


class Report(_Part):
    """Trends and routes. What a partner's report leaves out is under five alerts, or of fewer than three vessels."""

    schema_version: Literal["1.0"] = SCHEMA_VERSION
    status: Literal["exercise"] = Field("exercise", description="made of files, which are never what happens now")
    view: Literal["own", "partner"]
    handling: str
    partner: str | None
    policy: Policy | None
    period_kind: Literal["day", "week", "month"]
    periods: list[PeriodLabel] = Field(min_length=1)
    start: str = Field(description="RFC 3339, UTC; of the first period")
    end: str = Field(description="RFC 3339, UTC; of the last period")
    area: str | None = Field(description="as asked for; cells whose middle lies in it are counted")
    cell_deg: float
    limits: ReportLimits | None
    trends: list[Trend]
    cells: list[CellCount]
    whole_cells: list[WholeCell]
    flows: list[Flow]
    chains: list[ChainCount]
    verdicts: list[VerdictCount]
    latency: list[Latency]
    quality: Quality
