"""Measuring a finding again from its specification, to see whether it comes out the same."""

from __future__ import annotations

import math
from typing import Final

from evidence.errors import BlobErased
from evidence.replay import Replay
from evidence.worded import worded
from interpret import registry
from interpret.contracts import Measurement, ProbeSpecification
from interpret.errors import BadSpecification, ProbeError
from interpret.models import Finding
from interpret.parts import measure_all
from interpret.services.execution import (
    digest_of_specification,
    open_session,
    specification_of,
)
from interpret.services.findings import digest_of_finding
from interpret.verdicts import history_of, judge

RELATIVE_TOLERANCE: Final = 1e-4  # of the value: float sums differ between processors, verdicts must not


def replay_finding(finding: Finding) -> Replay:
    """Run the finding's probe again and compare status, value, interval, p and null.

    What its probe no longer takes is `refused`, which is not the same; only what was erased is excused.
    Needs torch and the model; takes as long as the run.

    Raises:
        ProbeError: the stored finding was changed, or the probe no longer reports this finding.
    """
    if digest_of_finding(finding) != finding.digest:
        raise ProbeError(
            worded(
                "Finding %(finding_pk)s is not what was stored: its digest does not fit its content.",
                finding_pk=finding.pk,
            )
        )
    run = finding.run
    try:
        specification = specification_of(run)
    except BlobErased as exc:
        return _erased(finding, f"prompts it was measured on were erased: {exc}")
    session, probe = open_session(), registry.load(run.spec.probe)
    try:
        result = measure_all(probe, specification, session)
    except BadSpecification as exc:
        return _replayed(finding, specification, f"refused: {exc}", probe.code_version)
    if finding.ordinal > len(result.measurements):
        raise ProbeError(
            worded(
                "%(probe)s now reports %(count)s findings; this was %(ordinal)s.",
                probe=run.spec.probe,
                count=len(result.measurements),
                ordinal=finding.ordinal,
            )
        )
    again = result.measurements[finding.ordinal - 1]  # ordinals begin at 1
    status, moved = judge(again, history_of(finding.verdict)).status, _moved(finding, again)
    said = str(status) if not moved else f"{status} with another {', '.join(moved)}"
    return _replayed(finding, specification, said, result.code_version)


def _replayed(finding: Finding, specification: ProbeSpecification, said: str, code: str) -> Replay:
    return Replay(
        kind="finding",
        ref=str(finding.pk),
        stored_verdict=finding.status,
        replayed_verdict=said,
        stored_inputs=finding.run.spec.artefact_version.digest,
        replayed_inputs=digest_of_specification(specification),
        stored_code=str(finding.provenance["code_version"]),
        current_code=code,
    )


def _moved(finding: Finding, again: Measurement) -> list[str]:
    """Name the numbers that come out otherwise."""
    null = finding.null["estimate"]["value"]
    pairs = {
        "value": (finding.value, again.estimate.value),
        "interval": (finding.low, again.estimate.low),
        "interval's end": (finding.high, again.estimate.high),
        "p": (finding.p_value, again.p_value),
        "null": (null, again.null.estimate.value),
    }
    return [name for name, (stored, new) in pairs.items() if not _same(stored, new)]


def _same(stored: float | None, new: float | None) -> bool:
    if stored is None or new is None:
        return stored is new
    return math.isclose(stored, new, rel_tol=RELATIVE_TOLERANCE, abs_tol=1e-6)


def _erased(finding: Finding, why: str) -> Replay:
    """Return what is said of a finding whose inputs are no more."""
    code = str(finding.provenance["code_version"])
    return Replay(
        kind="finding",
        ref=str(finding.pk),
        stored_verdict=finding.status,
        replayed_verdict="erased",
        stored_inputs=finding.run.spec.artefact_version.digest,
        replayed_inputs="",
        stored_code=code,
        current_code=code,
        gone=why,
    )
