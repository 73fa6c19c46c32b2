"""`maritime review`: what people in the house say of alerts, before and after partners are told of them."""

import json
import sqlite3
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from maritime.cli.ledger import existing
from maritime.cli.screen import Json, answer, print_json
from maritime.cli.share import need_share
from maritime.errors import OutputError, UsageError

if TYPE_CHECKING:
    from maritime.sharing.desk import Whole
    from maritime.sharing.human_review import HumanReview
    from maritime.sharing.review_book import Filed

app = typer.Typer(no_args_is_help=True, help="What people say of alerts, which decides who is told.")
LedgerFile = Annotated[Path, typer.Option("--ledger", help="File of the ledger.")]


def say(
    alert_id: Annotated[str, typer.Argument(help="The alert's id of ours, or its beginning.")],
    ledger: LedgerFile,
    state: Annotated[str, typer.Option(help="confirmed, dismissed or resolved.")],
    role: Annotated[str, typer.Option(help="Role of who reviewed it, not the name.")],
    protected_persons: Annotated[
        str | None,
        typer.Option(help="People on board need protection: the countries they come from, as SY,IQ; unknown; or none."),
    ] = None,
    personal_data: Annotated[
        str | None, typer.Option(help="yes or no: whether it tells of a person; else craft and size say so.")
    ] = None,
    offence: Annotated[
        str | None, typer.Option(help="The offence that this role confirms, as illegal_fishing; none takes it back.")
    ] = None,
    caveat: Annotated[str | None, typer.Option(help="A sentence that goes with it, to who may read caveats.")] = None,
    as_json: Json = False,
) -> int:
    """Say what an alert is. `maritime share` then decides about it anew for every partner, within seconds."""
    need_share()
    from maritime.sharing.envelope import offset_time
    from maritime.sharing.ledger import Ledger
    from maritime.sharing.review_book import ReviewBook

    now_ms = _now_ms()
    review = _review(
        state=state,
        role=role,
        at=offset_time(now_ms),
        **_protection(protected_persons),
        personal_data=_yes_or_no(personal_data),
        offence=offence,
        caveats=() if caveat is None else (caveat,),
    )
    with Ledger(existing(ledger)) as written:
        try:
            book = ReviewBook(written)
            whole = book.reading.whole(alert_id)
            number = book.say(whole, review)
        except sqlite3.Error as error:
            raise OutputError(f"ledger {ledger} cannot be written ({error})") from None
    is_over = whole.expires_ms <= now_ms
    if as_json:
        told = {"number": number, "alert_id": whole.internal_id, "revision": whole.internal_revision}
        print_json({**told, "review": review.to_dict(), "expired": is_over})
        return 0
    print(f"review {number} of {whole.internal_id}: {_words(review)}; maritime share decides anew for every partner")
    if is_over:
        print(f"it expired at {offset_time(whole.expires_ms)}: nobody is sent it anew; who may not have it lets go")
    return 0


def list_(
    ledger: LedgerFile,
    most: Annotated[int, typer.Option(min=1, max=10_000, help="So many of each, the newest.")] = 100,
    as_json: Json = False,
) -> int:
    """List the alerts of which no person has said anything yet, and what was said of others; the newest first."""
    need_share()
    from maritime.sharing.ledger import Ledger
    from maritime.sharing.review_book import ReviewReading

    with Ledger(existing(ledger), read_only=True) as written:
        reading = ReviewReading(written.database)
        waiting = [_waiting_row(each) for each in reading.unreviewed(_now_ms(), most)]
        said = [_said_row(each) for each in reading.newest(most)]
    if as_json:
        print_json({"unreviewed": waiting, "reviews": said})
        return 0
    for row in waiting:
        vessel = f" of {row['mmsi']}" if row["mmsi"] else ""
        exercise = "" if row["status"] == "actual" else f" ({row['status']})"
        print(
            f"{row['alert_id']} {row['type']}{vessel}{exercise}, {row['severity']}, confidence {row['confidence']:.2f}"
        )
        print(f"  since {row['started_at']}, revision {row['revision']}, may be sent until {row['expires']}")
    print(f"{len(waiting):,} not reviewed")
    for row in said:
        taken = "; cannot be acted on" if row["is_refused"] else "" if row["taken_at"] else "; not acted on yet"
        print(f"{row['at']} {row['alert_id']} revision {row['revision']}: {row['words']}{taken}")
    print(f"{len(said):,} reviews")
    return 0


def _waiting_row(whole: "Whole") -> dict[str, Any]:
    from maritime.sharing.envelope import offset_time

    alert = json.loads(whole.alert)
    return {
        "alert_id": whole.internal_id,
        "revision": whole.internal_revision,
        "status": whole.status,
        **{name: alert[name] for name in ("type", "mmsi", "started_at", "severity", "confidence", "lat", "lon")},
        "expires": offset_time(whole.expires_ms),
    }


def _said_row(filed: "Filed") -> dict[str, Any]:
    from maritime.sharing.envelope import offset_time

    return {
        "alert_id": filed.internal_id,
        "revision": filed.internal_revision,
        **filed.review.to_dict(),
        "words": _words(filed.review),
        "taken_at": None if filed.taken_ms is None else offset_time(filed.taken_ms),
        "is_refused": filed.is_refused,
    }


def _words(review: "HumanReview") -> str:
    """A review in a line."""
    said = [f"{review.state} by {review.role}"]
    if review.protected is not None:
        countries = ", ".join(review.countries_of_origin) or "not known where from"
        said.append(f"protected persons ({countries})" if review.protected else "no protected persons")
    if review.personal_data is not None:
        said.append("personal data" if review.personal_data else "no personal data")
    if review.offence is not None:
        said.append(f"offence {review.offence}")
    return ", ".join((*said, *review.caveats))


def _protection(text: str | None) -> dict[str, Any]:
    if text is None:
        return {}
    if text == "none":
        return {"protected": False}
    countries = () if text == "unknown" else tuple(part.strip() for part in text.split(","))
    return {"protected": True, "countries_of_origin": countries}


def _yes_or_no(text: str | None) -> bool | None:
    if text not in (None, "yes", "no"):
        raise UsageError(f"--personal-data: '{text}' is neither yes nor no")
    return None if text is None else text == "yes"


def _review(**said: Any) -> "HumanReview":
    from pydantic import ValidationError

    from maritime.sharing.human_review import HumanReview

    try:
        return HumanReview.model_validate(said)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        option = OPTIONS.get(str(first["loc"][0])) if first["loc"] else None
        raise UsageError(f"{option} {first['input']!a}: {first['msg']}" if option else first["msg"]) from None


OPTIONS = {
    "state": "--state",
    "role": "--role",
    "countries_of_origin": "--protected-persons",
    "offence": "--offence",
    "caveats": "--caveat",
}


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


@app.callback()
def review() -> None:
    """What people say of alerts."""


app.command("say")(answer(say))
app.command("list")(answer(list_))
