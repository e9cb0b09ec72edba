"""Eval formats by name and version; the code of one is imported when first needed.

To add a format: write, in a folder or module of its own under `formats/`, an opener that parses the bytes once and
tells the version, and a parser for each version; name them here, and add fixture files under tests/evidence/. A new
version of a known format is a new row, so old files stay readable.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import cast

from evidence.evals.contracts import Opened, ParsedRun, UnknownEvalFormat

Opener = Callable[[bytes], Opened]
Parser = Callable[[object], ParsedRun]  # of the document that the format's opener returned


@dataclass(frozen=True, slots=True)
class EvalFormat:
    """One format, the versions of it we read, and how to tell which one a file is."""

    title: str
    media_type: str
    opener_path: str  # dotted path of an Opener
    parser_paths: dict[str, str]  # version -> dotted path of a Parser


EVAL_FORMATS: dict[str, EvalFormat] = {
    "native": EvalFormat(
        title="Tracebinder's own JSON",
        media_type="application/json",
        opener_path="evidence.evals.formats.native.open_file",
        parser_paths={"tracebinder.eval/1": "evidence.evals.formats.native.parse_v1"},
    ),
}


def parse_eval_file(raw: bytes, format_name: str) -> ParsedRun:
    """Read one eval file.

    Raises:
        UnknownEvalFormat: the format, or this version of it, has no parser; the message lists those that have.
        EvalFileError: the file as a whole cannot be read; all faults at once.
    """
    entry = EVAL_FORMATS.get(format_name)
    if entry is None:
        raise UnknownEvalFormat(
            [f"unknown eval format {format_name!r}; known: {', '.join(sorted(EVAL_FORMATS))}"]
        )
    opened = cast("Opener", _load(entry.opener_path))(raw)
    path = entry.parser_paths.get(opened.version)
    if path is None:
        known = ", ".join(sorted(entry.parser_paths))
        raise UnknownEvalFormat(
            [f"no parser for version {opened.version!r} of format {format_name!r}; known: {known}"]
        )
    return cast("Parser", _load(path))(opened.document)


def _load(path: str) -> object:
    module, _, name = path.rpartition(".")
    return getattr(import_module(module), name)
