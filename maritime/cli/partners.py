"""`maritime partners`: let partners into the log as the release policy says, look who is in, and shut them out."""

import os
import secrets
from contextlib import closing, suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from maritime.cli.log import Config, administration_of, settings_of
from maritime.cli.private_file import write_private
from maritime.cli.screen import Json, answer, console, print_json, time_of
from maritime.cli.share import need_share
from maritime.errors import RefusedError, TransportError, UsageError

if TYPE_CHECKING:
    from streams.kafka import KafkaAdministration
    from streams.partners import PartnerOnLog
    from streams.topics import Credential

PASSWORD_BYTES = 32  # chosen: as many random bytes as no search will ever find

app = typer.Typer(no_args_is_help=True, help="Partners on the log: let in, list, shut out, new passwords.")

PolicyFile = Annotated[Path, typer.Argument(help="The release policy (YAML).")]
Partner = Annotated[str, typer.Argument(help="Its name in the policy.")]
Secrets = Annotated[
    Path | None, typer.Option(help="Folder for passwords: one file for each new user, only its owner may read it.")
]


def apply(
    policy: PolicyFile,
    secrets: Secrets = None,
    plan_only: Annotated[bool, typer.Option("--plan", help="Only say what would be done.")] = False,
    on: Annotated[str | None, typer.Option(help="With --plan: as on this day, 2026-12-31; today if left out.")] = None,
    readmit: Annotated[
        list[str] | None, typer.Option(help="A partner that was revoked and may come back; may be repeated.")
    ] = None,
    publisher: Annotated[str, typer.Option(help="User of the publisher.")] = "share",
    config: Config = None,
    as_json: Json = False,
) -> int:
    """Make the log as the policy says: topics, permissions, users, quotas. Takes away what it does not say, or no more.

    Says first what it will do. Done again, it does nothing.
    """
    if on is not None and not plan_only:
        raise UsageError("--on is for --plan: what is done, is done as of today")
    need_share()
    from maritime.sharing.policy_file import load_policy
    from streams.partners import carry_out, find, open_connections, plan

    _, live = settings_of(config)
    terms, day = load_policy(policy), _day(on)
    with closing(administration_of(live)) as administration:
        wanted = plan(terms, live, find(administration), day, publisher=publisher, readmit=readmit or ())
        steps = wanted.sentences()
        if not as_json:
            print("\n".join(steps) or "all is as the policy says")
        files: dict[str, str] = {}
        if not plan_only:
            folder = _folder(secrets, [user for user, _ in wanted.add_users])
            carry_out(wanted, administration)
            for credential in wanted.add_users:
                assert folder is not None
                files[credential.user] = str(_give_password(administration, credential, folder))
        settings = administration.broker_settings() if wanted.shuts_out else None
        connections = open_connections(settings) if settings else None
    if as_json:
        told = {"day": day.isoformat(), "steps": steps, "done": not plan_only, "password_files": files}
        print_json({**told, "open_connections": connections})
        return 0
    for user, file in files.items():
        print(f"password of {user}: {file}")
    if connections:
        print(connections)
    return 0


def list_(policy: PolicyFile, config: Config = None, as_json: Json = False) -> int:
    """Show each partner: agreement, user, topics, permissions as found and as wanted; 1 when something is not so."""
    need_share()
    from maritime.sharing.policy_file import load_policy
    from streams.partners import find, on_log, open_connections, rule_in_words

    _, live = settings_of(config)
    terms = load_policy(policy)
    with closing(administration_of(live)) as administration:
        shown = on_log(terms, live, find(administration), _day(None))
        connections = open_connections(administration.broker_settings())
    if as_json:
        print_json({"partners": [_told(each) for each in shown], "open_connections": connections})
        return 0 if all(each.is_as_wanted for each in shown) else 1
    from rich.table import Table

    table = Table(title=f"partners of {terms.policy}")
    for heading in ("partner", "stands", "agreement", "user", "topics", "permissions"):
        table.add_column(heading)
    for each in shown:
        agreement = f"{each.agreement.since} to {each.agreement.until}" if each.agreement else ""
        topics = f"{sum(each.topics.values())} of {len(each.topics)}"
        user = each.user if each.has_user else "none"
        table.add_row(each.name, each.standing, agreement, user, topics, str(len(each.permissions)))
    console().print(table)
    for each in shown:
        print("\n".join(f"  {rule_in_words(rule)}" for rule in each.permissions))
        for rule in each.missing:
            print(f"+ {rule_in_words(rule)}: missing")
        for rule in each.not_wanted:
            print(f"- {rule_in_words(rule)}: not in the policy")
    print(connections)
    return 0 if all(each.is_as_wanted for each in shown) else 1


