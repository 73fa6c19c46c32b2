"""`maritime keys`: keys that sign what is shared, and the set of their public parts that partners verify with."""

import contextlib
import secrets
import time
from pathlib import Path
from typing import Annotated

import typer

from maritime.cli.private_file import write_private
from maritime.cli.screen import Json, answer, print_json, time_of
from maritime.cli.share import need_share
from maritime.errors import UsageError

app = typer.Typer(no_args_is_help=True, help="Keys that sign what is shared with partners.")


def new(
    out: Annotated[Path, typer.Option(help="New file for the private key (PEM); only its owner may read it.")],
    jwks: Annotated[
        Path, typer.Option(help="The published key set: its public part is added, or the file is made with it.")
    ],
    valid_from: Annotated[
        str | None, typer.Option(help="When it begins to sign; now if left out. Give partners time to fetch it.")
    ] = None,
    valid_until: Annotated[
        str | None, typer.Option(help="When it ends; if left out, a day after its successor begins.")
    ] = None,
    org: Annotated[
        str | None, typer.Option(help="The originator whose envelopes alone it signs, as in originator.org_id.")
    ] = None,
    as_json: Json = False,
) -> int:
    """Make a key. The one before it in the set ends a day after this one begins, unless it has an end already."""
    need_share()
    from pydantic import TypeAdapter, ValidationError

    from maritime.alerts.output import whole_files, write_errors
    from maritime.sharing.envelope import OrgId
    from maritime.sharing.keys import SEED_BYTES, KeySet, SigningKey
    from maritime.times import to_rfc3339

    begins_ms = time_of(valid_from, "--valid-from")
    begins_ms = int(time.time()) * 1000 if begins_ms is None else begins_ms
    ends_ms = time_of(valid_until, "--valid-until")
    if ends_ms is not None and ends_ms <= begins_ms:
        raise UsageError(f"a key from {to_rfc3339(begins_ms)} until {to_rfc3339(ends_ms)} is never valid")
    try:
        TypeAdapter(OrgId | None).validate_python(org)
    except ValidationError:
        raise UsageError(f"--org: {org!r} is no short name such as 'centre.example'") from None
    before = KeySet.read(jwks) if jwks.exists() else KeySet()
    if before.passed_over:
        raise UsageError(f"{jwks} also holds keys that are not Ed25519 and would be lost; name a set of its own")
    key = SigningKey.from_seed(secrets.token_bytes(SEED_BYTES))
    keys = before.rotated(key.public(ends_ms=ends_ms, org_id=org), begins_ms)
    with write_errors(out):
        _write_key(out, key.to_pem())
    try:
        with whole_files(jwks) as (partial,):
            partial.write_bytes(keys.to_jwks())
    except BaseException:
        with contextlib.suppress(OSError):
            out.unlink()
        raise
    ended = [each for each in keys.keys if each not in before.keys and each.kid != key.kid]
    if as_json:
        print_json(
            {
                "kid": key.kid,
                "valid_from": to_rfc3339(begins_ms),
                "valid_until": to_rfc3339(ends_ms),
                "ended": {each.kid: to_rfc3339(each.ends_ms) for each in ended},
            }
        )
        return 0
    print(f"key {key.kid} signs from {to_rfc3339(begins_ms)}" + (f" until {to_rfc3339(ends_ms)}" if ends_ms else ""))
    for each in ended:
        print(f"key {each.kid} ends at {to_rfc3339(each.ends_ms)}, and still verifies what was sent before")
    return 0


def _write_key(path: Path, pem: bytes) -> None:
    try:
        write_private(path, pem)
    except FileExistsError:
        raise UsageError(f"{path} is there already; a private key is never written over") from None


def pseudonyms(
    policy: Annotated[Path, typer.Option(help="The release policy.")],
    out: Annotated[Path, typer.Option(help="Folder of the keys; made if need be.")],
    as_json: Json = False,
) -> int:
    """Make the pseudonym keys that partners of a policy lack. Those that are there stay as they are."""
    need_share()
    from maritime.alerts.output import write_errors
    from maritime.sharing.policy_file import load_policy
    from maritime.sharing.pseudonym_keys import with_pseudonyms
    from maritime.sharing.redact import LEAST_KEY_BYTES

    wanted = with_pseudonyms(load_policy(policy))
    made = [name for name in wanted if not (out / f"{name}.key").exists()]
    for name in made:
        path = out / f"{name}.key"
        with write_errors(path):
            out.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_private(path, secrets.token_bytes(LEAST_KEY_BYTES))
    if as_json:
        print_json({"made": made, "there": [name for name in wanted if name not in made]})
    else:
        print("\n".join(f"made the key of {name}" for name in made) or "all keys are there")
    return 0


@app.callback()
def keys() -> None:
    """Keys that sign what is shared with partners."""


for command in (new, pseudonyms):
    app.command()(answer(command))
