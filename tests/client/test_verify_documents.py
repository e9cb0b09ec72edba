"""What the verifier reads besides the binder's frame: trust files, schemas, base64 and JSON, each strictly."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.client.binders import LOG, SIGNER, STRANGER, WITNESS, trust_document, trusted
from tracebinder.verify.encoding import decode_base64
from tracebinder.verify.errors import BinderFailed, BinderMalformed, BinderUnverifiable
from tracebinder.verify.schema import check_schema
from tracebinder.verify.strict_json import (
    object_at,
    objects_at,
    parse_json,
    same_json,
    text_at,
    texts_at,
    time_at,
    whole_at,
)
from tracebinder.verify.trust import parse_trust

LOG_ENTRY = {"origin": LOG.name, "vkey": LOG.vkey()}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"format": "tracebinder.trust/2"}, "'format' must be"),
        ({"signers": [trusted(SIGNER) | {"keyid": "0" * 64}]}, "is not its key's"),
        ({"signers": [trusted(SIGNER), trusted(SIGNER)]}, "given twice"),
        ({"signers": [trusted(SIGNER) | {"publicKey": "AAAA"}]}, "expected 32 bytes"),
        ({"threshold": 0}, "'threshold' must be from 1 to 1"),
        ({"threshold": 2}, "'threshold' must be from 1 to 1"),
        ({"threshold": True}, "'threshold' must be a whole number"),
        ({"predicateTypes": []}, "'predicateTypes' must be"),
        ({"predicateTypes": "any"}, "'predicateTypes' must be"),
        ({"quorum": 1}, "there are 0 witnesses"),
        ({"witnesses": [{"vkey": LOG.vkey()}]}, "distinct cosignature keys"),
        ({"witnesses": [{"vkey": WITNESS.vkey(4)}] * 2}, "distinct cosignature keys"),
        ({"log": LOG_ENTRY | {"vkey": WITNESS.vkey(4)}}, "must be an Ed25519 note key"),
        ({"log": LOG_ENTRY | {"required": "yes"}}, "'required' must be true or false"),
        ({"log": LOG_ENTRY | {"minimumTreeSize": -1}}, "'minimumTreeSize' must be a whole number"),
        ({"maximumAgeDays": "30"}, "'maximumAgeDays' must be a whole number"),
    ],
)
def test_a_trust_file_that_could_mean_less_than_it_says_is_refused(
    changes: dict[str, object], told: str
) -> None:
    with pytest.raises(BinderMalformed, match=told):
        parse_trust(json.dumps(trust_document(**changes)).encode())


def test_a_trust_file_says_whom_and_how_much() -> None:
    trust = parse_trust(
        json.dumps(
            trust_document(
                signers=[trusted(SIGNER), trusted(STRANGER)],
                threshold=2,
                witnesses=[{"vkey": WITNESS.vkey(4)}],
                quorum=1,
                log=LOG_ENTRY | {"minimumTreeSize": 7},
                maximumAgeDays=30,
            )
        ).encode()
    )
    assert trust.signers == {SIGNER.keyid: SIGNER.public, STRANGER.keyid: STRANGER.public}
    assert (trust.threshold, trust.quorum, trust.maximum_age_days) == (2, 1, 30)
    assert [key.name for key in trust.witnesses] == [WITNESS.name]
    assert trust.log is not None
    assert (trust.log.origin, trust.log.minimum_size, trust.log.required) == (LOG.name, 7, False)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats(-3, 3) | st.sampled_from(["", "a", "ab", "b"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)
TYPES = st.sampled_from(["object", "array", "string", "boolean", "null", "integer", "number"])
SCHEMAS = st.recursive(
    st.booleans() | st.fixed_dictionaries({}, optional={
        "type": TYPES | st.lists(TYPES, min_size=1, max_size=2, unique=True),
        "enum": st.lists(st.none() | st.sampled_from(["a", "b"]) | st.integers(2, 3), min_size=1, unique=True),
        "minimum": st.integers(-2, 2),
        "pattern": st.sampled_from(["^a", "b$", "^$"]),
        "required": st.lists(st.sampled_from("abc"), max_size=2, unique=True),
    }),
    lambda inner: st.fixed_dictionaries({}, optional={
        "properties": st.dictionaries(st.sampled_from("abc"), inner, max_size=2),
        "additionalProperties": inner,
        "items": inner,
        "type": TYPES,
    }),
    max_leaves=5,
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(VALUES, SCHEMAS)
def test_our_reader_of_schemas_agrees_with_a_full_one(value: object, schema: Any) -> None:
    ours = True
    try:
        check_schema(value, schema, member="m")
    except BinderFailed:
        ours = False
    assert ours == jsonschema.Draft202012Validator(schema).is_valid(value)


@pytest.mark.parametrize(
    "schema",
    [
        7,
        {"type": "whole"},
        {"type": []},
        {"type": ["string", 4]},
        {"enum": "a"},
        {"required": "a"},
        {"properties": ["a"]},
        {"properties": ["a"], "additionalProperties": False},
        {"minimum": "0"},
        {"minimum": True},
        {"required": [["a"]]},
        {"pattern": 4},
        {"pattern": "("},
        {"pattern": "a\\d"},  # libraries of regular expressions differ on what a digit is
        {"pattern": "^a$|b"},
    ],
)
def test_a_schema_that_is_none_is_refused_and_checks_nothing_in_silence(schema: Any) -> None:
    with pytest.raises(BinderMalformed):
        check_schema("x", schema, member="m")


def test_a_schema_that_demands_what_we_do_not_know_is_unverifiable() -> None:
    with pytest.raises(BinderUnverifiable, match="'maxLength' is not known"):
        check_schema("x", {"maxLength": 5}, member="m")


def test_a_failure_says_where() -> None:
    schema = {"properties": {"a": {"items": {"type": "string"}}}}
    with pytest.raises(BinderFailed, match="/a/1 is not of type string"):
        check_schema({"a": ["x", 2]}, schema, member="m")
    with pytest.raises(BinderFailed, match="/b may not be there"):
        check_schema({"b": 1}, {"properties": {}, "additionalProperties": False}, member="m")


@pytest.mark.parametrize("text", ["AAA", "AA A=", "AAAA\n", "QQ", "QR==", "QQ==QQ==", "-_8=", "é"])
def test_base64_that_has_another_spelling_is_refused(text: str) -> None:
    with pytest.raises(BinderMalformed):
        decode_base64(text, member="m")


def test_base64_is_of_the_length_asked_for() -> None:
    assert decode_base64("QQ==", member="m", length=1) == b"A"
    with pytest.raises(BinderMalformed, match="expected 2 bytes of base64, found 1"):
        decode_base64("QQ==", member="m", length=2)


@pytest.mark.parametrize(
    "document",
    [
        b'{"a": 1, "a": 1}',
        b"NaN",
        b"-Infinity",
        b"[1e400]",
        b"\xff",
        b"\xef\xbb\xbf{}",
        b"{",
        b'[{"b": {"c": 1, "c": 2}}]',
        b'["\\ud800"]',
        b'{"\\udc00\\ud800": 1}',
        b"[" * 257 + b"]" * 257,
        b"[" * 100_000,
    ],
)
def test_json_that_two_readers_could_take_differently_is_refused(document: bytes) -> None:
    with pytest.raises(BinderMalformed):
        parse_json(document, member="m")


def test_json_that_every_reader_takes_alike_is_read() -> None:
    assert parse_json(b"[" * 256 + b"]" * 256, member="m")
    assert parse_json(b'["\\ud83d\\ude00", 1e300]', member="m") == ["\U0001f600", 1e300]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (1, 1.0, True),
        (1, True, False),
        (0, False, False),
        ([1], [True], False),
        ({"a": 0}, {"a": False}, False),
        ({"a": 1, "b": [None]}, {"b": [None], "a": 1.0}, True),
        (None, False, False),
        ("1", 1, False),
    ],
)
def test_values_are_compared_as_json_and_not_as_python(one: object, other: object, same: bool) -> None:
    assert same_json(one, other) is same
    assert same_json(other, one) is same


def test_the_end_of_a_pattern_is_the_end_of_the_text() -> None:
    with pytest.raises(BinderFailed, match="does not match"):
        check_schema("ab\n", {"pattern": "^[a-b]{2}$"}, member="m")


@pytest.mark.parametrize(
    ("read", "value"),
    [
        (text_at, 4),
        (text_at, None),
        (time_at, "yesterday"),
        (time_at, "2026-11-22T09:00:00"),
        (time_at, "2026-02-29T09:00:00Z"),
        (time_at, "20261122T090000Z"),
        (time_at, "2026-W47-7T09:00:00Z"),
        (time_at, "2026-11-22 09:00:00Z"),
        (time_at, "0999-11-22T09:00:00Z"),
        (texts_at, "a"),
        (texts_at, ["a", 1]),
        (whole_at, -1),
        (whole_at, 1.0),
        (whole_at, True),
        (object_at, []),
        (objects_at, {}),
        (objects_at, [{}, 1]),
    ],
)
def test_a_property_of_another_kind_is_named(read: Callable[..., object], value: object) -> None:
    with pytest.raises(BinderMalformed, match="'asked'"):
        read({"asked": value}, "asked", member="m")
