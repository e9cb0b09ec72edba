"""Samples: what a plan is about, what a draw gave, and what the judgements of it show so far."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Case, CharField, Exists, F, OuterRef, Q, QuerySet, Value, When

from evidence import clock
from evidence.models import (
    AuditEvent,
    Checkpoint,
    FrozenPopulation,
    Leaf,
    Review,
    ReviewTask,
    SampleDraw,
    SamplingPlan,
    Trace,
)
from evidence.sampling import Answer, Drawn, draw_document, plan_document
from evidence.selectors.review_tasks import tasks_waiting_for, with_standing
from evidence.selectors.revisions import is_superseded
from evidence.statistics.attributes import upper_bound

PLANNED, ENDED, FROZEN, DRAWN = "planned", "ended", "frozen", "drawn"
STATES: Final = (PLANNED, ENDED, FROZEN, DRAWN)
SHOWN, NOT_SHOWN, NOT_YET = "shown", "not_shown", "not_yet"
VERDICTS: Final = (SHOWN, NOT_SHOWN, NOT_YET)
_EXCEPTIONS: Final = frozenset({Review.Decision.OVERRIDE.value, Review.Decision.REJECT.value})


def with_state(plans: QuerySet[SamplingPlan]) -> QuerySet[Any]:
    """Add to each plan `state_now`: before the end of its period, after it, its answers frozen, its sample drawn."""
    state = Case(
        When(Exists(SampleDraw.objects.filter(population__plan=OuterRef("pk"))), then=Value(DRAWN)),
        When(Exists(FrozenPopulation.objects.filter(plan=OuterRef("pk"))), then=Value(FROZEN)),
        When(period_to__lte=clock.now(), then=Value(ENDED)),
        default=Value(PLANNED),
        output_field=CharField(),
    )
    found: QuerySet[Any] = plans.annotate(state_now=state)
    return found


def document_of(plan: SamplingPlan) -> dict[str, object]:
    """Return what a plan says, as it was digested."""
    return plan_document(
        system=plan.system.key,
        period=(plan.period_from, plan.period_to),
        release=plan.release.digest if plan.release else "",
        risk_tier=plan.risk_tier,
        strata_field=plan.strata_field,
        fewest_of_each=plan.fewest_of_each,
        rates=(plan.tolerable_rate, plan.confidence),
        expected_exceptions=plan.expected_exceptions,
        made_by=plan.made_by,
    )


def find_overlapping(plan: SamplingPlan) -> SamplingPlan | None:
    """Return a plan that may be about the same answers: their periods overlap, and so do their scopes."""
    same = SamplingPlan.objects.filter(system=plan.system)
    if plan.release is not None:
        same = same.filter(Q(release=plan.release) | Q(release__isnull=True))
    if plan.risk_tier:
        same = same.filter(risk_tier__in=["", plan.risk_tier])
    return same.filter(period_from__lt=plan.period_to, period_to__gt=plan.period_from).first()


def answers_of(plan: SamplingPlan) -> QuerySet[Trace]:
    """Return the answers that a plan is about as they are now: the newest revisions of what began in its period."""
    return _in_scope_of(plan).filter(~is_superseded())


def _in_scope_of(plan: SamplingPlan) -> QuerySet[Trace]:
    """Return all revisions of the answers that a plan is about."""
    traces = Trace.objects.filter(
        system=plan.system, started_at__gte=plan.period_from, started_at__lt=plan.period_to
    )
    if plan.release is not None:
        traces = traces.filter(release=plan.release)
    return traces.filter(risk_tier=plan.risk_tier) if plan.risk_tier else traces


def id_of(trace_id: UUID, revision: int) -> str:
    """Return the id of an answer in lists and draws."""
    return f"{trace_id.hex}/{revision}"


def read_answers(plan: SamplingPlan) -> list[Answer]:
    """Return what is to be frozen, its strata as the plan has them."""
    by: Any = {
        SamplingPlan.Strata.NONE: Value(""),
        SamplingPlan.Strata.RISK_TIER: F("risk_tier"),
        SamplingPlan.Strata.LANGUAGE: F("language"),
        SamplingPlan.Strata.RELEASE: F("release__name"),
    }[SamplingPlan.Strata(plan.strata_field)]
    rows = answers_of(plan).annotate(stratum=by).values_list("trace_id", "revision", "digest", "stratum")
    rows = rows[: settings.SAMPLING_MAX_ANSWERS + 1]  # one more than can be frozen is as good as all
    return [
        Answer(id_of(trace_id, revision), digest, stratum or "")
        for trace_id, revision, digest, stratum in rows.iterator(chunk_size=10_000)
    ]


def event_of(row: SamplingPlan | FrozenPopulation) -> AuditEvent:
    """Return the event by which a plan or its frozen answers are in the log."""
    return AuditEvent.objects.get(object_type=row._meta.label, object_id=str(row.pk))


def find_seeding_checkpoint(population: FrozenPopulation) -> Checkpoint | None:
    """Return the first checkpoint that covers the event of the frozen answers; None: none does yet."""
    leaf = Leaf.objects.filter(event=event_of(population)).first()
    if leaf is None:
        return None
    return Checkpoint.objects.filter(size__gt=leaf.seq).order_by("size").first()


def drawn_of(draw: SampleDraw) -> list[Drawn]:
    """Return the answers of a sample, in the order in which they were drawn."""
    return [Drawn(answer, stratum, of_whole) for answer, stratum, of_whole in draw.drawn]


def draw_document_of(draw: SampleDraw) -> dict[str, object]:
    """Return what a draw says, as it was digested."""
    return draw_document(
        population_digest=draw.population.answers_id,
        size=draw.checkpoint.size,
        root=bytes(draw.checkpoint.root),
        seed=draw.seed,
        n=draw.n,
        drawn=drawn_of(draw),
    )


def find_traces(plan: SamplingPlan, answers: Iterable[str]) -> dict[str, Trace]:
    """Return the traces of ids, by id."""
    ids = set(answers)
    traces = Trace.objects.filter(
        system=plan.system, trace_id__in={UUID(each.partition("/")[0]) for each in ids}
    )
    found = {
        id_of(trace.trace_id, trace.revision): trace for trace in traces.select_related("system", "release")
    }
    return {answer: found[answer] for answer in ids if answer in found}


def waits_in_sample(plan: SamplingPlan, user: User) -> bool:
    """Whether an answer of a plan's sample may still be judged by a reviewer."""
    draw = SampleDraw.objects.filter(population__plan=plan).first()
    if draw is None:
        return False
    return tasks_waiting_for(user).filter(trace__in=_traces_drawn(draw)).exists()


