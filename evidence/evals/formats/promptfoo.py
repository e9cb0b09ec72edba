"""promptfoo: `--output results.json` (v3, and v2 with its table), `--output results.jsonl`, and what its API returns.

Each column of its table is a provider with a prompt, and a measurement of its own. A row is an error only where
`failureReason` is 2, or where its grader broke; `error` alone is set on plain failures, too. A row of which nothing was
asserted says `success`, which says nothing. What promptfoo counts by column it weighs, so that its named totals are
kept beside ours and compared where all weights are equal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final

from evidence.evals.contracts import EvalFileError, RunStatus, SampleScore, ScoreStatus, VersionClaim
from evidence.evals.foreign.collected import Collected, Item, Told
from evidence.evals.foreign.json_lines import read_lines
from evidence.evals.foreign.json_reader import JsonReader, fault_of
from evidence.evals.foreign.notes import FormatNotes
from evidence.evals.foreign.texts import (
    count_in,
    fingerprint,
    groupings_in,
    labels_in,
    list_in,
    moment_in,
    number_in,
    object_in,
    short_name,
    shown,
    text_in,
)
from evidence.evals.measurements import Measurement, RemarkCode, Said, StatedTotal
from evidence.evals.slices import REQUIREMENT_PROPERTIES, read_slice, requirements_in, slice_of_requirements
from evidence.evals.sources import Source
from evidence.statistics import Plan

SUCCESS: Final = "success"
SCORE: Final = "score"
_ERROR: Final = 2  # of `failureReason`
_MAX_COLUMNS: Final = 200
_MAX_REFUSED: Final = 10_000  # rows that cannot be read
_OF_ROW: Final = frozenset(
    {"promptIdx", "testIdx", "testCase", "gradingResult", "namedScores", "failureReason"}
)
_OF_FILE: Final = frozenset({"evalId", "results", "prompts", "table", "stats", "config"})
_CSV: Final = (b",Status,Score", b"[PASS]", b"[FAIL]")
_NO_CSV: Final = (
    "promptfoo's CSV repeats its column names (Status, Score) and has no errors of its own: "
    "write `--output results.json` and post that"
)
NOTES: Final = FormatNotes(
    tried="promptfoo 0.121.20 (results v3, JSON lines, `--repeat`, two prompts); v2 by its types",
    post="`--output results.json`; JSON lines are read too and say less; its CSV is refused",
    reads=(
        "a measurement for each provider with each prompt; `success`, `score` and each named metric; "
        "repeats as attempts; `language`, `topic` and the like of `vars`, and labels of `metadata`, as "
        "slices"
    ),
    poster="suite, dataset, commit; of JSON lines also evaluator and times",
    flags="rows of which nothing was asserted, grades by hand, counts that the rows do not come to",
)


def sniff(head: bytes, name: str) -> bool:
    """Whether a file is one that promptfoo wrote: its JSON, its JSON lines, or its CSV, which is refused by name."""
    if _is_csv(head, name):
        return True
    told = (
        b'"promptIdx"',
        b'"evalId"',
        b'"testCase"',
        b'"namedScores"',
        b'"testPassCount"',
        b'"promptfooVersion"',
    )
    return head.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"{") and sum(mark in head for mark in told) >= 2


def open_measurements(source: Source, poster: Said) -> Iterator[Measurement]:
    """Yield a measurement for each column that has rows, or that the file says it has.

    Raises:
        EvalFileError: it is no output of promptfoo that can be read; says what to send.
    """
    del poster
    head = source.head()
    if _is_csv(head, source.name):
        raise EvalFileError([_NO_CSV])
    run = _read_lines(source) if _is_lines(source) else _read_json(source)
    if not run.columns:
        raise EvalFileError(["no results: post what `promptfoo eval --output results.json` writes"])
    run.add_refused()
    keys = run.name_columns()
    for at, column in run.columns.items():
        yield column.measurement(keys[at], run.said(column), run.repeat)


def _is_csv(head: bytes, name: str) -> bool:
    return (
        not head.lstrip(b"\xef\xbb\xbf").startswith(b"{")
        and (
            (name.lower().endswith(".csv") or b"\n" in head)
            and b"[" in head
            and any(mark in head for mark in _CSV)
        )
        and not head.lstrip().startswith(b"<")
    )


def _is_lines(source: Source) -> bool:
    """Whether the first object is a row: then each line is one."""
    reader = JsonReader(source.open(), "the file")
    for key in reader.fields():
        if key in _OF_ROW:
            return True
        if key in _OF_FILE:
            return False
        reader.skip()
    return False


# --- A run and its columns ---------------------------------------------------------------------------------------
@dataclass(slots=True)
class _Column:
    """One provider with one prompt."""

    provider: str
    prompt: str
    collected: Collected
    stated: Mapping[str, Any] = field(default_factory=dict)  # `metrics` of the prompt
    passed: int = 0  # as promptfoo counts: what nothing was asked of passes
    failed: int = 0
    errors: int = 0
    unasserted: int = 0
    weights: dict[str, set[float]] = field(default_factory=dict)  # of each named metric, as rows weigh it

    def measurement(self, key: str, said: Said, repeat: int | None) -> Measurement:
        self.collected.key = key
        self._state_totals()
        epochs = repeat or self.collected.least_attempts
        return self.collected.measurement(replace(said, plan=Plan(epochs=max(1, epochs))))

    def _state_totals(self) -> None:
        stated, kept = self.stated, self.collected
        kept.state_count(SUCCESS, "testPassCount", stated.get("testPassCount"), self.passed)
        kept.state_count(SUCCESS, "testFailCount", stated.get("testFailCount"), self.failed)
        kept.state_count(SUCCESS, "testErrorCount", stated.get("testErrorCount"), self.errors)
        sums, counts = object_in(stated.get("namedScores")), object_in(stated.get("namedScoresCount"))
        weights = object_in(stated.get("namedScoreWeights"))
        for name, total in sums.items():
            kept.totals.append(self._named_total(name, number_in(total), weights.get(name), counts.get(name)))
        if (total := number_in(stated.get("score"))) is not None:
            kept.totals.append(StatedTotal(SCORE, "score (sum)", total))

    def _named_total(self, name: str, total: float | None, weight: object, count: object) -> StatedTotal:
        """Return a named total as a mean where the file says by what to divide it: never by the count."""
        by = number_in(weight)
        if total is None or not by:
            return StatedTotal(short_name(name), "namedScores (sum)", total, n=count_in(count))
        alike = len(self.weights.get(name, ())) == 1
        return StatedTotal(
            short_name(name), "namedScores / namedScoreWeights", total / by, n=count_in(count), is_mean=alike
        )


class _Run:
    """What is read of a file: its rows go to their columns as they come."""

    def __init__(self, version: str) -> None:
        self.version = version
        self.columns: dict[tuple[int | None, str, str], _Column] = {}
        self.prompts: list[Any] = []
        self.head: dict[str, Any] = {}  # of the file: evalId, metadata, config, timestamp, stats
        self.is_finished = False
        self._rows = 0
        self._refused: list[tuple[int, str, Any]] = []

    @property
    def repeat(self) -> int | None:
        """How often each test was to run, where the file says it."""
        told = object_in(self.head.get("runtimeOptions")).get("repeat")
        options = object_in(object_in(self.head.get("config")).get("evaluateOptions"))
        return count_in(told) or count_in(options.get("repeat"))

    def add(self, row: Any, place: str = "") -> None:
        """Read one row.

        Args:
            place: where it stands, if not by its number.
        """
        index, self._rows = self._rows, self._rows + 1
        if fault := fault_of(row):
            self.refuse(index, f"{place or f'row {index}'} {fault}", row)
        else:
            _read_row(row, self._column_of(row))

    def refuse(self, index: int, why: str, row: object = None) -> None:
        """Keep that a row could not be read: whose it was is not known, so that it counts against each column."""
        if len(self._refused) >= _MAX_REFUSED:
            raise EvalFileError(
                [f"more than {_MAX_REFUSED:,} rows cannot be read, the last because it {why}"]
            )
        self._refused.append((index, why, row))

    def add_refused(self) -> None:
        """Count the rows that could not be read against each column."""
        for column in self.columns.values():
            for index, why, row in self._refused:
                column.collected.reject(index, "bad_row", why, row)

    def add_prompts(self) -> None:
        """Take what the file says of its columns; one without rows is a measurement without samples."""
        for at, prompt in enumerate(self.prompts[:_MAX_COLUMNS]):
            told = object_in(prompt)
            mine = [column for (number, _, _), column in self.columns.items() if number == at]
            for column in mine or [
                self._column_at(at, short_name(told.get("provider")), short_name(told.get("label")))
            ]:
                column.stated = object_in(told.get("metrics"))
                column.prompt = short_name(told.get("label")) or column.prompt

    def name_columns(self) -> dict[tuple[int | None, str, str], str]:
        """Return what each column is called: its provider where that says which, with its prompt where not."""
        if len(self.columns) == 1:
            return dict.fromkeys(self.columns, "")
        names = {
            at: column.provider or f"column {number}"
            for number, (at, column) in enumerate(self.columns.items())
        }
        if len(set(names.values())) < len(names):
            names = {at: short_name(f"{name} | {self.columns[at].prompt}") for at, name in names.items()}
        if len(set(names.values())) < len(names):
            names = {at: f"{name} | {number}" for number, (at, name) in enumerate(names.items())}
        return names

    def said(self, column: _Column) -> Said:
        """Return what the file says of the run and of the model of one column."""
        metadata = object_in(self.head.get("metadata"))
        begun = moment_in(self.head.get("timestamp")) or moment_in(metadata.get("evaluationCreatedAt"))
        took = number_in(object_in(self.head.get("stats")).get("durationMs"))
        ended = (
            begun + timedelta(milliseconds=took) if begun and took is not None and 0 <= took < 1e11 else None
        )
        version = text_in(metadata.get("promptfooVersion"))
        return Said(
            run_key=short_name(self.head.get("evalId")) or None,
            model=VersionClaim(column.provider, None, None) if column.provider else None,
            evaluator=VersionClaim("promptfoo", version, None) if version else None,
            status=RunStatus.SUCCESS if self.is_finished else None,
            observed_from=begun,
            observed_to=ended,
            collected_at=moment_in(metadata.get("exportedAt")),
        )

    def _column_of(self, row: Mapping[str, Any]) -> _Column:
        provider, number = row.get("provider"), count_in(row.get("promptIdx"))
        told = object_in(provider)
        name = short_name(
            told.get("label") or told.get("id") or (provider if isinstance(provider, str) else "")
        )
        return self._column_at(number, name, short_name(object_in(row.get("prompt")).get("label")))

    def _column_at(self, number: int | None, provider: str, prompt: str) -> _Column:
        at = (number, provider, prompt if number is None else "")
        if at not in self.columns:
            if len(self.columns) >= _MAX_COLUMNS:
                raise EvalFileError([f"more than {_MAX_COLUMNS} providers and prompts: post fewer at once"])
            collected = Collected("", self.version)
            collected.declare(SUCCESS, proportion=True)
            collected.declare(SCORE, share=True)
            self.columns[at] = _Column(provider, prompt, collected)
        return self.columns[at]


# --- The file ----------------------------------------------------------------------------------------------------
def _read_lines(source: Source) -> _Run:
    run = _Run("promptfoo/jsonl")
    for line in read_lines(source.open()):
        if line.fault:
            run.refuse(line.number - 1, f"line {line.number} {line.fault}")
        else:
            run.add(line.value, f"line {line.number}")
    return run


def _read_json(source: Source) -> _Run:
    """Read `{evalId, results: {...}}`, or the summary alone, as the API returns it."""
    run, reader = _Run("promptfoo/3"), JsonReader(source.open(), "the file")
    for key in reader.fields():
        if key == "results" and reader.next_is("{"):
            _read_summary(run, reader)
        else:
            _read_part(run, reader, key)
    reader.check_end()
    run.is_finished = True
    run.add_prompts()
    return run


def _read_summary(run: _Run, reader: JsonReader) -> None:
    for key in reader.fields():
        _read_part(run, reader, key)


def _read_part(run: _Run, reader: JsonReader, key: str) -> None:
    if key == "results":
        for row in reader.values():
            run.add(row)
    elif key == "prompts":
        run.prompts = list_in(reader.take())
    elif key == "table":
        _read_table(run, reader)
    elif key == "version":
        run.version = f"promptfoo/{shown(reader.take(), 20)}"
        for column in run.columns.values():
            column.collected.version = run.version
    elif key in {"evalId", "config", "metadata", "timestamp", "stats", "runtimeOptions"}:
        run.head[key] = reader.take()
    else:
        reader.skip()


def _read_table(run: _Run, reader: JsonReader) -> None:
    """Read the table of v2: its prompts, and its rows where the file has none beside it."""
    names: list[Any] = []
    has_rows = bool(run.columns)
    for key in reader.fields():
        if key == "head":
            head = object_in(reader.take())
            run.prompts, names = list_in(head.get("prompts")), list_in(head.get("vars"))
        elif key == "body" and not has_rows:
            for number, row in enumerate(reader.values()):
                for row_of_cell in _rows_of(run.prompts, names, number, object_in(row)):
                    run.add(row_of_cell)
        else:
            reader.skip()


def _rows_of(
    prompts: list[Any], names: list[Any], number: int, row: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    given = dict(zip(map(str, names), list_in(row.get("vars")), strict=False))
    for at, cell in enumerate(list_in(row.get("outputs"))):
        told, prompt = object_in(cell), object_in(prompts[at]) if at < len(prompts) else {}
        yield {
            **told,
            "promptIdx": at,
            "testIdx": row.get("testIdx", number),
            "provider": told.get("provider") or prompt.get("provider"),
            "success": told.get("pass"),
            "vars": given,
            "testCase": {"description": row.get("description"), **object_in(row.get("test"))},
            "response": {"output": told.get("text")},
            "prompt": {"raw": told.get("prompt")},
        }


# --- A row -------------------------------------------------------------------------------------------------------
def _read_row(row: Mapping[str, Any], column: _Column) -> None:
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
        | slice_of_requirements(requirements_in(metadata)),
        input=shown(object_in(row.get("prompt")).get("raw") or given),
        output=shown(object_in(response).get("output") if isinstance(response, dict) else response),
    )


def _scores(
    row: Mapping[str, Any], test: Mapping[str, Any], grading: Mapping[str, Any], column: _Column
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
