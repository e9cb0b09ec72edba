"""Langfuse scores: what `GET /api/public/v2/scores` and `/v3/scores` answer, and the export of the scores' page as CSV.

A score is of a trace, an observation, a session or a whole experiment; what is of one answer is one sample. What people
annotated is never averaged with what a judge gave. A category is no number, although Langfuse writes one beside it.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from evidence.evals.contracts import EvalFileError
from evidence.evals.foreign.collected import Collected, Told
from evidence.evals.foreign.joined import Joined
from evidence.evals.foreign.json_lines import read_lines
from evidence.evals.foreign.json_reader import JsonReader, fault_of
from evidence.evals.foreign.notes import FormatNotes
from evidence.evals.foreign.tables import read_rows
from evidence.evals.foreign.texts import (
    count_in,
    labels_in,
    moment_in,
    number_in,
    object_in,
    short_name,
    shown,
    text_in,
)
from evidence.evals.measurements import Measurement, RemarkCode, Said, StatedTotal
from evidence.evals.slices import read_slice
from evidence.evals.sources import Source

_SEND: Final = "post what GET /api/public/v2/scores answers, or the scores exported as JSON or CSV"
_TRACE_ID: Final = re.compile(r"[0-9a-f]{32}")
_NUMBERS: Final = frozenset({"NUMERIC", "BOOLEAN"})
_SUBJECTS: Final = ("observationid", "traceid", "sessionid")  # the most particular first
_EXPERIMENT: Final = "datasetrunid"
_PEOPLE: Final = "ANNOTATION"
_NAMES: Final = frozenset(
    {"name", "value", "source", "datatype"}
)  # that a score has, as `_plain` writes them
NOTES: Final = FormatNotes(
    tried=(
        "the answers of the public API, v2 and v3, and the CSV export, by the types of its Python client 4"
    ),
    post="all pages of the scores as one JSON list, or the exported table",
    reads=(
        "what was scored is a sample; each name is a metric, what people annotated one of its own; scores "
        "of an experiment are totals"
    ),
    poster="suite, evaluator, dataset, commit, status",
    flags=(
        "that no direction is said, categories and texts, pages that are not there, scores that were changed"
    ),
)


def sniff(head: bytes, name: str) -> bool:
    """Whether a file is a list or a table of scores of Langfuse."""
    del name
    text = head.lstrip(b"\xef\xbb\xbf \r\n\t")
    if text.startswith((b"{", b"[")):
        typed = b'"dataType"' in text or b'"data_type"' in text
        of = any(
            key in text
            for key in (b'"traceId"', b'"trace_id"', b'"subject"', b'"sessionId"', b'"datasetRunId"')
        )
        return typed and of and b'"source"' in text
    first = text.split(b"\n", 1)[0].decode("utf-8", "replace")
    names = {_plain(column) for column in first.split(",")}
    return _NAMES - {"datatype"} <= names and bool(names & {*_SUBJECTS, _EXPERIMENT})


def open_measurements(source: Source, poster: Said) -> Iterator[Measurement]:
    """Yield the one measurement of an export.

    Raises:
        EvalFileError: it is no list and no table of scores.
    """
    del poster
    export = _Export()
    head = source.head().lstrip(b"\xef\xbb\xbf \r\n\t")
    if not head.startswith((b"{", b"[")):
        _read_table(source, export)
    elif head.startswith(b"{") and _is_lines(source):
        for line in read_lines(source.open()):
            export.add(line.value, f"line {line.number} {line.fault}" if line.fault else None)
    else:
        _read_json(source, export)
    if not export.n_scores:
        raise EvalFileError([f"no scores in it: {_SEND}"])
    yield export.measurement()


def _is_lines(source: Source) -> bool:
    """Whether the first object is a score: then each line is one."""
    reader = JsonReader(source.open(), "the file")
    for key in reader.fields():
        if key in {"data", "meta", "scores"}:
            return False
        if _plain(key) in {*_NAMES, *_SUBJECTS}:
            return True
        reader.skip()
    return False


def _read_json(source: Source, export: _Export) -> None:
    """Read a list, or the answer of the API: the scores under `data`, and how many there are under `meta`."""
    reader = JsonReader(source.open(), "the file")
    if reader.next_is("["):
        for score in reader.values():
            export.add(score)
        reader.check_end()
        return
    for key in reader.fields():
        if key in {"data", "scores"}:
            for score in reader.values():
                export.add(score)
        elif key == "meta":
            export.meta = object_in(reader.take())
        else:
            reader.skip()
    reader.check_end()


def _read_table(source: Source, export: _Export) -> None:
    text = io.TextIOWrapper(source.open(), encoding="utf-8-sig", newline="")
    try:
        rows = read_rows(text)
        columns = next(rows, [])
        for row in rows:
            if len(row) == len(columns):
                export.add(dict(zip(columns, row, strict=True)))
            elif row:
                export.add(
                    None, f"row {rows.line_num} has {len(row)} fields, and there are {len(columns)} columns"
                )
    except (UnicodeDecodeError, csv.Error) as exc:
        raise EvalFileError([f"not a table in UTF-8: {exc}; {_SEND}"]) from exc
    finally:
        text.detach()


class _Export:
    """What is read of a file."""

    def __init__(self) -> None:
        self.n_scores = 0
        self.meta: Mapping[str, Any] = {}
        self._kept = Collected("", "langfuse")
        self._joined = Joined(self._kept)
        self._unread: set[str] = set()
        self._times: list[datetime] = []

    def add(self, score: Any, fault: str | None = None) -> None:
        """Read one score."""
        index, self.n_scores = self.n_scores, self.n_scores + 1
        fault = fault or fault_of(score)
        told = {} if fault else {_plain(key): value for key, value in score.items()}
        name = short_name(told.get("name"))
        if not fault and not name:
            fault = "has no name"
        if fault:
            self._kept.reject(index, "bad_score", f"score {index} {fault}", score)
            return
        self._note_times(told)
        kind = str(told.get("datatype") or _kind_of(told.get("value"))).upper()
        if kind not in _NUMBERS:
            if name not in self._unread:
                self._unread.add(name)
                self._kept.remark(
                    RemarkCode.UNREAD, f"{name}: is of the type {shown(kind, 30)}, which is no number"
                )
            return
        self._add(name, kind, told)

    def measurement(self) -> Measurement:
        """Return what was found."""
        total, pages = count_in(self.meta.get("totalItems")), count_in(self.meta.get("totalPages"))
        more = self.meta.get("cursor") or self.meta.get("nextCursor")
        if (total or 0) > self.n_scores or (pages or 0) > 1 or more:
            of = f"{self.n_scores} of {total} scores" if total else "one page of several"
            self._kept.remark(RemarkCode.LIMITED, f"{of}: ask for each page, and post them as one list")
        return self._kept.measurement(
            Said(observed_from=min(self._times, default=None), observed_to=max(self._times, default=None))
        )

    def _add(self, name: str, kind: str, told: Mapping[str, Any]) -> None:
        metric = f"{name} (people)" if str(told.get("source")).upper() == _PEOPLE else name
        value = _number(told.get("value"), told.get("stringvalue"))
        subject = self._subject_of(told)
        if subject is None:
            self._kept.totals.append(StatedTotal(short_name(metric), "of the experiment", number_in(value)))
            return
        boolean = kind == "BOOLEAN"
        declared = self._kept.declare(metric, proportion=boolean, direction=None, everywhere=False)
        score = self._kept.score(declared, value, told.get("comment"))
        place = self._joined.add(short_name(subject), _told(told), score)
        created, updated = moment_in(told.get("createdat")), moment_in(told.get("updatedat"))
        if created and updated and (updated - created).total_seconds() > 1:
            self._kept.remark(RemarkCode.EDITED, f"{metric}: changed after it was given", place)

    def _subject_of(self, told: Mapping[str, Any]) -> str | None:
        """Return what was scored; None: a whole experiment."""
        subject = object_in(told.get("subject"))
        if subject:
            return None if subject.get("kind") == "experiment" else shown(subject.get("id"), 200)
        found = next((text for key in _SUBJECTS if (text := text_in(told.get(key)))), None)
        if found is None and not text_in(told.get(_EXPERIMENT)):
            return f"score {self.n_scores}"
        return found

    def _note_times(self, told: Mapping[str, Any]) -> None:
        at = moment_in(told.get("timestamp"))
        if at:
            self._times = [min([*self._times, at]), max([*self._times, at])]


def _told(told: Mapping[str, Any]) -> Told:
    subject = object_in(told.get("subject"))
    trace = subject.get("traceId") or (
        subject.get("id") if subject.get("kind") == "trace" else told.get("traceid")
    )
    environment, session = text_in(told.get("environment")), text_in(told.get("sessionid"))
    given = {**labels_in(object_in(told.get("metadata")))}
    if environment:
        given["environment"] = environment
    if session:
        given["conversation"] = session
    known = isinstance(trace, str) and _TRACE_ID.fullmatch(trace) and trace.strip("0")
    return Told(read_slice(given), trace_id=trace if isinstance(trace, str) and known else None)


def _plain(name: object) -> str:
    """Return a field's name without the ways of writing it: `traceId`, `trace_id` and `Trace ID` are one."""
    return re.sub(r"[^a-z0-9]", "", str(name).lower().strip('"\ufeff '))


def _kind_of(value: object) -> str:
    if isinstance(value, bool):
        return "BOOLEAN"
    return "NUMERIC" if number_in(_number(value, None)) is not None else "CATEGORICAL"


def _number(value: object, text: object) -> object:
    """Return a value as a number where it is written as one: in a table all is text."""
    given = value if value not in (None, "") else text
    if not isinstance(given, str):
        return given
    if given.strip().lower() in {"true", "false"}:
        return given.strip().lower() == "true"
    try:
        return float(given)
    except ValueError:
        return given or None
