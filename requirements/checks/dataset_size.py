"""Whether the run that decides had less of its dataset than another run had: what was left out is where it fails.

How many items a dataset has is said by the file (`dataset.samples`), and whoever leaves it out, or says a smaller
number, has a few easy items stand for all. The same version of a dataset has the same items, whoever runs it.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Exists, F, OuterRef

from evidence.clock import AsOf
from evidence.evals.observations import item_of
from evidence.models import EvalRun, EvalSample, EvalScore, Retraction
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
    """Return the run with most samples of one metric, by its key; of those with as many, the first."""
    retracted = Retraction.objects.filter(as_of.knew("created_at"), run=OuterRef("run"))
    scores = EvalScore.objects.filter(
        as_of.knew("received_at", of="run__"),
        ~Exists(retracted),
        run__system_id=run.system_id,
        run__suite_id=run.suite_id,
        run__dataset_id=run.dataset_id,
        slice={},
    )
    sized = scores.annotate(size=F("n") + F("n_unscored") + F("n_error")).order_by("-size", "run")
    return sized.values_list("run", flat=True).first()


def _count_items(run: int) -> int:
    samples = EvalSample.objects.filter(run=run).values_list("sample_id", flat=True).distinct()
    return len({item_of(sample_id) for sample_id in samples})
