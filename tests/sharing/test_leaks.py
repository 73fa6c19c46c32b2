"""The leak test: of all that is planted in an envelope, what a rule does not name is nowhere in what leaves.

Every partner of every policy, every type of alert and every format. The scanner is put to the test first: it finds
each kind of secret in each encoding, and an exporter that hides one is caught.
"""

import base64
import codecs
import gzip
import html
import json
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Final
from urllib.parse import quote

import pytest
import yaml

from maritime.alerts.alert import Alert, Detector
from maritime.detect.episode import Reason
from maritime.sharing.decide import Decision, decide
from maritime.sharing.envelope import Envelope
from maritime.sharing.evidence_kinds import EVIDENCE, EXPLANATION
from maritime.sharing.formats import Format, cap, cise, cloudevent, geojson, misp, stix
from maritime.sharing.policy import ReleasePolicy
from maritime.sharing.prepare import VesselFacts, prepare
from maritime.sharing.redact import cancel
from maritime.sharing.release import Release
from maritime.times import from_rfc3339
from tests.sharing.leaks import Secret, found, plant, token
from tests.sharing.policies import ADDRESS, KEY, MARK, partner
from tests.sharing.samples import TYPES, full
from tests.sharing.test_non_interference import COARSENESS, EXAMPLES
from tests.sharing.told import complete, leaves, may_show

FORMATS: Final[dict[str, Format]] = {
    "cise": cise.FORMAT,
    "cap": cap.FORMAT,
    "stix": stix.FORMAT,
    "geojson": geojson.FORMAT,
    "misp": misp.FORMAT,
    "cloudevent": cloudevent.FORMAT,
}
LATER_MS: Final = from_rfc3339("2026-03-19T04:01:40.250Z")
LEAST_PLANTED: Final = 100_000  # of the first measurement half
OTHER_PARTNER: Final = "another-partner"


def secret_names(policy: dict[str, Any]) -> tuple[dict[str, Any], list[Secret]]:
    """The policy with secrets in place of its own names: of rules, groups and areas, agreements, and other partners."""
    secrets: list[Secret] = []

    def secret(*path: str) -> str:
        secrets.append(Secret(("policy", *path), token(50_000 + len(secrets))))
        return str(secrets[-1].value)

    areas = {name: secret("areas", name) for name in policy.get("areas", {})}
    groups = {name: secret("groups", name) for name in policy.get("groups", {})}
    policy = policy | {
        "areas": {areas[name]: spec for name, spec in policy.get("areas", {}).items()},
        "groups": {groups[name]: dict(spec) for name, spec in policy.get("groups", {}).items()},
        "partners": {name: dict(spec) for name, spec in policy["partners"].items()},
        "marks": [
            mark | {"rel_to": [_renamed(target, groups) for target in mark["rel_to"]]} for mark in policy["marks"]
        ],
    }
    for kind in ("partners", "groups"):
        for name, part in policy[kind].items():
            part["rules"] = [
                rule | {"name": secret(name, "rule")} | ({"area": areas[rule["area"]]} if rule.get("area") else {})
                for rule in part.get("rules", [])
            ]
            if kind == "partners":
                part["name"] = secret(name, "name")
                part["agreement"] = part["agreement"] | {"reference": secret(name, "agreement")}
    return policy, secrets


def _renamed(target: str, groups: dict[str, str]) -> str:
    kind, _, name = target.rpartition(":")
    return f"{kind}:{groups[name]}" if kind else target


@cache
def policies() -> dict[str, tuple[ReleasePolicy, list[Secret]]]:
    """The examples, and a policy with a partner for every way in which a rule can make a copy coarser."""
    read = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in EXAMPLES}
    kinds = {
        f"for {name}".replace(" ", "-"): partner(rule, rescue=name == "coarse") for name, rule in COARSENESS.items()
    }
    read["a partner for each rule"] = {
        "policy": "test",
        "version": "1",
        "originator": {"org_id": "nmc.example"},
        "marks": [MARK | {"rel_to": list(kinds)}],
        "partners": kinds,
    }
    named = {name: secret_names(policy) for name, policy in read.items()}
    return {name: (ReleasePolicy.model_validate(policy), secrets) for name, (policy, secrets) in named.items()}


