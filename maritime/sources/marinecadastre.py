"""NOAA MarineCadastre: the yearly CSV of 2015–2024, the re-issued "csv2" of 2025 on, and the GeoParquet points.

Legacy: `MMSI,BaseDateTime,LAT,LON,…,TransceiverClass` (spelt `TranscieverClass` in many files of 2018–2021, no `Status`
in some). csv2 and GeoParquet: `mmsi,base_date_time,longitude,latitude,…,transceiver`, or a `geometry` of points.
Source: https://hub.marinecadastre.gov/pages/vesseltraffic, and the data dictionary of 2025.
"""

from typing import Final

from maritime.sources.layout import Layout
from maritime.sources.mapping import ColumnMapping, Columns

LAYOUT: Final = Layout(
    name="marinecadastre",
    title="MarineCadastre CSV or GeoParquet (NOAA)",
    known_by=(frozenset({"mmsi", "basedatetime"}),),
    mapping=ColumnMapping(name="marinecadastre", columns=Columns(t=("BaseDateTime",))),
)
