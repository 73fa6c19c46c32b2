"""A scanner for secrets: finds in a document what was planted in an envelope, in whatever encoding it left.

`plant` puts a secret in every field that can hold one: a token in a text, a number of seven digits in a number, a
minute of the day that nothing else has in a time. `found` reads a document in every way that it can be read (as
UTF-16, XML or JSON escapes, percent-encoding, base64, hex, deflate, gzip and zlib streams, forwards and
backwards, one inside the other) and looks for them in each.
"""

import base64
import html
import re
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from pydantic import ValidationError

from maritime.sharing.envelope import Envelope
from maritime.times import from_rfc3339, to_rfc3339
from maritime.units import MINUTE_MS
from tests.sharing.told import Path, changed, leaves

DEEPEST: Final = 4  # encodings, one inside the other
SHORTEST: Final = 8  # bytes of a reading: no secret is shorter
SHORTEST_ENCODED: Final = 12  # characters of base64 or hex; a secret has at least 9
LARGEST_INFLATED: Final = 1 << 22
DIGITS: Final = 6  # of a number: with fewer, numbers that have nothing to do with each other would be taken for one
COARSEST_DEG: Final = 0.006  # a position given to two decimals is a leak, too
MARK: Final = "zq7x"
_TOKEN: Final = re.compile(rb"zq7x[0-9a-z]{6}")
_NUMBER: Final = re.compile(rb"\d+(?:\.\d+)?")
_CLOCK: Final = re.compile(rb"(?<!\d)([01]\d|2[0-3]):([0-5]\d)(?!\d)")
_COMPACT: Final = re.compile(rb"(?<!\d)20\d{6}T?([01]\d|2[0-3])([0-5]\d)")
_BASE64: Final = re.compile(rb"[A-Za-z0-9+/_-](?:[A-Za-z0-9+/_=\s-]|\\n){%d,}" % SHORTEST_ENCODED)
_HEX: Final = re.compile(rb"(?:[0-9a-fA-F]{2}[\s:]?){%d,}" % (SHORTEST_ENCODED // 2))
_STREAM: Final = re.compile(rb"\x1f\x8b\x08|\x78[\x01\x5e\x9c\xda]")


@dataclass(frozen=True, slots=True)
class Secret:
    """What was planted where: text, number or time."""

    path: Path
    value: Any

    @property
    def is_time(self) -> bool:
        return _is_time(self.value)

    @property
    def is_position(self) -> bool:
        """Latitude or longitude, in degrees."""
        return self.path[-1] in ("lat", "lon") or "coordinates" in self.path


def token(number: int) -> str:
    """A text that is nowhere else: all tokens look alike, so that one expression finds them."""
    return f"{MARK}{(number * 48_271_003 + 7_368_787) % 36**5:05x}".ljust(10, "k")[:10]


def plant(record: dict[str, Any], left: Collection[Path] = ()) -> tuple[dict[str, Any], list[Secret]]:
    """The record with a secret in every leaf that can hold one, and the secrets; some paths are left as they are."""
    secrets: list[Secret] = []
    whole = record
    which: dict[tuple[object, ...], int | None] = {}  # of the secrets that might stand at a path, for all of a list
    for number, (path, value) in enumerate(leaves(record)):
        if path in left:
            continue
        offered = list(_secrets(number, path, value))
        kind = (*("*" if isinstance(key, int) else key for key in path), type(value), _is_time(value))
        if kind not in which:
            which[kind] = next((i for i, each in enumerate(offered) if _fits(changed(whole, path, each))), None)
        if (i := which[kind]) is not None:
            whole = changed(whole, path, offered[i])
            # of a reference the id is the secret
            secrets.append(Secret(path, offered[i].partition("@")[0] if isinstance(offered[i], str) else offered[i]))
    Envelope.model_validate(whole)
    return whole, secrets


def _fits(record: dict[str, Any]) -> bool:
    try:
        Envelope.model_validate(record)
    except ValidationError:
        return False
    return True


def _is_time(value: Any) -> bool:
    return isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\dT", value) is not None


def _secrets(number: int, path: Path, value: Any) -> Iterator[Any]:
    """What might stand there instead, the likeliest first; the model says what may."""
    digits = (number * 7_919 + 10_472) % 90_000 * 10 + 100_001  # six, other ones for each leaf
    if isinstance(value, bool) or value is None:
        return
    if isinstance(value, int):
        if value > 1_000_000:
            yield value // 1_000_000 * 1_000_000 + digits
    elif isinstance(value, float):
        if "coordinates" in path or path[-1] in ("lat", "lon"):
            yield round(int(value * 10) / 10 + 0.03 + digits / 1e9, 7)
        if value < 1:
            yield round(int(value * 10) / 10 + digits / 1e7, 7)
        yield digits / 1e4
    elif _is_time(value):
        minute_ms = (from_rfc3339(value) // 86_400_000 * 1440 + (number * 7 + 3) % 1440) * MINUTE_MS
        yield str(to_rfc3339(minute_ms + 13_337 + number % 400)).replace("Z", "+00:00")
    else:
        yield token(number)
        yield f"{number * 7_919_001 + 0xA1B2C3D4E5F60:064x}"
        uuid = f"{number + 268_435_456:08x}-a1b2-4c3d-9e4f-{number * 7_919_001 + 1_099_511_627_776:012x}"
        yield uuid
        yield uuid + value[36:]  # a reference


def found(document: bytes, secrets: Iterable[Secret]) -> set[Secret]:
    """The secrets that can be read out of a document."""
    look = _Looked(list(secrets))
    for view in views(document):
        look.at(view)
        look.at(view[::-1])
    return look.seen


class _Looked:
    """Secrets by what betrays them."""

    def __init__(self, secrets: list[Secret]) -> None:
        self.seen: set[Secret] = set()
        self._texts: dict[bytes, Secret] = {}
        self._others: list[tuple[bytes, Secret]] = []
        self._digits: dict[str, Secret] = {}
        self._minutes: dict[int, Secret] = {}
        self._epochs: dict[int, Secret] = {}
        self._positions: list[tuple[float, Secret]] = []
        for secret in secrets:
            self._add(secret)

    def _add(self, secret: Secret) -> None:
        value = secret.value
        if secret.is_time:
            minute = from_rfc3339(value) // MINUTE_MS
            self._minutes[minute % 1440] = secret
            self._epochs[minute] = secret
        elif isinstance(value, str):
            if _TOKEN.fullmatch(value.encode()):
                self._texts[value.encode()] = secret
            else:
                bare = value.replace("-", "")
                self._others += [(value.encode(), secret), (bare.encode(), secret)]
                with suppress(ValueError):
                    self._others.append((bytes.fromhex(bare), secret))
        else:
            for number in (value, value * 60, value % 1 * 60) if secret.is_position else (value,):
                for digits in (f"{number:.9f}", f"{number:.{DIGITS - 1}e}".split("e")[0]):
                    self._digits[digits.replace(".", "").replace("-", "").lstrip("0")[:DIGITS]] = secret
            if secret.is_position:
                self._positions.append((abs(value), secret))

    def at(self, view: bytes) -> None:
        """Look at one reading of the document."""
        lower = view.lower()
        self.seen |= {self._texts[match] for match in _TOKEN.findall(lower) if match in self._texts}
        self.seen |= {secret for needle, secret in self._others if needle in lower or needle in view}
        for match in _NUMBER.findall(view):
            self._number(match.decode())
        for pattern in (_CLOCK, _COMPACT) if self._minutes else ():
            for hour, minute in pattern.findall(view):
                if secret := self._minutes.get(int(hour) * 60 + int(minute)):
                    self.seen.add(secret)

    def _number(self, text: str) -> None:
        digits = text.replace(".", "").lstrip("0")
        if secret := self._digits.get(digits[:DIGITS]):
            self.seen.add(secret)
        if len(text) in (10, 13) and "." not in text:
            minute = int(text[:10]) // 60
            if secret := self._epochs.get(minute):
                self.seen.add(secret)
        if len(text.partition(".")[2]) >= 2 and len(text) < 30:
            self.seen |= {secret for value, secret in self._positions if abs(float(text) - value) <= COARSEST_DEG}


def views(document: bytes) -> Iterator[bytes]:
    """The document in every way that it can be read, itself first; each once."""
    level, seen = [document], {document}
    for depth in range(DEEPEST + 1):
        yield from level
        if depth == DEEPEST:
            return
        inner: list[bytes] = []
        for view in level:
            for reading in _readings(view):
                if len(reading) >= SHORTEST and reading not in seen:
                    seen.add(reading)
                    inner.append(reading)
        level = inner


def _readings(view: bytes) -> Iterator[bytes]:
    """What one layer of encoding might hide."""
    if b"\0" in view:
        yield view.replace(b"\0", b"")  # UTF-16 and UTF-32 of plain characters
    text = view.decode("utf-8", "replace") if _is_text(view) else None
    if text is not None:
        for unescape in _UNESCAPES:
            if (plain := unescape(text)) != text:
                yield plain.encode("utf-8", "surrogatepass")
        for way in (view, view[::-1]):
            yield from _encoded(way)
    for match in _STREAM.finditer(view):
        yield from _inflated(view[match.start() :], 31 if view[match.start()] == 0x1F else 15)
    if text is None:
        yield from _inflated(view, -15)


def _is_text(view: bytes) -> bool:
    """Mostly characters: what is decoded at the wrong alignment is not, and is read no further."""
    return sum(byte >= 0x80 or byte < 9 for byte in view[:400]) * 4 <= len(view[:400])


def _json_escapes(text: str) -> str:
    return re.sub(r"\\u([0-9a-fA-F]{4})|\\(.)", lambda m: chr(int(m[1], 16)) if m[1] else m[2], text)


_UNESCAPES: Final[tuple[Callable[[str], str], ...]] = (
    html.unescape,
    _json_escapes,
    lambda text: unquote_to_bytes(text).decode("utf-8", "replace") if "%" in text else text,
)


def _encoded(view: bytes) -> Iterator[bytes]:
    for match in _BASE64.findall(view):
        run = re.sub(rb"\s|\\n|=", b"", match).translate(bytes.maketrans(b"-_", b"+/"))
        for start in range(4):
            part = run[start:]
            with suppress(ValueError):
                yield base64.b64decode(part[: len(part) - (len(part) % 4 == 1)] + b"=" * (-len(part) % 4))
    for match in _HEX.findall(view):
        run = re.sub(rb"[\s:]", b"", match)
        for start in (0, 1):
            part = run[start:]
            yield bytes.fromhex(part[: len(part) // 2 * 2].decode())


def _inflated(stream: bytes, window_bits: int) -> Iterator[bytes]:
    with suppress(zlib.error):
        if plain := zlib.decompressobj(window_bits).decompress(stream, LARGEST_INFLATED):
            yield plain
