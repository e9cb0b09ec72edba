"""A gate that is asked again and again while traces arrive keeps its alpha, and each of its decisions replays."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from django.core.management import call_command
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

from bench.calibration.looks import chance_of_ever_passing
from bench.calibration.many import ever_pass
from bench.calibration.page import Rate
from bench.calibration.unequal import Sizes, draw
from evidence.evals.contracts import Direction
from evidence.gate_reasons import stated
from evidence.models import GateDecision, Scope, Trace
from evidence.services.assembly import assemble_due_traces
from evidence.services.gates import CriterionReference, decide_gate, replay_gate_decision
from evidence.statistics import Tally, tally_share, two_sided
from evidence.statistics.sequences import estimate_share_anytime
from evidence.vocabulary import CriterionVerdict
from requirements.checks.contracts import Measured, as_measured
from requirements.drafts import Comparator
from requirements.telling import tell
from requirements.verdicts import Judgement, Rule, judge_growing
from tests.evidence.otlp_bodies import PROTOBUF, make_request, make_span
from tests.factories import World, acting, define_gate
from tests.requirements.builders import make_criterion

THRESHOLD, ALPHA = 0.8, 0.05
RULE = Rule(Comparator.AT_LEAST, THRESHOLD, "share", min_n=1)
CONFIDENCE_FACTOR = {"factor": "retrieval_score", "value": 0.8, "unit": "share", "direction": "raises"}


def by_facts(units: Tally) -> Measured:
    return as_measured(
        estimate_share_anytime(units, two_sided(1 - ALPHA)), missing={}, bound_confidence=1 - ALPHA, inputs={},
        unit="share", direction=Direction.HIGHER,
    )  # fmt: skip


def by_facts_alone(units: Tally) -> tuple[Judgement, dict[str, Any]]:
    """Judge units by the code that criteria are judged by, without a database; return also what a gate tells."""
    measured = by_facts(units)
    judgement = judge_growing(RULE, measured, None)
    return judgement, stated(tell(RULE, measured, judgement)["measured"])


def send(api: APIClient, headers: dict[str, Any], outcomes: Sequence[bool]) -> None:
    """Send traces as an application does, those that are good with what the criterion asks of an answer."""
    spans = []
    for good in outcomes:
        attributes = {
            "gen_ai.operation.name": "invoke_agent", "tracebinder.question": "What does it cost?",
            "tracebinder.answer": "Five.", "tracebinder.release": "r1", "tracebinder.risk_tier": "high",
            "tracebinder.confidence.factors": json.dumps([CONFIDENCE_FACTOR]),
        }  # fmt: skip
        if good:
            attributes["tracebinder.limitations"] = "Rates change."
        spans.append(make_span(trace_id=uuid4().bytes, attributes=attributes))
    answer = api.post(
        "/v1/traces", data=make_request(*spans).SerializeToString(), content_type=PROTOBUF, **headers
    )
    assert answer.status_code == 200


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("looks", [6, pytest.param(1000, marks=pytest.mark.soak)])
def test_each_decision_while_traces_arrive_replays_the_same(
    world: World, api: APIClient, settings: Settings, looks: int
) -> None:
    settings.ASSEMBLY_QUIET = 0
    make_criterion(world, threshold=THRESHOLD, min_n=1, max_age_days="null")
    references = [CriterionReference(requirement="r")]
    define_gate(system=world.system, key="release", references=references)
    headers, drawn = world.headers(Scope.INGEST), np.random.default_rng(looks)
    good = n = 0
    for _ in range(looks):
        outcomes = (drawn.random(drawn.integers(1, 4)) < 0.9).tolist()
        good, n = good + sum(outcomes), n + len(outcomes)
        send(api, headers, outcomes)
        assemble_due_traces(limit=10)
        decision = decide_gate(
            principal=acting("token:ci"), system=world.system, gate="release", release=world.release
        )
        (reason,) = decision.reasons
        judgement, told = by_facts_alone(tally_share(good, n))
        assert (reason["verdict"], reason["code"]) == (judgement.verdict, judgement.code)
        names = ("value", "low", "high", "n_observations", "n_units")
        assert [reason["measured"][name] for name in names] == [told[name] for name in names]
    decisions = list(GateDecision.objects.order_by("pk"))
    assert (len(decisions), Trace.objects.count()) == (looks, n)
    assert len({decision.inputs_digest for decision in decisions}) == looks
    for decision in decisions:
        replay = replay_gate_decision(decision)
        assert (replay.agrees, replay.replayed_inputs) == (True, decision.inputs_digest)
    said = io.StringIO()
    call_command("replay", "evidence.GateDecision", limit=looks, stdout=said)
    assert said.getvalue() == f"evidence.GateDecision: {looks} replayed\n"


@cache
def passes(good: int, n: int) -> bool:
    return by_facts_alone(tally_share(good, n))[0].verdict is CriterionVerdict.MET


def fewest_to_pass(every: int, n_most: int) -> dict[int, int]:
    """Return for each look how many good traces let it pass; one more than there are, where none do."""
    fewest, needed = {}, 1
    for n in range(every, n_most + 1, every):
        # No fewer than at the look before, and no more than with all that came since.
        low, high = needed, min(needed + every, n + 1)
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if passes(middle, n) else (middle + 1, high)
        fewest[n] = needed = low
    return fewest


@pytest.mark.parametrize("every", [50, 20, pytest.param(1, marks=pytest.mark.soak)])
def test_a_thousand_traces_at_the_threshold_pass_at_no_look_but_for_alpha(every: int) -> None:
    """Exactly, and in seeded streams: a look after each of them, or after every twenty or fifty."""
    fewest = fewest_to_pass(every, 1000)
    assert chance_of_ever_passing(THRESHOLD, fewest) <= ALPHA
    assert chance_of_ever_passing(0.9, fewest) > 0.9  # and what is good passes
    streams = (np.random.default_rng(17).random((2000, 1000)) < THRESHOLD).cumsum(axis=1)
    needed = np.array([fewest[n] for n in sorted(fewest)])
    ever = (streams[:, np.array(sorted(fewest)) - 1] >= needed).any(axis=1)
    assert not Rate(float(ever.mean()), len(streams)).exceeds(ALPHA)


@pytest.mark.parametrize("lean", [0, 1])
def test_a_look_after_each_of_many_conversations_keeps_alpha(lean: int) -> None:
    """Conversations of one to nine traces that depend on each other, and that go wrong the more the longer they are."""
    ever = [
        ever_pass(*part, THRESHOLD) for part in draw(Sizes("1 to 9", 0.3, 150, lean), THRESHOLD, 300, seed=29)
    ]
    assert not Rate(float(np.concatenate(ever).mean()), 300).exceeds(ALPHA)


def test_recent_evidence_keeps_from_a_pass_and_makes_none() -> None:
    """An age limit asks that enough is recent, and that it does not speak against what all of it shows."""

    def measured(good: int, n: int) -> Measured:
        return replace(by_facts(tally_share(good, n)), observed_to=datetime(2026, 11, 1, tzinfo=UTC))

    enough = replace(RULE, min_n=30)
    for (whole, recent), code in {
        ((190, 200), (30, 30)): "met",
        ((190, 200), None): "met",
        ((190, 200), (29, 29)): "too_old",
        ((190, 200), (30, 50)): "recently_worse",
        ((170, 200), (60, 60)): "too_few_to_tell",
        ((29, 29), (29, 29)): "too_few_observations",
    }.items():
        judgement = judge_growing(enough, measured(*whole), measured(*recent) if recent else None)
        assert judgement.code == code
