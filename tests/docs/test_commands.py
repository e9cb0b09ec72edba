"""What a page tells its reader to type is taken by the tool that it is typed to; what it names to open, opens."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Final

import pytest

from tests.docs.commands import Address, Command, addresses_of, calls, commands_of, fault_at, fault_of
from tests.docs.references import DOCS, REPOSITORY

GUIDES: Final = sorted((DOCS / "guides").glob("*.md"))
PAGES: Final = [*GUIDES, REPOSITORY / "README.md", REPOSITORY / "client" / "README.md"]

NOT_OURS: Final = {
    "/api/public/v2/scores": "of Langfuse, whose answer is posted as it is",
}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_command_of_a_page_is_taken_by_its_tool(page: Path) -> None:
    wrong = [f"{command}: {fault}" for command in commands_of(page) if (fault := fault_of(command))]
    assert wrong == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_address_of_a_page_is_one_and_takes_what_is_sent(page: Path) -> None:
    asked = [each for each in addresses_of(page) if each.path not in NOT_OURS]
    wrong = [f"{each.method} {each.path}: {fault}" for each in asked if (fault := fault_at(each))]
    assert wrong == []


def test_each_exception_is_still_named() -> None:
    named = {each.path for page in PAGES for each in addresses_of(page)}
    assert set(NOT_OURS) <= named


def test_a_block_that_cannot_be_split_is_no_way_past_the_parsers() -> None:
    for text, is_span in [("make up\nmanage.py forget  it's gone\n", False), ("make up' PROT=1", True)]:
        with pytest.raises(AssertionError, match="none of its commands is tried"):
            list(calls(text, is_span=is_span))
    assert list(calls("the reader's own", is_span=True)) == []


def test_the_pages_name_enough_to_be_of_use() -> None:
    commands = [each for page in PAGES for each in commands_of(page)]
    assert len(commands) > 120
    assert {each.words[0] for each in commands} == {
        "tracebinder", "manage.py", "make", "python", "curl", "celery", "granian",
    }  # fmt: skip
    assert len([each for page in PAGES for each in addresses_of(page)]) > 90


@pytest.mark.parametrize(
    ("text", "is_right"),
    [
        ("tracebinder gate release --system s --release r", True),
        ("tracebinder gate release --sistem s --release r", False),
        ("tracebinder gat", False),
        ("manage.py issue_token --owner ana --system s --scope read", True),
        ("manage.py issue_token --owner ana --scope everything", False),
        ("manage.py forget", False),
        ("make up PORT=8001", True),
        ("make up PROT=8001", False),
        ("make tea", False),
        ("python -m examples.run --url u --token t", True),
        ("python -m examples.run --urll u", False),
        ("curl -X POST -H h http://h/api/v1/gates", True),
        ("curl -X GET http://h/api/v1/readings/try", False),
        ("curl -H h http://h/api/v1/traces?sistem=s", False),
        ("celery -A config worker -Q default", True),
        ("celery -A config worker -Q defalt", False),
    ],
)
def test_what_is_taken_and_what_is_not(text: str, is_right: bool) -> None:
    assert bool(fault_of(Command(tuple(text.split()), whole=True))) is not is_right


def test_a_body_of_other_fields_is_found() -> None:
    asked = Address("/api/v1/gates", "POST", {"system": "s", "key": "g", "criteria": [], "protect": []})
    assert "protect" in fault_at(asked)


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.name)
def test_a_shell_can_read_each_block(page: Path) -> None:
    for block in re.findall(r"```(?:sh|bash)\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        read = subprocess.run(["bash", "-n"], input=block, text=True, capture_output=True, check=False)
        assert read.returncode == 0, read.stderr
