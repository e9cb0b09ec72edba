"""Gold answers, by reviewers who look for them, and where people, answers and settings change meanwhile."""

from __future__ import annotations

import csv
import os
import re
import subprocess
import sys
import threading
from datetime import timedelta
from functools import partial
from typing import Any, Final

import pytest
from django.db import connections
from django.test import Client
from scipy.stats import beta

from evidence import acts, clock
from evidence.access import principal_of_user
from evidence.errors import ConflictingContent, InvalidInput
from evidence.models import (
    GoldAnswer,
    GoldDraw,
    GoldJudgement,
    GoldTask,
    Membership,
    QueuedTask,
    Review,
    ReviewDraft,
    ReviewerSkill,
    ReviewTask,
)
from evidence.selectors.gold_draws import candidates, redraw
from evidence.selectors.gold_results import results_in
from evidence.selectors.review_tasks import releases_to_judge_blind, waiting_for
from evidence.services import gold, log, review_drafts, reviews
from evidence.services.disposal import erasure
from evidence.services.gold_judgements import record_judgement
from evidence.services.log.checking import check_log
from evidence.services.review_reasons import set_reasons
from tests.e2e.cases import make_task, make_trace
from tests.evidence.test_blinding import colleague, signed_in
from tests.evidence.test_gold_answers import WHY, closed, judge, made_gold, told, waiting_before
from tests.evidence.test_review_reasons import RATE, TONE
from tests.factories import ACTOR, World, acting, make_world
from tests.invariants.walk import REPOSITORY
from tests.requirements.builders import make_traces

ALWAYS: Final = {"period_from": "2020-01-01T00:00:00Z", "period_to": "2100-01-01T00:00:00Z"}

DUE: Final = 5  # column of the list of review tasks


@pytest.fixture(autouse=True)
def _every(settings: Any) -> None:
    settings.REVIEW_GOLD_EVERY = 1  # one review, one gold answer


def given(world: World, task: ReviewTask | None = None) -> ReviewTask:
    """Return a closed task that was given to the reviewer as gold."""
    task = task or closed(world)
    made_gold(world, task)
    waiting_before(world, task)
    gold.draw_gold()
    judge(world.people["reviewer"], make_task(world, risk="low"))
    assert gold.draw_gold() == 1
    assert GoldTask.objects.get().task == task
    return task


# --- Looked for ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["?standing=closed&language=en", "?standing=all&language=en"])
def test_the_language_of_what_waits_shows_nobody_what_waits_for_another_alone(
    world: World, address: str
) -> None:
    task = given(world)
    client = Client()
    client.force_login(colleague(world, "third", "reviewer"))
    listed = client.get(f"/admin/evidence/reviewtask/{address}").context["cl"].result_list
    assert task.pk not in [each.pk for each in listed]


def test_the_order_of_a_list_tells_nobody_what_waits_for_another_alone(world: World) -> None:
    before, task = closed(world), closed(world)
    after = closed(world)
    given(world, task)
    client = Client()
    client.force_login(colleague(world, "third", "reviewer"))
    for direction in ("1", "-1"):
        listed = client.get(f"/admin/evidence/reviewtask/?standing=closed&o={direction}").context["cl"]
        keys = [each.pk for each in listed.result_list if each.pk in {before.pk, task.pk, after.pk}]
        assert keys in ([before.pk, task.pk, after.pk], [after.pk, task.pk, before.pk]), direction


def test_no_figure_says_that_something_was_said_of_an_answer_that_is_gold(world: World) -> None:
    given(world)
    api = signed_in(world.people["reviewer"])
    told = api.get("/api/v1/review-agreement", {"system": world.system.key, **ALWAYS}).json()
    assert told["counted"]["kept_from_reader"] == 0
    client = Client()
    client.force_login(world.people["reviewer"])
    page = client.get(f"/admin/dossier/{world.release.pk}/")
    assert page.context["reviews"].kept_from_reader == 0


def test_verdicts_on_a_release_stay_in_the_lists_though_an_answer_of_it_is_gold(world: World) -> None:
    """They count many answers and name none; that they were gone would tell that one of those that wait is gold."""
    given(world)
    assert not releases_to_judge_blind(world.people["reviewer"]).exists()
    acts.asking.check_not_led(world.principal("reviewer"), world.release)


