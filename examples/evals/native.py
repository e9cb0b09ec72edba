"""The native eval file, `tracebinder.eval/1`: what a CI job posts."""

from __future__ import annotations

import datetime as dt
from typing import Any

from examples.common.copilot import Copilot
from examples.evals.instruments import METRICS, instruments_of, metrics_of


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
    return {
        "format": "tracebinder.eval/1",
        "run_key": f"{copilot.release}-behaviour-{started:%Y%m%dT%H%M%SZ}",
        "system": copilot.key,
        "release": copilot.release,
        **instruments_of(copilot),
        "model": {"key": model_name, "digest": model_digest},
        "status": "success",
        "observed_from": started.isoformat(),
        "observed_to": ended.isoformat(),
        "collected_at": ended.isoformat(),
        "commit": commit,
        "metrics": metrics_of(copilot),
        "samples": found,
    }


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
