"""What speaks against a criterion is listed with its assessment, worst first, to those who may see it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from evidence import clock
from evidence.models import Scope
from requirements.models import AcceptanceCriterion, Assessment
from requirements.services.assessment import assess
from tests.evidence.eval_files import eval_file, post, register_eval_versions
from tests.factories import World, make_world
from tests.requirements.builders import make_criterion, make_trace, make_traces

pytestmark = pytest.mark.django_db


def assessed(world: World, criterion: AcceptanceCriterion) -> Assessment:
    return assess(criterion=criterion, release=world.release, as_of=clock.read_moment(), actor="user:ci")


def listed(world: World, assessment: Assessment) -> list[dict[str, str]]:
    answer = APIClient().get(f"/api/v1/assessments/{assessment.pk}/observations", **world.headers(Scope.READ))
    assert answer.status_code == 200, answer.content
    found: list[dict[str, str]] = answer.json()
    return found


def test_ten_traces_that_are_not_good_newest_first(world: World) -> None:
    bad = make_traces(world, 12, has_limitations=False)
    make_trace(world)
    assessment = assessed(world, make_criterion(world))
    found = listed(world, assessment)
    assert [each["id"] for each in found] == [str(trace.pk) for trace in reversed(bad)][:10]
    assert found[0]["href"] == f"/api/v1/traces/{bad[-1].trace_id.hex}"
    make_trace(world, has_limitations=False, age=-timedelta(minutes=1))  # sealed later
    assert listed(world, assessment) == found, "as the assessment saw them"


def test_the_slice_that_decides_is_the_one_that_is_shown(world: World) -> None:
    criterion = make_criterion(world, slices="[{language: zh-Hans}]")
    make_trace(world, language="en", has_limitations=False)
    make_traces(world, 60, language="en")
    worst = make_traces(world, 11, language="zh-Hans", has_limitations=False)
    make_trace(world, language="en", has_limitations=False)
    found = listed(world, assessed(world, criterion))
    assert {each["id"] for each in found} <= {str(trace.pk) for trace in worst}


def test_samples_without_a_value_come_first_and_then_the_worst(world: World) -> None:
    register_eval_versions(world)
    criterion = make_criterion(
        world, check="evals.metric", parameters="{suite: {key: behaviour}, metric: grounded}"
    )
    post(world, eval_file([1.0, 0.0, None, *[1.0] * 20]))
    found = listed(world, assessed(world, criterion))
    assert [each["name"] for each in found[:2]] == ["2", "1"]
    assert len(found) == 10
    assert found[1]["says"] == "grounded: 0"


def test_who_does_not_belong_to_the_system_is_told_nothing(world: World) -> None:
    make_trace(world, has_limitations=False)
    assessment = assessed(world, make_criterion(world))
    stranger = make_world("aml-copilot")
    answer = APIClient().get(
        f"/api/v1/assessments/{assessment.pk}/observations", **stranger.headers(Scope.READ)
    )
    assert answer.status_code == 404


def test_the_page_of_an_assessment_lists_them_and_how_it_stands(world: World, client: Client) -> None:
    bad = make_trace(world, has_limitations=False)
    assessment = assessed(world, make_criterion(world))
    client.force_login(world.people["auditor"])
    page = client.get(reverse("admin:requirements_assessment_change", args=[assessment.pk])).content.decode()
    assert f"{bad.trace_id.hex} r1" in page
    assert "fresh" in page
