"""Progress on standard error: how far, how fast, how long still. Silent where nobody watches."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from maritime.replay import Progress


@contextmanager
def replay_progress(quiet: bool) -> Iterator["Progress | None"]:
    """A callable for `replay(progress=…)` that draws a bar; None when quiet or when standard error is no terminal."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:3.0f} %"),
        TextColumn("{task.fields[reports]:,} reports"),
        TextColumn("{task.fields[rate]:,.0f}/s"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as bar:
        task = bar.add_task("reading", total=None, reports=0, rate=0.0)

        def told(bytes_read: int, bytes_total: int, reports: int) -> None:
            seconds = bar.tasks[task].elapsed or 0.0
            rate = reports / seconds if seconds else 0.0
            doing = "reading" if bytes_read < bytes_total else "finishing"
            bar.update(task, description=doing, completed=bytes_read, total=bytes_total, reports=reports, rate=rate)

        yield told
