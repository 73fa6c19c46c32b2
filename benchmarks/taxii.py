"""TAXII for a channel with many parcels: `python -m benchmarks.taxii`.

Some alerts are released by the example policy; the copies of the partner with the most of them are repeated, each time
as other alerts, a millisecond apart, until its channel has 50,000. Then a server reads them for its index, and gives
pages of 100 objects and the newest version of one alert. Seconds are processor seconds of one thread.
"""

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any, Final
from uuid import UUID

from rich.console import Console
from rich.table import Table

from benchmarks.sharing import KEY, SENT_MS, alerts, best_s, ten_partners
from maritime.console.stix_feed import StixFeed
from maritime.console.stix_index import Wanted
from maritime.sharing.desk import Channel
from maritime.sharing.envelope import offset_time
from maritime.sharing.keys import SigningKey
from maritime.sharing.ledger import Ledger
from maritime.sharing.publisher import Publisher, Secrets
from maritime.sharing.sent import SentParcels

PARCELS: Final = 50_000
ALERTS: Final = 100
OBJECTS: Final = 100  # of a page
PAGE_S: Final = 0.25
CHANNEL: Final[Channel] = "actual"
LAST: Final = Wanted(None, None, frozenset({"last"}))


def filled(ledger: Ledger, parcels: int) -> str:
    """Release, and repeat until the channel of one partner has so many parcels; whose it is."""
    policy = ten_partners()
    secrets = Secrets(SigningKey.from_seed(bytes(32)), dict.fromkeys(policy.partners, KEY))
    Publisher(policy, "ab" * 32, ledger, secrets, Random(1).randbytes).take(alerts(ALERTS), CHANNEL, SENT_MS)
    database, random = ledger.database, Random(2)
    with ledger.transaction():
        ((partner, known),) = database.execute(
            "SELECT partner, count(*) FROM parcels WHERE channel = ? GROUP BY partner ORDER BY 2 DESC LIMIT 1",
            (CHANNEL,),
        ).fetchall()
        rows = database.execute(
            "SELECT retain_until_ms, alert_id, envelope, jws FROM parcels WHERE partner = ? AND channel = ?",
            (partner, CHANNEL),
        ).fetchall()
        ((last_ms,),) = database.execute("SELECT max(added_ms) FROM parcels WHERE partner = ?", (partner,)).fetchall()
        for number in range(known + 1, parcels + 1):
            until_ms, alert_id, envelope, jws = rows[number % known]
            own, sent = str(UUID(bytes=random.randbytes(16), version=4)), offset_time(SENT_MS + number)
            envelope = envelope.replace(alert_id.encode(), own.encode())
            envelope = envelope.replace(offset_time(SENT_MS).encode(), sent.encode())
            database.execute(
                "INSERT INTO parcels VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?, ?)",
                (partner, CHANNEL, number, last_ms + number, until_ms, own, sent, envelope, jws),
            )
    return str(partner)


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, print; exit code 1 where the target is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.taxii", description=__doc__)
    parser.add_argument("--parcels", type=int, default=PARCELS, help="how many")
    parcels = parser.parse_args(argv).parcels
    with tempfile.TemporaryDirectory() as folder:
        path, index = Path(folder) / "ledger.db", Path(folder) / "index.db"
        with Ledger(path) as ledger:
            partner = filled(ledger, parcels)
        feed = StixFeed(partner, CHANNEL, index)

        def page(wanted: Wanted, after_us: int) -> list[dict[str, Any]]:
            with SentParcels(path, SENT_MS) as sent:
                return feed.content(sent, feed.page(sent, wanted, after_us, OBJECTS))

        began_s = time.process_time()
        incident = next(each for each in page(LAST, -1) if each["type"] == "incident")
        index_s = time.process_time() - began_s
        one = LAST._replace(ids=frozenset({incident["id"]}))
        pages: dict[str, Callable[[], Any]] = {
            "first page": lambda: page(LAST, -1),
            "a page in the middle": lambda: page(LAST, (SENT_MS + parcels // 2) * 1000),
            "one alert by its id": lambda: page(one, -1),
        }
        table = Table(title=f"{parcels:,} parcels in a channel, {OBJECTS} objects a page")
        for heading in ("", "measured", "target"):
            table.add_column(heading)
        table.add_row("reading all for the index, once", f"{index_s:.1f} s, {index.stat().st_size / 2**20:.0f} MiB", "")
        taken_s = {name: best_s(work) for name, work in pages.items()}
        for name, each_s in taken_s.items():
            table.add_row(name, f"{each_s * 1000:.0f} ms", f"{PAGE_S * 1000:.0f} ms")
        table.add_row("peak memory of the whole process", f"{peak_mib():.0f} MiB", "")
    Console(width=100).print(table)
    sys.exit(0 if max(taken_s.values()) <= PAGE_S else 1)


def peak_mib() -> float:
    """The most memory that the process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
