"""A 2xx means committed; sending the same thing again changes nothing and answers the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import pytest
from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient

from evidence.models import AppendOnlyModel, EvalRun, Scope
from evidence.services.evals import ask_retraction
from evidence.services.gates import CriterionReference, propose_gate
from evidence.services.readings import propose_reading
from interpret.services.queueing import queue_probe_run
from tests.e2e.cases import make_task
from tests.evidence.binder_world import PERIOD
from tests.evidence.eval_files import eval_file, post
from tests.evidence.otlp_bodies import make_request, make_span
from tests.factories import World, acting, ask_for_waiver, define_gate, find_unmet
from tests.interpret import dictionary_store
from tests.interpret.conftest import INPUTS
from tests.invariants.act_doors import live_after_first, stored_trace, way_back
from tests.invariants.act_doors.answering import doubt
from tests.invariants.act_doors.gold import SAID as GOLD_SAID
from tests.invariants.act_doors.gold import closed as closed_task
from tests.invariants.act_doors.gold import made as made_gold
from tests.invariants.act_doors.judging import desk_judged_run, disputed
from tests.invariants.act_doors.requirements import frozen, suspect_link
from tests.invariants.act_doors.sampling import frozen as frozen_population
from tests.invariants.act_doors.sampling import plan_body
from tests.invariants.walk import is_excepted, our_models, our_views
from tests.requirements.builders import (
    ask_to_retire,
    make_criterion,
    make_trace,
    requirement_file,
    requirement_text,
)

pytestmark = pytest.mark.django_db


@dataclass(frozen=True)
class Sent:
    """One request that stores something."""

    path: str
    body: Any
    scope: Scope | str  # of the token, or the role of the person who signs in
    content_type: str = "application/json"


def traces(world: World) -> Sent:
    return Sent(
        "/v1/traces", make_request(make_span()).SerializeToString(), Scope.INGEST, "application/x-protobuf"
    )


def logs(world: World) -> Sent:
    return Sent("/v1/logs", b'{"resourceLogs": []}', Scope.INGEST)


def releases(world: World) -> Sent:
    pin = {"slot": "model", "kind": "model", "key": "smol", "label": "2", "digest": "a" * 64}
    return Sent("/api/v1/releases", {"system": world.system.key, "name": "r2", "pins": [pin]}, Scope.IMPORT)


def deployments(world: World) -> Sent:
    body = {
        "system": world.system.key,
        "environment": "prod",
        "release": "r1",
        "effective_from": "2026-03-03T00:00:00Z",
    }
    return Sent("/api/v1/deployments", body, Scope.IMPORT)


def rollbacks(world: World) -> Sent:
    live_after_first(world)
    body = {**way_back(world), "system": world.system.key, "release": "r1"}
    return Sent("/api/v1/deployments/rollbacks", body, Scope.IMPORT)


def review_reasons(world: World) -> Sent:
    reasons = [{"code": "tone", "kind": "other", "words": {"en": "Tone", "zh_hans": "语气"}}]
    return Sent("/api/v1/review-reasons", {"system": world.system.key, "reasons": reasons}, "approver")


def reviews(world: World) -> Sent:
    trace = make_trace(world)
    body = {
        "system": world.system.key,
        "trace_id": trace.trace_id.hex,
        "decision": "reject",
        "reason_code": "unclear",
    }
    return Sent("/api/v1/reviews", body, "reviewer")


def review_task_next(world: World) -> Sent:
    make_task(world)
    return Sent("/api/v1/review-tasks/next", {"system": world.system.key}, "reviewer")


def review_task_transitions(world: World) -> Sent:
    path = f"/api/v1/review-tasks/{make_task(world).pk}/transitions"
    return Sent(path, {"to_state": "taken"}, "reviewer")


def adjudications(world: World) -> Sent:
    task = disputed(world)
    body = {
        "system": world.system.key,
        "trace_id": task.trace.trace_id.hex,
        "decision": "reject",
        "rationale": "the tariff says 1%",
    }
    return Sent("/api/v1/adjudications", body, "reviewer")


def eval_runs(world: World) -> Sent:
    return Sent(
        f"/api/v1/eval-runs?system={world.system.key}&release=r1&format=native", eval_file(), Scope.PUSH_EVAL
    )


def label_sets(world: World) -> Sent:
    run = post(world, eval_file(judge={"key": "llm", "label": "1"})).run
    said = [{"sample": "0", "metric": "grounded", "value": 1.0}]
    return Sent(
        "/api/v1/label-sets", {"system": world.system.key, "run_key": run.run_key, "labels": said}, "reviewer"
    )


def labels_from_reviews(world: World) -> Sent:
    run = desk_judged_run(world)
    body = {
        "system": world.system.key,
        "run_key": run.run_key,
        "metric": "grounded",
        "made_from": "decisions",
    }
    return Sent("/api/v1/label-sets/from-reviews", body, "reviewer")


def retractions(world: World) -> Sent:
    sent = eval_runs(world)
    APIClient().post(sent.path, sent.body, content_type=sent.content_type, **world.headers(Scope.PUSH_EVAL))
    body = {"system": world.system.key, "run_key": EvalRun.objects.get().run_key, "reason": "wrong model"}
    return Sent("/api/v1/retractions", body, Scope.PUSH_EVAL)


def retraction_transitions(world: World) -> Sent:
    run = post(world, eval_file()).run
    asked = ask_retraction(principal=acting(), run=run, reason="wrong model")
    return Sent(f"/api/v1/retractions/{asked.pk}/transitions", {"to_state": "confirmed"}, "approver")


def gates(world: World) -> Sent:
    make_criterion(world)
    body = {"system": world.system.key, "key": "release-gate", "criteria": [{"requirement": "b1"}]}
    return Sent("/api/v1/gates", body, Scope.IMPORT)


def gate_decide(world: World) -> Sent:
    criterion = make_criterion(world)
    references = [CriterionReference(requirement=criterion.version.requirement.key)]
    define_gate(system=world.system, key="g", references=references, principal=acting())
    return Sent("/api/v1/gates/g/decisions", {"system": world.system.key, "release": "r1"}, Scope.GATE)


def gate_transitions(world: World) -> Sent:
    references = [CriterionReference(requirement="b")]
    propose_gate(principal=acting(), system=world.system, key="g", references=references)
    path = "/api/v1/gates/g/versions/1/transitions"
    return Sent(path, {"system": world.system.key, "to_state": "approved"}, "approver")


def defeater_answers(world: World) -> Sent:
    body = {"kind": "accepted", "words": "until the next model", "expires_at": "2999-01-01T00:00:00Z"}
    return Sent(f"/api/v1/defeaters/{doubt(world).pk}/answers", body, "approver")


def sampling_plans(world: World) -> Sent:
    times = {"period_from": "2020-01-01T00:00:00Z", "period_to": "2999-01-01T00:00:00Z"}
    return Sent("/api/v1/sampling-plans", {"system": world.system.key, **plan_body(), **times}, "approver")


def sampling_transitions(world: World) -> Sent:
    path = f"/api/v1/sampling-plans/{frozen_population(world).pk}/transitions"
    return Sent(path, {"to_state": "drawn"}, "approver")


def gold_answers(world: World) -> Sent:
    trace_id = closed_task(world).trace.trace_id.hex
    return Sent(
        "/api/v1/gold-answers", {"system": world.system.key, "trace_id": trace_id, **GOLD_SAID}, "approver"
    )


def gold_answer_transitions(world: World) -> Sent:
    path = f"/api/v1/gold-answers/{made_gold(world).pk}/transitions"
    return Sent(path, {"to_state": "withdrawn", "reason": "It is disputed."}, "approver")


def readings(world: World) -> Sent:
    return Sent("/api/v1/readings", {"system": world.system.key, "document": {}}, Scope.IMPORT)


def reading_try(world: World) -> Sent:
    trace = stored_trace(world)
    body = {"system": world.system.key, "document": {}, "trace": trace.trace_id.hex}
    return Sent("/api/v1/readings/try", body, Scope.READ)


def reading_transitions(world: World) -> Sent:
    propose_reading(principal=acting(), system=world.system, document={})
    body = {"system": world.system.key, "to_state": "approved"}
    return Sent("/api/v1/readings/1/transitions", body, "approver")


def registrations(world: World) -> Sent:
    sent = releases(world)
    APIClient().post(sent.path, sent.body, format="json", **world.headers(Scope.IMPORT))
    body = {"system": world.system.key, "kind": "model", "key": "smol", "digest": "a" * 64}
    return Sent("/api/v1/versions/registrations", body, Scope.IMPORT)


def waiver_requests(world: World) -> Sent:
    find_unmet(world.release, "r/c")
    body = {
        "system": world.system.key,
        "release": "r1",
        "criterion_ref": "r/c",
        "reason": "the bank accepts this until the new index is live",
        "expires_at": (timezone.now() + timedelta(days=30)).isoformat(),
    }
    return Sent("/api/v1/waiver-requests", body, Scope.IMPORT)


def waiver_transitions(world: World) -> Sent:
    asked = ask_for_waiver(world, "r/c")
    return Sent(f"/api/v1/waiver-requests/{asked.pk}/transitions", {"to_state": "granted"}, "approver")


def requirements_import(world: World) -> Sent:
    path = f"/api/v1/requirements/import?system={world.system.key}"
    return Sent(path, requirement_file(), Scope.IMPORT, "application/yaml")


def requirements_import_files(world: World) -> Sent:
    files = [{"name": "a.yaml", "text": requirement_file().decode()}]
    body = {"system": world.system.key, "files": files}
    return Sent("/api/v1/requirements/import-files", body, Scope.IMPORT)


def requirements_lint(world: World) -> Sent:
    return Sent("/api/v1/requirements/lint", {"statement": "The system must be explainable."}, Scope.READ)


def requirements_check(world: World) -> Sent:
    body = {"system": world.system.key, "text": requirement_text()}
    return Sent("/api/v1/requirements/check", body, Scope.IMPORT)


def requirements_drafts(world: World) -> Sent:
    body = {"system": world.system.key, "text": requirement_text()}
    return Sent("/api/v1/requirements/drafts", body, Scope.IMPORT)


def requirement_transitions(world: World) -> Sent:
    version = make_criterion(world, approved=False).version
    path = f"/api/v1/requirements/{version.requirement.key}/versions/{version.number}/transitions"
    return Sent(path, {"system": world.system.key, "to_state": "in_review"}, "author")


def retirements(world: World) -> Sent:
    version = make_criterion(world, approved=False).version
    named = {"system": world.system.key, "key": version.requirement.key, "number": version.number}
    read = {"digest": version.artefact_version.digest, "from_state": "draft"}
    return Sent("/api/v1/retirements", {**named, **read, "reason": "no longer asked for"}, Scope.IMPORT)


def retirement_transitions(world: World) -> Sent:
    asked = ask_to_retire(make_criterion(world, approved=False).version)
    return Sent(f"/api/v1/retirements/{asked.pk}/transitions", {"to_state": "confirmed"}, "approver")


def assessments(world: World) -> Sent:
    make_criterion(world)
    make_trace(world)
    body = {"system": world.system.key, "release": "r1", "as_of": timezone.now().isoformat()}
    return Sent("/api/v1/assessments", body, Scope.GATE)


def links(world: World) -> Sent:
    make_criterion(world, key="up")
    make_criterion(world, key="down")
    body = {"kind": "derives", "upstream": {"key": "up"}, "downstream": {"key": "down"}}
    return Sent("/api/v1/links", {"system": world.system.key, **body}, Scope.IMPORT)


def link_clear(world: World) -> Sent:
    now, link = suspect_link(world)
    digests = {"upstream_digest": now.upstream.digest, "downstream_digest": now.downstream.digest}
    body = {"reason": "The number alone changed.", **digests}
    return Sent(f"/api/v1/links/{link.pk}/clear", {"system": world.system.key, **body}, "approver")


def link_withdraw(world: World) -> Sent:
    _, link = suspect_link(world)
    return Sent(
        f"/api/v1/links/{link.pk}/withdraw",
        {"system": world.system.key, "reason": "It says nothing more."},
        "approver",
    )


def baselines(world: World) -> Sent:
    make_criterion(world)
    return Sent(
        "/api/v1/baselines", {"system": world.system.key, "name": "b", "all_approved": True}, Scope.IMPORT
    )


def baseline_sign_offs(world: World) -> Sent:
    body = {"system": world.system.key, "digest": frozen(world).digest}
    return Sent("/api/v1/baselines/b/sign-offs", body, "approver")


def probe_runs(world: World) -> Sent:
    inputs = [{"id": each.id, "text": each.text, "language": each.language} for each in INPUTS]
    body = {"system": world.system.key, "release": "r1", "probe": "entropy.next_token", "inputs": inputs}
    return Sent("/api/v1/probe-runs", body, "researcher")


def probe_plans(world: World) -> Sent:
    body = {
        "system": world.system.key,
        "release": "r1",
        "seed": 3,
        "probes": [{"probe": "entropy.next_token"}, {"probe": "induction.heads", "seed": 4}],
        "inputs": [{"id": each.id, "text": each.text, "language": each.language} for each in INPUTS],
    }
    return Sent("/api/v1/probe-plans", body, "researcher")


def probe_run_cancel(world: World) -> Sent:
    run = queue_probe_run(principal=acting(), release=world.release, probe="induction.heads")
    return Sent(
        f"/api/v1/probe-runs/{run.pk}/cancel", {"reason": "Another prompt is asked for."}, "researcher"
    )


def dictionaries(world: World) -> Sent:
    body = {"system": world.system.key, "digest": dictionary_store.shipped(world.system)}
    return Sent("/api/v1/dictionaries", body, "researcher")


def feature_labelling(world: World) -> Sent:
    feature = dictionary_store.shipped_feature(world.system)
    return Sent(f"/api/v1/features/{feature.pk}/labels", {"concept": "animals"}, "researcher")


def binders(world: World) -> Sent:
    make_trace(world)
    make_criterion(world)
    body = {
        "system": world.system.key,
        "release": "r1",
        "period_from": PERIOD[0].isoformat(),
        "period_to": PERIOD[1].isoformat(),
        "as_of": timezone.now().isoformat(),
    }
    return Sent("/api/v1/binders", body, Scope.BINDER)


REPEATED: dict[str, Callable[[World], Sent]] = {
    "otlp-traces": traces,
    "otlp-logs": logs,
    "releases": releases,
    "deployments": deployments,
    "rollbacks": rollbacks,
    "review-reasons": review_reasons,
    "reviews": reviews,
    "review-task-next": review_task_next,
    "review-task-transitions": review_task_transitions,
    "adjudications": adjudications,
    "eval-runs": eval_runs,
    "label-sets": label_sets,
    "labels-from-reviews": labels_from_reviews,
    "retractions": retractions,
    "retraction-transitions": retraction_transitions,
    "gates": gates,
    "gate-decide": gate_decide,
    "gate-transitions": gate_transitions,
    "gold-answers": gold_answers,
    "gold-answer-transitions": gold_answer_transitions,
    "sampling-plans": sampling_plans,
    "sampling-plan-transitions": sampling_transitions,
    "readings": readings,
    "reading-try": reading_try,
    "reading-transitions": reading_transitions,
    "registrations": registrations,
    "defeater-answers": defeater_answers,
    "waiver-requests": waiver_requests,
    "waiver-transitions": waiver_transitions,
    "requirements-import": requirements_import,
    "requirements-import-files": requirements_import_files,
    "requirements-lint": requirements_lint,
    "requirements-check": requirements_check,
    "requirements-drafts": requirements_drafts,
    "requirement-transitions": requirement_transitions,
    "retirements": retirements,
    "retirement-transitions": retirement_transitions,
    "assessments": assessments,
    "links": links,
    "link-clear": link_clear,
    "link-withdraw": link_withdraw,
    "baselines": baselines,
    "baseline-sign-offs": baseline_sign_offs,
    "probe-runs": probe_runs,
    "probe-plans": probe_plans,
    "probe-run-cancel": probe_run_cancel,
    "dictionaries": dictionaries,
    "feature-labelling": feature_labelling,
    "binders": binders,
}


def test_each_address_that_takes_a_post_is_repeated_here() -> None:
    posted = {name for name, view in our_views().items() if callable(getattr(view, "post", None))}
    missing = {name for name in posted - set(REPEATED) if not is_excepted("not-repeatable", name)}
    assert missing == set(), "add a request to REPEATED"
    assert posted >= set(REPEATED)


@pytest.mark.parametrize("name", sorted(REPEATED))
def test_the_same_again_changes_nothing_and_answers_the_same(world: World, name: str) -> None:
    sent = REPEATED[name](world)
    # One sender for both requests: a batch belongs to the token that sent it.
    client = sender(world, sent)
    first = send(client, sent)
    assert first.status_code in {200, 201}, first.content
    rows = _rows()
    again = send(client, sent)
    assert again.status_code in {200, 201}, again.content
    assert _rows() == rows
    assert _content(again) == _content(first)


def test_a_commit_waits_for_the_disk() -> None:
    """What the server of tests leaves out, `tests/faults/test_outage.py` asks one that is started for use."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW synchronous_commit")
        assert cursor.fetchone() == ("on",)


