"""Scenarios: real-looking AIS traffic with labelled behaviours, as the log of its receivers and a truth table."""

from maritime.simulate.scenario import Scenario, load_scenario
from maritime.simulate.simulation import Scene, SimulationSummary, play, simulate, summarise

__all__ = ["Scenario", "Scene", "SimulationSummary", "load_scenario", "play", "simulate", "summarise"]
