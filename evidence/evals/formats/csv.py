"""A plain table: a row a sample, with the columns `id` and `score`. It may have `label`, `input`, `output`, `target`
and `attempt`, too.

Every other column is a dimension of the slice, and one called `requirement` names what the row verifies. An empty score
is unscored, and so is what is not finite; `error` is an error. Without a column `attempt`, an id that ends as one of an
attempt (`fees-1#2`) is taken for one, and that is said. A table says nothing of its run: its poster does.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from evidence.evals.contracts import (
    AS_UTF8,
    CUT_SHORT,
    Direction,
    EvalFileError,
    MetricSpec,
    ParsedSample,
    SampleReject,
    SampleScore,
    ScoreStatus,
)
from evidence.evals.foreign.notes import FormatNotes
from evidence.evals.foreign.tables import read_rows
from evidence.evals.measurements import Measurement, Remark, RemarkCode, Said
from evidence.evals.observations import item_of
from evidence.evals.slices import REQUIREMENT_PROPERTIES, read_slice, requirements_in, slice_of_requirements
from evidence.evals.sources import Source

FORMAT: Final = "csv/1"
_METRIC: Final = "score"
_OURS: Final = frozenset(
    {"id", _METRIC, "label", "input", "output", "target", "attempt", *REQUIREMENT_PROPERTIES}
)
_DELIMITERS: Final = ",;\t"
_HINT: Final = re.compile(
    rf'"?sep=[{_DELIMITERS}]"?'
)  # a first line by which spreadsheets say what stands between columns
_ERROR: Final = "error"
_WHOLE: Final = re.compile(r"0*([1-9][0-9]{0,8})(?:\.0+)?")  # pandas writes a column with gaps as 1.0, 2.0
_PLAIN: Final = "write a plain number, as 0.75: no percent sign, and a point before its decimals"

NOTES: Final = FormatNotes(
    tried="tables in UTF-8, with a comma, a semicolon or a tab between their columns; `sep=;` may stand before them",
    post="a table with `id` and `score`; it may have `label`, `input`, `output`, `target`, `attempt`",
    reads=(
        "one measurement with the metric `score`, a share where every value lies in [0, 1]; a row is a sample, every "
        "other column a dimension of its slice; an empty score, `NaN` or infinity is unscored, `error` an error"
    ),
    poster="suite, evaluator, dataset, commit and times: a table says nothing of its run",
    flags=(
        "rows with fields too many or too few, which are rejected by themselves; ids that read as attempts at one "
        "item (`fees-1#2`) where no column `attempt` says which are; more is taken for better"
    ),
)

Row = dict[str, str]  # by column


def sniff(head: bytes, name: str) -> bool:
    """Whether a file begins with a row of names, `id` and `score` among them."""
    del name
    first = _first_row(iter(head.decode("utf-8-sig", "replace").splitlines()))
    return any({"id", _METRIC} <= set(_names(first, delimiter)) for delimiter in _DELIMITERS)


def open_measurements(source: Source, poster: Said) -> Iterator[Measurement]:
    """Yield the one measurement of a table.

    Raises:
        EvalFileError: it is no table, its columns are not named once each, or `id` or `score` is missing.
    """
    del poster
    metrics: dict[str, MetricSpec] = {_METRIC: _metric(is_share=False)}
    remarks: list[Remark] = []
    yield Measurement(
        key="",
        format=FORMAT,
        said=Said(),
        metrics=metrics,
        samples=_read(_rows(source), metrics, remarks),
        remarks=remarks,
    )


def _read(
    rows: Iterator[Row], metrics: dict[str, MetricSpec], remarks: list[Remark]
) -> Iterator[ParsedSample | SampleReject]:
    """Yield the samples, and say at the end what is known only then.

    Scores that stayed in [0, 1] are a share; ids that read as attempts at one item are remarked.
    """
    is_bounded, index = True, -1
    attempts: Counter[str] = Counter()  # by item, where only the ids say which they are
    for index, row in enumerate(rows):
        try:
            sample = _sample(row)
        except ValueError as exc:
            yield SampleReject(index, row.get("id"), "bad_row", str(exc), None)
            continue
        if "attempt" not in row and (item := item_of(sample.sample_id)) != sample.sample_id:
            attempts[item] += 1
        value = sample.scores[0].value
        is_bounded = is_bounded and (value is None or 0 <= value <= 1)
        yield sample
    if index < 0:
        raise EvalFileError(
            ["the table has no rows below its first: the runner wrote no result; post one that has"]
        )
    if is_bounded:
        metrics[_METRIC] = _metric(is_share=True)
    remarks += _remark_attempts(attempts)


def _remark_attempts(attempts: Counter[str]) -> Iterator[Remark]:
    """Say which rows are one independent unit for no more than how their ids end."""
    several = [item for item, count in attempts.items() if count > 1]
    if several:
        rows = sum(attempts[item] for item in several)
        items = "one item" if len(several) == 1 else f"{len(several)} items"
        named = ", ".join(several[:5])
        yield Remark(
            RemarkCode.AMBIGUOUS,
            f"{rows} rows read by their ids as attempts at {items} ({named[:300]}), each one unit; where "
            "they are items of their own, add a column `attempt`, empty or with their numbers",
        )


def _sample(row: Row) -> ParsedSample:
    """Read one row.

    Raises:
        ValueError: it has more or fewer fields than the first, no id, or a score that is none.
    """
    if "" in row:
        raise ValueError(row[""])
    if not row["id"]:
        raise ValueError("id: is empty")
    return ParsedSample(
        sample_id=_name(row),
        slice={
            **read_slice({name: value for name, value in row.items() if name not in _OURS}),
            **slice_of_requirements(requirements_in(row)),
        },
        input=row.get("input", ""),
        output=row.get("output", ""),
        target=row.get("target"),
        trace_id=None,
        scores=(_score(row[_METRIC].strip(), row.get("label", "")),),
    )


def _name(row: Row) -> str:
    """Return the id of a row; with a column `attempt`, nothing in its id stands for one."""
    name, attempt = row["id"], row.get("attempt")
    if attempt is None:
        return name
    if not attempt.strip():
        return name if item_of(name) == name else f"{name}#1"
    number = _WHOLE.fullmatch(attempt.strip())
    if number is None:
        raise ValueError(f"attempt: {attempt[:100]!r} is no whole number from 1")
    return f"{name}#{number[1]}"


def _score(written: str, label: str) -> SampleScore:
    if written.lower() == _ERROR:
        return SampleScore(_METRIC, ScoreStatus.ERROR, None, label)
    if not written:
        return SampleScore(_METRIC, ScoreStatus.UNSCORED, None, label)
    try:
        value = float(written.replace("_", " "))  # Python would read 1_000; nobody else does
    except ValueError:
        raise ValueError(f"score: {written[:100]!r} is no number, nor empty, nor 'error': {_PLAIN}") from None
    if not math.isfinite(value):
        told = f"{written[:100]} is no finite number"
        return SampleScore(_METRIC, ScoreStatus.UNSCORED, None, f"{told}; {label}" if label else told)
    return SampleScore(_METRIC, ScoreStatus.SCORED, value, label)


def _rows(source: Source) -> Iterator[Row]:
    """Yield the rows by their columns; under the empty name, why a row cannot be read so."""
    text = io.TextIOWrapper(source.open(), encoding="utf-8-sig", newline="")
    try:
        columns, delimiter = _columns(_first_row(text))
        for fields in read_rows(text, delimiter=delimiter):
            if fields:
                yield _by_column(columns, fields)
    except UnicodeDecodeError as exc:
        raise EvalFileError([f"not a table in UTF-8: byte {exc.start} cannot be decoded; {AS_UTF8}"]) from exc
    except csv.Error as exc:
        raise EvalFileError([f"not a table as one is known here: {exc}; {CUT_SHORT}"]) from exc
    finally:
        text.detach()


def _by_column(columns: list[str], fields: list[str]) -> Row:
    if len(fields) != len(columns):
        return {"": f"it has {len(fields)} fields, and the first row names {len(columns)} columns"}
    return dict(zip(columns, fields, strict=True))


def _columns(first: str) -> tuple[list[str], str]:
    """Return the names in the first row, and what stands between them."""
    named = {delimiter: _names(first, delimiter) for delimiter in _DELIMITERS}
    delimiter = max(_DELIMITERS, key=lambda each: len(named[each]))
    columns = named[delimiter]
    faults = [
        f"the first row names no column {name!r}: say in it which one it is"
        for name in ("id", _METRIC)
        if name not in columns
    ]
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice:
        faults.append(f"columns that stand twice: {', '.join(twice)[:300]}; post the runner's JSON instead")
    if faults:
        raise EvalFileError(faults)
    return columns, delimiter


def _first_row(lines: Iterator[str]) -> str:
    """Take the row of names from the lines of a table, and what a spreadsheet wrote before it."""
    first = next(lines, "")
    return next(lines, "") if _HINT.fullmatch(first.strip(" \r\n")) else first


def _names(first: str, delimiter: str) -> list[str]:
    try:
        return [name.strip().lower() for name in next(read_rows([first.strip()], delimiter=delimiter), [])]
    except csv.Error:
        return []


def _metric(*, is_share: bool) -> MetricSpec:
    if is_share:
        return MetricSpec(_METRIC, "proportion", Direction.HIGHER, "share")
    return MetricSpec(_METRIC, "mean", Direction.HIGHER, "score")
