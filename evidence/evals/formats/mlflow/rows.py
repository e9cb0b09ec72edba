"""A row of results or a trace: what it is called, and what was asked, answered and to come."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from evidence.evals.foreign.collected import Told
from evidence.evals.foreign.texts import fingerprint, labels_in, object_in, short_name, shown
from evidence.evals.slices import read_slice, requirements_in, slice_of_requirements

_TRACE_ID: Final = re.compile(r"(?:tr-)?([0-9a-f]{32})")
_INPUTS: Final = ("request", "inputs", "input", "question", "prompt")
_OUTPUTS: Final = ("response", "outputs", "output", "predictions", "prediction")
TARGETS: Final = ("targets", "target", "expected_response/value", "ground_truth")


def name_of_row(row: Mapping[str, Any], index: int) -> str:
    """Return what a row is called: by its inputs, since a trace has a new name in each run."""
    given = _inputs_of(row)
    if given is not None:
        return f"inputs:{fingerprint(given)}"
    return short_name(object_in(row.get("info")).get("trace_id") or row.get("trace_id")) or f"row {index}"


def _inputs_of(row: Mapping[str, Any]) -> object:
    info = object_in(row.get("info"))
    metadata = object_in(info.get("trace_metadata") or row.get("trace_metadata"))
    of_row = next((row[key] for key in _INPUTS if row.get(key) is not None), None)
    return (
        _parsed(metadata.get("mlflow.traceInputs") or info.get("request_preview"))
        if of_row is None
        else of_row
    )


def _parsed(text: object) -> object:
    """Return what MLflow keeps as a JSON text."""
    if not isinstance(text, str):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def told_in_row(row: Mapping[str, Any]) -> Told:
    info = object_in(row.get("info"))
    metadata = object_in(info.get("trace_metadata") or row.get("trace_metadata"))
    tags = {
        key: value
        for key, value in object_in(info.get("tags") or row.get("tags")).items()
        if not key.startswith("mlflow.")
    }
    answer = next((row[key] for key in _OUTPUTS if row.get(key) is not None), None)
    target = next((row[key] for key in TARGETS if row.get(key) is not None), None)
    trace = _TRACE_ID.fullmatch(str(info.get("trace_id") or row.get("trace_id")))
    return Told(
        slice=read_slice(labels_in(tags)) | slice_of_requirements(requirements_in(tags)),
        input=shown(_inputs_of(row)),
        output=shown(_parsed(metadata.get("mlflow.traceOutputs")) if answer is None else answer),
        target=shown(target) or None,
        trace_id=trace[1] if trace and trace[1].strip("0") else None,
    )
