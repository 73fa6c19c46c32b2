"""`maritime feedback`: what partners say of their alerts, answers to what they ask, and what it makes of precision."""

import json
import sqlite3
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from maritime.cli.ledger import existing
from maritime.cli.screen import Json, answer, print_json
from maritime.cli.share import need_share
from maritime.errors import InputError, OutputError

if TYPE_CHECKING:
    from maritime.sharing.feedback_reading import FeedbackReading, Kept

app = typer.Typer(no_args_is_help=True, help="What partners say of their alerts.")
LedgerFile = Annotated[Path, typer.Option("--ledger", help="File of the ledger.")]
Partner = Annotated[str | None, typer.Option("--partner", help="This partner alone.")]
MOST_BYTES: Final = 64 * 1024  # of an answer on standard input


def list_(
    ledger: LedgerFile,
    is_open: Annotated[bool, typer.Option("--open", help="Only requests that wait for an answer.")] = False,
    overdue: Annotated[bool, typer.Option("--overdue", help="Of these only those whose deadline is over.")] = False,
    refused: Annotated[bool, typer.Option("--refused", help="What was not taken, and why.")] = False,
    partner: Partner = None,
    most: Annotated[int, typer.Option(min=1, max=10_000, help="So many, the newest.")] = 100,
    as_json: Json = False,
) -> int:
    """List what partners said, the newest first; or the requests that wait, the most urgent first."""
    need_share()
    from maritime.sharing.ledger import Ledger

    now_ms = _now_ms()
    with Ledger(existing(ledger), read_only=True) as written:
        reading = _reading(written.database)
        if refused:
            refusals = reading.refusals(most, partner)
            return _print_refusals(refusals, as_json)
        waiting = reading.open_requests(partner)
        late = [each for each in waiting if each.answer_by_ms is not None and each.answer_by_ms <= now_ms]
        found = late if overdue else waiting if is_open else reading.newest(most, partner)
        states = {each[:3]: "open" for each in waiting} | {each[:3]: "overdue" for each in late}
        rows = [_row(reading, each, states.get(each[:3])) for each in found[:most]]
    if as_json:
        print_json({"feedback": rows})
        return 0
    for row in rows:
        _print_row(row)
    what = "request" if is_open or overdue else "message"
    print(f"{len(rows):,} {what}{'' if len(rows) == 1 else 's'}")
    return 0


def answer_(
    feedback_id: Annotated[str, typer.Argument(help="The request, by its feedback_id.")],
    text: Annotated[str, typer.Argument(help="What to say; - reads it from standard input.")],
    ledger: LedgerFile,
    role: Annotated[str, typer.Option(help="Role of who answers, not the name.")],
    partner: Annotated[str | None, typer.Option("--partner", help="Whose request, where several have the id.")] = None,
    as_json: Json = False,
) -> int:
    """Answer a partner's request for information. `maritime share` signs the answer and sends it to that partner."""
    need_share()
    import secrets

    from maritime.sharing.feedback_book import FeedbackBook
    from maritime.sharing.ledger import Ledger

    words = _standard_input() if text == "-" else text
    with Ledger(existing(ledger)) as written:
        asked = _reading(written.database).request(feedback_id, partner)
        try:
            book = FeedbackBook(written, secrets.token_bytes)
            answer_id = book.answer(feedback_id, words, role, _now_ms(), asked.partner)
        except sqlite3.Error as error:
            raise OutputError(f"ledger {ledger} cannot be written ({error})") from None
    if as_json:
        print_json({"answer_id": answer_id, "feedback_id": feedback_id, "partner": asked.partner})
    else:
        print(f"answer {answer_id} to {asked.partner} waits to be signed and sent by maritime share")
    return 0


def precision(ledger: LedgerFile, as_json: Json = False) -> int:
    """Say of each type of alert how many partners confirmed and dismissed; shares with Wilson intervals of 95 %."""
    need_share()
    from maritime.evaluate.intervals import wilson_interval
    from maritime.sharing.ledger import Ledger
    from maritime.sharing.precision import LEAST_BASE, votes_of

    with Ledger(existing(ledger), read_only=True) as written:
        reading = _reading(written.database)
        found = votes_of(reading.verdicts(), reading.past_verdicts())
    rows: list[dict[str, Any]] = [
        {
            "type": votes.type,
            "confirmed": votes.confirmed,
            "dismissed": votes.dismissed,
            "share_confirmed": None if votes.share is None else round(votes.share, 4),
            "interval_95": None
            if votes.share is None
            else [round(end, 4) for end in wilson_interval(votes.confirmed, votes.count) or ()],
            "contested": votes.contested,
        }
        for votes in found
    ]
    if as_json:
        print_json({"types": rows, "least_base": LEAST_BASE})
        return 0
    for row in rows:
        share, interval = row["share_confirmed"], row["interval_95"]
        told = (
            f"fewer than {LEAST_BASE} votes"
            if share is None
            else f"{share:.0%} ({interval[0]:.0%} to {interval[1]:.0%})"
        )
        contested = f", {len(row['contested'])} contested" if row["contested"] else ""
        print(f"{row['type']}: {row['confirmed']} confirmed, {row['dismissed']} dismissed{contested}: {told}")
    print(f"{sum(votes.count for votes in found):,} votes, one of each partner and alert")
    return 0


