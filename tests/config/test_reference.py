"""The pages written from the code say what the code says."""

from __future__ import annotations

import pytest

from config.reference import PAGES, path_of


@pytest.mark.parametrize("page", sorted(PAGES))
def test_the_page_is_what_the_code_says(page: str) -> None:
    assert path_of(page).read_text(encoding="utf-8") == PAGES[page](), "run `manage.py write_reference`"


def test_no_two_errors_share_a_code() -> None:
    codes = [line.split("`")[1] for line in PAGES["errors.md"]().splitlines() if line.startswith("| `")]
    assert len(codes) == len(set(codes)) > 20
