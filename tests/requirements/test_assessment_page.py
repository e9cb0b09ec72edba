"""The page of an assessment says why in its reader's language, and shows the stored sentence as it is."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.html import escape

from evidence import clock
from evidence.services.gates import CriterionReference, decide_gate
from requirements.checks.contracts import Obstacle
from requirements.models import Assessment
from requirements.services.assessment import assess
from requirements.telling import code_in
from requirements.verdicts import Judgement, judge, judge_growing
from tests.evidence.eval_files import register_eval_versions
from tests.factories import World, acting, define_gate
from tests.requirements.builders import make_criterion, make_trace, make_traces
from tests.requirements.test_verdicts import AT_LEAST, share

NO_RUN = Obstacle("no_run", "no run of suite behaviour on this release is on record")
QUIET = '<br><span class="tb-quiet" lang="en">'


@pytest.mark.parametrize(
    ("judgement", "code"),
    [
        (judge(AT_LEAST, share(100, 100), None), "met"),
        (judge(AT_LEAST, share(50, 100), None), "not_met"),
        (judge(AT_LEAST, share(9, 11), None), "too_few_to_tell"),
        (judge(AT_LEAST, share(9, 9), None), "too_few_observations"),
        (judge(AT_LEAST, share(9, 9, missing={"error": 1}), None), "too_few_observations"),
        (judge(AT_LEAST, share(3, 3), share(100, 100)), "too_old"),
        (judge(AT_LEAST, share(100, 100, low=None, high=None), None), "no_interval"),
        (judge_growing(AT_LEAST, share(1000, 1000), share(0, 20)), "recently_worse"),
    ],
)
def test_the_code_of_a_judgement_is_read_from_the_sentence_that_was_stored(
    judgement: Judgement, code: str
) -> None:
    assert judgement.code == code
    assert code_in(judgement.verdict, judgement.detail) == code
    in_slice = f"in language=zh-Hans, risk_tier=high: {judgement.detail}"
    assert code_in(judgement.verdict, in_slice) == code


def test_what_an_obstacle_says_is_not_taken_for_another_reason() -> None:
    for measured in (share(0, 0), share(100, 100)):
        blocked = dataclasses.replace(measured, obstacles=(NO_RUN,))
        judgement = judge(AT_LEAST, blocked, None)
        assert judgement.code == "no_run"
        assert code_in(judgement.verdict, judgement.detail) == "cannot_count"
    assert code_in("insufficient", "a sentence of another version") == ""


def page_of(client: Client, assessment: Assessment, language: str) -> str:
    client.cookies["django_language"] = language
    page = client.get(reverse("admin:requirements_assessment_change", args=[assessment.pk]))
    return page.content.decode()


def assessed(world: World, **over: Any) -> Assessment:
    criterion = make_criterion(world, **over)
    return assess(criterion=criterion, release=world.release, as_of=clock.read_moment(), actor="user:ci")


@pytest.mark.django_db
def test_a_reader_of_chinese_is_told_why(world: World, client: Client) -> None:
    make_traces(world, 11)
    make_trace(world, has_limitations=False)
    assessment = assessed(world)
    client.force_login(world.people["auditor"])
    stored = escape(assessment.detail)
    assert stored.startswith("too little to tell: ")
    assert f"观测太少，无法判断{QUIET}{stored}</span>" in page_of(client, assessment, "zh-hans")
    english = page_of(client, assessment, "en")
    assert f'<div class="readonly">{stored}</div>' in english
    assert english.count("too little to tell") == 1


@pytest.mark.django_db
def test_which_obstacle_it_is_tells_a_decision_that_rests_on_the_same(world: World, client: Client) -> None:
    register_eval_versions(world)
    parameters = "{suite: {key: behaviour}, metric: grounded}"
    assessment = assessed(world, check="evals.metric", parameters=parameters)
    client.force_login(world.people["auditor"])
    assert f"不能算作通过{QUIET}" in page_of(client, assessment, "zh-hans")
    define_gate(system=world.system, key="release", references=[CriterionReference(requirement="r")])
    decide_gate(principal=acting("token:ci"), system=world.system, gate="release", release=world.release)
    page = page_of(client, assessment, "zh-hans")
    assert f"没有该套件的运行记录{QUIET}{escape(assessment.detail)}</span>" in page
