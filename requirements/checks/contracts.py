"""What a check is, what it is asked, and what it answers. Free of Django."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from evidence.evals.contracts import Direction
from evidence.statistics import Estimate

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from evidence.clock import AsOf
    from evidence.gate_reasons import ComparedTold, JudgeTold, LookTold, RunNote

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Words:
    """The same text for both readers."""

    en: str
    zh: str


class IndependentUnit(StrEnum):
    """What is taken to be independent of one another: only as many of these as there are is evidence anew."""

    TRACE = "trace"
    CONVERSATION = "conversation"  # the traces that name one, with their claims and reviews; else the trace
    DOCUMENT = "document"  # all answers that rely on one, within a stretch of time
    SAMPLE = "sample"  # an item of a dataset: its attempts, and samples of one trace or conversation, are one
    REVIEWER = "reviewer"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that can be measured on stored facts."""

    name: str  # stable; what a criterion writes
    measure: Measure
    version: str  # of the measuring code; part of every verdict's code version
    title: Words
    measures: Words  # what is counted, over what
    unit: str | None  # None: the metric's own, which the criterion states
    direction: Direction | None  # None: the metric's own
    parameters: Mapping[str, object]  # JSON Schema of an object; "default" fills what is left out
    dimensions: tuple[str, ...] | None  # what slices may name; None: whatever the eval file used
    reads: tuple[str, ...]  # the stored nouns it counts
    independent: IndependentUnit  # what its bounds count
    worst: Worst | None = None  # finds what speaks against a criterion; None: nothing single does

    @property
    def grows(self) -> bool:
        """Whether evidence arrives while gates are asked, as traces do: its bounds hold at all looks together."""
        return "looks" in cast("Mapping[str, object]", self.parameters["properties"])

    def with_defaults(self, given: Mapping[str, object]) -> dict[str, object]:
        """Return the parameters with every default written out, so that a stored criterion is complete."""
        properties = self.parameters.get("properties", {})
        filled = dict(given)
        if isinstance(properties, Mapping):
            for name, schema in properties.items():
                if isinstance(schema, Mapping) and "default" in schema and name not in filled:
                    filled[name] = schema["default"]
        return filled

    def fault_in(self, parameters: Mapping[str, object]) -> str | None:
        """Say what is wrong with stored parameters, None where nothing is: those of before may be beyond all bounds."""
        from jsonschema import Draft202012Validator  # noqa: PLC0415  # heavy: imported when first needed

        fault = next(Draft202012Validator(self.parameters).iter_errors(dict(parameters)), None)
        if fault is None:
            return None
        return f"{'.'.join(map(str, fault.absolute_path)) or 'parameters'}: {fault.message[:200]}"


@dataclass(frozen=True, slots=True)
class Population:
    """Which facts a measurement may see."""

    system_id: int
    release_id: int
    as_of: AsOf  # nothing that was not on record then is seen
    since: datetime | None  # nothing observed before this moment is seen; None: no limit
    where: Mapping[str, str] = field(default_factory=dict)  # one slice; {} is everything
    # What all parts of one evaluation have in common, once it was looked up: `replace` hands it on.
    shared: dict[Hashable, Any] = field(default_factory=dict, compare=False, repr=False)

    def once(self, what: Hashable, look_up: Callable[[], T]) -> T:
        """Return what is looked up, or was for another part: neither `since` nor `where` may make it another."""
        key = (self.release_id, what)
        if key not in self.shared:
            self.shared[key] = look_up()
        return cast("T", self.shared[key])


class Obstacle(str):
    """Why facts cannot be a pass whatever the value: a sentence that carries its code."""

    __slots__ = ("code",)
    code: str

    def __new__(cls, code: str, sentence: str) -> Obstacle:
        """Make the sentence, with its code: `run_expired`."""
        made = super().__new__(cls, sentence)
        made.code = code
        return made


@dataclass(frozen=True, slots=True)
class RunsSeen:
    """The eval runs of a suite on a release: which decides, and which were passed over, newest first."""

    used: tuple[RunNote, ...]
    passed_over: tuple[RunNote, ...]
    n_older: int = 0  # runs beyond those that are named


