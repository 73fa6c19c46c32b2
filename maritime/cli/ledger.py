"""`maritime ledger`: sign what the ledger has come to, find what was done to it, and prove a copy."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from maritime.cli.screen import Json, answer, print_json
from maritime.cli.share import need_share
from maritime.errors import UsageError

if TYPE_CHECKING:
    from maritime.sharing.receipts import Head

app = typer.Typer(no_args_is_help=True, help="The ledger of what was shared, and what was not.")
LedgerFile = Annotated[Path, typer.Option("--ledger", help="File of the ledger; it is only read.")]
HeadsFile = Annotated[
    Path | None,
    typer.Option("--heads", help="Signed heads, one a line, the newest last; LEDGER.heads, as `share` writes it."),
]
Keys = Annotated[Path, typer.Option("--keys", help="The originator's published key set (JWKS).")]


def head(
    ledger: LedgerFile,
    key: Annotated[Path, typer.Option(help="Private key (PEM) that signs.")],
    heads: HeadsFile = None,
    as_json: Json = False,
) -> int:
    """Sign the state of the ledger now and add it to the file of heads, as `share` does each day."""
    need_share()
    from maritime.sharing.envelope import offset_time
    from maritime.sharing.heads import add_head, heads_beside
    from maritime.sharing.keys import SigningKey
    from maritime.sharing.ledger import Ledger

    signing = SigningKey.read(key)
    with Ledger(existing(ledger), read_only=True) as written:
        state = written.head(offset_time(int(time.time()) * 1000))
    add_head(heads or heads_beside(ledger), state, signing)
    if as_json:
        print_json({"size": state.size, "root": state.root.hex(), "at": state.at, "kid": signing.kid})
    else:
        print(f"{state.size:,} entries at {state.at}, signed with key {signing.kid}")
    return 0


def check(ledger: LedgerFile, keys: Keys, heads: HeadsFile = None, as_json: Json = False) -> int:
    """Find the first entry that was changed, removed, moved or put in; 1 when there is one."""
    need_share()
    from maritime.sharing.ledger import Ledger
    from maritime.sharing.ledger_check import check as look

    signed = [state for _, state in _signed(ledger, heads, keys)]
    with Ledger(existing(ledger), read_only=True) as written:
        fault, size = look(written, signed), len(written)
    if as_json:
        print_json({"entries": size, "heads": len(signed), "fault": None if fault is None else fault.sentence})
    elif fault is None:
        print(f"{size:,} entries are as they were written, by {len(signed)} signed heads")
    else:
        print(f"not as it was written: {fault.sentence}")
    return 0 if fault is None else 1


def prove(
    alert_id: Annotated[str, typer.Argument(help="The alert's id as the partner knows it.")],
    revision: Annotated[int, typer.Argument(min=0, help="Revision of the copy.")],
    partner: Annotated[str, typer.Argument(help="Who was sent it.")],
    ledger: LedgerFile,
    keys: Keys,
    heads: HeadsFile = None,
    as_json: Json = False,
) -> int:
    """Print, as JSON in any case, the receipt that a copy is in the ledger, with the newest signed head."""
    need_share()
    from maritime.sharing.ledger import Ledger

    signed = _signed(ledger, heads, keys)
    if not signed:
        raise UsageError(f"there is no signed head of {ledger} yet; make one with 'maritime ledger head'")
    jws, newest = signed[-1]
    with Ledger(existing(ledger), read_only=True) as written:
        receipt = written.prove(written.find(alert_id, revision, partner), newest.size)
    print_json({"receipt": receipt, "head": jws})
    return 0


def existing(ledger: Path) -> Path:
    """The file, if it is there. Raises UsageError."""
    if not ledger.is_file():
        raise UsageError(f"there is no ledger {ledger}; name the file that 'maritime share' writes")
    return ledger


def _signed(ledger: Path, heads: Path | None, keys: Path) -> "list[tuple[str, Head]]":
    """The heads of a file, each verified. Raises SignatureError for one that is not the originator's."""
    from maritime.sharing.heads import heads_beside
    from maritime.sharing.keys import KeySet
    from maritime.sharing.receipts import read_head, read_heads

    key_set, now_ms = KeySet.read(keys), int(time.time() * 1000)
    return [(jws, read_head(jws, key_set, now_ms)) for jws in read_heads(heads or heads_beside(ledger))]


@app.callback()
def ledger() -> None:
    """The ledger of what was shared, and what was not."""


for command in (head, check, prove):
    app.command()(answer(command))
