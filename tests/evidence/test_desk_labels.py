"""What a reviewer said at the desk calibrates a judge of the same answers: all of it, by a mapping on record."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from evidence.access import principal_of_user, visible_to
from evidence.errors import ConflictingContent, InvalidInput
from evidence.models import AuditPayload, EvalRun, LabelSet, ReviewTask
from evidence.selectors.labels import labels_of
from evidence.services import reviews
from evidence.services.labels import LabelDraft, record_labels, record_labels_from_reviews
from tests.e2e.cases import make_task
from tests.evidence.eval_files import eval_file, post
from tests.evidence.test_blinding import colleague, later_revision, signed_in
from tests.factories import World
from tests.kept_scenes import kept_scene

JUDGE = {"key": "llm", "label": "1"}
SHARE = {"kind": "proportion", "direction": "higher", "unit": "share"}
PATH = "/api/v1/label-sets/from-reviews"


@pytest.fixture
@kept_scene
def tasks(world: World) -> list[ReviewTask]:
    return [make_task(world, risk="low") for _ in range(3)]


def judged_run(world: World, tasks: list[ReviewTask], output: str = "", **over: Any) -> EvalRun:
    """Return a run of which the first samples are these answers, and one is of a trace that nobody has."""
    traces = [*(task.trace.trace_id.hex for task in tasks), uuid4().hex]
    samples = [
        {
            "id": f"s{k}",
            "trace_id": trace,
            "output": output,
            "scores": {"grounded": {"status": "scored", "value": 1.0}},
        }
        for k, trace in enumerate(traces)
    ]
    return post(world, eval_file(judge=JUDGE, samples=samples, **over)).run


def judge(person: User, task: ReviewTask, decision: str, claims: dict[int, str] | None = None) -> None:
    reviews.record_review(
        principal=principal_of_user(person), trace=task.trace, decision=decision, claims=claims,
        reason_code="" if decision == "approve" else "unclear",
        corrected_answer="No fee." if decision == "override" else "",
    )  # fmt: skip


def take(person: User, run: EvalRun, made_from: str = "decisions", metric: str = "grounded") -> LabelSet:
    return record_labels_from_reviews(
        principal=principal_of_user(person), run=run, metric=metric, made_from=made_from
    )


def values(label_set: LabelSet) -> dict[str, float | None]:
    return dict(label_set.labels.values_list("sample_id", "value"))


def test_decisions_are_labels_by_the_mapping_on_record(world: World, tasks: list[ReviewTask]) -> None:
    run, person = judged_run(world, tasks), world.people["reviewer"]
    for task, decision in zip(tasks, ("approve", "override", "escalate"), strict=True):
        judge(person, task, decision)
    stored = take(person, run)
    assert values(stored) == {"s0": 1.0, "s1": 0.0, "s2": None}
    assert stored.made_from == "decisions"
    told = bytes(AuditPayload.objects.get(event__verb="labels.recorded").payload)
    assert json.loads(told)["mapping"] == {"approve": 1, "escalate": None, "override": 0, "reject": 0}
    assert {each.person for each in labels_of(run, "grounded")} == {stored.labelled_by}
    assert take(person, run) == stored
    assert LabelSet.objects.count() == 1


def test_claims_are_a_share_where_all_were_judged(world: World, tasks: list[ReviewTask]) -> None:
    run, person = judged_run(world, tasks), world.people["reviewer"]
    ordinals = list(tasks[0].trace.claims.values_list("ordinal", flat=True))
    half = dict.fromkeys(ordinals, "stands") | {ordinals[0]: "does_not_stand"}
    judge(person, tasks[0], "approve", half)
    judge(person, tasks[1], "approve", half | {ordinals[1]: "cannot_tell"})
    judge(person, tasks[2], "approve", {ordinals[0]: "stands"})
    found = values(take(person, run, "claims"))
    assert found == {"s0": pytest.approx(1 - 1 / len(ordinals)), "s1": None}
    with pytest.raises(ConflictingContent, match="another mapping"):
        take(person, run)


def test_only_ones_own_word_on_the_answer_as_it_is_now_is_taken(
    world: World, tasks: list[ReviewTask]
) -> None:
    person, second = world.people["reviewer"], colleague(world, "second", "reviewer")
    run = judged_run(world, tasks)
    judge(second, tasks[0], "approve")  # which closes it
    with pytest.raises(ConflictingContent, match="no answer of run"):
        take(person, run)
    judge(person, tasks[1], "approve")
    judge(person, tasks[2], "reject")
    later_revision(world, tasks[2])
    assert values(take(person, run)) == {"s1": 1.0}


def test_what_is_said_of_an_answer_that_waits_for_others_is_not_told_by_a_label(world: World) -> None:
    task, second = make_task(world), colleague(world, "second", "reviewer")
    run, person = judged_run(world, [task]), world.people["reviewer"]
    judge(person, task, "reject")
    with pytest.raises(ConflictingContent, match="no answer of run"):
        take(person, run)
    judge(second, task, "reject")
    assert values(take(person, run)) == {"s0": 0.0}


def test_a_label_from_the_desk_is_kept_again_from_whoever_a_later_revision_waits_for(
    world: World, tasks: list[ReviewTask]
) -> None:
    person, second = world.people["reviewer"], colleague(world, "second", "reviewer")
    run = judged_run(world, tasks)
    record_labels(principal=principal_of_user(second), run=run, labels=[LabelDraft("s0", "grounded", 1.0)])
    judge(person, tasks[0], "reject")
    stored = take(person, run)

    def shown() -> tuple[bool, bool]:
        principal = principal_of_user(second)
        rows = (
            visible_to(stored.labels.all(), principal),
            visible_to(LabelSet.objects.filter(pk=stored.pk), principal),
        )
        return rows[0].exists(), rows[1].exists()

    assert shown() == (True, True)
    later = later_revision(world, tasks[0])
    assert shown() == (False, False)
    judge(second, later, "approve")
    assert shown() == (True, True)


def test_what_was_said_of_another_text_and_what_was_labelled_on_a_sheet_is_left(
    world: World, tasks: list[ReviewTask]
) -> None:
    person = world.people["reviewer"]
    for task in tasks:
        judge(person, task, "approve")
    other = judged_run(world, tasks, output="Something else.", run_key="other")
    with pytest.raises(ConflictingContent, match="no answer of run"):
        take(person, other)
    run = judged_run(world, tasks, output=f" {tasks[0].trace.answer}\n")
    sheet = record_labels(
        principal=principal_of_user(person), run=run, labels=[LabelDraft("s0", "grounded", 0.0)]
    )
    stored = take(person, run)
    assert "s0" not in values(stored)
    assert values(sheet) == {"s0": 0.0}


def test_a_metric_of_which_less_is_better_is_refused(world: World, tasks: list[ReviewTask]) -> None:
    run = judged_run(world, tasks, metrics={"grounded": {**SHARE, "direction": "lower"}})
    judge(world.people["reviewer"], tasks[0], "approve")
    with pytest.raises(InvalidInput, match="more being better"):
        take(world.people["reviewer"], run)


def test_by_api_and_on_the_sheet(world: World, tasks: list[ReviewTask], client: Client) -> None:
    run, person = judged_run(world, tasks), world.people["reviewer"]
    judge(person, tasks[0], "approve")
    client.force_login(person)
    address = reverse("admin:label_sheet", args=[run.pk])
    page = client.get(address).content.decode()
    assert 'name="made_from" value="decisions"' in page
    assert 'value="claims"' not in page
    client.post(address, {"made_from": "decisions"})
    assert values(LabelSet.objects.get()) == {"s0": 1.0}
    body = {
        "system": world.system.key,
        "run_key": run.run_key,
        "metric": "grounded",
        "made_from": "decisions",
    }
    again: Any = signed_in(person).post(PATH, body, format="json")
    assert (again.status_code, again.json()["id"], again.json()["made_from"]) == (
        201, LabelSet.objects.get().pk, "decisions",
    )  # fmt: skip
    assert signed_in(world.people["author"]).post(PATH, body, format="json").status_code == 403
    assert signed_in(person).post(PATH, {**body, "made_from": "sheet"}, format="json").status_code == 422
