"""What a reader finds of one measurement, kept on disk until its file has been read once to the end.

Only then is it known which metrics there are, which items were tried several times, and what the file says of itself in
its last lines. So memory holds the names of the items, and a temporary file the samples.
"""

from __future__ import annotations

import tempfile
import weakref
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import orjson

from evidence.evals.contracts import (
    SHARE,
    Direction,
    EvalFileError,
    Kind,
    MetricSpec,
    ParsedSample,
    SampleReject,
    SampleScore,
    ScoreStatus,
    VersionClaim,
)
from evidence.evals.foreign.texts import MAX_REASON, fingerprint, number_in, short_name, shown
from evidence.evals.measurements import Measurement, Remark, RemarkCode, Said, StatedTotal
from evidence.evals.observations import item_of
from evidence.statistics import Plan
from evidence.strict_json import faults_in

MAX_METRICS: Final = 1_000  # of one measurement
MAX_REMARKS: Final = 200  # of one kind; the rest is counted
MAX_VALUES: Final = 50  # of one dimension: what has more is no group of samples but a name of each
_IN_MEMORY: Final = 2**20  # bytes of samples before they go to disk
_MOST_KEPT: Final = 64 * 1024  # bytes of a refused sample that are kept beside its reason
SCORE: Final = "score"  # the unit of what a runner scores without saying in which


@dataclass(slots=True)
class _Metric:
    spec: MetricSpec
    leaves_share: bool = False


@dataclass(frozen=True, slots=True)
class Item:
    """What was tried: its name, and what tells it from others of its name."""

    name: str
    content: str = ""  # a fingerprint
    attempt: int | None = None  # from 1; None: they are counted in the order of the file


@dataclass(frozen=True, slots=True)
class Told:
    """What a sample says apart from its scores."""

    slice: Mapping[str, str] = field(default_factory=dict)
    input: str = ""
    output: str = ""
    target: str | None = None
    trace_id: str | None = None


