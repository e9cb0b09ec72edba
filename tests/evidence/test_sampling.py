"""A sample that nobody picks: planned before the period ends, frozen after it, drawn by a checkpoint, drawn again."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from django.utils import timezone
from scipy import stats

from evidence import clock
from evidence.access import principal_of_user
from evidence.digests import sha256_hex
from evidence.errors import AccessDenied, ConflictingContent, InvalidInput
from evidence.models import FrozenPopulation, QueuedTask, ReviewTask, SampleDraw, SamplingPlan, Trace
from evidence.sampling import MOST_STRATA, OTHERS, draw, merge_small
from evidence.selectors.sampling import NOT_SHOWN, NOT_YET, SHOWN, document_of, results_of
from evidence.services import log, reviews
from evidence.services.keys.trust import describe_trust
from evidence.services.sample_files import sample_file
from evidence.services.sampling import MOST_DRAWN, PlanDraft, draw_sample, freeze_population, plan_sample
from evidence.statistics.attributes import smallest_sample, upper_bound
from tests.evidence.test_blinding import colleague, signed_in
from tests.evidence.test_log_api import publish
from tests.factories import World, acting, make_world, manifest, register_release
from tests.kept_scenes import kept_scene
from tests.requirements.builders import make_traces
from tracebinder.cli.main import main
from tracebinder.verify import sampling as offline

END = timedelta(hours=1)  # from now to the end of the period


def at(moment: datetime) -> AbstractContextManager[Any]:
    return mock.patch.object(clock, "now", return_value=moment)


def drafted(**changes: Any) -> PlanDraft:
    now = timezone.now()
    told: dict[str, Any] = {
        "period_from": now - timedelta(days=30), "period_to": now + END, "tolerable_rate": Decimal("0.2"),
        "confidence": Decimal("0.9"), "strata_field": "risk_tier", "fewest_of_each": 2,
    }  # fmt: skip
    return PlanDraft(**(told | changes))


@pytest.fixture
@kept_scene
def plan(world: World) -> SamplingPlan:
    """A plan over 40 answers of which 2 are of high risk; its period ends in an hour."""
    make_traces(world, 38, risk_tier="low")
    make_traces(world, 2, risk_tier="high")
    return plan_sample(principal=world.principal("approver"), system=world.system, draft=drafted())


@pytest.fixture
def sample(world: World, plan: SamplingPlan) -> SampleDraw:
    with at(plan.period_to):
        freeze_population(principal=world.principal("approver"), plan=plan)
        publish()
        return draw_sample(principal=world.principal("approver"), plan=plan)


def traces_of(drawn: SampleDraw) -> list[Trace]:
    ids = [each[0].partition("/")[0] for each in drawn.drawn]
    return sorted(Trace.objects.filter(trace_id__in=ids), key=lambda trace: ids.index(trace.trace_id.hex))


def judge(world: World, traces: list[Trace], decision: str = "approve") -> None:
    for trace in traces:
        for name in ("reviewer", "second")[: trace.review_task.reviews_required]:
            person = world.people.get(name) or colleague(world, f"{name}-{trace.pk}", "reviewer")
            reviews.record_review(
                principal=principal_of_user(person), trace=trace, decision=decision,
                reason_code="" if decision == "approve" else "unclear",
            )  # fmt: skip


# --- The mathematics -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("population", "tolerable", "confidence", "expected"),
    [
        (40, 0.2, 0.9, 0),
        (500, 0.05, 0.95, 0),
        (500, 0.05, 0.95, 3),
        (20_000, 0.01, 0.99, 1),
        (7, 0.3, 0.95, 0),
    ],
)
def test_the_sample_is_the_smallest_that_shows_the_rate_by_scipy(
    population: int, tolerable: float, confidence: float, expected: int
) -> None:
    n = smallest_sample(
        population,
        tolerable=Fraction(str(tolerable)),
        confidence=Fraction(str(confidence)),
        expected=expected,
    )
    bad = int(Fraction(str(tolerable)) * population) + 1
    assert stats.hypergeom.cdf(expected, population, bad, n) <= 1 - confidence + 1e-12
    assert stats.hypergeom.cdf(expected, population, bad, n - 1) > 1 - confidence
    assert n == offline.smallest_sample(
        population, Fraction(str(tolerable)), Fraction(str(confidence)), expected
    )


@pytest.mark.parametrize(
    ("population", "sample", "found"), [(40, 11, 0), (500, 56, 0), (500, 56, 9), (20_000, 300, 4), (9, 9, 2)]
)
def test_the_bound_is_where_scipy_has_it(population: int, sample: int, found: int) -> None:
    most = upper_bound(population, sample, found, confidence=Fraction("0.95"))
    assert stats.hypergeom.cdf(found, population, most, sample) > 0.05
    assert most == population or stats.hypergeom.cdf(found, population, most + 1, sample) <= 0.05


def test_of_a_large_population_the_bound_is_that_of_clopper_and_pearson() -> None:
    most = upper_bound(200_000, 59, 0, confidence=Fraction("0.95"))
    assert most / 200_000 == pytest.approx(stats.beta.ppf(0.95, 1, 59), rel=1e-3)


def test_no_sample_shows_a_rate_that_what_is_expected_exceeds() -> None:
    assert smallest_sample(20, tolerable=Fraction("0.05"), confidence=Fraction("0.95"), expected=2) == 20


def test_of_each_stratum_enough_are_drawn_and_the_whole_stays_one_simple_sample() -> None:
    """A sample of fixed parts of each stratum would not be: two strata of 10 with one exception each are found
    faultless by 5 of each in 1 of 4 draws, and by 10 of 20 in 9 of 38."""
    strata = {f"{number}/1": "rare" if number < 3 else "common" for number in range(200)}
    for seed in "abcdef":
        sample = draw(seed, strata, n=20, fewest_of_each=2)
        assert sum(each.of_whole for each in sample) == 20
        assert sum(each.stratum == "rare" for each in sample) >= 2
        alone = draw(seed, strata, n=20, fewest_of_each=0)
        assert [each.id for each in sample if each.of_whole] == [each.id for each in alone]


def test_values_that_senders_make_up_are_few_strata() -> None:
    merged = merge_small({f"{number}/1": f"x-{number % 50}" for number in range(130)})
    assert len(set(merged.values())) == MOST_STRATA
    assert merged["0/1"] == "x-0"
    assert merged["49/1"] == OTHERS


# --- The order -------------------------------------------------------------------------------------------------


def test_plan_then_end_then_list_then_checkpoint_then_draw(world: World, plan: SamplingPlan) -> None:
    who = world.principal("approver")
    with pytest.raises(ConflictingContent, match="ends at"):
        freeze_population(principal=who, plan=plan)
    publish()  # one that came before the list gives no seed
    with at(plan.period_to):
        with pytest.raises(ConflictingContent, match="Nothing is frozen"):
            draw_sample(principal=who, plan=plan)
        population = freeze_population(principal=who, plan=plan)
        with pytest.raises(ConflictingContent, match="No checkpoint covers"):
            draw_sample(principal=who, plan=plan)
        first = publish()
        make_traces(world, 1)
        publish()
        drawn = draw_sample(principal=who, plan=plan)
        assert (population.size, drawn.checkpoint.size) == (40, first.size)
        assert freeze_population(principal=who, plan=plan) == population
        assert draw_sample(principal=who, plan=plan) == drawn
    assert (FrozenPopulation.objects.count(), SampleDraw.objects.count()) == (1, 1)


def test_a_period_has_one_plan_which_came_before_its_end(world: World, plan: SamplingPlan) -> None:
    who = world.principal("approver")

    def planned(**changes: Any) -> SamplingPlan:
        return plan_sample(principal=who, system=world.system, draft=drafted(**changes))

    same = {"period_from": plan.period_from, "period_to": plan.period_to}
    assert planned(**same) == plan
    with pytest.raises(ConflictingContent, match="draws twice"):
        planned(**same, confidence=Decimal("0.95"))
    with pytest.raises(InvalidInput, match="is over"):
        planned(period_from=timezone.now() - timedelta(days=90), period_to=timezone.now())
    with pytest.raises(InvalidInput, match=f"at most {MOST_DRAWN:,}"):
        planned(period_from=plan.period_to, period_to=plan.period_to + END, tolerable_rate=Decimal("0.001"))
    later = planned(period_from=plan.period_to, period_to=plan.period_to + END)
    assert (
        sha256_hex(json.dumps(document_of(later), sort_keys=True, separators=(",", ":")).encode())
        == later.digest
    )


# --- What is drawn, and what it shows --------------------------------------------------------------------------


def test_those_drawn_wait_for_reviewers_and_those_asked_about_before_keep_their_task(
    world: World, plan: SamplingPlan
) -> None:
    asked = reviews.open_review_task(
        trace=Trace.objects.filter(risk_tier="high").earliest("pk"), reason="high_risk", actor="user:olga"
    )
    with at(plan.period_to):
        freeze_population(principal=world.principal("approver"), plan=plan)
        publish()
        drawn = draw_sample(principal=world.principal("approver"), plan=plan)
    tasks = ReviewTask.objects.filter(trace__in=traces_of(drawn))
    assert tasks.count() == len(drawn.drawn) == QueuedTask.objects.count()
    assert asked in tasks  # of two high-risk answers both are drawn
    assert {task.reason for task in tasks.exclude(pk=asked.pk)} == {"sampling"}
    assert min(task.due_at for task in tasks.exclude(pk=asked.pk)) > plan.period_to
    assert drawn.n == 9


def test_the_rate_is_shown_when_all_are_judged_and_what_is_missing_counts_against(
    world: World, sample: SampleDraw
) -> None:
    traces = traces_of(sample)
    assert results_of(sample).verdict == NOT_YET
    judge(world, traces[:-1])
    assert (results_of(sample).whole.missing, results_of(sample).verdict) == (
        (1, NOT_YET) if sample.drawn[-1][2] else (0, SHOWN)
    )
    judge(world, traces[-1:])
    found = results_of(sample)
    assert (found.verdict, found.whole.missing, found.whole.exceptions) == (SHOWN, 0, 0)
    assert found.whole.most == upper_bound(40, sample.n, 0, confidence=Fraction("0.9")) <= 8
    by_name = {each.name: each for each in found.strata}
    assert (by_name["high"].size, by_name["high"].n, by_name["high"].most) == (2, 2, 0)


@pytest.mark.parametrize("fate", ["rejected", "superseded", "escalated"])
def test_one_exception_or_one_answer_that_nobody_can_judge_and_it_is_not_shown(
    world: World, sample: SampleDraw, fate: str
) -> None:
    *others, last = traces_of(sample)
    whole = [trace for trace, each in zip([*others, last], sample.drawn, strict=True) if each[2]]
    odd = whole[-1]
    judge(world, [trace for trace in [*others, last] if trace != odd])
    if fate == "superseded":
        judge(world, [odd])
        make_traces(world, 1, trace_id=odd.trace_id, revision=2)
    else:
        judge(world, [odd], {"rejected": "reject", "escalated": "escalate"}[fate])
    found = results_of(sample)
    assert (found.verdict, found.whole.most) == (
        NOT_SHOWN, upper_bound(40, sample.n, 1, confidence=Fraction("0.9"))
    )  # fmt: skip
    assert (found.whole.exceptions, found.whole.lost) == ((1, 0) if fate == "rejected" else (0, 1))


def test_answers_that_came_after_the_list_was_frozen_are_counted(world: World, sample: SampleDraw) -> None:
    since = sample.population.created_at - timezone.now()
    _once, twice = make_traces(world, 2, age=-since)
    for trace in (twice, traces_of(sample)[0]):  # the second was there before
        make_traces(world, 1, trace_id=trace.trace_id, revision=2, age=-since)
    assert results_of(sample).arrived_later == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"expected_exceptions": MOST_DRAWN},
        {"strata_field": "language", "fewest_of_each": MOST_DRAWN // MOST_STRATA},
        {"tolerable_rate": Decimal("0.001"), "confidence": Decimal("0.99")},
    ],
)
def test_more_than_people_can_judge_is_not_planned(world: World, changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match=f"at most {MOST_DRAWN:,} answers"):
        plan_sample(principal=world.principal("approver"), system=world.system, draft=drafted(**changes))


def test_a_period_with_too_many_answers_is_frozen_once_an_operator_raised_the_limit(
    world: World, plan: SamplingPlan, settings: Any
) -> None:
    settings.SAMPLING_MAX_ANSWERS = 39
    with at(plan.period_to):
        with pytest.raises(
            InvalidInput, match=r"more than 39 answers.*raise TRACEBINDER_SAMPLING_MAX_ANSWERS"
        ):
            freeze_population(principal=world.principal("approver"), plan=plan)
        settings.SAMPLING_MAX_ANSWERS = 40
        assert freeze_population(principal=world.principal("approver"), plan=plan).size == 40


# --- Offline ---------------------------------------------------------------------------------------------------


@pytest.fixture
def trust(tmp_path: Path) -> Path:
    path = tmp_path / "trust.json"
    path.write_text(json.dumps(describe_trust()))
    return path


@pytest.fixture
def redrawn(
    tmp_path: Path, trust: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    def redraw(content: dict[str, Any], *options: str) -> tuple[int, str]:
        path = tmp_path / "sample.json"
        path.write_text(json.dumps(content))
        code = main(["redraw", str(path), "--trust", str(trust), *options])
        return code, capsys.readouterr().out

    return redraw


def test_the_same_ids_are_drawn_offline_and_any_other_are_found_out(
    sample: SampleDraw, redrawn: Callable[..., tuple[int, str]]
) -> None:
    content = json.loads(sample_file(sample))
    code, said = redrawn(content, "--json")
    assert (code, json.loads(said)["drawn"]) == (0, sample.drawn)
    assert json.loads(said)["seed"] == sample.seed
    claimed = json.loads(content["draw"])
    listed = [answer for answer, *_ in json.loads(content["population"])["answers"]]
    claimed["drawn"][0][0] = next(
        answer for answer in listed if answer not in {each[0] for each in sample.drawn}
    )
    code, said = redrawn(content | {"draw": json.dumps(claimed)})
    assert code == 1
    assert said.startswith("ANOTHER SAMPLE")
    assert f"only here: {sample.drawn[0][0]}" in said


def test_another_plan_list_or_checkpoint_is_refused_with_the_reason(
    world: World, sample: SampleDraw, redrawn: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    content = json.loads(sample_file(sample))
    plan = content["plan"].replace('"tolerable_rate":"0.2"', '"tolerable_rate":"0.3"')
    assert plan != content["plan"]
    code, said = redrawn(content | {"plan": plan})
    assert (code, "plan: it is not what the log holds: the digest" in said) == (1, True)
    answers = json.loads(content["population"])
    answers["answers"].pop()
    code, said = redrawn(content | {"population": json.dumps(answers)})
    assert (code, "population: it is not what the log holds: the digest" in said) == (1, True)
    size = sample.checkpoint.size
    forged = json.loads(json.dumps(content).replace(f"\\n{size}\\n", f"\\n{size + 1}\\n"))
    code, said = redrawn(forged)
    assert (code, "not signed by the trusted log key" in said) == (1, True)


def test_a_later_checkpoint_gives_another_sample_and_a_kept_one_tells_that_it_was_passed_over(
    world: World, sample: SampleDraw, redrawn: Callable[..., tuple[int, str]], tmp_path: Path, trust: Path
) -> None:
    """Whoever holds the log's key can pass a checkpoint over; who kept it finds out."""
    kept, note = tmp_path / "kept.json", tmp_path / "first.note"
    note.write_text(sample.checkpoint.note)
    assert main(["checkpoint", "--keep", str(kept), "--trust", str(trust), "--from", str(note)]) == 0
    assert redrawn(json.loads(sample_file(sample)), "--kept", str(kept))[0] == 0
    publish()
    later = log.sign_checkpoint()
    assert later is not None
    assert later.size > sample.checkpoint.size
    content = json.loads(
        sample_file(SampleDraw(population=sample.population, checkpoint=later, drawn=sample.drawn))
    )
    assert redrawn(content)[1].startswith("ANOTHER SAMPLE")
    code, said = redrawn(content, "--kept", str(kept))
    assert (code, "passed over" in said) == (1, True)


