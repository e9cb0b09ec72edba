"""The queue is what waits, whatever is said in whatever order; and nobody is given what another holds."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, connections, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from evidence import clock
from evidence.access import principal_of_user
from evidence.errors import AccessDenied, ConflictingContent, NotFound
from evidence.models import QueuedTask, Review, ReviewTask
from evidence.pages.review_desk.address import address_of
from evidence.selectors.review_tasks import releases_to_judge_blind, with_standing
from evidence.services import review_drafts, review_queue, review_work, reviews
from evidence.services.disposal.erasure import erase_trace_payload
from tests.e2e.cases import make_task
from tests.evidence.test_blinding import colleague, later_revision, signed_in
from tests.factories import World, acting
from tests.how_many import examples
from tests.invariants.act_doors.judging import disputed


def queued() -> dict[int, str]:
    return {row.task_id: row.stage for row in QueuedTask.objects.all()}


def what_waits() -> dict[int, str]:
    """Return what the reviews themselves say."""
    found: dict[int, str] = {}
    for task in with_standing(ReviewTask.objects.all()):
        if task.is_open or task.is_disputed:
            found[task.pk] = "judge" if task.is_open else "settle"
    return found


def said_to_be_unjudged() -> set[int]:
    return {row.task_id for row in QueuedTask.objects.filter(may_have_reviews=False)}


def unjudged() -> set[int]:
    """Return the tasks of answers that nobody has judged, in whichever revision."""
    judged = {review.task.trace.trace_id for review in Review.objects.select_related("task__trace")}
    tasks = ReviewTask.objects.select_related("trace")
    return {task.pk for task in tasks if task.trace.trace_id not in judged}


def judge(person: User, task: ReviewTask, decision: str) -> Review:
    reason = "" if decision == "approve" else "unclear"
    return reviews.record_review(
        principal=principal_of_user(person), trace=task.trace, decision=decision, reason_code=reason
    )


def test_a_task_waits_to_be_judged_then_settled_and_then_no_more(world: World) -> None:
    task = make_task(world)
    assert queued() == {task.pk: "judge"}
    people = [colleague(world, name, "reviewer") for name in ("one", "two", "three")]
    judge(people[0], task, "approve")
    assert queued() == {task.pk: "judge"}
    judge(people[1], task, "reject")
    assert queued() == {task.pk: "settle"}
    reviews.adjudicate(
        principal=principal_of_user(people[2]), task=task, decision="reject", rationale="The fee is invented."
    )
    assert queued() == {}


@pytest.mark.parametrize("seed", range(examples(3)))
def test_the_queue_is_what_waits_whatever_is_said_in_whatever_order(world: World, seed: int) -> None:
    """Acts drawn at random, of which many are refused; after each, rows and reviews say the same."""
    random = Random(seed)
    people = [colleague(world, f"one of {n}", "reviewer") for n in range(4)]
    tasks = [make_task(world) for _ in range(2)]
    stages = set[str]()
    for _ in range(30):
        person, task = random.choice(people), random.choice(tasks)
        act = random.choice(["judge"] * 12 + ["settle", "hold", "later"])
        try:
            if act == "judge":
                judge(person, task, random.choice(["approve", "reject"]))
            elif act == "settle":
                reviews.adjudicate(
                    principal=principal_of_user(person), task=task, decision="approve", rationale="It is."
                )
            elif act == "hold":
                review_queue.take_next(principal=principal_of_user(person))
            elif len([one for one in tasks if one.trace.trace_id == task.trace.trace_id]) == 1:
                tasks.append(later_revision(world, task))
        except (ConflictingContent, AccessDenied, NotFound):
            pass
        assert queued() == what_waits()
        assert said_to_be_unjudged() <= unjudged()
        stages.update(queued().values())
    assert stages >= {"judge", "settle"}


def test_what_a_server_of_before_left_out_is_mended(world: World) -> None:
    open_, closed, disputed = make_task(world), make_task(world, risk="low"), make_task(world)
    judge(world.people["reviewer"], closed, "approve")
    for name, decision in (("one", "approve"), ("two", "reject")):
        judge(colleague(world, name, "reviewer"), disputed, decision)
    right = queued()
    assert right == {open_.pk: "judge", disputed.pk: "settle"}
    QueuedTask.objects.filter(task=open_).delete()
    QueuedTask.objects.filter(task=disputed).update(stage="judge")
    QueuedTask.objects.create(
        task=closed, system=closed.system, stage="judge", risk_rank=2, due_at=closed.due_at
    )
    assert review_queue.mend_queue() == 3
    assert queued() == right
    assert review_queue.mend_queue() == 0


def test_of_rows_of_before_it_is_looked_up_which_nobody_has_judged(world: World) -> None:
    """A migration cannot tell, so they say that they may have been; a page is then as slow as it was, and right."""
    new, half = make_task(world), make_task(world)
    judge(world.people["reviewer"], half, "approve")
    assert said_to_be_unjudged() == {new.pk}
    QueuedTask.objects.update(may_have_reviews=True)
    review_queue.mend_queue()
    assert said_to_be_unjudged() == {new.pk}


def test_the_next_is_the_riskiest_and_then_the_one_that_is_due_first(world: World) -> None:
    now = clock.now()
    later, sooner = (make_task(world, sealed_at=now - timedelta(hours=hours)) for hours in (1, 2))
    low = make_task(world, risk="low", sealed_at=now - timedelta(days=9))
    principal = world.principal("reviewer")
    given = []
    for _ in range(4):
        row = review_queue.take_next(principal=principal)
        given.append(row and row.task)
        if row is not None:
            judge(world.people["reviewer"], row.task, "approve")
    assert given == [sooner, later, low, None]


def test_whoever_asks_again_is_given_what_they_hold(world: World) -> None:
    tasks = [make_task(world), make_task(world)]
    first = review_queue.take_next(principal=world.principal("reviewer"))
    assert first is not None
    assert first.task == tasks[0]
    again = review_queue.take_next(principal=world.principal("reviewer"))
    assert again is not None
    assert again.task == tasks[0]
    assert again.held_until is not None
    second = review_queue.take_next(principal=principal_of_user(colleague(world, "second", "reviewer")))
    assert second is not None
    assert second.task == tasks[1]
    review_queue.put_back(principal=world.principal("reviewer"), task=tasks[0])
    last = make_task(world, risk="low")
    review_queue.hold_answer(principal=world.principal("reviewer"), trace=last.trace)
    third = review_queue.take_next(principal=world.principal("reviewer"))
    assert third is not None
    assert third.task == last


def test_what_another_holds_is_judged_by_nobody_else_until_its_time_is_over(world: World) -> None:
    task = make_task(world)
    review_queue.take_next(principal=world.principal("reviewer"))
    second = colleague(world, "second", "reviewer")
    assert review_queue.take_next(principal=principal_of_user(second)) is None
    with pytest.raises(ConflictingContent, match="A colleague is at this answer, until"):
        judge(second, task, "approve")
    review_queue.hold_answer(principal=principal_of_user(second), trace=task.trace)  # it stays with the first
    assert QueuedTask.objects.get().held_by == world.people["reviewer"]
    QueuedTask.objects.update(held_until=clock.now() - timedelta(seconds=1))
    assert judge(second, task, "approve")
    assert queued() == {task.pk: "judge"}
    held = QueuedTask.objects.get()
    assert (held.held_by, held.held_until) == (None, None)


def test_what_is_put_back_is_there_for_others(world: World) -> None:
    task = make_task(world)
    review_queue.take_next(principal=world.principal("reviewer"))
    second = principal_of_user(colleague(world, "second", "reviewer"))
    review_queue.put_back(principal=second, task=task)  # not theirs: nothing changes
    assert review_queue.take_next(principal=second) is None
    review_queue.put_back(principal=world.principal("reviewer"), task=task)
    row = review_queue.take_next(principal=second)
    assert row is not None
    assert row.task == task


def test_a_row_that_waits_for_nobody_keeps_nobody_from_the_next(world: World) -> None:
    """As one may that was written beside the sealing of a later revision."""
    task = make_task(world)
    later = later_revision(world, task)
    overdue = clock.now() - timedelta(days=30)
    QueuedTask.objects.create(
        task=task, system=task.system, stage="judge", risk_rank=0, due_at=overdue, due_on=overdue.date()
    )
    given = review_queue.take_next(principal=world.principal("reviewer"))
    assert given is not None
    assert given.task == later
    assert queued() == {later.pk: "judge"}


def test_an_erased_answer_waits_for_nobody(world: World) -> None:
    first, second = make_task(world), make_task(world)
    reviewer = world.principal("reviewer")
    held = review_queue.take_next(principal=reviewer)
    assert held is not None
    assert held.task == first
    erase_trace_payload(
        principal=acting(), system=world.system, trace_id=first.trace.trace_id, reason="request 1"
    )
    assert queued() == {second.pk: "judge"}
    assert review_queue.mend_queue() == 0, "nor does it come back"
    given = review_queue.take_next(principal=reviewer)
    assert given is not None
    assert given.task == second


def test_nobody_is_given_what_is_not_theirs_to_judge(world: World) -> None:
    task = make_task(world)
    assert review_queue.take_next(principal=world.principal("reviewer")) is not None
    review_queue.put_back(principal=world.principal("reviewer"), task=task)
    judge(world.people["reviewer"], task, "approve")
    assert review_queue.take_next(principal=world.principal("reviewer")) is None  # theirs already
    with pytest.raises(AccessDenied):
        review_queue.take_next(principal=world.principal("auditor"))


@pytest.mark.django_db(transaction=True)
def test_two_who_ask_at_once_are_given_two_tasks(world: World) -> None:
    for _ in range(4):
        make_task(world)
    people = [colleague(world, f"one of {n}", "reviewer") for n in range(4)]
    start, given = threading.Barrier(len(people)), []

    def ask(person: User) -> None:
        try:
            start.wait()
            row = review_queue.take_next(principal=principal_of_user(person))
            given.append(row and row.task_id)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=ask, args=[person]) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert None not in given
    assert len(set(given)) == len(people)


@pytest.mark.django_db(transaction=True)
def test_of_those_who_choose_the_same_at_once_one_holds_it_and_the_others_are_told(world: World) -> None:
    task = make_task(world)
    people = [colleague(world, f"one of {n}", "reviewer") for n in range(4)]
    start, holders, told = threading.Barrier(len(people)), [], []

    def choose(person: User) -> None:
        try:
            start.wait()
            review_queue.take(principal=principal_of_user(person), task=ReviewTask.objects.get(pk=task.pk))
            holders.append(person)
        except ConflictingContent as exc:
            told.append(str(exc))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=choose, args=[person]) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [QueuedTask.objects.get(task=task).held_by] == holders
    assert len(told) == len(people) - 1
    assert all("A colleague is at this answer" in each for each in told)


@pytest.mark.django_db(transaction=True)
def test_whoever_takes_what_is_just_being_judged_waits_and_is_given_what_still_waits(world: World) -> None:
    task, second = make_task(world), colleague(world, "second", "reviewer")
    recorded = threading.Event()
    done: list[User | ConflictingContent | None] = []

    def take() -> None:
        try:
            recorded.wait()
            row = review_queue.take(
                principal=principal_of_user(second), task=ReviewTask.objects.get(pk=task.pk)
            )
            done.append(row.held_by)
        except ConflictingContent as exc:
            done.append(exc)
        finally:
            connections.close_all()

    thread = threading.Thread(target=take)
    thread.start()
    with transaction.atomic():
        judge(world.people["reviewer"], task, "approve")
        recorded.set()
        thread.join(1)  # until it waits for this
        assert done == []
    thread.join()
    assert done == [second], "two reviews were asked for, so it waits for the second"


@pytest.mark.django_db(transaction=True)
def test_one_who_asks_twice_at_once_is_given_one(world: World) -> None:
    for _ in range(4):
        make_task(world)
    start, given = threading.Barrier(4), []

    def ask() -> None:
        try:
            start.wait()
            row = review_queue.take_next(principal=world.principal("reviewer"))
            given.append(row and row.task_id)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(given) == 4
    assert len(set(given)) == 1
    assert QueuedTask.objects.filter(held_by=world.people["reviewer"]).count() == 1


def holds(person: User) -> set[int]:
    return set(QueuedTask.objects.filter(held_by=person).values_list("task", flat=True))


def test_nobody_holds_more_than_one_may_whichever_way_it_comes_to_them(world: World, settings: Any) -> None:
    settings.REVIEW_MOST_HELD = 2
    tasks = [make_task(world) for _ in range(4)]
    principal, person = world.principal("reviewer"), world.people["reviewer"]
    for task in tasks[:2]:
        review_queue.take(principal=principal, task=task)
    with pytest.raises(ConflictingContent, match=r"as many answers as one person may \(2\)"):
        review_queue.take(principal=principal, task=tasks[2])
    review_drafts.save_draft(principal=principal, trace=tasks[2].trace, said={"rationale": "Hm."})
    assert holds(person) == {task.pk for task in tasks[:2]}, "a draft is kept, and holds no third"
    again = review_queue.take(principal=principal, task=tasks[1])
    assert again.held_by == person, "what they hold they hold anew"
    given = review_queue.take_next(principal=principal)
    assert given is not None
    assert given.task in tasks[:2]
    settings.REVIEW_MOST_HELD = 1
    review_queue.put_back(principal=principal, task=tasks[1])
    with pytest.raises(ConflictingContent, match=r"as many answers as one person may \(1\)"):
        review_queue.take_next(principal=principal, after=tasks[0])
    review_drafts.decide(principal=principal, trace=tasks[0].trace, said={"decision": "approve"})
    following = review_queue.take_next(principal=principal)
    assert following is not None, "what they have decided keeps them from nothing"
    QueuedTask.objects.filter(held_by=person).update(held_until=clock.now())
    assert review_queue.take(principal=principal, task=tasks[3]).held_by == person, "nor what is over"


def test_who_holds_as_many_as_one_may_is_told_at_the_desk_and_by_api(world: World, settings: Any) -> None:
    settings.REVIEW_MOST_HELD = 1
    held, other = disputed(world), make_task(world)
    client = signed_in(world.people["reviewer"])
    review_queue.take(principal=world.principal("reviewer"), task=held)
    refused = client.post(
        f"/api/v1/review-tasks/{other.pk}/transitions", {"to_state": "taken"}, format="json"
    )
    assert (refused.status_code, refused.json()["code"]) == (409, "conflicting_content")
    assert "hold as many answers as one person may (1)" in refused.json()["detail"]
    assert client.post("/api/v1/review-tasks/next", {}, format="json").status_code == 409
    browser = Client(headers={"accept": "text/html"})
    browser.force_login(world.people["reviewer"])
    told = browser.post(reverse("admin:review_desk"), {"act": "take"}, follow=True)
    assert told.redirect_chain[-1][0].startswith(address_of(held.trace_id)), "they are led to what they hold"
    assert "hold as many answers as one person may (1)" in told.content.decode()


def pause(world: World, task: ReviewTask) -> None:
    del task
    review_work.pause_reviewing(principal=world.principal("reviewer"), until=clock.now() + timedelta(hours=1))


def pause_all(world: World, task: ReviewTask) -> None:
    operator = principal_of_user(colleague(world, "an operator", "operator"))
    review_work.pause_queue(principal=operator, system=task.system, reason="The index is wrong.")


def judge_german_alone(world: World, task: ReviewTask) -> None:
    QueuedTask.objects.filter(task=task).update(language="fr")
    review_work.add_skill(
        principal=principal_of_user(colleague(world, "an operator", "operator")),
        user=world.people["reviewer"], system=task.system, language="de",
    )  # fmt: skip


@pytest.mark.parametrize("beside", [None, pause, pause_all, judge_german_alone])
@pytest.mark.parametrize("stage", ["judge", "settle"])
def test_what_somebody_took_is_given_first_and_stands_at_the_desk_however_they_came_by_it(
    world: World, beside: Callable[[World, ReviewTask], None] | None, stage: str
) -> None:
    task = disputed(world) if stage == "settle" else make_task(world)
    make_task(world)
    principal = world.principal("reviewer")
    if beside is not None:
        beside(world, task)
    review_queue.take(principal=principal, task=task)
    given = review_queue.take_next(principal=principal, stage=QueuedTask.Stage(stage))
    assert given is not None
    assert given.task == task
    browser = Client(headers={"accept": "text/html"})
    browser.force_login(principal.person)
    at_the_desk = browser.get(reverse("admin:review_desk"))
    assert at_the_desk.headers.get("Location", "").startswith(address_of(task.trace_id))
    QueuedTask.objects.filter(task=task).update(held_until=clock.now())
    assert browser.get(reverse("admin:review_desk")).status_code == 200, "what is over leads nowhere"


def test_the_next_costs_the_same_however_many_wait(world: World) -> None:
    counts = []
    for n in (1, 6):
        for _ in range(n):
            make_task(world)
        with CaptureQueriesContext(connection) as asked:
            given = review_queue.take_next(principal=world.principal("reviewer"))
        counts.append(len(asked))
        assert given is not None
        review_queue.put_back(
            principal=world.principal("reviewer"), task=given.task
        )  # what is held is found first
    assert counts[0] == counts[1]


def test_an_erased_answer_is_judged_by_nobody_and_keeps_nothing_from_anybody(world: World) -> None:
    """Its text is gone: a judgement would say nothing, and what counts its reviews could lead nobody."""
    task, second = make_task(world), colleague(world, "second", "reviewer")
    judge(world.people["reviewer"], task, "reject")
    assert list(releases_to_judge_blind(second)) != []
    erase_trace_payload(
        system=world.system, trace_id=task.trace.trace_id, reason="request 1", principal=acting()
    )
    task.trace.refresh_from_db()
    assert list(releases_to_judge_blind(second)) == []
    with pytest.raises(ConflictingContent, match="erased"):
        judge(second, task, "approve")
