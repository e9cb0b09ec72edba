"""What every eval parser returns, and how it refuses. Django-free, frozen values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, Protocol

from evidence.statistics import Plan
from evidence.vocabulary import ChoiceEnum

Kind = Literal["proportion", "mean"]
SHARE: Final = "share"  # the unit of values in [0, 1]


class Direction(ChoiceEnum):
    """Which way is better."""

    HIGHER = "higher"
    LOWER = "lower"


class ScoreStatus(ChoiceEnum):
    """Whether a sample has a value. Unscored and error are kept apart from a low score, and never averaged."""

    SCORED = "scored"
    UNSCORED = "unscored"
    ERROR = "error"


class RunStatus(ChoiceEnum):
    """How a run ended."""

    SUCCESS = "success"
    ERROR = "error"
    CANCELLED = "cancelled"
    STARTED = "started"  # and never said to have ended


@dataclass(frozen=True, slots=True)
class VersionClaim:
    """Which version of an artefact the runner says it used; the digest wins over the label."""

    key: str
    label: str | None
    digest: str | None  # 64 lower-case hexadecimal characters


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """One metric, as the file declares it."""

    key: str
    kind: Kind  # proportion: a share of the samples, whose unit it has; mean: any finite number
    direction: Direction
    unit: str  # "share", "ms", "tokens", ...
    applies_everywhere: bool = True  # whether a sample that does not mention it lacks it
    judge: VersionClaim | None = None  # the model that gave the values; None: no model did

    @property
    def is_bounded(self) -> bool:
        """Whether no value may leave [0, 1], which decides the interval: `share` is the one unit with known ends."""
        return self.unit == SHARE


@dataclass(frozen=True, slots=True)
class SampleScore:
    """One metric of one sample. `value` is set exactly when `status` is "scored"."""

    metric: str
    status: ScoreStatus
    value: float | None
    explanation: str


@dataclass(frozen=True, slots=True)
class ParsedSample:
    """One well-formed sample."""

    sample_id: str
    slice: Mapping[str, str]  # dimension -> value, e.g. {"language": "zh-Hans"}
    input: str
    output: str
    target: str | None
    trace_id: str | None  # 32 lower-case hexadecimal characters
    scores: tuple[SampleScore, ...]


@dataclass(frozen=True, slots=True)
class SampleReject:
    """One sample that was refused, with the reason, for the answer and for the ledger."""

    index: int  # position in the file, from 0
    sample_id: str | None
    code: str
    detail: str
    item: object  # what the file said, JSON; None where it cannot be stored as it is


@dataclass(frozen=True, slots=True)
class RunHead:
    """What an eval file says of its run."""

    run_key: str
    system: str
    release: str | None
    suite: VersionClaim
    evaluator: VersionClaim
    dataset: VersionClaim
    model: VersionClaim
    status: RunStatus
    observed_from: datetime  # aware
    observed_to: datetime  # aware, not before observed_from
    collected_at: datetime  # aware; the runner's clock
    commit: str | None  # of the code that ran
    metrics: Mapping[str, MetricSpec]
    plan: Plan = field(default_factory=Plan)  # how much was to be observed


@dataclass(frozen=True, slots=True)
class ParsedRun:
    """One eval run, as its file tells it."""

    format: str  # with version, e.g. "tracebinder.eval/1"
    head: RunHead
    samples: tuple[ParsedSample, ...]
    rejects: tuple[SampleReject, ...]

    @property
    def metrics(self) -> Mapping[str, MetricSpec]:
        """The metrics by key."""
        return self.head.metrics

    @property
    def plan(self) -> Plan:
        """How much was to be observed."""
        return self.head.plan


class ReadRun(Protocol):
    """The samples of a run, as its figures are computed from them."""

    @property
    def metrics(self) -> Mapping[str, MetricSpec]: ...
    @property
    def plan(self) -> Plan: ...
    @property
    def samples(self) -> Sequence[ParsedSample]: ...
    @property
    def rejects(self) -> Sequence[SampleReject]: ...


CUT_SHORT: Final = "export the file again and post it whole: it may have been cut short"
AS_UTF8: Final = "write the file as UTF-8, and post it unpacked"


class EvalFileError(ValueError):
    """The file as a whole cannot be read; nothing of it is stored but its bytes' digest in the refusal.

    `problems` lists every fault found, each with the place it was found at.
    """

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class UnknownEvalFormat(EvalFileError):
    """No parser is registered for this format or this version of it."""
