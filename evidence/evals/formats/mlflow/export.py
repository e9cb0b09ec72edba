"""What is read of the files of one evaluation: its rows with their scores, and the run that they are of."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from evidence.evals.contracts import SampleScore, ScoreStatus, VersionClaim
from evidence.evals.foreign.collected import Collected
from evidence.evals.foreign.joined import Joined
from evidence.evals.foreign.json_reader import fault_of
from evidence.evals.foreign.texts import (
    MAX_REASON,
    moment_in,
    number_in,
    object_in,
    short_name,
    shown,
    text_in,
)
from evidence.evals.formats.mlflow.rows import TARGETS, name_of_row, told_in_row
from evidence.evals.formats.mlflow.run import YES_NO, mean_of_metric, metrics_of_run, said_of_run
from evidence.evals.measurements import Measurement, RemarkCode, StatedTotal

_SCORE_COLUMN: Final = re.compile(r"(?P<metric>.+?)(?:/v[0-9]+)?/(?:value|score)")
_WHY_COLUMNS: Final = ("rationale", "justification")
_PEOPLE: Final = "HUMAN"
_JUDGES: Final = frozenset({"LLM_JUDGE", "AI_JUDGE"})


class Export:
    """What is read of a file, or of the files of a folder."""

    def __init__(self) -> None:
        self.n_rows = 0
        self.run: Mapping[str, Any] = {}
        self._kept = Collected("", "mlflow")
        self._joined = Joined(self._kept)
        self._unread: set[str] = set()
        self._judges: dict[str, set[str]] = {}
        self._times: list[datetime] = []

    def add_cells(self, columns: list[Any], cells: Any) -> None:
        """Read one row of a table."""
        if isinstance(cells, list) and len(cells) == len(columns):
            self.add(dict(zip(map(str, columns), cells, strict=True)))
        else:
            self.add(None, f"is no list of {len(columns)} values")

    def add_whole(self, whole: Mapping[str, Any]) -> None:
        """Read what stood alone in a file: a run, or one trace."""
        if "run" in whole:
            self.run = object_in(whole["run"])
        elif {"artifact_uri", "run_id"} & set(object_in(whole.get("info"))):
            self.run = whole
        elif "info" in whole or "assessments" in whole:
            self.add(whole)

    def add(self, row: Any, fault: str | None = None) -> None:
        """Read one trace or one row of results."""
        index, self.n_rows = self.n_rows, self.n_rows + 1
        fault = fault or fault_of(row)
        scores = [] if fault else list(self._scores(row))
        if not fault and not scores:
            fault = "has no score"
        if fault:
            self._kept.reject(index, "bad_row", f"row {index} {fault}", row)
            return
        subject, told = name_of_row(row, index), told_in_row(row)
        for score in scores:
            place = self._joined.add(subject, told, score)
        if object_in(row.get("info")).get("state", row.get("state")) == "ERROR":
            self._kept.remark(RemarkCode.ERRORED, f"{subject}: its trace ended in an error", place)
        at = moment_in(object_in(row.get("info")).get("request_time"))
        self._times = [min([*self._times, at]), max([*self._times, at])] if at else self._times

    def measurement(self) -> Measurement:
        """Return what was found."""
        for metric, judges in self._judges.items():
            if len(judges) == 1:
                self._kept.redeclare(metric, judge=VersionClaim(next(iter(judges)), None, None))
        for name, value in metrics_of_run(self.run).items():
            mean_of = mean_of_metric(name)
            if mean_of is not None and self._kept.has(mean_of):
                total = StatedTotal(mean_of, short_name(name), number_in(value), is_mean=True)
                self._kept.totals.append(total)
        return self._kept.measurement(said_of_run(self.run, self._times))

    # --- Scores --------------------------------------------------------------------------------------------------
    def _scores(self, row: Mapping[str, Any]) -> Iterator[SampleScore]:
        listed = row.get("assessments", object_in(row.get("info")).get("assessments"))
        if isinstance(listed, list):
            for assessment in map(object_in, listed):
                yield from self._score_assessment(assessment)
            return
        for column, value in row.items():
            if (found := _SCORE_COLUMN.fullmatch(column)) and column not in TARGETS:
                stem = column.rpartition("/")[0]
                why = next((row[key] for name in _WHY_COLUMNS if (key := f"{stem}/{name}") in row), None)
                yield from self._score(found["metric"], value, why, row.get(f"{stem}/error_message"))

    def _score_assessment(self, assessment: Mapping[str, Any]) -> Iterator[SampleScore]:
        name = short_name(assessment.get("assessment_name") or assessment.get("name"))
        if not name or "feedback" not in assessment:  # an expectation is what was to come
            return
        if assessment.get("valid") is False:
            self._kept.remark(RemarkCode.EDITED, f"{name}: was overridden; what overrides it stands")
            return
        feedback, source = object_in(assessment["feedback"]), object_in(assessment.get("source"))
        kind = str(source.get("source_type")).upper()
        named = f"{name} (people)" if kind == _PEOPLE else name
        error = object_in(feedback.get("error")).get("error_message") or feedback.get("error")
        for score in self._score(
            named, feedback.get("value"), assessment.get("rationale"), error, everywhere=kind != _PEOPLE
        ):
            if kind in _JUDGES and (judge := text_in(source.get("source_id"))):
                self._judges.setdefault(score.metric, set()).add(short_name(judge))
            yield score

    def _score(
        self, name: str, value: object, why: object, error: object, *, everywhere: bool = True
    ) -> Iterator[SampleScore]:
        given = YES_NO.get(value.lower(), value) if isinstance(value, str) else value
        if isinstance(given, str | list | dict) and not error:
            if name not in self._unread:
                self._unread.add(name)
                self._kept.remark(
                    RemarkCode.UNREAD, f"{name}: its values are no numbers, such as {shown(given, 50)}"
                )
            return
        metric = self._kept.declare(
            name, proportion=isinstance(given, bool), direction=None, everywhere=everywhere
        )
        if error:
            yield SampleScore(metric, ScoreStatus.ERROR, None, shown(error, MAX_REASON))
        else:
            yield self._kept.score(metric, given, why)
