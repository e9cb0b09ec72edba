"""What people said of the answers of a run, and in which order the answers are to be labelled."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef, Q, QuerySet

from evidence.actors import actors_of
from evidence.clock import AsOf
from evidence.evals.contracts import ScoreStatus
from evidence.evals.corrected import drawn_order
from evidence.models import EvalRun, EvalSample, EvalScore, GoldTask, Label, LabelSet, Retraction
from evidence.selectors.desk_labels import MAPPINGS
from evidence.selectors.review_tasks import tasks_waiting_for


@dataclass(frozen=True, slots=True)
class Said:
    """One label, and the set it came in."""

    label_set: int
    set_digest: str
    person: str
    sample_id: str
    value: float | None  # None: the person cannot tell


def seed_of(run: EvalRun) -> str:
    """Return what the order of a run's answers is drawn by: its file, and our clock's time, which no sender chose."""
    return f"{run.raw_id} {run.received_at.isoformat()}"


def labels_of(run: EvalRun, metric: str, as_of: AsOf | None = None) -> list[Said]:
    """Return what was said of a run under a metric, in the order in which it was sent.

    Args:
        as_of: what was on record then; None: whatever is.
    """
    known = as_of.knew("created_at", of="label_set__") if as_of else Q()
    rows = Label.objects.filter(known, label_set__run=run, metric=metric).order_by("label_set_id", "pk")
    columns = ("label_set_id", "label_set__digest", "label_set__labelled_by", "sample_id", "value")
    return [Said(*row) for row in rows.values_list(*columns)]


def newest_labels(said: Collection[Said]) -> Mapping[str, Mapping[str, float | None]]:
    """Return the newest label of each person by answer: {sample id: {person: value}}."""
    found: dict[str, dict[str, float | None]] = {}
    for each in said:
        found.setdefault(each.sample_id, {})[each.person] = each.value
    return found


def judged_metrics(run: EvalRun) -> list[str]:
    """Return the metrics of a run that a judge gave, sorted."""
    scores = EvalScore.objects.filter(run=run, slice={}, judge__isnull=False)
    return sorted(scores.values_list("metric", flat=True))


def draw_sheet(run: EvalRun, metric: str, person: str, count: int) -> Sequence[EvalSample]:
    """Return the answers that a person is to label next under a metric, in the order in which they are drawn.

    Args:
        person: whose labels are on record already.
        count: how many answers at most.
    """
    scored = EvalSample.objects.filter(run=run, metric=metric, status=ScoreStatus.SCORED)
    mine = {each.sample_id for each in labels_of(run, metric) if each.person == person}
    waiting = [name for name in scored.values_list("sample_id", flat=True) if name not in mine]
    drawn = drawn_order(seed_of(run), waiting)[:count]
    found = {sample.sample_id: sample for sample in scored.filter(sample_id__in=drawn)}
    return [found[name] for name in drawn]


def labels_shown_to(rows: QuerySet[Any], reviewer: User) -> QuerySet[Any]:
    """Leave out what others say of answers that a reviewer may still label: it would lead them."""
    return rows.exclude(_is_kept_from(reviewer) | _tells_of_gold(reviewer))


def label_sets_shown_to(rows: QuerySet[Any], reviewer: User) -> QuerySet[Any]:
    """Leave out sets with a label that is kept from a reviewer: the digest of a small one tells what it says."""
    return rows.exclude(
        Exists(
            Label.objects.filter(_is_kept_from(reviewer) | _tells_of_gold(reviewer), label_set=OuterRef("pk"))
        )
    )


def _tells_of_gold(reviewer: User) -> Q:
    """Return the condition that a label was made at the desk, of an answer that is open to a reviewer as gold.

    Of an answer that really waits there is none.
    """
    given = GoldTask.objects.filter(reviewer=reviewer).values("task__trace__trace_id")
    samples = EvalSample.objects.filter(
        run=OuterRef("label_set__run"), sample_id=OuterRef("sample_id"), trace_id__in=given
    )
    return ~Q(label_set__made_from=LabelSet.MadeFrom.SHEET) & Q(Exists(samples))


def _is_kept_from(reviewer: User) -> Q:
    """Return the condition that a label is another's, and would lead a reviewer.

    It is of an answer that they may label and have not, or was made from what a colleague said at the desk of an answer
    that waits for them there: as it does again when late spans gave it a later revision.
    """
    mine = actors_of(reviewer)
    said = Label.objects.filter(
        label_set__run=OuterRef("label_set__run"),
        metric=OuterRef("metric"),
        sample_id=OuterRef("sample_id"),
        label_set__labelled_by__in=mine,
    )
    retracted = Retraction.objects.filter(run=OuterRef("label_set__run"))
    is_theirs_to_label = ~Q(label_set__run__release__created_by__in=mine) & ~Exists(said) & ~Exists(retracted)
    is_from_desk = Q(label_set__made_from__in=MAPPINGS) & Exists(_samples_to_judge(reviewer))
    return ~Q(label_set__labelled_by__in=mine) & Q(is_theirs_to_label | is_from_desk)


def _samples_to_judge(reviewer: User) -> QuerySet[EvalSample]:
    """Return the sample of a label, where its trace is an answer that waits for a reviewer at the desk."""
    waiting = tasks_waiting_for(reviewer).filter(
        system=OuterRef("run__system"), trace__trace_id=OuterRef("trace_id")
    )
    of_label = EvalSample.objects.filter(
        run=OuterRef("label_set__run"), metric=OuterRef("metric"), sample_id=OuterRef("sample_id")
    )
    return of_label.filter(Exists(waiting))
