"""A mechanistic finding supports or counters. It satisfies nothing, and no assessment can see it."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from evidence import clock
from evidence.models import ArtefactKind, Evidence, Layer, Role
from requirements.checks import known_checks
from requirements.models import AcceptanceCriterion
from requirements.services.assessment import evaluate
from tests.evidence.binder_world import fill, make_finding
from tests.factories import World
from tests.invariants.walk import our_models

pytestmark = pytest.mark.django_db

FORBIDDEN_TABLES = {
    model._meta.db_table for model in our_models() if model._meta.app_label == "interpret"
} | {
    "evidence_evidence",
    "evidence_evidencelink",
    "evidence_defeater",
    "evidence_defeateranswer",
}


@pytest.mark.parametrize("role", [role for role in Role if role not in {Role.SUPPORTING, Role.COUNTER}])
def test_the_database_refuses_a_mechanistic_item_in_any_other_role(world: World, role: Role) -> None:
    with pytest.raises(IntegrityError, match="mechanistic_never_primary"), transaction.atomic():
        make_finding(world, role)
    assert not Evidence.objects.filter(layer=Layer.MECHANISTIC).exists()


def test_no_check_reads_a_finding(world: World) -> None:
    """Whatever a check is asked, its SQL touches no table in which a finding could stand."""
    fill(world)
    asked = {name: queries_of(world, name) for name in known_checks()}
    assert asked
    assert all(asked.values())
    touched = {
        name: {table for query in queries for table in FORBIDDEN_TABLES if table in query}
        for name, queries in asked.items()
    }
    assert {name: tables for name, tables in touched.items() if tables} == {}


def queries_of(world: World, name: str) -> list[str]:
    """Return what the check of this name asks the database."""
    criterion = criterion_with(world, name)
    with CaptureQueriesContext(connection) as queries:
        evaluate(criterion=criterion, release=world.release, as_of=clock.read_moment())
    return [query["sql"] for query in queries]


def test_adding_findings_changes_no_verdict(world: World) -> None:
    filled = fill(world)
    criteria = list(AcceptanceCriterion.objects.all())
    assert criteria
    before = [
        evaluate(criterion=each, release=world.release, as_of=clock.as_of(filled.as_of)) for each in criteria
    ]
    for number, role in enumerate([Role.SUPPORTING, Role.COUNTER] * 5):
        make_finding(world, role, number=100 + number)
    after = [
        evaluate(criterion=each, release=world.release, as_of=clock.as_of(filled.as_of)) for each in criteria
    ]
    assert [(each.judgement, each.inputs_digest) for each in before] == [
        (each.judgement, each.inputs_digest) for each in after
    ]


def criterion_with(world: World, name: str) -> AcceptanceCriterion:
    """An unsaved criterion that names the check with its default parameters, hung on a real version."""
    known = AcceptanceCriterion.objects.filter(check_name=name).first()
    if known is not None:
        return known
    template = AcceptanceCriterion.objects.first()
    assert template is not None
    assert template.artefact_version.artefact.kind == ArtefactKind.CRITERION
    template.pk = None
    template.check_name = name
    template.parameters = _parameters_of(name)
    return template


def _parameters_of(name: str) -> dict[str, object]:
    """The defaults a check declares, and an example for each parameter that has none."""
    examples: dict[str, object] = {
        "metric": "grounded", "rule": "any", "rules": ["any"], "within_hours": 72, "hours": 72,
        "dimension": "language", "baseline": "r0", "verdicts": ["verbatim"], "attribute": "app.level",
        "evaluator": {"key": "groundedness"}, "dataset": {"key": "tasks"}, "suite": {"key": "behaviour"},
    }  # fmt: skip
    declared: dict[str, Any] = dict(known_checks()[name].parameters)  # a JSON schema
    chosen = {key: schema["default"] for key, schema in declared["properties"].items() if "default" in schema}
    needed = [key for key in declared.get("required", []) if key not in chosen]
    return {**chosen, **{key: examples[key] for key in needed}}
