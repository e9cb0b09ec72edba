"""MLflow: traces with their assessments, the results of `mlflow.genai.evaluate`, and `eval_results_table.json`.

One file of rows is enough; beside `run.json` (`Run.to_dictionary()`, or what `GET runs/get` answers) in one ZIP it is
known of which run it is, and what MLflow's own means were. A row is named by its inputs, since traces have new names in
each run. An expectation is no score, a person's feedback is never averaged with a judge's, and "yes" and "no" are 1 and
0, as MLflow itself counts them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, BinaryIO, Final

from evidence.evals.contracts import EvalFileError, RunStatus, SampleScore, ScoreStatus, VersionClaim
from evidence.evals.foreign.collected import Collected, Told
from evidence.evals.foreign.joined import Joined
from evidence.evals.foreign.json_lines import read_lines
from evidence.evals.foreign.json_reader import JsonReader, fault_of
from evidence.evals.foreign.notes import FormatNotes
from evidence.evals.foreign.texts import (
    MAX_REASON,
    fingerprint,
    labels_in,
    list_in,
    moment_in,
    moment_of_unix,
    number_in,
    object_in,
    short_name,
    shown,
    text_in,
)
from evidence.evals.measurements import Measurement, RemarkCode, Said, StatedTotal
from evidence.evals.slices import read_slice, requirements_in, slice_of_requirements
from evidence.evals.sources import Source

_SEND: Final = (
    "post the traces or the results as JSON (`result_df.to_json(orient='records')`, eval_results_table.json), "
    "alone or beside run.json in a ZIP"
)
_YES_NO: Final = {"yes": True, "no": False, "true": True, "false": False}
_TRACE_ID: Final = re.compile(r"(?:tr-)?([0-9a-f]{32})")
_DIGEST: Final = re.compile(r"sha256:([0-9a-f]{64})")
_SCORE_COLUMN: Final = re.compile(r"(?P<metric>.+?)(?:/v[0-9]+)?/(?:value|score)")
_WHY_COLUMNS: Final = ("rationale", "justification")
_NO_NAME: Final = "dataset"  # of a dataset that nobody named
_PEOPLE: Final = "HUMAN"
_JUDGES: Final = frozenset({"LLM_JUDGE", "AI_JUDGE"})
_STATUSES: Final = {
    "FINISHED": RunStatus.SUCCESS,
    "FAILED": RunStatus.ERROR,
    "KILLED": RunStatus.CANCELLED,
    "RUNNING": RunStatus.STARTED,
    "SCHEDULED": RunStatus.STARTED,
}
_OF_OBJECT: Final = frozenset({"run", "info", "data", "inputs", "trace_id", "assessments"})
_INPUTS: Final = ("request", "inputs", "input", "question", "prompt")
_OUTPUTS: Final = ("response", "outputs", "output", "predictions", "prediction")
_TARGETS: Final = ("targets", "target", "expected_response/value", "ground_truth")
NOTES: Final = FormatNotes(
    tried="mlflow 3.17.2 (`mlflow.genai.evaluate`); the tables of `mlflow.evaluate` by their source",
    post="the traces or the results as JSON, alone or beside `run.json` in a ZIP",
    reads=(
        "a row is a sample, named by its inputs; each scorer is a metric, what people said one of its "
        'own; "yes" and "no" are 1 and 0'
    ),
    poster="suite; of rows alone also evaluator, dataset, commit, status and times",
    flags=(
        "that no direction is said, values that are no numbers, overridden assessments, traces that ended "
        "in an error"
    ),
)


def sniff(head: bytes, name: str) -> bool:
    """Whether a file holds traces with assessments, rows of results, or a ZIP of these."""
    if head.startswith(b"PK"):
        names = {one.rpartition("/")[2] for one in head.decode("utf-8", "replace").split("\n")[1:]}
        rows = any(one.startswith(("eval_results_table", "result_df", "traces")) for one in names)
        return rows and all(one.endswith((".json", ".jsonl", "MLmodel", ".yaml", "")) for one in names)
    text = head.lstrip(b"\xef\xbb\xbf \r\n\t")
    if not text.startswith((b"{", b"[")):
        return False
    if name.rpartition("/")[2].startswith("eval_results_table"):
        return True
    table = b'"columns"' in text[:64] and (b'/score"' in text or b'/value"' in text or b'/v1"' in text)
    traces = b'"assessment_name"' in text or (b'"trace_metadata"' in text and b'"assessments"' in text)
    rows = b'/value"' in text and b'"trace_id"' in text
    run = b'"artifact_uri"' in text and b'"lifecycle_stage"' in text
    return table or traces or rows or run


def open_measurements(source: Source, poster: Said) -> Iterator[Measurement]:
    """Yield the one measurement of an evaluation.

    Raises:
        EvalFileError: it has no rows and no traces that can be read.
    """
    del poster
    export = _Export()
    if source.is_folder:
        _read_folder(source, export)
    else:
        _read(source.open(), source.name or "the file", export)
    if not export.n_rows:
        raise EvalFileError([f"no traces and no rows in it: {_SEND}"])
    yield export.measurement()


def _read_folder(source: Source, export: _Export) -> None:
    """Read the files of a ZIP, of which one may hold the rows: MLflow writes the same ones in several ways."""
    with_rows: list[str] = []
    for name in source.members:
        if name.endswith((".json", ".jsonl")):
            before = export.n_rows
            with source.open_member(name) as stream:
                _read(stream, name, export)
            with_rows += [name] if export.n_rows > before else []
    if len(with_rows) > 1:
        raise EvalFileError(
            [f"{' and '.join(with_rows[:5])} hold rows, which would count twice: post one of them"]
        )


def _read(stream: BinaryIO, name: str, export: _Export) -> None:
    """Read a list of rows, a table, traces under their key, a run, or lines of traces."""
    if name.endswith(".jsonl"):
        for line in read_lines(stream):
            export.add(line.value, f"line {line.number} {line.fault}" if line.fault else None)
        return
    reader = JsonReader(stream, name)
    if reader.next_is("["):
        for row in reader.values():
            export.add(row)
    elif reader.next_is("{"):
        _read_object(reader, export)
    else:
        reader.take()
    reader.check_end()


def _read_object(reader: JsonReader, export: _Export) -> None:
    columns: list[Any] = []
    whole: dict[str, Any] = {}
    for key in reader.fields():
        if key == "traces":
            for row in reader.values():
                export.add(row)
        elif key == "data" and reader.next_is("["):
            for row in reader.values():
                export.add_cells(columns, row)
        elif key == "columns":
            columns = list_in(reader.take())
        elif key in _OF_OBJECT:
            whole[key] = reader.take()
        else:
            reader.skip()
    export.add_whole(whole)


class _Export:
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
        subject, told = _name_of(row, index), _told(row)
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
        for name, value in _metrics_of(self.run).items():
            mean_of = _mean_of(name)
            if mean_of is not None and self._kept.has(mean_of):
                total = StatedTotal(mean_of, short_name(name), number_in(value), is_mean=True)
                self._kept.totals.append(total)
        return self._kept.measurement(self._said())

    def _said(self) -> Said:
        info = object_in(self.run.get("info"))
        tags = _pairs(object_in(self.run.get("data")).get("tags"))
        begun, ended = _of_milliseconds(info.get("start_time")), _of_milliseconds(info.get("end_time"))
        scorers = _DIGEST.search(shown(tags.get("mlflow.genaiEvaluate.scorersDigest"), 500))
        listed = list_in(object_in(self.run.get("inputs")).get("dataset_inputs"))
        dataset = object_in(object_in(listed[0]).get("dataset")) if len(listed) == 1 else {}
        name, digest = text_in(dataset.get("name")), text_in(dataset.get("digest"))
        return Said(
            run_key=text_in(info.get("run_id")),
            commit=text_in(tags.get("mlflow.source.git.commit")),
            dirty=_YES_NO.get(str(tags.get("mlflow.source.git.dirty")).lower()),
            evaluator=VersionClaim("mlflow-scorers", None, scorers[1]) if scorers else None,
            dataset=VersionClaim(short_name(name), digest, None)
            if name and digest and name != _NO_NAME
            else None,
            status=_STATUSES.get(str(info.get("status"))),
            observed_from=begun or min(self._times, default=None),
            observed_to=ended or max(self._times, default=None),
        )

    # --- Scores --------------------------------------------------------------------------------------------------
    def _scores(self, row: Mapping[str, Any]) -> Iterator[SampleScore]:
        listed = row.get("assessments", object_in(row.get("info")).get("assessments"))
        if isinstance(listed, list):
            for assessment in map(object_in, listed):
                yield from self._score_assessment(assessment)
            return
        for column, value in row.items():
            if (found := _SCORE_COLUMN.fullmatch(column)) and column not in _TARGETS:
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
        given = _YES_NO.get(value.lower(), value) if isinstance(value, str) else value
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


def _name_of(row: Mapping[str, Any], index: int) -> str:
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


def _told(row: Mapping[str, Any]) -> Told:
    info = object_in(row.get("info"))
    metadata = object_in(info.get("trace_metadata") or row.get("trace_metadata"))
    tags = {
        key: value
        for key, value in object_in(info.get("tags") or row.get("tags")).items()
        if not key.startswith("mlflow.")
    }
    answer = next((row[key] for key in _OUTPUTS if row.get(key) is not None), None)
    target = next((row[key] for key in _TARGETS if row.get(key) is not None), None)
    trace = _TRACE_ID.fullmatch(str(info.get("trace_id") or row.get("trace_id")))
    return Told(
        slice=read_slice(labels_in(tags)) | slice_of_requirements(requirements_in(tags)),
        input=shown(_inputs_of(row)),
        output=shown(_parsed(metadata.get("mlflow.traceOutputs")) if answer is None else answer),
        target=shown(target) or None,
        trace_id=trace[1] if trace and trace[1].strip("0") else None,
    )


def _metrics_of(run: Mapping[str, Any]) -> Mapping[str, Any]:
    return _pairs(object_in(run.get("data")).get("metrics"))


def _pairs(given: object) -> Mapping[str, Any]:
    """Return names and values, which the client writes as an object and the server as a list of pairs."""
    if isinstance(given, list):
        return {str(one.get("key")): one.get("value") for one in map(object_in, given)}
    return object_in(given)


def _mean_of(name: str) -> str | None:
    """Return of which metric a metric of the run is the mean: `exact/mean`, `toxicity/v1/mean`."""
    found = re.fullmatch(r"(.+?)(?:/v[0-9]+)?/mean", name)
    return short_name(found[1]) if found else None


def _of_milliseconds(value: object) -> datetime | None:
    number = number_in(value)
    return None if number is None else moment_of_unix(number / 1000)
