"""DeepEval test runs: `test_run_*.json` of `DEEPEVAL_RESULTS_FOLDER`, and `.latest_test_run.json` of the same shape.

Each metric has its score, and beside it whether DeepEval called it a success, which depends on the threshold of the
moment. An errored metric has no score and `success: false`; a score that is NaN has, too: neither is a measured
failure, nor is a case that fails for nothing else. DeepEval documents its scores as lying between 0 and 1.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any, Final

from evidence.evals.contracts import (
    Direction,
    EvalFileError,
    RunStatus,
    SampleScore,
    ScoreStatus,
    VersionClaim,
)
from evidence.evals.foreign.collected import Collected, Item, Told
from evidence.evals.foreign.json_reader import JsonReader, fault_of
from evidence.evals.foreign.notes import FormatNotes
from evidence.evals.foreign.texts import (
    MAX_REASON,
    count_in,
    fingerprint,
    is_label,
    labels_in,
    list_in,
    number_in,
    object_in,
    short_name,
    shown,
    text_in,
)
from evidence.evals.measurements import Measurement, RemarkCode, Said, StatedTotal
from evidence.evals.slices import REQUIREMENT_PROPERTIES, read_slice, requirements_in, slice_of_requirements
from evidence.evals.sources import Source

CASE_SUCCESS: Final = "case_success"

_LISTS: Final = ("testCases", "conversationalTestCases")
_SCORES: Final = ("metricsData", "metricsMetadata")  # the latter before 1.0
_HEAD: Final = frozenset(
    {"identifier", "hyperparameters", "testPassed", "testFailed", "metricsScores", "datasetAlias", "datasetId",
     "datasetVersion"}
)  # fmt: skip
NOTES: Final = FormatNotes(
    tried="deepeval 4.3.1 (cases, conversations, flaky metrics); the shape of before 1.0",
    post="the `test_run_*.json` of `DEEPEVAL_RESULTS_FOLDER`",
    reads=(
        "a case is a sample of `case_success`, of each metric and of its success (`NAME/success`); labels "
        "of its metadata and its tags as slices"
    ),
    poster="suite, evaluator, commit, times; dataset where no alias is set",
    flags="flaky cases and metrics, cases without metrics, counts that differ",
)


def sniff(head: bytes, name: str) -> bool:
    """Whether a file is a test run of DeepEval."""
    del name
    text = head.lstrip(b"\xef\xbb\xbf \r\n\t")
    named = any(f'"{key}"'.encode() in text for key in _LISTS)
    told = any(
        f'"{key}"'.encode() in text for key in (*_SCORES, "actualOutput", "metricsScores", "testPassed")
    )
    return text.startswith(b"{") and named and told


def open_measurements(source: Source, poster: Said) -> Iterator[Measurement]:
    """Yield the one measurement of a test run.

    Raises:
        EvalFileError: it is no test run that can be read.
    """
    del poster
    run, reader = _Run(), JsonReader(source.open(), "the file")
    _read(run, reader)
    reader.check_end()
    if not run.is_run:
        raise EvalFileError(
            ["no testCases: post the test_run_*.json that DeepEval writes to DEEPEVAL_RESULTS_FOLDER"]
        )
    yield run.measurement()


def _read(run: _Run, reader: JsonReader, depth: int = 0) -> None:
    """Read a test run, or what it is wrapped in: DeepEval's own cache holds it under `testRunData`."""
    for key in reader.fields():
        if key in _LISTS:
            run.is_run = True
            for case in reader.values():
                run.add(case)
        elif key == "testRunData" and depth == 0:
            _read(run, reader, depth + 1)
        elif key in _HEAD:
            run.head[key] = reader.take()
        else:
            reader.skip()


