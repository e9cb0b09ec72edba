"""A metric that a judge gave: which judge, whether it may count, and what people's labels make of its scores.

Labels are of the answers of the run that decides, because other answers are worth something else. Those of people who
built the release, or posted the run, are left out where the criterion asks for it (`independent: [labels]`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, cast

from evidence.actors import person_behind
from evidence.digests import digest_of
from evidence.evals.contracts import SHARE
from evidence.evals.corrected import (
    Answer,
    Labelled,
    agreement_with,
    draw,
    estimate_corrected,
    take_labels,
)
from evidence.gate_reasons import JudgeTold
from evidence.models import ArtefactVersion, EvalRun, EvalScore, Release
from evidence.selectors.builders import builders_of
from evidence.selectors.labels import Said, labels_of, newest_labels, seed_of
from evidence.statistics import Estimate, two_sided
from evidence.statistics.judged import FEWEST_LABELS, Agreement, Calibration
from evidence.statistics.numerics import nearest
from requirements.checks.contracts import Obstacle, Population
from requirements.checks.deciding_runs import registered_among, version_obstacles
from requirements.checks.parameters import optional
from requirements.checks.samples import Counted, count_samples

UNCORRECTABLE: Final = "uncorrectable"
CORRECTED: Final = "corrected_by_people"  # the parameter that demands it

CORRECTED_BY_PEOPLE: Final = optional(
    {
        "type": "object",
        "properties": {
            "min_labels": {
                "type": "integer",
                "minimum": FEWEST_LABELS,
                "description": "how many independent units people must have labelled, in the order they are drawn",
            },
            "min_kappa": {
                "type": "number",
                "minimum": 0,
                "exclusiveMaximum": 1,
                "description": "what the lower bound of Cohen's kappa, of judge and people, must reach",
            },
        },
        "required": ["min_labels"],
        "additionalProperties": False,
        "description": "judged is what people would say: the judge's scores, corrected by their labels of some answers",
    }
)


@dataclass(frozen=True, slots=True)
class JudgedMetric:
    """What is to be said of the judge of a metric."""

    told: JudgeTold | None  # None: no judge gave it
    estimate: Estimate | None  # corrected; None unless the criterion asks for it and there are labels enough
    obstacles: tuple[Obstacle, ...]
    inputs: dict[str, object]  # for the digest; empty where nothing was read


def judge_metric(
    run: EvalRun,
    score: EvalScore,
    counted: Counted,
    population: Population,
    parameters: Mapping[str, object],
    bound_confidence: float,
) -> JudgedMetric:
    """Return what the judge of a metric, and people's labels, make of it.

    Args:
        score: of the metric over the whole run.
        counted: its samples, in the slice that is measured.
    """
    demanded, judge = cast("Mapping[str, float] | None", parameters.get(CORRECTED)), score.judge
    if judge is None:
        return JudgedMetric(None, None, tuple(_no_judge(run, parameters)), {})
    is_registered = bool(registered_among([judge], population))
    wanted = parameters.get("judge")
    obstacles = list(version_obstacles("judge", judge, run, wanted, is_registered=is_registered))
    said = _heard(run, population, parameters)
    newest, confidence = newest_labels(said), two_sided(bound_confidence)
    labelled = take_labels(_draw(run, counted), newest)
    is_share = score.unit == SHARE and parameters.get("percentile") is None
    is_correctable = is_share and not counted.is_mostly_missing
    estimate = estimate_corrected(labelled, confidence) if is_correctable else None
    agreement = agreement_with(labelled, confidence)
    state = _state(labelled, estimate, is_correctable=is_correctable)
    if demanded is not None:
        obstacles += _unmet(demanded, state, labelled, agreement)
    people = {person for each in labelled.counting for person in newest.get(each.sample_id, ())}
    told = _tell(judge, state, counted, labelled, len(people), estimate, agreement)
    told["decides"] = demanded is not None and estimate is not None
    sets = sorted({each.set_digest for each in said})
    inputs: dict[str, object] = {"judge": judge.digest, "labels": told["labels"], "label_sets": sets}
    return JudgedMetric(told, estimate if told["decides"] else None, tuple(obstacles), {"judge": inputs})


def label_states(run: EvalRun, population: Population, parameters: Mapping[str, object]) -> list[str]:
    """Return a digest of each state of the labels of a run that could be looked at, in their order.

    That is each that is different from the one before, once there are as many labels as the criterion asks for: whoever
    labels on until a gate passes, has looked each time.
    """
    demanded = cast("Mapping[str, float] | None", parameters.get(CORRECTED))
    said = _heard(run, population, parameters) if demanded is not None else []
    if demanded is None or not said:
        return []
    drawn = _draw(run, count_samples(run, replace(population, where={}), parameters))
    states: list[str] = []
    for last in dict.fromkeys(each.label_set for each in said):
        labelled = take_labels(drawn, newest_labels([each for each in said if each.label_set <= last]))
        if labelled.n_units >= demanded["min_labels"] and [_digest(labelled)] != states[-1:]:
            states.append(_digest(labelled))
    return states


def _heard(run: EvalRun, population: Population, parameters: Mapping[str, object]) -> list[Said]:
    """Return the labels that count, of people who are independent where that is demanded."""
    said = labels_of(run, str(parameters["metric"]), population.as_of)
    if "labels" not in cast("Sequence[str]", parameters.get("independent", ())) or not said:
        return said
    builders = builders_of(Release.objects.get(pk=population.release_id), population.as_of)
    involved = builders | {person_behind(run.posted_by)}
    heard = {actor for actor in {each.person for each in said} if person_behind(actor) not in involved}
    return [each for each in said if each.person in heard]


def _draw(run: EvalRun, counted: Counted) -> list[Answer]:
    answers = [Answer(sample_id, each.unit, each.value) for sample_id, each in counted.by_id.items()]
    # Where more is missing than is there, nothing is corrected: a file may say that a thousand million are.
    alone_missing = 0 if counted.is_mostly_missing else counted.alone_missing
    return draw(seed_of(run), answers, alone_missing=alone_missing)


def _digest(labelled: Labelled) -> str:
    """Return the digest of the labels that count."""
    said: dict[str, list[Any]] = {
        answer.sample_id: sorted(answer.labels, key=lambda label: (label is None, label))
        for answer in labelled.counting
        if answer.labels
    }
    return digest_of(said)


def _state(labelled: Labelled, estimate: Estimate | None, *, is_correctable: bool) -> str:
    if not is_correctable:
        return UNCORRECTABLE
    if estimate is not None:
        return Calibration.CALIBRATED
    return Calibration.TOO_FEW_LABELS if labelled.pairs else Calibration.UNCALIBRATED


def _no_judge(run: EvalRun, parameters: Mapping[str, object]) -> Iterator[Obstacle]:
    if CORRECTED in parameters or "judge" in parameters:
        yield Obstacle("judge_absent", f"run {run} does not say which judge gave {parameters['metric']}")


def _unmet(
    demanded: Mapping[str, float], state: str, labelled: Labelled, agreement: Agreement | None
) -> Iterator[Obstacle]:
    """Say why people's labels do not carry the metric, though the criterion demands that they do."""
    n, needed = labelled.n_units, demanded["min_labels"]
    ahead = (
        f"; {labelled.n_out_of_order} more are labelled ahead of their turn"
        if labelled.n_out_of_order
        else ""
    )
    if state == UNCORRECTABLE:
        yield Obstacle(
            "judge_uncorrectable",
            "a judge is corrected where the metric is a mean of shares, and no more is missing than is there: not here",
        )
    elif state == Calibration.UNCALIBRATED:
        yield Obstacle("judge_uncalibrated", f"nobody labelled the answers that are drawn first{ahead}")
    elif n < needed:
        yield Obstacle("too_few_labels", f"people labelled {n} units, {needed} are asked for{ahead}")
    elif "min_kappa" in demanded:
        low = agreement.kappa_low if agreement else None
        if low is None or low < demanded["min_kappa"]:
            seen = "unknown" if low is None else f"{low:.3g}"
            sentence = f"kappa of judge and people is at least {seen}, {demanded['min_kappa']:g} is asked for"
            yield Obstacle("agreement_too_low", sentence)


def _tell(
    judge: ArtefactVersion,
    state: str,
    counted: Counted,
    labelled: Labelled,
    n_people: int,
    estimate: Estimate | None,
    agreement: Agreement | None,
) -> JudgeTold:
    scores = [each.value for each in counted.observed if each.value is not None]
    kappa = (agreement.kappa, agreement.kappa_low, agreement.kappa_high) if agreement else (None, None, None)
    rounded = [None if each is None else nearest(each) for each in kappa]
    return {
        "judge": str(judge),
        "digest": judge.digest,
        "state": str(state),
        "decides": False,
        "raw": nearest(sum(scores) / len(scores)) if scores else None,
        "value": estimate.value if estimate else None,
        "low": estimate.low if estimate else None,
        "high": estimate.high if estimate else None,
        "n_labels": len(labelled.pairs),
        "n_units": labelled.n_units,
        "n_people": n_people,
        "n_out_of_order": labelled.n_out_of_order,
        "agreeing": nearest(agreement.share.value) if agreement else None,
        "kappa": rounded[0],
        "kappa_low": rounded[1],
        "kappa_high": rounded[2],
        "labels": _digest(labelled),
    }
