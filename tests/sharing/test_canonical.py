"""Canonical JSON, judged by the library of RFC 8785 and by the examples of the standard."""

from typing import Any

import pytest
import rfc8785
from hypothesis import example, given, settings
from hypothesis import strategies as st

from maritime.errors import InputError
from maritime.sharing.canonical import canonical
from tests.sharing.samples import EVERY

numbers = st.integers() | st.floats() | st.floats(min_value=-1e-3, max_value=1e-3) | st.floats(1e14, 1e22)
values = st.recursive(
    st.none() | st.booleans() | numbers | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


def by_the_library(value: Any) -> bytes | type[Exception]:
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError):
        return ValueError


@given(values)
@settings(max_examples=500)
@example(-0.0)
@example([1.0, 1e15, 1e16, 1e21, 1e-4, 9.999e-5, 1e-7, 5e-324, 0.1, -12.5])
@example({"\U0001f600": 1, "\ue000": 2, "a": 3})
@example({"b": {"\u20ac": 1}, "a": '\u007f\u0000\u001f"\\/\b\t\n\f\r\u2028'})
@example([(1 << 53) - 1, 1 << 53, -(1 << 53) + 1, -(1 << 53)])
@example("\ud800")
def test_it_is_what_the_library_says(value: Any) -> None:
    expected = by_the_library(value)
    if isinstance(expected, bytes):
        assert canonical(value) == expected
    else:
        with pytest.raises(InputError, match="no canonical form"):
            canonical(value)


def test_the_example_of_the_standard() -> None:
    """RFC 8785 section 3.2.2 and 3.2.4."""
    value = {
        "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"\u002f",
        "literals": [None, True, False],
    }
    assert canonical(value) == (
        b'{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        b'"string":"\xe2\x82\xac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )


@pytest.mark.parametrize("envelope", EVERY, ids=lambda e: f"{e.event.type}-{e.kind}-{e.revision}")
def test_envelopes_need_no_help_of_the_library(envelope: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = rfc8785.dumps(envelope.to_dict())
    monkeypatch.setattr(rfc8785, "dumps", None)
    assert envelope.canonical() == expected
