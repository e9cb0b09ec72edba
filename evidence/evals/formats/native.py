"""The native eval file, `tracebinder.eval/1`, as `tracebinder push-eval` posts it (docs/guides/ci.md)."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import cast, get_args

from evidence.digests import DigestError, parse_digest
from evidence.evals.contracts import (
    Direction,
    EvalFileError,
    Kind,
    MetricSpec,
    ParsedRun,
    ParsedSample,
    RunStatus,
    SampleReject,
    SampleScore,
    ScoreStatus,
    VersionClaim,
)
from evidence.evals.formats.strict_json import fault_in, read_json

FORMAT_V1 = "tracebinder.eval/1"
MAX_KEY = 128  # characters of a run key, sample id, metric, dimension or slice value

_TRACE_ID = re.compile(r"[0-9a-f]{32}")
_KEY = re.compile(r"[^\s=,;]+")  # what a slice is written with, e.g. "language=zh-Hans", stays readable


class _BadSample(Exception):
    """Why one sample is refused: a stable code and a sentence."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


def version_of(raw: bytes) -> str:
    """Return what the file says its format is. Raises `EvalFileError` when it does not say."""
    document = _read(raw)
    version = document.get("format")
    if not isinstance(version, str):
        raise EvalFileError([f'format: missing; expected "{FORMAT_V1}"'])
    return version


def parse_v1(raw: bytes) -> ParsedRun:
    """Read a `tracebinder.eval/1` file.

    Raises:
        EvalFileError: something about the run itself is missing or wrong; lists all of it.
    """
    document = _read(raw)
    head = _Head(document)
    metrics = head.metrics()
    run = {
        "run_key": head.text("run_key"),
        "system": head.text("system"),
        "release": head.optional_text("release"),
        "suite": head.claim("suite"),
        "evaluator": head.claim("evaluator"),
        "dataset": head.claim("dataset"),
        "model": head.claim("model"),
        "status": head.choice("status", get_args(RunStatus)),
        "observed_from": head.moment("observed_from"),
        "observed_to": head.moment("observed_to"),
        "collected_at": head.moment("collected_at"),
        "commit": head.optional_text("commit"),
    }
    listed = document.get("samples")
    if not isinstance(listed, list):
        head.problems.append("samples: must be a list")
    head.check_order(run["observed_from"], run["observed_to"], run["collected_at"])
    if head.problems:
        raise EvalFileError(head.problems)
    samples, rejects = _read_samples(cast("list[object]", listed), metrics)
    return ParsedRun(format=FORMAT_V1, metrics=metrics, samples=samples, rejects=rejects, **run)  # type: ignore[arg-type]  # each value was checked by the reader that gave it


def _read(raw: bytes) -> dict[str, object]:
    try:
        document = read_json(raw)
    except ValueError as exc:
        raise EvalFileError([f"not readable as JSON: {exc}"]) from exc
    if not isinstance(document, dict):
        raise EvalFileError(["the file must hold one JSON object"])
    fault = fault_in({key: value for key, value in document.items() if key != "samples"})
    if fault:
        raise EvalFileError([fault])
    if type(document) is not dict:  # the reader marks an object with a repeated key by its class
        raise EvalFileError([str(fault_in(document))])
    return document


class _Head:
    """Reads the fields of the run and gathers every fault, so that one answer lists them all."""

    def __init__(self, document: Mapping[str, object]) -> None:
        self.document = document
        self.problems: list[str] = []

    def text(self, key: str) -> str:
        value = self.document.get(key)
        if not isinstance(value, str) or not value.strip() or len(value) > MAX_KEY:
            self.problems.append(f"{key}: must be a text of 1 to {MAX_KEY} characters")
            return ""
        return value

    def optional_text(self, key: str) -> str | None:
        return None if self.document.get(key) is None else self.text(key)

    def choice(self, key: str, options: tuple[str, ...]) -> str:
        value = self.document.get(key)
        if value not in options:
            self.problems.append(f"{key}: must be one of {', '.join(options)}")
            return options[0]
        return str(value)

    def moment(self, key: str) -> datetime | None:
        value = self.document.get(key)
        try:
            moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            self.problems.append(f"{key}: must be an ISO 8601 time with its UTC offset")
            return None
        return moment

    def check_order(self, *moments: object) -> None:
        """observed_from <= observed_to <= collected_at."""
        known = [moment for moment in moments if isinstance(moment, datetime)]
        if known != sorted(known):
            self.problems.append("observed_from, observed_to, collected_at: must be in this order in time")

    def claim(self, key: str) -> VersionClaim:
        value = self.document.get(key)
        if not isinstance(value, dict) or not isinstance(value.get("key"), str) or not value["key"].strip():
            self.problems.append(f'{key}: must be an object with "key" and at least one of "label", "digest"')
            return VersionClaim("", None, None)
        label, digest = value.get("label"), value.get("digest")
        if not label and not digest:
            self.problems.append(f"{key}: names no version; give its digest, its label, or both")
        if digest is not None:
            try:
                digest = parse_digest(str(digest))
            except DigestError as exc:
                self.problems.append(f"{key}.digest: {exc}")
        return VersionClaim(value["key"], None if label is None else str(label), cast("str | None", digest))

    def metrics(self) -> dict[str, MetricSpec]:
        declared = self.document.get("metrics")
        if not isinstance(declared, dict) or not declared:
            self.problems.append("metrics: must be an object that declares at least one metric")
            return {}
        return {key: spec for key, value in declared.items() if (spec := self._metric(key, value))}

    def _metric(self, key: str, value: object) -> MetricSpec | None:
        place = f"metrics.{key}"
        if not isinstance(value, dict) or not _KEY.fullmatch(key) or len(key) > MAX_KEY:
            self.problems.append(f"{place}: must be an object under a name without spaces, '=', ',' or ';'")
            return None
        kind, direction, unit = value.get("kind"), value.get("direction"), value.get("unit")
        if kind not in get_args(Kind):
            self.problems.append(f"{place}.kind: must be one of {', '.join(get_args(Kind))}")
        if direction not in get_args(Direction):
            self.problems.append(f"{place}.direction: must be one of {', '.join(get_args(Direction))}")
        if not isinstance(unit, str) or not 0 < len(unit) <= 32:
            self.problems.append(f'{place}.unit: must say what the number counts, e.g. "share"')
        return MetricSpec(key, cast("Kind", kind), cast("Direction", direction), str(unit))


