"""`maritime import`: what partners sent into the store of received alerts, each verified first."""

import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, get_args

import typer

from maritime.cli.received import Store
from maritime.cli.screen import Json, print_json, time_of
from maritime.cli.share import need_share
from maritime.errors import InputError, UsageError

if TYPE_CHECKING:
    from maritime.sharing.keys import KeySet
    from maritime.sharing.received import ReceivedStore


def import_(
    files: Annotated[
        list[str], typer.Argument(help="Documents of any format, or JSON lines of them; - is standard input.")
    ],
    store: Store,
    keys: Annotated[
        list[Path] | None, typer.Option(help="Published key set (JWKS) of an originator; may be given several times.")
    ] = None,
    org: Annotated[
        str | None, typer.Option(help="Whose the key sets are: their keys count for this originator alone.")
    ] = None,
    unsigned: Annotated[
        bool, typer.Option("--unsigned", help="Keep unsigned ones too, marked; they are never passed on.")
    ] = False,
    format_: Annotated[
        str | None, typer.Option("--format", help="Take this format only: cise, cap, stix, geojson, misp, cloudevent.")
    ] = None,
    at: Annotated[str | None, typer.Option(help="Take them as received at this time; now if left out.")] = None,
    as_json: Json = False,
) -> int:
    """Keep what partners sent, if its signature holds; 1 when a document is rejected, which is counted and noted."""
    need_share()
    from maritime.sharing.formats import FORMATS
    from maritime.sharing.received import Outcome, ReceivedStore

    if not keys and not unsigned:
        raise UsageError("without --keys nothing can be verified; name the originator's key set, or say --unsigned")
    if format_ is not None and format_ not in FORMATS:
        raise UsageError(f"--format: '{format_}' is none of {', '.join(FORMATS)}")
    at_ms = time_of(at, "--at")
    known = key_set(keys or [], org)
    counts: Counter[str] = Counter()
    with ReceivedStore(store) as kept:
        for file in files:
            counts += _taken(file, kept, known, at_ms, unsigned, format_)
    done = {name: counts[name] for name in get_args(Outcome)}
    rejected = {name.partition(":")[2]: count for name, count in sorted(counts.items()) if ":" in name}
    if as_json:
        print_json({"documents": counts.total(), **done, "rejected": rejected})
    else:
        said = ", ".join(f"{count:,} {name}" for name, count in done.items() if count) or "nothing kept"
        print(f"documents: {counts.total():,}; {said}")
        for reason, count in rejected.items():
            print(f"  rejected, {reason}: {count:,}")
    return 1 if rejected else 0


def key_set(paths: list[Path], org: str | None) -> "KeySet":
    """The keys of several files, held to one originator where it is named. Raises UsageError for one name twice."""
    from maritime.sharing.intake import held_to
    from maritime.sharing.keys import KeySet, PublicKey

    keys: dict[str, PublicKey] = {}
    for path in paths:
        read = KeySet.read(path)
        for key in (held_to(read, org) if org else read).keys:
            if keys.setdefault(key.kid, key) != key:
                raise UsageError(
                    f"--keys: key {key.kid} of {path} is in another file with other marks; give one of them"
                )
    return KeySet(tuple(keys.values()))


def _taken(
    file: str, store: "ReceivedStore", keys: "KeySet", at_ms: int | None, unsigned: bool, format_: str | None
) -> Counter[str]:
    """What became of the documents of a file. A stream is kept line by line, a file at once."""
    from maritime.sharing.document_lines import documents
    from maritime.sharing.intake import Rejected, examine

    counts: Counter[str] = Counter()
    with _opened(file) as stream:
        for line, document in documents(stream):
            now_ms = round(time.time() * 1000) if at_ms is None else at_ms
            examined = examine(document, keys, now_ms, take_unsigned=unsigned, only=format_)
            outcome = examined if isinstance(examined, Rejected) else store.add(examined, now_ms)
            if isinstance(outcome, Rejected):
                store.reject(outcome, document, file, line, now_ms)
                where = file if line is None else f"{file}, line {line}"
                print(f"maritime: {where}: rejected ({outcome.reason}): {outcome.said}", file=sys.stderr)
                counts[f"rejected:{outcome.reason}"] += 1
            else:
                counts[outcome] += 1
    return counts


@contextmanager
def _opened(file: str) -> Iterator[BinaryIO]:
    if file == "-":
        yield sys.stdin.buffer
        return
    try:
        with Path(file).open("rb") as stream:
            yield stream
    except OSError as error:
        raise InputError(
            f"{file} cannot be read ({error.strerror}); name a document, or - for standard input"
        ) from None
