"""Values of any kind as a binder writes them: JSON that every reader takes for the same."""

from __future__ import annotations

import json
import math
import uuid
from datetime import datetime, timedelta, timezone

import pytest

from evidence.digests import DigestError, canonical_json
from evidence.selectors.binder.scope import plain

BEIJING = timezone(timedelta(hours=8))


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (True, True),
        ("甲", "甲"),
        (2**53 - 1, 2**53 - 1),
        (2**53, "9007199254740992"),  # a reader with doubles would take it for its neighbour
        (-(2**60), "-1152921504606846976"),
        (0.1, 0.1),
        (math.nan, "nan"),
        (-math.inf, "-inf"),
        (datetime(2026, 11, 22, 17, 0, tzinfo=BEIJING), "2026-11-22T09:00:00Z"),
        (uuid.UUID(int=5), "0" * 31 + "5"),
        (b"\x00\xff", "00ff"),
        (memoryview(b"\x01"), "01"),
        ({1: (b"a", {2**70})}, {"1": ["61", ["1180591620717411303424"]]}),
    ],
)
def test_each_kind_has_one_form(value: object, written: object) -> None:
    assert plain(value) == written
    assert json.loads(canonical_json(plain(value))) == written


@pytest.mark.parametrize("value", [math.nan, 2**53, b"x", {"a": {1}}])
def test_what_has_no_canonical_form_has_no_digest(value: object) -> None:
    with pytest.raises(DigestError):
        canonical_json(value)
