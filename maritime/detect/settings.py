"""Every setting of detection in one tree; each branch is defined beside the code it tunes."""

from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from maritime.detect.beacon import DistressParameters, DistressSettings, WithheldParameters, WithheldSettings
from maritime.detect.dark_period import DarkPeriodParameters, DarkPeriodSettings
from maritime.detect.heartbeat import TimeSettings
from maritime.detect.landing import LandingParameters, LandingSettings
from maritime.detect.loitering import LoiteringParameters, LoiteringSettings
from maritime.detect.outage import OutageParameters, OutageSettings
from maritime.tracks.clocks import ClockSettings
from maritime.tracks.hulls import HullParameters, HullSettings


class DetectSettings(BaseModel):
    """The whole configuration of the engine. A misspelt key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    time: TimeSettings = Field(default_factory=TimeSettings)
    clocks: ClockSettings = Field(default_factory=ClockSettings)
    hulls: HullSettings = Field(default_factory=HullSettings)
    loitering: LoiteringSettings = Field(default_factory=LoiteringSettings)
    dark_period: DarkPeriodSettings = Field(default_factory=DarkPeriodSettings)
    landing: LandingSettings = Field(default_factory=LandingSettings)
    distress: DistressSettings = Field(default_factory=DistressSettings)
    withheld: WithheldSettings = Field(default_factory=WithheldSettings)
    outage: OutageSettings = Field(default_factory=OutageSettings)

    def parameters(self) -> "Parameters":
        """The settings in the units of the kernels."""
        return Parameters(
            self.hulls.parameters(),
            self.loitering.parameters(),
            self.dark_period.parameters(),
            self.landing.parameters(),
            self.distress.parameters(),
            self.withheld.parameters(),
            self.outage.parameters(),
        )


class Parameters(NamedTuple):
    """DetectSettings for the kernels."""

    hulls: HullParameters
    loitering: LoiteringParameters
    dark_period: DarkPeriodParameters
    landing: LandingParameters
    distress: DistressParameters
    withheld: WithheldParameters
    outage: OutageParameters
