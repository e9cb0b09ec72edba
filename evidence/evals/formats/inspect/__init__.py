"""Logs of Inspect AI, `.eval` and `.json`: one measurement a log, whatever shape its samples are written in.

`container` finds the parts of a log, `head` says what it says of the run, `samples` reads one sample, `scores` its
values. Measured with inspect_ai 0.3.285; a log's `version` is no guide to its shape, so each part is told by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from evidence.evals.contracts import ParsedSample, SampleReject
from evidence.evals.foreign.notes import FormatNotes
from evidence.evals.formats.inspect.container import Log, open_log
from evidence.evals.formats.inspect.head import metrics_in, remarks_in, said_in, totals_in
from evidence.evals.formats.inspect.samples import SampleReader
from evidence.evals.measurements import Measurement, Said
from evidence.evals.sources import Source

_MEMBERS: Final = (b"_journal/start.json", b"header.json")
_KEYS: Final = (b'"eval"', b'"status"', b'"version"')  # of a log written as one JSON text, before its samples
NOTES: Final = FormatNotes(
    tried="inspect_ai 0.3.285: `.eval` packed by zstd or deflate, `.json`, unfinished logs, four shapes of a sample",
    post="the log as it is",
    reads=(
        "one measurement; each scorer is a metric, and so is each part of a value that is a list or an object; `C`, "
        "`P`, `I`, `N` are 1, 0.5, 0, 0; an epoch is an attempt at its item; NaN is unscored, as is a text of no value"
    ),
    poster="the release; the commit where the run was in no repository; the model's digest, where it is to count",
    flags=(
        "edits and invalidations with who and why, limits of a sample, retries after an error, a run that broke off, "
        "totals that the samples do not come to"
    ),
)


def sniff(head: bytes, name: str) -> bool:
    """Whether a file looks like a log of Inspect."""
    del name
    if head.startswith(b"PK"):
        return any(member in head.split(b"\n") for member in _MEMBERS)
    return head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") and all(key in head for key in _KEYS)


def open_measurements(source: Source, poster: Said) -> Iterator[Measurement]:
    """Yield the one measurement of a log.

    Raises:
        EvalFileError: it is no log of Inspect, or one that is damaged.
    """
    del poster  # whatever is missing, nobody here needs
    log = open_log(source)
    remarks = remarks_in(log.head)
    metrics = metrics_in(log.head)
    reader = SampleReader(log.head, metrics, remarks)
    yield Measurement(
        key="",
        format=f"inspect/{log.version}",
        said=said_in(log),
        metrics=metrics,
        samples=_read(log, reader),
        totals=totals_in(log.head, metrics),
        remarks=remarks,
    )


def _read(log: Log, reader: SampleReader) -> Iterator[ParsedSample | SampleReject]:
    for index, given in enumerate(log.samples()):
        yield reader.read(index, given)
    reader.settle_metrics()
