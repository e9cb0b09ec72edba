"""The runs of a file that was read, stored as rows: all of them or none, each with its audit event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import connection, transaction

from evidence import clock
from evidence.evals.contracts import VersionClaim
from evidence.evals.gathering import Gathered
from evidence.evals.measurements import Said
from evidence.locks import Lock, hold
from evidence.models import (
    ArtefactKind,
    ArtefactVersion,
    Blob,
    EvalRemark,
    EvalRun,
    EvalScore,
    EvalTotal,
    Reject,
    Release,
    System,
)
from evidence.models.base import LABEL_LENGTH
from evidence.services import audit, blobs
from evidence.services.evals.claimed_versions import ROLES, ensure_claimed_version
from evidence.services.evals.posted_before import find_earlier
from evidence.services.evals.posting import PostedFile
from evidence.services.evals.reading import PARSER_VERSION, ReadRun
from evidence.services.evals.run_rows import reject_rows, remark_rows, score_rows, total_rows
from evidence.services.evals.sample_rows import COPY_SAMPLES, SampleRows

_BATCH: Final = 1000  # rows of one INSERT


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """A stored run, and whether this call stored it."""

    run: EvalRun
    created: bool


@dataclass(frozen=True, slots=True)
class _Stored:
    """A file that was kept: its runs were all received then."""

    blob: Blob
    received_at: datetime


@transaction.atomic
def store_runs(
    system: System,
    releases: Mapping[str, Release],
    runs: list[ReadRun],
    posted: PostedFile,
    media_type: str,
    actor: str,
) -> list[RecordedRun]:
    for key in sorted({posted.digest, *(str(run.said.run_key) for run in runs)}):
        hold(Lock.EVAL_RUN, system.pk, key)  # two equal posts at once become one run
    found = [(run, find_earlier(system, run, releases, posted)) for run in runs]
    if all(earlier is not None for _, earlier in found):
        return [RecordedRun(earlier, created=False) for _, earlier in found if earlier is not None]
    blob = blobs.store_blob_file(posted.path, digest=posted.digest, media_type=media_type)
    stored = _Stored(blob, clock.now())
    return [
        RecordedRun(earlier, created=False)
        if earlier is not None
        else RecordedRun(_store_run(system, releases, run, stored, actor), created=True)
        for run, earlier in found
    ]


def _store_run(
    system: System, releases: Mapping[str, Release], read: ReadRun, file: _Stored, actor: str
) -> EvalRun:
    run = EvalRun.objects.create(
        system=system,
        release=releases[read.said.release] if read.said.release else None,
        format=read.format,
        parser_version=PARSER_VERSION,
        raw=file.blob,
        received_at=file.received_at,
        posted_by=actor,
        measurement=read.measurement,
        said_by_poster=list(read.by_poster) or None,
        **_head_columns(read.said, system, actor),
    )
    _copy_samples(run, read.rows)
    gathered = read.gathered
    scores = score_rows(run, read.scores, _judges(gathered, system, actor))
    EvalScore.objects.bulk_create(scores, batch_size=_BATCH)
    EvalTotal.objects.bulk_create(total_rows(run, gathered), batch_size=_BATCH)
    EvalRemark.objects.bulk_create(remark_rows(run, gathered), batch_size=_BATCH)
    Reject.objects.bulk_create(reject_rows(run, gathered), batch_size=_BATCH)
    audit.record(
        verb="eval_run.recorded",
        actor=actor,
        obj=run,
        system=system,
        digest=file.blob.digest,
        payload={
            "run_key": run.run_key,
            "n_samples": len(gathered.samples),
            "n_rejected": len(gathered.rejects),
        },
    )
    return run


def _copy_samples(run: EvalRun, rows: SampleRows) -> None:
    # psycopg's own errors are turned into Django's, so that callers see one kind.
    with connection.cursor() as cursor, connection.wrap_database_errors, cursor.copy(COPY_SAMPLES) as copy:
        for piece in rows.of_run(run):
            copy.write(piece)


def _head_columns(said: Said, system: System, actor: str) -> dict[str, Any]:
    versions = {
        role: ensure_claimed_version(system=system, kind=kind, claim=getattr(said, role), actor=actor)
        for role, kind in ROLES.items()
    }
    return {
        "run_key": said.run_key,
        **versions,
        "model": said.model.key[:LABEL_LENGTH] if said.model else "",
        "model_digest": (said.model.digest if said.model else None) or "",
        "status": said.status,
        "commit": said.commit or "",
        "dirty": said.dirty,
        "ci_url": said.ci_url or "",
        "seeds": dict(said.seeds) or None,
        "observed_from": said.observed_from,
        "observed_to": said.observed_to,
        "collected_at": said.collected_at,
    }


def _judges(gathered: Gathered, system: System, actor: str) -> dict[VersionClaim, ArtefactVersion]:
    """Return the version of each judge that a metric names."""
    claims = dict.fromkeys(spec.judge for spec in gathered.metrics.values() if spec.judge)
    return {
        claim: ensure_claimed_version(system=system, kind=ArtefactKind.JUDGE, claim=claim, actor=actor)
        for claim in claims
    }
