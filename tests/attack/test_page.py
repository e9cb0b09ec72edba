"""The figures of `make attack` have a place each in docs/reference/security.md, and nothing else of it is touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.attack.page import PAGE, write_figures
from tests.attack.run import PARTS


@pytest.fixture
def page(tmp_path: Path) -> Path:
    copy = tmp_path / PAGE.name
    copy.write_text(PAGE.read_text(encoding="utf-8"), encoding="utf-8")
    return copy


@pytest.mark.parametrize("part", PARTS)
def test_figures_take_the_place_of_those_from_before(page: Path, part: str) -> None:
    write_figures(part, ["first"], page)
    once = page.read_text(encoding="utf-8")
    write_figures(part, ["second", "", "third"], page)
    twice = page.read_text(encoding="utf-8")
    assert twice == once.replace("first", "second\n\nthird")
    assert twice != once


def test_a_page_without_a_place_for_them_is_named(page: Path) -> None:
    page.write_text("nothing")
    with pytest.raises(ValueError, match="no place for the figures of matrix"):
        write_figures("matrix", ["x"], page)
