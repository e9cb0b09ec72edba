"""The verifier's own RFC 8785 writes what the server's does, of whatever a line of a binder can hold."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence.digests import canonical_json, large_number_as_text
from tracebinder.verify.canonical import NoCanonicalForm
from tracebinder.verify.canonical import canonical_json as written_again

SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False).filter(lambda x: large_number_as_text(x) == x) | st.text()
)  # fmt: skip
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20
)


@given(VALUES)
def test_it_writes_what_the_server_writes(value: object) -> None:
    line = canonical_json(value)
    assert written_again(value) == line
    assert (
        written_again(json.loads(line)) == line or b"e+" in line
    )  # a reader takes 1e300 for the integer it is


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1e21, b"1e+21"),
        (123e18, b"123000000000000000000"),
        (1e-6, b"0.000001"),
        (1.5e-7, b"1.5e-7"),
        (-0.0, b"0"),
    ],
)
def test_numbers_are_written_as_ecmascript_does(number: float, text: bytes) -> None:
    assert written_again(number) == text


@pytest.mark.parametrize("value", [2**53, -(2**60), "\ud800", float("nan"), b""])
def test_what_has_no_one_form_is_refused(value: object) -> None:
    with pytest.raises(NoCanonicalForm):
        written_again([value])
