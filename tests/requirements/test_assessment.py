from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from evidence import clock
from evidence.digests import sha256_hex
from evidence.models import ArtefactVersion, AuditEvent, Claim, Evidence, EvidenceLink, Review
from evidence.services import registry
from evidence.services.reviews import open_review_task
from evidence.statistics.sequences import anytime_share
from evidence.vocabulary import CriterionVerdict
from requirements.checks import known_checks
from requirements.models import AcceptanceCriterion, Assessment
from requirements.services.assessment import assess, assess_release, evaluate, replay_assessment
from requirements.services.requirements import import_requirements
from requirements.starter import read_starter
from tests import factories
from tests.factories import World, acting
from tests.requirements.builders import AUTHOR, make_criterion, make_trace, make_traces


def verdict(world: World, criterion: AcceptanceCriterion) -> str:
    assessment = assess(
        criterion=criterion, release=world.release, as_of=clock.read_moment(), actor="user:ci"
    )
    return assessment.verdict


def other_version(world: World, *, registered: bool) -> ArtefactVersion:
    version = registry.ensure_version(
        system=world.system, kind="model", key="smol", label="2", digest=sha256_hex(b"other"), actor="user:ci"
    )
    if registered:
        registry.register_version(principal=acting(), version=version)
    return version


def test_enough_good_answers_meet_the_criterion(world: World) -> None:
    criterion = make_criterion(world)
    make_traces(world, 14)
    assessment = assess(
        criterion=criterion, release=world.release, as_of=clock.read_moment(), actor="user:ci"
    )
    assert assessment.verdict == "met"
    assert (assessment.value, assessment.n, assessment.unit) == (1.0, 14, "share")
    assert assessment.low == pytest.approx(anytime_share(14, 14).low)  # at all looks together, one-sided 95 %
    assert assessment.observed_from is not None
    assert AuditEvent.objects.filter(verb="criterion.assessed").count() == 1


def test_a_few_perfect_answers_are_insufficient(world: World) -> None:
    criterion = make_criterion(world, min_n=3, threshold=0.95)
    make_traces(world, 3)
    assert verdict(world, criterion) == "insufficient"


def test_nothing_observed_is_insufficient(world: World) -> None:
    assert verdict(world, make_criterion(world)) == "insufficient"


def test_bad_answers_are_not_met(world: World) -> None:
    criterion = make_criterion(world)
    for index in range(14):
        make_trace(world, has_limitations=index % 5 == 0)
    assert verdict(world, criterion) == "not_met"


def test_old_evidence_is_stale(world: World) -> None:
    criterion = make_criterion(world, max_age_days=30)
    make_traces(world, 14, age=timedelta(days=40))
    assert verdict(world, criterion) == "stale"


@pytest.mark.parametrize("registered", [True, False])
def test_answers_of_another_or_an_unregistered_version_are_never_a_pass(
    world: World, registered: bool
) -> None:
    criterion = make_criterion(world)
    model = other_version(world, registered=registered)
    pins = {pin.slot: pin.version for pin in world.release.pins.all()}
    make_traces(world, 20, versions={**pins, "model": model})
    assert verdict(world, criterion) == "not_met"


def test_another_release_says_nothing_about_this_one(world: World) -> None:
    other = registry.register_release(
        system=world.system, manifest=factories.manifest(name="r2"), principal=acting("user:ci")
    )
    criterion = make_criterion(world)
    make_traces(world, 14, release=other)
    assert verdict(world, criterion) == "insufficient"


def test_each_slice_has_to_hold(world: World) -> None:
    criterion = make_criterion(world, slices="[{language: en}, {language: zh-Hans}]")
    make_traces(world, 40, language="en")
    make_traces(world, 14, language="zh-Hans", has_confidence=False, has_limitations=False)
    assessment = assess(
        criterion=criterion, release=world.release, as_of=clock.read_moment(), actor="user:ci"
    )
    assert assessment.verdict == "not_met"
    assert [part["verdict"] for part in assessment.slices] == ["met", "not_met"]


def test_a_slice_nobody_observed_keeps_the_whole_from_being_met(world: World) -> None:
    criterion = make_criterion(world, slices="[{language: fr}]")
    make_traces(world, 40)
    assessment = assess(
        criterion=criterion, release=world.release, as_of=clock.read_moment(), actor="user:ci"
    )
    assert assessment.verdict == "insufficient"
    assert "language=fr" in assessment.detail


