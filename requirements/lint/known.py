"""Names in criteria that nobody registered, against what is known of a system. Free of Django."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from evidence.nearest import MISSPELT, nearest_name
from requirements.checks.contracts import Words
from requirements.drafts import CriterionDraft, RequirementDraft
from requirements.lint.contracts import LintWarning
from requirements.lint.telling import tell

_REFERENCES: Final = ("suite", "evaluator", "dataset", "judge")
_CALLED: Final = {"suite": "套件", "evaluator": "评测器", "dataset": "数据集", "judge": "评判模型"}


@dataclass(frozen=True, slots=True)
class SuiteSeen:
    """What the newest run of a suite held."""

    metrics: frozenset[str]
    # (metric, dimension, value) -> samples, with those that are missing; without slice the two are empty.
    samples: Mapping[tuple[str, str, str], int]

    def values_of(self, metric: str, dimension: str) -> frozenset[str]:
        """Return the values that a dimension took."""
        return frozenset(value for of, name, value in self.samples if of == metric and name == dimension)


@dataclass(frozen=True, slots=True)
class KnownNames:
    """What a system has on record that criteria may name. A kind of which nothing is on record is not compared."""

    artefacts: Mapping[str, Mapping[str, frozenset[str]]] = field(
        default_factory=dict
    )  # kind -> key -> labels
    suites: Mapping[str, SuiteSeen] = field(default_factory=dict)  # by key
    languages: frozenset[str] = frozenset()  # of the newest traces
    environments: frozenset[str] = frozenset()


def about_names(
    draft: RequirementDraft, known: KnownNames, languages: Sequence[str]
) -> Iterator[LintWarning]:
    """Yield each name that a criterion uses and nobody registered, with the nearest that somebody did."""
    for criterion in draft.criteria:
        for kind in _REFERENCES:
            yield from _reference(criterion, kind, known, languages)
        yield from _metric(criterion, known, languages)
        yield from _slices(criterion, known, languages)


def _reference(
    criterion: CriterionDraft, kind: str, known: KnownNames, languages: Sequence[str]
) -> Iterator[LintWarning]:
    named = criterion.parameters.get(kind)
    registered = known.artefacts.get(kind)
    if not isinstance(named, Mapping) or not registered:
        return
    where = f"criteria.{criterion.key}.parameters.{kind}"
    key = str(named.get("key", ""))
    if key not in registered:
        nearest = nearest_name(key, registered, alike=MISSPELT)
        yield from _unknown(f"unknown_{kind}", where, (kind, _CALLED[kind]), key, nearest, languages)
        return
    label = named.get("label")
    if isinstance(label, str) and registered[key] and label not in registered[key]:
        nearest = nearest_name(label, registered[key])
        both = (f"version of the {kind} {key}", f"{_CALLED[kind]}{key}的版本")
        yield from _unknown(f"unknown_{kind}", where, both, label, nearest, languages)


def _metric(criterion: CriterionDraft, known: KnownNames, languages: Sequence[str]) -> Iterator[LintWarning]:
    suite = _suite_of(criterion, known)
    metric = criterion.parameters.get("metric")
    if suite is None or not isinstance(metric, str) or metric in suite.metrics or not suite.metrics:
        return
    nearest = nearest_name(metric, suite.metrics, alike=MISSPELT)
    where = f"criteria.{criterion.key}.parameters.metric"
    yield from _unknown(
        "unknown_metric",
        where,
        ("metric of its newest run", "最近一次运行的指标"),
        metric,
        nearest,
        languages,
    )


def _suite_of(criterion: CriterionDraft, known: KnownNames) -> SuiteSeen | None:
    named = criterion.parameters.get("suite")
    return known.suites.get(str(named.get("key", ""))) if isinstance(named, Mapping) else None


def _slices(criterion: CriterionDraft, known: KnownNames, languages: Sequence[str]) -> Iterator[LintWarning]:
    suite = _suite_of(criterion, known)
    metric = str(criterion.parameters.get("metric", ""))
    for where in criterion.slices:
        for dimension, value in where.items():
            place = f"criteria.{criterion.key}.slices.{dimension}={value}"
            if suite is not None and metric in suite.metrics:
                yield from _of_suite(criterion, suite, (metric, dimension, value), place, languages)
            elif suite is None and "suite" not in criterion.parameters:
                seen = {"language": known.languages, "environment": known.environments}.get(dimension)
                if seen and value not in seen:
                    yield from _no_evidence(dimension, value, seen, place, languages)


def _of_suite(
    criterion: CriterionDraft,
    suite: SuiteSeen,
    sliced: tuple[str, str, str],
    place: str,
    languages: Sequence[str],
) -> Iterator[LintWarning]:
    metric, dimension, value = sliced
    values = suite.values_of(metric, dimension)
    if value not in values:
        yield from _no_evidence(dimension, value, values, place, languages)
        return
    samples = suite.samples[sliced]
    if len(next(iter(criterion.slices))) == 1 and samples < criterion.min_n:
        yield from tell(
            languages,
            "slice_too_small",
            place,
            Words(
                f"min_n {criterion.min_n} holds in each slice, and the newest run has {samples} samples of this one",
                f"min_n {criterion.min_n}对每个切片都适用，而最近一次运行在此切片只有{samples}个样本",
            ),
            Words(
                "put more samples of it into the suite, or lower min_n",
                "请在套件中增加此切片的样本，或降低 min_n",
            ),
        )


def _no_evidence(
    dimension: str, value: str, seen: frozenset[str], place: str, languages: Sequence[str]
) -> Iterator[LintWarning]:
    nearest = nearest_name(value, seen) if seen else None
    yield from tell(
        languages,
        "unknown_slice",
        place,
        Words(
            f"{value!r}: no evidence in this {dimension} is on record, so the slice stays insufficient"
            + (f"; the nearest is {nearest!r}" if nearest else ""),
            f"“{value}”：没有该 {dimension} 的证据记录，该切片将一直证据不足"
            + (f"；最接近的是“{nearest}”" if nearest else ""),
        ),
        Words("write the value as the application sends it", "请按应用所发送的写法填写"),
    )


def _unknown(
    code: str,
    where: str,
    called: tuple[str, str],
    name: str,
    nearest: str | None,
    languages: Sequence[str],
) -> Iterator[LintWarning]:
    yield from tell(
        languages,
        code,
        where,
        Words(
            f"no {called[0]} is called {name!r}" + (f"; the nearest is {nearest!r}" if nearest else ""),
            f"没有名为“{name}”的{called[1]}" + (f"；最接近的是“{nearest}”" if nearest else ""),
        ),
        Words("write the registered name, or register it first", "请填写已登记的名称，或先行登记"),
    )
