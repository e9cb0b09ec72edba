"""An eval run as its page shows it: a card for each metric, with its intervals, worst slices and worst samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from evidence import drawings
from evidence.admin.frame.display import drawing, figure, link, listed
from evidence.admin.frame.units import unit_in_words, whole_of
from evidence.models import EvalRun, EvalSample, EvalScore
from evidence.selectors.eval_results import MetricResult, comparable_runs, results_of

MOST_METRICS: Final = 20
_MOST_SLICES: Final = 8
_MOST_SAMPLES: Final = 5
_MOST_RUNS: Final = 10


@dataclass(frozen=True, slots=True)
class ShownMetric:
    """One metric of a run."""

    name: str
    said: str  # its value, interval and n
    counted: str
    judge: SafeString | str
    bars: SafeString | str  # "" where there is no interval to draw
    worst: tuple[EvalSample, ...]


def show_metrics(run: EvalRun) -> list[ShownMetric]:
    """Return the metrics of a run, as they stand in it."""
    found = results_of(run, most_slices=_MOST_SLICES, most_samples=_MOST_SAMPLES)
    return [_show(result) for result in found]


def show_comparable(run: EvalRun) -> Sequence[EvalRun]:
    """Return the newest runs that this one may be compared with."""
    return list(comparable_runs(run)[:_MOST_RUNS])


def name_of_slice(score: EvalScore) -> str:
    """Return what part of a run a score is of."""
    return listed(f"{name}={value}" for name, value in sorted(score.slice.items())) or _("whole run")


def _show(result: MetricResult) -> ShownMetric:
    whole = result.whole
    return ShownMetric(
        name=whole.metric,
        said=figure(
            value=whole.value, unit=whole.unit, low=whole.low, high=whole.high, n=whole.n, confidence=whole.confidence
        ),
        counted=_say_counts(whole),
        judge=link(whole.judge) if whole.judge else "",
        bars=_draw(whole, result.slices),
        worst=result.worst,
    )  # fmt: skip


def _say_counts(score: EvalScore) -> str:
    said = _(
        "%(n)s scored, %(unscored)s not scored or missing, %(errors)s ended in an error; interval by %(method)s"
    )
    return said % {
        "n": score.n,
        "unscored": score.n_unscored,
        "errors": score.n_error,
        "method": score.interval_method,
    }


def _draw(whole: EvalScore, slices: Sequence[EvalScore]) -> SafeString | str:
    rows = [
        drawings.Whisker(name_of_slice(each), each.value, each.low, each.high, note=f"n {each.n}")
        for each in (whole, *slices)
        if each.value is not None and each.low is not None and each.high is not None
    ]
    if not rows:
        return ""
    return drawing(
        drawings.whiskers(
            rows, title=whole.metric, unit=unit_in_words(whole.unit), least=whole_of(whole.unit)
        )
    )