def revoke(partner: Partner, config: Config = None, as_json: Json = False) -> int:
    """Shut a partner out at once: user and permissions go, and it stays out until `apply --readmit`."""
    need_share()
    from streams.partners import find, open_connections, partners_on
    from streams.partners import revoke as shut_out

    _, live = settings_of(config)
    with closing(administration_of(live)) as administration:
        found = find(administration)
        if partner not in partners_on(found):
            known = ", ".join(sorted(partners_on(found))) or "none"
            raise UsageError(f"'{partner}' is no partner on the log; there are: {known}")
        steps = shut_out(partner, found, administration)
        connections = open_connections(administration.broker_settings())
    if as_json:
        print_json({"partner": partner, "steps": steps, "open_connections": connections})
        return 0
    print("\n".join([*steps, f"{partner} is shut out", connections]))
    print("the publisher knows nothing of it: end the agreement in the policy too")
    return 0


def rotate(
    partner: Partner,
    secrets: Annotated[Path, typer.Option(help="Folder for the password's file; only its owner may read it.")],
    config: Config = None,
    as_json: Json = False,
) -> int:
    """Give a partner a new password. The old one counts no more from that moment: SCRAM keeps one of each user."""
    need_share()
    from streams.partners import MECHANISM, find, open_connections, user_of
    from streams.topics import Credential

    _, live = settings_of(config)
    credential = Credential(user_of(partner), MECHANISM)
    with closing(administration_of(live)) as administration:
        if credential not in find(administration).credentials:
            raise UsageError(f"'{partner}' has no user on the log; 'maritime partners list' shows who has")
        folder = _folder(secrets, [credential.user])
        assert folder is not None
        file = _give_password(administration, credential, folder)
        connections = open_connections(administration.broker_settings())
    if as_json:
        told = {"partner": partner, "password_files": {credential.user: str(file)}}
        print_json({**told, "open_connections": connections})
        return 0
    print(f"password of {credential.user}: {file}")
    print(f"the old one opens no connection any more; {connections}")
    return 0


def _day(text: str | None) -> date:
    """A day in UTC; today where none is named."""
    at_ms = time_of(text, "--on")
    return (datetime.now(UTC) if at_ms is None else datetime.fromtimestamp(at_ms / 1000, UTC)).date()


def _folder(folder: Path | None, users: list[str]) -> Path | None:
    """Where passwords go, made before anything is changed. Raises UsageError where it is needed and not named."""
    from maritime.alerts.output import write_errors

    if not users:
        return None
    if folder is None:
        raise UsageError(f"--secrets is missing: {', '.join(users)} will have passwords; name a folder for them")
    with write_errors(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError(13, "not writable", str(folder))
    return folder


def _give_password(administration: "KafkaAdministration", credential: "Credential", folder: Path) -> Path:
    """A new password for a user, on the disk before the log has it. It is in no output, log or error."""
    from pydantic import SecretStr

    from maritime.alerts.output import write_errors

    password = SecretStr(secrets.token_urlsafe(PASSWORD_BYTES))
    path = folder / f"{credential.user}.password"
    new = path.with_name(f"{path.name}.new")
    with write_errors(new):
        new.unlink(missing_ok=True)
        write_private(new, f"{password.get_secret_value()}\n".encode())
    try:
        administration.set_password(credential, password)
    except RefusedError:
        with suppress(OSError):
            new.unlink()
        raise
    except TransportError as error:
        raise TransportError(f"{error} If the log took the password, it is the one in {new}") from error
    with write_errors(path):
        new.replace(path)
    return path


def _told(each: "PartnerOnLog") -> dict[str, Any]:
    """A partner as JSON."""
    agreement = each.agreement.model_dump(mode="json") if each.agreement else None
    rules = {
        name: [rule._asdict() for rule in getattr(each, name)] for name in ("permissions", "missing", "not_wanted")
    }
    return {**each._asdict(), "agreement": agreement, **rules, "as_wanted": each.is_as_wanted}


app.command()(answer(apply))
app.command("list")(answer(list_))
app.command()(answer(revoke))
app.command()(answer(rotate))
