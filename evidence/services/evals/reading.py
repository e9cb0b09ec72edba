"""A posted eval file, read to its end before anything of it is stored."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from django.conf import settings

from evidence import clock
from evidence.errors import Fault, InvalidInput
from evidence.evals.aggregate import AggregateScore
from evidence.evals.completing import Gap, complete, missing_in
from evidence.evals.contracts import EvalFileError, RunStatus, VersionClaim
from evidence.evals.gathering import Bounds, Gathered, TooManySamples, gather
from evidence.evals.measurements import Measurement, Said
from evidence.evals.registry import broken, open_eval_file
from evidence.evals.sources import Source, UnpackLimits
from evidence.limits import excess
from evidence.models.base import LABEL_LENGTH
from evidence.services import blobs
from evidence.services.evals.posting import PostedFile
from evidence.services.evals.run_rows import aggregate_of
from evidence.services.evals.sample_rows import SampleRows
from evidence.worded import quoted, worded

PARSER_VERSION: Final = (
    # 2: unknown fields are refused; 3: units, and what is missing, in the intervals;
    # 4: what is absent, by item; judges; 5: files of other runners
    "evals/5"
)
CLOCK_SKEW: Final = timedelta(minutes=5)  # how far the runner's clock may run ahead of ours


@dataclass(frozen=True, slots=True)
class ReadRun:
    """One measurement of a file, read to its end and not stored yet."""

    measurement: str  # its key
    format: str
    said: Said
    of_runner: str | None  # the runner's own id of the run
    by_poster: tuple[str, ...]
    gathered: Gathered
    scores: list[AggregateScore]
    rows: SampleRows


def read_file(
    posted: PostedFile, format_name: str | None, poster: Said, spools: ExitStack
) -> tuple[str, list[ReadRun]]:
    spools.enter_context(blobs.blob_store())
    stream = spools.enter_context(posted.path.open("rb"))
    opened = open_eval_file(Source(stream, posted.name, posted.size, _unpack_limits()), format_name, poster)
    runs: list[ReadRun] = []
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
) -> ReadRun:
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
    return ReadRun(
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
        raise InvalidInput(
            worded(
                "run_key: %(key)s… has %(length)s characters; %(most)s are kept.",
                key=repr(key[:80]),
                length=len(key),
                most=LABEL_LENGTH,
            )
        )
    collected_at = said.collected_at or said.observed_to
    if collected_at is not None and collected_at > clock.now() + CLOCK_SKEW:
        raise InvalidInput(
            worded("collected_at lies in the future: set the clock of the machine that ran the suite.")
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
        raise InvalidInput(
            faults=[Fault("query", gap.parameter, gap.code, quoted(gap.message)) for gap in gaps]
        )


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
