"""The AIS decoder's kernels written again as slow, obvious Python over text; the specification of the fast ones."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import reduce
from operator import xor

# ---------------------------------------------------------------------------------------------------------- MMSI

_SHAPES = [
    ("ship", r"[2-7]\d{8}"),
    ("coast_station", r"00[2-7]\d{6}"),
    ("group", r"0[2-7]\d{7}"),
    ("sar_aircraft", r"111[2-7]\d{5}"),
    ("handheld", r"8[2-7]\d{7}"),
    ("craft", r"98[2-7]\d{6}"),
    ("aton", r"99[2-7]\d{6}"),
    ("sart", r"970\d{6}"),
    ("mob", r"972\d{6}"),
    ("epirb", r"974\d{6}"),
]


def mmsi_class(mmsi: int, msg_type: int = 0) -> str:
    """Class name of an MMSI zero-padded to nine digits, by the shapes of ITU-R M.585-9."""
    by_digits = next((name for name, shape in _SHAPES if re.fullmatch(shape, f"{mmsi:09d}")), "invalid")
    if by_digits in ("ship", "invalid"):
        return {4: "coast_station", 9: "sar_aircraft", 21: "aton"}.get(msg_type, by_digits)
    return by_digits


# ------------------------------------------------------------------------------------------------------------- times

_CLOCK = r"(\d{1,2}):(\d{1,2}):(\d{1,2})(?:[.,:](\d+))?"
_PREFIXES = [
    (re.compile(r"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?!\d)()"), "ymd"),
    (re.compile(r"(\d{4})(\d\d)(\d\d)[ T_](\d\d)(\d\d)(\d\d)(?!\d)()"), "ymd"),
    (re.compile(r"(\d{4})([-/.])(\d+)\2(\d+)[ T_t]" + _CLOCK), "ymd"),
    (re.compile(r"(\d{1,2})([-/.])(\d+)\2(\d+)[ T_t]" + _CLOCK), "dmy"),
]


def checksum(body: bytes) -> int:
    return reduce(xor, body, 0)


def ms_of(moment: datetime) -> int | None:
    ms = round(moment.replace(tzinfo=UTC).timestamp() * 1000)
    return ms if 0 < ms < 4_102_444_800_000 else None


def epoch_ms(text: str) -> int | None:
    """Seconds, ms, µs or ns since 1970 by the number of digits; only seconds may have a fraction."""
    whole = re.fullmatch(r"(\d{1,19})(\.\d*)?", text)
    if not whole or (whole[2] and len(whole[1]) > 11):
        return None
    if len(whole[1]) <= 11:
        ms = int(whole[1]) * 1000 + int(((whole[2] or ".")[1:] + "000")[:3])
    else:
        ms = int(whole[1]) // {12: 1, 13: 1, 14: 1000, 15: 1000, 16: 1000}.get(len(whole[1]), 1_000_000)
    return ms if 0 < ms < 4_102_444_800_000 else None


def prefix_ms(text: str) -> int | None:
    """The time at the beginning of a logger's prefix."""
    text = text.lstrip(" \t\"'([")
    for pattern, order in _PREFIXES:
        if found := pattern.match(text):
            words = [word for word in found.groups() if word is None or word not in ("-", "/", ".")]
            year, month, day = words[:3] if order == "ymd" else words[2::-1]
            year = "20" + year if len(year) == 2 else year
            hour, minute, second, fraction = words[3:7]
            try:
                moment = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second))
            except ValueError:
                return None
            moment += timedelta(milliseconds=int(((fraction or "") + "000")[:3]))
            zone = re.match(r"([+-])(\d\d):?(\d\d)?", text[found.end() :])
            if zone:
                offset = timedelta(hours=int(zone[2]), minutes=int(zone[3] or 0))
                try:
                    moment -= offset if zone[1] == "+" else -offset
                except OverflowError:  # before year 1 or after year 9999
                    return None
            return ms_of(moment)
    found = re.match(r"\d{9,}(\.\d*)?", text)
    return epoch_ms(found[0]) if found else None


def own_ship_ms(kind: str, fields: list[str]) -> int | None:
    """The time in the fields of an RMC or ZDA sentence."""
    try:
        if kind == "RMC":
            if fields[1] != "A" or len(fields[8]) != 6:
                return None
            day, month, year = fields[8][:2], fields[8][2:4], fields[8][4:]
        else:
            day, month, year = fields[1:4]
        clock = re.match(r"(\d\d)(\d\d)(\d\d)(?:\.(\d+))?", fields[0])
        if clock is None:
            return None
        full = int(year) + (0 if int(year) > 99 else 2000 if int(year) < 80 else 1900)
        moment = datetime(full, int(month), int(day), *map(int, clock.groups()[:3]))
    except (ValueError, IndexError):
        return None
    return ms_of(moment + timedelta(milliseconds=int(((clock[4] or "") + "000")[:3])))