def _read_samples(
    listed: list[object], metrics: Mapping[str, MetricSpec]
) -> tuple[tuple[ParsedSample, ...], tuple[SampleReject, ...]]:
    samples: dict[str, ParsedSample] = {}
    rejects: list[SampleReject] = []
    for index, item in enumerate(listed):
        try:
            sample = _read_sample(item, metrics)
            _check_new(sample, samples)
        except _BadSample as exc:
            stored = None if fault_in(item) else item
            given = item.get("id") if isinstance(item, dict) else None
            sample_id = given[:MAX_KEY] if isinstance(given, str) and not fault_in(given) else None
            rejects.append(SampleReject(index, sample_id, exc.code, str(exc), stored))
        else:
            samples[sample.sample_id] = sample
    return tuple(samples.values()), tuple(rejects)


def _check_new(sample: ParsedSample, taken: Mapping[str, ParsedSample]) -> None:
    if sample.sample_id in taken:
        raise _BadSample("duplicate_id", f"the id {sample.sample_id!r} is taken by an earlier sample")


def _read_sample(item: object, metrics: Mapping[str, MetricSpec]) -> ParsedSample:
    if not isinstance(item, dict):
        raise _BadSample("not_an_object", "a sample must be a JSON object")
    if fault := fault_in(item):
        raise _BadSample("not_storable", fault)
    sample_id = item.get("id")
    if not isinstance(sample_id, str) or not 0 < len(sample_id) <= MAX_KEY:
        raise _BadSample("no_id", f"id: must be a text of 1 to {MAX_KEY} characters")
    scores = item.get("scores")
    if not isinstance(scores, dict) or not scores:
        raise _BadSample("no_scores", "scores: must be an object, metric -> score, with at least one metric")
    return ParsedSample(
        sample_id=sample_id,
        slice=_read_slice(item.get("slice")),
        input=_sample_text(item, "input") or "",
        output=_sample_text(item, "output") or "",
        target=_sample_text(item, "target"),
        trace_id=_read_trace_id(item.get("trace_id")),
        scores=tuple(_read_score(metrics, key, value) for key, value in scores.items()),
    )


def _read_slice(value: object) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _BadSample("bad_slice", "slice: must be an object, dimension -> value")
    for dimension, name in value.items():
        if not isinstance(name, str) or len(name) + len(dimension) >= MAX_KEY:
            raise _BadSample("bad_slice", f"slice.{dimension}: must be a short text")
        if not _KEY.fullmatch(dimension) or not _KEY.fullmatch(name):
            raise _BadSample("bad_slice", f"slice.{dimension}: no spaces, '=', ',' or ';' in names or values")
    return {str(dimension): str(name) for dimension, name in value.items()}


def _sample_text(item: Mapping[str, object], key: str) -> str | None:
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
    if not isinstance(value, dict) or value.get("status") not in get_args(ScoreStatus):
        raise _BadSample("bad_status", f"scores.{key}.status: one of {', '.join(get_args(ScoreStatus))}")
    status = cast("ScoreStatus", value["status"])
    number, explanation = value.get("value"), value.get("explanation")
    if status == "scored":
        return SampleScore(key, status, _read_value(spec, number), str(explanation or ""))
    if number is not None:
        raise _BadSample(
            "value_without_score", f"scores.{key}.value: must be null when the status is {status}"
        )
    return SampleScore(key, status, None, str(explanation or ""))


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
