"""A binder says who took an eval run back and who confirmed it, and the verifiers take no producer at its word."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from evidence.models import Binder, EvalRun, Retraction
from evidence.services import evals
from tests.client.binders import unpack
from tests.evidence.binder_world import Filled, archive_of, eval_file, export, verify
from tests.evidence.forged import Lines, verify_forged
from tests.evidence.kept_binders import Export, KeptBinder
from tests.factories import World, acting
from tests.requirements.builders import make_trace

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(world: World) -> EvalRun:
    return record_run(world)


@pytest.fixture(scope="module")
def retracted(keep_binder: Callable[[Export], KeptBinder]) -> KeptBinder:
    """The binder of a run that two people took back."""

    def retract_and_pack(world: World) -> Binder:
        confirm(world, record_run(world))
        return packed(world)

    return keep_binder(retract_and_pack)


def record_run(world: World) -> EvalRun:
    make_trace(world)
    return evals.record_eval_run(
        system=world.system, raw=eval_file(), format_name="native", principal=acting(), release="r1"
    ).run


def ask(world: World, run: EvalRun) -> Any:
    return evals.ask_retraction(principal=world.principal("author"), run=run, reason="wrong labels")


def confirm(world: World, run: EvalRun) -> Retraction:
    made = evals.settle_retraction(
        principal=world.principal("approver"), request=ask(world, run), to_state="confirmed"
    )
    assert isinstance(made, Retraction)
    return made


def packed(world: World) -> Binder:
    return export(Filled(world, world.release.traces.latest("pk"), timezone.now()), as_of=None)


def path_of(run: EvalRun) -> str:
    return f"evals/{run.pk}-ci-41.json"


def shown_in(binder: Binder, run: EvalRun) -> Any:
    return json.loads(unpack(archive_of(binder))[f"data/{path_of(run)}"])


def completeness(report: Any) -> str:
    return str({line.name: line.detail for line in report.lines}["completeness"])


def test_a_run_that_two_people_took_back_names_both(world: World, run: EvalRun, tmp_path: Path) -> None:
    confirm(world, run)
    binder = packed(world)
    shown = shown_in(binder, run)
    (retraction,) = shown["retractions"]
    assert (retraction["by"], retraction["confirmedBy"], retraction["reason"]) == (
        world.principal("author").actor, world.principal("approver").actor, "wrong labels"
    )  # fmt: skip
    assert shown["retractionRequests"] == []
    report = verify(tmp_path, archive_of(binder))
    assert report.problems == []
    assert "; 1 eval runs;" in completeness(report)


def test_a_request_that_waits_is_told_and_counted(world: World, run: EvalRun, tmp_path: Path) -> None:
    ask(world, run)
    binder = packed(world)
    shown = shown_in(binder, run)
    assert shown["retractions"] == []
    (request,) = shown["retractionRequests"]
    assert (request["by"], request["reason"]) == (world.principal("author").actor, "wrong labels")
    report = verify(tmp_path, archive_of(binder))
    assert report.problems == []
    assert "1 eval runs, 1 whose retraction waits for a second person" in completeness(report)


def test_a_request_of_later_than_the_binder_is_not_in_it(world: World, run: EvalRun) -> None:
    before = timezone.now()
    ask(world, run)
    filled = Filled(world, world.release.traces.latest("pk"), before)
    assert shown_in(export(filled), run)["retractionRequests"] == []


def _by_themselves(rows: Lines) -> None:
    rows[0]["retractions"][0]["confirmedBy"] = rows[0]["retractions"][0]["by"]


def _still_waiting(rows: Lines) -> None:
    (retraction,) = rows[0]["retractions"]
    rows[0]["retractionRequests"] = [{name: retraction[name] for name in ("reason", "by", "at")}]


def _silent_about_requests(rows: Lines) -> None:
    del rows[0]["retractionRequests"]


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (_by_themselves, "confirmed a retraction that they had asked for"),
        (_still_waiting, "is retracted, and yet"),
        (_silent_about_requests, "retractionRequests"),
    ],
)
def test_a_retraction_that_does_not_add_up_is_found_out(
    retracted: KeptBinder, tmp_path: Path, edit: Callable[[Lines], None], told: str
) -> None:
    path = retracted.only("evals/")
    report = verify_forged(tmp_path, retracted, {path: edit})
    assert {problem.member for problem in report.problems} == {f"data/{path}"}
    assert told in " ".join(problem.detail for problem in report.problems)


def test_one_that_nobody_is_said_to_have_confirmed_is_counted(retracted: KeptBinder, tmp_path: Path) -> None:
    """As those from before a retraction took a second person are."""

    def alone(rows: Lines) -> None:
        rows[0]["retractions"][0]["confirmedBy"] = ""

    report = verify_forged(tmp_path, retracted, {retracted.only("evals/"): alone})
    assert report.problems == []
    assert "1 eval runs, 1 retracted with nobody who confirmed it" in completeness(report)
