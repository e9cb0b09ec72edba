from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import IntegrityError
from rest_framework.test import APIClient

from evidence.errors import ConflictingContent, InvalidInput, NotFound
from evidence.models import AuditEvent, EvalRun, EvalSample, EvalScore, Registration, Reject, Scope
from evidence.services import audit, evals
from evidence.services.blobs import read_blob
from evidence.services.evals import EvalFileRefused
from tests.evidence.eval_files import eval_file, post
from tests.factories import World


def test_a_file_is_kept_as_it_came_with_its_samples_and_our_aggregates(world: World) -> None:
    raw = eval_file([1.0, 1.0, 0.0, None], slices=[{"language": "en"}, {"language": "zh-Hans"}])
    recorded = post(world, raw)
    assert recorded.created
    assert read_blob(recorded.run.raw_id) == raw
    assert EvalSample.objects.count() == 4
    overall = EvalScore.objects.get(slice={})
    assert overall.value == pytest.approx(2 / 3)
    assert (overall.n, overall.n_unscored, overall.n_error) == (3, 1, 0)
    assert (overall.unit, overall.direction, overall.interval_method) == (
        "share",
        "higher",
        "clopper_pearson",
    )
    assert overall.low is not None
    assert overall.value is not None
    assert overall.low < overall.value
    counted = {score.slice.get("language", "all"): score.n for score in EvalScore.objects.all()}
    assert counted == {"all": 3, "en": 2, "zh-Hans": 1}


def test_the_same_file_again_changes_nothing(world: World) -> None:
    raw = eval_file()
    first = post(world, raw)
    events = AuditEvent.objects.count()
    again = post(world, raw)
    assert (again.run, again.created) == (first.run, False)
    assert EvalRun.objects.count() == 1
    assert AuditEvent.objects.count() == events


def test_another_file_under_the_same_key_is_a_conflict(world: World) -> None:
    post(world, eval_file())
    with pytest.raises(ConflictingContent, match="run-1"):
        post(world, eval_file([0.0]))
    assert EvalRun.objects.count() == 1


def test_a_bad_sample_is_on_the_ledger_and_the_rest_is_kept(world: World) -> None:
    post(world, eval_file([1.0, 7.0, 0.0]))
    reject = Reject.objects.get()
    assert (reject.source, reject.source_ref, reject.code) == ("eval_sample", "run-1", "out_of_range")
    assert EvalSample.objects.count() == 2


def test_a_file_nobody_can_read_is_on_the_ledger_once_and_stores_no_run(world: World) -> None:
    for _ in range(2):
        with pytest.raises(evals.EvalFileRefused):
            post(world, b"{not json")
    reject = Reject.objects.get()
    assert reject.source == "eval_file"
    assert read_blob(reject.item_digest) == b"{not json"
    assert not EvalRun.objects.exists()


def test_a_file_about_something_else_is_refused(world: World) -> None:
    with pytest.raises(InvalidInput, match="other-system"):
        post(world, eval_file(system="other-system"))
    with pytest.raises(InvalidInput, match="r9"):
        post(world, eval_file(), release="r9")
    with pytest.raises(NotFound, match="r9"):
        post(world, eval_file(release="r9"))
    with pytest.raises(InvalidInput, match="future"):
        post(world, eval_file(collected_at="2999-01-01T00:00:00Z"))
    assert not EvalRun.objects.exists()


def test_posting_vouches_for_no_version(world: World) -> None:
    before = Registration.objects.count()
    post(world, eval_file())
    assert Registration.objects.count() == before


def test_no_run_without_its_audit_event(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise IntegrityError

    monkeypatch.setattr(audit, "record", refuse)
    with pytest.raises(IntegrityError):
        post(world, eval_file())
    assert not EvalRun.objects.exists()


def url(**query: str) -> str:
    return "/api/v1/eval-runs?" + "&".join(f"{key}={value}" for key, value in query.items())


def test_ci_posts_and_reads_the_answer(world: World, api: APIClient) -> None:
    headers = world.headers(Scope.PUSH_EVAL)
    raw = eval_file([1.0, 0.0, None, 3.0])
    address = url(system="credit-assistant", format="native")
    first = api.post(address, raw, content_type="application/json", **headers)
    assert first.status_code == 201, first.content
    body = first.json()
    assert (body["n_samples"], body["n_scored"], body["n_unscored"], body["n_error"]) == (3, 2, 1, 0)
    assert [reject["code"] for reject in body["rejects"]] == ["out_of_range"]
    assert {"metric", "slice", "value", "n", "stderr", "low", "high", "confidence", "unit"} <= set(
        body["scores"][0]
    )
    again = api.post(address, raw, content_type="application/json", **headers)
    assert (again.status_code, again.json()["id"]) == (200, body["id"])
    other = api.post(address, eval_file([0.0]), content_type="application/json", **headers)
    assert other.status_code == 409
    assert other.headers["Content-Type"] == "application/problem+json"
    assert other.json()["code"] == "conflicting_content"


def test_every_fault_of_a_file_is_in_the_problem(world: World, api: APIClient) -> None:
    document = json.loads(eval_file())
    document["status"], document["metrics"] = "done", {}
    answer = api.post(
        url(system="credit-assistant"),
        json.dumps(document),
        content_type="application/json",
        **world.headers(Scope.PUSH_EVAL),
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "eval_file_refused")
    assert len(answer.json()["errors"]) == 2


@pytest.mark.parametrize("scope", [Scope.INGEST, Scope.GATE, Scope.READ])
def test_posting_takes_its_own_scope(world: World, api: APIClient, scope: Scope) -> None:
    answer = api.post(
        url(system="credit-assistant"), eval_file(), content_type="application/json", **world.headers(scope)
    )
    assert answer.status_code == 403
    assert not EvalRun.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "values", [(1.7e308, -1.7e308), (1.7e308, 1.7e308, -1.0), (1e308, 1e308, -1e308, -1e308)]
)
def test_scores_whose_spread_is_no_number_are_refused(world: World, values: tuple[float, ...]) -> None:
    content = json.loads(eval_file())
    content["metrics"] = {"speed": {"kind": "mean", "direction": "higher", "unit": "s"}}
    content["samples"] = [
        content["samples"][0] | {"id": str(at), "scores": {"speed": {"status": "scored", "value": value}}}
        for at, value in enumerate(values)
    ]
    with pytest.raises(InvalidInput, match="no spread that a number can hold"):
        post(world, json.dumps(content).encode())
    assert not EvalRun.objects.exists()


@pytest.mark.parametrize(("setting", "found"), [("SAMPLES", 30), ("METRICS", 1), ("SCORES", 4)])
def test_a_file_of_more_rows_than_a_run_may_have_is_refused_and_the_limit_named(
    world: World, settings: Any, setting: str, found: int
) -> None:
    setattr(settings, f"EVAL_MAX_{setting}", found - 1)
    raw = eval_file(slices=[{"language": language} for language in ("en", "zh", "fr")])
    with pytest.raises(EvalFileRefused) as refused:
        post(world, raw)
    allowed = f"{found} are named, and TRACEBINDER_EVAL_MAX_{setting} allows {found - 1}"
    assert allowed in str(refused.value.members())
    assert not EvalSample.objects.exists()
    assert Reject.objects.get().source == "eval_file"
    setattr(settings, f"EVAL_MAX_{setting}", found)
    assert post(world, raw).created
