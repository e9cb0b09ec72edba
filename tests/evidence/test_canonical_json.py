"""Canonical JSON is RFC 8785's, whichever of two encoders writes it."""

from __future__ import annotations

import json
import struct
from typing import Any

import hypothesis.strategies as st
import pytest
import rfc8785
from hypothesis import example, given

from evidence.digests import DigestError, canonical_json, write_alike


def any_float(bits: int) -> float:
    return float(struct.unpack("<d", struct.pack("<Q", bits))[0])


TEXTS = st.text(st.characters(codec="utf-8"))
FLOATS = st.floats() | st.integers(0, 2**64 - 1).map(any_float) | st.integers(-400, 400).map(lambda n: n / 8)
SCALARS = st.none() | st.booleans() | st.integers(-(2**60), 2**60) | FLOATS | TEXTS
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
@example(-0.0)
@example(1e21)
@example(1e-7)
@example(123456789012345680.0)
@example({"\ue000": 1, "\U0001f600": 2})
@example({"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\x80": 6, "\xf6": 7})
def test_the_fast_encoder_writes_the_bytes_of_the_slow_one(value: Any) -> None:
    try:
        expected = rfc8785.dumps(value)
    except rfc8785.CanonicalizationError:
        with pytest.raises(DigestError):
            canonical_json(value)
    else:
        assert canonical_json(value) == expected


@given(VALUES)
@example({"gen_ai.request.temperature": 1.0, "deep": [{"n": 2**53}]})
def test_what_is_written_once_is_canonical_and_says_the_same_numbers(value: Any) -> None:
    written = write_alike(value)
    if written is not None:
        assert written == rfc8785.dumps(value)
        assert json.dumps(json.loads(written), sort_keys=True) == json.dumps(value, sort_keys=True)


def test_what_spans_mostly_say_is_written_once() -> None:
    said: Any = {
        "gen_ai.system": "smol",
        "question": "利率是多少？",
        "score": 7.1,
        "n": 3,
        "stop": None,
        "tags": ["a"],
    }
    assert write_alike(said) == rfc8785.dumps(said)


@pytest.mark.parametrize(
    "value", [{1: 2}, {"a": b"x"}, object(), float("nan"), 2**53, "\ud800", {"\ud800": 1}]
)
def test_what_has_no_canonical_form_is_refused(value: object) -> None:
    with pytest.raises(DigestError):
        canonical_json(value)
