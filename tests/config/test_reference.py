"""The pages written from the code say what the code says."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import call_command

from config.management.commands import write_reference
from config.reference import PAGES, app_errors, path_of


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the command writes, by page."""
    folder = tmp_path_factory.mktemp("reference")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(write_reference, "path_of", lambda page: folder / page)
        call_command("write_reference", stdout=StringIO())
    return {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}


@pytest.mark.parametrize("page", sorted(PAGES))
def test_the_page_is_what_the_code_says(page: str, written: dict[str, str]) -> None:
    assert path_of(page).read_text(encoding="utf-8") == written[page], "run `manage.py write_reference`"


def test_the_command_writes_each_page_and_nothing_else(written: dict[str, str]) -> None:
    assert written.keys() == PAGES.keys()
    assert written["eval-file.schema.json"] == PAGES["eval-file.schema.json"]()


def test_no_two_errors_share_a_code() -> None:
    kinds: dict[str, set[type]] = {}
    for error in app_errors():
        kinds.setdefault(error.code, set()).add(error)
    assert {code: sharing for code, sharing in kinds.items() if len(sharing) > 1} == {}
    assert len(kinds) > 20