def test_an_answer_that_a_reviewer_asked_for_by_judging_it_is_not_given(world: World) -> None:
    """Whoever opens such a task has judged it: one without a review is in no queue."""
    trace = make_trace(world)
    one = colleague(world, "one", "reviewer")
    for person in (one, colleague(world, "two", "reviewer")):
        reviews.record_review(principal=principal_of_user(person), trace=trace, decision="approve")
    asked = ReviewTask.objects.get(trace=trace)
    assert asked.reason == "requested_by_reviewer"
    made_gold(world, asked, "approve")
    waiting_before(world, asked)
    assert candidates(world.system, world.people["reviewer"]) == []


def test_an_answer_of_which_a_reviewer_wrote_is_not_given(world: World) -> None:
    """Their draft says what came of it: that others had judged it."""
    task = make_task(world)
    reviewer = world.principal("reviewer")
    review_drafts.decide(principal=reviewer, trace=task.trace, said={"decision": "approve"})
    QueuedTask.objects.update(held_by=None, held_until=None)
    for name in ("one", "two"):
        judge(colleague(world, name, "reviewer"), task)
    assert review_drafts.record_decided(clock.now() + timedelta(hours=1)) == 0
    assert "takes no more" in ReviewDraft.objects.get().refusal
    made_gold(world, task)
    waiting_before(world, task)
    assert candidates(world.system, world.people["reviewer"]) == []


def test_whoever_said_once_what_is_right_is_never_given_it(world: World) -> None:
    task = closed(world)
    waiting_before(world, task)
    both = world.join("approver-and-reviewer", "approver", "reviewer")
    gold.make_gold(principal=principal_of_user(both), task=task, right=["reject"], rationale=WHY)
    made_gold(world, task, "override")
    assert candidates(world.system, both) == []
    assert candidates(world.system, world.people["reviewer"]) != []


def test_whoever_reviews_and_approves_is_not_told_by_the_refusal(world: World) -> None:
    task = closed(world)
    both = world.join("approver-and-reviewer", "approver", "reviewer")
    made_gold(world, task)
    real = waiting_before(world, task)
    gold.draw_gold()
    judge(both, make_task(world, risk="low"))
    assert gold.draw_gold() == 1
    said = []
    for each in (task, real):
        with pytest.raises((ConflictingContent, InvalidInput)) as refused:
            gold.make_gold(principal=principal_of_user(both), task=each, right=["reject"], rationale="")
        said.append((refused.type, str(refused.value)))
        with pytest.raises((ConflictingContent, InvalidInput)) as refused:
            gold.withdraw_gold(principal=principal_of_user(both), task=each, reason="Why not.")
        said.append((refused.type, str(refused.value)))
    assert said[:2] == said[2:]


def test_an_answer_that_would_be_the_first_of_the_queue_is_not_given(world: World) -> None:
    """Who works through the queue has seen what was due before: one that comes in front of the rest is no new one."""
    task = closed(world)
    made_gold(world, task)
    assert candidates(world.system, world.people["reviewer"]) == []  # an empty queue
    make_task(world)
    assert candidates(world.system, world.people["reviewer"]) == []  # due later
    make_task(world, risk="low", sealed_at=clock.now() - timedelta(days=1))
    assert candidates(world.system, world.people["reviewer"]) == []  # due before, and taken later
    waiting_before(world, task)
    assert len(candidates(world.system, world.people["reviewer"])) == 1


