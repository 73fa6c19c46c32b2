"""A house that shares: a publisher with two partners, and the server before it, in a thread."""

import asyncio
from dataclasses import replace
from pathlib import Path
from random import Random
from threading import Event, Thread

import requests
import yaml

from maritime.alerts.alert import Alert
from maritime.console.access import Access, tls_context
from maritime.console.caller import Reader
from maritime.console.partner_api import PartnerApi, Site
from maritime.console.rate_limit import RateLimit
from maritime.console.tokens import Tokens, new_token
from maritime.console.watched import Watched
from maritime.sharing.desk import Parcel
from maritime.sharing.envelope import offset_time
from maritime.sharing.feedback_book import FeedbackBook, Taken
from maritime.sharing.feedback_spool import FeedbackSpool
from maritime.sharing.keys import KeySet
from maritime.sharing.ledger import Ledger
from maritime.sharing.policy_file import load_policy
from maritime.sharing.publisher import Publisher, Secrets
from maritime.sharing.receipts import read_heads
from maritime.units import HOUR_MS
from tests.sharing.policies import MARK, coarse_rule, partner, rule
from tests.sharing.test_publisher import ALERT, LONGER, NONE_AFTER_ALL, NOW_MS, SIGNING

__all__ = ["ALERT", "LONGER", "NONE_AFTER_ALL", "NOW_MS", "House", "alert"]


def alert(number: int, **changes) -> Alert:
    """An alert of its own."""
    return replace(ALERT, alert_id=f"{number:032x}", **changes)


class House:
    """`now` gets everything, `also` too, `late` a coarse copy; each has a token. The clock is the samples'."""

    def __init__(self, folder: Path, headers_s: float = 15.0, per_minute: float = 1e6, burst: int = 1_000_000):
        self.folder, self.random = folder, Random(1)
        self.clock_ms = NOW_MS + HOUR_MS
        partners = {
            "now": partner(rule(), exercises=True, languages=["en", "fr"]),
            "also": partner(rule()),
            "late": partner(coarse_rule()),
        }
        self.policy = {
            "policy": "test",
            "version": "1",
            "originator": {"org_id": "nmc.example", "name": "Centre", "country": "TH"},
            "marks": [MARK | {"types": list(MARK["types"]), "rel_to": list(partners)}],
            "partners": partners,
        }
        self.write_policy()
        self.tokens = {name: self.add_token(name) for name in [*partners, "nobody"]}
        self.keys = KeySet((SIGNING.public(org_id="nmc.example"),))
        (folder / "jwks.json").write_bytes(self.keys.to_jwks())
        (folder / "heads").touch()
        self.ledger = Ledger(folder / "ledger.db")
        self.publisher = self.a_publisher(self.ledger)
        self.book = FeedbackBook(self.ledger, self.random.randbytes)
        self.limits = headers_s, per_minute, burst
        self.stop, self.port = Event(), 0

    def write_policy(self) -> None:
        text = yaml.safe_dump(self.policy, sort_keys=False)
        partial = self.folder / "policy.partial"
        partial.write_text(text)
        partial.replace(self.folder / "policy.yaml")

    def add_token(self, name: str) -> str:
        token, line = new_token(name, self.random.randbytes(32))
        with (self.folder / "tokens").open("a") as file:
            file.write(line)
        return token

    def a_publisher(self, ledger: Ledger) -> Publisher:
        policy = load_policy(self.folder / "policy.yaml")
        return Publisher(policy, "cd" * 32, ledger, Secrets(SIGNING, {"late": bytes(32)}), self.random.randbytes)

    def take(self, *alerts: Alert, at_ms: int = NOW_MS, status="actual") -> list[Parcel]:
        return self.publisher.take(list(alerts), status, at_ms)

    def hear(self) -> list[Taken]:
        """Take what partners have said, as the publisher does."""
        spool, taken = FeedbackSpool(self.folder / "spool"), []
        for each in spool.waiting():
            document = spool.read(each)
            state = self.publisher.state
            taken.append(self.book.take(each.partner, document, "http", each.path.name, state, self.clock_ms))
            spool.remove(each)
        return taken

    def sign_head(self) -> None:
        head = self.ledger.head(offset_time(self.clock_ms))
        with (self.folder / "heads").open("a") as file:
            file.write(head.sign(SIGNING) + "\n")

    def reader(self) -> Reader:
        return Reader(self.folder / "ledger.db", lambda: self.clock_ms)

    def start(
        self, *, tls: tuple[Path, Path, Path | None] | None = None, with_tokens: bool = True, origin: str = ""
    ) -> "House":
        headers_s, per_minute, burst = self.limits
        tokens = Watched(self.folder / "tokens", Tokens.read) if with_tokens else None
        access = Access(Watched(self.folder / "policy.yaml", load_policy), tokens)
        jwks, heads = Watched(self.folder / "jwks.json", KeySet.read), Watched(self.folder / "heads", read_heads)
        rate, self.stop, listens = RateLimit(per_minute, burst), Event(), Event()
        spool = FeedbackSpool(self.folder / "spool")
        api = PartnerApi(self.reader(), access, jwks, heads, rate, lambda: self.clock_ms, headers_s, spool)
        context = tls_context(*tls, client_must=not with_tokens) if tls else None

        def on_listening(port: int) -> None:
            self.port = port
            listens.set()

        site = Site("127.0.0.1", 0, context, origin)
        Thread(target=lambda: asyncio.run(api.serve(site, self.stop, on_listening)), daemon=True).start()
        assert listens.wait(10)
        return self

    def close(self) -> None:
        """The server ends soon; nobody waits for it."""
        self.stop.set()
        self.ledger.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str, name: str | None = "now", **more) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.tokens.get(name, name)}"} if name else {}
        url = path if path.startswith("http") else f"{self.url}{path}"
        return requests.request(
            more.pop("method", "GET"), url, headers=headers | more.pop("headers", {}), timeout=10, **more
        )
