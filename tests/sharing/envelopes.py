"""Envelopes that hypothesis makes up: hostile text wherever text may be, and any part left out."""

from typing import Any, Final

from hypothesis import strategies as st

from maritime.sharing.envelope import TLP_ORDER, Envelope
from maritime.sharing.release import Release
from tests.sharing.samples import JWS, TYPES, cancel, full

HOSTILE: Final = (
    "",
    " ",
    "]]><script>alert('&amp;')</script>",
    "<!DOCTYPE x><!-- -->&#0;",
    '"},{"type":"identity"},{"',
    "\x00\x01\x1f\x7f\x85",
    "line\r\nbreak\u2028and\u2029more\thandling.tlp: TLP:CLEAR",
    "\u202eright to left\u202c تونس ישראל \u2066",
    "😀𝔸\U0010ffff\ufffe\uffff",
    "e\u0301 against \u00e9",
    "long " * 4_000,
)
TEXTS: Final = st.sampled_from(HOSTILE) | st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
LEFT_OUT: Final = ("context_id", "expires", "observed", "assessment", "vessels", "geometry", "places", "area_desc")


@st.composite
def envelopes(draw: st.DrawFn) -> Envelope:
    whole = cancel() if draw(st.integers(0, 5)) == 0 else full(draw(st.sampled_from(TYPES)))
    record: dict[str, Any] = whole.to_dict()
    text = draw(TEXTS)
    record["event"] |= {"headline": text[:160], "subtype": draw(TEXTS)}
    record["originator"] |= {"name": draw(TEXTS), "contact": draw(TEXTS)}
    record["area_desc"] = text
    record["evidence"] = [{"name": "seen", "value": [draw(TEXTS), {draw(TEXTS): draw(TEXTS)}], "unit": None}]
    record["vessels"] = [{"name": draw(TEXTS), "call_sign": draw(TEXTS)}, {"pseudonym": draw(TEXTS)}, {}]
    if "assessment" in record:
        term = {"feature": "x" + draw(TEXTS), "value": draw(TEXTS), "threshold": draw(TEXTS), "unit": draw(TEXTS)}
        record["assessment"] |= {"caveats": [draw(TEXTS)], "explanation": [term]}
        record["assessment"]["review"]["role"] = draw(TEXTS)
    record["status"] = draw(st.sampled_from(["actual", "exercise", "test", "system"]))
    record["handling"] |= {
        "tlp": draw(st.sampled_from(TLP_ORDER)),
        "onward": draw(st.sampled_from(["originator_only", "with_consent", "permitted"])),
        "rel_to": draw(st.lists(TEXTS, max_size=2)),
    }
    record["a_later_field"] = {"text": draw(TEXTS), "none": None, "empty": []}
    for name in draw(st.sets(st.sampled_from(LEFT_OUT))):
        record.pop(name, None)
    return Envelope.model_validate(record)


def releases() -> st.SearchStrategy[Release]:
    """Their releases, signed in form or not at all."""
    return st.builds(Release, envelopes(), st.none() | st.just(JWS))
