"""Findings: what a run measured, row by row, inserted once and never changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from evidence.digests import digest_of
from interpret.contracts import CPU, Measurement, ProbeResult
from interpret.models import Finding
from interpret.services.claims import ClaimedRun
from interpret.verdicts import Verdict


def findings_of_result(
    run: ClaimedRun, result: ProbeResult, verdicts: Sequence[Verdict]
) -> list[dict[str, Any]]:
    """Return one finding a measurement, by column, with its verdict and its digest.

    The device is named where it is not the CPU: a finding measured there has the same content, and so the same digest,
    as before there was another.
    """
    findings = []
    for ordinal, (measurement, verdict) in enumerate(zip(result.measurements, verdicts, strict=True), 1):
        fields = _fields(measurement, verdict, result, run)
        digest = digest_of({"run": run.pk, "ordinal": ordinal, **fields})
        findings.append({"ordinal": ordinal, "digest": digest, **fields})
    return findings


def digest_of_finding(finding: Finding) -> str:
    """Return the digest of the finding's content as it stands: it equals `finding.digest`, or it was changed."""
    fields = {name: getattr(finding, name) for name in DIGESTED}
    if finding.verdict is not None:  # those of before `interpret.verdicts` have none
        fields["verdict"] = finding.verdict
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


def _fields(
    measurement: Measurement, verdict: Verdict, result: ProbeResult, run: ClaimedRun
) -> dict[str, Any]:
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
        "status": str(verdict.status),
        "verdict": verdict.as_json(),
        "rung": str(verdict.rung),
        "supports": measurement.supports,
        "does_not_show": measurement.does_not_show,
        "holds_for": {**asdict(measurement.holds_for), "languages": list(measurement.holds_for.languages)},
        "provenance": {
            "probe": result.probe,
            "code_version": result.code_version,
            "specification_digest": run.specification_digest,
            "seed": run.seed,
            "interval": estimate.method,
            "versions": dict(result.versions),
            "threads": result.threads,
            **({} if result.device == CPU else {"device": result.device}),
            "fire_counts": dict(measurement.fire_counts),
        },
        "internals": {
            "per_item": [asdict(item) for item in measurement.per_item],
            "details": dict(measurement.details),
            "tested": asdict(measurement.tested) if measurement.tested else None,
        },
    }
