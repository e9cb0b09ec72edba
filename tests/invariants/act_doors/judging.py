"""Reviews of traces."""

from __future__ import annotations

from typing import Any, Final

from django.urls import reverse

from evidence import acts
from evidence.access import principal_of_command_line, principal_of_user
from evidence.models import Scope
from evidence.roles import ROLES
from evidence.services import evals, labels, review_drafts, review_draws, review_queue, review_work, reviews
from evidence.services.people import memberships
from evidence.services.review_reasons import ReasonDraft, set_reasons
from tests.e2e.cases import make_task
from tests.evidence.eval_files import eval_file
from tests.factories import World, acting, make_person
from tests.invariants.act_doors.taking import Act, browse, later, named, post, serve
from tests.invariants.who import STRANGER
from tests.requirements.builders import make_traces


def disputed(world: World) -> Any:
    """A task whose two reviewers disagree."""
    task = make_task(world)
    for name, decision in (("one", "approve"), ("two", "reject")):
        person = make_person(name, "reviewer")
        memberships.grant_membership(principal=principal_of_command_line(), system=world.system, user=person)
        reviews.record_review(
            principal=principal_of_user(person), trace=task.trace, decision=decision,
            reason_code="" if decision == "approve" else "unclear",
        )  # fmt: skip
    return task


def judged_run(world: World) -> Any:
    """A run whose metric a judge gave, of a release that nobody of the world put on record."""
    raw = eval_file([1.0], judge={"key": "llm", "label": "1"})
    return evals.record_eval_run(
        principal=acting("token:ci"), system=world.system, raw=raw, format_name="native"
    ).run


def desk_judged_run(world: World) -> Any:
    """A run that a judge scored, of an answer that the reviewer of the world judged at the desk."""
    task = make_task(world, risk="low")
    reviews.record_review(principal=world.principal("reviewer"), trace=task.trace, decision="approve")
    scores = {"grounded": {"status": "scored", "value": 1.0}}
    sample = {"id": "0", "trace_id": task.trace.trace_id.hex, "scores": scores}
    raw = eval_file(judge={"key": "llm", "label": "1"}, samples=[sample])
    return evals.record_eval_run(
        principal=acting("token:ci"), system=world.system, raw=raw, format_name="native"
    ).run


def decided(world: World) -> Any:
    """A task on whose answer the reviewer of the world has decided, and can still take that back."""
    task = make_task(world)
    review_drafts.decide(
        principal=world.principal("reviewer"), trace=task.trace, said={"decision": "approve"}
    )
    return task


def step_of(_: World, task: Any) -> str:
    """Where a task is taken and put back."""
    return f"/api/v1/review-tasks/{task.pk}/transitions"


