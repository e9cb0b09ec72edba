"""Eval formats by name; the code of one is imported when first needed.

To add a format: one module under `formats/`, which says whether a file is its own (`sniff`) and what is in it
(`open_measurements`), and one entry here. docs/guides/how-to-add.md has it step by step.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Final, Protocol, cast

from evidence.evals.contracts import EvalFileError, UnknownEvalFormat
from evidence.evals.measurements import Measurement, Said
from evidence.evals.sources import Source
from evidence.nearest import hint_at, nearest_name


class Reader(Protocol):
    """A module that reads files of one format."""

    def sniff(self, head: bytes, name: str) -> bool:
        """Whether a file looks like one of this format.

        Args:
            head: its first bytes; of a ZIP its magic and the names of its members, a line each.
            name: as whoever posted it calls it; may be empty.
        """

    def open_measurements(self, source: Source, poster: Said) -> Iterator[Measurement]:
        """Yield what was measured, each with its samples, which are read before the next is asked for.

        Args:
            poster: what is said beside the file. It is completed by the caller; here it is for what cannot be read
                without it.

        Raises:
            EvalFileError: the file as a whole cannot be read; all faults at once.
        """


@dataclass(frozen=True, slots=True)
class EvalFormat:
    """One format: what writes it, and the module that reads it."""

    title: str
    media_type: str  # of the file as it is kept
    module: str  # dotted path of a `Reader`


@dataclass(frozen=True, slots=True)
class OpenedFile:
    """A file of which it is known what it is."""

    format_name: str
    measurements: Iterator[Measurement]


_AS_WRITTEN: Final = "post what the runner wrote, or say which format it is (format, --format)"

# In the order in which they are asked whether a file is theirs: the more particular one first.
EVAL_FORMATS: Final[dict[str, EvalFormat]] = {
    "native": EvalFormat("Tracebinder's own JSON", "application/json", "evidence.evals.formats.native"),
    "inspect": EvalFormat(
        "Inspect AI logs, .eval and .json", "application/octet-stream", "evidence.evals.formats.inspect"
    ),
    "promptfoo": EvalFormat(
        "promptfoo results, JSON and JSON lines", "application/json", "evidence.evals.formats.promptfoo"
    ),
    "junit": EvalFormat("JUnit XML", "application/xml", "evidence.evals.formats.junit"),
    "lm-eval": EvalFormat(
        "lm-evaluation-harness, the folder of a run as a ZIP",
        "application/zip",
        "evidence.evals.formats.lm_eval",
    ),
    "deepeval": EvalFormat("DeepEval test runs", "application/json", "evidence.evals.formats.deepeval"),
    "helm": EvalFormat(
        "HELM, the folder of a run as a ZIP", "application/zip", "evidence.evals.formats.helm"
    ),
    "otel": EvalFormat(
        "OpenTelemetry evaluation events", "application/octet-stream", "evidence.evals.formats.otel"
    ),
    "mlflow": EvalFormat(
        "MLflow traces and evaluation results", "application/octet-stream", "evidence.evals.formats.mlflow"
    ),
    "langfuse": EvalFormat("Langfuse scores", "application/octet-stream", "evidence.evals.formats.langfuse"),
    "csv": EvalFormat("CSV: id, score, and whatever else", "text/csv", "evidence.evals.formats.csv"),
}


def open_eval_file(source: Source, format_name: str | None, poster: Said) -> OpenedFile:
    """Tell what a file is, unless somebody says it, and open it.

    Args:
        format_name: a key of `EVAL_FORMATS`; None: the file is looked at.

    Raises:
        UnknownEvalFormat: nobody knows the format; the message lists those that are known.
        EvalFileError: the file as a whole cannot be read. What is opened raises it while it is read, too.
    """
    name = format_name or sniff_format(source)
    entry = EVAL_FORMATS.get(name)
    if entry is None:
        hint = hint_at(nearest_name(name, EVAL_FORMATS))
        raise UnknownEvalFormat([f"unknown eval format {name!r}; {hint} Known: {', '.join(EVAL_FORMATS)}"])
    return OpenedFile(name, _guarded(_load(entry).open_measurements(source, poster), name))


def sniff_format(source: Source) -> str:
    """Return the format that a file looks like.

    Raises:
        UnknownEvalFormat: it looks like none.
    """
    head = source.head()
    for name, entry in EVAL_FORMATS.items():
        if _load(entry).sniff(head, source.name):
            return name
    known = ", ".join(EVAL_FORMATS)
    raise UnknownEvalFormat(
        [f"this looks like no eval file that is known here: say which it is (format, --format): {known}"]
    )


def _guarded(measurements: Iterator[Measurement], name: str) -> Iterator[Measurement]:
    """Yield them; a reader that trips over what it did not expect refuses the file, with what it tripped over."""
    try:
        yield from measurements
    except EvalFileError:
        raise
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as exc:
        raise broken(name, exc) from exc


def broken(format_name: str, exc: Exception) -> EvalFileError:
    """Return the refusal of a file that is not as its format is."""
    return EvalFileError(
        [
            f"not a {format_name} file as one is known here: {type(exc).__name__}: {str(exc)[:200]}; {_AS_WRITTEN}"
        ]
    )


def _load(entry: EvalFormat) -> Reader:
    return cast("Reader", import_module(entry.module))
