"""promptfoo: `--output results.json` (v3, and v2 with its table), `--output results.jsonl`, and what its API returns.

Each column of its table is a provider with a prompt, and a measurement of its own. A row is an error only where
`failureReason` is 2, or where its grader broke; `error` alone is set on plain failures, too. A row of which nothing was
asserted says `success`, which says nothing. What promptfoo counts by column it weighs, so that its named totals are
kept beside ours and compared where all weights are equal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from evidence.evals.contracts import EvalFileError
from evidence.evals.foreign.json_lines import read_lines
from evidence.evals.foreign.json_reader import JsonReader
from evidence.evals.foreign.notes import FormatNotes
from evidence.evals.foreign.texts import list_in, object_in, shown
from evidence.evals.formats.promptfoo.run import Run
from evidence.evals.measurements import Measurement, Said
from evidence.evals.sources import Source

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


# --- The file ----------------------------------------------------------------------------------------------------
def _read_lines(source: Source) -> Run:
    run = Run("promptfoo/jsonl")
    for line in read_lines(source.open()):
        if line.fault:
            run.refuse(line.number - 1, f"line {line.number} {line.fault}")
        else:
            run.add(line.value, f"line {line.number}")
    return run


def _read_json(source: Source) -> Run:
    """Read `{evalId, results: {...}}`, or the summary alone, as the API returns it."""
    run, reader = Run("promptfoo/3"), JsonReader(source.open(), "the file")
    for key in reader.fields():
        if key == "results" and reader.next_is("{"):
            _read_summary(run, reader)
        else:
            _read_part(run, reader, key)
    reader.check_end()
    run.is_finished = True
    run.add_prompts()
    return run


def _read_summary(run: Run, reader: JsonReader) -> None:
    for key in reader.fields():
        _read_part(run, reader, key)


def _read_part(run: Run, reader: JsonReader, key: str) -> None:
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


def _read_table(run: Run, reader: JsonReader) -> None:
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