def test_chain_search_csv_and_what_was_asked_before_say_the_same_of_both(world: World) -> None:
    given_one = given(world)
    real = make_task(world)
    client, other = Client(), make_task(world)
    client.force_login(world.people["reviewer"])
    for path in ("/admin/chain/trace/{0.trace_id}/", "/admin/search/?q={0.trace.trace_id.hex}"):
        pages = [
            re.sub(r"(/|#|=)\d+", r"\1#", told(client.get(path.format(task), follow=True)))
            for task in (given_one, real)
        ]
        assert pages[0] == pages[1], path
    lines = (
        client.get("/admin/evidence/reviewtask/?standing=waiting&export=csv").getvalue().decode().splitlines()
    )
    assert len(lines) == 1 + waiting_for(world.people["reviewer"]).count()
    shown = [
        [cell for n, cell in enumerate(row) if n != DUE] for row in csv.reader(lines[1:]) if row[1] == "high"
    ]
    assert len(shown) == 4
    assert all(row == shown[0] for row in shown)
    desk = client.get(f"/admin/review-desk/{other.trace_id}/?tab=asked").context["asked"]
    assert given_one.trace_id in [each.trace.pk for each in desk]
    assert {(len(each.reviews), each.n_hidden) for each in desk if each.trace.risk_tier == "high"} == {(0, 0)}


# --- What changes meanwhile ------------------------------------------------------------------------------------


def test_what_was_erased_is_given_up(world: World) -> None:
    task = given(world)
    reviewer = world.principal("reviewer")
    review_drafts.save_draft(principal=reviewer, trace=task.trace, said={"rationale": "Hm."})
    erasure.erase_trace_payload(
        principal=acting(), system=world.system, trace_id=task.trace.trace_id, reason="request 2026-17"
    )
    QueuedTask.objects.update(held_by=None, held_until=None)
    gold.draw_gold()
    assert not GoldTask.objects.exists()
    assert not QueuedTask.objects.filter(task=task).exists()


@pytest.mark.parametrize("lost", ["membership", "role", "skill"])
def test_who_may_judge_it_no_more_keeps_no_answer_from_others(world: World, lost: str) -> None:
    """Whatever they had written: nobody else is given an answer that waits for somebody."""
    task = given(world)
    person = world.people["reviewer"]
    review_drafts.save_draft(
        principal=world.principal("reviewer"), trace=task.trace, said={"rationale": "Hm."}
    )
    if lost == "membership":
        Membership.objects.filter(user=person).delete()
    elif lost == "role":
        person.groups.clear()
    else:
        ReviewerSkill.objects.create(user=person, system=world.system, language="zh")
    QueuedTask.objects.update(held_by=None, held_until=None)
    gold.draw_gold()
    assert not GoldTask.objects.exists()
    assert len(candidates(world.system, colleague(world, "third", "reviewer"))) == 1


@pytest.mark.parametrize("every", ["-1", "99999999999"])
def test_a_rate_that_is_none_is_refused_at_the_start(every: str) -> None:
    started = subprocess.run(
        [sys.executable, "-c", "import config.settings"], cwd=REPOSITORY, check=False, capture_output=True,
        text=True, env=os.environ | {"TRACEBINDER_REVIEW_GOLD_EVERY": every},
    )  # fmt: skip
    assert started.returncode == 1
    assert "TRACEBINDER_REVIEW_GOLD_EVERY must be " in started.stderr
    assert f"not '{every}'" in started.stderr


@pytest.mark.django_db(transaction=True)
def test_judged_withdrawn_given_up_and_drawn_at_once_leaves_one_story(settings: Any) -> None:
    """On connections of their own, again and again; nobody is told anything but what is said of any answer."""
    settings.REVIEW_GOLD_EVERY = 1
    world = make_world()
    told: list[str] = []
    for _ in range(4):
        task = closed(world)
        made_gold(world, task)
        waiting_before(world, task)
        gold.draw_gold()
        judge(world.people["reviewer"], make_task(world, risk="low"))
        gold.draw_gold()
        reviewer, approver = world.principal("reviewer"), world.principal("approver")
        problems: list[BaseException] = []

        def at_once(*everything: Any, problems: list[BaseException] = problems) -> None:
            def run(act: Any) -> None:
                try:
                    act()
                except BaseException as problem:  # noqa: BLE001  # shown by the test's own thread
                    problems.append(problem)
                finally:
                    connections.close_all()

            threads = [threading.Thread(target=run, args=[act]) for act in everything]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

        at_once(
            partial(record_judgement, principal=reviewer, trace=task.trace, decision="approve"),
            partial(gold.withdraw_gold, principal=approver, task=task, reason="It is disputed."),
            gold.draw_gold,
            gold.draw_gold,
        )
        assert all(isinstance(each, ConflictingContent) for each in problems), problems
        told += [str(each) for each in problems]
        gold.draw_gold()
        assert not GoldTask.objects.exists()
        assert not QueuedTask.objects.filter(task=task).exists()
        assert not Review.objects.filter(task=task, reviewer=world.people["reviewer"]).exists()
    assert all("takes no more" in each for each in told)
    assert results_in(world.system, GoldJudgement.objects.all()) == []  # all were withdrawn


