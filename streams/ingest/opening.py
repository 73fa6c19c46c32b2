"""open_source: what people write for a source becomes one.

    tcp://HOST:PORT            NMEA from a server
    udp://[HOST]:PORT          NMEA (or AIS-catcher's JSON) in datagrams; from this machine alone without HOST
    http://[HOST]:PORT         AIS-catcher's JSON POST; from this machine alone without HOST, else with a token
    aisstream:[S,W,N,E]        aisstream.io, an area in degrees or the whole world
    digitraffic:               Fintraffic's open MQTT
    mqtt://[USER@]HOST[:PORT]  Digitraffic's topics from another broker; also mqtts, mqtt+ws and mqtt+wss
    signalk://HOST[:PORT]      a Signal K server; signalks with TLS
    PATH                       a file to its end, or a directory that is watched

Keys, tokens and passwords never stand in an address. They come from the environment, or from files named there:
MARITIME_AISSTREAM_KEY, MARITIME_HTTP_TOKEN, MARITIME_MQTT_PASSWORD, each also with _FILE.
"""

from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from random import Random
from typing import Final
from urllib.parse import SplitResult, urlsplit

from pydantic import SecretStr

from maritime.errors import ConfigurationError, UsageError
from maritime.sources.sniffer import check_format
from streams.ingest.aisstream import WORLD, Box, aisstream_source
from streams.ingest.files import DirectorySource, FileSource
from streams.ingest.http import HttpSource
from streams.ingest.mqtt import MqttSource
from streams.ingest.signalk import signalk_source
from streams.ingest.source import Source
from streams.ingest.tcp import TcpSource
from streams.ingest.udp import UdpSource
from streams.settings import AISSTREAM_KEY, HTTP_TOKEN, MQTT_PASSWORD, secret

DIGITRAFFIC: Final = "meri.digitraffic.fi"
LONGEST: Final = 200  # characters of a name, as a status holds
MQTT: Final = {  # scheme → port, websockets, TLS
    "mqtt": (1883, False, False),
    "mqtts": (8883, False, True),
    "mqtt+ws": (80, True, False),
    "mqtt+wss": (443, True, True),
}
SIGNALK: Final = {"signalk": (3000, False), "signalks": (3443, True)}
KNOWN: Final = (
    "tcp://HOST:PORT, udp://:PORT, http://:PORT, aisstream:, digitraffic:, mqtt://HOST, signalk://HOST or a path"
)


def open_source(
    uri: str,
    *,
    environment: Mapping[str, str],
    rng: Random,
    name: str | None = None,
    format: str | None = None,
) -> Source:
    """The source that `uri` names; `name` is what people know it by (None = the address).

    `environment` holds the secrets, `rng` spreads reconnects, `format` is that of files. Raises UsageError for an
    address that is none, ConfigurationError for a secret that is missing or cannot be read.
    """
    name = uri if name is None else name
    if not 0 < len(name) <= LONGEST or not name.isprintable():
        raise UsageError(
            f"'{name[:40]}…' is no name for a source; give one of 1 to {LONGEST} characters that can be shown"
        )
    check_format(format)
    scheme, separator, rest = uri.partition(":")
    if not separator or len(scheme) < 2 or not rest.startswith("//"):
        if scheme == "aisstream" and separator:
            return aisstream_source(name, _key(environment), rng, box=_box(uri, rest))
        if scheme == "digitraffic" and separator:
            if rest:
                raise UsageError(f"'{uri}' says too much; write digitraffic:")
            return MqttSource(name, DIGITRAFFIC, 443, rng, websockets=True, tls=True)
        return _path_source(uri, name, format)
    parts = _parts(uri)
    host = parts.hostname or ""
    if scheme in MQTT:
        port, websockets, tls = MQTT[scheme]
        return MqttSource(
            name,
            _needed(uri, host, "host"),
            parts.port or port,
            rng,
            websockets=websockets,
            path=parts.path or "/mqtt",
            tls=tls,
            username=parts.username,
            password=secret(environment, MQTT_PASSWORD) if parts.username else None,
        )
    if parts.path not in ("", "/") or parts.query or parts.username is not None:
        raise UsageError(f"'{uri}' says more than host and port; write {scheme}://{host}:{parts.port or 'PORT'}")
    if scheme in SIGNALK:
        port, tls = SIGNALK[scheme]
        return signalk_source(name, _needed(uri, host, "host"), parts.port or port, rng, tls=tls)
    if scheme == "tcp":
        return TcpSource(name, _needed(uri, host, "host"), _port(uri, parts), rng)
    if scheme == "udp":
        return UdpSource(name, host, _port(uri, parts))
    if scheme == "http":
        return HttpSource(name, host, _port(uri, parts), token=_token(uri, host, environment))
    raise UsageError(f"'{scheme}://' is no kind of source; the kinds are {KNOWN}")


def _token(uri: str, host: str, environment: Mapping[str, str]) -> SecretStr | None:
    """The token that senders must show; only on this machine's own address it may be left out."""
    token = secret(environment, HTTP_TOKEN)
    if token is None and not _is_loopback(host):
        raise ConfigurationError(f"{uri} lets others send reports; set {HTTP_TOKEN} or {HTTP_TOKEN}_FILE")
    return token


def _is_loopback(host: str) -> bool:
    try:
        return host in ("", "localhost") or ip_address(host).is_loopback
    except ValueError:  # a name, which may become any address
        return False


def _key(environment: Mapping[str, str]) -> SecretStr:
    key = secret(environment, AISSTREAM_KEY)
    if key is None:
        raise ConfigurationError(f"aisstream.io needs a key; set {AISSTREAM_KEY} or {AISSTREAM_KEY}_FILE")
    return key


def _box(uri: str, text: str) -> Box:
    """South, west, north, east."""
    if not text:
        return WORLD
    try:
        south, west, north, east = (float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"'{uri}' names no area; write aisstream:SOUTH,WEST,NORTH,EAST in degrees") from None
    if not (-90 <= south < north <= 90 and -180 <= west < east <= 180):
        raise UsageError(f"'{uri}' is no area on earth; write south below north, west before east, in degrees")
    return south, west, north, east


def _path_source(uri: str, name: str, format: str | None) -> Source:
    path = Path(uri)
    if path.is_dir():
        return DirectorySource(name, path, format=format)
    if path.is_file():
        return FileSource(name, path, format=format)
    raise UsageError(f"'{uri}' is neither a file or directory nor an address; an address is {KNOWN}")


def _parts(uri: str) -> SplitResult:
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:
        raise UsageError(f"'{uri[:LONGEST]}' has no port between 1 and 65535; write it behind the host") from None
    if parts.password is not None:
        raise UsageError(f"a password stands in the address of {parts.hostname}; set {MQTT_PASSWORD} instead")
    return parts


def _port(uri: str, parts: SplitResult) -> int:
    if parts.port is None:
        raise UsageError(f"'{uri}' has no port; write {parts.scheme}://{parts.hostname or ''}:PORT")
    return parts.port


def _needed(uri: str, value: str, what: str) -> str:
    if not value:
        raise UsageError(f"'{uri}' has no {what}; the addresses of sources are {KNOWN}")
    return value
