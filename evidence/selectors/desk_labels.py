"""What a reviewer said at the desk of answers that a judge scored, as labels: by a mapping that is the same for all.

A sample names the trace it scored. It is taken where the reviewer judged that trace as it is now, where the sample
holds no other text than the trace answered, and where the answer has all the reviews that were asked for: what is said
of one that is open is not there to be read yet, and a label would tell it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.contrib.auth.models import User
from django.db.models import Count

from evidence.actors import actor_of_user
from evidence.errors import InvalidInput
from evidence.evals.contracts import Direction, ScoreStatus
from evidence.models import (
    ClaimJudgement,
    EvalRun,
    EvalSample,
    EvalScore,
    Label,
    LabelSet,
    Review,
    ReviewTask,
)
from evidence.selectors.review_tasks import with_standing
from evidence.worded import joined, worded

MadeFrom = LabelSet.MadeFrom
# What each word is worth; None: the person cannot tell, which counts against the release.
OF_DECISIONS: Final[Mapping[str, float | None]] = {
    Review.Decision.APPROVE.value: 1.0,
    Review.Decision.OVERRIDE.value: 0.0,
    Review.Decision.REJECT.value: 0.0,
    Review.Decision.ESCALATE.value: None,
}
# Of an answer: the mean over its claims, once all are judged; None where one cannot be told.
OF_CLAIMS: Final[Mapping[str, float | None]] = {
    ClaimJudgement.Judgement.STANDS.value: 1.0,
    ClaimJudgement.Judgement.DOES_NOT_STAND.value: 0.0,
    ClaimJudgement.Judgement.CANNOT_TELL.value: None,
}
MAPPINGS: Final[Mapping[str, Mapping[str, float | None]]] = {
    MadeFrom.DECISIONS.value: OF_DECISIONS,
    MadeFrom.CLAIMS.value: OF_CLAIMS,
}


def labels_from_reviews(run: EvalRun, metric: str, person: User, made_from: str) -> dict[str, float | None]:
    """Return what a person's reviews are worth as labels, by sample; without what they labelled on a sheet.

    All of their reviews are taken, whatever they say: none is picked.

    Args:
        made_from: a key of `MAPPINGS`.

    Raises:
        InvalidInput: there is no such mapping, or the metric is no share of which more is better: a mapping says what
            an answer that stands is worth.
    """
    if made_from not in MAPPINGS:
        raise InvalidInput(
            worded(
                "Labels are made from %(sources)s, not from %(given)s.",
                sources=joined(MAPPINGS, worded(" or ")),
                given=repr(made_from),
            )
        )
    score = EvalScore.objects.filter(run=run, metric=metric, slice={}, judge__isnull=False).first()
    if score is None or score.unit != "share" or score.direction != Direction.HIGHER:
        raise InvalidInput(
            worded(
                "%(metric)s is no share that a judge gave, with more being better: what is said at "
                "the desk is one.",
                metric=repr(metric),
            )
        )
    samples = list(
        EvalSample.objects.filter(
            run=run, metric=metric, status=ScoreStatus.SCORED, trace_id__isnull=False
        ).values_list("sample_id", "trace_id", "output")
    )
    worth = _worth_of_traces(run, person, made_from, {trace_id for _, trace_id, _ in samples})
    by_sheet = Label.objects.filter(
        label_set__run=run, metric=metric, label_set__labelled_by=actor_of_user(person),
        label_set__made_from=MadeFrom.SHEET,
    )  # fmt: skip
    labelled = set(by_sheet.values_list("sample_id", flat=True))
    return {
        sample_id: worth[trace_id][1]
        for sample_id, trace_id, output in samples
        if trace_id in worth and sample_id not in labelled and _is_answer(output, worth[trace_id][0])
    }


def _is_answer(output: str, answer: str) -> bool:
    return not output.strip() or output.split() == answer.split()


def _worth_of_traces(
    run: EvalRun, person: User, made_from: str, trace_ids: set[Any]
) -> dict[Any, tuple[str, float | None]]:
    """Return of each answer that the person judged, as it is now, its text and what they say it is worth."""
    reviews = (
        Review.objects.filter(
            reviewer=person,
            task__in=with_standing(ReviewTask.objects.filter(trace__trace_id__in=trace_ids))
            .filter(system=run.system_id, is_open=False, is_superseded=False)
            .values("pk"),
        )
        .annotate(n_claims=Count("task__trace__claims"))
        .values_list("pk", "decision", "n_claims", "task__trace__trace_id", "task__trace__answer")
    )
    said = _said_of_claims([pk for pk, *_ in reviews]) if made_from == MadeFrom.CLAIMS else {}
    found: dict[Any, tuple[str, float | None]] = {}
    for pk, decision, n_claims, trace_id, answer in reviews:
        if made_from == MadeFrom.DECISIONS:
            found[trace_id] = (answer, OF_DECISIONS[decision])
        elif len(said.get(pk, ())) == n_claims > 0:
            found[trace_id] = (answer, _mean(said[pk]))
    return found


def _said_of_claims(reviews: list[int]) -> dict[int, list[float | None]]:
    found: dict[int, list[float | None]] = {}
    rows = ClaimJudgement.objects.filter(review__in=reviews).values_list("review_id", "judgement")
    for review, judgement in rows:
        found.setdefault(review, []).append(OF_CLAIMS[judgement])
    return found


def _mean(values: list[float | None]) -> float | None:
    told = [value for value in values if value is not None]
    return sum(told) / len(values) if len(told) == len(values) else None