def test_a_late_revision_replaces_the_one_before(world: World) -> None:
    criterion = make_criterion(world, min_n=1, threshold=0.1)
    trace_id = uuid.uuid4()
    make_trace(world, trace_id=trace_id, revision=1)
    make_trace(world, trace_id=trace_id, revision=2, age=timedelta(seconds=-30), has_confidence=False)
    before = evaluate(criterion=criterion, release=world.release, as_of=clock.read_moment())
    after = evaluate(
        criterion=criterion, release=world.release, as_of=clock.as_of(timezone.now() + timedelta(minutes=1))
    )
    assert before.whole is not None
    assert after.whole is not None
    assert (before.whole.n, before.whole.successes) == (1, 1)
    assert (after.whole.n, after.whole.successes) == (1, 0)


def test_the_same_facts_are_assessed_once(world: World) -> None:
    criterion = make_criterion(world)
    make_traces(world, 14)
    verdict(world, criterion)
    events = AuditEvent.objects.count()
    verdict(world, criterion)
    assert Assessment.objects.count() == 1
    assert AuditEvent.objects.count() == events
    make_trace(world)
    verdict(world, criterion)
    assert Assessment.objects.count() == 2


def test_a_stored_assessment_replays_whatever_came_later(world: World) -> None:
    criterion = make_criterion(world)
    make_traces(world, 14)
    assessment = assess(
        criterion=criterion, release=world.release, as_of=clock.read_moment(), actor="user:ci"
    )
    make_traces(world, 30, age=timedelta(seconds=-10), has_confidence=False)
    replay = replay_assessment(assessment)
    assert replay.agrees, replay.explain()
    assert evaluate(criterion=criterion, release=world.release, as_of=clock.read_moment()).inputs_digest


def test_an_assessment_costs_the_same_queries_however_many_traces(world: World) -> None:
    criterion = make_criterion(world)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            evaluate(criterion=criterion, release=world.release, as_of=clock.read_moment())
        return len(captured)

    make_trace(world)
    queries()  # loads what Django keeps on the objects
    few = queries()
    make_traces(world, 25)
    assert queries() == few


def test_a_check_this_version_does_not_have_is_not_assessed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    criterion = make_criterion(world)
    monkeypatch.delitem(known_checks(), criterion.check_name)
    assert verdict(world, criterion) == "not_assessed"


def test_material_claims_count_by_the_verdict_of_their_citations(world: World) -> None:
    criterion = make_criterion(world, check="citations.material_supported", threshold=0.5, min_n=1)
    claims = [
        ("verbatim", 1.0), ("normalised", 1.0), ("fuzzy", 0.95),
        ("fuzzy", 0.85), ("not_found", 0.2), ("misattributed", 0.0), ("unresolvable", 0.0),
    ]  # fmt: skip
    make_trace(world, claims=claims)
    measured = evaluate(criterion=criterion, release=world.release, as_of=clock.read_moment()).whole
    assert measured is not None
    assert (measured.n, measured.successes) == (7, 3)


@pytest.mark.parametrize(("threshold", "min_n"), [(0.1, 1), (0.9, 1), (0.1, 99)])
def test_coverage_says_how_many_claims_were_declared_and_how_many_derived(
    world: World, threshold: float, min_n: int
) -> None:
    criterion = make_criterion(
        world,
        check="citations.material_supported",
        threshold=threshold,
        min_n=min_n,
        slices='[{"language": "en"}]',
    )
    trace = make_trace(world, claims=[("verbatim", 1.0), ("verbatim", 1.0), ("not_found", 0.2)])
    for ordinal in (7, 8, 9):
        Claim.objects.create(
            trace=trace, ordinal=ordinal, text="t", start=0, end=1, material=ordinal != 9, origin="derived",
            extractor_version="test",
        )  # fmt: skip
    judged = evaluate(criterion=criterion, release=world.release, as_of=clock.read_moment())
    assert judged.whole is not None
    assert judged.whole.origins == {"declared": 3, "derived": 2}
    assert judged.inputs["measured"][0]["recent"]["inputs"]["origins"] == {"declared": 3, "derived": 2}
    assert "(3 declared, 2 derived)" in judged.judgement.detail
    assert "(3 declared, 2 derived)" in judged.slices[0]["detail"]


