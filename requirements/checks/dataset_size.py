"""Whether the run that decides had less of its dataset than another run had: what was left out is where it fails.

How many items a dataset has is said by the file (`dataset.samples`), and whoever leaves it out, or says a smaller
number, has a few easy items stand for all. The same version of a dataset has the same items, whoever runs it.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Exists, F, OuterRef

from evidence.clock import AsOf
from evidence.evals.observations import count_attempts
from evidence.models import EvalRun, EvalSample, EvalScore, Reject, Retraction
from evidence.vocabulary import ABSENT, RejectSource
from requirements.checks.contracts import Obstacle


def less_than_others(run: EvalRun, *, lost: int, as_of: AsOf) -> Iterator[Obstacle]:
    """Say where another run of the suite on the same version of the dataset had more items.

    Args:
        lost: samples that were rejected or are absent by the run's own plan, which are counted there.
    """
    largest = _largest_run(run, as_of)
    if largest is None or largest == run.pk:
        return
    ours, theirs = _count_items(run.pk), _count_items(largest)
    if theirs > ours + lost:
        other = EvalRun.objects.values_list("run_key", flat=True).get(pk=largest)
        sentence = (
            f"run {run} has {ours} items, and run {other} has {theirs} of the same version of the dataset"
        )
        yield Obstacle("dataset_smaller", sentence)


def _largest_run(run: EvalRun, as_of: AsOf) -> int | None:
    """Return the run with most samples of one metric, by its key; of those with as many, the first.

    A run with more items than it says that the dataset has tells nothing of the dataset.
    """
    larger_than_it_says = Reject.objects.filter(
        system_id=OuterRef("run__system_id"),
        source=RejectSource.EVAL_SAMPLE,
        source_ref=OuterRef("run__run_key"),
        code=ABSENT,
        item__beyond__gt=0,
    )
    retracted = Retraction.objects.filter(as_of.knew("created_at"), run=OuterRef("run"))
    scores = EvalScore.objects.filter(
        as_of.knew("received_at", of="run__"),
        ~Exists(retracted),
        ~Exists(larger_than_it_says),
        run__system_id=run.system_id,
        run__suite_id=run.suite_id,
        run__dataset_id=run.dataset_id,
        slice={},
    )
    sized = scores.annotate(size=F("n") + F("n_unscored") + F("n_error")).order_by("-size", "run")
    return sized.values_list("run", flat=True).first()


def _count_items(run: int) -> int:
    return len(
        count_attempts(EvalSample.objects.filter(run=run).values_list("sample_id", "slice").distinct())
    )
