"""Speed of sharing: `python -m benchmarks.sharing`.

Alerts of several types go through the policy of a national centre with ten partners (that of configs/sharing and six
more like those in it): for each alert and partner a decision, and for each release the copy, its words, its canonical
bytes, its signature and its CloudEvent. Partners of equal rules share work; so it is also measured with ten of which no
two have equal ones. Beside it stands what the library `rfc8785` takes for the canonical bytes alone. Seconds are
processor seconds of one thread, the best of some rounds.
"""

import argparse
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, Final

import rfc8785
from rich.console import Console
from rich.table import Table

from maritime.alerts.alert import Alert, Detector
from maritime.detect.episode import Reason
from maritime.sharing.decide import Case, Rulebook
from maritime.sharing.envelope import Envelope
from maritime.sharing.formats import cloudevent
from maritime.sharing.keys import SigningKey
from maritime.sharing.ledger import Ledger
from maritime.sharing.policy import ReleasePolicy
from maritime.sharing.policy_file import load_policy
from maritime.sharing.prepare import Address, prepare
from maritime.sharing.publisher import Publisher, Secrets
from maritime.sharing.release import Release
from maritime.sharing.signatures import ENVELOPE, sign_bytes
from maritime.times import from_rfc3339
from maritime.units import HOUR_MS

POLICY: Final = Path(__file__).resolve().parents[1] / "configs" / "sharing" / "national_centre.yaml"
PARTNERS: Final = 10
ALERTS: Final = 400
ROUNDS: Final = 10
LEDGERS: Final = 3
PER_S: Final = 2_000
SENT_MS: Final = from_rfc3339("2026-03-14T21:00:00Z")
KEY: Final = bytes(32)
ADDRESS: Final = Address("00000000-0000-4000-8000-000000000000", 0, "alert", (), "00000000-0000-4000-8000-000000000001")


def ten_partners() -> ReleasePolicy:
    """The example policy, and more partners like those in it, until there are ten."""
    whole = load_policy(POLICY).model_dump(mode="json")
    like = [name for name in whole["partners"] if whole["partners"][name]["rules"]]
    for i in range(PARTNERS - len(whole["partners"])):
        name = f"{like[i % len(like)]}-{i}"
        whole["partners"][name] = whole["partners"][like[i % len(like)]] | {"rescue": False}
        for mark in whole["marks"]:
            if like[i % len(like)] in mark["rel_to"]:
                mark["rel_to"].append(name)
    return ReleasePolicy.model_validate(whole)


def no_two_alike(policy: ReleasePolicy) -> ReleasePolicy:
    """The policy with copies of each rule kept for another number of days, of later rules for fewer."""
    whole, days = policy.model_dump(mode="json"), count(90, -1)
    for terms in (*whole["partners"].values(), *whole["groups"].values()):
        for rule in terms["rules"]:
            rule["retain_days"] = next(days)
    return ReleasePolicy.model_validate(whole)


def alerts(number: int) -> list[Alert]:
    """Alerts of the three behaviours and of distress, here and there."""
    random = Random(1)
    types = (
        "dark_period",
        "loitering",
        "unusual_landing",
        "loitering",
        "dark_period",
        "identity_clash",
        "reception_outage",
    )
    made = []
    for i in range(number):
        lat, lon = random.uniform(-5.0, 14.0), random.uniform(93.0, 101.0)
        made.append(
            Alert(
                alert_id=f"{i:032x}",
                revision=0,
                type=types[i % len(types)],
                state="closed",
                mmsi=525_000_000 + i,
                hull=f"{525_000_000 + i}-1",
                started_ms=SENT_MS - 4 * HOUR_MS - i * 1000,
                ended_ms=SENT_MS - HOUR_MS - i * 1000,
                raised_ms=SENT_MS,
                lat=lat,
                lon=lon,
                severity="severe",
                confidence=random.random(),
                score=0.7,
                reasons=(Reason("duration", 3.0, 2.0, "h"), Reason("mean_speed", 1.1, 2.0, "kn")),
                evidence={"hours": 3.0, "source": "coast-7", "samples": 200, "last_report": "2026-03-14T20:00:00Z"},
                detector=Detector("maritime-watch", "0.1.0", "ab" * 32),
                geometry={"type": "Point", "coordinates": [lon, lat]},
            )
        )
    return made