@dataclass(frozen=True, slots=True)
class ScopeResult:
    """What judgements say of all answers, or of a stratum."""

    name: str  # of the stratum; empty: of all
    size: int  # answers
    n: int  # drawn
    exceptions: int  # overridden or rejected
    waiting: int  # that people may still settle
    lost: int  # that nobody settles any more: superseded, erased, escalated
    most: int  # exceptions that there are at most, what is missing counted as exceptions
    most_if_approved: int  # likewise, were all that waits approved

    @property
    def missing(self) -> int:
        """Drawn answers without a settled approval or exception; each counts as an exception."""
        return self.waiting + self.lost

    @property
    def bound(self) -> Fraction | None:
        """The rate of exceptions is at most this; None where there is nothing."""
        return Fraction(self.most, self.size) if self.size else None


@dataclass(frozen=True, slots=True)
class SampleResults:
    """What a sample shows."""

    whole: ScopeResult
    strata: list[ScopeResult]
    verdict: str  # one of `VERDICTS`
    arrived_later: (
        int  # answers of the period that were sealed after it was frozen, of which this says nothing
    )


def results_of(draw: SampleDraw) -> SampleResults:
    """Return what the judgements of a sample show by now. Who may read it: `acts.check_can_read_sample_results`."""
    population = draw.population
    plan, confidence = population.plan, Fraction(population.plan.confidence)
    outcomes = _outcomes(draw)
    drawn = drawn_of(draw)
    found = sum(outcome in _EXCEPTIONS for outcome in outcomes.values())
    whole = _result(
        "", population.size, [outcomes[each.id] for each in drawn if each.of_whole], confidence, found=found
    )
    strata = [
        _result(
            each["name"],
            each["size"],
            [outcomes[one.id] for one in drawn if one.stratum == each["name"]],
            confidence,
        )
        for each in population.strata
        if plan.strata_field
    ]
    return SampleResults(
        whole, strata, _verdict(whole, Fraction(plan.tolerable_rate)), _count_later(population)
    )


def _result(
    name: str, size: int, outcomes: Sequence[str], confidence: Fraction, *, found: int = 0
) -> ScopeResult:
    """Count what was said of a part of the sample, and bound the exceptions of what it was drawn from.

    Args:
        found: exceptions that are known in all of it, be they of this part or not.
    """
    n, exceptions = len(outcomes), sum(outcome in _EXCEPTIONS for outcome in outcomes)
    waiting, lost = outcomes.count(_WAITING), outcomes.count(_LOST)
    bound = [
        max(found, upper_bound(size, n, counted, confidence=confidence))
        for counted in (exceptions + waiting + lost, exceptions + lost)
    ]
    return ScopeResult(name, size, n, exceptions, waiting, lost, *bound)


def _verdict(whole: ScopeResult, tolerable: Fraction) -> str:
    """Say whether the tolerable rate is shown. Of no answers nothing is."""
    if whole.size == 0:
        return NOT_SHOWN
    if whole.most <= tolerable * whole.size:
        return SHOWN
    return NOT_YET if whole.most_if_approved <= tolerable * whole.size else NOT_SHOWN


_WAITING, _LOST = "waiting", "lost"


def _outcomes(draw: SampleDraw) -> dict[str, str]:
    """Return what became of each answer drawn: the settled decision, or that it waits, or never will be settled."""
    traces = find_traces(draw.population.plan, (each.id for each in drawn_of(draw)))
    tasks = with_standing(ReviewTask.objects.filter(trace__in=list(traces.values())))
    by_trace = {
        task.trace_id: task for task in tasks.select_related("adjudication").prefetch_related("reviews")
    }
    return {
        each.id: _outcome(
            by_trace.get(traces[each.id].pk) if each.id in traces else None, traces.get(each.id)
        )
        for each in drawn_of(draw)
    }


def _outcome(task: Any, trace: Trace | None) -> str:
    if trace is None or task is None or task.is_superseded:
        return _LOST
    if task.is_settled:
        decision = task.adjudication.decision
    elif not task.is_open and not task.is_disputed:
        decision = task.reviews.all()[0].decision
    else:
        return _LOST if trace.payload_salt is None else _WAITING
    return _LOST if decision == Review.Decision.ESCALATE else str(decision)


def _count_later(population: FrozenPopulation) -> int:
    """Return how many answers of the period came after it was frozen: none of their revisions was there by then."""
    scope, frozen_at = _in_scope_of(population.plan), population.created_at
    by_then = scope.filter(sealed_at__lte=frozen_at, trace_id=OuterRef("trace_id"))
    return answers_of(population.plan).filter(~Exists(by_then), sealed_at__gt=frozen_at).count()


def _traces_drawn(draw: SampleDraw) -> list[int]:
    traces = find_traces(draw.population.plan, (each.id for each in drawn_of(draw)))
    return [trace.pk for trace in traces.values()]
