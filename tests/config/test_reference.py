"""The pages written from the code say what the code says."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from config.management.commands import write_reference
from config.reference import PAGES, path_of


@pytest.mark.parametrize("page", sorted(PAGES))
def test_the_page_is_what_the_code_says(page: str) -> None:
    assert path_of(page).read_text(encoding="utf-8") == PAGES[page](), "run `manage.py write_reference`"


def test_the_command_writes_each_page(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(write_reference, "path_of", lambda page: tmp_path / page)
    call_command("write_reference", stdout=StringIO())
    assert {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()} == {
        page: render() for page, render in PAGES.items()
    }


def test_no_two_errors_share_a_code() -> None:
    codes = [line.split("`")[1] for line in PAGES["errors.md"]().splitlines() if line.startswith("| `")]
    assert len(codes) == len(set(codes)) > 20
