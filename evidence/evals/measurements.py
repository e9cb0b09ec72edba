"""What the reader of a foreign eval file gives: its measurements, as far as the file tells of them. Free of Django.

A runner's file seldom says all that a run must say: whoever posts it says the rest. `Said` is either half, and what is
in neither is refused by name. A reader never guesses: what the file does not say is None.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from evidence.evals.contracts import MetricSpec, ParsedSample, RunStatus, SampleReject, VersionClaim
from evidence.statistics import Plan
from evidence.vocabulary import ChoiceEnum


class RemarkCode(ChoiceEnum):
    """What a reader of the run's numbers has to know beside them."""

    EDITED = "edited"  # a person changed a score after the run
    INVALIDATED = "invalidated"  # the runner's own people said that it, or a sample, is not to be used
    LIMITED = "limited"  # fewer items ran than the dataset holds
    UNFINISHED = "unfinished"  # the run did not end by itself
    FLAKY = "flaky"  # it failed first and passed when it ran again
    DIRTY = "dirty"  # the code that ran was not the commit's
    TOTAL_DIFFERS = "total_differs"  # the runner's own total is not what its samples come to
    NOT_ASSERTED = "not_asserted"  # nothing was asked of the sample, so that its pass says nothing
    AMBIGUOUS = "ambiguous"  # two samples share a name; told apart by their order
    ERRORED = "errored"  # it ended in an error, and was scored all the same
    MANY_VALUES = "many_values"  # a dimension with so many values that it is no slice: only samples have it
    SKIPPED = "skipped"  # the runner was told not to try the sample, which is neither an error nor a failure
    DIRECTION_ASSUMED = "direction_assumed"  # nothing says which way is better; higher is taken
    UNREAD = "unread"  # it is in the file, and is no value that could be averaged
    MORE = "more"  # so many remarks that not each is kept


@dataclass(frozen=True, slots=True)
class Said:
    """What is said of a run, by the runner's file or by whoever posts it; None: not said."""

    run_key: str | None = None
    system: str | None = None
    release: str | None = None
    commit: str | None = None
    dirty: bool | None = None
    ci_url: str | None = None
    suite: VersionClaim | None = None
    evaluator: VersionClaim | None = None
    dataset: VersionClaim | None = None
    model: VersionClaim | None = None
    judge: VersionClaim | None = None
    status: RunStatus | None = None
    observed_from: datetime | None = None  # aware
    observed_to: datetime | None = None  # aware
    collected_at: datetime | None = None  # aware; the runner's clock
    plan: Plan | None = None
    seeds: Mapping[str, str] = field(default_factory=dict)  # name -> seed, as the runner says it


@dataclass(frozen=True, slots=True)
class StatedTotal:
    """A total that the runner computed itself: kept beside ours, and compared with it where both mean one thing."""

    metric: str  # ours
    name: str  # the runner's: "accuracy", "stderr", "testPassCount"
    value: float | None
    reducer: str = ""  # "max", "at_least_2": how attempts at one item became one value; "": their mean
    n: int | None = None  # of what, as the runner counts
    is_mean: bool = False  # whether it should equal the mean over items that we compute


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing to know about a run or one of its samples."""

    code: RemarkCode
    detail: str  # one sentence
    sample_id: str | None = None  # None: the whole run


@dataclass(frozen=True, slots=True)
class Measurement:
    """One suite on one model. A file may hold several: two providers, or three tasks, are never one mean.

    `samples` is read once, in the order of the file, and may add to `metrics`, `remarks` and `totals` while it is read:
    they are whole only when it has ended, but a metric is there before a sample that has it. An attempt at an item is
    named ITEM#ATTEMPT, counted from 1, as `Plan.epochs` wants.
    """

    key: str  # tells it from the others of its file; "" where the file holds one only
    format: str  # with version, e.g. "inspect/2"
    said: Said
    metrics: Mapping[str, MetricSpec]
    samples: Iterable[ParsedSample | SampleReject]
    totals: list[StatedTotal] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