def verdicts(
    ledger: LedgerFile,
    out: Annotated[Path, typer.Option(help="JSON lines to write: alert_id, verdict, at.")],
    as_json: Json = False,
) -> int:
    """Write one line for each alert about which partners agree; the contested ones are left out and counted."""
    need_share()
    from maritime.alerts.output import whole_files
    from maritime.sharing.ledger import Ledger
    from maritime.sharing.precision import agreed
    from maritime.times import to_rfc3339

    with Ledger(existing(ledger), read_only=True) as written:
        found, contested = agreed(_reading(written.database).verdicts())
    lines = [
        json.dumps({"alert_id": each.alert_id, "verdict": each.verdict, "at": to_rfc3339(each.at_ms)}) + "\n"
        for each in found
    ]
    with whole_files(out) as (partial,):
        partial.write_text("".join(lines), "utf-8")
    if as_json:
        print_json({"verdicts": len(lines), "contested": contested, "out": str(out)})
    else:
        print(f"{len(lines):,} verdicts written to {out}, {contested} contested")
    return 0


def _row(reading: "FeedbackReading", kept: "Kept", waits: str | None) -> dict[str, Any]:
    """`waits` says whether a request is open or overdue; None when it is neither."""
    from maritime.sharing.feedback_reading import said_again
    from maritime.times import to_rfc3339

    message = said_again(kept)
    row = {
        "partner": kept.partner,
        "feedback_id": kept.feedback_id,
        "kind": kept.kind,
        "at": to_rfc3339(kept.at_ms),
        "alert_id": kept.internal_id,
        "shared_alert_id": kept.alert_id,
        "revision": kept.revision,
        "type": kept.type,
        "role": kept.role,
        "reason": kept.reason,
        "note": message.get("note"),
    }
    if kept.answer_by_ms is not None:
        answers = reading.answers(kept.partner, kept.feedback_id)
        row |= {
            "question": message["question"],
            "answer_by": to_rfc3339(kept.answer_by_ms),
            "state": waits or ("answered" if answers else "closed by the partner"),
            "answers": [{"text": each.text, "role": each.role, "at": to_rfc3339(each.written_ms)} for each in answers],
        }
    return row


def _print_row(row: dict[str, Any]) -> None:
    words = "\n".join(filter(None, (row.get("question"), row["note"])))
    reason = f" ({row['reason']})" if row["reason"] else ""
    deadline = f", {row['state']}, answer by {row['answer_by']}" if "state" in row else ""
    kind = row["kind"].replace("_", " ")
    print(f"{row['at']} {row['partner']}: {kind}{reason}, {row['type']} {row['alert_id']} revision {row['revision']}")
    print(f"  {row['feedback_id']} by {row['role']}{deadline}")
    for line in words.splitlines():
        print(f"  {line}")


def _print_refusals(refusals: list[dict[str, Any]], as_json: bool) -> int:
    from maritime.times import to_rfc3339

    rows = [{**row, "refused_at": to_rfc3339(row.pop("refused_ms"))} for row in refusals]
    if as_json:
        print_json({"refused": rows})
        return 0
    for row in rows:
        why = f": {row['said']}" if row["said"] else ""
        print(f"{row['refused_at']} {row['partner']} ({row['way']}, {row['place']}): {row['reason']}{why}")
    print(f"{len(rows):,} refused")
    return 0


def _standard_input() -> str:
    text = sys.stdin.buffer.read(MOST_BYTES + 1)
    if len(text) > MOST_BYTES:
        raise InputError(f"the answer has more than {MOST_BYTES >> 10} KiB; shorten it")
    try:
        return text.decode().strip()
    except UnicodeDecodeError:
        raise InputError("the answer on standard input is not UTF-8; save it as such") from None


def _reading(database: sqlite3.Connection) -> "FeedbackReading":
    from maritime.sharing.feedback_reading import FeedbackReading

    return FeedbackReading(database)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


@app.callback()
def feedback() -> None:
    """What partners say of their alerts."""


app.command("list")(answer(list_))
app.command("answer")(answer(answer_))
app.command("precision")(answer(precision))
app.command("verdicts")(answer(verdicts))