# --- Doors -----------------------------------------------------------------------------------------------------


def test_whoever_still_has_to_judge_sees_no_result_by_any_door(world: World, sample: SampleDraw) -> None:
    plan = sample.population.plan
    url, page = f"/api/v1/sampling-plans/{plan.pk}/results", f"/admin/evidence/samplingplan/{plan.pk}/change/"
    auditor, reviewer = (signed_in(world.people[role]) for role in ("auditor", "reviewer"))
    judge(world, traces_of(sample)[:-1], "reject")
    told = auditor.get(url).json()
    assert (told["verdict"], told["whole"]["exceptions"] > 0) == ("not_shown", True)
    assert reviewer.get(url).status_code == 403
    assert "Exceptions at most" in auditor.get(page).content.decode()
    seen = reviewer.get(page).content.decode()
    assert "judge those first" in seen
    assert "Exceptions at most" not in seen
    judge(world, traces_of(sample)[-1:])
    assert reviewer.get(url).status_code == 200
    assert "Exceptions at most" in reviewer.get(page).content.decode()


def test_an_auditor_fetches_the_file_and_finds_the_plan_by_its_state(
    world: World, sample: SampleDraw
) -> None:
    auditor = signed_in(world.people["auditor"])
    (listed,) = auditor.get("/api/v1/sampling-plans", {"state": "drawn"}).json()["results"]
    assert (listed["draw"]["drawn"], listed["population"]["size"]) == (sample.drawn, 40)
    assert auditor.get("/api/v1/sampling-plans", {"state": "planned"}).json()["results"] == []
    answer = auditor.get(f"/api/v1/sampling-plans/{listed['id']}/file")
    assert answer.content == sample_file(sample)
    stranger = signed_in(make_world("another").people["auditor"])
    assert stranger.get(f"/api/v1/sampling-plans/{listed['id']}/file").status_code == 404


def test_whoever_put_a_release_on_record_plans_nothing_of_it(world: World) -> None:
    who = world.principal("approver")
    theirs = register_release(
        world.system, manifest(name="theirs"), principal=replace(acting(), actor=who.actor)
    )
    with pytest.raises(AccessDenied, match="another approver"):
        plan_sample(principal=who, system=world.system, draft=drafted(release=theirs))
