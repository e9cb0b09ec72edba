"""The run of MLflow that rows are of, as `run.json` says it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from evidence.evals.contracts import RunStatus, VersionClaim
from evidence.evals.foreign.texts import (
    list_in,
    moment_of_unix,
    number_in,
    object_in,
    short_name,
    shown,
    text_in,
)
from evidence.evals.measurements import Said

YES_NO: Final = {"yes": True, "no": False, "true": True, "false": False}
_DIGEST: Final = re.compile(r"sha256:([0-9a-f]{64})")
_NO_NAME: Final = "dataset"  # of a dataset that nobody named
_STATUSES: Final = {
    "FINISHED": RunStatus.SUCCESS,
    "FAILED": RunStatus.ERROR,
    "KILLED": RunStatus.CANCELLED,
    "RUNNING": RunStatus.STARTED,
    "SCHEDULED": RunStatus.STARTED,
}


def said_of_run(run: Mapping[str, Any], times: list[datetime]) -> Said:
    """Return what is known of a run.

    Args:
        run: as MLflow wrote it; empty where only rows came.
        times: of the traces, the first and the last.
    """
    info = object_in(run.get("info"))
    tags = _pairs(object_in(run.get("data")).get("tags"))
    begun, ended = _of_milliseconds(info.get("start_time")), _of_milliseconds(info.get("end_time"))
    scorers = _DIGEST.search(shown(tags.get("mlflow.genaiEvaluate.scorersDigest"), 500))
    listed = list_in(object_in(run.get("inputs")).get("dataset_inputs"))
    dataset = object_in(object_in(listed[0]).get("dataset")) if len(listed) == 1 else {}
    name, digest = text_in(dataset.get("name")), text_in(dataset.get("digest"))
    return Said(
        run_key=text_in(info.get("run_id")),
        commit=text_in(tags.get("mlflow.source.git.commit")),
        dirty=YES_NO.get(str(tags.get("mlflow.source.git.dirty")).lower()),
        evaluator=VersionClaim("mlflow-scorers", None, scorers[1]) if scorers else None,
        dataset=VersionClaim(short_name(name), digest, None)
        if name and digest and name != _NO_NAME
        else None,
        status=_STATUSES.get(str(info.get("status"))),
        observed_from=begun or min(times, default=None),
        observed_to=ended or max(times, default=None),
    )


def metrics_of_run(run: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the figures that MLflow has of a run itself, by name."""
    return _pairs(object_in(run.get("data")).get("metrics"))


def _pairs(given: object) -> Mapping[str, Any]:
    """Return names and values, which the client writes as an object and the server as a list of pairs."""
    if isinstance(given, list):
        return {str(one.get("key")): one.get("value") for one in map(object_in, given)}
    return object_in(given)


def mean_of_metric(name: str) -> str | None:
    """Return of which metric a metric of the run is the mean: `exact/mean`, `toxicity/v1/mean`."""
    found = re.fullmatch(r"(.+?)(?:/v[0-9]+)?/mean", name)
    return short_name(found[1]) if found else None


def _of_milliseconds(value: object) -> datetime | None:
    number = number_in(value)
    return None if number is None else moment_of_unix(number / 1000)
