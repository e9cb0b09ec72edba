"""What an approver reads of criteria before a decision: what each measures now, where, and that it was not measured."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from evidence import clock
from evidence.models import ReviewTask
from requirements.models import AcceptanceCriterion, Assessment, RequirementVersion
from requirements.selectors.measured_now import MOST_RELEASES, measured_now
from requirements.services.assessment import assess
from tests.evidence.eval_files import eval_file, post, register_eval_versions
from tests.evidence.test_blinding import (
    colleague,
    counted,  # noqa: F401  # a fixture
    say,
    signed_in,
    task,  # noqa: F401  # a fixture
)
from tests.evidence.test_csv_export import rows_of
from tests.factories import World, deploy, make_world, second_release
from tests.requirements.builders import make_criterion
from tests.requirements.test_eval_criteria import PARAMETERS

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    world = make_world()
    register_eval_versions(world)
    post(world, eval_file([1.0] * 29 + [0.0]))
    return world


def criterion_of(world: World, **over: Any) -> AcceptanceCriterion:
    return make_criterion(world, check="evals.metric", parameters=PARAMETERS, **over)


def judge(world: World, criterion: AcceptanceCriterion) -> Assessment:
    return assess(criterion=criterion, release=world.release, as_of=clock.read_moment(), actor="user:ci")


def shown_to(world: World, role: str, version: RequirementVersion) -> str:
    """Return the words of the table on the page of a version."""
    client = Client()
    client.force_login(world.people[role])
    page = client.get(f"/admin/requirements/requirementversion/{version.pk}/change/")
    assert page.status_code == 200
    (table,) = re.findall(r'id="tb-measures-title">(.*?)</section>', page.content.decode(), re.DOTALL)
    return " ".join(unescape(re.sub("<[^>]+>", " ", table)).split())


def test_an_approver_reads_what_each_criterion_measures(world: World) -> None:
    criterion = criterion_of(world)
    judge(world, criterion)
    told = shown_to(world, "approver", criterion.version)
    assert "✓ met" in told
    assert "0.9667" in told
    assert "n 30" in told
    assert "the newest, live nowhere" in told
    assert "for another version" not in told


def test_a_criterion_kept_word_for_word_keeps_what_it_measured_and_says_for_which_version(
    world: World,
) -> None:
    criterion = criterion_of(world)
    judge(world, criterion)
    source = criterion.version
    again = make_criterion(
        world, approved=False, check="evals.metric", parameters=PARAMETERS, owner="somebody-else"
    )
    assert again.version.number == source.number + 1
    told = shown_to(world, "approver", again.version)
    assert "0.9667" in told
    assert "for another version, which has this criterion word for word" in told


def test_a_criterion_that_was_changed_was_not_measured_yet(world: World) -> None:
    judge(world, criterion_of(world))
    stricter = criterion_of(world, approved=False, threshold=0.99)
    told = shown_to(world, "approver", stricter.version)
    assert "not measured yet" in told
    assert "0.9667" not in told
    assert "is measured once this version is approved" in told


def test_nothing_is_measured_by_looking_at_a_version_that_waits(world: World) -> None:
    judge(world, criterion_of(world))
    stricter = criterion_of(world, approved=False, threshold=0.99)
    for role in ("author", "approver"):
        assert "not measured yet" in shown_to(world, role, stricter.version)
    assert not Assessment.objects.filter(criterion=stricter).exists()


def test_why_a_criterion_is_not_measured_is_said_only_where_it_waits_for_approval(world: World) -> None:
    criterion = criterion_of(world)
    assert "is measured once this version is approved" not in shown_to(world, "approver", criterion.version)
    judge(world, criterion)
    kept = make_criterion(
        world, approved=False, check="evals.metric", parameters=PARAMETERS, owner="somebody-else"
    )
    assert "is measured once this version is approved" not in shown_to(world, "approver", kept.version)


def test_live_releases_come_first_then_the_newest_and_no_more_than_are_shown(world: World) -> None:
    criterion = criterion_of(world)
    deploy(world.release)
    newest = second_release(world)
    principal = world.principal("approver")
    found = measured_now(criterion.version, principal)
    assert [(row.on.release, row.on.environments) for row in found.rows] == [
        (world.release, ("production",)),
        (newest, ()),
    ]
    for number in range(MOST_RELEASES):
        deploy(second_release(world, f"live-{number}"), f"place-{number}")
    found = measured_now(criterion.version, principal)
    assert len(found.rows) == MOST_RELEASES
    assert found.n_left_out == 1
    assert world.release not in [row.on.release for row in found.rows]


def test_an_assessment_of_before_is_not_what_is_measured_now(world: World) -> None:
    criterion = criterion_of(world)
    judge(world, criterion)
    post(world, eval_file([0.0] * 30, run_key="run-2"))
    later = judge(world, criterion)
    (row,) = measured_now(criterion.version, world.principal("approver")).rows
    assert row.assessment == later


def test_others_see_nothing_of_a_system_that_is_not_theirs(world: World) -> None:
    criterion = criterion_of(world)
    judge(world, criterion)
    other = make_world("other")
    assert not measured_now(criterion.version, other.principal("approver")).rows


def test_what_is_kept_from_a_reviewer_is_not_said_to_be_unmeasured(
    world: World, task: ReviewTask, counted: AcceptanceCriterion  # noqa: F811  # fixtures
) -> None:  # fmt: skip
    second = colleague(world, "second", "reviewer")
    world.people["second"] = second
    told = shown_to(world, "second", counted.version)
    assert "not shown before you have judged" in told
    assert "not measured yet" not in told
    say(signed_in(second), task, "approve")
    assert "not shown before you have judged" not in shown_to(world, "second", counted.version)


def test_a_list_of_criteria_says_of_each_what_was_found_last_or_why_it_does_not(
    world: World, task: ReviewTask, counted: AcceptanceCriterion  # noqa: F811  # fixtures
) -> None:  # fmt: skip
    """On the page and in the file that is saved from it: one untested, one measured, one that counts reviews."""
    judge(world, criterion_of(world, key="measured"))
    make_criterion(world, key="untested")
    second = signed_in(colleague(world, "second", "reviewer"))
    address = reverse("admin:requirements_acceptancecriterion_changelist")

    hidden = "not shown before you have judged"
    assert hidden in second.get(address).content.decode()
    heading, *rows = rows_of(second.get(address, {"export": "csv"}))
    place = heading.index("Last assessed")
    told = {row[1].partition(" ")[0]: row[place] for row in rows}
    assert told["untested"] == "untested"
    assert told["measured"] == f"met for {world.release.name}"
    assert told[counted.version.requirement.key] == hidden
    say(second, task, "approve")
    assert hidden not in second.get(address).content.decode()


def test_it_takes_as_many_statements_for_many_releases_and_assessments(world: World) -> None:
    criterion = criterion_of(world)
    judge(world, criterion)
    principal = world.principal("approver")

    def count() -> int:
        with CaptureQueriesContext(connection) as caught:
            measured_now(criterion.version, principal)
        return len(caught)

    before = count()
    for number in range(3):
        release = second_release(world, f"live-{number}")
        deploy(release, f"place-{number}")
        assess(criterion=criterion, release=release, as_of=clock.read_moment(), actor="user:ci")
        judge(world, criterion)
    assert count() == before