def shared(given: Sequence[Alert], policy: ReleasePolicy, key: SigningKey, now_ms: int) -> Iterator[Release]:
    """Every release that the alerts lead to, signed; documents are rendered and let go."""
    rulebook = Rulebook(policy)
    for alert in given:
        whole = prepare(alert, policy, status="actual", sent_ms=SENT_MS, address=ADDRESS, words=False)
        if whole is None:
            continue
        case = Case(whole, rulebook, now_ms)
        for partner in policy.partners:
            copy = case.decide(partner, address=ADDRESS, pseudonym_key=KEY).envelope
            if copy is not None:
                content = case.canonical(copy)
                release = Release(copy, sign_bytes(content, key, ENVELOPE, detached=True), content)
                cloudevent.render(release, sequence=1)
                yield release


def best_s(work: Callable[[], Any]) -> float:
    """Processor seconds, the best of some rounds; the first, which imports, is not counted."""
    work()
    taken = []
    for _ in range(ROUNDS):
        began_s = time.process_time()
        work()
        taken.append(time.process_time() - began_s)
    return min(taken)


def with_ledger_s(given: Sequence[Alert], policy: ReleasePolicy, key: SigningKey) -> float:
    """Processor seconds of the whole publisher, ledger and outbox on the disk included."""
    secrets = Secrets(key, dict.fromkeys(policy.partners, KEY))
    with tempfile.TemporaryDirectory() as folder, Ledger(Path(folder) / "ledger.db") as ledger:
        publisher = Publisher(policy, "ab" * 32, ledger, secrets, Random(1).randbytes)
        began_s = time.process_time()
        for i in range(0, len(given), 100):
            publisher.take([replace(alert, evidence=alert.evidence) for alert in given[i : i + 100]], "actual", SENT_MS)
        return time.process_time() - began_s


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, print; exit code 1 where the target is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sharing", description=__doc__)
    parser.add_argument("--alerts", type=int, default=ALERTS, help="how many")
    given = alerts(parser.parse_args(argv).alerts)
    policy, key = ten_partners(), SigningKey.from_seed(bytes(32))
    copies: list[Envelope] = [release.envelope for release in shared(given, policy, key, SENT_MS)]
    whole_s = best_s(lambda: deque(shared(given, policy, key, SENT_MS), maxlen=0))
    apart = no_two_alike(policy)
    apart_s = best_s(lambda: deque(shared(given, apart, key, SENT_MS), maxlen=0))
    ours_s = best_s(lambda: [copy.canonical() for copy in copies])
    library_s = best_s(lambda: [rfc8785.dumps(copy.to_dict()) for copy in copies])
    ledger_s = min(with_ledger_s(given, policy, key) for _ in range(LEDGERS))
    table = Table(title=f"{len(given)} alerts, {len(policy.partners)} partners, {len(copies)} releases")
    for heading in ("", "measured", "target"):
        table.add_column(heading)
    table.add_row("alerts/s: decided, cut, rendered, signed", f"{len(given) / whole_s:,.0f}", f"{PER_S:,}")
    table.add_row("releases/s of it", f"{len(copies) / whole_s:,.0f}", "")
    table.add_row("alerts/s where no two partners have equal rules", f"{len(given) / apart_s:,.0f}", "")
    table.add_row("alerts/s with ledger and outbox", f"{len(given) / ledger_s:,.0f}", "")
    table.add_row("canonical bytes: times the speed of rfc8785", f"{library_s / ours_s:.1f}", "")
    Console(width=100).print(table)
    sys.exit(0 if len(given) / whole_s >= PER_S else 1)


if __name__ == "__main__":
    main()