# ----------------------------------------------------------------------------------------------------------- framing


@dataclass
class Message:
    line: int
    payload: str
    fill_bits: int
    t_ms: int | None
    source: str


@dataclass
class Framed:
    messages: list[Message] = field(default_factory=list)
    rejects: list[tuple[int, str]] = field(default_factory=list)


@dataclass
class _Waiting:
    key: tuple[object, ...]
    source: str
    t_ms: int | None
    line: int
    ordinal: int
    payloads: list[str]


_ARMOR = "0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVW`abcdefghijklmnopqrstuvw"


def frame(data: bytes) -> Framed:
    """All messages and refused sentences of a whole file."""
    out = Framed()
    own_ship: int | None = None
    wrapper: tuple[int | None, str] = (None, "")
    groups: dict[tuple[int, int], tuple[int | None, str, int]] = {}
    waiting: list[_Waiting] = []
    ordinal = 0
    lines = re.split(rb"\r\n|\r|\n", data)
    for number, line in enumerate(lines, 1):
        if len(line) > 65_536:
            out.rejects.append((number, "line_too_long"))
            continue
        text = line.decode("latin-1").lstrip(" ")
        if not text or text[0] == "#":
            continue
        prefix = re.match(r"[^!$\\]*", text)
        prefix_t = prefix_ms(prefix[0]) if prefix and prefix[0] else None
        tag_t, tag_s, tag_bad, n_vdm = None, "", False, 0
        at = 0
        while at < len(text):
            rest = text[at:]
            if (
                rest[0] == "\\"
                and (block := re.match(r"\\([^\\!$]+)\\", rest))
                and ("*" in block[1] or rest[block.end() :][:1] == "!")
            ):
                at += block.end()
                sound = re.fullmatch(r"([^*!$]*)\*([0-9A-Fa-f]{1,2})", block[1])
                if not sound or int(sound[2], 16) != checksum(sound[1].encode("latin-1")):
                    tag_bad = True
                    continue
                group = None
                for tag in sound[1].split(","):
                    if tag.startswith("c:"):
                        tag_t = epoch_ms(tag[2:])
                    elif tag.startswith("s:"):
                        tag_s = tag[2:][:64]
                    elif g := re.fullmatch(r"g:(\d+)-(\d+)-(\d+)", tag) or re.fullmatch(r"(\d)G(\d):(\d+)", tag):
                        group = tuple(map(int, g.groups()))
                if group and group[0] == 1:
                    groups[group[1:]] = (tag_t, tag_s, ordinal)
                elif group and group[1:] in groups and ordinal - groups[group[1:]][2] <= 1000:
                    tag_t = groups[group[1:]][0] if tag_t is None else tag_t
                    tag_s = tag_s or groups[group[1:]][1]
                    if group[0] == group[1]:
                        del groups[group[1:]]
                continue
            if found := re.match(r"\$([^!$\\*]*)(\*[0-9A-Fa-f]{2})?", rest):
                body, star = found[1], found[2]
                sound = bool(star) and int(star[1:], 16) == checksum(body.encode("latin-1"))
                fields = body.split(",")
                if rest.startswith("$PGHP"):
                    wrapper = (None, "")
                    if sound:
                        try:
                            y, mo, d, h, mi, s, ms = map(int, fields[2:9])
                            t = ms_of(datetime(y, mo, d, h, mi, s) + timedelta(milliseconds=ms))
                        except ValueError:
                            t = None
                        wrapper = (t, next((name for name in fields[11:8:-1] if name not in ("", "0")), ""))
                    else:
                        out.rejects.append((number, "bad_checksum"))
                elif sound and rest[3:6] in ("RMC", "ZDA") and (t := own_ship_ms(rest[3:6], fields[1:])) is not None:
                    own_ship = t
                at += max(1, found.end())
            elif re.match(r"!..VD[MO],", rest, re.DOTALL):
                n_vdm += 1
                ordinal += 1
                t, source = wrapper
                wrapper = (None, "")
                whole = re.match(r"!([^!$\\*]*)(\*[^!$\\]*)?", rest)
                assert whole
                at += whole.end()
                reason = None
                if not whole[2]:
                    reason = "missing_checksum"
                elif not re.match(r"\*[0-9A-Fa-f]{2}", whole[2]) or int(whole[2][1:3], 16) != checksum(
                    whole[1].encode("latin-1")
                ):
                    reason = "bad_checksum"
                elif tag_bad:
                    reason = "bad_tag_block"
                if reason:
                    out.rejects.append((number, reason))
                    continue
                if whole[2][3:4] == ",":
                    for name in whole[2][4:].rstrip(" ").split(","):
                        if name[:1] in ("r", "b") and len(name) > 1:
                            source = name[1:65]
                        elif len(name) >= 9 and name[0].isdigit():
                            t = epoch_ms(name) or t
                t = tag_t if tag_t is not None else t if t is not None else prefix_t
                source = tag_s or source
                talker, fields = whole[1][:5], whole[1].split(",")[1:]
                reason, total, part = None, 0, 0
                if len(fields) < 5 or len(fields[0]) != 1 or len(fields[1]) != 1:
                    reason = "malformed_sentence"
                else:
                    total, part = (ord(fields[0]) - 48, ord(fields[1]) - 48)
                    fill = fields[5] if len(fields) > 5 else None
                    if not (1 <= total <= 9 and 1 <= part <= total):
                        reason = "bad_part_number"
                    elif not re.fullmatch(r"\d{0,18}", fields[2], re.ASCII):
                        reason = "malformed_sentence"
                    elif not set(fields[4]) <= set(_ARMOR):
                        reason = "bad_armor"
                    elif fill is None:
                        reason = "malformed_sentence"
                    elif not fields[4] and total == 1:
                        reason = "empty_payload"
                    elif len(fields[4]) > 200:
                        reason = "payload_too_long"
                    elif fill not in ("", "0", "1", "2", "3", "4", "5"):
                        reason = "bad_fill_bits"
                if reason:
                    out.rejects.append((number, reason))
                    continue
                payloads, line_of_first = [fields[4]], number
                if total > 1:
                    key = (talker, total, fields[2], fields[3][:1])
                    if part == 1:
                        for old in [w for w in waiting if w.key == key and w.source == source]:
                            waiting.remove(old)
                            out.rejects.append((old.line, "incomplete_multipart"))
                        waiting.append(_Waiting(key, source, t, number, ordinal, [fields[4]]))
                        continue
                    ready = [
                        w
                        for w in waiting
                        if w.key == key
                        and len(w.payloads) == part - 1
                        and (
                            abs(t - w.t_ms) <= 10_000
                            if t is not None and w.t_ms is not None
                            else ordinal - w.ordinal <= 1000
                        )
                    ]
                    same = [w for w in ready if w.source == source]
                    ready = same or sorted((w for w in ready if not (w.source and source)), key=lambda w: -w.ordinal)
                    if not ready:
                        out.rejects.append((number, "incomplete_multipart"))
                        continue
                    mine = ready[0]
                    mine.payloads.append(fields[4])
                    mine.t_ms = t if mine.t_ms is None else mine.t_ms
                    mine.source = mine.source or source
                    if part < total:
                        continue
                    waiting.remove(mine)
                    payloads, line_of_first, t, source = mine.payloads, mine.line, mine.t_ms, mine.source
                t = own_ship if t is None else t
                name = source.encode("latin-1").decode("utf-8", "backslashreplace")
                out.messages.append(Message(line_of_first, "".join(payloads), int(fields[5] or 0), t, name))
            else:
                at += 1
            at += re.match(r"[^!$\\]*", text[at:]).end()  # type: ignore[union-attr]
        if n_vdm == 0 and re.search(r"VD[MO],", text):
            out.rejects.append((number, "unknown_sentence"))
    out.rejects.extend((w.line, "incomplete_multipart") for w in sorted(waiting, key=lambda w: w.ordinal))
    return out


# ------------------------------------------------------------------------------------------------------------- fields


def bits_of(payload: str, fill_bits: int) -> str:
    bits = "".join(f"{_ARMOR.index(char):06b}" for char in payload)
    return bits[: len(bits) - fill_bits]


def unsigned(bits: str, start: int, n_bits: int) -> int | None:
    """A field, or None where the message ends before it does."""
    return int(bits[start : start + n_bits], 2) if start + n_bits <= len(bits) else None


def signed(bits: str, start: int, n_bits: int) -> int | None:
    value = unsigned(bits, start, n_bits)
    return value - (1 << n_bits) if value is not None and bits[start] == "1" else value


def text(bits: str, start: int, n_chars: int) -> str | None:
    """A text field without fill characters and outer spaces; None where it is empty."""
    codes = [int(bits[at : at + 6], 2) for at in range(start, start + n_chars * 6, 6) if at + 6 <= len(bits)]
    chars = "".join(chr(code + 64) if code < 32 else chr(code) for code in codes)
    return chars.rstrip("@").strip(" ") or None
