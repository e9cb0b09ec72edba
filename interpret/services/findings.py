"""Findings: what a run measured, row by row, inserted once and never changed."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.db import connection

from evidence.digests import digest_of
from evidence.services import audit
from interpret.contracts import Measurement, ProbeResult
from interpret.errors import FindingsOutsideTransaction
from interpret.models import Finding, ProbeRun


def record_findings(*, run: ProbeRun, result: ProbeResult, observed_at: datetime) -> list[Finding]:
    """Store one finding a measurement, with its audit event, in the transaction that ends the run.

    Args:
        observed_at: when the measuring began, by this worker's clock.

    Raises:
        FindingsOutsideTransaction: there is no transaction to share.
    """
    if not connection.in_atomic_block:
        raise FindingsOutsideTransaction("Store findings inside the transaction that closes their run.")
    stored = []
    for ordinal, measurement in enumerate(result.measurements, 1):
        fields = _fields(measurement, result, run)
        finding = Finding(run=run, ordinal=ordinal, observed_at=observed_at, **fields)
        finding.digest = digest_of({"run": run.pk, "ordinal": ordinal, **fields})
        finding.save(force_insert=True)
        audit.record(
            verb="finding.recorded",
            actor="system:interpret",
            obj=finding,
            system=run.spec.system,
            digest=finding.digest,
        )
        stored.append(finding)
    return stored


def digest_of_finding(finding: Finding) -> str:
    """Return the digest of the finding's content as it stands: it equals `finding.digest`, or it was changed."""
    fields = {name: getattr(finding, name) for name in DIGESTED}
    return digest_of({"run": finding.run_id, "ordinal": finding.ordinal, **fields})


DIGESTED = (
    *(
        "title",
        "statistic",
        "unit",
        "value",
        "low",
        "high",
        "confidence",
        "n",
        "p_value",
        "q_value",
        "family",
    ),
    *("baseline", "null", "control", "stability", "status", "rung", "supports", "does_not_show", "holds_for"),
    *("provenance", "internals"),
)


def _fields(measurement: Measurement, result: ProbeResult, run: ProbeRun) -> dict[str, Any]:
    estimate = measurement.estimate
    return {
        "title": f"{measurement.statistic} at {measurement.holds_for.site}"[:200],
        "statistic": measurement.statistic,
        "unit": measurement.unit,
        "value": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "confidence": estimate.confidence,
        "n": estimate.n,
        "p_value": measurement.p_value,
        "q_value": measurement.q_value,
        "family": measurement.correction[:200],
        "baseline": asdict(measurement.baseline),
        "null": asdict(measurement.null),
        "control": asdict(measurement.control) if measurement.control else None,
        "stability": asdict(measurement.stability),
        "status": str(measurement.status),
        "rung": str(measurement.level),
        "supports": measurement.supports,
        "does_not_show": measurement.does_not_show,
        "holds_for": {**asdict(measurement.holds_for), "languages": list(measurement.holds_for.languages)},
        "provenance": {
            "probe": result.probe,
            "code_version": result.code_version,
            "specification_digest": run.spec.artefact_version.digest,
            "seed": run.spec.seed,
            "interval": estimate.method,
            "versions": dict(result.versions),
            "threads": result.threads,
            "fire_counts": dict(measurement.fire_counts),
        },
        "internals": {
            "per_item": [asdict(item) for item in measurement.per_item],
            "details": dict(measurement.details),
        },
    }