@cache
def planted(alert_type: str, rel_to: tuple[str, ...]) -> tuple[dict[str, Any], list[Secret]]:
    """An envelope for these recipients with a secret in every field, and the secrets."""
    record = complete(alert_type, [*rel_to, OTHER_PARTNER])
    names = {("evidence", "name"): EVIDENCE, ("explanation", "feature"): EXPLANATION}
    left = [
        path
        for path, value in leaves(record)
        if path in {("originator", "org_id"), ("event", "type")}
        or (path[:2] == ("handling", "rel_to") and value != OTHER_PARTNER)
        or value in names.get((str(path[-3]) if len(path) > 2 else "", str(path[-1])), ())
    ]
    return plant(record, left)


def may_leave(secret: Secret, record: dict[str, Any], decision: Decision, by: ReleasePolicy, who: str) -> bool:
    """Whether what was planted may be read in the copy: said from the rule alone."""
    path = secret.path
    if path[0] == "policy":
        return False
    if decision.code == "safety":
        hidden = path[0] in ("alert_id", "revision", "references", "context_id") or path[:2] == ("handling", "rel_to")
        return not (hidden or path == ("feedback", "topic") or "hull" in path or _is_unknown(path, record))
    (used,) = {each.rule.name: each.rule for each in by.candidates(who) if each.rule.name == decision.rule}.values()
    return may_show(path, record, used, by.released_by(used))


def _is_unknown(path: tuple[str | int, ...], record: dict[str, Any]) -> bool:
    """Whether it is of evidence that no table has; the names of a call of distress are as they were given."""
    return path[0] == "evidence" and record["evidence"][path[1]]["name"] not in EVIDENCE


def documents(decision: Decision, who: str) -> Iterator[tuple[str, bytes]]:
    """The copy, and its cancel, in every format."""
    assert decision.envelope is not None
    last = decision.envelope
    address = ADDRESS.__class__(last.alert_id, 1, "cancel", (f"{last.alert_id}@0@{last.sent}",), ADDRESS.context_id)
    for what, envelope in (("copy", last), ("cancel", cancel(last, who, address=address, now_ms=LATER_MS))):
        for name, format_ in FORMATS.items():
            yield f"{what} in {name}", format_.render(Release(envelope))
        yield f"{what} in cloudevent of a feed", cloudevent.render(Release(envelope), 7)


@pytest.mark.slow
def test_nothing_of_all_that_was_planted_leaks(capsys: pytest.CaptureFixture[str]) -> None:
    count, leaked, released = 0, [], 0
    for policy_name, (by, policy_secrets) in policies().items():
        for alert_type in TYPES:
            mark = by.mark_of(alert_type)
            assert mark is not None
            record, secrets = planted(alert_type, mark.rel_to)
            envelope = Envelope.model_validate(record)
            for who in by.partners:
                decision = decide(envelope, who, by, address=ADDRESS, now_ms=LATER_MS, pseudonym_key=KEY)
                if decision.envelope is None:
                    continue
                released += 1
                others = [Secret(("policy", "partners", name), name) for name in by.partners if name != who]
                every = [*secrets, *policy_secrets, *others]
                forbidden = [each for each in every if not may_leave(each, record, decision, by, who)]
                for what, document in documents(decision, who):
                    count += len(forbidden)
                    leaked += [
                        f"{policy_name}, {who}, {alert_type}, {what}: {secret.path} {secret.value}"
                        for secret in found(document, forbidden)
                    ]
    with capsys.disabled():
        print(f"\n{len(leaked)} leaks of {count:,} planted in {released} copies of {len(FORMATS)} formats")
    assert leaked == []
    assert count > LEAST_PLANTED
    assert released > 50


@pytest.mark.parametrize("alert_type", TYPES)
def test_what_a_rule_names_is_found_by_the_scanner(alert_type: str) -> None:
    """So that 0 leaks does not mean that nothing was told, or that the scanner sees nothing."""
    by, _ = policies()["a partner for each rule"]
    record, secrets = planted(alert_type, by.marks[0].rel_to)
    decision = decide(
        Envelope.model_validate(record), "for-all-of-it", by, address=ADDRESS, now_ms=LATER_MS, pseudonym_key=KEY
    )
    named = [secret for secret in secrets if may_leave(secret, record, decision, by, "for-all-of-it")]
    assert len(named) > 150
    for what, document in documents(decision, "for-all-of-it"):
        if what.startswith("copy"):
            missed = set(named) - found(document, secrets)
            assert missed == set(), what


