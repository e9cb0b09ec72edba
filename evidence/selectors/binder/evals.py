"""Eval runs on the release: scores as we computed them, and every sample. A retracted run stays, marked.

A retraction names who asked for it and who confirmed it; one that waits for a second person is told beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from django.db.models import QuerySet

from evidence.binder.files import BinderFile, json_file, json_lines_file
from evidence.binder.paths import file_stem
from evidence.models import EvalRemark, EvalRun, EvalSample, EvalScore, EvalTotal, Label, LabelSet, Retraction
from evidence.selectors.binder.scope import BinderScope, moment, plain, read_by_keyset, version_reference
from evidence.selectors.retractions import waiting_retractions


def eval_files(scope: BinderScope) -> Iterator[BinderFile]:
    """Yield two files a run: the run with its scores, and its samples."""
    for run in read_by_keyset(eval_runs_in_scope(scope)):
        yield json_file(
            eval_run_path(run),
            _run(scope, run),
            title=f"Eval run {run.run_key} / 评估运行",
            schema="eval-run",
        )
        yield json_lines_file(
            eval_run_path(run).removesuffix(".json") + ".samples.jsonl",
            partial(_samples, scope, run),
            title=f"Samples of eval run {run.run_key} / 评估样本",
            schema="eval-sample",
            population=f"samples-of-{run.pk}",
        )


def eval_runs_in_scope(scope: BinderScope) -> QuerySet[EvalRun]:
    """Return the release's runs that had been received at `as_of`, retracted ones included."""
    return EvalRun.objects.filter(
        scope.as_of.knew("received_at"), system=scope.system, release=scope.release
    ).select_related("raw", "release", "suite__artefact", "evaluator__artefact", "dataset__artefact")


def eval_run_path(run: EvalRun) -> str:
    """Return where a run is in the binder."""
    return f"evals/{run.pk}-{file_stem(run.run_key)}.json"


def _run(scope: BinderScope, run: EvalRun) -> dict[str, object]:
    scores = EvalScore.objects.filter(run=run).select_related("judge__artefact").order_by("pk")
    label_sets = LabelSet.objects.filter(scope.as_of.knew("created_at"), run=run).order_by("pk")
    return {
        "id": str(run.pk),
        "runKey": run.run_key,
        "status": run.status,
        "format": run.format,
        "suite": version_reference(run.suite, slot="suite"),
        "evaluator": version_reference(run.evaluator, slot="evaluator"),
        "dataset": version_reference(run.dataset, slot="dataset"),
        "model": {"digest": run.model_digest, **({"key": run.model} if run.model else {})},
        "release": run.release.name if run.release else None,
        "commit": run.commit,
        "observedFrom": moment(run.observed_from),
        "observedTo": moment(run.observed_to),
        "collectedAt": moment(run.collected_at),
        "receivedAt": moment(run.received_at),
        "validUntil": moment(run.valid_until),
        "digest": run.raw.digest,
        "postedBy": run.posted_by,
        "parserVersion": run.parser_version,
        "retractions": _retractions(scope, run),
        "retractionRequests": _retraction_requests(scope, run),
        "labelSets": [_label_set(each) for each in label_sets],
        "scores": [_score(score) for score in scores],
        **_beside_the_samples(run),
    }


def _beside_the_samples(run: EvalRun) -> dict[str, object]:
    """Return what runner and poster said of a run; nothing of what neither did, as of runs before they were asked."""
    remarks = EvalRemark.objects.filter(run=run).order_by("pk")
    totals = EvalTotal.objects.filter(run=run).order_by("pk")
    told: dict[str, object] = {
        "measurement": run.measurement,
        "ciUrl": run.ci_url,
        "seeds": run.seeds,
        "saidByPoster": run.said_by_poster,
        "remarks": [
            {
                "code": each.code,
                "detail": each.detail,
                **({"sample": each.sample_id} if each.sample_id else {}),
            }
            for each in remarks
        ],
        "totals": [_total(each) for each in totals],
    }
    dirty = {} if run.dirty is None else {"dirty": run.dirty}
    return {name: value for name, value in told.items() if value} | dirty


def _total(total: EvalTotal) -> dict[str, object]:
    return {
        "metric": total.metric,
        "name": total.name,
        "reducer": total.reducer,
        "stated": total.stated,
        "statedN": total.stated_n,
        "computed": total.computed,
        "differs": total.differs,
    }


def _retractions(scope: BinderScope, run: EvalRun) -> list[dict[str, object]]:
    rows = Retraction.objects.filter(scope.as_of.knew("created_at"), run=run).order_by("pk")
    return [
        {
            "reason": row.reason,
            "by": row.retracted_by,
            "confirmedBy": row.confirmed_by,
            "at": moment(row.created_at),
        }
        for row in rows
    ]


def _retraction_requests(scope: BinderScope, run: EvalRun) -> list[dict[str, object]]:
    """Return the requests that wait for a second person; the run still counts."""
    rows = waiting_retractions(scope.as_of).filter(run=run)
    return [{"reason": row.reason, "by": row.requested_by, "at": moment(row.created_at)} for row in rows]


def _label_set(label_set: LabelSet) -> dict[str, object]:
    """Return what one person said of answers of the run at once."""
    labels = Label.objects.filter(label_set=label_set).order_by("pk")
    return {
        "by": label_set.labelled_by,
        "at": moment(label_set.created_at),
        "digest": label_set.digest,
        "labels": [{"sample": each.sample_id, "metric": each.metric, "value": each.value} for each in labels],
    }


def _score(score: EvalScore) -> dict[str, object]:
    return {
        "metric": score.metric,
        **({"judge": version_reference(score.judge, slot="judge")} if score.judge else {}),
        "slice": plain(score.slice),
        "value": score.value,
        "n": score.n,
        "nUnscored": score.n_unscored,
        "nError": score.n_error,
        "stderr": score.stderr,
        "low": score.low,
        "high": score.high,
        "confidence": score.confidence,
        "intervalMethod": score.interval_method,
        "direction": score.direction,
        "unit": score.unit,
    }


def _samples(scope: BinderScope, run: EvalRun) -> Iterator[dict[str, object]]:
    for sample in read_by_keyset(EvalSample.objects.filter(scope.as_of.knew(), run=run)):
        yield {
            "run": str(run.pk),
            "sample": sample.sample_id,
            "metric": sample.metric,
            "slice": plain(sample.slice),
            "status": sample.status,
            "value": sample.value,
            "explanation": sample.explanation,
            "input": sample.input,
            "output": sample.output,
            "target": sample.target,
            "traceId": sample.trace_id.hex if sample.trace_id else None,
        }
