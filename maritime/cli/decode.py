"""`maritime decode`: AIS files into columns, no detection."""

from pathlib import Path
from typing import Annotated, Any

import typer

from maritime.cli.screen import Format, Json, Mapping, Start, newest_accepted_ms, print_json, time_of


def decode(
    inputs: Annotated[list[Path], typer.Argument(metavar="INPUT…", help="AIS files and directories, of any format.")],
    out: Annotated[Path, typer.Option(help="Parquet file for the position reports.")],
    static: Annotated[Path | None, typer.Option(help="Parquet file for who the vessels say they are.")] = None,
    all_: Annotated[
        Path | None, typer.Option("--all", help="JSON lines file for every message of every type (NMEA only).")
    ] = None,
    rejects: Annotated[Path | None, typer.Option(help="JSON lines file for the rows refused.")] = None,
    format: Format = None,
    mapping: Mapping = None,
    start: Start = None,
    as_json: Json = False,
) -> int:
    """Decode AIS files into Parquet: the columns of a position batch, and the file and line of each report."""
    from maritime.cli.tables import print_failures, print_record
    from maritime.decode import decode_files
    from maritime.sources.mapping import load_mapping

    decoded = decode_files(
        inputs,
        out,
        static=static,
        messages=all_,
        rejects=rejects,
        format=format,
        mapping=load_mapping(mapping) if mapping else None,
        start_ms=time_of(start, "--start"),
        newest_ms=newest_accepted_ms(),
    )
    record: dict[str, Any] = decoded.to_dict()
    if as_json:
        print_json(record)
    else:
        print_failures(record.pop("failures"))
        if record["messages"] is None:  # not asked for
            del record["messages"]
        print_record(record, f"decoded into {out}")
    return 1 if decoded.failures else 0
