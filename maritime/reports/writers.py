"""Writers: a report as the files of a folder, which appear whole or not at all."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from maritime.alerts.output import whole_files
from maritime.alerts.recorder import SUMMARY
from maritime.errors import UsageError
from maritime.geo.coastline import load_coastline
from maritime.reports.page import as_html
from maritime.reports.report import Report
from maritime.reports.tables import as_csv, as_geojson, as_json

FILES: Final = ("report.json", "counts.csv", "cells.geojson", "report.html")


def write_report(report: Report, out: Path, *, inputs: Sequence[Path] = ()) -> list[str]:
    """Write JSON, CSV, GeoJSON and HTML into a folder; an earlier report there is replaced. Returns the files' names.

    Raises UsageError when the folder is one of the inputs, OutputError when it cannot be written.
    """
    if out.resolve() in {folder.resolve() for folder in inputs} or (out / SUMMARY).exists():
        raise UsageError(f"{out} holds a replay; give the report a folder of its own with --out")
    texts = (
        as_json(report.model_dump(mode="json")),
        as_csv(report),
        as_geojson(report),
        as_html(report, load_coastline().rings()),
    )
    with whole_files(*(out / name for name in FILES)) as partials:
        for partial, text in zip(partials, texts, strict=True):
            partial.write_text(text, encoding="utf-8", newline="")
    return list(FILES)
