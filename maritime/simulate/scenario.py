"""A scenario: who sails where, who is silent when, and who listens; a YAML file checked key by key.

Times are hours since `start`. Places are `[latitude, longitude]` in degrees. `expect` on a step, a silence, a withheld
span, an outage, a beacon or a vessel says that an alert of that type is due, and becomes a row of the truth table.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, ValidationError, model_validator
from pydantic import Field as Key

from maritime.errors import ConfigurationError

AlertType = Literal[
    "loitering",
    "dark_period",
    "unusual_landing",
    "distress_beacon",
    "reception_outage",
    "position_withheld",
    "identity_clash",
]
NAV_STATUS_CODES = {  # ITU-R M.1371-5 table 48
    "under_way": 0,
    "at_anchor": 1,
    "not_under_command": 2,
    "restricted": 3,
    "constrained": 4,
    "moored": 5,
    "aground": 6,
    "fishing": 7,
    "under_sail": 8,
    "undefined": 15,
}
NavStatus = Literal[
    "under_way",
    "at_anchor",
    "not_under_command",
    "restricted",
    "constrained",
    "moored",
    "aground",
    "fishing",
    "under_sail",
    "undefined",
]
Positive = Annotated[float, Key(gt=0)]
Share = Annotated[float, Key(ge=0, lt=1)]
Bearing = Annotated[float, Key(ge=0, lt=360)]
Mmsi = Annotated[int, Key(ge=1, le=999_999_999)]
StationName = Annotated[str, Key(pattern=r"^[A-Za-z0-9_-]{1,15}$")]


def _on_earth(place: tuple[float, float]) -> tuple[float, float]:
    if not (-90 <= place[0] <= 90 and -180 <= place[1] <= 180):
        raise ValueError(f"{list(place)} is not a place; write [latitude, longitude] in degrees")
    return place


def _rising(span: tuple[float, float]) -> tuple[float, float]:
    if not 0 < span[0] <= span[1]:
        raise ValueError(f"{list(span)} is not a range; write [smallest, largest], both above 0")
    return span


Place = Annotated[tuple[float, float], AfterValidator(_on_earth)]
Range = Annotated[tuple[float, float], AfterValidator(_rising)]


class Strict(BaseModel):
    """A part of the scenario: a key that it does not have is an error that lists those that it has."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, given: Any) -> Any:
        if isinstance(given, dict):
            for key in given:
                if key not in cls.model_fields:
                    near = get_close_matches(str(key), cls.model_fields, n=1)
                    hint = f"did you mean '{near[0]}'? " if near else ""
                    raise ValueError(f"'{key}' is not a key here; {hint}The keys are {', '.join(cls.model_fields)}")
        return given


class Labelled(Strict):
    """A part that may be a behaviour to be found."""

    expect: AlertType | None = None
    note: str = ""


class Span(Labelled):
    """A span of hours since the start of the scenario."""

    from_h: float
    to_h: float

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.to_h <= self.from_h:
            raise ValueError(f"to_h {self.to_h} does not lie after from_h {self.from_h}")
        return self


class Lasting(Labelled):
    """A step that takes a time of its own: so many hours, or until so many hours after the start."""

    hours: Positive | None = None
    until_h: float | None = None

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        if (self.hours is None) == (self.until_h is None):
            raise ValueError("give either hours or until_h")
        return self


class Sail(Labelled):
    """Sail to one place after the other."""

    do: Literal["sail"]
    to: Annotated[tuple[Place, ...], Key(min_length=1)]
    speed_kn: Positive
    status: NavStatus = "under_way"


class Stop(Lasting):
    """Lie alongside, on a buoy or on a beach: the antenna moves by the error of its position only."""

    do: Literal["stop"]
    heading_deg: Bearing = 0.0
    status: NavStatus = "moored"


class Anchor(Lasting):
    """Swing about an anchor."""

    do: Literal["anchor"]
    swing_m: Positive = 90.0
    wind_deg: Bearing = 225.0
    status: NavStatus = "at_anchor"


class Drift(Lasting):
    """Drift with wind and current; `heading_deg` is where the bow looks, which is not where the vessel goes."""

    do: Literal["drift"]
    speed_kn: Annotated[float, Key(gt=0, le=5)]
    toward_deg: Bearing
    heading_deg: Bearing | None = None
    status: NavStatus = "under_way"