def test_the_log_binds_every_row_and_each_draw_is_drawn_again(world: World) -> None:
    task = given(world)
    reviewer = world.principal("reviewer")
    record_judgement(principal=reviewer, trace=task.trace, decision="approve", rationale="It stands.")
    gold.withdraw_gold(principal=world.principal("approver"), task=task, reason="It is disputed.")
    made_gold(world, task)
    erasure.erase_trace_payload(
        principal=acting(), system=world.system, trace_id=task.trace.trace_id, reason="request 2026-17"
    )
    gold.draw_gold()
    log.sequence_events(limit=10_000)
    assert [each for each in check_log().faults if "membership" not in each] == []  # colleagues come without
    (drawn,) = GoldDraw.objects.filter(number=1)
    again = redraw(drawn)
    assert again is not None
    assert (again.gold, again.due_after) == (drawn.gold_id, drawn.reviews_before)


def test_what_was_said_of_gold_sent_again_after_the_list_of_reasons_changed_is_what_is_on_record(
    world: World,
) -> None:
    approver, reviewer = world.principal("approver"), world.principal("reviewer")
    set_reasons(principal=approver, system=world.system, reasons=[RATE, TONE])
    task = given(world)
    first = record_judgement(
        principal=reviewer, trace=task.trace, decision="reject", reason="rate_not_current"
    )
    set_reasons(principal=approver, system=world.system, reasons=[TONE])
    again = record_judgement(
        principal=reviewer, trace=task.trace, decision="reject", reason="rate_not_current"
    )
    assert again == first == GoldJudgement.objects.get()


# --- Figures ---------------------------------------------------------------------------------------------------


def judged(world: World, n: int, n_right: int) -> None:
    """Store so many judgements of gold answers, each of a conversation of its own."""
    reviewer = world.people["reviewer"]
    for number, trace in enumerate(make_traces(world, n), start=1):
        task = reviews.open_review_task(trace=trace, reason="high_risk", actor=ACTOR)
        right = GoldAnswer.objects.create(task=task, number=1, right=["reject"], rationale=WHY, made_by=ACTOR)
        draw = GoldDraw(
            system=world.system, reviewer=reviewer, number=number, gold=right, among=[right.pk],
            reviews_before=number, seed="0" * 64, every=1, created_at=clock.now(),
        )  # fmt: skip
        draw.save(force_insert=True)
        GoldJudgement.objects.create(
            draw=draw, task=task, reviewer=reviewer, decision="reject" if number <= n_right else "approve",
            reason_code="other" if number <= n_right else "", claims={}, machine_verdict={},
        )  # fmt: skip


@pytest.mark.parametrize("n_right", [0, 1, 13, 22, 23])
def test_the_interval_is_the_exact_one(world: World, n_right: int) -> None:
    judged(world, 23, n_right)
    (found,) = results_in(world.system, GoldJudgement.objects.all())
    assert found.share is not None
    low = 0.0 if n_right == 0 else beta.ppf(0.05, n_right, 23 - n_right + 1)
    high = 1.0 if n_right == 23 else beta.ppf(0.95, n_right + 1, 23 - n_right)
    assert found.share.low == pytest.approx(low, abs=1e-9)
    assert found.share.high == pytest.approx(high, abs=1e-9)


def test_no_door_says_a_share_of_nineteen(world: World) -> None:
    judged(world, 19, 10)
    api = signed_in(world.people["auditor"])
    assert api.get(f"/api/v1/gold-results?system={world.system.key}").json()[0]["share"] is None
    for refused in ("&reviewer=x", "&since=2026-01-01", "&fewest=1"):
        assert api.get(f"/api/v1/gold-results?system={world.system.key}{refused}").status_code >= 400