def sender(world: World, sent: Sent) -> APIClient:
    client = APIClient()
    if isinstance(sent.scope, Scope):
        client.credentials(**world.headers(sent.scope))
    else:
        client.force_login(world.people[sent.scope])
    return client


def send(client: APIClient, sent: Sent) -> Any:
    if isinstance(sent.body, bytes):
        return client.post(sent.path, sent.body, content_type=sent.content_type)
    return client.post(sent.path, sent.body, format="json")


# The log catches up with earlier events by itself, whenever it is asked; that is no change of its own.
LOG = {"evidence.Leaf", "evidence.Tile", "evidence.Checkpoint", "evidence.Moment"}


def _rows() -> dict[str, int]:
    return {
        model._meta.label: model._default_manager.count()
        for model in our_models()
        if issubclass(model, AppendOnlyModel) and model._meta.label not in LOG
    }


_WHETHER_NEW: Final = {"created", "unchanged", "change", "plan_digest"}
_FROM_NOW: Final = {"held_until"}  # of who is at an answer: whoever asks again is at it for as long again


def _content(response: Any) -> Any:
    """The answer but for whether it was new, and for what is counted from when it was asked."""
    if response.headers["Content-Type"].startswith("application/json"):
        body = response.json()
        if isinstance(body, dict):
            body = {key: value for key, value in body.items() if key not in _WHETHER_NEW | _FROM_NOW}
            for requirement in body.get("requirements", []):
                for name in _WHETHER_NEW & set(requirement):
                    del requirement[name]
        return body
    return response.content