@dataclass(frozen=True, slots=True)
class Counts:
    """What the numbers of a measurement are of."""

    observations: str = ""  # "traces", "claims", "reviews"; empty where the unit of the metric says it
    units: str = ""  # "conversations", "traces"
    waiting: int = 0  # observations that do not count yet, because their unit may still grow
    compared: ComparedTold | None = None  # both runs, where two are compared


@dataclass(frozen=True, slots=True)
class Measured:
    """A number that says what it is."""

    value: float | None  # None: nothing was observed
    n: int  # observations, with those that are missing
    successes: float | None  # of those observed, for a share; None for anything else
    low: float | None  # one-sided lower bound at `bound_confidence`; None where n allows none
    high: float | None  # one-sided upper bound at `bound_confidence`
    bound_confidence: float  # one-sided, in (0, 1)
    unit: str
    direction: Direction
    observed_from: datetime | None
    observed_to: datetime | None
    inputs: Mapping[str, object]  # digests of all that was read, JSON
    missing: Mapping[str, int] = field(default_factory=dict)  # of n: not observed, by reason; none is good
    # Of what was observed, how many came from each origin ("declared", "derived"), where that says how far to trust n.
    origins: Mapping[str, int] = field(default_factory=dict)
    # Why these facts cannot be a pass whatever the value; with codes as `Obstacle`s.
    obstacles: tuple[str, ...] = ()
    runs: RunsSeen | None = None  # of a suite; None: no eval run was asked for
    look: LookTold | None = None  # which look at its question this is; None: looks are not counted
    judge: JudgeTold | None = None  # that gave the values; None: no judge did
    estimate: Estimate | None = None  # what the bounds are of; None: nothing was observed
    counts: Counts = Counts()

    @property
    def n_units(self) -> int:
        """How many independent units the observations, with those that are missing, belong to."""
        return self.estimate.n_units if self.estimate else 0

    @property
    def n_missing(self) -> int:
        """How many observations are missing; where two runs are compared, of both."""
        compared = self.counts.compared
        return sum(self.missing.values()) + (sum(compared["baseline"]["missing"].values()) if compared else 0)

    @property
    def n_observed(self) -> int:
        """How many observations there are; what is missing makes no evidence enough."""
        return self.n - sum(self.missing.values())


def as_measured(
    estimate: Estimate | None,
    *,
    missing: Mapping[str, int],
    bound_confidence: float,
    inputs: Mapping[str, object],
    unit: str,
    direction: Direction,
    successes: float | None = None,
    observed_from: datetime | None = None,
    observed_to: datetime | None = None,
    obstacles: tuple[str, ...] = (),
    origins: Mapping[str, int] | None = None,
    counts: Counts = Counts(),
) -> Measured:
    """Return an estimate with all it says of itself; its numbers are among the inputs, so that replays compare them."""
    numbers = estimate.numbers() if estimate else None
    doubts = (Obstacle("mean_doubtful", estimate.doubt),) if estimate and estimate.doubt else ()
    return Measured(
        value=estimate.value if estimate else None,
        n=(estimate.n if estimate else 0) + sum(missing.values()),
        successes=successes,
        low=estimate.low if estimate else None,
        high=estimate.high if estimate else None,
        bound_confidence=bound_confidence,
        unit=unit,
        direction=direction,
        observed_from=observed_from,
        observed_to=observed_to,
        inputs={**inputs, "estimate": numbers},
        missing=missing,
        obstacles=(*obstacles, *doubts),
        estimate=estimate,
        origins=origins or {},
        counts=counts,
    )


class Worst(Protocol):
    """Finds the stored rows that speak against a criterion, worst first: one query, of which few rows are taken."""

    def __call__(self, population: Population, parameters: Mapping[str, object]) -> QuerySet[Any] | None: ...


class Measure(Protocol):
    """The measuring code of a check: set-based queries over stored facts, no writes, no clock."""

    def __call__(
        self, population: Population, parameters: Mapping[str, object], bound_confidence: float
    ) -> Measured: ...
