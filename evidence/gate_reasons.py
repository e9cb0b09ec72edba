"""What a decision says of each criterion, as `GateDecision.reasons` holds it: a code and numbers beside the sentence.

Decisions of `gate/2` and before hold only criterion, requirement, verdict, detail and waiver. Free of Django.
"""

from __future__ import annotations

from typing import Any, Final, NotRequired, TypedDict

SIGNIFICANT: Final = 12  # decimal digits of a number in a decision, before it is digested


class RunRetraction(TypedDict):
    """What is said against a run: asked for, by whom, why, and who confirmed it; null while it waits."""

    requested_by: str
    reason: str
    confirmed_by: str | None


class RunNote(TypedDict):
    """An eval run that decided or was passed over, and why."""

    run_key: str
    id: int
    digest: str  # of the file as posted
    commit: str
    status: str
    posted_by: str
    observed_to: str
    received_at: str
    code: str  # why it decides or does not: `decides`, `earlier`, `retracted`, `empty`
    detail: str
    retractions: list[RunRetraction]


class Settling(TypedDict):
    """What would settle what is not met."""

    more_units: (
        int | None
    )  # about how many more, if they come out as those so far did; null where more do not help
    detail: str


class LookTold(TypedDict):
    """Which look at its question a run is (`evidence.statistics.looks`)."""

    question: str  # digest of suite, metric and pinned versions
    number: int  # from 1
    planned: int
    alpha: float | None  # of each of its bounds, one-sided; null beyond the plan: it may spend nothing
    earlier: list[str]  # keys of the runs that were looks before, the last twenty


class JudgeTold(TypedDict):
    """A judge that gave the metric, and what people's labels make of its scores (`evidence.evals.corrected`)."""

    judge: str
    digest: str
    state: str  # `calibrated`, `uncalibrated` (nobody labelled an answer), `too_few_labels`, `uncorrectable`
    decides: bool  # whether the criterion asks for people's word: value and interval above are then the corrected ones
    raw: float | None  # the mean of the judge's scores
    value: float | None  # corrected, with its interval; null unless calibrated
    low: float | None
    high: float | None
    n_labels: int  # answers of which judge and people both say something
    n_units: int  # independent ones among them
    n_people: int
    n_out_of_order: int  # labelled answers that do not count: one that is drawn before them has no label
    agreeing: float | None  # share of the labelled answers on which both say the same
    kappa: float | None  # Cohen's; null where chance explains all
    kappa_low: float | None
    kappa_high: float | None
    labels: str  # digest of the labels that count


class SideTold(TypedDict):
    """One of two runs that are compared."""

    n: int  # items with a score
    missing: dict[str, int]  # observations without one, by reason


class ComparedTold(TypedDict):
    """Both runs, where one release is compared with another."""

    release: SideTold
    baseline: SideTold


class Numbers(TypedDict):
    """What was measured, in the part that decides: the whole, or the worst slice."""

    where: dict[str, str]
    value: float | None
    low: float | None
    high: float | None
    bound: float | None  # the end that is compared with the threshold
    bound_confidence: float  # one-sided
    comparator: str
    threshold: float
    unit: str
    method: str  # of the bounds, `korn_graubard`; empty where there are none
    n_units: int | None  # independent ones; null where they are not told apart
    n_observations: int
    units_of: str  # what the units are, `conversations`, and the observations, `traces`; empty where the metric says it
    observations_of: str
    n_waiting: int  # observations that do not count yet, because their unit may still grow
    missing: dict[str, int]  # of them not observed, by reason
    look: LookTold | None  # null where looks are not counted
    judge: NotRequired[JudgeTold]  # left out where no judge gave the metric
    compared: NotRequired[
        ComparedTold
    ]  # left out where one run is measured; above are the pairs, or the smaller of both


class TriedTold(TypedDict):
    """Releases that a criterion judged since one met it. Beside a reason, and no verdict hangs on it."""

    releases: list[
        str
    ]  # names of those that pin other versions, in the order they were judged, this one last; of 20
    number: int  # how many, this one among them
    alpha: float  # chance with which each alone passes wrongly, at most
    together: float  # with which one of so many does


class CriterionTold(TypedDict):
    """What an assessor says of one criterion beside its verdict and its sentence."""

    code: str
    measured: Numbers | None  # null where nothing could be measured
    runs: list[RunNote]  # that decide
    passed_over: list[RunNote]
    would_settle: Settling | None  # null where it is met


def stated(value: Any) -> Any:
    """Return a JSON value with its numbers rounded as decisions state them: no digest hangs on a last bit."""
    if isinstance(value, float):
        return float(f"{value:.{SIGNIFICANT}g}")
    if isinstance(value, dict):
        return {key: stated(each) for key, each in value.items()}
    return [stated(each) for each in value] if isinstance(value, list | tuple) else value
