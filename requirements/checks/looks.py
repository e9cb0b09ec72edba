"""Which look at its question a run of a suite is. Whoever runs a suite again until it passes sees it pass by luck.

A question is a suite and a metric, at the digests of what was asked: of what the release pins, so that another name
for it, or for a slot of it, begins no new count, and of suite, evaluator, dataset and model. Each run that has a score
of the metric is a look, whether it ended, counts or was retracted since: somebody saw how it came out. The same file
again is the same look, and each measurement in it is one of its own. Where people's labels correct a judge, a run is as
many looks as its labels had states that were enough. The judge is no part of the question: what was seen by one was
seen. How looks share alpha, `evidence.statistics.looks` says.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

from django.db.models import Exists, OuterRef, Q, QuerySet

from evidence.clock import AsOf
from evidence.digests import digest_of
from evidence.gate_reasons import LookTold
from evidence.models import EvalRun, EvalScore, Release
from evidence.selectors.releases import releases_alike
from evidence.statistics.looks import Look, LookPlan, allow_look, evidence_digest, question_digest
from requirements.checks.contracts import Obstacle, Population
from requirements.checks.deciding_runs import ROLES
from requirements.checks.judges import label_states

_NAMED: Final = 20  # earlier looks that are named, the last ones


def find_look(
    run: EvalRun, plan: LookPlan, parameters: Mapping[str, object], population: Population
) -> LookTold | None:
    """Return which look the run is; None where it has no score of the metric, and so is none."""
    metric = str(parameters["metric"])
    received = list(_looks_up_to(run, metric, population.as_of))
    if run.run_key not in {each.run_key for each in received}:
        return None
    question = _question_of(run, metric)
    seen = [state for each in received for state in _states_of(each, parameters, population)]
    looks = [Look(question, evidence) for _, evidence in seen]
    allowed = allow_look([plan], looks[:-1], looks[-1])
    return {
        "question": question,
        "number": allowed.number,
        "planned": allowed.planned,
        "alpha": allowed.alpha,
        "earlier": [name for name, evidence in seen if evidence != seen[-1][1]][-_NAMED:],
    }


def _states_of(
    run: EvalRun, parameters: Mapping[str, object], population: Population
) -> list[tuple[str, str]]:
    """Return how often a run was a look: the name and the evidence of each, the last being how it stands."""
    labels, file = label_states(run, population, parameters), evidence_of(run)
    if len(labels) <= 1:
        return [(run.run_key, evidence_digest([*file, *labels]))]
    return [
        (f"{run.run_key} with labels {number}", evidence_digest([*file, state]))
        for number, state in enumerate(labels, start=1)
    ]


def evidence_of(run: EvalRun) -> list[str]:
    """Return the digests of what a run is read from: its file, and which measurement in it, where it holds several."""
    return [run.raw_id, *([digest_of(run.measurement)] if run.measurement else [])]


def beyond_plan(look: LookTold | None) -> tuple[Obstacle, ...]:
    """Say that a look may spend nothing, where it is one more than was planned."""
    if look is None or look["alpha"] is not None:
        return ()
    earlier = look["earlier"]
    named = ", ".join(earlier) + (" and others" if look["number"] > _NAMED + 1 else "")
    sentence = (
        f"it is look {look['number']} at this metric on these pinned versions, and the criterion plans "
        f"{look['planned']}; earlier looks: {named}"
    )
    return (Obstacle("beyond_plan", sentence),)


def _looks_up_to(run: EvalRun, metric: str, as_of: AsOf) -> QuerySet[EvalRun]:
    """Return the looks at the question of a run, in the order they were received; last the run itself, if it is one."""
    looks = scored_runs(_release_of(run), metric, as_of, like=run).filter(
        Q(received_at__lt=run.received_at) | Q(received_at=run.received_at, pk__lte=run.pk),
        model_digest=run.model_digest,
    )
    return looks.order_by("received_at", "pk")


def scored_runs(release: Release, metric: str, as_of: AsOf, *, like: EvalRun) -> QuerySet[EvalRun]:
    """Return the runs that have a score of a metric, on a release or another that pins the same.

    Args:
        like: measured with the suite, evaluator and dataset, whatever they are called, that it was measured with.
    """
    scored = EvalScore.objects.filter(run=OuterRef("pk"), metric=metric, slice={}, value__isnull=False)
    return EvalRun.objects.filter(
        Exists(scored),
        as_of.knew("received_at"),
        system_id=like.system_id,
        release__in=releases_alike(release),
        **{f"{role}__digest": getattr(like, role).digest for role in ROLES},
    )


def _question_of(run: EvalRun, metric: str) -> str:
    first = releases_alike(_release_of(run)).order_by("pk")[:1].get()
    pins = {first.digest, *(getattr(run, role).digest for role in ROLES)}
    return question_digest({"metric": metric}, pins | ({run.model_digest} if run.model_digest else set()))


def _release_of(run: EvalRun) -> Release:
    return cast("Release", run.release)  # a run decides for the release it is of
