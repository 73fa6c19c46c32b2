"""Envelopes that hypothesis makes up: hostile text wherever text may be, and any part left out."""

from typing import Any, Final

from hypothesis import strategies as st

from maritime.sharing.envelope import TLP_ORDER, Envelope
from maritime.sharing.release import Release
from tests.sharing.samples import TYPES, cancel, full

HOSTILE: Final = (
    "",
    " ",
    "]]><script>alert('&amp;')</script>",
    '"},{"type":"identity"},{"',
    "\x00\x01\x1f\x7f\x85",
    "line\r\nbreak\u2028and\u2029more",
    "\u202eright to left\u202c تونس ישראל",
    "😀𝔸\U0010ffff\ufffe",
    "e\u0301 against \u00e9",
    "long " * 4_000,
)
TEXTS: Final = st.one_of(st.sampled_from(HOSTILE), st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
SIGNATURES: Final = st.none() | st.just("eyJhbGciOiJFZDI1NTE5In0..c2lnbmF0dXJl")
LEFT_OUT: Final = ("context_id", "expires", "observed", "assessment", "vessels", "geometry", "places", "area_desc")


@st.composite
def envelopes(draw: st.DrawFn) -> Envelope:
    whole = cancel() if draw(st.integers(0, 5)) == 0 else full(draw(st.sampled_from(TYPES)))
    record: dict[str, Any] = whole.to_dict()
    text = draw(TEXTS)
    record["event"]["headline"] = text[:160]
    record["originator"] |= {"name": draw(TEXTS), "contact": draw(TEXTS)}
    record["area_desc"] = text
    record["evidence"] = [{"name": "seen", "value": draw(TEXTS), "unit": None}]
    record["vessels"] = [{"name": draw(TEXTS), "call_sign": draw(TEXTS)}, {"pseudonym": draw(TEXTS)}, {}]
    if "assessment" in record:
        record["assessment"]["caveats"] = [draw(TEXTS)]
    record["status"] = draw(st.sampled_from(["actual", "exercise", "test", "system"]))
    record["handling"]["tlp"] = draw(st.sampled_from(TLP_ORDER))
    record["handling"]["onward"] = draw(st.sampled_from(["originator_only", "with_consent", "permitted"]))
    record["a_later_field"] = {"text": draw(TEXTS)}
    for name in draw(st.sets(st.sampled_from(LEFT_OUT))):
        record.pop(name, None)
    return Envelope.model_validate(record)


@st.composite
def releases(draw: st.DrawFn) -> Release:
    return Release(draw(envelopes()), draw(SIGNATURES))