class Circle(Lasting):
    """Sail in circles, the first point on the circle's rim."""

    do: Literal["circle"]
    speed_kn: Positive
    radius_nm: Positive
    status: NavStatus = "under_way"


class Patrol(Lasting):
    """Sail to and fro on parallel legs, as a trawler at work or a ship that waits under way."""

    do: Literal["patrol"]
    speed_kn: Positive
    leg_nm: Positive
    toward_deg: Bearing
    spacing_nm: Annotated[float, Key(ge=0)] = 0.3
    status: NavStatus = "under_way"


Step = Annotated[Sail | Stop | Anchor | Drift | Circle | Patrol, Discriminator("do")]


class Vessel(Labelled):
    """One transmitter and its plan. It is on the air from `begin_h` to the end of its plan.

    `expect` on a vessel is about who it is, and holds while it is heard.
    """

    mmsi: Mmsi
    starts_at: Place
    plan: Annotated[tuple[Step, ...], Key(min_length=1)]
    repeat: bool = False  # the plan starts anew when it has ended, until the scenario ends
    begin_h: float = 0.0
    transceiver: Literal["A", "B"] = "A"
    name: Annotated[str, Key(max_length=20)] = ""
    call_sign: Annotated[str, Key(max_length=7)] = ""
    imo: Annotated[int, Key(ge=0, le=9_999_999)] = 0
    ship_type: Annotated[int, Key(ge=0, le=99)] = 0
    length_m: Annotated[float, Key(ge=0, le=500)] = 0.0
    beam_m: Annotated[float, Key(ge=0, le=80)] = 0.0
    draught_m: Annotated[float, Key(ge=0, le=25)] = 0.0
    destination: Annotated[str, Key(max_length=20)] = ""
    silences: tuple[Span, ...] = ()  # the transmitter is off
    withheld: tuple[Span, ...] = ()  # it transmits, with latitude 91 and longitude 181


class Fleet(Strict):
    """Keys of every group of vessels that is drawn at random."""

    vessels: Annotated[int, Key(ge=1, le=10_000)]
    flags: Annotated[tuple[Annotated[int, Key(ge=200, le=799)], ...], Key(min_length=1)] = (538, 563, 636, 477, 352)
    ship_types: Annotated[tuple[Annotated[int, Key(ge=0, le=99)], ...], Key(min_length=1)] = (70, 70, 80, 79)
    length_m: Range = (90.0, 300.0)
    transceiver: Literal["A", "B"] = "A"


class Lane(Fleet):
    """Ships that follow a route, each at its own speed and on its own line to starboard of the axis."""

    kind: Literal["lane"]
    points: Annotated[tuple[Place, ...], Key(min_length=2)]
    speed_kn: Range = (9.0, 18.0)
    width_nm: Positive = 1.5
    both_ways: bool = True


class Anchorage(Fleet):
    """Ships at anchor inside a circle, all in one wind."""

    kind: Literal["anchorage"]
    centre: Place
    radius_nm: Positive = 1.5
    wind_deg: Bearing = 225.0


class Quay(Fleet):
    """Ships moored near a place for the whole scenario."""

    kind: Literal["quay"]
    at: Place
    spread_m: Positive = 250.0


class FishingGround(Fleet):
    """Boats that trawl to and fro, haul slowly, and move to the next place inside a circle."""

    kind: Literal["fishing_ground"]
    centre: Place
    radius_nm: Positive = 8.0
    ship_types: Annotated[tuple[Annotated[int, Key(ge=0, le=99)], ...], Key(min_length=1)] = (30,)
    length_m: Range = (14.0, 26.0)


Traffic = Annotated[Lane | Anchorage | Quay | FishingGround, Discriminator("kind")]


class Receiver(Strict):
    """A coast station at a place, or a receiver aboard a vessel of the scenario."""

    name: StationName
    at: Place | None = None
    aboard: Mmsi | None = None
    range_nm: Positive = 35.0  # half of the messages are heard at this distance
    roll_off_nm: Positive = 2.5  # scale of the logistic fall around it
    clock_skew_s: float | None = None  # None = drawn from noise.clock_skew_s
    milliseconds: bool = True  # the tag block tells milliseconds, else seconds
    base_station: Mmsi | None = None  # transmits type 4 every 10 s from the same mast
    outages: tuple[Span, ...] = ()

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.at is None) == (self.aboard is None):
            raise ValueError(f"receiver '{self.name}' needs either at or aboard")
        return self


