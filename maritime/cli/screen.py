"""Screen: results on standard output, for people or as JSON; everything else on standard error."""

import functools
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ParamSpec

import typer

from maritime.errors import MaritimeError, UsageError

if TYPE_CHECKING:
    from rich.console import Console

INTERRUPTED = 130  # 128 + SIGINT, as shells count

Parameters = ParamSpec("Parameters")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables; no progress.")]
Format = Annotated[str | None, typer.Option("--format", help="Input format; found out by itself when left out.")]
Mapping = Annotated[Path | None, typer.Option(help="YAML file that names the columns of a table of your own.")]
Start = Annotated[str | None, typer.Option(help="When a log without times begins, as 2020-01-01T00:00:00Z.")]


def answer(command: Callable[Parameters, int | None]) -> Callable[Parameters, None]:
    """Wrap a command: its number becomes the exit code, an error of ours one sentence and its exit code."""

    @functools.wraps(command)
    def run(*args: Parameters.args, **kwargs: Parameters.kwargs) -> None:
        try:
            code = command(*args, **kwargs) or 0
        except MaritimeError as error:
            code = tell(str(error), error.exit_code, as_json=bool(kwargs.get("as_json")))
        except KeyboardInterrupt:
            code = tell("interrupted; nothing half-written is left", INTERRUPTED, as_json=bool(kwargs.get("as_json")))
        raise typer.Exit(code)

    return run


def tell(sentence: str, code: int, *, as_json: bool) -> int:
    """Say on standard error what went wrong, with JSON on standard output too where asked for; returns the code."""
    if as_json:
        print_json({"error": sentence, "exit_code": code})
    print(f"maritime: {sentence}", file=sys.stderr)
    return code


def print_json(value: dict[str, Any]) -> None:
    """One JSON object on standard output."""
    print(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False))


def console() -> "Console":
    """The console for results. Where the output is no terminal it is wide enough that no table cell is cut."""
    from rich.console import Console

    return Console(highlight=False, markup=False, emoji=False, width=None if sys.stdout.isatty() else 160)


def time_of(text: str | None, option: str) -> int | None:
    """The time in an option as ms UTC. Raises UsageError that names the option."""
    from maritime.times import from_rfc3339

    if text is None:
        return None
    try:
        return from_rfc3339(text)
    except UsageError as error:
        raise UsageError(f"{option}: {error}") from None


def newest_accepted_ms() -> int:
    """Reports later than this are refused: the wall clock and a day."""
    import time

    from maritime.units import DAY_MS

    return int(time.time() * 1000) + DAY_MS
