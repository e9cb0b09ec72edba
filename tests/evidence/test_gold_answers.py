"""Gold answers: no door tells a reviewer which are gold, nobody picks, and what is said of them counts nowhere."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from django.apps import apps
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.db import connection, connections
from django.test import Client
from django.urls import reverse

from evidence import clock
from evidence.access import principal_of_user, visible_to
from evidence.errors import AccessDenied, ConflictingContent, InvalidInput
from evidence.gold_draws import pick, reviews_until_next
from evidence.models import (
    Adjudication,
    AuditEvent,
    AuditPayload,
    ClaimJudgement,
    GoldAnswer,
    GoldDraw,
    GoldJudgement,
    GoldTask,
    QueuedTask,
    Review,
    ReviewDraft,
    ReviewTask,
)
from evidence.selectors.gold_draws import redraw
from evidence.selectors.gold_results import results_in
from evidence.selectors.review_agreement import agreement_of_reviewers
from evidence.selectors.review_tasks import (
    TaskStanding,
    in_standing,
    tasks_waiting_for,
    waiting_for,
    with_standing,
)
from evidence.selectors.review_work import count_fitting_nobody
from evidence.services import gold, review_drafts, review_queue, reviews
from evidence.services.disposal import erasure
from evidence.services.gold_judgements import record_judgement
from tests.e2e.cases import make_task
from tests.evidence.test_blinding import colleague, later_revision, signed_in
from tests.factories import ACTOR, World, acting, make_world
from tests.kept_scenes import kept_scene
from tests.requirements.builders import make_traces

WHY: Final = "The document says 7.9 percent."
TABS: Final = ("claim", "retrieved", "path", "asked", "inside")
_ONCE: Final = re.compile(
    r"csrfmiddlewaretoken\" value=\"\w+|nonce=\"[^\"]+|\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|\+00:00)?"
    r"|\d\d:\d\d(:\d\d)?|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{16,64}|[0-9a-f]{7,12}…|\d{6,}"
    # Where it stands among the two that wait, and that the first has none before it.
    r"|\d of 2(?= · )|<li data-behind=\"[^\"]*\"><a [^>]*data-key=\"k\"[^>]*>"
)  # what differs from answer to answer: ids, digests, times, its place


@pytest.fixture(autouse=True)
def _every(settings: Any) -> None:
    settings.REVIEW_GOLD_EVERY = 1  # one review, one gold answer


def judge(person: User, task: ReviewTask, decision: str = "approve") -> Review:
    reason = "" if decision == "approve" else "unclear"
    return reviews.record_review(
        principal=principal_of_user(person), trace=task.trace, decision=decision, reason_code=reason
    )


def closed(world: World, decision: str = "reject") -> ReviewTask:
    """A task that two colleagues have judged, alike."""
    task = make_task(world)
    for name in ("one", "two"):
        person = User.objects.filter(username=name).first() or colleague(world, name, "reviewer")
        judge(person, task, decision)
    return task


def settled(world: World) -> ReviewTask:
    """A task whose two reviewers disagreed, which a third has settled."""
    task = make_task(world)
    people = [colleague(world, name, "reviewer") for name in ("one", "two", "three")]
    judge(people[0], task)
    judge(people[1], task, "reject")
    reviews.adjudicate(
        principal=principal_of_user(people[2]), task=task, decision="reject", rationale="The fee is invented."
    )
    return task


def made_gold(world: World, task: ReviewTask, *right: str) -> GoldAnswer:
    approver = world.principal("approver")
    return gold.make_gold(principal=approver, task=task, right=right or ["reject"], rationale=WHY)


def waiting_before(world: World, task: ReviewTask) -> ReviewTask:
    """Ask people about an answer that comes before a task in the queue: one that would be the first is not given."""
    return make_task(world, sealed_at=task.trace.sealed_at - timedelta(minutes=1))


@pytest.fixture
@kept_scene
def scene(world: World) -> tuple[ReviewTask, ReviewTask]:
    """A closed task that was given to the reviewer as gold, and one that two people are really asked about."""
    with connection.cursor() as cursor:  # so that no key looks like a count
        cursor.execute("RESET ROLE")  # only their owner may
        for model in apps.get_app_config("evidence").get_models():
            if model._meta.pk.get_internal_type() == "BigAutoField":
                sequence = f"pg_get_serial_sequence('{model._meta.db_table}', 'id')"
                cursor.execute(f"SELECT setval({sequence}, greatest(nextval({sequence}), 200000))")
        cursor.execute(f'SET ROLE "{django_settings.RUNTIME_ROLE}"')
    given = settled(world)
    gold_answer = made_gold(world, given)
    real = waiting_before(world, given)
    assert gold.draw_gold() == 0  # the first secret
    judge(world.people["reviewer"], make_task(world, risk="low"))
    assert gold.draw_gold() == 1
    assert GoldTask.objects.get().draw.gold == gold_answer
    return given, real


def told(answer: Any) -> str:
    """Return what an answer says, without ids and times, and without what stands in it of other answers."""
    headers = {
        name: value for name, value in answer.headers.items() if name not in {"Content-Length", "ETag"}
    }
    headers.pop("X-Request-Id", None)
    headers.pop("Content-Security-Policy", None)
    return f"{answer.status_code} {_ONCE.sub('#', str(headers))}\n{_ONCE.sub('#', answer.content.decode())}"


def pages_of(task: ReviewTask) -> Iterator[str]:
    desk = reverse("admin:judge_answer", args=[task.trace_id])
    yield desk
    yield from (f"{desk}?tab={tab}" for tab in TABS)
    yield reverse("admin:evidence_reviewtask_change", args=[task.pk])
    yield reverse("admin:evidence_trace_change", args=[task.trace_id])
    yield reverse("admin:evidence_trace_review", args=[task.trace_id])
    yield reverse("admin:evidence_queuedtask_change", args=[task.pk])
    yield f"/api/v1/traces/{task.trace.trace_id.hex}"


def lists_with(task: ReviewTask) -> dict[str, str]:
    """Return lists that hold an answer or do not, by address, with the text that names it."""
    own, trace = f"/{task.pk}/change/", task.trace.trace_id.hex
    standings = [f"?standing={each.value}" for each in TaskStanding] + ["?standing=all", ""]
    by_page = {reverse("admin:evidence_reviewtask_changelist") + each: own for each in standings}
    asked = [
        "review=open",
        "review=done",
        "review=none",
        "reviewed=true",
        "reviewed=false",
        "decision=reject",
    ]
    by_api = {f"/api/v1/traces?{each}": trace for each in asked}
    by_api |= {f"/api/v1/review-tasks{each}": trace for each in standings if not each.endswith("all")}
    by_api |= {"/api/v1/adjudications": trace}
    return by_page | by_api | {reverse("admin:evidence_queuedtask_changelist"): own, "/api/v1/reviews": trace}


# --- Hidden ----------------------------------------------------------------------------------------------------


def test_no_page_and_no_address_tells_a_gold_answer_from_one_that_waits(
    world: World, scene: tuple[ReviewTask, ReviewTask]
) -> None:
    given, real = scene
    client, api = Client(), signed_in(world.people["reviewer"])
    client.force_login(world.people["reviewer"])
    for one, other in zip(pages_of(given), pages_of(real), strict=True):
        asked = api if one.startswith("/api") else client
        assert told(asked.get(one, follow=True)) == told(asked.get(other, follow=True)), one
    for (address, name), (same, other) in zip(
        lists_with(given).items(), lists_with(real).items(), strict=True
    ):
        assert address == same
        page = (api if address.startswith("/api") else client).get(address).content.decode()
        assert (name in page) == (other in page), address
    rows = {task.pk: task for task in client.get("/admin/evidence/reviewtask/").context["cl"].result_list}
    assert [rows[task.pk].n_reviews for task in scene] == [0, 0]
    assert [rows[task.pk].is_open for task in scene] == [True, True]


@pytest.mark.parametrize(
    "said",
    [
        {"decision": "reject"},
        {"decision": "override", "reason_code": "wrong_fact"},
        {"decision": "approve", "claims": [{"claim": 99, "judgement": "stands"}]},
        {"decision": "reject", "reason": "fee"},
        {
            "decision": "reject", "reason_code": "wrong_fact", "rationale": "No.",
            "claims": [{"claim": 0, "judgement": "stands"}],
        },
    ],
)  # fmt: skip
def test_what_is_said_of_a_gold_answer_by_api_is_answered_as_a_review_is(
    world: World, scene: tuple[ReviewTask, ReviewTask], said: dict[str, Any]
) -> None:
    api = signed_in(world.people["reviewer"])

    def answers(task: ReviewTask) -> list[str]:
        body = {"system": world.system.key, "trace_id": task.trace.trace_id.hex, **said}
        sent = [api.post("/api/v1/reviews", body, format="json") for _ in range(2)]
        assert sent[0].content == sent[1].content or sent[0].status_code != 201
        return [told(each) for each in sent]

    assert answers(scene[0]) == answers(scene[1])
    assert GoldJudgement.objects.count() == ("claims" in said and said["decision"] == "reject")


def test_who_is_at_a_gold_answer_is_told_to_nobody_else(
    world: World, scene: tuple[ReviewTask, ReviewTask]
) -> None:
    given, real = scene
    client = Client()
    client.force_login(colleague(world, "four", "reviewer"))
    before = told(client.get(reverse("admin:judge_answer", args=[given.trace_id])))
    for task in scene:
        review_queue.hold_answer(principal=world.principal("reviewer"), trace=task.trace)
    assert told(client.get(reverse("admin:judge_answer", args=[given.trace_id]))) == before
    held = client.get(reverse("admin:judge_answer", args=[real.trace_id])).content.decode()
    assert "Held by" in held, "of one that waits they are told"


def test_every_button_of_the_desk_answers_as_of_one_that_waits(
    world: World, scene: tuple[ReviewTask, ReviewTask]
) -> None:
    seen = dict[int, list[str]]()
    acts = [
        {"act": "save", "rationale": "Hm."},
        {"act": "keep", "rationale": "Hm, yes."},
        {"act": "discard"},
        {"act": "take_back"},
        {"act": "decide", "decision": "reject"},
        {"act": "decide", "decision": "approve", "rationale": "It stands."},
        {"act": "decide", "decision": "approve"},
        {"act": "discard"},
        {"act": "take_back"},
        {"act": "put_back"},
    ]
    for task, other in (scene, scene[::-1]):
        client = Client()
        client.force_login(world.people["reviewer"])
        review_queue.put_back(principal=world.principal("reviewer"), task=other)
        address = reverse("admin:judge_answer", args=[task.trace_id])
        found = []
        for said in acts:
            answer = client.post(address, said)
            led_on = re.sub(rf"/{other.trace_id}/", "/other/", str(answer.headers.get("Location", "")))
            found.append(f"{answer.status_code} {re.sub(rf'/{task.trace_id}/', '/own/', led_on)}")
            if said["act"] in {"save", "decide"}:
                found.append(told(client.get(address)))
        ReviewDraft.objects.all().delete()
        QueuedTask.objects.update(held_by=None, held_until=None)
        seen[task.pk] = found
    assert seen[scene[0].pk] == seen[scene[1].pk]


def test_the_queue_gives_it_counts_it_and_lets_it_be_put_back_as_any_other(
    world: World, scene: tuple[ReviewTask, ReviewTask]
) -> None:
    given, real = scene
    principal = world.principal("reviewer")
    assert waiting_for(principal.person).count() == 2
    first = review_queue.take_next(principal=principal)
    assert first is not None
    assert first.task == real  # it is due first
    second = review_queue.take_next(principal=principal, after=real)
    assert second is not None
    assert second.task == given
    review_queue.put_back(principal=principal, task=real)
    review_drafts.decide(
        principal=principal, trace=given.trace, said={"decision": "reject", "reason_code": "other"}
    )
    assert review_drafts.record_decided() == 0
    assert not GoldJudgement.objects.exists()
    review_drafts.take_back(principal=principal, trace=given.trace)
    review_drafts.decide(principal=principal, trace=given.trace, said={"decision": "approve"})
    assert review_drafts.record_decided(clock.now() + timedelta(seconds=11)) == 1
    assert GoldJudgement.objects.get().decision == "approve"
    assert (GoldTask.objects.count(), ReviewDraft.objects.count()) == (0, 0)
    with pytest.raises(ConflictingContent, match="Your decision is on record"):
        review_drafts.take_back(principal=principal, trace=given.trace)
    assert list(waiting_for(principal.person).values_list("task", flat=True)) == [real.pk]


def test_the_log_tells_a_reviewer_neither_that_one_was_drawn_nor_that_it_was_judged_before(
    world: World, scene: tuple[ReviewTask, ReviewTask]
) -> None:
    given, real = scene
    reviewer = world.principal("reviewer")
    shown = visible_to(AuditEvent.objects.all(), reviewer)
    of_gold = {model._meta.label for model in (GoldAnswer, GoldDraw, GoldTask, GoldJudgement)}
    assert not shown.filter(object_type__in=of_gold).exists()
    reviews_of = [str(pk) for pk in Review.objects.filter(task=given).values_list("pk", flat=True)]
    assert len(reviews_of) == 2
    assert not shown.filter(object_type="evidence.Review", object_id__in=reviews_of).exists()
    assert not shown.filter(object_type="evidence.Adjudication").exists()
    assert not visible_to(Adjudication.objects.all(), reviewer).exists()
    assert shown.filter(object_type="evidence.Review").exists()  # their own
    for who in (reviewer, principal_of_user(User.objects.get(username="one"))):
        for model in (GoldAnswer, GoldDraw, GoldTask, GoldJudgement):
            assert not visible_to(model._default_manager.all(), who).exists()
    record_judgement(principal=reviewer, trace=given.trace, decision="reject", reason_code="other")
    assert visible_to(Review.objects.filter(task=given), reviewer).count() == 2
    assert visible_to(GoldAnswer.objects.all(), reviewer).get().rationale == WHY
    assert not visible_to(GoldDraw.objects.all(), reviewer).exists()
    page = signed_in(world.people["reviewer"]).get(reverse("admin:gold_answers")).content.decode()
    assert WHY in page
    del real


def test_to_everybody_else_it_is_closed_and_in_no_queue(
    world: World, scene: tuple[ReviewTask, ReviewTask]
) -> None:
    given, real = scene
    third = colleague(world, "third", "reviewer")
    assert list(waiting_for(third).values_list("task", flat=True)) == [real.pk]
    assert given.pk not in tasks_waiting_for(third).values_list("pk", flat=True)
    for who in (third, world.people["auditor"]):
        tasks = ReviewTask.objects.all()
        assert given not in in_standing(tasks, TaskStanding.OPEN, who)
        assert given in in_standing(tasks, TaskStanding.CLOSED, who)
        assert given.pk not in visible_to(QueuedTask.objects.all(), principal_of_user(who)).values_list(
            "pk", flat=True
        )
        assert visible_to(Review.objects.filter(task=given), principal_of_user(who)).count() == 2
    with pytest.raises(ConflictingContent, match="was adjudicated"):
        record_judgement(principal=principal_of_user(third), trace=given.trace, decision="approve")
    for person in User.objects.filter(groups__name="reviewer"):
        person.groups.clear()
    assert count_fitting_nobody([world.system.pk]) == 1  # the real one
    assert review_queue.mend_queue() == 0


# --- Drawn -----------------------------------------------------------------------------------------------------


def test_when_and_which_is_settled_by_a_secret_that_was_there_before(world: World, settings: Any) -> None:
    settings.REVIEW_GOLD_EVERY = 2
    golds = [made_gold(world, closed(world)) for _ in range(3)]
    waiting_before(world, golds[0].task)
    gold.draw_gold()
    reviewer, drawn = world.people["reviewer"], list[tuple[int, GoldDraw]]()
    for n in range(1, 8):
        judge(reviewer, make_task(world))
        if gold.draw_gold():
            given = GoldTask.objects.get()
            drawn.append((n, given.draw))
            record_judgement(
                principal=world.principal("reviewer"), trace=given.task.trace, decision="approve"
            )
    assert drawn
    for n, draw in drawn:
        again = redraw(draw)
        assert again is not None
        assert (again.due_after, again.gold) == (n, draw.gold_id)
        assert n == draw.reviews_before
        assert set(draw.among) <= {each.pk for each in golds}
    assert len({draw.gold_id for _, draw in drawn}) == len(drawn)  # none is given twice


def test_the_rate_is_what_is_set_and_each_answer_as_likely() -> None:
    seeds = [f"{n:064x}" for n in range(4_000)]
    gaps = [reviews_until_next(seed, 5) for seed in seeds]
    assert (min(gaps), max(gaps)) == (1, 9)
    assert abs(sum(gaps) / len(gaps) - 5) < 0.2
    picked = [pick(seed, [3, 8, 11, 40]) for seed in seeds]
    assert all(900 < picked.count(each) < 1_100 for each in (3, 8, 11, 40))


def test_nobody_is_given_what_they_had_a_part_in_nor_anything_while_it_is_off(
    world: World, settings: Any
) -> None:
    task = closed(world)
    both = world.join("approver-and-reviewer", "approver", "reviewer")
    gold.make_gold(principal=principal_of_user(both), task=task, right=["reject"], rationale=WHY)
    waiting_before(world, task)
    settings.REVIEW_GOLD_EVERY = 0
    assert gold.draw_gold() == 0
    assert not GoldDraw.objects.exists()
    settings.REVIEW_GOLD_EVERY = 1
    gold.draw_gold()
    for person in (both, *User.objects.filter(username__in=["one", "two"])):
        judge(person, make_task(world, risk="low"))
    assert gold.draw_gold() == 0  # the maker, and those who judged it
    judge(world.people["reviewer"], make_task(world, risk="low"))
    assert gold.draw_gold() == 1
    assert GoldTask.objects.get().reviewer == world.people["reviewer"]
    assert gold.draw_gold() == 0


def test_what_can_be_judged_no_more_is_given_up(world: World, scene: tuple[ReviewTask, ReviewTask]) -> None:
    given, _ = scene
    principal = world.principal("reviewer")
    review_drafts.save_draft(principal=principal, trace=given.trace, said={"rationale": "Hm."})
    gold.withdraw_gold(principal=world.principal("approver"), task=given, reason="It is disputed.")
    gold.draw_gold()
    assert GoldTask.objects.exists()  # they are at it
    review_drafts.discard(principal=principal, trace=given.trace)
    QueuedTask.objects.update(held_by=None, held_until=None)
    gold.draw_gold()
    assert not GoldTask.objects.exists()
    assert not QueuedTask.objects.filter(task=given).exists()


@pytest.mark.django_db(transaction=True)
def test_two_who_are_due_at_once_are_not_given_the_same(settings: Any) -> None:
    """On connections of their own: drawn at once, and judged at once."""
    settings.REVIEW_GOLD_EVERY = 1
    world = make_world()
    tasks = [closed(world) for _ in range(2)]
    for task in tasks:
        made_gold(world, task)
    waiting_before(world, tasks[0])
    people = [world.people["reviewer"], colleague(world, "third", "reviewer")]
    gold.draw_gold()
    for person in people:
        judge(person, make_task(world, risk="low"))
    problems: list[BaseException] = []

    def at_once(act: Any) -> None:
        def run() -> None:
            try:
                act()
            except BaseException as problem:  # noqa: BLE001  # shown by the test's own thread
                problems.append(problem)
            finally:
                connections.close_all()

        threads = [threading.Thread(target=run) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    at_once(gold.draw_gold)
    given = list(GoldTask.objects.select_related("task__trace", "reviewer").order_by("pk"))
    assert {each.task_id for each in given} == {task.pk for task in tasks}
    assert {each.reviewer for each in given} == set(people)
    one = given[0]
    at_once(
        lambda: record_judgement(
            principal=principal_of_user(one.reviewer), trace=one.task.trace, decision="approve"
        )
    )
    assert problems == []
    assert GoldJudgement.objects.count() == 1


# --- Counted nowhere -------------------------------------------------------------------------------------------


def test_what_is_said_of_gold_is_no_review_of_any_kind(
    world: World, scene: tuple[ReviewTask, ReviewTask]
) -> None:
    given, _ = scene
    principal = world.principal("reviewer")
    before = (Review.objects.count(), ClaimJudgement.objects.count())
    period = (datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))

    def agreement() -> Any:
        rows = Review.objects.all(), ClaimJudgement.objects.all()
        return agreement_of_reviewers(*rows, world.system, *period, known=Review.objects.all())

    agreed, standing = agreement(), with_standing(ReviewTask.objects.filter(pk=given.pk)).values().get()
    with pytest.raises(ConflictingContent, match="by no review"):
        judge(world.people["reviewer"], given)
    record_judgement(principal=principal, trace=given.trace, decision="approve", claims={0: "stands"})
    assert (Review.objects.count(), ClaimJudgement.objects.count()) == before
    assert agreement() == agreed
    assert with_standing(ReviewTask.objects.filter(pk=given.pk)).values().get() == standing
    with pytest.raises(ConflictingContent, match="You have reviewed this answer"):
        record_judgement(principal=principal, trace=given.trace, decision="reject", reason_code="other")
    again = record_judgement(principal=principal, trace=given.trace, decision="approve", claims={0: "stands"})
    assert again == GoldJudgement.objects.get()


def test_a_share_is_told_from_twenty_on_by_what_is_right_now_and_not_to_reviewers(world: World) -> None:
    reviewer = world.people["reviewer"]
    asked = [
        reviews.open_review_task(trace=trace, reason="high_risk", actor=ACTOR)
        for trace in make_traces(world, 21)
    ]
    golds = [
        GoldAnswer.objects.create(
            task=task, number=1, right=["override", "reject"], rationale=WHY, made_by=ACTOR
        )
        for task in asked
    ]
    for number, each in enumerate(golds, start=1):
        draw = GoldDraw(
            system=world.system, reviewer=reviewer, number=number, gold=each, among=[each.pk],
            reviews_before=number, seed="0" * 64, every=1, created_at=clock.now(),
        )  # fmt: skip
        draw.save(force_insert=True)
        GoldJudgement.objects.create(
            draw=draw, task=each.task, reviewer=reviewer, decision="approve" if number < 6 else "reject",
            reason_code="other", claims={}, machine_verdict={},
        )  # fmt: skip
    (found,) = results_in(world.system, GoldJudgement.objects.all())
    assert found.share is not None
    assert found.n == 21
    assert found.share.value == pytest.approx(16 / 21)
    assert found.share.low is not None
    assert found.share.high is not None
    assert found.share.low < 16 / 21 < found.share.high
    for each in golds[:2]:
        gold.withdraw_gold(principal=world.principal("approver"), task=each.task, reason="It is disputed.")
    (found,) = results_in(world.system, GoldJudgement.objects.all())
    assert (found.n, found.share) == (19, None)
    address = f"/api/v1/gold-results?system={world.system.key}"
    assert signed_in(world.people["auditor"]).get(address).json()[0]["n"] == 19
    assert signed_in(reviewer).get(address).status_code == 403
    page = signed_in(world.people["approver"]).get(reverse("admin:gold_answers")).content.decode()
    assert "too few: 19 of 20" in page


def test_an_approver_makes_it_of_a_closed_answer_alone(world: World) -> None:
    waits, task = make_task(world), closed(world)
    approver = world.principal("approver")

    def make(task: ReviewTask, *right: str, rationale: str = WHY, who: Any = approver) -> GoldAnswer:
        return gold.make_gold(principal=who, task=task, right=right, rationale=rationale)

    with pytest.raises(ConflictingContent, match="still waits"):
        make(waits, "approve")
    with pytest.raises(InvalidInput, match="are right"):
        make(task)
    with pytest.raises(InvalidInput, match="are right"):
        make(task, "fine")
    with pytest.raises(InvalidInput, match="Say why"):
        make(task, "approve", rationale=" ")
    with pytest.raises(AccessDenied):
        make(task, "approve", who=world.principal("reviewer"))
    first = make(task, "reject", "override")
    assert first.right == ["override", "reject"]
    assert make(task, "override", "reject") == first
    assert make(task, "reject").number == 2
    later_revision(world, task)
    with pytest.raises(ConflictingContent, match="replaced or erased"):
        make(task, "approve")


def test_an_erasure_takes_the_words_and_leaves_what_was_decided(
    world: World, scene: tuple[ReviewTask, ReviewTask]
) -> None:
    given, _ = scene
    record_judgement(
        principal=world.principal("reviewer"), trace=given.trace, decision="reject", reason_code="other",
        rationale="The fee is invented.",
    )  # fmt: skip
    erasure.erase_trace_payload(
        principal=acting(), system=world.system, trace_id=given.trace.trace_id, reason="request 2026-17"
    )
    judged, right = GoldJudgement.objects.get(), GoldAnswer.objects.get()
    assert (judged.decision, judged.rationale, right.right) == ("reject", "[erased]", ["reject"])
    assert WHY not in right.rationale
    told_of = AuditPayload.objects.filter(event__object_type="evidence.GoldJudgement")
    assert not told_of.exists()
