"""An approver's work by their guide, in a real browser: each line of home, and what they begin themselves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from evidence import clock
from evidence.models import (
    ArtefactVersion,
    GateState,
    GoldAnswer,
    Registration,
    Retraction,
    ReviewTask,
    SampleDraw,
    SamplingPlan,
)
from evidence.selectors import proposals
from evidence.services import evals, gates
from evidence.services.gates import CriterionReference
from evidence.services.sampling import plan_sample
from requirements.models import RequirementState, RequirementVersion
from requirements.selectors.requirements import state_of
from tests.e2e.browser import click, see, speak
from tests.e2e.guide_steps import choose, fill_in, first_of_list, from_home, press, told
from tests.evidence.eval_files import eval_file, post
from tests.evidence.test_gold_answers import closed
from tests.evidence.test_log_api import publish
from tests.evidence.test_readings import TRACE_ID, propose, seal
from tests.evidence.test_sampling import at, drafted
from tests.factories import World, acting, make_world
from tests.requirements.builders import ask_to_retire, make_criterion

pytestmark = pytest.mark.django_db(transaction=True)

SignIn = Callable[[User], Any]


@pytest.fixture
def world() -> World:
    """Return a system in which one of each kind waits for its approver, but for what other walks approve."""
    world = make_world()
    seal(world)
    propose(world)
    recorded = post(world, eval_file([1.0] * 3))
    evals.ask_retraction(principal=world.principal("author"), run=recorded.run, reason="wrong labels")
    ask_to_retire(make_criterion(world).version)
    gates.propose_gate(
        principal=acting(), system=world.system, key="ship", references=[CriterionReference(requirement="r")]
    )
    ended = timezone.now() - timedelta(hours=1)
    with at(ended - timedelta(hours=1)):
        plan_sample(
            principal=world.principal("approver"), system=world.system, draft=drafted(period_to=ended)
        )
    return world


def test_an_approver_settles_each_line_of_home(sign_in: SignIn, live_server: Any, world: World) -> None:
    browser = sign_in(world.people["approver"])
    speak(browser, "en")
    home = live_server.url

    from_home(browser, home, "Retirements to grant")
    first_of_list(browser)
    assert "over" in see(browser, "Does this version no longer hold?")
    press(browser, "Grant")
    told(browser, "The version is retired.")

    from_home(browser, home, "Versions of gates to approve")
    first_of_list(browser)
    see(browser, "What it asks for")
    fill_in(browser, reason="what was agreed")
    press(browser, "Approve")
    told(browser, "The gate decides by this version from now on.")

    from_home(browser, home, "Readings of traces to approve")
    first_of_list(browser)
    click(browser, "link text", "Try it")
    fill_in(browser, trace=TRACE_ID.hex)
    press(browser, "Try it on the trace")
    see(browser, "As the draft reads it")
    browser.back()
    browser.back()
    press(browser, "Approve")
    told(browser, "Traces that are sealed from now on are read by this version.")

    from_home(browser, home, "Suites, evaluators and datasets to register")
    first_of_list(browser)
    press(browser, "Register")
    told(browser, "You vouch for this version from now on.")

    from_home(browser, home, "Retractions to confirm")
    first_of_list(browser)
    assert "wrong labels" in see(browser, "Does this run no longer count?")
    press(browser, "Confirm")
    told(browser, "The run no longer counts.")

    from_home(browser, home, "Sampling plans to freeze or draw")
    first_of_list(browser)
    press(browser, "Freeze the answers")
    told(browser, "The first checkpoint that covers it gives the seed.")
    publish()
    browser.refresh()
    press(browser, "Draw the sample")
    told(browser, "Drawn: the answers wait for reviewers.")

    assert state_of(RequirementVersion.objects.get()) == RequirementState.RETIRED
    assert Retraction.objects.exists()
    assert Registration.objects.filter(registered_by=world.principal("approver").actor).exists()
    assert SampleDraw.objects.exists()
    gate = ArtefactVersion.objects.get(artefact__key="ship")
    assert proposals.state_of(gate) == GateState.APPROVED


def test_an_approver_plans_a_sample_says_reasons_and_makes_gold(sign_in: SignIn, live_server: Any) -> None:
    world = make_world()
    task = closed(world)
    browser = sign_in(world.people["approver"])
    speak(browser, "en")
    home = live_server.url

    from_home(browser, home, "All records", "Sampling plans", "Add")
    today = clock.now().date()
    for name, day in (("period_from", today), ("period_to", today + timedelta(days=9))):
        browser.execute_script(
            "document.getElementsByName(arguments[0])[0].value = arguments[1]", name, str(day)
        )
    press(browser, "Put the plan on record")
    told(browser, "When its period has ended, freeze its answers.")

    from_home(browser, home, "All records", "Reviews", "Reasons of reviewers")
    fill_in(browser, **{"form-0-code": "old_fee", "form-0-en": "An old fee"})
    press(browser, "Put this list in force")
    see(browser, "version 1")

    from_home(browser, home, "All records", "Gold answers", "Add")
    choose(browser, "system", str(world.system))
    fill_in(browser, trace_id=task.trace.trace_id.hex, rationale="The fee is invented.")
    click(browser, "css selector", "input[name=right][value=reject]")
    press(browser, "Put it on record")
    told(browser, "What is right of this answer is on record.")
    from_home(browser, home, "All records", "Gold answers", "How gold answers were judged")
    see(browser, "reviewer")
    assert SamplingPlan.objects.exists()
    assert GoldAnswer.objects.get().task == ReviewTask.objects.get(pk=task.pk)
