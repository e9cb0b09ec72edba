"""The samples of a run on their way into the database: written out as they are read, and copied in at once.

A transaction holds up the log for as long as it lasts, so a file is read before one begins. What its samples come to as
rows waits on disk meanwhile; PostgreSQL takes it by COPY, which says nothing of the columns it fills in itself.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Final, Self

from django.conf import settings

from evidence.evals.contracts import ParsedSample
from evidence.models import EvalRun

COPY_SAMPLES: Final = """
COPY evidence_evalsample (run_id, sample_id, metric, slice, status, value, explanation, input, output, target, trace_id)
FROM STDIN
"""
_ESCAPES: Final = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})  # COPY's text format
_PIECE: Final = 1024 * 1024  # bytes
_SLICES_KEPT: Final = 1000  # as they are written, for the next sample that has the same
_IN_MEMORY: Final = 4 * 1024 * 1024  # bytes; more waits on disk


class SampleRows:
    """The rows of the samples of one run that is not stored yet. As a context it takes away what waits."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY, dir=str(settings.BLOB_ROOT))  # noqa: SIM115  # closed with this
        self._slices: dict[tuple[tuple[str, str], ...], str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, sample: ParsedSample) -> None:
        """Write out one sample: a row for each of its scores, a line each, but for the run it is of."""
        first = f"{_escape(sample.sample_id)}\t"
        texts = f"{_escape(sample.input)}\t{_escape(sample.output)}\t{_escape(sample.target or '')}"
        where, trace = self._slice(sample.slice), sample.trace_id or "\\N"
        for score in sample.scores:
            value = "\\N" if score.value is None else repr(float(score.value))
            row = (
                f"{first}{_escape(score.metric)}\t{where}\t{score.status.value}\t{value}\t"
                f"{_escape(score.explanation)}\t{texts}\t{trace}\n"
            )
            self._file.write(row.encode())

    def of_run(self, run: EvalRun) -> Iterator[bytes]:
        """Yield all rows as `COPY_SAMPLES` takes them, a piece at a time, now that there is a run they are of."""
        self._file.seek(0)
        key = f"{run.pk}\t".encode()
        while lines := self._file.readlines(_PIECE):
            yield key + key.join(lines)

    def _slice(self, where: Mapping[str, str]) -> str:
        pairs = tuple(where.items())
        if len(self._slices) > _SLICES_KEPT:
            self._slices.clear()
        if pairs not in self._slices:
            self._slices[pairs] = _escape(json.dumps(dict(where), ensure_ascii=False))
        return self._slices[pairs]


def _escape(text: str) -> str:
    """Return a text as COPY reads it. Looking for what must be escaped, which is rare, is cheaper than translating."""
    return text if text.isprintable() and "\\" not in text else text.translate(_ESCAPES)
