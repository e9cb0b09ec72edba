"""The samples of a native eval file. Each is read by itself: a bad one is refused with its reason, the rest is kept.

Written out by hand, and held to `schema.json` by a test: a validator would take many times as long over
fifty thousand samples, and a refusal here has a stable code.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Final

from evidence.evals.contracts import MetricSpec, ParsedSample, SampleReject, SampleScore, ScoreStatus
from evidence.nearest import nearest_name
from evidence.strict_json import JsonObject, faults_in

MAX_ID: Final = 128  # characters of a sample's id, and of a dimension and its value together

_SAMPLE_FIELDS: Final = ("id", "slice", "input", "output", "target", "trace_id", "scores")
_SCORE_FIELDS: Final = ("status", "value", "explanation")
_TRACE_ID: Final = re.compile(r"[0-9a-f]{32}")
_SLICE_PART: Final = re.compile(r"[^\s=,;]+")  # so that a slice written "language=zh-Hans" stays readable
_STATUSES: Final = tuple(ScoreStatus)


class _BadSample(Exception):
    """Why one sample is refused: a stable code and a sentence."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


def read_samples(
    listed: list[object], metrics: Mapping[str, MetricSpec]
) -> tuple[tuple[ParsedSample, ...], tuple[SampleReject, ...]]:
    """Return the samples that are well formed, and what was refused with its place in the list."""
    samples: dict[str, ParsedSample] = {}
    rejects: list[SampleReject] = []
    for index, item in enumerate(listed):
        try:
            sample = _read_sample(item, metrics)
            _check_new(sample, samples)
        except _BadSample as exc:
            rejects.append(_reject(index, item, exc))
        else:
            samples[sample.sample_id] = sample
    return tuple(samples.values()), tuple(rejects)


def _reject(index: int, item: object, why: _BadSample) -> SampleReject:
    given = item.get("id") if isinstance(item, dict) else None
    sample_id = given[:MAX_ID] if isinstance(given, str) and not _fault_in(given) else None
    stored = None if _fault_in(item) else item
    return SampleReject(index, sample_id, why.code, str(why), stored)


def _check_new(sample: ParsedSample, taken: Mapping[str, ParsedSample]) -> None:
    if sample.sample_id in taken:
        raise _BadSample("duplicate_id", f"the id {sample.sample_id!r} is taken by an earlier sample")


def _fault_in(value: object) -> str | None:
    return next(faults_in(value), None)


def _read_sample(item: object, metrics: Mapping[str, MetricSpec]) -> ParsedSample:
    if not isinstance(item, dict):
        raise _BadSample("not_an_object", "a sample must be a JSON object")
    if fault := _fault_in(item):
        raise _BadSample("not_storable", fault)
    sample_id, scores = item.get("id"), item.get("scores")
    if not isinstance(sample_id, str) or not 0 < len(sample_id) <= MAX_ID:
        raise _BadSample("no_id", f"id: must be a text of 1 to {MAX_ID} characters")
    if not isinstance(scores, dict) or not scores:
        raise _BadSample("no_scores", "scores: must be an object, metric -> score, with at least one metric")
    _check_fields(item, _SAMPLE_FIELDS)
    return ParsedSample(
        sample_id=sample_id,
        slice=_read_slice(item.get("slice")),
        input=_read_text(item, "input") or "",
        output=_read_text(item, "output") or "",
        target=_read_text(item, "target"),
        trace_id=_read_trace_id(item.get("trace_id")),
        scores=tuple(_read_score(metrics, key, value) for key, value in scores.items()),
    )


def _check_fields(given: JsonObject, known: tuple[str, ...], place: str = "") -> None:
    for name in given:
        if name not in known:
            nearest = nearest_name(name, known)
            raise _BadSample(
                "unknown_field", f"{place}{name[:200]}: unknown field; did you mean {nearest!r}?"
            )


def _read_slice(value: object) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _BadSample("bad_slice", "slice: must be an object, dimension -> value")
    for dimension, name in value.items():
        if not isinstance(name, str) or len(name) + len(dimension) >= MAX_ID:
            raise _BadSample("bad_slice", f"slice.{dimension}: must be a short text")
        if not _SLICE_PART.fullmatch(dimension) or not _SLICE_PART.fullmatch(name):
            raise _BadSample("bad_slice", f"slice.{dimension}: no spaces, '=', ',' or ';' in names or values")
    return dict(value)


def _read_text(item: JsonObject, key: str) -> str | None:
    value = item.get(key)
    if value is not None and not isinstance(value, str):
        raise _BadSample("bad_text", f"{key}: must be a text")
    return value


def _read_trace_id(value: object) -> str | None:
    if value is None:
        return None
    text = value.lower().replace("-", "") if isinstance(value, str) else ""
    if not _TRACE_ID.fullmatch(text) or not text.strip("0"):
        raise _BadSample("bad_trace_id", "trace_id: must be 32 hexadecimal characters, not all zero")
    return text


def _read_score(metrics: Mapping[str, MetricSpec], key: str, value: object) -> SampleScore:
    spec = metrics.get(key)
    if spec is None:
        raise _BadSample("unknown_metric", f"scores.{key}: not among the declared metrics")
    if not isinstance(value, dict) or value.get("status") not in _STATUSES:
        raise _BadSample("bad_status", f"scores.{key}.status: one of {', '.join(_STATUSES)}")
    _check_fields(value, _SCORE_FIELDS, f"scores.{key}.")
    status = ScoreStatus(value["status"])
    number, explanation = value.get("value"), str(value.get("explanation") or "")
    if status is ScoreStatus.SCORED:
        return SampleScore(key, status, _read_value(spec, number), explanation)
    if number is not None:
        raise _BadSample(
            "value_without_score", f"scores.{key}.value: must be null when the status is {status}"
        )
    return SampleScore(key, status, None, explanation)


def _read_value(spec: MetricSpec, number: object) -> float:
    place = f"scores.{spec.key}.value"
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise _BadSample("no_value", f"{place}: a scored sample needs a number")
    try:
        value = float(number)
    except OverflowError:
        value = math.inf
    if not math.isfinite(value):
        raise _BadSample("not_finite", f"{place}: must be finite")
    if spec.is_bounded and not 0 <= value <= 1:
        raise _BadSample("out_of_range", f"{place}: a share lies between 0 and 1, not at {value}")
    return value