@pytest.mark.parametrize(
    ("over", "good"),
    [
        ({}, True),
        ({"policy": []}, False),
        ({"has_tools": False}, False),
        ({"status": "incomplete"}, False),
    ],
)
def test_the_path_must_be_whole(world: World, over: dict[str, Any], good: bool) -> None:
    criterion = make_criterion(world, check="traces.path_recorded", min_n=1, threshold=0.1)
    make_trace(world, **{"policy": ["rule"], **over})
    measured = evaluate(criterion=criterion, release=world.release, as_of=clock.read_moment()).whole
    assert measured is not None
    assert measured.successes == int(good)


def test_a_trace_must_name_every_version_its_release_pins(world: World) -> None:
    criterion = make_criterion(world, check="versions.registered", min_n=1, threshold=0.1)
    pins = {pin.slot: pin.version for pin in world.release.pins.all()}
    make_trace(world)
    make_trace(world, versions={slot: pins[slot] for slot in ("model", "prompt")})
    make_trace(world, versions={})
    make_trace(world, versions={**pins, "model": other_version(world, registered=True)})
    measured = evaluate(criterion=criterion, release=world.release, as_of=clock.read_moment()).whole
    assert measured is not None
    assert (measured.n, measured.successes) == (4, 1)


def test_the_policy_gate_must_have_been_asked_by_every_rule_listed(world: World) -> None:
    listed = make_criterion(
        world, key="a", check="policy.enforced", min_n=1, threshold=0.1, parameters="{rules: [claims, tone]}"
    )
    any_rule = make_criterion(world, key="b", check="policy.enforced", min_n=1, threshold=0.1)
    make_trace(world, policy=["claims", "tone"])
    make_trace(world, policy=["claims"])
    make_trace(world)
    for criterion, successes in ((listed, 1), (any_rule, 2)):
        measured = evaluate(criterion=criterion, release=world.release, as_of=clock.read_moment()).whole
        assert measured is not None
        assert (measured.n, measured.successes) == (3, successes)


def judge(
    world: World,
    trace: Any,
    role: str,
    decision: str = "approve",
    reason: str = "",
    why: str = "",
    ago: timedelta = timedelta(),
) -> Review:
    task = open_review_task(trace=trace, reason="high_risk", actor="user:ci")
    with mock.patch.object(timezone, "now", return_value=timezone.now() - ago):
        review: Review = Review.objects.create(
            task=task, reviewer=world.people[role], decision=decision, reason_code=reason, rationale=why,
            machine_verdict={},
        )  # fmt: skip
    return review


def test_reviews_in_time_leave_out_what_is_not_due(world: World) -> None:
    parameters = "{within_hours: 24, pending: %s}"
    due = make_criterion(
        world,
        key="due",
        check="reviews.within_time",
        min_n=1,
        threshold=0.1,
        parameters=parameters % "leave_out",
    )
    every = make_criterion(
        world,
        key="every",
        check="reviews.within_time",
        min_n=1,
        threshold=0.1,
        parameters=parameters % "count",
    )
    judge(world, make_trace(world, age=timedelta(hours=1)), "reviewer")  # in time, and not due yet
    judge(world, make_trace(world, age=timedelta(days=3)), "reviewer")  # too late
    make_trace(world, age=timedelta(days=3))  # due, and never looked at
    make_trace(world, age=timedelta(days=3), risk_tier="low")  # not asked for
    for criterion, n, people in ((due, 2, 0), (every, 3, 0)):
        measured = evaluate(criterion=criterion, release=world.release, as_of=clock.read_moment()).whole
        assert measured is not None
        assert (measured.n, measured.successes) == (n, people)


def test_a_high_risk_trace_of_a_high_risk_system_needs_as_many_people_as_its_task_asks(world: World) -> None:
    criterion = make_criterion(
        world,
        check="reviews.within_time",
        min_n=1,
        threshold=0.1,
        parameters="{within_hours: 24, pending: count}",
    )
    trace = make_trace(world)
    for index, role in enumerate(("reviewer", "auditor"), 1):
        review = judge(world, trace, role)
        measured = evaluate(criterion=criterion, release=world.release, as_of=clock.read_moment()).whole
        assert measured is not None
        assert measured.successes == int(index >= review.task.reviews_required)


