"""The command line: `maritime --help` lists the commands, one file each.

Exit codes: 0 done; 1 some inputs could not be read to their end, or a result could not be written; 2 wrong usage;
3 wrong configuration; 130 and 143 interrupted by Ctrl-C or a termination signal.

Heavy modules are imported inside the commands, so that help and mistakes answer at once.
"""

import signal
import sys
from io import TextIOWrapper
from typing import Any

import typer

from maritime.cli import (
    events,
    feedback,
    group,
    keys,
    ledger,
    partners,
    policy,
    received,
    review,
    serve,
    topics,
    watchlist,
)
from maritime.cli.decode import decode
from maritime.cli.demo import demo
from maritime.cli.detect import detect
from maritime.cli.doctor import doctor
from maritime.cli.evaluate import evaluate
from maritime.cli.explain import explain
from maritime.cli.export import export
from maritime.cli.import_ import import_
from maritime.cli.ingest import ingest
from maritime.cli.inspect import inspect
from maritime.cli.publish import share
from maritime.cli.replay import replay
from maritime.cli.report import report
from maritime.cli.run import run
from maritime.cli.screen import answer, tell
from maritime.cli.simulate import simulate
from maritime.cli.tail import tail
from maritime.cli.verify import verify

app = typer.Typer(
    name="maritime",
    help="AIS messages in, explained alerts out: loitering, dark periods and unusual landings.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (
    *(replay, explain, inspect, decode, simulate, evaluate, demo, doctor),
    *(run, ingest, detect, share, tail, export, verify, report),
):
    app.command()(answer(command))
app.command("import")(answer(import_))
app.add_typer(topics.app, name="topics")
app.add_typer(group.app, name="group")
app.add_typer(keys.app, name="keys")
app.add_typer(policy.app, name="policy")
app.add_typer(partners.app, name="partners")
app.add_typer(serve.app, name="serve")
app.add_typer(ledger.app, name="ledger")
app.add_typer(received.app, name="received")
app.add_typer(events.app, name="events")
app.add_typer(watchlist.app, name="watchlist")
app.add_typer(feedback.app, name="feedback")
app.add_typer(review.app, name="review")


def version(show: bool) -> None:
    """Print the version and stop."""
    if show:
        import maritime

        print(maritime.__version__)
        raise typer.Exit


@app.callback()
def common(
    _version: bool = typer.Option(False, "--version", callback=version, is_eager=True, help="Print the version."),
) -> None:
    """Maritime anomaly detection on AIS."""


def main() -> None:
    """Run the command line and exit with its code."""
    signal.signal(signal.SIGTERM, _terminate)
    if isinstance(sys.stdout, TextIOWrapper):  # file names may be no text, and terminals may lack letters
        sys.stdout.reconfigure(errors="backslashreplace")
    if "--json" not in sys.argv[1:]:
        app()
    try:
        code = app(standalone_mode=False)
    except typer.TyperException as error:  # wrong usage, found before the command begins
        code = tell(error.format_message(), error.exit_code, as_json=True)
    sys.exit(code)


def _terminate(signum: int, _frame: Any) -> None:
    """Leave through every context manager, so that nothing half-written stays."""
    print("maritime: terminated; nothing half-written is left", file=sys.stderr)
    sys.exit(128 + signum)
