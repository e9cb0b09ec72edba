"""An address that a guide, a command or an error tells somebody to ask is one that this server answers to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import product
from pathlib import Path

import pytest
from django.conf import settings
from django.urls import Resolver404, resolve

ROOT = Path(settings.BASE_DIR)
READ = (
    "README.md", "client/README.md", "docs/guides", "docs/reference", "config", "evidence", "requirements", "interpret",
    "client/tracebinder",
)  # fmt: skip
ADDRESS = re.compile(r"(?<![\w.])/(?:api/v1|log|v1)/(?:[\w./-]|<[\w ]*>|\{\w*\})+")
BLANK = re.compile(r"<[^>]*>|\{[^}]*\}")  # what the reader fills in
FILLED_IN = ("1", "0f0e0d0c-0b0a-4009-8807-060504030201", "0" * 32, "0" * 64, "key")

# An exporter's, told in its own answer why it is not taken.
ANSWERED_IN_WORDS = ("config/middleware.py", "/v1/metrics")


def addresses() -> Iterator[tuple[str, str]]:
    for place in READ:
        found = ROOT / place
        for path in [found] if found.is_file() else sorted(found.rglob("*")):
            if path.suffix in {".md", ".py", ".html"} and "migrations" not in path.parts:
                named = (address.rstrip(".") for address in ADDRESS.findall(path.read_text()))
                # One that ends in a slash is the beginning of several.
                yield from ((str(path.relative_to(ROOT)), one) for one in named if not one.endswith("/"))


@cache  # many pages name the same
def is_answered(address: str) -> bool:
    blanks = BLANK.findall(address)
    for filling in product(FILLED_IN, repeat=len(blanks)):
        values = iter(filling)
        try:
            resolve(BLANK.sub(lambda _: next(values), address))  # noqa: B023  # used up at once
        except Resolver404:
            continue
        return True
    return False


def test_every_address_that_is_named_exists() -> None:
    named = sorted(set(addresses()))
    assert len(named) > 40
    assert [one for one in named if not is_answered(one[1])] == [ANSWERED_IN_WORDS]


@pytest.mark.parametrize(("address", "exists"), [("/api/v1/trust", True), ("/api/v1/binders/trust", False)])
def test_a_wrong_address_is_found(address: str, exists: bool) -> None:  # pytest's way
    assert is_answered(address) is exists
