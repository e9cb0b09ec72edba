"""Eval formats by name and version; a parser is imported when first needed.

To add a format: write `parse_...(document) -> ParsedRun` in a module of its own, name it here, and add its
fixture files under tests/evidence/. A new version of a known format is a new row, so old files stay readable.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import cast

from evidence.evals.contracts import ParsedRun, UnknownEvalFormat

Parser = Callable[[bytes], ParsedRun]
VersionSniffer = Callable[[bytes], str]


@dataclass(frozen=True, slots=True)
class EvalFormat:
    """One format, the versions of it we read, and how to tell which one a file is."""

    title: str
    media_type: str
    version_path: str  # dotted path of a VersionSniffer
    parser_paths: dict[str, str]  # version -> dotted path of a Parser


EVAL_FORMATS: dict[str, EvalFormat] = {
    "native": EvalFormat(
        title="Tracebinder's own JSON",
        media_type="application/json",
        version_path="evidence.evals.formats.native.version_of",
        parser_paths={"tracebinder.eval/1": "evidence.evals.formats.native.parse_v1"},
    ),
}


def parse_eval_file(raw: bytes, format_name: str) -> ParsedRun:
    """Read one eval file.

    Raises:
        UnknownEvalFormat: the format, or this version of it, has no parser; the message lists those that
        have. EvalFileError: the file as a whole cannot be read; all faults at once.
    """
    entry = EVAL_FORMATS.get(format_name)
    if entry is None:
        raise UnknownEvalFormat(
            [f"unknown eval format {format_name!r}; known: {', '.join(sorted(EVAL_FORMATS))}"]
        )
    version = cast("VersionSniffer", _load(entry.version_path))(raw)
    path = entry.parser_paths.get(version)
    if path is None:
        known = ", ".join(sorted(entry.parser_paths))
        raise UnknownEvalFormat(
            [f"no parser for version {version!r} of format {format_name!r}; known: {known}"]
        )
    return cast("Parser", _load(path))(raw)


def _load(path: str) -> object:
    module, _, name = path.rpartition(".")
    return getattr(import_module(module), name)
