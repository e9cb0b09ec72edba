"""Any finite number in an eval file is answered: by a verdict, or by a refusal that says what to do; never by a 500."""

from __future__ import annotations

import json
import random
import sys
from itertools import pairwise, product
from typing import Any, Final

import pytest
from rest_framework.test import APIClient

from evidence.models import EvalRun, Scope
from evidence.services.gates import CriterionReference, decide_gate, replay_gate_decision
from tests.evidence.eval_files import eval_file, register_eval_versions
from tests.factories import World, acting, define_gate
from tests.requirements.builders import make_criterion

pytestmark = pytest.mark.django_db
LARGEST: Final = sys.float_info.max
HOSTILE: Final = (
    0.0, -0.0, 5e-324, -5e-324, 1e-308, 1e-200, 1.0, 0.1 + 0.2, 1 - 2**-53, -1.0, 1e15, 1e150, -1e150, 1e154, 1e155,
    1e300, 1e308, -1e308, LARGEST, -LARGEST,
)  # fmt: skip
TWO: Final = [
    {"language": language, "risk_tier": tier} for language, tier in product(("en", "de"), ("low", "high"))
]


def file_of(
    values: list[float], run_key: str, *, planned: dict[str, Any] | None = None, each: int = 1
) -> bytes:
    """Return a run of a metric without bounds, in slices of two dimensions, with so many attempts at each item."""
    content = json.loads(eval_file([1.0] * len(values), slices=TWO, run_key=run_key))
    content["metrics"] = {"cost": {"kind": "mean", "direction": "lower", "unit": "ms"}}
    for at, (sample, value) in enumerate(zip(content["samples"], values, strict=True)):
        sample["id"] = f"item-{at // each}#{at % each}" if each > 1 else str(at)
        sample["scores"] = {"cost": {"status": "scored", "value": value}}
    return json.dumps(content | (planned or {})).encode()


def push(api: APIClient, world: World, raw: bytes) -> Any:
    answer = api.post(
        f"/api/v1/eval-runs?system={world.system.key}&format=native",
        raw, content_type="application/json", **world.headers(Scope.PUSH_EVAL),
    )  # fmt: skip
    assert answer.status_code in {200, 201, 422}, answer.content
    if answer.status_code >= 400:
        assert answer.json()["code"]
        assert answer.json()["detail"]
    return answer


def test_any_values_are_judged_or_refused_by_name(world: World, api: APIClient) -> None:
    """A mean, and a percentile, of the whole and of slices of two dimensions; then two runs beside each other."""
    register_eval_versions(world)
    slices = "[{language: en, risk_tier: low}, {language: de, risk_tier: high}]"
    for key, percentile, threshold in (("m", "", 1e15), ("p", ", percentile: 90", 0.0)):
        make_criterion(
            world, key=key, check="evals.metric", comparator="at_most", threshold=threshold, min_n=1,
            parameters=f"{{suite: {{key: behaviour}}, metric: cost, planned_runs: 20{percentile}}}\n        unit: ms",
            slices=slices,
        )  # fmt: skip
    define_gate(
        system=world.system, key="g", references=[CriterionReference(requirement=key) for key in ("m", "p")]
    )
    drawn, stored, codes = random.Random(7), list[str](), set[str]()
    for number in range(12):
        some = drawn.sample(HOSTILE, drawn.choice((1, 2, 6)))
        values = [drawn.choice(some) for _ in range(drawn.choice((8, 48)))]
        if (
            number == 0
        ):  # what is recorded slice by slice has a spread, and a slice of two dimensions has none
            values = [1e308, -1e308, -1e308, 1e308] * 2 + [1.0] * 40
        if push(api, world, file_of(values, f"run-{number}", each=drawn.choice((1, 4)))).status_code >= 400:
            continue
        stored.append(f"run-{number}")
        decision = decide_gate(
            principal=acting("token:ci"), system=world.system, gate="g", release=world.release
        )
        assert decision.verdict in {"pass", "fail", "insufficient"}
        assert replay_gate_decision(decision).agrees
        json.dumps(decision.reasons, allow_nan=False)
        codes |= {reason["code"] for reason in decision.reasons}
    assert len(stored) > 5
    assert len(codes) > 2
    for baseline, candidate in pairwise(stored):
        asked = {"system": world.system.key, "baseline": baseline, "candidate": candidate, "margin": "1e300"}
        answer = api.get("/api/v1/eval-runs/compare", asked, **world.headers(Scope.READ))
        assert answer.status_code in {200, 409, 422}, answer.content
        json.loads(answer.content, parse_constant=pytest.fail)


@pytest.mark.parametrize("number", [-1, 0, 1.5, 2**31, 2**63, 10**30, 1e308, -1e308, LARGEST])
def test_any_number_of_a_plan_is_taken_or_refused_by_name(
    world: World, api: APIClient, number: float
) -> None:
    for where in ({"planned": {"limit": number}}, {"planned": {"epochs": number}}, {"samples_of": number}):
        content = json.loads(eval_file())
        if "samples_of" in where:
            content["dataset"]["samples"] = number
        else:
            content |= where
        push(api, world, json.dumps(content | {"run_key": f"run-{next(iter(where))}-{number}"[:60]}).encode())
    for run in EvalRun.objects.all():
        assert run.scores.exists()
