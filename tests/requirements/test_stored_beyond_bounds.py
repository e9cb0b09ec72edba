"""A criterion from before there were bounds is judged by nothing, says why, and breaks nobody who reads it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient

from evidence import clock
from evidence.models import Scope
from evidence.services.gates import CriterionReference, decide_gate, replay_gate_decision
from requirements.models import AcceptanceCriterion
from requirements.services.assessment import assess, replay_assessment
from requirements.services.requirements import save_requirement
from requirements.yaml_import import parse_requirement_file
from tests.client.binders import unpack
from tests.evidence.binder_world import Filled, archive_of, export, verify
from tests.factories import World, acting, define_gate
from tests.requirements.builders import (
    APPROVER,
    AUTHOR,
    approve,
    make_criterion,
    make_traces,
    requirement_file,
)

pytestmark = pytest.mark.django_db

_COPY = """
INSERT INTO requirements_acceptancecriterion (version_id, artefact_version_id, key, check_name, parameters, comparator,
    threshold, unit, min_n, max_age_days, bound_confidence, slices)
SELECT version_id, artefact_version_id, 'old', check_name, parameters, comparator, %s::text::float8, unit, min_n, %s,
    bound_confidence, slices
FROM requirements_acceptancecriterion WHERE id = %s RETURNING id"""


def store(criterion: AcceptanceCriterion, threshold: str, max_age_days: int = 90) -> AcceptanceCriterion:
    """Insert a criterion as no file of today brings one, beside another of the same version."""
    with connection.cursor() as cursor:
        cursor.execute(_COPY, [threshold, max_age_days, criterion.pk])
        (pk,) = cursor.fetchone() or (0,)
    return AcceptanceCriterion.objects.get(pk=pk)


@pytest.mark.parametrize("threshold", ["1e300", "-1e300", "1.5", "Infinity", "NaN"])
def test_a_stored_threshold_beyond_bounds_is_not_assessed_in_the_assessment_and_in_the_gate(
    world: World, api: APIClient, threshold: str
) -> None:
    old = store(make_criterion(world), threshold)
    make_traces(world, 14)
    assessment = assess(criterion=old, release=world.release, as_of=clock.read_moment(), actor="user:ci")
    assert assessment.verdict == "not_assessed"
    assert "threshold: a share lies between 0 and 1" in assessment.detail
    assert replay_assessment(assessment).agrees
    define_gate(
        system=world.system, key="release", references=[CriterionReference(requirement="r", criterion="old")],
        principal=acting(APPROVER),
    )  # fmt: skip
    decision = decide_gate(
        system=world.system, gate="release", release=world.release, principal=acting("token:ci")
    )
    (reason,) = decision.reasons
    assert (decision.verdict, reason["verdict"], reason["code"]) == (
        "insufficient", "not_assessed", "bad_parameters",
    )  # fmt: skip
    assert "threshold: " in reason["detail"]
    assert replay_gate_decision(decision).agrees
    told = api.get("/api/v1/assessments", {"system": world.system.key}, **world.headers(Scope.READ))
    assert (told.status_code, told.json()["results"][0]["verdict"]) == (200, "not_assessed")


def test_a_stored_age_without_end_is_none_that_anything_outlives(world: World) -> None:
    old = store(make_criterion(world), "0.7", max_age_days=2**31 - 1)
    make_traces(world, 14)
    assessment = assess(criterion=old, release=world.release, as_of=clock.read_moment(), actor="user:ci")
    assert assessment.verdict == "met"


def test_a_binder_with_such_a_threshold_says_why_and_verifies_offline(world: World, tmp_path: Path) -> None:
    (draft,) = parse_requirement_file(requirement_file(), "r.yaml").requirements
    (criterion,) = draft.criteria
    beyond = replace(draft, criteria=(replace(criterion, threshold=1e300),))
    version, _ = save_requirement(principal=acting(AUTHOR), system=world.system, draft=beyond)
    approve(version)
    make_traces(world, 14)
    assess(
        criterion=version.criteria.get(), release=world.release, as_of=clock.read_moment(), actor="user:ci"
    )
    archive = archive_of(export(Filled(world, None, timezone.now())))  # type: ignore[arg-type]  # no trace
    assert verify(tmp_path, archive).problems == []
    (shown,) = json.loads(unpack(archive)["data/requirements/r.json"])["criteria"]
    assert shown["verdict"] == "not_assessed"
    assert "threshold: " in shown["reason"]
