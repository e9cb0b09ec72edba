"""Eval runs: the file as it came, its samples, and the aggregates we computed from them.

A file is read once, before anything is stored; a file of several measurements becomes as many runs, all or none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

from django.conf import settings
from django.db import connection, transaction

from evidence import acts, clock
from evidence.access import Principal
from evidence.digests import digest_of
from evidence.errors import ConflictingContent, EvidenceError, Fault, InvalidInput
from evidence.evals.aggregate import AggregateScore
from evidence.evals.completing import Gap, complete, missing_in
from evidence.evals.contracts import EvalFileError, RunStatus, VersionClaim
from evidence.evals.gathering import Bounds, Gathered, TooManySamples, gather
from evidence.evals.measurements import Measurement, Said
from evidence.evals.registry import EVAL_FORMATS, broken, open_eval_file
from evidence.evals.sources import Source, UnpackLimits
from evidence.limits import excess
from evidence.locks import Lock, hold
from evidence.models import (
    ArtefactKind,
    ArtefactVersion,
    Blob,
    DigestBasis,
    EvalRemark,
    EvalRun,
    EvalScore,
    EvalTotal,
    Reject,
    Release,
    System,
)
from evidence.models.base import LABEL_LENGTH
from evidence.services import audit, blobs, registry
from evidence.services.evals.posting import PostedFile, posted_file
from evidence.services.evals.run_rows import aggregate_of, reject_rows, remark_rows, score_rows, total_rows
from evidence.services.evals.sample_rows import COPY_SAMPLES, SampleRows
from evidence.strict_json import read_json
from evidence.vocabulary import RejectSource

PARSER_VERSION: Final = (
    # 2: unknown fields are refused; 3: units, and what is missing, in the intervals;
    # 4: what is absent, by item; judges; 5: files of other runners
    "evals/5"
)
CLOCK_SKEW: Final = timedelta(minutes=5)  # how far the runner's clock may run ahead of ours
_BATCH: Final = 1000  # rows of one INSERT
_ROLES: Final = {
    "suite": ArtefactKind.SUITE,
    "evaluator": ArtefactKind.EVALUATOR,
    "dataset": ArtefactKind.DATASET,
}


class EvalFileRefused(EvidenceError):
    """The file as a whole cannot be read; its bytes and the refusal are kept in the reject ledger."""

    code: ClassVar[str] = "eval_file_refused"
    http_status: ClassVar[int] = 422
    title: ClassVar[str] = "The eval file cannot be read"

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems

    def members(self) -> dict[str, object]:
        """What the problem document carries beside its detail."""
        return {
            "errors": [Fault("body", "", "eval_file_refused", problem).as_dict() for problem in self.problems]
        }


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """A stored run, and whether this call stored it."""

    run: EvalRun
    created: bool


@dataclass(frozen=True, slots=True)
class _ReadRun:
    """One measurement of a file, read to its end and not stored yet."""

    measurement: str  # its key
    format: str
    said: Said
    of_runner: str | None  # the runner's own id of the run
    by_poster: tuple[str, ...]
    gathered: Gathered
    scores: list[AggregateScore]
    rows: SampleRows


@dataclass(frozen=True, slots=True)
class _Stored:
    """A file that was kept: its runs were all received then."""

    blob: Blob
    received_at: datetime


def record_eval_run(
    *, principal: Principal, system: System, raw: bytes, format_name: str, release: str | None = None
) -> RecordedRun:
    """Store one eval file that is in memory and holds one measurement; as `record_eval_file`."""
    with posted_file([raw]) as posted:
        recorded = record_eval_file(
            principal=principal,
            system=system,
            posted=posted,
            format_name=format_name,
            poster=Said(system=system.key, release=release),
        )
    return recorded[0]


def record_eval_file(
    *, principal: Principal, system: System, posted: PostedFile, format_name: str | None, poster: Said
) -> list[RecordedRun]:
    """Store one eval file; the same file again returns the first rows.

    The file is read before anything is stored. Samples that are malformed go to the reject ledger one by one;
    aggregates are computed from the rest, by metric and slice.

    Args:
        posted: the file; kept by digest, and moved away.
        format_name: of `EVAL_FORMATS`; None: the file is looked at.
        poster: what its poster says of each run in it.

    Raises:
        AccessDenied, NotFound: as `acts.check_can_record_eval_run` does.
        EvalFileRefused: the file as a whole cannot be read; all faults at once.
        InvalidInput: nobody says something that a run has to say, or file and poster say it differently, or the file is
            about the future.
        NotFound: the system has no release of that name.
        ConflictingContent: the run key already brought another file.
    """
    acts.check_can_record_eval_run(principal, system)
    poster = replace(poster, system=system.key)
    with ExitStack() as spools:
        try:
            format_read, runs = _read(posted, format_name, poster, spools)
        except EvalFileError as exc:
            _keep_refused(system, posted, format_name, exc.problems, poster, principal.actor)
            raise EvalFileRefused(exc.problems) from exc
        named = {run.said.release for run in runs if run.said.release}
        releases = {each: registry.find_release(system, each) for each in sorted(named)}
        return _store(system, releases, runs, posted, EVAL_FORMATS[format_read].media_type, principal.actor)


def ensure_claimed_version(
    *, system: System, kind: ArtefactKind, claim: VersionClaim, actor: str
) -> ArtefactVersion:
    """Return the version a runner says it used. It is not vouched for by this: `registry.register_version` does.

    Where only a label is given the digest is over kind, key and label, so that even this version has an identity.
    """
    return registry.ensure_version(
        system=system,
        kind=kind,
        key=claim.key,
        label=claim.label or "",
        digest=_digest_of(kind, claim),
        basis=DigestBasis.CONTENT if claim.digest is not None else DigestBasis.LABEL,
        actor=actor,
    )


def _digest_of(kind: ArtefactKind, claim: VersionClaim) -> str:
    return claim.digest or digest_of({"kind": kind.value, "key": claim.key, "label": claim.label})


# --- Reading ---------------------------------------------------------------------------------------------------
def _read(
    posted: PostedFile, format_name: str | None, poster: Said, spools: ExitStack
) -> tuple[str, list[_ReadRun]]:
    spools.enter_context(blobs.blob_store())
    stream = spools.enter_context(posted.path.open("rb"))
    opened = open_eval_file(Source(stream, posted.name, posted.size, _unpack_limits()), format_name, poster)
    runs: list[_ReadRun] = []
    for measurement in opened.measurements:
        run = _read_measurement(measurement, posted, poster, opened.format_name, spools)
        if any(run.said.run_key == other.said.run_key for other in runs):
            raise EvalFileError([f"two measurements in the file are called {run.measurement!r}"])
        runs.append(run)
    if not runs:
        raise EvalFileError(["the file holds no measurement"])
    return opened.format_name, runs


def _read_measurement(
    measurement: Measurement, posted: PostedFile, poster: Said, format_name: str, spools: ExitStack
) -> _ReadRun:
    completed = complete(measurement.said, poster)
    needs = [] if format_name == "native" else missing_in(completed.said)
    _refuse([*completed.conflicts, *needs])
    said = _settled(completed.said, measurement, posted)
    rows = spools.enter_context(SampleRows())
    bounds = Bounds(settings.EVAL_MAX_SAMPLES, settings.EVAL_MAX_REMARKS, settings.EVAL_MAX_SLICE_VALUES)
    try:
        gathered = gather(measurement, said, bounds, rows.add)
    except TooManySamples as exc:
        raise EvalFileError([f"samples: {excess(exc.count, 'EVAL_MAX_SAMPLES')}"]) from exc
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as exc:
        raise exc if isinstance(exc, EvalFileError) else broken(format_name, exc) from exc
    _name_judge(gathered, said.judge)
    _check_size(gathered)
    return _ReadRun(
        measurement=measurement.key,
        format=measurement.format,
        said=said,
        of_runner=measurement.said.run_key,
        by_poster=completed.by_poster,
        gathered=gathered,
        scores=aggregate_of(gathered),
        rows=rows,
    )


def _settled(said: Said, measurement: Measurement, posted: PostedFile) -> Said:
    """Return what is said of a run with the key it gets, and what follows from the rest where nobody says it.

    Raises:
        InvalidInput: its key is too long, or it was collected in the future.
    """
    key = said.run_key or posted.digest
    key = f"{key}/{measurement.key}" if measurement.key else key
    if len(key) > LABEL_LENGTH:
        raise InvalidInput(f"run_key: {key[:80]!r}… has {len(key)} characters; {LABEL_LENGTH} are kept.")
    collected_at = said.collected_at or said.observed_to
    if collected_at is not None and collected_at > clock.now() + CLOCK_SKEW:
        raise InvalidInput(
            "collected_at lies in the future: set the clock of the machine that ran the suite."
        )
    return replace(said, run_key=key, collected_at=collected_at, status=said.status or RunStatus.SUCCESS)


def _name_judge(gathered: Gathered, judge: VersionClaim | None) -> None:
    """Say of each metric that names no judge that it was the one of the run, where there is one."""
    if judge is not None:
        gathered.metrics = {
            key: spec if spec.judge else replace(spec, judge=judge) for key, spec in gathered.metrics.items()
        }


def _refuse(gaps: list[Gap]) -> None:
    if gaps:
        raise InvalidInput(faults=[Fault("query", gap.parameter, gap.code, gap.message) for gap in gaps])


def _check_size(gathered: Gathered) -> None:
    """See that a file leads to no more rows than one run may have, before any is made.

    Raises:
        EvalFileError: it does; each limit is named.
    """
    slices = {
        pair
        for sample in gathered.samples
        for pair in sample.slice.items()
        if pair[0] not in gathered.without
    }
    metrics = len(gathered.metrics)
    counts = {
        "samples": (len(gathered.samples) + len(gathered.rejects), "EVAL_MAX_SAMPLES"),
        "metrics": (metrics, "EVAL_MAX_METRICS"),
        "scores, one for each metric in each slice": (metrics * (len(slices) + 1), "EVAL_MAX_SCORES"),
    }
    found = [f"{what}: {excess(*count)}" for what, count in counts.items() if excess(*count)]
    if found:
        raise EvalFileError(found)


def _unpack_limits() -> UnpackLimits:
    return UnpackLimits(
        members=settings.EVAL_MAX_MEMBERS,
        unpacked=settings.EVAL_MAX_UNPACKED,
        member=settings.EVAL_MAX_MEMBER,
        ratio=settings.EVAL_MAX_RATIO,
        whole=settings.EVAL_MAX_WHOLE,
    )


# --- Storing ---------------------------------------------------------------------------------------------------
@transaction.atomic
def _store(
    system: System,
    releases: Mapping[str, Release],
    runs: list[_ReadRun],
    posted: PostedFile,
    media_type: str,
    actor: str,
) -> list[RecordedRun]:
    for key in sorted({posted.digest, *(str(run.said.run_key) for run in runs)}):
        hold(Lock.EVAL_RUN, system.pk, key)  # two equal posts at once become one run
    found = [(run, _earlier(system, run, releases, posted)) for run in runs]
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
    system: System, releases: Mapping[str, Release], read: _ReadRun, file: _Stored, actor: str
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


def _earlier(
    system: System, read: _ReadRun, releases: Mapping[str, Release], posted: PostedFile
) -> EvalRun | None:
    """Return the run that a measurement is already; None: it is new.

    A file in which the runner names its run is one run, whatever its poster calls it.

    Raises:
        ConflictingContent: the run key brought another file, or this file was posted with something else said of it.
    """
    same_key = EvalRun.objects.filter(system=system, run_key=read.said.run_key)
    same_file = EvalRun.objects.filter(system=system, raw_id=posted.digest, measurement=read.measurement)
    stored = same_key.first() or (same_file.order_by("pk").first() if read.of_runner else None)
    if stored is None:
        return None
    if stored.raw_id != posted.digest:
        raise ConflictingContent(
            f"Run key {read.said.run_key!r} brought another file before: give each run a key of its own."
        )
    differing = list(_differences(stored, read.said, releases))
    if differing:
        raise ConflictingContent(
            f"This file is run {stored.run_key!r} already, of which was said otherwise: {', '.join(differing)}."
        )
    return stored


def _differences(stored: EvalRun, said: Said, releases: Mapping[str, Release]) -> Iterator[str]:
    release = releases[said.release].pk if said.release else None
    now: dict[str, tuple[object, object]] = {
        "release": (stored.release_id, release),
        "commit": (stored.commit, said.commit or ""),
        "dirty": (stored.dirty, said.dirty),
        "observed_from": (stored.observed_from, said.observed_from),
        "observed_to": (stored.observed_to, said.observed_to),
        "model_digest": (stored.model_digest, (said.model.digest if said.model else None) or ""),
    }
    for role, kind in _ROLES.items():
        claim: VersionClaim | None = getattr(said, role)
        now[role] = (getattr(stored, role).digest, claim and _digest_of(kind, claim))
    yield from (name for name, (before, after) in now.items() if before != after)


def _head_columns(said: Said, system: System, actor: str) -> dict[str, Any]:
    versions = {
        role: ensure_claimed_version(system=system, kind=kind, claim=getattr(said, role), actor=actor)
        for role, kind in _ROLES.items()
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


# --- Refusing --------------------------------------------------------------------------------------------------
@transaction.atomic
def _keep_refused(
    system: System,
    posted: PostedFile,
    format_name: str | None,
    problems: list[str],
    poster: Said,
    actor: str,
) -> None:
    """Put a file nobody can read on the ledger; the same bytes are put there once."""
    refused = Reject.objects.filter(system=system, source=RejectSource.EVAL_FILE, item_digest=posted.digest)
    if refused.exists():
        return
    named = _what_it_names(posted, poster)
    blobs.store_blob_file(posted.path, digest=posted.digest, media_type="application/octet-stream")
    reject = Reject.objects.create(
        system=system,
        source=RejectSource.EVAL_FILE,
        source_ref=(format_name or "")[:100],
        code=EvalFileRefused.code,
        detail="; ".join(problems).replace("\x00", "�"),
        item_digest=posted.digest,
        item=named,
    )
    audit.record(verb="eval_file.refused", actor=actor, obj=reject, system=system, digest=posted.digest)


def _what_it_names(posted: PostedFile, poster: Said) -> dict[str, str] | None:
    """Return run key, release and suite of a file that was refused, as far as its poster or its own form says them."""
    by_poster = {
        "run_key": poster.run_key,
        "release": poster.release,
        "suite": poster.suite.key if poster.suite else None,
    }
    named = _named_inside(posted) | {name: said for name, said in by_poster.items() if said}
    return {
        name: value[:LABEL_LENGTH].replace("\x00", "�")
        for name, value in named.items()
        if isinstance(value, str)
    } or None


def _named_inside(posted: PostedFile) -> dict[str, object]:
    if posted.size > settings.EVAL_MAX_WHOLE:
        return {}
    try:
        document = read_json(posted.read())
    except ValueError:
        return {}
    if not isinstance(document, dict):
        return {}
    suite = document.get("suite")
    return {
        "run_key": document.get("run_key"),
        "release": document.get("release"),
        "suite": suite.get("key") if isinstance(suite, dict) else None,
    }
