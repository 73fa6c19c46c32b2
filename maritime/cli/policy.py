"""`maritime policy`: prove that a release policy holds together, and see what it does before it does it."""

import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from maritime.cli.export import From, PseudonymKeys, decided, the_policy, whole_view
from maritime.cli.given_alert import given_alert
from maritime.cli.screen import Json, answer, console, print_json, time_of
from maritime.cli.share import need_share
from maritime.errors import UsageError

if TYPE_CHECKING:
    from maritime.alerts.alert import Alert
    from maritime.sharing.envelope import Envelope, Status
    from maritime.sharing.human_review import HumanReview
    from maritime.sharing.policy import ReleasePolicy

app = typer.Typer(no_args_is_help=True, help="Release policy: who may have what.")
PolicyFile = Annotated[Path, typer.Argument(help="Release policy (YAML).")]
STATUSES: Final = ("actual", "exercise", "test", "system")
ABOUT_THE_COPY: Final = {"sent", "handling.withheld", "handling.policy.version", "handling.policy.name"}
"""What differs between copies under two policies in any case, or says again what other fields say."""


def check(policy: PolicyFile, as_json: Json = False) -> int:
    """Prove that a policy holds together; 3 with file, line and key when it does not. Says what will end soon."""
    need_share()
    from maritime.sharing.policy_file import load_policy
    from maritime.sharing.policy_review import warnings_of

    read = load_policy(policy)
    warned = warnings_of(read, round(time.time() * 1000))
    rules = [rule for partner in read.partners.values() for rule in partner.rules]
    rules += [rule for group in read.groups.values() for rule in group.rules]
    counts = {"partners": len(read.partners), "groups": len(read.groups), "rules": len(rules)}
    if as_json:
        print_json({"policy": read.policy, "version": read.version, **counts, "warnings": warned})
        return 0
    said = ", ".join(f"{count} {name}" for name, count in counts.items())
    print(f"{read.policy} {read.version} holds together: {said}")
    for sentence in warned:
        print(f"  note: {sentence}")
    return 0


def explain(
    policy: PolicyFile,
    alert: Annotated[str, typer.Option(help="JSON file, - for standard input, or an alert's id in a folder.")],
    partner: Annotated[str, typer.Option(help="Whom it is about.")],
    from_: From = None,
    status: Annotated[str, typer.Option(help="What to take it for: actual, exercise, test, system.")] = "actual",
    pseudonym_keys: PseudonymKeys = None,
    review: Annotated[
        str | None, typer.Option(help="As if a person had reviewed it: confirmed, dismissed or resolved.")
    ] = None,
    at: Annotated[str | None, typer.Option(help="When it is sent; now if left out.")] = None,
    as_json: Json = False,
) -> int:
    """Say step by step why a partner gets an alert or not, and what stands in its copy."""
    need_share()
    by = the_policy(policy)
    sent_ms = time_of(at, "--at") or round(time.time() * 1000)
    envelope = whole_view(given_alert(alert, from_), by, status_of(status), sent_ms, _supposed(review, sent_ms))
    decision = decided(envelope, partner, by, sent_ms, pseudonym_keys)
    copy = decision.envelope.to_dict() if decision.envelope else None
    if as_json:
        steps = [step._asdict() for step in decision.steps]
        told = {"outcome": decision.outcome, "code": decision.code, "rule": decision.rule, "steps": steps, "copy": copy}
        print_json(told)
        return 0
    for step in decision.steps:
        print(f"{'passed' if step.passed else 'no    '}  {step.what}: {step.said}")
    print(f"{decision.outcome} ({decision.code})" + (f" by rule {decision.rule}" if decision.rule else ""))
    if copy is not None:
        from maritime.cli.tables import record_lines

        for line in record_lines(copy):
            console().print(line)
    return 0


def diff(
    old: Annotated[Path, typer.Argument(help="The policy as it is.")],
    new: Annotated[Path, typer.Argument(help="The policy as it would be.")],
    replay: Annotated[float, typer.Option(min=0, help="Alerts of so many days, up to the newest.")] = 30.0,
    from_: From = None,
    as_json: Json = False,
) -> int:
    """Let two policies decide about the alerts of a replay, and say for whom that changes what."""
    need_share()
    from maritime.sharing.policy_file import load_policy

    before, after = load_policy(old), load_policy(new)
    changes: Counter[tuple[str, str, str]] = Counter()
    alerts = _recent(from_, replay)
    for alert in alerts:
        for partner in {**before.partners, **after.partners}:
            for change in _changes(_outcome(alert, before, partner), _outcome(alert, after, partner)):
                changes[partner, alert.type, change] += 1
    rows = [
        {"partner": partner, "type": kind, "change": change, "alerts": count}
        for (partner, kind, change), count in sorted(changes.items())
    ]
    if as_json:
        print_json({"alerts": len(alerts), "changes": rows})
        return 0
    if not rows:
        print(f"no change for any partner over {len(alerts)} alerts")
        return 0
    from rich.table import Table

    table = Table(title=f"{len(alerts)} alerts under {before.version} and {after.version}")
    for heading in ("partner", "type", "change", "alerts"):
        table.add_column(heading, justify="right" if heading == "alerts" else "left")
    for row in rows:
        table.add_row(*(str(row[name]) for name in ("partner", "type", "change", "alerts")))
    console().print(table)
    return 0


