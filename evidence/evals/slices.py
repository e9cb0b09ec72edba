"""Slices of a foreign file: dimensions and values, made to read as `language=zh-Hans`. Free of Django.

A test says which requirement it verifies by a property, and it may verify several, where a dimension has one value. So
each requirement is a dimension of its own: a criterion selects the tests of REQ-12 by `verifies:REQ-12=yes`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

REQUIREMENT_PROPERTIES: Final = (
    "requirement",
    "verifies",
    "requirement_id",
)  # of a test: what it says that it tests
VERIFIES: Final = "verifies:"  # begins the dimension of a requirement
MOST: Final = 128  # characters of a dimension and its value together

_UNREADABLE: Final = re.compile(r"[\s=,;\x00-\x1f\x7f\ud800-\udfff]+")
_UNSTORABLE: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]+")  # lone surrogates among them
_SEVERAL: Final = re.compile(r"[,;\s]+")  # between the requirements that one property names


def read_slice(given: Mapping[str, object]) -> dict[str, str]:
    """Return what is short and simple of what a runner says of a sample: what no slice can be called is left out."""
    found = {}
    for dimension, value in given.items():
        if not isinstance(value, str | int):
            continue
        said = str(value).lower() if isinstance(value, bool) else str(value)
        name, written = _readable(dimension), _readable(said)
        if name and written and len(name) + len(written) < MOST:
            found[name] = written
    return found


def requirements_in(given: Mapping[str, object]) -> list[str]:
    """Return what a sample's properties name as the requirements that it verifies, as texts or lists of them."""
    named = [given.get(name) for name in REQUIREMENT_PROPERTIES]
    texts = [each for value in named for each in (value if isinstance(value, list) else [value])]
    return [each for each in texts if isinstance(each, str)]


def slice_of_requirements(names: Iterable[str]) -> dict[str, str]:
    """Return the slice of a test by the requirements that it says it verifies; one text may name several."""
    each = [_UNSTORABLE.sub("_", name) for text in names for name in _SEVERAL.split(text)]
    return {f"{VERIFIES}{name}": "yes" for name in each if 0 < len(name) < MOST - len(VERIFIES) - len("yes")}


def _readable(text: str) -> str:
    return _UNREADABLE.sub("_", text.strip())
