"""A binder says why each citation has its verdict, and a producer that makes up reason or passage is found out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.utils import timezone

from evidence.citations.verdict import VERDICT_OF
from evidence.services.disposal.erasure import erase_trace_payload
from tests.evidence.binder_world import Filled, archive_of, export, verify
from tests.evidence.forged import Lines, verify_forged
from tests.evidence.kept_binders import Export, KeptBinder
from tests.evidence.test_verdict_reasons import NUMBER, RATE, citing, seal
from tests.factories import DOCUMENT_TEXT, World, acting
from tests.kept_scenes import kept_scene
from tracebinder.verify import Report

CITATIONS, SOURCES = "citations/citations.jsonl", "citations/sources.jsonl"


pytestmark = pytest.mark.django_db  # without it, no database is made for the kept binder


@pytest.fixture
@kept_scene
def filled(world: World) -> Filled:
    return fill(world)


@pytest.fixture(scope="module")
def honest(keep_binder: Callable[[Export], KeptBinder]) -> KeptBinder:
    return keep_binder(lambda world: export(fill(world), as_of=None))


def fill(world: World) -> Filled:
    """One trace with a citation that stands and one whose number differs."""
    return Filled(world, seal(world, citing(NUMBER, RATE)), timezone.now())


def completeness(report: Report) -> str:
    return {line.name: line.detail for line in report.lines}["completeness"]


def test_both_verifiers_check_each_reason_and_passage(honest: KeptBinder, tmp_path: Path) -> None:
    report = verify(tmp_path, honest.archive, honest.sidecar, honest.trusted)
    assert report.problems == []
    assert "; 2 verdicts with their reason; " in completeness(report)
    failed, found = honest.lines(CITATIONS)
    assert (failed["reason"], failed["reasonTerms"]) == ("number_differs", ["8.9"])
    assert failed["nearestText"] == DOCUMENT_TEXT[failed["nearestStart"] : failed["nearestEnd"]]
    assert (found["reason"], found["nearestText"]) == ("same_words", None)


def test_what_an_erasure_took_is_not_asked_for(filled: Filled, tmp_path: Path) -> None:
    erase_trace_payload(
        system=filled.world.system, trace_id=filled.trace.trace_id, reason="request 1", principal=acting()
    )
    assert verify(tmp_path, archive_of(export(filled, as_of=None))).problems == []


def say_nothing(rows: Lines) -> None:
    del rows[0]["reason"]


def say_another(rows: Lines) -> None:
    rows[0]["reason"] = "same_words"


def say_something_new(rows: Lines) -> None:
    rows[0]["reason"] = "does_not_rhyme"


def find_it(rows: Lines) -> None:
    rows[0]["verdict"] = "verbatim"


def make_up_a_passage(rows: Lines) -> None:
    rows[0]["nearestText"] = rows[0]["quote"]


def move_the_passage(rows: Lines) -> None:
    rows[0]["nearestStart"] += 1


def cut_the_passage(rows: Lines) -> None:
    rows[0]["nearestText"] = ""


def erase_the_passage(rows: Lines) -> None:
    rows[0]["nearestText"] = "[erased]"


def change_the_document(rows: Lines) -> None:
    rows[0]["text"] = rows[0]["text"].replace("7.9%", "8.9%")


def name_another_document(rows: Lines) -> None:
    rows[0]["documentDigest"] = "0" * 64


def differ_from_oneself(rows: Lines) -> None:
    rows.append({**rows[0], "id": "9", "nearestText": "x"})


@pytest.mark.parametrize(
    ("path", "edit", "member", "why"),
    [
        (CITATIONS, say_nothing, CITATIONS, "does not say why it has its verdict"),
        (CITATIONS, say_another, CITATIONS, "has another verdict than its reason is one for"),
        (CITATIONS, find_it, CITATIONS, "has another verdict than its reason is one for"),
        (CITATIONS, make_up_a_passage, CITATIONS, "does not stand in the document"),
        (CITATIONS, move_the_passage, CITATIONS, "does not stand in the document"),
        (CITATIONS, cut_the_passage, CITATIONS, "does not stand in the document"),
        (CITATIONS, erase_the_passage, CITATIONS, "does not stand in the document"),
        (CITATIONS, differ_from_oneself, CITATIONS, "has another passage than one of the same place"),
        (CITATIONS, name_another_document, SOURCES, "lacks the document 0000"),
        (SOURCES, change_the_document, SOURCES, "is not what was digested"),
    ],
)
def test_a_made_up_reason_or_passage_is_found_out(
    honest: KeptBinder, tmp_path: Path, path: str, edit: Callable[[Lines], None], member: str, why: str
) -> None:
    report = verify_forged(tmp_path, honest, {path: edit})
    assert report.exit_code == 1
    assert [(problem.member, why in problem.detail) for problem in report.problems] == [
        (f"data/{member}", True)
    ]


def test_both_verifiers_know_every_reason_that_the_checker_gives(honest: KeptBinder, tmp_path: Path) -> None:
    def say_each(rows: Lines) -> None:
        rows += [
            {**rows[0], "id": str(1_000 + number), "reason": reason.value, "verdict": verdict.value}
            for number, (reason, verdict) in enumerate(VERDICT_OF.items())
        ]

    report = verify_forged(tmp_path, honest, {CITATIONS: say_each})
    assert report.problems == []
    assert f"; {2 + len(VERDICT_OF)} verdicts with their reason; " in completeness(report)


def test_the_reason_of_a_newer_checker_asks_for_a_newer_verifier(honest: KeptBinder, tmp_path: Path) -> None:
    report = verify_forged(tmp_path, honest, {CITATIONS: say_something_new})
    assert report.exit_code == 4
    assert "has the reason 'does_not_rhyme', of a newer checker" in report.problems[0].detail


def test_reasons_of_before_are_counted(honest: KeptBinder, tmp_path: Path) -> None:
    def forget(rows: Lines) -> None:
        for row in rows:
            row.update(reason=None, reasonTerms=None, nearestStart=None, nearestEnd=None, nearestText=None)

    report = verify_forged(tmp_path, honest, {CITATIONS: forget})
    assert report.problems == []
    assert "; 0 verdicts with their reason, 2 from before they were kept; " in completeness(report)


def test_citations_cannot_be_left_out(honest: KeptBinder, tmp_path: Path) -> None:
    report = verify_forged(tmp_path, honest, {}, without=CITATIONS)
    assert [problem.member for problem in report.problems] == [f"data/{CITATIONS}"]