ACTS: Final[list[Act]] = [
    Act(
        "evidence.acts.check_can_judge",
        frozenset({"reviewer", STRANGER}),
        serve(lambda world, who, _: acts.check_can_judge(who)),
        scopes=(Scope.REVIEW, Scope.READ), owner="reviewer",
    ),
    Act(
        "evidence.acts.check_can_review",
        frozenset({"reviewer"}),
        serve(lambda world, who, task: reviews.record_review(principal=who, trace=task.trace, decision="approve")),
        api=post(
            lambda *_: "/api/v1/reviews",
            lambda world, task: named(world, trace_id=task.trace.trace_id.hex, decision="approve"),
        ),
        admin=browse(
            lambda _, task: reverse("admin:evidence_reviewtask_change", args=[task.pk]),
            lambda *_: {"review": "1", "decision": "approve"},
        ),
        prepare=make_task, scopes=(Scope.REVIEW, Scope.READ), owner="reviewer",
    ),
    Act(
        "evidence.acts.check_can_judge",
        frozenset({"reviewer", STRANGER}),
        serve(lambda world, who, _: review_queue.take_next(principal=who)),
        api=post(lambda *_: "/api/v1/review-tasks/next", lambda *_: {}),
        prepare=make_task, scopes=(Scope.REVIEW, Scope.READ), owner="reviewer", step="the next one",
    ),
    Act(
        "evidence.acts.check_can_review",
        frozenset({"reviewer"}),
        serve(lambda world, who, task: review_queue.take(principal=who, task=task)),
        api=post(step_of, lambda *_: {"to_state": "taken"}),
        prepare=make_task, scopes=(Scope.REVIEW, Scope.READ), owner="reviewer", step="taken",
    ),
    Act(
        "evidence.acts.check_can_adjudicate",
        frozenset({"reviewer"}),
        serve(lambda world, who, task: review_queue.take(principal=who, task=task)),
        api=post(step_of, lambda *_: {"to_state": "taken"}),
        prepare=disputed, scopes=(Scope.REVIEW, Scope.READ), owner="reviewer", step="taken",
    ),
    Act(
        "evidence.acts.check_can_judge",
        frozenset({"reviewer", STRANGER}),
        serve(lambda world, who, task: review_queue.put_back(principal=who, task=task)),
        prepare=make_task, scopes=(Scope.REVIEW, Scope.READ), owner="reviewer", step="put back",
    ),
    Act(
        "evidence.acts.check_can_use_desk",
        frozenset({"reviewer", STRANGER}),
        serve(lambda world, who, task: review_drafts.discard(principal=who, trace=task.trace)),
        prepare=make_task, scopes=(Scope.REVIEW, Scope.READ), owner="reviewer", step="a draft dropped",
    ),
    Act(
        "evidence.acts.check_can_use_desk",
        frozenset({"reviewer"}),
        serve(lambda world, who, task: review_drafts.take_back(principal=who, trace=task.trace)),
        prepare=decided, scopes=(Scope.REVIEW, Scope.READ), owner="reviewer", step="a decision taken back",
    ),
    Act(
        "evidence.acts.check_can_use_desk",
        frozenset({"reviewer"}),
        serve(lambda world, who, task: review_drafts.save_draft(
            principal=who, trace=task.trace, said={"rationale": "so far"}
        )),
        prepare=make_task, scopes=(Scope.REVIEW, Scope.READ), owner="reviewer", step="a draft",
    ),
    Act(
        "evidence.acts.check_can_use_desk",
        frozenset({"reviewer"}),
        serve(lambda world, who, task: review_drafts.decide(
            principal=who, trace=task.trace, said={"decision": "approve"}
        )),
        prepare=make_task, scopes=(Scope.REVIEW, Scope.READ), owner="reviewer", step="a decision",
    ),
    Act(
        "evidence.acts.check_can_use_desk",
        frozenset({"reviewer", STRANGER}),
        serve(lambda world, who, _: review_draws.draw_at_random(principal=who)),
        admin=browse(lambda *_: reverse("admin:review_desk"), lambda *_: {"act": "draw"}),
        prepare=lambda world: make_traces(world, 1),
        scopes=(Scope.REVIEW, Scope.READ), owner="reviewer", step="drawn at random",
    ),
    Act(
        "evidence.acts.check_can_pause_reviewing",
        frozenset({"reviewer", STRANGER}),
        serve(lambda world, who, _: review_work.pause_reviewing(principal=who, until=later())),
        admin=browse(
            lambda *_: reverse("admin:review_pause"),
            lambda *_: {"act": "pause", "until": later().strftime("%Y-%m-%dT%H:%M")},
        ),
        scopes=(Scope.REVIEW, Scope.READ), owner="reviewer",
    ),
    Act(
        "evidence.acts.check_can_save_filter",
        frozenset(ROLES),
        serve(lambda world, who, _: review_work.save_filter(principal=who, name="mine", system=world.system)),
    ),
    Act(
        "evidence.acts.check_can_adjudicate",
        frozenset({"reviewer"}),
        serve(lambda world, who, task: reviews.adjudicate(principal=who, task=task, decision="reject", rationale="r")),
        api=post(
            lambda *_: "/api/v1/adjudications",
            lambda world, task: named(
                world, trace_id=task.trace.trace_id.hex, decision="reject", rationale="r"
            ),
        ),
        admin=browse(
            lambda _, task: reverse("admin:evidence_reviewtask_change", args=[task.pk]),
            lambda *_: {"adjudicate": "1", "decision": "reject", "rationale": "r"},
        ),
        prepare=disputed, scopes=(Scope.REVIEW, Scope.READ), owner="reviewer",
    ),
    Act(
        "evidence.acts.check_can_label",
        frozenset({"reviewer"}),
        serve(lambda world, who, run: labels.record_labels(
            principal=who, run=run, labels=[labels.LabelDraft("0", "grounded", 1.0)]
        )),
        api=post(
            lambda *_: "/api/v1/label-sets",
            lambda world, run: named(
                world, run_key=run.run_key, labels=[{"sample": "0", "metric": "grounded", "value": 1}]
            ),
        ),
        admin=browse(
            lambda _, run: reverse("admin:label_sheet", args=[run.pk]),
            lambda _, run: {f"label-{run.samples.get().pk}": "yes"},
            done=lambda _, run: run.label_sets.exists(),
        ),
        prepare=judged_run, scopes=(Scope.REVIEW, Scope.READ), owner="reviewer",
    ),
    Act(
        "evidence.acts.check_can_set_reasons",
        frozenset({"approver"}),
        serve(lambda world, who, _: set_reasons(
            principal=who, system=world.system, reasons=[ReasonDraft("tone", "other", {"en": "Tone"})]
        )),
        api=post(
            lambda *_: "/api/v1/review-reasons",
            lambda world, _: named(world, reasons=[{"code": "tone", "kind": "other", "words": {"en": "Tone"}}]),
        ),
        admin=browse(
            lambda world, _: f"{reverse('admin:review_reasons')}?system={world.system.key}",
            lambda *_: {
                "form-TOTAL_FORMS": "1", "form-INITIAL_FORMS": "0",
                "form-0-code": "tone", "form-0-kind": "other", "form-0-en": "Tone",
            },
        ),
        scopes=(Scope.READ,), owner="approver",
    ),
    Act(
        "evidence.acts.check_can_label",
        frozenset({"reviewer"}),
        serve(lambda world, who, run: labels.record_labels_from_reviews(
            principal=who, run=run, metric="grounded", made_from="decisions"
        )),
        api=post(
            lambda *_: "/api/v1/label-sets/from-reviews",
            lambda world, run: named(world, run_key=run.run_key, metric="grounded", made_from="decisions"),
        ),
        admin=browse(
            lambda _, run: reverse("admin:label_sheet", args=[run.pk]),
            lambda *_: {"made_from": "decisions"},
            done=lambda _, run: run.label_sets.exists(),
        ),
        prepare=desk_judged_run, scopes=(Scope.REVIEW, Scope.READ), owner="reviewer", step="as said at the desk",
    ),
]  # fmt: skip
