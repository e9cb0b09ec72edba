"""Samples of a period's answers, step by step: plan, freeze, draw. Each is done once, and each is in the log.

Nobody has anything to choose after the plan: what is frozen is what there is, the checkpoint is the first that covers
it, and the sample follows from both (docs/decisions/0090-samples-that-nobody-picks.md).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Final

from django.conf import settings
from django.db import transaction

from evidence import acts, clock
from evidence.access import Principal
from evidence.digests import digest_of
from evidence.errors import ConflictingContent, InvalidInput
from evidence.locks import Lock, hold
from evidence.models import (
    Checkpoint,
    FrozenPopulation,
    Release,
    RiskTier,
    SampleDraw,
    SamplingPlan,
    System,
)
from evidence.sampling import (
    MOST_STRATA,
    Answer,
    Drawn,
    describe_strata,
    draw,
    draw_document,
    merge_small,
    population_bytes,
    seed_of,
)
from evidence.selectors.review_work import SAMPLING
from evidence.selectors.revisions import find_later_revision
from evidence.selectors.sampling import (
    document_of,
    find_overlapping,
    find_seeding_checkpoint,
    find_traces,
    read_answers,
)
from evidence.services import audit
from evidence.services.blobs import read_blob, store_blob
from evidence.services.reviews import open_review_task
from evidence.statistics.attributes import is_enough, smallest_sample
from evidence.worded import worded

MOST_DRAWN: Final = 2_000  # answers that a plan may ask people to judge
LOWEST_CONFIDENCE: Final = Decimal("0.5")
_LARGEST: Final = 1_000_000  # population for which a plan's sample is counted beforehand
MOST_OF_EACH: Final = 100  # answers of a stratum
_MOST_STRATA: Final[Mapping[str, int]] = {
    SamplingPlan.Strata.NONE: 0,
    SamplingPlan.Strata.RISK_TIER: len(RiskTier),
    SamplingPlan.Strata.LANGUAGE: MOST_STRATA,
    SamplingPlan.Strata.RELEASE: MOST_STRATA,
}


@dataclass(frozen=True, slots=True)
class PlanDraft:
    """What is to be shown of which answers."""

    period_from: datetime  # aware
    period_to: datetime  # aware; the first moment that is not of the period
    tolerable_rate: Decimal  # of exceptions
    confidence: Decimal  # of the one bound
    release: Release | None = None  # None: of all
    risk_tier: str = ""  # empty: of all
    strata_field: str = ""
    fewest_of_each: int = 5  # answers of a stratum; without strata it says nothing
    expected_exceptions: int = 0  # that may be found, and the rate be shown


@transaction.atomic
def plan_sample(*, principal: Principal, system: System, draft: PlanDraft) -> SamplingPlan:
    """Put a plan on record before its period ends; the same plan sent again is answered with the first row.

    Raises:
        AccessDenied, NotFound: as `acts.check_can_plan_sample` does.
        InvalidInput: the period is none or over, a rate is none, or more would be drawn than people can judge.
        ConflictingContent: a plan over the same answers is on record: a second draw would be a choice.
    """
    acts.check_can_plan_sample(principal, system, draft.release)
    hold(Lock.SAMPLING, system.pk)
    plan = _plan_of(principal, system, draft)
    stored = SamplingPlan.objects.filter(system=system, digest=plan.digest).first()
    if stored is not None:
        return stored
    _check_draft(system, draft)
    earlier = find_overlapping(plan)
    if earlier is not None:
        raise ConflictingContent(
            worded(
                "Sampling plan %(earlier)s is about answers of the same period: who draws twice can "
                "pick. Plan a period that begins at %(ends)s or later.",
                earlier=earlier.pk,
                ends=earlier.period_to.isoformat(),
            )
        )
    SamplingPlan.objects.bulk_create([plan])
    audit.record(
        verb="sampling_plan.made", actor=principal.actor, obj=plan, system=system, digest=plan.digest
    )
    return plan


@transaction.atomic
def freeze_population(*, principal: Principal, plan: SamplingPlan) -> FrozenPopulation:
    """Keep the list of the answers of a plan's period as they are now; done before, it is answered with that.

    Raises:
        AccessDenied, NotFound, ConflictingContent: as `acts.check_can_freeze_population` does.
        InvalidInput: the period has more answers than TRACEBINDER_SAMPLING_MAX_ANSWERS.
    """
    acts.check_can_plan_sample(principal, plan.system, plan.release)
    hold(Lock.SAMPLING, plan.system_id)
    stored = FrozenPopulation.objects.filter(plan=plan).first()
    if stored is not None:
        return stored
    acts.check_can_freeze_population(principal, plan)
    answers = read_answers(plan)
    _check_number(len(answers))
    strata = merge_small({answer.id: answer.stratum for answer in answers})
    answers = [Answer(answer.id, answer.digest, strata[answer.id]) for answer in answers]
    blob = store_blob(population_bytes(plan.digest, answers), "application/json")
    population = FrozenPopulation.objects.create(
        plan=plan,
        size=len(answers),
        answers=blob,
        strata=describe_strata(answers),
        frozen_by=principal.actor,
        created_at=clock.now(),
    )
    audit.record(
        verb="sampling_population.frozen",
        actor=principal.actor,
        obj=population,
        system=plan.system,
        digest=blob.digest,
    )
    return population


@transaction.atomic
def draw_sample(*, principal: Principal, plan: SamplingPlan) -> SampleDraw:
    """Draw a plan's sample and ask people about the answers of which nobody was asked; done before, return it.

    Raises:
        AccessDenied, NotFound, ConflictingContent: as `acts.check_can_draw_sample` does.
        BlobMissing, DigestMismatch: the list of the answers is not there, or not as it was frozen.
    """
    acts.check_can_plan_sample(principal, plan.system, plan.release)
    hold(Lock.SAMPLING, plan.system_id)
    stored = SampleDraw.objects.filter(population__plan=plan).first()
    if stored is not None:
        return stored
    acts.check_can_draw_sample(principal, plan)
    population = plan.population
    checkpoint = find_seeding_checkpoint(population)
    if checkpoint is None:
        raise ConflictingContent(worded("No checkpoint covers the frozen answers yet."))
    sample = _draw(population, checkpoint, principal.actor)
    SampleDraw.objects.bulk_create([sample])
    audit.record(
        verb="sample.drawn", actor=principal.actor, obj=sample, system=plan.system, digest=sample.digest
    )
    _ask_people(plan, [answer for answer, *_ in sample.drawn], principal.actor)
    return sample


def _check_number(found: int) -> None:
    """See that so many answers can be frozen. Who reads them stops one above the limit, so `found` is no count."""
    if found > settings.SAMPLING_MAX_ANSWERS:
        raise InvalidInput(
            worded(
                "This period has more than %(most)s answers. The plan stands: ask an "
                "operator to raise TRACEBINDER_SAMPLING_MAX_ANSWERS, and freeze them then. Plan shorter "
                "periods from now on.",
                most=f"{settings.SAMPLING_MAX_ANSWERS:,}",
            )
        )


def sample_size(plan: SamplingPlan, population: int) -> int:
    """Return how many answers a plan draws from all of a population."""
    return smallest_sample(
        population,
        tolerable=Fraction(plan.tolerable_rate),
        confidence=Fraction(plan.confidence),
        expected=plan.expected_exceptions,
    )


def _draw(population: FrozenPopulation, checkpoint: Checkpoint, actor: str) -> SampleDraw:
    plan, root = population.plan, bytes(checkpoint.root)
    listed: dict[str, list[list[str]]] = json.loads(read_blob(population.answers_id))
    seed = seed_of(plan_digest=plan.digest, population_digest=population.answers_id, root=root)
    n = sample_size(plan, population.size)
    strata = {answer: stratum for answer, _digest, stratum in listed["answers"]}
    drawn: list[Drawn] = draw(
        seed, strata, n=n, fewest_of_each=plan.fewest_of_each if plan.strata_field else 0
    )
    document = draw_document(
        population_digest=population.answers_id, size=checkpoint.size, root=root, seed=seed, n=n, drawn=drawn
    )
    return SampleDraw(
        population=population,
        checkpoint=checkpoint,
        seed=seed,
        n=n,
        drawn=[each.as_list() for each in drawn],
        digest=digest_of(document),
        drawn_by=actor,
        created_at=clock.now(),
    )


def _ask_people(plan: SamplingPlan, answers: list[str], actor: str) -> None:
    """Open a task for each answer drawn that has none and that people can still judge."""
    now = clock.now()
    traces = find_traces(plan, answers)
    for trace in (traces[answer] for answer in answers if answer in traces):
        if trace.payload_salt is not None and find_later_revision(trace) is None:
            open_review_task(trace=trace, reason=SAMPLING, actor=actor, asked_at=now)


def _plan_of(principal: Principal, system: System, draft: PlanDraft) -> SamplingPlan:
    plan = SamplingPlan(
        system=system,
        release=draft.release,
        risk_tier=draft.risk_tier,
        period_from=draft.period_from,
        period_to=draft.period_to,
        strata_field=draft.strata_field,
        fewest_of_each=draft.fewest_of_each,
        tolerable_rate=draft.tolerable_rate,
        confidence=draft.confidence,
        expected_exceptions=draft.expected_exceptions,
        made_by=principal.actor,
        created_at=clock.now(),
    )
    plan.digest = digest_of(document_of(plan))
    return plan


def _check_draft(system: System, draft: PlanDraft) -> None:
    if draft.release is not None and draft.release.system_id != system.pk:
        raise InvalidInput(
            worded("The release %(release_name)s is of another system.", release_name=draft.release.name)
        )
    if draft.risk_tier and draft.risk_tier not in [tier.value for tier in RiskTier]:
        raise InvalidInput(worded("There is no risk tier %(risk_tier)s.", risk_tier=repr(draft.risk_tier)))
    if draft.strata_field not in SamplingPlan.Strata.values:
        raise InvalidInput(
            worded("Answers have no strata by %(strata_field)s.", strata_field=repr(draft.strata_field))
        )
    if not draft.period_from < draft.period_to:
        raise InvalidInput(worded("A period begins before it ends."))
    if draft.period_to <= clock.now():
        raise InvalidInput(
            worded(
                "This period is over: a plan is on record before its period ends. Let it end at a time to come."
            )
        )
    _check_numbers(draft)


def _check_numbers(draft: PlanDraft) -> None:
    if not 0 < draft.tolerable_rate < 1:
        raise InvalidInput(worded("The tolerable rate lies between 0 and 1, as 0.05."))
    if not LOWEST_CONFIDENCE <= draft.confidence < 1:
        raise InvalidInput(
            worded(
                "The confidence is %(lowest_confidence)s or more and below 1, as 0.95.",
                lowest_confidence=LOWEST_CONFIDENCE,
            )
        )
    if not 0 <= draft.fewest_of_each <= MOST_OF_EACH:
        raise InvalidInput(
            worded(
                "Of each stratum 0 to %(most_of_each)s answers are drawn at least.", most_of_each=MOST_OF_EACH
            )
        )
    if not 0 <= draft.expected_exceptions <= MOST_DRAWN:
        raise InvalidInput(
            worded("0 to %(most_drawn)s exceptions may be expected.", most_drawn=f"{MOST_DRAWN:,}")
        )
    _check_size(draft)


def _check_size(draft: PlanDraft) -> None:
    """See that people can judge what a plan draws, from as many answers as there may be."""
    of_strata = _MOST_STRATA[draft.strata_field] * draft.fewest_of_each
    if not is_enough(
        _LARGEST,
        MOST_DRAWN - of_strata,
        tolerable=Fraction(draft.tolerable_rate),
        confidence=Fraction(draft.confidence),
        expected=draft.expected_exceptions,
    ):
        besides = (
            worded(", %(count)s of them kept for its strata", count=f"{of_strata:,}") if of_strata else ""
        )
        raise InvalidInput(
            worded(
                "A sample has at most %(most_drawn)s answers%(besides)s, and people would have to judge "
                "more: tolerate a higher rate, ask for less confidence, expect fewer exceptions, or "
                "draw fewer of each stratum.",
                most_drawn=f"{MOST_DRAWN:,}",
                besides=besides,
            )
        )
