"""Who is given what: by what they can judge, pauses, and filters that they keep; and drawn samples first of a day."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from evidence import clock
from evidence.access import principal_of_user, visible_to
from evidence.errors import AccessDenied, ConflictingContent, InvalidInput, NotFound
from evidence.models import AuditEvent, Membership, QueuedTask, ReviewTask, SavedFilter, System
from evidence.selectors.review_tasks import TaskStanding, in_standing, waiting_for
from evidence.selectors.review_work import count_fitting_nobody
from evidence.services import review_queue, review_work, reviews
from tests.e2e.cases import make_task, make_trace
from tests.evidence.test_blinding import colleague
from tests.factories import ACTOR, World, make_person


def in_language(world: World, language: str) -> ReviewTask:
    trace = make_trace(world, language=language)
    return reviews.open_review_task(trace=trace, reason="high_risk", actor=ACTOR)


def waits(person: User) -> list[int]:
    """Return what waits for a person, which desk and list have to agree about."""
    listed = in_standing(ReviewTask.objects.all(), TaskStanding.WAITING, person)
    found = [row.task_id for row in waiting_for(person)]
    assert sorted(found) == sorted(listed.values_list("pk", flat=True))
    return found


def test_a_reviewer_is_given_what_they_can_judge_and_what_nobody_can_is_counted(world: World) -> None:
    german, chinese, unknown = (in_language(world, each) for each in ("de-CH", "zh-Hans", ""))
    reviewer, operator = world.people["reviewer"], colleague(world, "an operator", "operator")
    everything = [german.pk, chinese.pk, unknown.pk]
    assert waits(reviewer) == everything
    principal, systems = principal_of_user(operator), [world.system.pk]
    assert count_fitting_nobody(systems) == 0
    skill = review_work.add_skill(principal=principal, user=reviewer, system=world.system, language="DE")
    assert waits(reviewer) == [german.pk, unknown.pk]
    assert count_fitting_nobody(systems) == 1
    given = review_queue.take_next(principal=world.principal("reviewer"))
    assert given is not None
    assert given.task == german
    review_work.add_skill(principal=principal, user=reviewer, system=world.system)  # in any language
    assert waits(reviewer) == everything
    other = System.objects.create(key="other", name="other", risk_tier="low", owner=operator)
    for person in (operator, reviewer):
        Membership.objects.create(system=other, user=person)
    elsewhere = review_work.add_skill(principal=principal_of_user(operator), user=reviewer, system=other)
    for each in list(reviewer.reviewer_skills.exclude(pk=elsewhere.pk)):
        review_work.end_skill(principal=principal_of_user(operator), skill=each)
    assert waits(reviewer) == []  # they judge the other system alone
    assert count_fitting_nobody(systems) == 3
    assert waits(colleague(world, "second", "reviewer")) == everything
    assert count_fitting_nobody(systems) == 0
    verbs = AuditEvent.objects.filter(verb__startswith="reviewer_skill").values_list("verb", flat=True)
    assert sorted(verbs) == ["reviewer_skill.added"] * 3 + ["reviewer_skill.ended"] * 2
    assert skill.language == "de"


def test_who_says_what_somebody_judges(world: World) -> None:
    reviewer, operator = world.people["reviewer"], colleague(world, "an operator", "operator")
    principal = principal_of_user(operator)
    with pytest.raises(AccessDenied, match="operator's to do"):
        review_work.add_skill(principal=world.principal("reviewer"), user=reviewer, system=world.system)
    with pytest.raises(AccessDenied, match="Nobody says what they judge themselves"):
        review_work.add_skill(principal=principal, user=operator, system=world.system)
    with pytest.raises(NotFound):
        review_work.add_skill(principal=principal, user=make_person("a stranger"), system=world.system)
    with pytest.raises(InvalidInput, match="two to eight letters"):
        review_work.add_skill(principal=principal, user=reviewer, system=world.system, language="d3")


def test_who_pauses_is_given_nothing_and_holds_nothing_until_they_are_back(world: World) -> None:
    task, principal = make_task(world), world.principal("reviewer")
    review_queue.take_next(principal=principal)
    with pytest.raises(InvalidInput, match="later than now"):
        review_work.pause_reviewing(principal=principal, until=clock.now())
    pause = review_work.pause_reviewing(principal=principal, until=clock.now() + timedelta(days=1))
    assert QueuedTask.objects.get().held_by is None
    assert review_queue.take_next(principal=principal) is None
    assert waits(principal.person) == []
    assert waits(colleague(world, "second", "reviewer")) == [task.pk]
    type(pause).objects.update(until=clock.now())
    assert waits(principal.person) == [task.pk]
    review_work.pause_reviewing(principal=principal, until=clock.now() + timedelta(days=1))
    review_work.resume_reviewing(principal=principal)
    assert waits(principal.person) == [task.pk]
    with pytest.raises(AccessDenied):
        review_work.pause_reviewing(principal=world.principal("auditor"), until=clock.now())


def test_a_paused_queue_gives_nothing_and_is_overdue_all_the_same(world: World) -> None:
    task = make_task(world, sealed_at=clock.now() - timedelta(days=30))
    reviewer, principal = (
        world.people["reviewer"],
        principal_of_user(colleague(world, "an operator", "operator")),
    )
    with pytest.raises(InvalidInput, match="Say why"):
        review_work.pause_queue(principal=principal, system=world.system, reason=" ")
    pause = review_work.pause_queue(principal=principal, system=world.system, reason="The index is wrong.")
    assert waits(reviewer) == []
    assert review_queue.take_next(principal=world.principal("reviewer")) is None
    assert in_standing(ReviewTask.objects.all(), TaskStanding.OVERDUE, reviewer).get() == task
    with pytest.raises(AccessDenied):
        review_work.resume_queue(principal=world.principal("reviewer"), pause=pause)
    review_work.resume_queue(principal=principal, pause=pause)
    assert waits(reviewer) == [task.pk]
    verbs = AuditEvent.objects.filter(verb__startswith="queue_pause").order_by("pk")
    assert list(verbs.values_list("verb", flat=True)) == ["queue_pause.begun", "queue_pause.ended"]


def test_what_a_sampling_plan_drew_comes_first_of_its_risk_and_day(world: World) -> None:
    noon = clock.now().replace(hour=12, minute=0)
    times = (noon, noon + timedelta(hours=1), noon - timedelta(days=1))
    traces = [make_trace(world, sealed_at=each) for each in times]
    reasons = ("high_risk", "sampling", "high_risk")
    tasks = [
        reviews.open_review_task(trace=trace, reason=reason, actor=ACTOR)
        for trace, reason in zip(traces, reasons, strict=True)
    ]
    assert waits(world.people["reviewer"]) == [tasks[2].pk, tasks[1].pk, tasks[0].pk]
    QueuedTask.objects.filter(task=tasks[1]).update(
        due_on=None, reason_rank=1
    )  # as a server of before writes it
    assert review_queue.mend_queue() == 1
    assert waits(world.people["reviewer"])[1] == tasks[1].pk


def test_the_desk_is_taken_by_a_filter_that_is_its_persons_alone(world: World) -> None:
    _, german = in_language(world, "en"), in_language(world, "de")
    principal = world.principal("reviewer")
    kept = review_work.save_filter(principal=principal, name="German", language="de", system=world.system)
    given = review_queue.take_next(principal=principal, by=kept)
    assert given is not None
    assert given.task == german
    overdue = review_work.save_filter(principal=principal, name="late", standing="overdue")
    review_queue.put_back(principal=principal, task=german)
    assert review_queue.take_next(principal=principal, by=overdue) is None
    other = principal_of_user(colleague(world, "second", "reviewer"))
    assert not visible_to(SavedFilter.objects.all(), other).exists()
    review_work.delete_filter(principal=other, kept=kept)
    again = review_work.save_filter(principal=principal, name="German", language="zh")
    assert (again.pk, SavedFilter.objects.count()) == (kept.pk, 2)
    with pytest.raises(InvalidInput, match="no such standing"):
        review_work.save_filter(principal=principal, name="x", standing="asleep")


def test_a_filter_is_named_from_the_list_and_found_at_its_side(world: World) -> None:
    in_language(world, "de")
    client = Client()
    client.force_login(world.people["reviewer"])
    queue = reverse("admin:evidence_reviewtask_changelist")
    asked = "standing=open&risk_tier__exact=high&language=de"
    page = client.get(f"{queue}?{asked}").content.decode()
    keep = f"{reverse('admin:review_filters')}?{asked.replace('&', '&amp;')}"
    assert keep in page.replace("&amp;amp;", "&amp;")
    answer = client.post(keep.replace("&amp;", "&"), {"act": "keep", "name": "German, high"})
    assert answer.status_code == 302
    assert "German, high" in client.get(answer["Location"]).content.decode()
    kept = SavedFilter.objects.get()
    assert (kept.standing, kept.risk_tier, kept.language) == ("open", "high", "de")
    mine = reverse("admin:review_filters")
    assert "German, high" in client.get(mine).content.decode()
    client.post(mine, {"act": "delete", "kept": kept.pk})
    assert not SavedFilter.objects.exists()


def test_a_reviewer_pauses_on_a_page(world: World) -> None:
    client, page = Client(), reverse("admin:review_pause")
    client.force_login(world.people["reviewer"])
    assert "is given" not in client.get(page).content.decode()
    client.post(page, {"act": "pause", "until": "2999-01-01T12:00"})
    assert "2999-01-01 12:00" in client.get(page).content.decode()
    client.post(page, {"act": "resume"})
    assert "2999" not in client.get(page).content.decode()


def test_operators_say_in_the_admin_what_somebody_judges_and_which_queue_pauses(world: World) -> None:
    operator = colleague(world, "an operator", "operator")
    client = Client()
    client.force_login(operator)
    reviewer = world.people["reviewer"]
    for noun, form in (
        ("reviewerskill", {"user": reviewer.pk, "system": world.system.pk, "language": "de"}),
        ("queuepause", {"system": world.system.pk, "reason": "The index is wrong."}),
    ):
        answer = client.post(reverse(f"admin:evidence_{noun}_add"), form)
        assert answer.status_code == 302, answer.content.decode()[-3000:]
        assert client.get(reverse(f"admin:evidence_{noun}_changelist")).status_code == 200
    in_language(world, "zh")
    home = client.get(reverse("admin:index")).content.decode()
    assert "<strong>1</strong> <span>Answers that no reviewer can judge</span>" in home


def test_what_is_waited_for_takes_the_same_queries_however_many_skills_there_are(world: World) -> None:
    in_language(world, "de")
    principal = principal_of_user(colleague(world, "an operator", "operator"))
    for language in ("de", "zh", "fr"):
        review_work.add_skill(
            principal=principal, user=world.people["reviewer"], system=world.system, language=language
        )
    with CaptureQueriesContext(connection) as asked:
        count_fitting_nobody([world.system.pk])
    assert len(asked) == 3


def test_of_a_system_that_somebody_does_not_see_they_judge_nothing(world: World) -> None:
    operator, stranger = colleague(world, "an operator", "operator"), make_person("of another", "reviewer")
    other = System.objects.create(key="other", name="other", risk_tier="low", owner=operator)
    for person in (operator, stranger):
        Membership.objects.create(system=other, user=person)
    with pytest.raises(ConflictingContent, match="no member"):
        review_work.add_skill(principal=principal_of_user(operator), user=stranger, system=world.system)
