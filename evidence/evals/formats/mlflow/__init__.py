"""MLflow: traces with their assessments, the results of `mlflow.genai.evaluate`, and `eval_results_table.json`.

One file of rows is enough; beside `run.json` (`Run.to_dictionary()`, or what `GET runs/get` answers) in one ZIP it is
known of which run it is, and what MLflow's own means were. A row is named by its inputs, since traces have new names in
each run. An expectation is no score, a person's feedback is never averaged with a judge's, and "yes" and "no" are 1 and
0, as MLflow itself counts them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO, Final

from evidence.evals.contracts import EvalFileError
from evidence.evals.foreign.json_lines import read_lines
from evidence.evals.foreign.json_reader import JsonReader
from evidence.evals.foreign.notes import FormatNotes
from evidence.evals.foreign.texts import list_in
from evidence.evals.formats.mlflow.export import Export
from evidence.evals.measurements import Measurement, Said
from evidence.evals.sources import Source

_SEND: Final = (
    "post the traces or the results as JSON (`result_df.to_json(orient='records')`, eval_results_table.json), "
    "alone or beside run.json in a ZIP"
)
_OF_OBJECT: Final = frozenset({"run", "info", "data", "inputs", "trace_id", "assessments"})
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
    export = Export()
    if source.is_folder:
        _read_folder(source, export)
    else:
        _read(source.open(), source.name or "the file", export)
    if not export.n_rows:
        raise EvalFileError([f"no traces and no rows in it: {_SEND}"])
    yield export.measurement()


def _read_folder(source: Source, export: Export) -> None:
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


def _read(stream: BinaryIO, name: str, export: Export) -> None:
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


def _read_object(reader: JsonReader, export: Export) -> None:
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
