"""Foreign eval files read as the server reads them, and what their samples come to."""

from __future__ import annotations

import io
import zipfile
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from statistics import fmean
from typing import Any

from evidence.evals.contracts import ParsedSample, SampleReject, ScoreStatus
from evidence.evals.measurements import Measurement, Said
from evidence.evals.observations import item_of
from evidence.evals.sources import Source

DATA = Path(__file__).parent / "data" / "evals"


@dataclass(frozen=True)
class Read:
    """One measurement with its samples."""

    measurement: Measurement
    samples: list[ParsedSample]
    rejects: list[SampleReject]

    @property
    def said(self) -> Said:
        return self.measurement.said

    @property
    def ids(self) -> list[str]:
        return [sample.sample_id for sample in self.samples]

    @property
    def n_items(self) -> int:
        return len({item_of(sample_id) for sample_id in self.ids})

    def values(self, metric: str) -> list[float]:
        return [one.value for one in self._scores(metric) if one.value is not None]

    def counts(self, metric: str) -> dict[str, Any]:
        """Return the counts and the mean of a metric; what was skipped is told from what is unscored."""
        skipped = sum("skipped" in self.codes_of(sample.sample_id) for sample in self.samples)
        statuses = Counter(one.status for one in self._scores(metric))
        values = self.values(metric)
        return {
            "n_scored": statuses[ScoreStatus.SCORED],
            "n_unscored": statuses[ScoreStatus.UNSCORED] - skipped,
            "n_error": statuses[ScoreStatus.ERROR],
            "n_skipped": skipped,
            "value": round(fmean(values), 6) if values else None,
        }

    def codes_of(self, sample_id: str | None) -> set[str]:
        return {one.code.value for one in self.measurement.remarks if one.sample_id == sample_id}

    @property
    def codes(self) -> set[str]:
        return {one.code.value for one in self.measurement.remarks}

    def details(self, code: str) -> list[str]:
        return [one.detail for one in self.measurement.remarks if one.code == code]

    def slices(self, dimension: str) -> list[str]:
        return list(dict.fromkeys(one.slice[dimension] for one in self.samples if dimension in one.slice))

    def total(self, name: str, metric: str | None = None) -> float | None:
        found = [
            one.value
            for one in self.measurement.totals
            if one.name == name and (metric is None or one.metric == metric)
        ]
        assert len(found) == 1, found
        return found[0]

    def explanations(self, metric: str) -> dict[str, str]:
        return {
            sample.sample_id: one.explanation
            for sample in self.samples
            for one in sample.scores
            if one.metric == metric
        }

    def _scores(self, metric: str) -> Iterable[Any]:
        return (one for sample in self.samples for one in sample.scores if one.metric == metric)


def counted(
    value: float | None, scored: int, *, unscored: int = 0, error: int = 0, skipped: int = 0
) -> dict[str, Any]:
    """Return what `Read.counts` should be."""
    return {
        "n_scored": scored,
        "n_unscored": unscored,
        "n_error": error,
        "n_skipped": skipped,
        "value": value,
    }


def folder(files: Mapping[str, bytes]) -> bytes:
    """Return a folder as it is posted: a ZIP."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def case(path: str) -> bytes:
    """Return a file, or a folder as it is posted."""
    where = DATA / path
    if where.is_dir():
        return folder({f"{where.name}/{one.name}": one.read_bytes() for one in sorted(where.iterdir())})
    return where.read_bytes()


def read(format_name: str, raw: bytes, name: str = "") -> list[Read]:
    """Read a file by one format."""
    reader = import_module(f"evidence.evals.formats.{format_name}")
    found = []
    for one in reader.open_measurements(Source.of_bytes(raw, name), Said()):
        listed = list(one.samples)
        samples = [sample for sample in listed if isinstance(sample, ParsedSample)]
        rejects = [reject for reject in listed if isinstance(reject, SampleReject)]
        found.append(Read(one, samples, rejects))
    return found


def read_one(format_name: str, raw: bytes, name: str = "") -> Read:
    """Read a file that holds one measurement."""
    (only,) = read(format_name, raw, name)
    return only


def sniffed(format_name: str, raw: bytes, name: str = "") -> bool:
    """Whether a format takes a file for its own."""
    source = Source.of_bytes(raw, name)
    return bool(import_module(f"evidence.evals.formats.{format_name}").sniff(source.head(), name))
