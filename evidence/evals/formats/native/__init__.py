"""Tracebinder's own eval file, `tracebinder.eval/1`, as `tracebinder push-eval` posts it (docs/guides/ci.md).

`schema.json` says what a file is, for whoever writes one and for `head`, which reads what is said of the run;
`samples` reads the samples, each by itself, because one bad sample must not sink its file.
"""

from __future__ import annotations

from typing import Final, cast

from evidence.evals.contracts import EvalFileError, Opened, ParsedRun
from evidence.evals.formats.native.head import read_head
from evidence.evals.formats.native.samples import read_samples
from evidence.strict_json import JsonObject, read_json

FORMAT_V1: Final = "tracebinder.eval/1"


def open_file(raw: bytes) -> Opened:
    """Parse the file once, and return what it says its format is with the document.

    Raises:
        EvalFileError: it is no JSON object, or does not say its format.
    """
    try:
        document = read_json(raw)
    except ValueError as exc:
        raise EvalFileError([f"not readable as JSON: {exc}"]) from exc
    if not isinstance(document, dict):
        raise EvalFileError(["the file must hold one JSON object"])
    version = document.get("format")
    if not isinstance(version, str):
        raise EvalFileError([f'format: missing; expected "{FORMAT_V1}"'])
    return Opened(version, document)


def parse_v1(document: object) -> ParsedRun:
    """Read the document of a `tracebinder.eval/1` file.

    Raises:
        EvalFileError: something about the run itself is missing or wrong; lists all of it.
    """
    whole = cast("JsonObject", document)  # as `open_file` found
    head = read_head(whole)
    samples, rejects = read_samples(cast("list[object]", whole["samples"]), head.metrics)
    return ParsedRun(format=FORMAT_V1, head=head, samples=samples, rejects=rejects)
