"""`maritime serve`: what partners without Kafka read over HTTP, and webhooks."""

import asyncio
import random
import secrets
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Annotated

import typer

from maritime.cli.log import MetricsHost, MetricsPort, log_as_json, served, stopped_by_signals
from maritime.cli.screen import Json, answer, print_json
from maritime.cli.share import need_share
from maritime.errors import ConfigurationError, OutputError, UsageError
from streams.loopback import LOOPBACK

if TYPE_CHECKING:
    from maritime.console.caller import Reader
    from maritime.console.partner_api import PartnerApi, Site
    from maritime.console.watched import Watched
    from maritime.console.webhooks import Webhooks
    from maritime.sharing.policy import ReleasePolicy
    from streams.observe.health import Pulse

app = typer.Typer(no_args_is_help=True, help="What partners read over HTTP.")


def partners(
    ledger: Annotated[Path, typer.Option(help="The ledger; it is only read.")],
    policy: Annotated[Path, typer.Option(help="Release policy (YAML): who has an agreement.")],
    jwks: Annotated[Path, typer.Option(help="The published key set (JWKS).")],
    tokens: Annotated[Path | None, typer.Option(help="File of the hashes of the partners' tokens.")] = None,
    client_ca: Annotated[
        Path | None, typer.Option(help="Certificates (PEM) of who issues client certificates; CN is the partner.")
    ] = None,
    tls_cert: Annotated[Path | None, typer.Option(help="The server's certificate (PEM), with its chain.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Its private key (PEM).")] = None,
    heads: Annotated[Path | None, typer.Option(help="Signed heads of the ledger, one a line, for receipts.")] = None,
    webhooks: Annotated[Path | None, typer.Option(help="Webhooks (YAML): who is told, where.")] = None,
    feedback: Annotated[
        Path | None, typer.Option(help="Folder for what partners say, from which `maritime share` takes it.")
    ] = None,
    taxii_index: Annotated[
        Path | None,
        typer.Option(help="Folder for what TAXII remembers of parcels; else all are read at each start."),
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen at; beyond this machine only with TLS.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes any, and says so.")] = 8443,
    public_url: Annotated[
        str | None, typer.Option(help="Scheme and host for links, when it stands behind a proxy: https://HOST.")
    ] = None,
    requests_per_minute: Annotated[float, typer.Option(min=1, help="So many of each partner, in the long run.")] = 120,
    burst: Annotated[int, typer.Option(min=1, help="So many of each partner at once.")] = 60,
    stop_after_s: Annotated[float | None, typer.Option(min=0, help="Stop after so long; else when told.")] = None,
    metrics_port: MetricsPort = None,
    metrics_host: MetricsHost = LOOPBACK,
    as_json: Json = False,
) -> int:
    """Serve each partner what it was sent, until stopped: TAXII 2.1, GeoJSON, an Atom feed of CAP, CloudEvents."""
    need_share()
    if find_spec("aiohttp") is None:
        raise ConfigurationError("aiohttp is not installed; install maritime-watch[live]")
    from maritime.console.access import Access, tls_context
    from maritime.console.caller import Reader
    from maritime.console.partner_api import PartnerApi, Site
    from maritime.console.rate_limit import RateLimit
    from maritime.console.tokens import Tokens
    from maritime.console.watched import Watched
    from maritime.console.webhook_settings import is_loopback
    from maritime.sharing.feedback_spool import FeedbackSpool
    from maritime.sharing.keys import KeySet
    from maritime.sharing.policy_file import load_policy
    from maritime.sharing.receipts import read_heads
    from maritime.sharing.sent import SentParcels
    from streams.observe.health import Pulse
    from streams.observe.log_metrics import LogMetrics
    from streams.observe.webhook_metrics import WebhookMetrics

    if tokens is None and client_ca is None:
        raise ConfigurationError("nobody could prove who it is; give --tokens, --client-ca or both")
    if (tls_cert is None) != (tls_key is None):
        raise ConfigurationError("--tls-cert and --tls-key go together")
    tls = None
    if tls_cert is not None and tls_key is not None:
        tls = tls_context(tls_cert, tls_key, client_ca, client_must=tokens is None)
    elif client_ca is not None or not is_loopback(host):
        raise ConfigurationError(f"{host} needs TLS; give --tls-cert and --tls-key, or listen at 127.0.0.1")
    by = Watched(policy, load_policy)
    access = Access(by, Watched(tokens, Tokens.read) if tokens else None)
    reader = Reader(ledger, _now_ms)
    with SentParcels(ledger, _now_ms()):
        pass  # it is one
    told = Watched(heads, read_heads) if heads else None
    if taxii_index is not None:
        _private_folder(taxii_index)
    rate, spool = RateLimit(requests_per_minute, burst), FeedbackSpool(feedback) if feedback else None
    api = PartnerApi(reader, access, Watched(jwks, KeySet.read), told, rate, _now_ms, spool=spool, indexes=taxii_index)
    hooks = _webhooks(webhooks, reader, by) if webhooks else None
    log_as_json()

    def say(port: int) -> None:
        url = f"{'https' if tls else 'http'}://{host}:{port}"
        if as_json:
            print_json({"url": url, "partners": len(by.current().partners)})
        else:
            print(f"serving {len(by.current().partners)} partners at {url}")
        sys.stdout.flush()  # it goes on from here

    with ExitStack() as stack:
        stop = stack.enter_context(stopped_by_signals())
        stack.callback(reader.close)
        pulse, registry = Pulse(time.monotonic), LogMetrics().registry
        if hooks:
            registry.register(WebhookMetrics(hooks.counts))
        stack.enter_context(served(registry, pulse, metrics_host, metrics_port))
        asyncio.run(
            _served(api, Site(host, port, tls, (public_url or "").rstrip("/")), hooks, stop, stop_after_s, say, pulse)
        )
    return 0


def token(
    partner: Annotated[str, typer.Argument(help="Whose it is to be, by the name in the policy.")],
    tokens: Annotated[Path, typer.Option(help="File of hashes; the new one is added, or the file is made with it.")],
    as_json: Json = False,
) -> int:
    """Make a token for a partner and show it this once; the file keeps its hash. Those it had stay valid."""
    from maritime.alerts.output import whole_files
    from maritime.console.tokens import TOKEN_BYTES, Tokens, new_token

    made, line = new_token(partner, secrets.token_bytes(TOKEN_BYTES))
    before = ""
    if tokens.exists():
        Tokens.read(tokens)
        before = tokens.read_text("ascii")
    if before and not before.endswith("\n"):
        before += "\n"
    with whole_files(tokens) as (partial,):
        partial.write_text(before + line, "ascii")
    if as_json:
        print_json({"partner": partner, "token": made})
    else:
        print(made)
    return 0


def resume(
    partner: Annotated[str, typer.Argument(help="Whose webhook is to be told again, by the name in the policy.")],
    webhooks: Annotated[Path, typer.Option(help="Webhooks (YAML), as `serve partners` has them.")],
    as_json: Json = False,
) -> int:
    """Tell a webhook again that was given up, from where it was; a server that runs notices within a second or so."""
    need_share()
    from maritime.console.given_up import GivenUp
    from maritime.console.webhook_settings import webhook_settings

    settings = webhook_settings(webhooks)
    if partner not in settings.hooks:
        raise UsageError(f"{webhooks}: hooks: there is none of '{partner}'; there are {', '.join(settings.hooks)}")
    taken = GivenUp(settings.state).take_up(partner)
    if as_json:
        print_json({"partner": partner, "taken_up": taken})
    elif taken:
        print(f"{partner} is told again")
    else:
        print(f"{partner} was not given up")
    return 0


def _webhooks(path: Path, reader: "Reader", policy: "Watched[ReleasePolicy]") -> "Webhooks":
    from maritime.console.webhook_settings import load_webhooks
    from maritime.console.webhooks import Clocks, Webhooks

    settings, secret = load_webhooks(path)
    unknown = sorted(set(settings.hooks) - set(policy.current().partners))
    if unknown:
        raise ConfigurationError(f"{path}: hooks: '{unknown[0]}' is no partner of the policy")
    return Webhooks(settings, secret, reader, policy, Clocks(_now_ms, asyncio.sleep, random.random))


def _private_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder} cannot be made ({error.strerror})") from None


async def _served(
    api: "PartnerApi",
    site: "Site",
    hooks: "Webhooks | None",
    stop: Event,
    stop_after_s: float | None,
    say: Callable[[int], None],
    pulse: "Pulse",
) -> None:
    """Serve, and tell, until `stop`."""
    working = [asyncio.create_task(_beating(pulse, hooks))]
    if hooks:
        working.append(asyncio.create_task(hooks.run()))
    if stop_after_s is not None:
        asyncio.get_running_loop().call_later(stop_after_s, stop.set)
    try:
        await api.serve(site, stop, say)
    finally:
        for task in working:
            task.cancel()
        await asyncio.gather(*working, return_exceptions=True)


async def _beating(pulse: "Pulse", hooks: "Webhooks | None") -> None:
    """Say each second that the loop turns, and which webhooks are given up."""
    while True:
        pulse.turned(
            *(f"the webhook of {each.partner} is given up" for each in hooks.counts() if each.is_given_up)
            if hooks
            else ()
        )
        await asyncio.sleep(1.0)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


@app.callback()
def serve() -> None:
    """What partners read over HTTP."""


app.command()(answer(partners))
app.command()(answer(token))
app.command()(answer(resume))
