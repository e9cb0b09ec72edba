"""Labels: what people say of answers that a judge scored. Nothing is changed: a new set says otherwise."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db import transaction

from evidence import acts
from evidence.access import Principal
from evidence.digests import digest_of
from evidence.errors import MOST_FAULTS, ConflictingContent, Fault, InvalidInput
from evidence.limits import check_count
from evidence.locks import Lock, hold
from evidence.models import EvalRun, EvalSample, EvalScore, Label, LabelSet
from evidence.nearest import hint_at, nearest_name
from evidence.selectors.desk_labels import MAPPINGS, labels_from_reviews
from evidence.services import audit
from evidence.worded import Worded, worded

_SHARE = "share"  # the unit whose values lie in [0, 1]


@dataclass(frozen=True, slots=True)
class LabelDraft:
    """What a person says of one answer."""

    sample_id: str
    metric: str
    value: float | None  # in the metric's unit; None: they cannot tell


@transaction.atomic
def record_labels(
    *,
    principal: Principal,
    run: EvalRun,
    labels: Sequence[LabelDraft],
    made_from: str = LabelSet.MadeFrom.SHEET,
) -> LabelSet:
    """Store what one person says of answers of a run; of each answer, their newest label counts.

    What they said last, sent again, is answered with the set on record.

    Args:
        made_from: a `LabelSet.MadeFrom`.

    Raises:
        AccessDenied, NotFound, ConflictingContent: as `acts.check_can_label` does.
        InvalidInput: no label, two of one answer, an answer or metric that the run does not have, a metric that no
            judge gave, or a value that its unit does not have.
    """
    hold(Lock.EVAL_RUN, run.system_id, run.run_key)
    acts.check_can_label(principal, run)
    check_count(len(labels), "EVAL_MAX_SAMPLES", worded("The labels of a set"))
    faults = list(_faults(run, labels))
    if faults:
        raise InvalidInput(faults=faults[:MOST_FAULTS])
    digest = _digest(run, labels)
    own = LabelSet.objects.filter(run=run, labelled_by=principal.actor, made_from=made_from)
    last = own.order_by("-pk").first()
    if last is not None and last.digest == digest:
        return last
    stored = LabelSet.objects.create(run=run, digest=digest, labelled_by=principal.actor, made_from=made_from)
    Label.objects.bulk_create(
        Label(label_set=stored, sample_id=each.sample_id, metric=each.metric, value=each.value)
        for each in labels
    )
    audit.record(
        verb="labels.recorded",
        actor=principal.actor,
        obj=stored,
        system=run.system,
        digest=digest,
        payload={
            "run_key": run.run_key,
            "n_labels": len(labels),
            **({"made_from": made_from, "mapping": MAPPINGS[made_from]} if made_from in MAPPINGS else {}),
        },
    )
    return stored


@transaction.atomic
def record_labels_from_reviews(
    *, principal: Principal, run: EvalRun, metric: str, made_from: str
) -> LabelSet:
    """Store what a reviewer said at the desk of answers of a run as their labels of it: all of it, and nobody else's.

    They count as labels do: in the order in which the sheet draws the answers. What they labelled on a sheet stays.
    Asked again, with nothing more judged, it answers with the set on record.

    Raises:
        AccessDenied, NotFound, ConflictingContent: as `acts.check_can_label` does.
        ConflictingContent: they judged none of the run's answers; or labels of this metric were made from reviews
            before, by the other mapping: whoever comes second does not choose.
        InvalidInput: as `desk_labels.labels_from_reviews` does.
    """
    hold(Lock.EVAL_RUN, run.system_id, run.run_key)
    acts.check_can_label(principal, run)
    found = labels_from_reviews(run, metric, principal.person, made_from)
    other = LabelSet.objects.filter(run=run, labels__metric=metric, made_from__in=MAPPINGS)
    if other.exclude(made_from=made_from).exists():
        raise ConflictingContent(
            worded(
                "Labels of %(metric)s were made of reviews by another mapping, which holds for this "
                "run: take that one.",
                metric=metric,
            )
        )
    if not found:
        raise ConflictingContent(
            worded(
                "At the desk you judged no answer of run %(run_key)s that a label could be made from.",
                run_key=run.run_key,
            )
        )
    drafts = [LabelDraft(sample, metric, value) for sample, value in sorted(found.items())]
    return record_labels(principal=principal, run=run, labels=drafts, made_from=made_from)


def _digest(run: EvalRun, labels: Sequence[LabelDraft]) -> str:
    said = sorted(([each.metric, each.sample_id, each.value] for each in labels), key=lambda one: one[:2])
    return digest_of({"run": run.raw_id, "labels": said})


def _faults(run: EvalRun, labels: Sequence[LabelDraft]) -> Iterator[Fault]:
    """Say of each label what is wrong with it."""
    if not labels:
        yield Fault("body", "labels", "empty", worded("labels: name at least one answer"))
    judged = dict(
        EvalScore.objects.filter(run=run, slice={}, judge__isnull=False).values_list("metric", "unit")
    )
    samples = EvalSample.objects.filter(run=run, metric__in={each.metric for each in labels})
    known = set(samples.values_list("metric", "sample_id"))
    seen: set[tuple[str, str]] = set()
    for index, each in enumerate(labels):
        answer = (each.metric, each.sample_id)
        if each.metric not in judged:
            hint = hint_at(nearest_name(each.metric, judged))
            yield _fault(
                index,
                "metric",
                "not_judged",
                worded("no judge gave %(metric)s here; %(hint)s", metric=repr(each.metric), hint=hint),
            )
        elif answer not in known:
            yield _fault(
                index,
                "sample",
                "unknown_sample",
                worded(
                    "no sample %(sample)s of the run has %(metric)s",
                    sample=repr(each.sample_id),
                    metric=each.metric,
                ),
            )
        elif answer in seen:
            yield _fault(index, "sample", "labelled_twice", worded("it is labelled above, too"))
        elif not _fits(each.value, judged[each.metric]):
            yield _fault(index, "value", "out_of_range", worded("a share lies between 0 and 1"))
        seen.add(answer)


def _fault(index: int, field: str, code: str, why: Worded) -> Fault:
    place = f"labels[{index}].{field}"
    return Fault("body", place, code, worded("%(path)s: %(fault)s", path=place, fault=why))


def _fits(value: float | None, unit: str) -> bool:
    return value is None or (math.isfinite(value) and (unit != _SHARE or 0 <= value <= 1))
