"""open_source: what people write for a source becomes one.

    tcp://HOST:PORT            NMEA from a server
    udp://[HOST]:PORT          NMEA (or AIS-catcher's JSON) in datagrams to this machine
    http://[HOST]:PORT         AIS-catcher's JSON POST to this machine
    aisstream:[S,W,N,E]        aisstream.io, an area in degrees or the whole world
    digitraffic:               Fintraffic's open MQTT
    mqtt://[USER@]HOST[:PORT]  Digitraffic's topics from another broker; also mqtts, mqtt+ws and mqtt+wss
    signalk://HOST[:PORT]      a Signal K server; signalks with TLS
    PATH                       a file to its end, or a directory that is watched

Keys, tokens and passwords never stand in an address. They come from the environment, or from files named there:
MARITIME_AISSTREAM_KEY, MARITIME_HTTP_TOKEN, MARITIME_MQTT_PASSWORD, each also with _FILE.
"""

from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Final
from urllib.parse import SplitResult, urlsplit

from pydantic import SecretStr

from maritime.errors import ConfigurationError, UsageError
from maritime.sources.sniffer import check_format
from streams.ingest.aisstream import KEY_VARIABLE, WORLD, Box, aisstream_source
from streams.ingest.files import DirectorySource, FileSource
from streams.ingest.http import HttpSource
from streams.ingest.mqtt import MqttSource
from streams.ingest.signalk import signalk_source
from streams.ingest.source import Source
from streams.ingest.tcp import TcpSource
from streams.ingest.udp import UdpSource

TOKEN_VARIABLE: Final = "MARITIME_HTTP_TOKEN"
PASSWORD_VARIABLE: Final = "MARITIME_MQTT_PASSWORD"
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
            password=secret(environment, PASSWORD_VARIABLE) if parts.username else None,
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
        return HttpSource(name, host, _port(uri, parts), token=secret(environment, TOKEN_VARIABLE))
    raise UsageError(f"'{scheme}://' is no kind of source; the kinds are {KNOWN}")


def secret(environment: Mapping[str, str], variable: str) -> SecretStr | None:
    """A secret from the environment, or from the file that it names with _FILE; None when there is neither.

    Raises ConfigurationError when both are set, or the file cannot be read or is empty.
    """
    value, path = environment.get(variable), environment.get(f"{variable}_FILE")
    if value and path:
        raise ConfigurationError(f"{variable} and {variable}_FILE are both set; set one of them")
    if path:
        try:
            value = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{path}, named by {variable}_FILE, cannot be read ({error}); check it") from None
        if not value:
            raise ConfigurationError(f"{path}, named by {variable}_FILE, is empty; write the secret into it")
    return SecretStr(value) if value else None


def _key(environment: Mapping[str, str]) -> SecretStr:
    key = secret(environment, KEY_VARIABLE)
    if key is None:
        raise ConfigurationError(f"aisstream.io needs a key; set {KEY_VARIABLE} or {KEY_VARIABLE}_FILE")
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
        raise UsageError(f"a password stands in the address of {parts.hostname}; set {PASSWORD_VARIABLE} instead")
    return parts


def _port(uri: str, parts: SplitResult) -> int:
    if parts.port is None:
        raise UsageError(f"'{uri}' has no port; write {parts.scheme}://{parts.hostname or ''}:PORT")
    return parts.port


def _needed(uri: str, value: str, what: str) -> str:
    if not value:
        raise UsageError(f"'{uri}' has no {what}; the addresses of sources are {KNOWN}")
    return value