def test_secrets_are_planted_in_every_field() -> None:
    record, secrets = planted("loitering", ("p",))
    assert len({secret.value for secret in secrets}) == len(secrets) > 550
    free = {path for path, value in leaves(record) if isinstance(value, str | float) and not isinstance(value, bool)}
    few = {path for path in free - {secret.path for secret in secrets} if "evidence" not in path}
    words = {"kind", "status", "schema_version", "nature", "severity", "urgency", "certainty", "source_reliability"}
    words |= {"state", "flag", "country", "role", "type", "tlp", "onward", "org_id", "feature", "sar_phase"}
    assert {path for path in few if path[-1] not in words and path[1:2] not in (("purpose",), ("rel_to",))} == set()


# What the scanner must see, each in a document around it


def _utf16(text: bytes) -> bytes:
    return text.decode().encode("utf-16")


def _base64_at(offset: int, encode: Callable[[bytes], bytes] = base64.b64encode) -> Callable[[bytes], bytes]:
    return lambda text: encode(b"_" * offset + text + b" and so on")


def _deflated(text: bytes) -> bytes:
    squeeze = zlib.compressobj(wbits=-15)
    return squeeze.compress(text) + squeeze.flush()


ENCODINGS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "text": lambda text: text,
    "capitals": bytes.upper,
    "utf-16": _utf16,
    "utf-32": lambda text: text.decode().encode("utf-32"),
    "reversed": lambda text: text[::-1],
    "xml escapes": lambda text: "".join(f"&#x{byte:x};" for byte in text).encode(),
    "html": lambda text: html.escape(text.decode()).encode(),
    "json escapes": lambda text: "".join(f"\\u{byte:04x}" for byte in text).encode(),
    "percent": lambda text: quote(text).encode() + b"".join(b"%%%02x" % byte for byte in text),
    "base64": base64.b64encode,
    "base64, one off": _base64_at(1),
    "base64, two off": _base64_at(2),
    "base64, for addresses": _base64_at(1, base64.urlsafe_b64encode),
    "base64 in lines": lambda text: base64.encodebytes(b"before " * 20 + text + b" after" * 20),
    "base64 reversed": lambda text: base64.b64encode(text)[::-1],
    "base64 of reversed": lambda text: base64.b64encode(text[::-1]),
    "base64 twice": lambda text: base64.b64encode(base64.b64encode(text)),
    "hex": lambda text: text.hex().encode(),
    "hex in capitals": lambda text: text.hex().upper().encode(),
    "hex with spaces": lambda text: text.hex(" ").encode(),
    "zlib": zlib.compress,
    "gzip": lambda text: gzip.compress(text, mtime=0),
    "gzip in base64": lambda text: base64.b64encode(gzip.compress(text, mtime=0)),
    "deflate in base64": lambda text: base64.b64encode(_deflated(text)),
    "zlib in hex in base64": lambda text: base64.b64encode(zlib.compress(text).hex().encode()),
    "rot13 is not asked for": lambda text: codecs.encode(text.decode(), "rot13").encode() + text,
}
AROUND: Final[dict[str, Callable[[bytes], bytes]]] = {
    "alone": lambda hidden: hidden,
    "in json": lambda hidden: b'{"a": 1, "comment": "' + hidden + b'", "b": [2]}',
    "in xml": lambda hidden: b"<alert><note>" + hidden + b"</note></alert>",
}


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_the_scanner_finds_every_secret_in_every_encoding(encoding: str, around: str) -> None:
    _, secrets = planted("loitering", ("p",))
    one_of_each = {(type(each.value), each.is_time, each.is_position): each for each in secrets[::-1]}
    uuids = [each for each in secrets if isinstance(each.value, str) and len(each.value) in (36, 64)]
    for secret in (*one_of_each.values(), *uuids[:3]):
        document = AROUND[around](ENCODINGS[encoding](f"is {secret.value} here".encode()))
        assert secret in found(document, secrets), secret


@pytest.mark.parametrize(
    "writing",
    [
        "{:.7f}",
        "{:.4f}",
        "{:.2f}",
        "{:.6e}",
        "{:.5E}",
        "{}",
    ],
)
def test_the_scanner_finds_a_position_however_it_is_written(writing: str) -> None:
    _, secrets = planted("loitering", ("p",))
    for secret in (each for each in secrets if each.is_position):
        assert secret in found(json.dumps({"at": writing.format(secret.value)}).encode(), secrets)


