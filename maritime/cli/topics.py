"""`maritime topics`: make the topics of the log, look whether they are right, and say who needs which permission."""

from contextlib import closing
from typing import Annotated

import typer

from maritime.cli.log import Config, administration_of, settings_of
from maritime.cli.screen import Json, answer, print_json

app = typer.Typer(no_args_is_help=True, help="Topics of the log: make, check, permissions.")


def create(config: Config = None, as_json: Json = False) -> int:
    """Make the topics that are missing. Those that are there stay as they are; `check` tells what differs."""
    from streams.topics import specs

    _, live = settings_of(config)
    with closing(administration_of(live)) as administration:
        made = administration.create(specs(live))
    if as_json:
        print_json({"created": made})
    else:
        print("\n".join(f"created {name}" for name in made) or "all topics are there")
    return 0


def check(
    config: Config = None,
    end_stuck: Annotated[
        bool, typer.Option("--end-stuck", help="Also abort transactions that a broker forgot to end.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Say what differs from the settings, and which transactions hold up readers for ever; 1 when there is any."""
    from streams.topics import differences, specs

    _, live = settings_of(config)
    with closing(administration_of(live)) as administration:
        found = differences(specs(live), administration.topics())
        stuck = administration.stuck()
        if end_stuck:
            administration.end_stuck(stuck)
    waiting = [f"{s.partition.topic}/{s.partition.number} from offset {s.since_offset}" for s in stuck]
    if as_json:
        print_json({"differences": found, "stuck_transactions": waiting, "ended": end_stuck})
    else:
        done = "ended" if end_stuck else "no coordinator knows it; end it with --end-stuck"
        print(
            "\n".join([*found, *(f"stuck transaction: {where}; {done}" for where in waiting)])
            or "all is as it should be"
        )
    return 1 if found or (stuck and not end_stuck) else 0


def acl(
    config: Config = None,
    ingest: Annotated[str, typer.Option(help="Principal of ingesters; with mTLS a certificate's name.")] = "ingest",
    detect: Annotated[str, typer.Option(help="Principal of detectors.")] = "detect",
    share: Annotated[
        str, typer.Option(help="Principal of those who share; may write to no partner by this.")
    ] = "share",
    tail: Annotated[str, typer.Option(help="Principal of people who look.")] = "tail",
    apply: Annotated[bool, typer.Option("--apply", help="Grant them, instead of printing commands to review.")] = False,
    as_json: Json = False,
) -> int:
    """Print the permissions of ingesters, detectors, sharers and people who look: each the least that it needs."""
    from streams.topics import commands, rules

    _, live = settings_of(config)
    wanted = rules(live, {"ingest": ingest, "detect": detect, "share": share, "tail": tail})
    if apply:
        with closing(administration_of(live)) as administration:
            administration.grant(wanted)
    if as_json:
        print_json({"rules": [rule._asdict() for rule in wanted], "granted": apply})
    else:
        print(f"granted {len(wanted)} permissions" if apply else "\n".join(commands(wanted, live.kafka.bootstrap)))
    return 0


for command in (create, check, acl):
    app.command()(answer(command))
