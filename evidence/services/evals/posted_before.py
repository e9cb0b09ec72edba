"""Whether a measurement is a run already: the same file again is the same run, and one said otherwise is refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from evidence.errors import ConflictingContent
from evidence.evals.contracts import VersionClaim
from evidence.evals.measurements import Said
from evidence.models import EvalRun, Release, System
from evidence.services.evals.claimed_versions import ROLES, digest_of_claim
from evidence.services.evals.posting import PostedFile
from evidence.services.evals.reading import ReadRun
from evidence.worded import worded


def find_earlier(
    system: System, read: ReadRun, releases: Mapping[str, Release], posted: PostedFile
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
            worded(
                "Run key %(run_key)s brought another file before: give each run a key of its own.",
                run_key=repr(read.said.run_key),
            )
        )
    differing = list(_differences(stored, read.said, releases))
    if differing:
        raise ConflictingContent(
            worded(
                "This file is run %(run_key)s already, of which was said otherwise: %(differing)s.",
                run_key=repr(stored.run_key),
                differing=", ".join(differing),
            )
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
    for role, kind in ROLES.items():
        claim: VersionClaim | None = getattr(said, role)
        now[role] = (getattr(stored, role).digest, claim and digest_of_claim(kind, claim))
    yield from (name for name, (before, after) in now.items() if before != after)
