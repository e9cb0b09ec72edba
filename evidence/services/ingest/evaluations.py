"""`gen_ai.evaluation.result` events as samples of eval runs.

Live traffic has no run of its own, so the events of one metric of one system on one UTC day form a run. An event
keeps its digest as its sample id: the same event again finds itself there and changes nothing. Suite, evaluator and
dataset are versions by label, unregistered until somebody vouches for them. No aggregate is made here: live samples
are no controlled run, and no gate counts them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from evidence.digests import digest_of
from evidence.models import ArtefactKind, ArtefactVersion, Blob, DigestBasis, EvalRun, EvalSample, System
from evidence.otlp.records import EvaluationRecord
from evidence.services import audit
from evidence.services.registry import ensure_version

FORMAT: Final = "otlp.gen_ai.evaluation/1"
PARSER_VERSION: Final = "1"
_SUITE: Final = "gen_ai.evaluation"
_DATASET: Final = "live-traffic"
_KEY_CHARACTERS: Final = 150  # of a metric's name in a run key, which holds 200


def store_evaluations(
    events: Sequence[tuple[System, EvaluationRecord]], *, raw: Blob, received_at: datetime, actor: str
) -> int:
    """Store the events as samples, inside the caller's transaction. Returns how many were new.

    Args:
        raw: the body they came in; the run keeps the first one, each batch keeps its own.
        received_at: our clock, UTC.
    """
    by_run: dict[tuple[System, str, datetime], list[EvaluationRecord]] = defaultdict(list)
    for system, event in events:
        observed = datetime.fromtimestamp(event.observed_ns // 1_000_000_000, tz=UTC)
        day = observed.replace(hour=0, minute=0, second=0)
        by_run[system, event.name[:_KEY_CHARACTERS], day].append(event)
    n_new = 0
    for (system, metric, day), members in sorted(
        by_run.items(), key=lambda item: (item[0][0].pk, *item[0][1:])
    ):
        run, opened = _ensure_run(system, metric, day, raw=raw, received_at=received_at, actor=actor)
        added = _add_samples(run, metric, members)
        if added and not opened:
            audit.record(
                verb="eval_run.extended", actor=actor, obj=run, system=system, digest=raw.digest,
                payload={"n_samples": added},
            )  # fmt: skip
        n_new += added
    return n_new


def _ensure_run(
    system: System, metric: str, day: datetime, *, raw: Blob, received_at: datetime, actor: str
) -> tuple[EvalRun, bool]:
    """Return the run of a metric's day, and whether it was opened now."""
    run, created = EvalRun.objects.get_or_create(
        system=system,
        run_key=f"otlp:{day:%Y-%m-%d}:{metric}",
        defaults={
            "format": FORMAT,
            "parser_version": PARSER_VERSION,
            "raw": raw,
            "suite": _ensure_label(system, ArtefactKind.SUITE, _SUITE, actor),
            "evaluator": _ensure_label(system, ArtefactKind.EVALUATOR, metric, actor),
            "dataset": _ensure_label(system, ArtefactKind.DATASET, _DATASET, actor),
            "status": EvalRun.Status.SUCCESS,
            "observed_from": day,
            "observed_to": day + timedelta(days=1),
            "collected_at": received_at,
            "received_at": received_at,
            "posted_by": actor,
        },
    )
    if created:
        audit.record(verb="eval_run.opened", actor=actor, obj=run, system=system, digest=raw.digest)
    return run, created


def _ensure_label(system: System, kind: ArtefactKind, key: str, actor: str) -> ArtefactVersion:
    """Return the version that stands for a thing of which only the name was told."""
    digest = digest_of({"kind": kind.value, "key": key, "label": FORMAT})
    return ensure_version(
        system=system, kind=kind, key=key, label=FORMAT, digest=digest, basis=DigestBasis.LABEL, actor=actor
    )


def _add_samples(run: EvalRun, metric: str, events: Sequence[EvaluationRecord]) -> int:
    """Add what is not there; a concurrent sender of the same event makes the caller look again."""
    present = set(
        run.samples.filter(metric=metric, sample_id__in=[event.digest for event in events]).values_list(
            "sample_id", flat=True
        )
    )
    new = {event.digest: event for event in events if event.digest not in present}
    EvalSample.objects.bulk_create(_make_sample(run, metric, event) for event in new.values())
    return len(new)


def _make_sample(run: EvalRun, metric: str, event: EvaluationRecord) -> EvalSample:
    if event.error_type:
        status, value = EvalSample.Status.ERROR, None
    elif event.score_value is None:
        status, value = EvalSample.Status.UNSCORED, None
    else:
        status, value = EvalSample.Status.SCORED, event.score_value
    return EvalSample(
        run=run,
        sample_id=event.digest,
        metric=metric,
        slice={"score_label": event.score_label} if event.score_label else {},
        status=status,
        value=value,
        explanation=event.explanation or event.error_type or "",
        trace_id=event.trace_id,
    )