class _Run:
    """What is read of a file."""

    def __init__(self) -> None:
        self.is_run = False
        self.head: dict[str, Any] = {}
        self._kept = Collected("", "deepeval")
        self._kept.declare(CASE_SUCCESS, proportion=True)
        self._directions: dict[
            str, set[tuple[bool, bool]]
        ] = {}  # by metric: success, and whether above its threshold
        self._judges: dict[str, set[str]] = {}
        self._passed = self._failed = self._cases = 0
        self._flaky: set[str] = set()

    def add(self, case: Any) -> None:
        """Read one test case."""
        index, self._cases = self._cases, self._cases + 1
        if fault := fault_of(case):
            self._kept.reject(index, "bad_case", f"test case {index} {fault}", case)
            return
        self._passed += case.get("success") is True
        self._failed += case.get("success") is False
        name = short_name(case.get("name")) or f"test case {index}"
        given = case.get("input") if "input" in case else case.get("scenario")
        content = fingerprint(
            given, case.get("expectedOutput", case.get("expectedOutcome")), case.get("context")
        )
        parts = [object_in(part) for key in _SCORES for part in list_in(case.get(key))]
        scores = [self._score_case(case, parts), *self._scores(parts)]
        place = self._kept.add(Item(name, content), _told(case, given), scores)
        if not parts:
            self._kept.remark(RemarkCode.NOT_ASSERTED, f"{name}: no metric was measured on it", place)
        if case.get("flaky") is True:
            self._kept.remark(RemarkCode.FLAKY, f"{name}: is marked as flaky", place)

    def measurement(self) -> Measurement:
        """Return what was found."""
        kept, head = self._kept, self.head
        kept.state_count(CASE_SUCCESS, "testPassed", head.get("testPassed"), self._passed)
        kept.state_count(CASE_SUCCESS, "testFailed", head.get("testFailed"), self._failed)
        for part in list_in(head.get("metricsScores")):
            self._state_metric(object_in(part))
        for metric, seen in self._directions.items():
            self._settle_direction(metric, seen)
        for metric, judges in self._judges.items():
            if len(judges) == 1:
                kept.redeclare(metric, judge=VersionClaim(next(iter(judges)), None, None))
        model = text_in(object_in(head.get("hyperparameters")).get("model"))
        dataset = text_in(head.get("datasetAlias")) or text_in(head.get("datasetId"))
        return kept.measurement(
            Said(
                run_key=short_name(head.get("identifier")) or None,
                model=VersionClaim(model, None, None) if model else None,
                dataset=VersionClaim(dataset, text_in(head.get("datasetVersion")), None) if dataset else None,
                status=RunStatus.SUCCESS,  # the file is written when the run has ended
            )
        )

    def _settle_direction(self, metric: str, seen: set[tuple[bool, bool]]) -> None:
        """Say which way is better where the file shows it: success below the threshold, and never above it."""
        against = {one for one in seen if one[0] != one[1]}
        if against and seen == against and (True, False) in seen:
            self._kept.redeclare(metric, direction=Direction.LOWER)
        elif against:
            said = "what succeeds is not told by the threshold"
            self._kept.remark(RemarkCode.DIRECTION_ASSUMED, f"{metric}: {said}; higher is taken to be better")

    def _state_metric(self, stated: Mapping[str, Any]) -> None:
        metric = short_name(stated.get("metric"))
        for name in ("passes", "fails", "errors"):
            if (count := count_in(stated.get(name))) is not None:
                self._kept.totals.append(StatedTotal(metric, name, float(count)))

    def _score_case(self, case: Mapping[str, Any], parts: list[Mapping[str, Any]]) -> SampleScore:
        """Return whether a case is a success: what fails for an error or for no number is no measured failure."""
        deciding = [part for part in parts if part.get("flaky") is not True]
        success = case.get("success")
        failing = [part for part in deciding if part.get("success") is not True]
        errors = [part for part in deciding if part.get("error")]
        measured = [
            part for part in failing if not part.get("error") and number_in(part.get("score")) is not None
        ]
        if measured and success is False:
            return self._kept.score(
                CASE_SUCCESS, value=0.0, explanation="; ".join(_named(part) for part in measured)
            )
        if errors:
            return SampleScore(
                CASE_SUCCESS, ScoreStatus.ERROR, None, shown(errors[0].get("error"), MAX_REASON)
            )
        if failing or not parts or not isinstance(success, bool):
            why = "no metric was measured" if not parts else "no number to judge by"
            return SampleScore(CASE_SUCCESS, ScoreStatus.UNSCORED, None, why)
        return self._kept.score(CASE_SUCCESS, success)

    def _scores(self, parts: list[Mapping[str, Any]]) -> Iterator[SampleScore]:
        taken: set[str] = set()
        for part in parts:
            name = called = _named(part)
            for number in itertools.count(2):
                if called not in taken:
                    break
                called = f"{name} ({number})"
            taken.add(called)
            yield from self._score(part, called)

    def _score(self, part: Mapping[str, Any], name: str) -> Iterator[SampleScore]:
        metric = self._kept.declare(name, share=True, everywhere=False)
        passed = self._kept.declare(f"{name}/success", proportion=True, everywhere=False)
        self._note(part, metric)
        if part.get("error"):
            why = shown(part["error"], MAX_REASON)
            yield SampleScore(metric, ScoreStatus.ERROR, None, why)
            yield SampleScore(passed, ScoreStatus.ERROR, None, why)
            return
        score = self._kept.score(metric, _as_number(part.get("score")), part.get("reason"))
        yield score
        success = part.get("success")
        yield self._kept.score(
            passed, success if score.value is not None and isinstance(success, bool) else None
        )

    def _note(self, part: Mapping[str, Any], metric: str) -> None:
        """Keep what a metric says of itself: whether it decides, who judges, and which way is better."""
        if part.get("flaky") is True and metric not in self._flaky:
            self._flaky.add(metric)
            self._kept.remark(RemarkCode.FLAKY, f"{metric}: is marked as flaky, so that it decides no case")
        if judge := text_in(part.get("evaluationModel")):
            self._judges.setdefault(metric, set()).add(short_name(judge))
        score, threshold, success = (part.get(key) for key in ("score", "threshold", "success"))
        value, bar = number_in(score), number_in(threshold)
        if value is not None and bar is not None and value != bar and isinstance(success, bool):
            self._directions.setdefault(metric, set()).add((success, value > bar))


def _named(part: Mapping[str, Any]) -> str:
    return short_name(part.get("name") or part.get("metric")) or "metric without a name"


def _as_number(score: object) -> object:
    """Return a score; one that is a text or a truth is none, and says so."""
    return repr(score) if isinstance(score, bool) else score


def _told(case: Mapping[str, Any], given: object) -> Told:
    metadata = object_in(case.get("metadata") or case.get("additionalMetadata"))
    labels = {key: value for key, value in labels_in(metadata).items() if key not in REQUIREMENT_PROPERTIES}
    tags = {f"tag:{tag}": "yes" for tag in list_in(case.get("tags")) if is_label(tag)}
    turns = [object_in(turn) for turn in list_in(case.get("turns"))]
    said = "\n".join(f"{shown(turn.get('role'), 50)}: {shown(turn.get('content'))}" for turn in turns)
    return Told(
        slice=read_slice({**labels, **tags}) | slice_of_requirements(requirements_in(metadata)),
        input=shown(given),
        output=shown(case.get("actualOutput") or said),
        target=shown(case.get("expectedOutput", case.get("expectedOutcome"))) or None,
    )