class Collected:
    """One measurement while its file is read."""

    def __init__(self, key: str, version: str) -> None:
        self.key, self.version = key, version
        self.totals: list[StatedTotal] = []
        self._metrics: dict[str, _Metric] = {}
        self._called: dict[str, str] = {}  # the runner's name of a metric -> ours
        self._items: dict[tuple[str, str], int] = {}
        self._names: Counter[str] = Counter()
        self._attempts: list[int] = []  # how many of each item
        self._placed: set[tuple[int, int]] = set()  # attempts that the runner numbers itself
        self._values: dict[str, set[str]] = {}
        self._remarks: list[tuple[RemarkCode, str, tuple[int, int] | None]] = []
        self._said: Counter[RemarkCode] = Counter()
        self._late: dict[tuple[int, int], list[SampleScore]] = {}
        self._kept = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115  # it lives as long as this does
        weakref.finalize(self, self._kept.close)
        self.n_samples = self.n_rejects = 0

    # --- While the file is read ----------------------------------------------------------------------------------
    def declare(
        self,
        key: str,
        *,
        proportion: bool = False,
        share: bool = False,
        direction: Direction | None = Direction.HIGHER,
        everywhere: bool = True,
        judge: VersionClaim | None = None,
    ) -> str:
        """Name a metric, once or again, and return what it is called.

        Args:
            proportion: it is 0 or 1.
            share: its runner documents that it lies in [0, 1]; where a value does not, it is a plain number.
            direction: None: nothing says which way is better; higher is taken, and that is said.
        """
        name = self._called.get(key)
        if name is None:
            name = self._called[key] = self._unique_name(key)
            if len(self._metrics) >= MAX_METRICS:
                raise EvalFileError([f"more than {MAX_METRICS:,} metrics: post the suites one by one"])
            unit = SHARE if proportion or share else SCORE
            kind: Kind = "proportion" if proportion else "mean"
            if direction is None:
                self.remark(
                    RemarkCode.DIRECTION_ASSUMED, f"{name}: nothing says which way is better; higher is taken"
                )
            way = direction or Direction.HIGHER
            self._metrics[name] = _Metric(MetricSpec(name, kind, way, unit, everywhere, judge))
        return name

    def _unique_name(self, key: str) -> str:
        """Return what a metric is called: two names that are one when they are cut are still two."""
        name = short_name(key) or "unnamed"
        return f"{name} ~{fingerprint(key)[:8]}" if name in self._metrics else name

    def redeclare(
        self, name: str, *, direction: Direction | None = None, judge: VersionClaim | None = None
    ) -> None:
        """Say of a metric what was learned after it was named."""
        spec = self._metrics[name].spec
        self._metrics[name].spec = replace(
            spec, direction=direction or spec.direction, judge=judge or spec.judge
        )

    def score(self, metric: str, value: object, explanation: object = "") -> SampleScore:
        """Return the score of a declared metric: a number is scored, everything else is not and says why."""
        why = shown(explanation, MAX_REASON)
        number = number_in(value)
        if number is None:
            told = "no value" if value is None else f"the value is no finite number: {shown(value, 100)}"
            return SampleScore(metric, ScoreStatus.UNSCORED, None, f"{told}; {why}" if why else told)
        if not 0 <= number <= 1:
            self._metrics[metric].leaves_share = True
        return SampleScore(metric, ScoreStatus.SCORED, number, why)

    def add(self, item: Item, told: Told, scores: Iterable[SampleScore]) -> tuple[int, int] | None:
        """Keep one sample, and return its place for `remark`; None where it was refused as another of the same name."""
        place = self._place(item)
        if place is None:
            self.reject(
                self.n_samples + self.n_rejects,
                "duplicate_id",
                f"{item.name}: attempt {item.attempt} is there already",
            )
            return None
        listed = [[one.metric, one.status, one.value, one.explanation] for one in scores]
        where = self._bounded(told.slice)
        self._keep([0, *place, where, told.input, told.output, told.target, told.trace_id, listed])
        self.n_samples += 1
        return place

    def add_scores(self, place: tuple[int, int], scores: Iterable[SampleScore]) -> None:
        """Keep further scores of a sample that is there already."""
        self._late.setdefault(place, []).extend(scores)

    def has(self, metric: str) -> bool:
        """Whether a metric was declared."""
        return metric in self._metrics

    def has_all(self, metric: str) -> bool:
        """Whether each sample has a value of a metric that was scored late."""
        late = self._late.values()
        return len(late) == self.n_samples and all(
            any(one.metric == metric and one.value is not None for one in scores) for scores in late
        )

    def drop(self, metric: str) -> None:
        """Take a metric back: its values turned out to be none that can be averaged."""
        del self._metrics[metric]

    def reject(self, index: int, code: str, detail: str, item: object = None) -> None:
        """Keep that a sample was refused, and why."""
        self._keep([1, index, code, shown(detail, MAX_REASON), _storable(item)])
        self.n_rejects += 1

    def remark(self, code: RemarkCode, detail: str, place: tuple[int, int] | None = None) -> None:
        """Say one thing of the run or of a sample; of each kind a limited number is kept, and the rest counted."""
        self._said[code] += 1
        if self._said[code] <= MAX_REMARKS:
            self._remarks.append((code, shown(detail, MAX_REASON), place))

    def state_count(self, metric: str, name: str, stated: object, ours: int) -> None:
        """Keep a count that the runner states, and say so where it is not what its samples come to."""
        value = number_in(stated)
        if value is None:
            return
        self.totals.append(StatedTotal(metric, name, value))
        if value != ours:
            self.remark(
                RemarkCode.TOTAL_DIFFERS, f"{name}: the file says {value:g}, its samples come to {ours}"
            )

    @property
    def n_items(self) -> int:
        """How many items were tried."""
        return len(self._items)

    @property
    def least_attempts(self) -> int:
        """How often each item was tried at least."""
        return min(self._attempts, default=1)

    # --- When it has been read -----------------------------------------------------------------------------------
    def measurement(self, said: Said) -> Measurement:
        """Return what was found. Where no plan is said, it is what each item was tried at least."""
        if said.plan is None:
            said = replace(said, plan=Plan(epochs=self.least_attempts))
        name_of = self._namer()
        for code, count in self._said.items():
            if count > MAX_REMARKS:
                self._remarks.append((RemarkCode.MORE, f"{count - MAX_REMARKS:,} more: {code}", None))
        if any(count > 1 for count in self._names.values()):
            several = [name for name, count in self._names.items() if count > 1]
            shown_names = ", ".join(several[:5])
            self._remarks.append((RemarkCode.AMBIGUOUS, f"several items share a name: {shown_names}", None))
        remarks = [
            Remark(code, detail, name_of(*place) if place else None) for code, detail, place in self._remarks
        ]
        return Measurement(
            key=self.key,
            format=self.version,
            said=said,
            metrics={name: _settled(metric) for name, metric in self._metrics.items()},
            samples=self._read_back(name_of),
            totals=self.totals,
            remarks=remarks,
        )

    def _read_back(self, name_of: Callable[[int, int], str]) -> Iterator[ParsedSample | SampleReject]:
        self._kept.seek(0)
        for line in self._kept:
            entry = orjson.loads(line)
            if entry[0]:
                _, index, code, detail, item = entry
                yield SampleReject(index, None, code, detail, item)
            else:
                yield self._sample(entry, name_of)
        self._kept.close()

    def _sample(self, entry: list[Any], name_of: Callable[[int, int], str]) -> ParsedSample:
        _, number, attempt, where, given, output, target, trace_id, listed = entry
        scores = [
            SampleScore(metric, ScoreStatus(status), value, why) for metric, status, value, why in listed
        ]
        scores += self._late.get((number, attempt), ())
        return ParsedSample(
            sample_id=name_of(number, attempt),
            slice=where,
            input=given,
            output=output,
            target=target,
            trace_id=trace_id,
            scores=tuple(score for score in scores if score.metric in self._metrics),
        )

    def _place(self, item: Item) -> tuple[int, int] | None:
        key = (short_name(item.name), item.content)
        number = self._items.get(key)
        if number is None:
            number = self._items[key] = len(self._items)
            self._attempts.append(0)
            self._names[key[0]] += 1
        if item.attempt is not None:
            if (number, item.attempt) in self._placed:
                return None
            self._placed.add((number, item.attempt))
        self._attempts[number] += 1
        return number, item.attempt or self._attempts[number]

    def _namer(self) -> Callable[[int, int], str]:
        """Return what names an attempt at an item; a number behind it only where there are several, or seem to be."""
        names = [f"{name} ~{content[:8]}" if self._names[name] > 1 else name for name, content in self._items]

        def name_of(number: int, attempt: int) -> str:
            name = names[number]
            is_one_of_several = attempt > 1 or self._attempts[number] > 1
            return f"{name}#{attempt}" if is_one_of_several or item_of(name) != name else name

        return name_of

    def _bounded(self, where: Mapping[str, str]) -> dict[str, str]:
        """Return a slice without the dimensions that name each sample apart."""
        return {dimension: value for dimension, value in where.items() if self._is_group(dimension, value)}

    def _is_group(self, dimension: str, value: str) -> bool:
        values = self._values.setdefault(dimension, set())
        if len(values) < MAX_VALUES:
            values.add(value)
        return value in values

    def _keep(self, entry: list[Any]) -> None:
        self._kept.write(orjson.dumps(entry) + b"\n")


def _settled(metric: _Metric) -> MetricSpec:
    """Return the metric as it is known to be: what left [0, 1] is no share, whatever its runner documents."""
    if metric.spec.is_bounded and metric.leaves_share:
        return replace(metric.spec, kind="mean", unit=SCORE)
    return metric.spec


def _storable(item: object) -> object:
    if item is None or next(faults_in(item), None):
        return None
    try:
        text = orjson.dumps(item)
    except (orjson.JSONEncodeError, RecursionError):
        return None
    return item if len(text) <= _MOST_KEPT else None
