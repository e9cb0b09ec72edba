"""A row of promptfoo results: what it says of one test, and whether it is a failure, an error, or neither."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from evidence.evals.contracts import SampleScore, ScoreStatus
from evidence.evals.foreign.collected import Collected, Item, Told
from evidence.evals.foreign.texts import (
    fingerprint,
    groupings_in,
    labels_in,
    list_in,
    number_in,
    object_in,
    short_name,
    shown,
    text_in,
)
from evidence.evals.formats.promptfoo.columns import SCORE, SUCCESS, Column
from evidence.evals.measurements import RemarkCode
from evidence.evals.slices import REQUIREMENT_PROPERTIES, read_slice, requirements_in, slice_of_requirements

_ERROR: Final = 2  # of `failureReason`


def read_row(row: Mapping[str, Any], column: Column) -> None:
    test, grading = object_in(row.get("testCase")), object_in(row.get("gradingResult"))
    given = object_in(row.get("vars")) or object_in(test.get("vars"))
    content = fingerprint(given)
    name = short_name(test.get("description") or row.get("description")) or f"vars:{content}"
    scores = list(_scores(row, test, grading, column))
    place = column.collected.add(Item(name, content), _told(row, test, given), scores)
    if _is_unasserted(row, test, grading):
        column.collected.remark(
            RemarkCode.NOT_ASSERTED, f"{name}: nothing was asserted, so that its pass says nothing", place
        )
    if any(object_in(part.get("assertion")).get("type") == "human" for part in _parts(grading)):
        said = text_in(grading.get("comment")) or "no comment"
        column.collected.remark(RemarkCode.EDITED, f"{name}: a person graded it by hand: {said}", place)


def _told(row: Mapping[str, Any], test: Mapping[str, Any], given: Mapping[str, Any]) -> Told:
    metadata = {**object_in(test.get("metadata")), **object_in(row.get("metadata"))}
    groups = {key: value for key, value in labels_in(metadata).items() if not key.startswith("_")}
    labels = {key: value for key, value in groups.items() if key not in REQUIREMENT_PROPERTIES}
    response = row.get("response")
    return Told(
        slice=read_slice({**groupings_in(given), **labels})
        | slice_of_requirements(requirements_in({**given, **metadata})),
        input=shown(object_in(row.get("prompt")).get("raw") or given),
        output=shown(object_in(response).get("output") if isinstance(response, dict) else response),
    )


def _scores(
    row: Mapping[str, Any], test: Mapping[str, Any], grading: Mapping[str, Any], column: Column
) -> Iterator[SampleScore]:
    kept, named = column.collected, object_in(row.get("namedScores"))
    why = grading.get("reason") or row.get("error")
    metrics = {
        name: _declare_named(kept, name) for name in dict.fromkeys([*named, *_asserted(test.get("assert"))])
    }
    success = row.get("success")
    if _is_error(row, grading):
        column.errors += 1
        for metric in (SUCCESS, SCORE, *metrics.values()):
            yield SampleScore(metric, ScoreStatus.ERROR, None, shown(row.get("error") or why, 2_000))
        return
    column.passed, column.failed = column.passed + (success is True), column.failed + (success is not True)
    if _is_unasserted(row, test, grading):
        column.unasserted += 1
        for metric in (SUCCESS, SCORE):
            yield SampleScore(metric, ScoreStatus.UNSCORED, None, "nothing was asserted")
    else:
        yield kept.score(SUCCESS, success if isinstance(success, bool) else None, why)
        yield _own_score(row, grading, kept, why)
    broken = {
        object_in(part.get("assertion")).get("metric") for part in _parts(grading) if _grader_broke(part)
    }
    weights = object_in(grading.get("namedScoreWeights"))
    for name, metric in metrics.items():
        if name in broken:
            yield SampleScore(metric, ScoreStatus.ERROR, None, "the grader broke")
            continue
        column.weights.setdefault(name, set()).add(number_in(weights.get(name)) or 0.0)
        yield kept.score(metric, named.get(name))


def _own_score(
    row: Mapping[str, Any], grading: Mapping[str, Any], kept: Collected, why: object
) -> SampleScore:
    if any(_grader_broke(part) for part in _parts(grading)):
        return SampleScore(SCORE, ScoreStatus.ERROR, None, "a grader broke: what it gave is no score")
    return kept.score(SCORE, row.get("score"), why)


def _declare_named(kept: Collected, name: str) -> str:
    called = f"named {name}" if name in {SUCCESS, SCORE} else name
    return kept.declare(called, share=True, everywhere=False)


def _asserted(asserts: object, depth: int = 0) -> Iterator[str]:
    """Yield the metrics that a test names, also within its sets; a name made from variables is only in its result."""
    for one in list_in(asserts):
        told = object_in(one)
        metric = told.get("metric")
        if isinstance(metric, str) and metric and "{{" not in metric:
            yield metric
        if depth < 5:
            yield from _asserted(told.get("assert"), depth + 1)


def _is_error(row: Mapping[str, Any], grading: Mapping[str, Any]) -> bool:
    """Whether the row is no measured failure: its provider broke, or only a broken grader says that it failed."""
    reason = row.get("failureReason")
    if reason == _ERROR:
        return True
    if reason is None and row.get("error") and not grading:  # before 0.98 the reason was not written
        return True
    failing = [part for part in _parts(grading) if part.get("pass") is not True]
    return row.get("success") is not True and bool(failing) and all(_grader_broke(part) for part in failing)


def _grader_broke(part: Mapping[str, Any]) -> bool:
    return object_in(part.get("metadata")).get("graderError") is True


def _is_unasserted(row: Mapping[str, Any], test: Mapping[str, Any], grading: Mapping[str, Any]) -> bool:
    """Whether nothing was asked of the row."""
    if _is_error(row, grading) or list(_parts(grading)):
        return False
    return not grading or grading.get("reason") == "No assertions" or not list_in(test.get("assert"))


def _parts(grading: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [object_in(part) for part in list_in(grading.get("componentResults"))]
