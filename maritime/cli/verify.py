"""`maritime verify`: who signed what a partner sent, and whether it is as it was signed."""

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from maritime.cli.screen import Json, print_json, time_of
from maritime.cli.share import need_share
from maritime.errors import InputError

if TYPE_CHECKING:
    from maritime.sharing.envelope import Envelope
    from maritime.sharing.keys import KeySet


def verify(
    file: Annotated[
        str, typer.Argument(help="A document of any format that carries an envelope; - is standard input.")
    ],
    keys: Annotated[Path, typer.Option(help="The originator's published key set (JWKS).")],
    at: Annotated[str | None, typer.Option(help="Judge as at this time; now if left out.")] = None,
    receipt: Annotated[
        Path | None,
        typer.Option(help="Also see that the copy stands in the originator's ledger, by its receipt (JSON)."),
    ] = None,
    as_json: Json = False,
) -> int:
    """Say who signed an envelope and whether it is unaltered; 1 when the signature does not hold. Names no vessel."""
    need_share()
    from maritime.errors import SignatureError
    from maritime.sharing.formats import open_document
    from maritime.sharing.keys import KeySet
    from maritime.sharing.signatures import verify as verify_signature

    at_ms = time_of(at, "--at")
    at_ms = int(time.time() * 1000) if at_ms is None else at_ms
    key_set = KeySet.read(keys)
    envelope, jws = open_document(_content(file))
    try:
        if jws is None:
            raise SignatureError("unsigned", "the envelope is not signed")
        key = verify_signature(envelope, jws, key_set, at_ms)
        is_known = _is_known(envelope)
        read = _read(envelope, must=is_known)
        head = _in_the_ledger(receipt, envelope, key_set, at_ms) if receipt else {}
    except SignatureError as error:
        if as_json:
            print_json({"valid": False, "reason": error.reason, "error": str(error), "exit_code": 1})
        print(f"maritime: not valid ({error.reason}): {error}", file=sys.stderr)
        return 1
    told = {
        "valid": True,
        "kid": key.kid,
        "key_of": key.org_id,
        "schema_version_known": is_known,
        **_told(read, at_ms),
        **head,
    }
    if as_json:
        print_json(told)
    else:
        _print(told)
    return 0


def _in_the_ledger(file: Path, envelope: dict[str, Any], keys: "KeySet", at_ms: int) -> dict[str, Any]:
    """Which ledger it stands in, by a receipt as `ledger prove` and `/receipts` give it."""
    from maritime.errors import SignatureError
    from maritime.sharing.canonical import canonical
    from maritime.sharing.receipts import check_receipt, read_head
    from maritime.sharing.untrusted import read_object

    content = _content(str(file))
    try:
        proof = read_object(content)
    except InputError as error:
        raise InputError(f"receipt {file}: {error}") from None
    jws, receipt = proof.get("head"), proof.get("receipt")
    if not isinstance(jws, str) or not isinstance(receipt, dict):
        raise InputError(f"{file} is no receipt: it has no 'receipt' with a signed 'head'; ask the originator for one")
    head = read_head(jws, keys, at_ms)
    try:
        check_receipt(receipt, head, canonical(envelope))
    except InputError as error:
        raise SignatureError("not_in_the_ledger", str(error)) from None
    return {"ledger_entries": head.size, "ledger_at": head.at}


def _content(file: str) -> bytes:
    from maritime.sharing.untrusted import MOST_BYTES

    try:
        if file == "-":
            return sys.stdin.buffer.read(MOST_BYTES + 1)
        with Path(file).open("rb") as document:
            return document.read(MOST_BYTES + 1)
    except OSError as error:
        raise InputError(
            f"{file} cannot be read ({error.strerror}); name a document, or - for standard input"
        ) from None


def _is_known(envelope: dict[str, Any]) -> bool:
    from maritime.sharing.envelope import SCHEMA_VERSION

    return envelope.get("schema_version") == SCHEMA_VERSION


def _read(envelope: dict[str, Any], *, must: bool) -> "Envelope | None":
    """The envelope; None where a newer version cannot be read as this one, and it need not be."""
    from pydantic import ValidationError

    from maritime.errors import SignatureError
    from maritime.sharing.envelope import SCHEMA_VERSION, Envelope

    try:
        return Envelope.model_validate({**envelope, "schema_version": SCHEMA_VERSION})
    except ValidationError as error:
        if not must:
            return None
        where = ".".join(str(part) for part in error.errors(include_input=False)[0]["loc"]) or "the whole"
        raise SignatureError(
            "not_an_envelope", f"it is as signed, but no envelope of version {SCHEMA_VERSION}: {where} is wrong"
        ) from None


def _told(envelope: "Envelope | None", at_ms: int) -> dict[str, Any]:
    """What can be said of an envelope without personal data."""
    from maritime.times import from_rfc3339

    if envelope is None:
        return {}
    names = ("alert_id", "revision", "kind", "status", "sent", "expires")
    told = {name: getattr(envelope, name) for name in names}
    expired = envelope.expires is not None and from_rfc3339(envelope.expires) <= at_ms
    return {"originator": envelope.originator.org_id, **told, "expired": expired}


def _print(told: dict[str, Any]) -> None:
    print(f"valid: as signed with key {told['kid']}" + (f" of {told['key_of']}" if told["key_of"] else ""))
    if not told["key_of"]:
        print("the key set does not say whose the key is: know it from where you got the set")
    if not told["schema_version_known"]:
        print("of a schema version that is not known here; fields may be missing in what is read of it")
    if "alert_id" in told:
        ends = f", {'expired' if told['expired'] else 'expires'} {told['expires']}" if told["expires"] else ""
        print(f"from {told['originator']}, sent {told['sent']}{ends}")
        print(f"{told['kind']} {told['alert_id']} revision {told['revision']}, {told['status']}")
    if "ledger_at" in told:
        print(f"it stands in the ledger of {told['ledger_entries']:,} entries of {told['ledger_at']}")
