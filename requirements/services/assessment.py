"""Assessments: a criterion judged for a release as of a time, from stored facts alone.

No interpretability table and no evidence item is read here, so nothing mechanistic can turn a verdict to met.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypedDict

from django.db import transaction

from evidence import clock
from evidence.access import Principal
from evidence.clock import AsOf
from evidence.digests import digest_of
from evidence.gate_reasons import CriterionTold
from evidence.locks import Lock, hold
from evidence.models import Release, System
from evidence.replay import Replay
from evidence.selectors.registrations import say_unregistered, unregistered_pins
from evidence.services import audit
from evidence.services.gates import CriterionFinding, CriterionReference
from evidence.vocabulary import CriterionVerdict
from evidence.worded import worded
from requirements import acts
from requirements.bounds import fault_in_threshold
from requirements.checks import Check, Measured, Obstacle, Population, known_checks
from requirements.drafts import Comparator
from requirements.errors import RequirementNotFound
from requirements.freshness import oldest_allowed
from requirements.models import AcceptanceCriterion, Assessment, RequirementState, RequirementVersion
from requirements.selectors.requirements import approved_versions, baseline_versions, find_version, state_of
from requirements.selectors.tried_releases import tell_tries
from requirements.telling import tell, tell_unmeasured
from requirements.verdicts import (
    Judgement,
    Rule,
    judge,
    judge_growing,
    misses,
    short_of,
    without_approval,
    worst,
)

# 2: traces that were set aside count against a pass; 3: so do versions that a release pins and nobody registered;
# 4: independent units, all that is missing, and `not_met` by the favourable bound; 5: units of very unequal size, and
# whole items where it is missing which ones; 6: traces at all looks together, and units that fail as they are large
# 7: digests of fixed size, stored parameters looked at, and a stale verdict with the numbers it was stale of; 9: of
# parts that are as bad, the one that misses the threshold is told; 10: what few units show at most, of slices that are
# not known the one furthest from it, and of several parts one fails only with its own share of alpha; 11: what a judge
# shows at most by few labelled units, and how many more units would settle it by the rule
ENGINE_VERSION: Final = "assess/11"


class SliceResult(TypedDict):
    """One slice of a criterion, measured and judged, as `Assessment.slices` and the binder hold it."""

    where: dict[str, str]
    value: float | None
    n: int
    n_units: int
    low: float | None
    high: float | None
    bound_confidence: float
    unit: str
    observed_from: str | None
    observed_to: str | None
    verdict: str
    detail: str


@dataclass(frozen=True, slots=True)
class Assessed:
    """A criterion judged, before it is stored."""

    judgement: Judgement
    whole: Measured | None  # None where no check could be run
    slices: tuple[SliceResult, ...]
    inputs: dict[str, Any]
    code_version: str
    told: CriterionTold

    @property
    def inputs_digest(self) -> str:
        """SHA-256 over everything the verdict was drawn from."""
        return digest_of(self.inputs)


@transaction.atomic
def assess(*, criterion: AcceptanceCriterion, release: Release, as_of: AsOf, actor: str) -> Assessment:
    """Judge one criterion and store the assessment, unless the last one was drawn from the same facts.

    Whether the actor may ask was decided where it was asked: `assess_release`, or a gate.

    Args:
        as_of: what was not on record then is not seen.
    """
    return _store(
        evaluate(criterion=criterion, release=release, as_of=as_of), criterion, release, as_of, actor
    )


@transaction.atomic
def _store(
    judged: Assessed, criterion: AcceptanceCriterion, release: Release, as_of: AsOf, actor: str
) -> Assessment:
    """Store what was judged, unless the last assessment was drawn from the same facts."""
    # Two equal assessments at once become one row, unless the one as of earlier comes second.
    hold(Lock.ASSESSMENT, criterion.pk, release.pk)
    last = (
        Assessment.objects.filter(criterion=criterion, release=release, as_of__lte=as_of.at)
        .order_by("-as_of", "-pk")
        .first()
    )
    rests_on = {
        "inputs_digest": judged.inputs_digest,
        "code_version": judged.code_version,
        "counts_reviews": _counts_reviews(criterion),
    }
    if last is not None and all(getattr(last, name) == value for name, value in rests_on.items()):
        return last
    assessment = Assessment.objects.create(
        criterion=criterion,
        release=release,
        as_of=as_of.at,
        **(_columns(judged, criterion) | rests_on),
    )
    audit.record(
        verb="criterion.assessed",
        actor=actor,
        obj=assessment,
        system=release.system,
        digest=assessment.inputs_digest,
        payload={"verdict": assessment.verdict},
    )
    return assessment


def assess_release(
    *, principal: Principal, release: Release, versions: Sequence[RequirementVersion], as_of: AsOf
) -> list[Assessment]:
    """Assess every criterion of these requirement versions, in the order of their keys.

    Raises:
        AccessDenied, NotFound: as `acts.check_can_assess` does.
    """
    criteria = list(
        AcceptanceCriterion.objects.filter(version__in=versions)
        .select_related("version__requirement__system", "artefact_version")
        .order_by("version__requirement__key", "version__number", "key")
    )
    acts.check_can_assess(principal, release, counts_reviews=any(map(_counts_reviews, criteria)))
    actor = principal.actor
    return [assess(criterion=each, release=release, as_of=as_of, actor=actor) for each in criteria]


def evaluate(*, criterion: AcceptanceCriterion, release: Release, as_of: AsOf) -> Assessed:
    """Judge one criterion from stored facts, and store nothing."""
    check = known_checks().get(criterion.check_name)
    base = {
        "criterion": criterion.artefact_version.digest,
        "requirement": criterion.version.artefact_version.digest,
        "release": release.digest,
    }
    if check is None:
        return _not_assessed(
            base, "no_check", f"this version of the product has no check {criterion.check_name!r}"
        )
    if release.system_id != criterion.version.requirement.system_id:
        return _not_assessed(base, "unresolved", "the criterion and the release belong to different systems")
    fault = check.fault_in(criterion.parameters) or fault_in_threshold(criterion.threshold, criterion.unit)
    if fault is not None:
        return _not_assessed(
            base, "bad_parameters", f"the check {check.name} does not take what is stored: {fault}"
        )
    wheres: list[dict[str, str]] = [{}, *criterion.slices]
    unregistered = unregistered_pins(release, as_of)
    obstacles = (Obstacle("pin_unregistered", say_unregistered(unregistered)),) if unregistered else ()
    whole = Population(release.system_id, release.pk, as_of, since=None)
    parts = [
        _judge_part(criterion, check, replace(whole, where=where), obstacles, len(wheres)) for where in wheres
    ]
    rule = _rule(criterion)
    # Of parts that are as bad, one that misses the threshold is told, whatever keeps it from counting; of those of
    # which too little is known, the one that has furthest to go: settling a nearer one would settle nothing.
    judgement = worst(
        part.judgement
        for part in sorted(
            parts, key=lambda part: (not misses(rule, part.measured), -short_of(rule, part.measured))
        )
    )
    deciding = next(part for part in parts if part.judgement is judgement)
    told = tell(rule, deciding.measured, judgement, deciding.where)
    if deciding.where:
        judgement = replace(judgement, detail=f"in {_named(deciding.where)}: {judgement.detail}")
    return Assessed(
        judgement=judgement,
        whole=parts[0].shows,
        slices=tuple(part.shown() for part in parts[1:]),
        inputs={**base, "measured": [part.inputs() for part in parts]},
        code_version=f"{ENGINE_VERSION}+{check.name}/{check.version}",
        told=told,
    )


def _not_assessed(inputs: dict[str, Any], code: str, detail: str) -> Assessed:
    judgement = Judgement(CriterionVerdict.NOT_ASSESSED, detail, code)
    return Assessed(judgement, None, (), inputs, ENGINE_VERSION, tell_unmeasured(judgement))


def replay_assessment(assessment: Assessment) -> Replay:
    """Judge again as of the time of a stored assessment."""
    judged = evaluate(
        criterion=assessment.criterion, release=assessment.release, as_of=clock.as_of(assessment.as_of)
    )
    return Replay(
        kind="assessment",
        ref=str(assessment.pk),
        stored_verdict=assessment.verdict,
        replayed_verdict=judged.judgement.verdict,
        stored_inputs=assessment.inputs_digest,
        replayed_inputs=judged.inputs_digest,
        stored_code=assessment.code_version,
        current_code=judged.code_version,
    )


def assess_for_gate(
    *,
    system: System,
    references: Sequence[CriterionReference],
    release: Release,
    as_of: AsOf,
    actor: str,
    store: bool,
) -> list[CriterionFinding]:
    """Answer a gate: one finding for each criterion it refers to, and one for each reference that leads nowhere.

    Only approved requirement versions count. With `store` false nothing is written, for replays.
    """
    resolved: list[tuple[CriterionReference, list[AcceptanceCriterion] | str]] = []
    for reference in references:
        try:
            resolved.append((reference, _resolve(system, reference, as_of)))
        except RequirementNotFound as exc:
            resolved.append((reference, str(exc)))
    wanted = {each.pk: each for _, found in resolved if not isinstance(found, str) for each in found}
    # In the order of their keys, so that two gates that lock the same criteria cannot wait for each other.
    judged = {pk: _finding(wanted[pk], release, as_of, actor, store=store) for pk in sorted(wanted)}
    measured = [each for pk, each in wanted.items() if _is_measured(judged[pk])]
    for pk, tried in tell_tries(measured, release, as_of).items():
        judged[pk] = replace(judged[pk], tried=tried)
    findings: dict[object, CriterionFinding] = {}
    for reference, found in resolved:
        if isinstance(found, str):
            findings[reference] = _unresolved(reference, found)
        else:
            findings.update({each.pk: judged[each.pk] for each in found})
    return list(findings.values())


def _resolve(system: System, reference: CriterionReference, as_of: AsOf) -> list[AcceptanceCriterion]:
    if reference.baseline:
        versions = list(baseline_versions(system, reference.baseline, as_of))
    elif reference.version is not None:
        versions = [find_version(system, reference.requirement, reference.version, as_of=as_of)]
    else:
        versions = [v for v in approved_versions(system, as_of) if v.requirement.key == reference.requirement]
        if not versions:
            raise RequirementNotFound(
                worded(
                    "no version of requirement %(requirement)s is approved",
                    requirement=repr(reference.requirement),
                )
            )
    criteria = AcceptanceCriterion.objects.filter(version__in=versions)
    if reference.criterion:
        criteria = criteria.filter(key=reference.criterion)
    listed = list(
        criteria.select_related(
            "version__requirement__system", "version__artefact_version", "artefact_version"
        ).order_by("version__requirement__key", "key")
    )
    if not listed:
        raise RequirementNotFound(worded("%(reference)s names no criterion", reference=reference))
    return listed


def _finding(
    criterion: AcceptanceCriterion, release: Release, as_of: AsOf, actor: str, *, store: bool
) -> CriterionFinding:
    judged = evaluate(criterion=criterion, release=release, as_of=as_of)
    if store:
        _store(judged, criterion, release, as_of, actor)
    counts, told = judged.judgement, judged.told
    state = state_of(criterion.version, as_of)
    if state is not RequirementState.APPROVED:
        counts = without_approval(counts, str(criterion.version), state.value)
    if counts is not judged.judgement:
        told = {**told, "code": counts.code, "would_settle": tell_unmeasured(counts)["would_settle"]}
    return CriterionFinding(
        criterion=str(criterion),
        requirement=str(criterion.version),
        verdict=counts.verdict,
        detail=counts.detail,
        inputs_digest=judged.inputs_digest,
        code_version=judged.code_version,
        counts_reviews=_counts_reviews(criterion),
        told=told,
    )


def _is_measured(finding: CriterionFinding) -> bool:
    numbers = finding.told["measured"] if finding.told else None
    return numbers is not None and numbers["value"] is not None


def _counts_reviews(criterion: AcceptanceCriterion) -> bool:
    check = known_checks().get(criterion.check_name)
    return check is not None and not {"Review", "Adjudication"}.isdisjoint(check.reads)


def _unresolved(reference: CriterionReference, why: str) -> CriterionFinding:
    return CriterionFinding(
        criterion=str(reference),
        requirement=reference.requirement or reference.baseline,
        verdict=CriterionVerdict.NOT_ASSESSED,
        detail=why,
        inputs_digest="",
        code_version=ENGINE_VERSION,
        counts_reviews=False,
        told=tell_unmeasured(Judgement(CriterionVerdict.NOT_ASSESSED, why, "unresolved")),
    )


@dataclass(frozen=True, slots=True)
class _Part:
    """The whole, or one slice, measured and judged."""

    where: dict[str, str]
    recent: Measured
    ever: Measured | None  # without an age limit; None: there is none
    measured: Measured  # that of the two which is judged
    judgement: Judgement

    @property
    def shows(self) -> Measured:
        """What was measured, of the age that counts; of what is stale, what it is stale of."""
        is_stale = self.judgement.verdict is CriterionVerdict.STALE
        return self.ever if is_stale and self.ever is not None else self.measured

    def inputs(self) -> dict[str, Any]:
        ever = None if self.ever is None else {"n": self.ever.n, "inputs": dict(self.ever.inputs)}
        recent = {
            "inputs": dict(self.recent.inputs),
            "obstacles": [str(each) for each in self.recent.obstacles],
        }
        return {"where": self.where, "recent": recent, "ever": ever}

    def shown(self) -> SliceResult:
        measured = self.shows
        return {
            "where": self.where,
            "value": measured.value,
            "n": measured.n,
            "n_units": measured.n_units,
            "low": measured.low,
            "high": measured.high,
            "bound_confidence": measured.bound_confidence,
            "unit": measured.unit,
            "observed_from": measured.observed_from.isoformat() if measured.observed_from else None,
            "observed_to": measured.observed_to.isoformat() if measured.observed_to else None,
            "verdict": self.judgement.verdict.value,
            "detail": self.judgement.detail,
        }


def _judge_part(
    criterion: AcceptanceCriterion,
    check: Check,
    population: Population,
    obstacles: tuple[str, ...],
    n_parts: int,
) -> _Part:
    """Measure and judge the whole or a slice of it.

    One part that fails fails the criterion, and of many parts one fails by chance. So a part that fails has to fail
    with the share of alpha that is its own (Bonferroni), else too little is known of it.
    """
    confidence = criterion.bound_confidence
    part = _judge_at(criterion, check, population, obstacles, confidence)
    if n_parts == 1 or part.judgement.verdict is not CriterionVerdict.NOT_MET:
        return part
    surely = _judge_at(criterion, check, population, obstacles, 1 - (1 - confidence) / n_parts)
    return part if surely.judgement.verdict is CriterionVerdict.NOT_MET else surely


def _judge_at(
    criterion: AcceptanceCriterion,
    check: Check,
    population: Population,
    obstacles: tuple[str, ...],
    confidence: float,
) -> _Part:
    """Measure and judge one part; with obstacles, of the release itself, it is no pass whatever its value."""
    age, where = criterion.max_age_days, dict(population.where)
    since = None if age is None else oldest_allowed(population.as_of.at, age)
    recently = replace(population, since=since)
    recent = check.measure(recently, criterion.parameters, confidence)
    recent = replace(recent, obstacles=(*recent.obstacles, *obstacles))
    ever = None
    if since is not None:
        ever = check.measure(population, criterion.parameters, confidence)
        ever = replace(ever, obstacles=(*ever.obstacles, *obstacles))
    if check.grows and ever is not None:
        return _Part(where, recent, ever, ever, judge_growing(_rule(criterion), ever, recent))
    return _Part(where, recent, ever, recent, judge(_rule(criterion), recent, ever))


def _rule(criterion: AcceptanceCriterion) -> Rule:
    return Rule(Comparator(criterion.comparator), criterion.threshold, criterion.unit, criterion.min_n)


def _columns(judged: Assessed, criterion: AcceptanceCriterion) -> dict[str, Any]:
    whole = judged.whole
    return {
        "verdict": judged.judgement.verdict,
        "detail": judged.judgement.detail,
        "value": whole.value if whole else None,
        "unit": (whole.unit if whole else "") or criterion.unit,
        "direction": whole.direction if whole else "",
        "n": whole.n if whole else 0,
        "low": whole.low if whole else None,
        "high": whole.high if whole else None,
        "bound_confidence": whole.bound_confidence if whole else criterion.bound_confidence,
        "observed_from": whole.observed_from if whole else None,
        "observed_to": whole.observed_to if whole else None,
        "slices": list(judged.slices),
        "inputs": judged.inputs,
        "inputs_digest": judged.inputs_digest,
        "code_version": judged.code_version,
    }


def _named(where: dict[str, str]) -> str:
    return ", ".join(f"{dimension}={value}" for dimension, value in sorted(where.items()))
