"""What the pages name is there: a page that names a file that has moved sends people to the wrong room."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

from config.noun_uses import OUR_APPS
from evidence.evals.foreign.notes import FormatNotes
from evidence.evals.measurements import Said
from evidence.evals.registry import EVAL_FORMATS, open_eval_file
from evidence.evals.sources import Source
from evidence.services.gates import LONGEST
from tests.docs.references import DOCS, REPOSITORY, broken_links, is_there, missing_in, named_in
from tests.evidence.eval_files import eval_file

PAGES = [*sorted(DOCS.rglob("*.md")), REPOSITORY / "README.md"]
NO_ROOMS = {"migrations", "management", "templatetags", "static"}  # Django's own folders
TEN_CHANGES = [
    "a new eval format",
    "a check",
    "a probe",
    "an OpenTelemetry attribute",
    "a waiver's longest term",
    "a binder section",
    "when a trace is due",
    "hiding peers' reviews",
    "a new erasable column",
    "who may send a requirement version back",
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_file_name_command_and_setting_of_the_page_is_there(page: Path) -> None:
    missing = missing_in(page)
    assert not missing, "\n".join(missing)


def test_the_pages_name_enough_to_be_of_use() -> None:
    assert len(named_in(DOCS / "guides" / "how-to-add.md")) > 80
    assert len(named_in(DOCS / "guides" / "one-trace.md")) > 40


def test_each_of_the_ten_changes_has_one_file_to_open_first() -> None:
    text = (DOCS / "guides" / "how-to-add.md").read_text(encoding="utf-8")
    first = dict(re.findall(r"^\| ([^|]+) \| `([^`]+)`", text, re.MULTILINE))
    assert [change for change in TEN_CHANGES if change not in first] == []
    missing = [place for place in first.values() if not is_there(place)]
    assert not missing, "\n".join(missing)


def test_the_map_of_rooms_shows_each_room_and_no_other() -> None:
    text = (DOCS / "guides" / "developer.md").read_text(encoding="utf-8")
    drawn = set(
        re.findall(r"[\w/]+(?:/|\.py)(?=[\s.])", text.partition("## Where things go")[2].split("```")[1])
    )
    names = {part for place in drawn for part in place.strip("/").split("/")}
    rooms = {
        path.parent.name
        for app in (*OUR_APPS, "config")
        for path in (REPOSITORY / app).glob("*/__init__.py")
        if path.parent.name not in NO_ROOMS
    } | {path.parent.name for path in (REPOSITORY / "evidence").glob("[as]*/*/__init__.py")}
    assert len(rooms) > 20
    assert sorted(rooms - names) == [], "draw it in docs/guides/developer.md"
    product = [path for app in (*OUR_APPS, "config", "client") for path in (REPOSITORY / app).rglob("*")]
    there = {path.name for path in product} | {*OUR_APPS, "config", "client"}
    assert sorted(names - there) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_link_leads_somewhere(page: Path) -> None:
    assert broken_links(page) == []


@pytest.mark.parametrize(
    ("span", "there"),
    [
        ("evidence/locks.py", True),
        ("evidence/locks.py::Lock", True),
        ("evidence/locks.py::Lock.GATE", True),
        ("evidence/locks.py::Lock.NONE", False),
        ("evidence/lock.py", False),
        ("evidence/services/", True),
        ("evidence/service/", False),
        ("data/evidence/counter.jsonl", None),
        ("interpret/probes/<probe>.py", True),
        ("interpret/probe/<probe>.py", False),
        ("make check", True),
        ("make tea", False),
        ("manage.py retention --dry-run", True),
        ("manage.py forget", False),
        ("TRACEBINDER_HTTPS", True),
        ("TRACEBINDER_HTTP", False),
        ("as_of", None),
        ("GET /api/v1/rejects", None),
    ],
)
def test_what_is_looked_up_and_what_is_found(span: str, there: bool | None) -> None:
    assert is_there(span) is there


def test_the_ci_guide_names_the_longest_term_of_a_waiver() -> None:
    assert f"at most {LONGEST.days} days" in (DOCS / "guides" / "ci.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(EVAL_FORMATS))
def test_each_eval_format_loads_and_stands_in_the_ci_guide(name: str) -> None:
    reader = import_module(EVAL_FORMATS[name].module)
    assert callable(reader.sniff)
    assert callable(reader.open_measurements)
    assert isinstance(reader.NOTES, FormatNotes)
    assert f"`{name}`" in (DOCS / "guides" / "ci.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(EVAL_FORMATS))
def test_each_eval_format_has_a_file_that_it_reads_and_that_is_told_to_be_its_own(name: str) -> None:
    files = [
        path.read_bytes() for path in (REPOSITORY / "tests" / "evidence" / "data").glob(f"evals/{name}.*")
    ]
    own = [eval_file()] if name == "native" else []
    assert [*files, *own], f"put a small file of the runner into tests/evidence/data/evals/{name}.<ending>"
    for raw in [*files, *own]:
        opened = open_eval_file(Source.of_bytes(raw), None, Said())
        assert opened.format_name == name
        assert all(list(each.samples) for each in opened.measurements)