def test_challenges_need_a_reason_and_a_rationale(world: World) -> None:
    labelled = make_criterion(world, key="l", check="reviews.challenge_labelled", min_n=1, threshold=0.1)
    overridden = make_criterion(
        world, key="o", check="reviews.overridden", min_n=1, comparator="at_most", threshold=0.9
    )
    judge(world, make_trace(world), "reviewer", "reject", "wrong_fact", "the fee is 5")
    judge(world, make_trace(world), "reviewer", "override", "unclear", " ")
    judge(world, make_trace(world), "reviewer", "approve")
    tomorrow = clock.as_of(
        timezone.now() + timedelta(hours=25)
    )  # when further reviews are units of their own
    measured = evaluate(criterion=labelled, release=world.release, as_of=tomorrow).whole
    assert measured is not None
    assert (measured.n, measured.successes) == (2, 1)
    assert measured.inputs["by_reason"] == {"override/unclear": 1, "reject/wrong_fact": 1}
    measured = evaluate(criterion=overridden, release=world.release, as_of=tomorrow).whole
    assert measured is not None
    assert (measured.n, measured.successes, measured.direction) == (3, 2, "lower")


def add_mechanistic_evidence(world: World, criterion: AcceptanceCriterion, role: str, number: int) -> None:
    now = timezone.now()
    item = Evidence.objects.create(
        system=world.system, layer="mechanistic", role=role, kind="finding", title=f"finding {number}",
        source=f"interpret.Finding:{number}", digest=sha256_hex(str(number).encode()), owner="researcher",
        review_every_days=30, observed_from=now, observed_to=now, collected_at=now, received_at=now,
        summary={"supports": str(criterion), "verdict": "met", "value": 1.0, "low": 1.0, "n": 10_000},
    )  # fmt: skip
    for pin in world.release.pins.all():
        EvidenceLink.objects.create(evidence=item, slot=pin.slot, version=pin.version)


@pytest.mark.parametrize("state", ["nothing", "bad", "few", "stale"])
def test_no_mechanistic_evidence_changes_a_verdict(world: World, state: str) -> None:
    import_requirements(
        system=world.system, source=read_starter(), file_name="b.yaml", principal=acting(AUTHOR)
    )
    if state != "nothing":
        make_traces(
            world, 4 if state == "few" else 14, age=timedelta(days=200 if state == "stale" else 1),
            has_confidence=state != "bad", versions={} if state == "bad" else None, claims=[("not_found", 0.1)] * 2,
        )  # fmt: skip
    criteria = list(AcceptanceCriterion.objects.order_by("pk"))
    as_of = clock.as_of(
        timezone.now() + timedelta(minutes=10)
    )  # one date for both, after all that is stored here
    before = [evaluate(criterion=c, release=world.release, as_of=as_of) for c in criteria]
    for number, criterion in enumerate(criteria):
        add_mechanistic_evidence(world, criterion, "counter" if number == 0 else "supporting", number)
    after = [evaluate(criterion=c, release=world.release, as_of=as_of) for c in criteria]
    assert [a.judgement.verdict for a in after] == [b.judgement.verdict for b in before]
    assert [a.inputs_digest for a in after] == [b.inputs_digest for b in before]


def test_assessments_read_no_table_of_the_inside_and_no_evidence_item(world: World) -> None:
    result = import_requirements(
        system=world.system, source=read_starter(), file_name="b.yaml", principal=acting(AUTHOR)
    )
    make_trace(world, claims=[("verbatim", 1.0)])
    with CaptureQueriesContext(connection) as captured:
        assess_release(
            release=world.release,
            versions=[item.version for item in result.requirements],
            as_of=clock.read_moment(),
            principal=acting("user:ci"),
        )
    text = " ".join(query["sql"] for query in captured)
    assert "evidence_trace" in text
    assert '"interpret_' not in text
    assert '"evidence_evidence"' not in text
    assert Assessment.objects.count() == 6


def test_an_assessment_as_of_the_beginning_of_time_finds_nothing(world: World) -> None:
    criterion = make_criterion(world, max_age_days=36_500)
    make_trace(world)
    judged = evaluate(
        criterion=criterion, release=world.release, as_of=clock.as_of(datetime(1, 1, 1, tzinfo=UTC))
    )
    assert judged.judgement.verdict == CriterionVerdict.INSUFFICIENT
