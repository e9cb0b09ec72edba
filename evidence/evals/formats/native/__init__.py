"""Tracebinder's own eval file, `tracebinder.eval/1`, as `tracebinder push-eval` posts it (docs/guides/ci.md).

`schema.json` says what a file is, for whoever writes one and for `head`, which reads what is said of the run;
`samples` reads the samples, each by itself, because one bad sample must not sink its file.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, cast

from evidence.evals.contracts import (
    CUT_SHORT,
    EvalFileError,
    ParsedRun,
    UnknownEvalFormat,
)
from evidence.evals.foreign.notes import FormatNotes
from evidence.evals.formats.native.head import read_head
from evidence.evals.formats.native.samples import read_samples
from evidence.evals.measurements import Measurement, Said
from evidence.evals.sources import Source
from evidence.strict_json import JsonObject, read_json

FORMAT_V1: Final = "tracebinder.eval/1"
_SHORT: Final = b"tracebinder.eval/"
NOTES: Final = FormatNotes(
    tried="`tracebinder.eval/1`, held to [its schema](eval-file.schema.json)",
    post="one JSON file of one run",
    reads=(
        "its samples, with the metrics that it declares: unit and direction of each, and its judge where one gave "
        "it; a bad sample is rejected by itself"
    ),
    poster="release and commit, where the file leaves them out",
    flags="a field that nobody knows is refused by name; what was planned and is not in the file counts as absent",
)


def sniff(head: bytes, name: str) -> bool:
    """Whether a file says that it is one of ours, of any version."""
    del name
    return b'"format"' in head and _SHORT in head


def open_measurements(source: Source, poster: Said) -> Iterator[Measurement]:
    """Yield the one measurement of a native file, which says all of it itself.

    Raises:
        EvalFileError: as `parse_file`.
    """
    del poster
    run = parse_file(source.read_whole())
    head = run.head
    yield Measurement(
        key="",
        format=run.format,
        said=Said(
            run_key=head.run_key,
            system=head.system,
            release=head.release,
            commit=head.commit,
            suite=head.suite,
            evaluator=head.evaluator,
            dataset=head.dataset,
            model=head.model,
            status=head.status,
            observed_from=head.observed_from,
            observed_to=head.observed_to,
            collected_at=head.collected_at,
            plan=head.plan,
        ),
        metrics=head.metrics,
        samples=(*run.samples, *run.rejects),
    )


def parse_file(raw: bytes) -> ParsedRun:
    """Read a native file.

    Raises:
        UnknownEvalFormat: it is of a version that nobody here reads.
        EvalFileError: it is no JSON object, does not say its format, or something about the run itself is missing or
            wrong; lists all of it.
    """
    document = _open(raw)
    version = document.get("format")
    if not isinstance(version, str):
        raise EvalFileError([f'format: missing; expected "{FORMAT_V1}"'])
    if version != FORMAT_V1:
        raise UnknownEvalFormat([f"no parser for version {version!r} of format 'native'; known: {FORMAT_V1}"])
    head = read_head(document)
    samples, rejects = read_samples(cast("list[object]", document["samples"]), head.metrics)
    return ParsedRun(format=FORMAT_V1, head=head, samples=samples, rejects=rejects)


def _open(raw: bytes) -> JsonObject:
    try:
        document = read_json(raw)
    except ValueError as exc:
        raise EvalFileError([f"not readable as JSON: {exc}; {CUT_SHORT}"]) from exc
    if not isinstance(document, dict):
        raise EvalFileError(
            ["the file must hold one JSON object: see eval-file.schema.json, or say its --format"]
        )
    return document
