"""The samples of one task, each line a document under a filter, and which of its metrics are means of them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from evidence.evals.contracts import Direction, EvalFileError, SampleScore
from evidence.evals.foreign.collected import Collected, Item, Told
from evidence.evals.foreign.json_lines import Line, read_lines
from evidence.evals.foreign.json_reader import JsonReader, fault_of
from evidence.evals.foreign.texts import (
    count_in,
    groupings_in,
    list_in,
    number_in,
    object_in,
    short_name,
    shown,
)
from evidence.evals.formats.lm_eval.results import Results
from evidence.evals.measurements import Measurement, RemarkCode, StatedTotal
from evidence.evals.slices import read_slice
from evidence.evals.sources import Source

_MAX_REFUSED: Final = 10_000  # lines of one task that cannot be read
_CLOSE: Final = 1e-6  # by how much a stated total may differ from the mean that it is, of its size
_SHARES: Final = frozenset({"acc", "acc_norm", "acc_bytes", "acc_mutual_info", "exact_match", "em"})
_MEANS: Final = _SHARES | {"likelihood"}  # where the task does not say how they are aggregated
_OF_MEANS: Final = (
    "mean",
    "nanmean",
)  # aggregations; a file may hold anything in their place, hashable or not
_NO_MEANS: Final = frozenset(
    {"perplexity", "word_perplexity", "byte_perplexity", "bits_per_byte", "f1", "mcc", "bleu", "chrf", "chrf++", "ter",
     "brier_score"}
)  # fmt: skip
_LOWER: Final = frozenset(
    {"perplexity", "word_perplexity", "byte_perplexity", "bits_per_byte", "ter", "brier_score"}
)
_OF_LINE: Final = frozenset(
    {"doc_id", "doc", "target", "arguments", "resps", "filtered_resps", "filter", "metrics", "doc_hash", "prompt_hash",
     "target_hash"}
)  # fmt: skip
_STDERR: Final = "_stderr"


@dataclass(slots=True)
class _Metric:
    """One metric under one filter, while its lines are read."""

    name: str
    aggregation: str | None
    stated: float | None
    n: int = 0
    total: float = 0.0

    @property
    def is_mean(self) -> bool:
        """Whether the task says that the values are averaged, or its stated total is their mean."""
        if self.aggregation is not None and not self.aggregation.startswith(("<", "def ", "lambda")):
            return self.aggregation in _OF_MEANS
        if self.aggregation is None and self.name in _MEANS:
            return True
        if not self.n or self.stated is None:
            return False
        return math.isclose(self.total / self.n, self.stated, rel_tol=_CLOSE, abs_tol=_CLOSE)


@dataclass(slots=True)
class Task:
    """One task while its lines are read."""

    name: str
    results: Results
    key: str
    metrics: dict[str, _Metric] = field(default_factory=dict)  # by "metric,filter"
    places: dict[str, tuple[int, int]] = field(default_factory=dict)  # of the documents
    seen: dict[str, set[str]] = field(default_factory=dict)  # the filters of each document

    def measure(self, source: Source, file: str | None) -> Measurement:
        """Read the task's samples.

        Args:
            file: None: there are none.
        """
        kept = Collected(self.key, "lm-eval")
        if file is None:
            kept.remark(RemarkCode.UNFINISHED, f"{self.name}: has a result and no samples_*.jsonl")
        else:
            with source.open_member(file) as stream:
                for line in _lines(stream, file):
                    self._read(line, kept)
        self._state(kept)
        return kept.measurement(self.results.said(self.name))

    @property
    def _row(self) -> Mapping[str, Any]:
        return object_in(self.results.of("results").get(self.name))

    @property
    def _filters(self) -> list[str]:
        """The filters, in the order in which the results name them."""
        named = [key.partition(",")[2] for key in self._row if "," in key]
        return list(dict.fromkeys(named)) or ["none"]

    def _read(self, line: Line, kept: Collected) -> None:
        fault = line.fault or fault_of(line.value)
        document = None if fault else line.value.get("doc_id")
        name = short_name(document)
        if not fault and (document is None or isinstance(document, dict | list) or not name):
            fault = "has no doc_id"
        filter_name = "" if fault else self._filter_of(line.value, name)
        if not fault and filter_name in self.seen.setdefault(name, set()):
            fault = f"is document {name} again, under the filter {filter_name!r}"
        if fault:
            if kept.n_rejects >= _MAX_REFUSED:
                raise EvalFileError(
                    [f"{self.name}: more than {_MAX_REFUSED:,} lines cannot be read; the last {fault}"]
                )
            kept.reject(line.number - 1, "bad_line", f"line {line.number} {fault}", line.value)
            return
        self.seen[name].add(filter_name)
        scores = list(self._scores(line.value, filter_name, kept))
        if name in self.places:
            kept.add_scores(self.places[name], scores)
        elif place := kept.add(Item(name), _told(line.value), scores):
            self.places[name] = place

    def _filter_of(self, line: Mapping[str, Any], document: str) -> str:
        """Return the filter of a line; before 0.4.8 it is told only by the order in which a document comes again."""
        said = line.get("filter")
        if isinstance(said, str):
            return said
        before = len(self.seen.get(document, ()))
        return self._filters[min(before, len(self._filters) - 1)]

    def _scores(self, line: Mapping[str, Any], filter_name: str, kept: Collected) -> Iterator[SampleScore]:
        listed = line.get("metrics")
        names = listed if isinstance(listed, list) else [key for key in line if key not in _OF_LINE]
        for name in names:
            key = f"{name},{filter_name}"
            if (
                not isinstance(name, str)
                or name not in line
                or name == "bypass"
                or not self._may_be_mean(name)
            ):
                continue
            metric = self.metrics.setdefault(key, self._metric(name, key))
            score = kept.score(self._declare(kept, metric, key), line[name])
            if score.value is not None:
                metric.n, metric.total = metric.n + 1, metric.total + score.value
            yield score

    def _may_be_mean(self, name: str) -> bool:
        aggregation = self._spec(name).get("aggregation")
        return aggregation in _OF_MEANS or name not in _NO_MEANS

    def _metric(self, name: str, key: str) -> _Metric:
        aggregation = self._spec(name).get("aggregation")
        return _Metric(
            name, None if aggregation is None else shown(aggregation, 100), number_in(self._row.get(key))
        )

    def _spec(self, name: str) -> Mapping[str, Any]:
        listed = list_in(object_in(self.results.of("configs").get(self.name)).get("metric_list"))
        return next((object_in(one) for one in listed if object_in(one).get("metric") == name), {})

    def _declare(self, kept: Collected, metric: _Metric, key: str) -> str:
        higher = object_in(self.results.of("higher_is_better").get(self.name)).get(metric.name)
        lower = higher is False or (not isinstance(higher, bool) and metric.name in _LOWER)
        share = metric.name in _SHARES or metric.name.startswith("pass@")
        return kept.declare(key, proportion=share, direction=Direction.LOWER if lower else Direction.HIGHER)

    def _state(self, kept: Collected) -> None:
        """Keep the stated totals, and take back the metrics whose values are not averaged."""
        for key, metric in self.metrics.items():
            name = short_name(key)
            if not metric.is_mean and kept.has(name):
                kept.drop(name)
            elif metric.name not in _LOWER | _MEANS and self._says_no_direction(metric.name):
                kept.remark(RemarkCode.DIRECTION_ASSUMED, f"{key}: the file does not say which way is better")
        for key, value in self._row.items():
            metric_name, comma, filter_name = key.partition(",")
            if not comma:
                continue
            is_error = metric_name.endswith(_STDERR)
            of = short_name(f"{metric_name.removesuffix(_STDERR)},{filter_name}")
            is_read = kept.has(of)
            n = count_in(object_in(self.results.of("n-samples").get(self.name)).get("effective"))
            kept.totals.append(
                StatedTotal(of, metric_name, number_in(value), n=n, is_mean=is_read and not is_error)
            )
            if not is_read and not is_error:
                kept.remark(
                    RemarkCode.UNREAD, f"{key}: is no mean of the samples' values; only its total is kept"
                )
        self._state_groups(kept)

    def _says_no_direction(self, name: str) -> bool:
        return not isinstance(object_in(self.results.of("higher_is_better").get(self.name)).get(name), bool)

    def _state_groups(self, kept: Collected) -> None:
        for group, row in self.results.groups.items():
            if self.name not in list_in(self.results.of("group_subtasks").get(group)):
                continue
            counts = row.get("sample_count")
            for key, value in row.items():
                if kept.has(key):
                    n = count_in(counts.get(key) if isinstance(counts, dict) else counts)
                    kept.totals.append(StatedTotal(key, f"group {short_name(group)}", number_in(value), n=n))


def _lines(stream: Any, name: str) -> Iterator[Line]:
    """Yield the lines; before 0.4.3 the file held one list."""
    first = next(iter(stream.peek(1)[:1]), None)
    if first != ord("["):
        yield from read_lines(stream)
        return
    reader = JsonReader(stream, name)
    for number, value in enumerate(reader.values(), start=1):
        yield Line(number, value)


def _told(line: Mapping[str, Any]) -> Told:
    given = line.get("arguments")
    first = next(iter(given.values()), None) if isinstance(given, dict) else next(iter(list_in(given)), None)
    prompt = first.get("arg_0") if isinstance(first, dict) else next(iter(list_in(first)), None)
    document = object_in(line.get("doc"))
    output = line.get("filtered_resps", line.get("resps"))
    alone = list_in(output)
    return Told(
        slice=read_slice(groupings_in(document)),
        input=shown(prompt if prompt is not None else document),
        output=shown(alone[0] if len(alone) == 1 else output),
        target=shown(line.get("target")) or None,
    )
