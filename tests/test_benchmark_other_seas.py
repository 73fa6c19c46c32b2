"""Seas that are made of real tracks for the benchmark of dark periods."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.other_seas import SEAS

HOURS = 10


@pytest.fixture
def reports() -> pd.DataFrame:
    """Four vessels that report every minute, on parallels a quarter of a degree apart, for ten hours."""
    minutes = np.arange(HOURS * 60)
    tracks = [
        pd.DataFrame(
            {
                "LAT": [str(20.0 + k / 4)] * len(minutes),
                "LON": (-157.0 + minutes / 600).round(5).astype(str),
                "SOG": "6.0",
                "COG": "90.0",
                "Heading": "91.0",
                "mmsi": 211_000_001 + k,
                "t_ms": minutes * 60_000,
                "sog_kn": 6.0,
            }
        )
        for k in range(4)
    ]
    return pd.concat(tracks, ignore_index=True)


@pytest.mark.parametrize("name", SEAS)
def test_every_report_of_a_sea_is_one_of_the_file(name, reports):
    made = SEAS[name](reports, np.random.default_rng(1))
    assert 0 < len(made) <= len(reports)
    assert made.index.isin(reports.index).all()
    assert made[["mmsi", "t_ms"]].equals(reports.loc[made.index, ["mmsi", "t_ms"]])


def test_what_the_seas_leave_out(reports):
    made = {name: sea(reports, np.random.default_rng(1)) for name, sea in SEAS.items()}
    assert set(made["no speed or course"]["SOG"]) == {""}
    assert len(made["every 5 minutes"]) == len(reports) / 5
    assert made["half the vessels"]["mmsi"].nunique() == 2
    assert len(made["90 % loss"]) == pytest.approx(len(reports) / 10, rel=0.3)
    south = made["antimeridian, southern"]
    assert south["LAT"].astype(float).max() == -20.0
    lon = south["LON"].astype(float)
    assert lon.min() < 0 < lon.max()
    assert lon.abs().min() > 179
