"""`maritime export`: an alert in the format of another system, as its originator sees it or as a partner may."""

import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import uuid4

import typer

from maritime.cli.given_alert import given_alert
from maritime.cli.screen import Json, print_json, time_of
from maritime.cli.share import need_share
from maritime.errors import UsageError

if TYPE_CHECKING:
    from maritime.alerts.alert import Alert
    from maritime.sharing.decide import Decision
    from maritime.sharing.envelope import Envelope, Status
    from maritime.sharing.human_review import HumanReview
    from maritime.sharing.intake import Standing
    from maritime.sharing.policy import ReleasePolicy
    from maritime.sharing.prepare import Address
    from maritime.sharing.received import Kept
    from maritime.sharing.release import Release

Policy = Annotated[Path | None, typer.Option(help="Release policy; without one there are no partners.")]
From = Annotated[
    Path | None, typer.Option("--from", help="Folder of a replay; the newest here or one level down if left out.")
]
PseudonymKeys = Annotated[
    Path | None,
    typer.Option(envvar="MARITIME_PSEUDONYM_KEYS", help="Folder of the keys that `maritime keys pseudonyms` makes."),
]


def export(
    alert: Annotated[str, typer.Argument(help="JSON file, - for standard input, or an alert's id in a folder.")],
    format_: Annotated[str, typer.Option("--format", help="cise, cap, stix, geojson, misp or cloudevent.")],
    partner: Annotated[str | None, typer.Option(help="Whose copy; the originator's own full view if left out.")] = None,
    policy: Policy = None,
    from_: From = None,
    from_store: Annotated[
        Path | None,
        typer.Option(help="Store of received alerts that the id is in; passed on as its originator allows."),
    ] = None,
    key: Annotated[Path | None, typer.Option(help="Private key (PEM) to sign with.")] = None,
    pseudonym_keys: PseudonymKeys = None,
    at: Annotated[str | None, typer.Option(help="When it is sent; now if left out.")] = None,
    as_json: Json = False,
) -> int:
    """Write an alert to standard output in another system's format; 1 when the policy denies it to the partner.

    An alert of a file is an exercise; an envelope stays what it is, and what it calls actual is not signed here. A copy
    that would wait is shown as it will be when it leaves.
    """
    need_share()
    from maritime.sharing.formats import FORMATS
    from maritime.sharing.keys import SigningKey
    from maritime.sharing.release import Release
    from maritime.sharing.signatures import sign

    if format_ not in FORMATS:
        raise UsageError(f"--format: '{format_}' is none of {', '.join(FORMATS)}")
    signing = SigningKey.read(key) if key else None
    sent_ms = time_of(at, "--at")
    sent_ms = int(time.time() * 1000) if sent_ms is None else sent_ms
    by = the_policy(policy)
    kept = _received(alert, from_store, sent_ms) if from_store else None
    envelope = kept.envelope() if kept else whole_view(given_alert(alert, from_), by, "exercise", sent_ms)
    if kept and kept.standing != "own" and partner is None and key:
        raise UsageError("--key: what was received bears its originator's signature; name a --partner to make a copy")
    if signing and envelope.status == "actual":
        raise UsageError(
            f"{alert} says that it is actual, and such a one is signed by 'maritime share' alone; omit --key"
        )
    if partner is not None:
        answer = decided(envelope, partner, by, sent_ms, pseudonym_keys, kept.standing if kept else None)
        if answer.envelope is None:
            sentence = f"denied to {partner} ({answer.code}): {answer.steps[-1].said}"
            if as_json:
                print_json({"error": sentence, "reason": answer.code, "exit_code": 1})
            print(f"maritime: {sentence}", file=sys.stderr)
            return 1
        envelope = answer.envelope
    signed_before = kept.jws if kept and partner is None else None
    release = Release(envelope, sign(envelope, signing) if signing else signed_before)
    document = rendered(release, format_, by.partners[partner].languages if partner else None)
    if as_json:
        print_json({"media_type": FORMATS[format_].media_type, "document": document.decode()})
    else:
        sys.stdout.buffer.write(document if document.endswith(b"\n") else document + b"\n")
        sys.stdout.flush()
    return 0


def _received(alert_id: str, store: Path, at_ms: int) -> "Kept":
    from maritime.cli.received import existing
    from maritime.sharing.received import ReceivedStore

    with ReceivedStore(existing(store), read_only=True) as kept:
        return kept.find(alert_id, at_ms)


def rendered(release: "Release", format_: str, languages: Sequence[str] | None) -> bytes:
    """A release as a document, in the recipient's languages where the format has a place for several."""
    from maritime.sharing.formats import FORMATS, cap

    if format_ == "cap" and languages is not None:
        return cap.render(release, languages=languages)
    return FORMATS[format_].render(release)


def the_policy(path: Path | None) -> "ReleasePolicy":
    """The policy of a file; without one, that of an originator who shares with nobody."""
    from maritime.sharing.own_view import OWN_VIEW
    from maritime.sharing.policy_file import load_policy

    return load_policy(path) if path else OWN_VIEW


def new_address() -> "Address":
    """Numbers that nobody has yet: what is exported by hand stands in no ledger."""
    from maritime.sharing.prepare import Address

    return Address(str(uuid4()), 0, "alert", (), str(uuid4()))


def whole_view(
    given: "Alert | Envelope",
    by: "ReleasePolicy",
    status: "Status",
    sent_ms: int,
    review: "HumanReview | None" = None,
) -> "Envelope":
    """The full view of an alert; an envelope is one already. Raises UsageError where the policy shares no such type."""
    from maritime.sharing.envelope import Envelope
    from maritime.sharing.prepare import prepare

    if isinstance(given, Envelope):
        if review is not None:
            raise UsageError("an envelope says itself how it was reviewed; --review is for an alert")
        return given
    envelope = prepare(given, by, status=status, sent_ms=sent_ms, address=new_address(), review=review)
    if envelope is None:
        raise UsageError(f"the policy {by.policy} has no mark for {given.type}, so it is shared with nobody")
    return envelope


def decided(
    envelope: "Envelope",
    partner: str,
    by: "ReleasePolicy",
    now_ms: int,
    pseudonym_keys: Path | None,
    standing: "Standing | None" = None,
) -> "Decision":
    """The answer for a partner; where it is to wait, that of the hour in which it leaves.

    `standing` is that of what was received; None is an alert of our own.
    """
    from maritime.sharing.decide import decide
    from maritime.sharing.pass_on import pass_on
    from maritime.sharing.pseudonym_keys import read_pseudonym_keys

    if partner not in by.partners:
        raise UsageError(
            f"'{partner}' is no partner of the policy {by.policy}; there are {', '.join(by.partners) or 'none'}"
        )
    keys = read_pseudonym_keys(pseudonym_keys, by) if pseudonym_keys else {}
    key, address = keys.get(partner), new_address()
    if standing is None:
        ask = partial(decide, envelope, partner, by, address=address, pseudonym_key=key)
    else:  # reports of one event keep its number, whoever passes them on
        address = replace(address, context_id=envelope.context_id)
        ask = partial(pass_on, envelope, standing, partner, by, address=address, pseudonym_key=key)
    answer = ask(now_ms=now_ms)
    if answer.outcome != "held" or answer.release_at_ms is None:
        return answer
    from maritime.times import to_rfc3339

    print(
        f"maritime: it waits until {to_rfc3339(answer.release_at_ms)}; this is the copy that leaves then",
        file=sys.stderr,
    )
    return ask(now_ms=answer.release_at_ms)
