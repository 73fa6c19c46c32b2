"""`maritime share`: alerts of the log to the topics of partners, as the policy says."""

import signal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from maritime.cli.log import (
    Config,
    MetricsHost,
    MetricsPort,
    client_of,
    log_as_json,
    served,
    settings_of,
    stopped_by_signals,
    the_kafka,
)
from maritime.cli.screen import Json, print_json
from maritime.cli.share import need_share
from maritime.errors import UsageError
from streams.loopback import LOOPBACK

if TYPE_CHECKING:
    from maritime.sharing.policy import ReleasePolicy
    from maritime.sharing.publisher import Publisher
    from streams.transport import Transport


def share(
    policy: Annotated[Path, typer.Option(help="YAML file of the release policy; read again when it changes.")],
    ledger: Annotated[Path, typer.Option(help="File of the ledger, made if need be; it holds what is on its way too.")],
    key: Annotated[
        list[Path],
        typer.Option(help="PEM file with a private key that signs, as `keys new` makes it; may be repeated."),
    ],
    jwks: Annotated[
        Path | None, typer.Option(help="The published key set: of the keys the one that is valid now and newest signs.")
    ] = None,
    pseudonym_keys: Annotated[
        Path | None,
        typer.Option(
            envvar="MARITIME_PSEUDONYM_KEYS",
            help="Folder with a file PARTNER.key of 32 random bytes for each partner that gets pseudonyms.",
        ),
    ] = None,
    feedback: Annotated[
        Path | None,
        typer.Option(help="Folder in which `serve partners` lays what partners say over HTTP; made if need be."),
    ] = None,
    heads: Annotated[
        Path | None, typer.Option(help="File to which each day's signed head of the ledger is added; LEDGER.heads.")
    ] = None,
    config: Config = None,
    member: Annotated[
        str, typer.Option(help="Name of this process in the log; each ledger that reads one log needs its own.")
    ] = "main",
    from_beginning: Annotated[
        bool, typer.Option("--from-beginning", help="A new ledger also takes what is in the log; else what comes.")
    ] = False,
    stop_when_idle_s: Annotated[
        float | None, typer.Option(min=0.0, help="End when nothing came for so long; else run until stopped.")
    ] = None,
    metrics_port: MetricsPort = None,
    metrics_host: MetricsHost = LOOPBACK,
    as_json: Json = False,
) -> int:
    """Decide about alerts for every partner and deliver what may go, each once, until stopped."""
    the_kafka()
    need_share()
    import secrets
    import time
    from concurrent.futures import ThreadPoolExecutor

    import maritime
    from maritime.alerts.alert import Detector
    from maritime.config import config_sha256
    from maritime.replay import DETECTOR
    from maritime.sharing.desk import Desk
    from maritime.sharing.feedback_book import FeedbackBook
    from maritime.sharing.heads import DailyHeads, heads_beside
    from maritime.sharing.keys import KeySet, SigningKey, current_key
    from maritime.sharing.ledger import Ledger
    from maritime.sharing.pseudonym_keys import read_pseudonym_keys
    from maritime.sharing.publisher import Publisher, Secrets
    from streams.observe.observed_share import ObservedShare
    from streams.share.feedback_door import FeedbackDoor
    from streams.share.lock import only_one
    from streams.share.policy_watch import PolicyWatch
    from streams.share.worker import Clients, ShareWorker

    settings, live = settings_of(config)
    own = [SigningKey.read(path) for path in key]
    if jwks is None and len(own) > 1:
        raise UsageError("of several keys the published set says which one signs; give --jwks")
    log_as_json()

    def now_ms() -> int:
        return time.time_ns() // 1_000_000

    with only_one(ledger), Ledger(ledger) as written:

        def publisher_of(read: "ReleasePolicy", sha256: str) -> "Publisher":
            pseudonyms = read_pseudonym_keys(pseudonym_keys, read)
            signing = current_key(own, KeySet.read(jwks), now_ms()) if jwks else own[0]
            return Publisher(read, sha256, written, Secrets(signing, pseudonyms), secrets.token_bytes)

        policies = PolicyWatch(policy, publisher_of)
        policies.publisher()  # a bad one is told before anything is connected
        desk = Desk(written, secrets.token_bytes)
        daily = DailyHeads(heads or heads_beside(ledger), written, lambda: policies.publisher().signing)
        daily.sign_due(now_ms())  # a place that cannot be written to is told before anything is connected

        door = FeedbackDoor(
            written,
            desk,
            FeedbackBook(written, secrets.token_bytes),
            lambda: policies.publisher().signing,
            lambda: client(f"share.{member}.feedback"),
            ThreadPoolExecutor(1, thread_name_prefix="feedback"),
            now_ms,
            time.monotonic,
            feedback,
        )

        def make(clients: Clients) -> ShareWorker:
            return ShareWorker(
                clients,
                written,
                desk,
                policies,
                live.log.status,
                Detector(DETECTOR, maritime.__version__, config_sha256(settings)),
                now_ms,
                time.monotonic,
                from_beginning=from_beginning,
                feedback=door,
                heads=daily,
            )

        def client(group: str) -> "Transport":
            return client_of(live, group, member)

        group = f"share.{member}"
        clients = Clients(*(partial(client, name) for name in (group, f"{group}.rescue", f"{group}.delivery")))
        observed = ObservedShare(make, clients, written, desk)
        before = signal.signal(signal.SIGHUP, lambda *_: policies.again())
        try:
            with stopped_by_signals() as stop, served(observed.registry, observed, metrics_host, metrics_port):
                observed.run(stop, stop_when_idle_s=stop_when_idle_s)
        finally:
            signal.signal(signal.SIGHUP, before)
        counts = observed.worker.counters()
    if as_json:
        print_json(counts)
    else:
        print(f"{counts['alerts']:,} revisions of alerts, {counts['calls']:,} calls, {counts['delivered']:,} delivered")
    return 0
