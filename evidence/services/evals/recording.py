"""Eval runs: the file as it came, its samples, and the aggregates we computed from them.

A file is read once, before anything is stored; a file of several measurements becomes as many runs, all or none.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace

from evidence import acts
from evidence.access import Principal
from evidence.evals.contracts import EvalFileError
from evidence.evals.measurements import Said
from evidence.evals.registry import EVAL_FORMATS
from evidence.models import System
from evidence.services import registry
from evidence.services.evals.posting import PostedFile, posted_file
from evidence.services.evals.reading import read_file
from evidence.services.evals.refusing import EvalFileRefused, keep_refused
from evidence.services.evals.storing import RecordedRun, store_runs


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
            format_read, runs = read_file(posted, format_name, poster, spools)
        except EvalFileError as exc:
            keep_refused(system, posted, format_name, exc.problems, poster, principal.actor)
            raise EvalFileRefused(exc.problems) from exc
        named = {run.said.release for run in runs if run.said.release}
        releases = {each: registry.find_release(system, each) for each in sorted(named)}
        return store_runs(
            system, releases, runs, posted, EVAL_FORMATS[format_read].media_type, principal.actor
        )
