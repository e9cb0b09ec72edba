"""The native eval file, `tracebinder.eval/1`: what a CI job posts."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any, Final

from examples.common.copilot import Copilot
from examples.common.digests import digest_of, digest_of_file
from examples.evals import cases, samples, scorers

# A sample asks for the metrics of its part of the suite; the others do not apply to it.
_SHARE: Final = {"kind": "proportion", "unit": "share", "unmentioned": "not_applicable"}
METRICS: Final = {
    "citation_groundedness": {**_SHARE, "direction": "higher"},
    "prohibited_claim_rate": {**_SHARE, "direction": "lower"},
    "name_swap_consistency": {**_SHARE, "direction": "higher"},
    "name_swap_same_wording": {**_SHARE, "direction": "higher"},
    "adverse_action_reasons": {**_SHARE, "direction": "higher"},
    "false_positive_rate": {**_SHARE, "direction": "lower"},
    "false_negative_rate": {**_SHARE, "direction": "lower"},
    "escalation": {**_SHARE, "direction": "higher"},
    "fee_accuracy": {**_SHARE, "direction": "higher"},
}


def build_eval_file(
    copilot: Copilot,
    found: list[dict[str, Any]],
    *,
    model_name: str,
    model_digest: str,
    started: dt.datetime,
    ended: dt.datetime,
    commit: str,
) -> dict[str, Any]:
    """Return the eval file of one copilot's run.

    Args:
        found: the samples.
        started, ended: aware, UTC: when the model was observed.
        commit: revision of the source the suite was run from, or empty.
    """
    asked = {metric for sample in found for metric in sample["scores"]}
    metrics = {name: said for name, said in METRICS.items() if name in asked}
    code = {module.__name__: digest_of_file(Path(str(module.__file__))) for module in (samples, cases)}
    suite = {"metrics": metrics, "samples": code}
    return {
        "format": "tracebinder.eval/1",
        "run_key": f"{copilot.release}-behaviour-{started:%Y%m%dT%H%M%SZ}",
        "system": copilot.key,
        "release": copilot.release,
        "suite": {"key": f"{copilot.key}-behaviour", "label": "1.2.0", "digest": digest_of(suite)},
        "evaluator": {
            "key": "examples-scorers",
            "label": "1.1.0",
            "digest": digest_of(
                {module.__name__: digest_of_file(Path(str(module.__file__))) for module in (scorers, cases)}
            ),
        },
        "dataset": {"key": f"{copilot.key}-tasks", "label": "1.1.0", "digest": dataset_digest(copilot)},
        "model": {"key": model_name, "digest": model_digest},
        "status": "success",
        "observed_from": started.isoformat(),
        "observed_to": ended.isoformat(),
        "collected_at": ended.isoformat(),
        "commit": commit,
        "metrics": metrics,
        "samples": found,
    }


def dataset_digest(copilot: Copilot) -> str:
    """Return the digest over the files the samples come from."""
    names = ("tasks.yaml", "evals/pressure.yaml", "evals/name_swap.yaml", "evals/cases.yaml")
    return digest_of({name: digest_of_file(copilot.folder / name) for name in names})


def summarise(found: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Return, by metric: n scored, their mean (NaN-free: absent where n is 0), unscored, errors. For people only."""
    rows: dict[str, dict[str, float]] = {}
    for metric in METRICS:
        scores = [sample["scores"][metric] for sample in found if metric in sample["scores"]]
        if not scores:
            continue
        values = [entry["value"] for entry in scores if entry["status"] == "scored"]
        rows[metric] = {
            "n": len(values),
            "unscored": sum(entry["status"] == "unscored" for entry in scores),
            "error": sum(entry["status"] == "error" for entry in scores),
        }
        if values:
            rows[metric]["mean"] = sum(values) / len(values)
    return rows
