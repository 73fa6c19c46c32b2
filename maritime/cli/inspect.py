"""`maritime inspect`: what a file is, before anything is done with it."""

from pathlib import Path
from typing import Annotated

import typer

from maritime.cli.screen import Format, Json, Mapping, Start, newest_accepted_ms, print_json, time_of
from maritime.errors import InputError


def inspect(
    inputs: Annotated[list[Path], typer.Argument(metavar="FILE…", help="AIS files of any format.")],
    format: Format = None,
    mapping: Mapping = None,
    start: Start = None,
    as_json: Json = False,
) -> int:
    """Say what was found in AIS files: format, rows, vessels, span, area, message mix, defects."""
    import sys

    from maritime.cli.tables import print_record
    from maritime.sources.inspect import inspect as inspect_file
    from maritime.sources.mapping import load_mapping
    from maritime.sources.naming import shown

    columns = load_mapping(mapping) if mapping else None
    start_ms, newest_ms = time_of(start, "--start"), newest_accepted_ms()
    records, complaints, failures = [], [], []
    for path in inputs:
        try:
            found = inspect_file(path, format=format, mapping=columns, start_ms=start_ms, newest_ms=newest_ms)
        except InputError as error:
            complaints.append(str(error))
            failures.append({"file": shown(path), "reason": str(error).removeprefix(f"{shown(path)} ")})
        else:
            records.append({"file": shown(path), **found.to_dict()})
            complaints += [f"{file} {reason}" for file, reason in found.failures.items()]
            failures += [{"file": file, "reason": reason} for file, reason in found.failures.items()]
    if as_json:
        print_json({"files": records, "failures": failures})
    else:
        for record in records:
            print_record(record, str(record.pop("file")))
        for complaint in complaints:
            print(f"maritime: {complaint}", file=sys.stderr)
    return 1 if complaints else 0