def test_the_scanner_finds_scaled_numbers_and_times() -> None:
    _, secrets = planted("loitering", ("p",))
    positions = [each for each in secrets if each.is_position]
    for secret in positions:
        minutes = secret.value % 1 * 60
        for scaled in (
            f"{secret.value * 1e7:.0f}",
            f"{secret.value * 1e6:.0f}",
            f"{secret.value * 600_000:.0f}",  # ITU-R M.1371-5: 1/10,000 min
            f"{int(secret.value)}° {minutes:.5f}'",
        ):
            assert secret in found(f"<p>{scaled}</p>".encode(), secrets), scaled
    times = [each for each in secrets if each.is_time]
    assert times
    for secret in times:
        t_ms = from_rfc3339(secret.value)
        compact = secret.value[:16].replace("-", "").replace(":", "")
        for written in (t_ms, t_ms // 1000, secret.value[:16], secret.value[11:16], compact, f"since {secret.value}"):
            assert secret in found(f'{{"t": "{written}"}}'.encode(), secrets), written
    zeros = Secret(("vessels", 0, "mmsi"), 2_320_417)  # 00MIDxxxx of a coast station, as a number
    for written in ("002320417", "2320417", "x002320417x", "7140232"):
        assert found(written.encode(), [zeros]) == {zeros}, written


def test_the_scanner_finds_nothing_where_nothing_is() -> None:
    _, secrets = planted("loitering", ("p",))
    for format_ in FORMATS.values():
        assert found(format_.render(Release(full("loitering"))), secrets) == set()


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("hidden", ["hull", "mmsi", "sent", "places"])
def test_an_exporter_that_hides_something_is_caught(name: str, hidden: str) -> None:
    by, _ = policies()["a partner for each rule"]
    record, secrets = planted("loitering", by.marks[0].rel_to)
    decision = decide(
        Envelope.model_validate(record), "for-coarse", by, address=ADDRESS, now_ms=LATER_MS, pseudonym_key=KEY
    )
    assert decision.envelope is not None
    honest = FORMATS[name].render(Release(decision.envelope))
    forbidden = [each for each in secrets if not may_leave(each, record, decision, by, "for-coarse")]
    assert found(honest, forbidden) == set()
    whole = {
        "hull": record["vessels"][0]["hull"],
        "mmsi": str(record["vessels"][0]["mmsi"]),
        "sent": record["sent"],
        "places": json.dumps(record["places"]),
    }
    comment = base64.b64encode(gzip.compress(whole[hidden].encode(), mtime=0))
    assert len(found(honest.replace(b"nmc.example", b"nmc.example " + comment, 1), forbidden)) >= 1


def test_the_numbers_of_the_house_do_not_leave_with_an_alert() -> None:
    """From the alert itself on: its own id, its hull, when it was first known."""
    alert = Alert(
        alert_id="a1b2c3d4e5f60718293a4b5c6d7e8f90",
        revision=4_711_042,
        type="loitering",
        state="closed",
        mmsi=567_801_002,
        hull="567801002-zq7xhull00",
        started_ms=from_rfc3339("2026-03-14T17:13:14.772Z"),
        ended_ms=from_rfc3339("2026-03-14T20:42:59.561Z"),
        raised_ms=from_rfc3339("2026-03-14T19:19:19.191Z"),
        lat=6.713_942,
        lon=98.231_942,
        severity="severe",
        confidence=0.95,
        score=0.876_541_2,
        reasons=(Reason("duration", 3.5, 3.0, "h"),),
        evidence={"hours": 3.5, "zz_new": "zq7xnew000", "other_hull": "zq7xother0", "safety": None},
        detector=Detector("zq7xdetec0", "1", "ab" * 32),
        geometry={"type": "Point", "coordinates": [98.231_942, 6.713_942]},
    )
    secrets = [
        Secret(("alert", name), value)
        for name, value in {
            "alert_id": "a1b2c3d4-e5f6-0718-293a-4b5c6d7e8f90",
            "revision": 4_711_042,
            "hull": "zq7xhull00",
            "raised": "2026-03-14T19:19:19.191+00:00",
            "score": 0.876_541_2,
            "new": "zq7xnew000",
        }.items()
    ]
    sent_ms = from_rfc3339("2026-03-14T21:37:11.001Z")
    for by, _ in policies().values():
        facts = VesselFacts(imo=9_074_729, name="CHAO LE 2", length_m=12.0)
        envelope = prepare(alert, by, status="actual", sent_ms=sent_ms, address=ADDRESS, facts=facts)
        assert envelope is not None
        for who in by.partners:
            decision = decide(envelope, who, by, address=ADDRESS, now_ms=LATER_MS, pseudonym_key=KEY)
            for what, document in documents(decision, who) if decision.envelope else ():
                assert found(document, secrets) == set(), f"{who}, {what}"