def try_cases(
    policy: PolicyFile,
    cases: Annotated[Path, typer.Argument(help="YAML file with cases: alert, partner, and what is expected.")],
    as_json: Json = False,
) -> int:
    """Try a policy on cases that say what must come out; 1 when one comes out otherwise."""
    need_share()
    from maritime.sharing.policy_cases import load_cases, run_case

    by = the_policy(policy)
    results = [(case.name, run_case(case, by)) for case in load_cases(cases)]
    failed = [(name, said) for name, said in results if said is not None]
    if as_json:
        print_json({"cases": len(results), "failed": [{"case": name, "said": said} for name, said in failed]})
    else:
        for name, said in results:
            print(f"{'ok    ' if said is None else 'FAILED'}  {name}" + ("" if said is None else f": {said}"))
        print(f"{len(results) - len(failed)} of {len(results)} cases as expected")
    return 1 if failed else 0


def status_of(text: str) -> "Status":
    """The status in an option. Raises UsageError."""
    if text not in STATUSES:
        raise UsageError(f"--status: '{text}' is none of {', '.join(STATUSES)}")
    return text  # type: ignore[return-value]


def _supposed(state: str | None, at_ms: int) -> "HumanReview | None":
    """The review in an option. Raises UsageError."""
    from maritime.sharing.envelope import offset_time
    from maritime.sharing.human_review import STATES, HumanReview

    if state is None:
        return None
    if state not in STATES:
        raise UsageError(f"--review: '{state}' is none of {', '.join(STATES)}")
    return HumanReview(state=state, role="policy explain", at=offset_time(at_ms))


def _recent(folder: Path | None, days: float) -> "list[Alert]":
    from maritime.alerts.spool import read_alerts
    from maritime.cli.explain import newest_folder
    from maritime.units import DAY_MS

    path = (folder or newest_folder(Path())) / "alerts.jsonl"
    try:
        alerts = list(read_alerts(path))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{path} cannot be read as alerts ({error}); name the folder of a replay with --from"
        ) from None
    newest_ms = max((alert.raised_ms for alert in alerts), default=0)
    return [alert for alert in alerts if alert.raised_ms >= newest_ms - days * DAY_MS]


def _outcome(alert: "Alert", by: "ReleasePolicy", partner: str) -> tuple[str, dict[str, str]]:
    """What a partner gets of an alert, reviewed and in earnest, when it leaves: the code, and what is told by field."""
    from maritime.sharing.decide import decide
    from maritime.sharing.fields import told_by_field
    from maritime.sharing.policy_cases import ADDRESS, KEY
    from maritime.sharing.prepare import prepare

    whole = prepare(alert, by, status="actual", sent_ms=alert.raised_ms, address=ADDRESS)
    if whole is None:
        return "no_mark", {}
    whole, at_ms = _confirmed(whole), alert.raised_ms
    decision = decide(whole, partner, by, address=ADDRESS, now_ms=at_ms, pseudonym_key=KEY)
    if decision.outcome == "held" and decision.release_at_ms is not None:
        at_ms = decision.release_at_ms
        decision = decide(whole, partner, by, address=ADDRESS, now_ms=at_ms, pseudonym_key=KEY)
    if decision.envelope is None:
        return decision.code, {}
    return "released", told_by_field(decision.envelope.to_dict()) | {"delay": str(at_ms - alert.raised_ms)}


def _confirmed(envelope: "Envelope") -> "Envelope":
    from maritime.sharing.envelope import Review

    if envelope.assessment is None:
        return envelope
    assessment = envelope.assessment.model_copy(update={"review": Review(state="confirmed", role="policy diff")})
    return envelope.model_copy(update={"assessment": assessment})


def _changes(before: tuple[str, dict[str, str]], after: tuple[str, dict[str, str]]) -> list[str]:
    if before[0] != after[0]:
        return [f"{before[0]} → {after[0]}"]
    old, new = before[1], after[1]
    more, less = sorted(set(new) - set(old)), sorted(set(old) - set(new))
    other = sorted(name for name in set(old) & set(new) - ABOUT_THE_COPY if old[name] != new[name])
    return [*(f"+ {name}" for name in more), *(f"- {name}" for name in less), *(f"~ {name}" for name in other)]


@app.callback()
def policy() -> None:
    """Release policy: who may have what."""


for name, command in (("check", check), ("explain", explain), ("diff", diff), ("test", try_cases)):
    app.command(name)(answer(command))