class Satellite(Strict):
    """A satellite that sees the whole scene during its passes and hears a share of what is sent."""

    name: StationName
    every_min: Positive = 96.0  # chosen: the period of a low orbit at 550 km
    pass_min: Positive = 11.0
    hears_long_range: Annotated[float, Key(ge=0, le=1)] = 0.8  # of the type 27 messages, made for satellites
    hears_others: Annotated[float, Key(ge=0, le=1)] = 0.05  # the ordinary slots collide in so wide a footprint
    milliseconds: bool = True


class Beacon(Span):
    """A distress beacon (MMSI 970, 972 or 974) in the water."""

    mmsi: Annotated[int, Key(ge=970_000_000, le=974_999_999)]
    at: Place
    state: Literal["active", "test"]


class Aid(Strict):
    """A buoy or light with a transmitter (MMSI 99...)."""

    mmsi: Mmsi
    name: Annotated[str, Key(max_length=20)]
    at: Place
    aid_type: Annotated[int, Key(ge=0, le=31)] = 1


class Noise(Strict):
    """What the world does to the messages."""

    loss: Share = 0.02  # lost at random, whatever the distance
    duplicates: Share = 0.0  # passed on twice by the same receiver
    clock_skew_s: Annotated[float, Key(ge=0)] = 0.0  # each receiver's clock is off by at most this
    position_m: Annotated[float, Key(ge=0)] = 4.0  # standard deviation of a position
    speed_kn: Annotated[float, Key(ge=0)] = 0.04  # standard deviation of each component of a velocity


class Scenario(Strict):
    """A scene of AIS traffic with labelled behaviours."""

    title: str
    start: datetime
    duration_h: Annotated[float, Key(gt=0, le=24 * 31)]
    seed: Annotated[int, Key(ge=0)]
    receivers: tuple[Receiver, ...] = ()
    satellites: tuple[Satellite, ...] = ()
    traffic: tuple[Traffic, ...] = ()
    vessels: tuple[Vessel, ...] = ()
    beacons: tuple[Beacon, ...] = ()
    aids: tuple[Aid, ...] = ()
    noise: Noise = Noise()

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        names = [receiver.name for receiver in self.receivers] + [satellite.name for satellite in self.satellites]
        if not names:
            raise ValueError("nobody listens: give at least one of receivers, satellites")
        if len(set(names)) < len(names):
            raise ValueError("two receivers share a name")
        for receiver in self.receivers:
            if receiver.aboard is not None and receiver.aboard not in {vessel.mmsi for vessel in self.vessels}:
                raise ValueError(f"receiver '{receiver.name}' is aboard {receiver.aboard}, which is not in vessels")
        for span in self._spans():
            if span.expect and not 0 <= span.from_h < self.duration_h:
                raise ValueError(f"{span.expect} is expected from hour {span.from_h:g}, outside the scenario")
        return self

    def _spans(self) -> Iterator[Span]:
        for vessel in self.vessels:
            yield from vessel.silences
            yield from vessel.withheld
        for receiver in self.receivers:
            yield from receiver.outages
        yield from self.beacons

    @property
    def start_ms(self) -> int:
        """The start in ms UTC; a time without zone is UTC."""
        start = self.start if self.start.tzinfo else self.start.replace(tzinfo=UTC)
        return round(start.timestamp() * 1000)


def load_scenario(path: Path) -> Scenario:
    """Read and check a scenario file.

    Raises ConfigurationError naming file and key when it cannot be read, is not YAML, or has a wrong key or value.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise ConfigurationError(f"Scenario '{path}' holds no keys; write 'title:', 'start:' and the others")
        return Scenario.model_validate(content)
    except OSError as error:
        raise ConfigurationError(f"Scenario '{path}' cannot be read ({error.strerror}); check the path") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"Scenario '{path}' is not UTF-8 text ({error.reason}); give a YAML file") from error
    except yaml.YAMLError as error:
        raise ConfigurationError(f"Scenario '{path}' is not valid YAML: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "the file"
        reason = first["msg"].removeprefix("Value error, ")
        raise ConfigurationError(f"Scenario '{path}', {key}: {reason} (given: {_short(first['input'])})") from error


def _short(given: Any) -> str:
    text = repr(given)
    return text if len(text) <= 80 else f"{text[:77]}..."
