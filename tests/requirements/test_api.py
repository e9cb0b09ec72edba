from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from evidence.models import Scope
from requirements.models import Assessment, Requirement, RequirementVersion
from requirements.selectors.wording import warning_names
from requirements.starter import read_starter
from tests import factories
from tests.factories import World
from tests.requirements.builders import make_criterion, make_traces, requirement_file

IMPORT = "/api/v1/requirements/import?system=credit-assistant&file=r.yaml"


def post_file(api: APIClient, source: bytes, **headers: Any) -> Any:
    return api.post(IMPORT, source, content_type="application/yaml", **headers)


def test_an_author_imports_a_file_and_imports_it_again(world: World, api: APIClient) -> None:
    headers = world.headers(Scope.IMPORT)
    first = api.post(IMPORT, read_starter(), content_type="application/yaml", **headers)
    again = api.post(IMPORT, read_starter(), content_type="application/yaml", **headers)
    assert (first.status_code, again.status_code) == (201, 200), first.content
    assert (first.json()["created"], again.json()["created"], again.json()["unchanged"]) == (6, 0, 6)
    assert first.json()["baseline"] == "starter-1"


def test_an_unknown_check_names_file_line_and_the_nearest(world: World, api: APIClient) -> None:
    source = requirement_file(check="answers.confidence_and_limit")
    answer = api.post(IMPORT, source, content_type="application/yaml", **world.headers(Scope.IMPORT))
    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    (error,) = answer.json()["errors"]
    assert (error["file"], error["line"], error["code"]) == ("r.yaml", 11, "unknown_check")
    assert error["nearest"] == "answers.confidence_and_limits"
    assert not Requirement.objects.exists()


def test_importing_takes_its_scope_and_ones_own_system(world: World, api: APIClient) -> None:
    other = factories.make_world("aml-copilot")
    for headers, status in ((world.headers(Scope.READ), 403), ({}, 401)):
        answer = api.post(IMPORT, requirement_file(), content_type="application/yaml", **headers)
        assert answer.status_code == status
    foreign = api.post(
        IMPORT, requirement_file(), content_type="application/yaml", **other.headers(Scope.IMPORT)
    )
    assert foreign.status_code == 404
    assert not Requirement.objects.exists()


def test_the_linter_answers_while_typing(world: World, api: APIClient) -> None:
    body = {"statement": "The system must be explainable."}
    answer = api.post("/api/v1/requirements/lint", body, format="json", **world.headers(Scope.READ))
    assert [warning["code"] for warning in answer.json()["warnings"]] == ["not_testable"]


def test_a_version_is_proposed_by_one_and_approved_by_another(world: World, api: APIClient) -> None:
    api.post(IMPORT, requirement_file(), content_type="application/yaml", **world.headers(Scope.IMPORT))
    address = "/api/v1/requirements/r/versions/1/transitions"

    def step(to_state: str) -> int:
        version = RequirementVersion.objects.get()
        read = {
            "digest": version.artefact_version.digest,
            "from_state": "in_review",
            "warnings_read": warning_names(version),
        }
        body = {
            "system": "credit-assistant",
            "to_state": to_state,
            **(read if to_state == "approved" else {}),
        }
        return int(api.post(address, body, format="json").status_code)

    api.force_login(world.people["author"])
    assert step("in_review") == 201
    assert step("approved") == 403
    api.force_login(world.people["reviewer"])
    assert step("approved") == 403
    api.force_login(world.people["approver"])
    assert step("approved") == 201
    listed = api.get("/api/v1/requirements?state=approved").json()["results"]
    assert [(item["key"], item["state"]) for item in listed] == [("r", "approved")]
    assert listed[0]["criteria"][0]["check_name"] == "answers.confidence_and_limits"


def test_a_release_is_assessed_and_the_verdicts_are_listed(world: World, api: APIClient) -> None:
    make_criterion(world)
    make_traces(world, 14)
    body = {"system": "credit-assistant", "release": "r1"}
    answer = api.post("/api/v1/assessments", body, format="json", **world.headers(Scope.GATE))
    assert answer.status_code == 201, answer.content
    (assessment,) = answer.json()
    assert (assessment["verdict"], assessment["criterion"], assessment["n"]) == ("met", "r/c", 14)
    listed = api.get("/api/v1/assessments?verdict=met", **world.headers(Scope.READ)).json()
    assert [item["id"] for item in listed["results"]] == [assessment["id"]]
    assert Assessment.objects.count() == 1


def test_a_verdict_as_of_a_time_to_come_is_refused(world: World, api: APIClient) -> None:
    make_criterion(world)
    later = (timezone.now() + timedelta(hours=1)).isoformat()
    body = {"system": "credit-assistant", "release": "r1", "as_of": later}
    answer = api.post("/api/v1/assessments", body, format="json", **world.headers(Scope.GATE))
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
    assert "as_of is in the future" in answer.json()["detail"]
    assert not Assessment.objects.exists()


@pytest.mark.parametrize(
    "address", ["requirements", "assessments", "baselines", "eval-runs", "gate-decisions", "waivers"]
)
def test_lists_show_only_ones_own_systems(world: World, api: APIClient, address: str) -> None:
    other = factories.make_world("aml-copilot")
    post_file(api, read_starter(), **world.headers(Scope.IMPORT))
    assert RequirementVersion.objects.exists()
    answer = api.get(f"/api/v1/{address}", **other.headers(Scope.READ))
    assert (answer.status_code, answer.json()["results"]) == (200, [])


def test_the_checks_are_listed_for_authors(world: World, api: APIClient) -> None:
    listed = api.get("/api/v1/checks", **world.headers(Scope.READ)).json()
    assert "citations.material_supported" in [check["name"] for check in listed]
