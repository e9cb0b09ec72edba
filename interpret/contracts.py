"""What a probe is asked and what it must answer. Free of Django, torch and numpy.

A measurement is a statistic with an interval *and* the same statistic for a simple baseline, for a null
(shuffled labels or a dead model) and, where the probe intervenes, for a control of the same
size. A field that is missing is refused when the measurement is made, not when somebody reads it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Final, Protocol

from interpret.errors import BadSpecification, ClaimRefused, ProbeError

CPU: Final = "cpu"  # the device that is meant where none is named
Progress = Callable[[str, int, int], None]  # (what is being done, steps done, steps in all)


class Status(StrEnum):
    """What a measurement says about the claim in its `supports`; computed by `interpret.verdicts`, by no probe."""

    DESCRIBED = "described"  # a number with its interval, of which nothing is claimed
    SUPPORTED = "supported"
    NOT_SUPPORTED = "not_supported"
    INCONCLUSIVE = "inconclusive"  # too few units, or an interval too wide to tell
    INVALID = "invalid"  # a null is absent; the number is kept and means nothing


class ClaimLevel(StrEnum):
    """How strong a claim the design of the measurement allows, weakest first."""

    DESCRIPTIVE = "descriptive"  # this is what was seen
    ASSOCIATIONAL = "associational"  # it goes with something, beyond baseline and null, on held-out items
    INTERVENTIONAL = "interventional"  # changing it changes the outcome, more than a matched control does
    REPLICATED = (
        "replicated"  # interventional, and a second seed is judged the same: by `interpret.verdicts` alone
    )


class ComparisonKind(StrEnum):
    """What the statistic is held against."""

    BASELINE = "baseline"
    NULL = "null"
    CONTROL = "control"


class NullKind(StrEnum):
    """What every claim is held against, unit by unit; a claim that lacks one is invalid."""

    DEAD_MODEL = "dead_model"  # the same search and measure with each weight matrix's entries shuffled
    SHUFFLED_ORDER = "shuffled_order"  # the same model on the same tokens in another order
    TEXT_ONLY = "text_only"  # what the text alone gives, its length and positions, without what is claimed of the model


class TestKind(StrEnum):
    """What a test can show."""

    __test__ = False  # no test of pytest's

    EFFECT = "effect"  # at a site that was named before: presence, and by an equivalence bound absence
    SEARCH = "search"  # at the best site that a search found: presence, and of all other sites nothing
    NECESSITY = (
        "necessity"  # what is missed when it is taken away: another part may do the same, so never absence
    )


class Want(StrEnum):
    """What a forward pass keeps, where it is wanted of it."""

    SURPRISAL = "surprisal"
    ENTROPY = "entropy"  # and the margin
    ATTENTION = "attention"
    HEAD_MEANS = "head_means"


@dataclass(frozen=True, slots=True)
class ProbeInput:
    """One text the probe reads.

    Attributes:
        continuation: where given, the statistic is taken over the tokens of this text after `text`
            (teacher-forced); where None, at the last token of `text`.
        language: BCP 47.
        instruction: the system message that stood before the text, where there was one.
        cluster: what texts that depend on each other share: a template, a document, a trace. Empty: each different text
            stands by itself.
    """

    id: str
    text: str
    language: str
    continuation: str | None = None
    instruction: str = ""
    cluster: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the input as JSON values, which make it again as keyword arguments; without a cluster it has none."""
        values = asdict(self)
        if not self.cluster:
            del values["cluster"]
        return values


@dataclass(frozen=True, slots=True)
class ProbeSpecification:
    """Everything a measurement depends on: the same one gives the same numbers on the same libraries."""

    probe: str  # a key of `interpret.registry.PROBES`
    model_digest: str  # SHA-256, 64 lower-case hex characters
    seed: int  # from 0 to 2**31 - 2: the second seed is this one plus one
    # Numbers, strings, lists; each probe names its own.
    parameters: Mapping[str, Any] = field(default_factory=dict)
    inputs: tuple[ProbeInput, ...] = ()
    dataset_digest: str = ""  # of the inputs as they are registered; empty where the probe makes its own

    def __post_init__(self) -> None:
        if not 0 <= self.seed < 2**31 - 1:
            raise BadSpecification(f"seed {self.seed} is outside 0 to 2**31 - 2")
        check_ids(self.inputs)

    def as_json(self) -> dict[str, Any]:
        """Return the specification as JSON values; its canonical bytes are its identity."""
        return {
            **asdict(self),
            "parameters": dict(self.parameters),
            "inputs": [item.as_json() for item in self.inputs],
        }


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number that says how sure it is.

    Attributes:
        n: how many independent units the interval is over (prompts, sequences), never tokens.
        method: of the interval, e.g. "bootstrap-bca over prompts, 2000 resamples".
    """

    value: float
    low: float
    high: float
    n: int
    confidence: float  # of the interval, in (0, 1)
    method: str

    def __post_init__(self) -> None:
        if not all(math.isfinite(number) for number in (self.value, self.low, self.high)):
            raise ProbeError("an estimate is not finite: nothing was measured")
        if self.low > self.high or self.n < 1 or not 0 < self.confidence < 1:
            raise ProbeError(
                f"no interval: [{self.low}, {self.high}], n={self.n}, confidence={self.confidence}"
            )

    def overlaps(self, other: Estimate) -> bool:
        """Whether the two intervals share a point."""
        return self.low <= other.high and other.low <= self.high


@dataclass(frozen=True, slots=True)
class Comparison:
    """The same statistic where the effect should be absent."""

    kind: ComparisonKind
    what: str  # in words: "uniform attention over the prefix"
    estimate: Estimate


@dataclass(frozen=True, slots=True)
class HoldsFor:
    """Where a measurement holds, and by silence where nobody has looked.

    Attributes:
        tokenizer_digest: of what turned the texts into tokens; empty where the probe made the tokens itself.
        chat_template_digest: of what put them into turns; empty where nothing did.
    """

    model_digest: str
    dataset_digest: str  # of the inputs: registered ones, or the token sequences that the probe made
    languages: tuple[str, ...]  # empty for sequences that are no language
    site: str  # "final logits", "heads 17.3 17.4"
    # Which part of the inputs, e.g. {"language": "zh-Hans"}.
    slice: Mapping[str, str] = field(default_factory=dict)
    tokenizer_digest: str = ""
    chat_template_digest: str = ""


@dataclass(frozen=True, slots=True)
class ItemValue:
    """The statistic of one unit: kept so that another person can recompute the interval."""

    id: str
    value: float


@dataclass(frozen=True, slots=True)
class TestedUnit:
    """The statistic of one text, and what it is there under each null.

    Attributes:
        cluster: what texts that depend on each other share: a template, a document, a trace.
        text: digest of the text; the same text twice counts once.
    """

    __test__ = False

    cluster: str
    text: str
    value: float
    nulls: Mapping[str, float]  # by `NullKind`


@dataclass(frozen=True, slots=True)
class Tested:
    """All that a verdict rests on: `value` less each null, unit by unit, against the smallest effect that matters.

    Attributes:
        smallest_effect: in the statistic's unit, above 0; larger values are what is claimed.
        why: the reason for `smallest_effect`, in words.
        random_sets: where the probe intervenes, the mean statistic of each random set of as many parts.
        found_on: digests of the texts on which what is tested was found, and the names of their clusters where they
            have some: none of either is among `units`.

    Raises:
        ClaimRefused: a search is tested on texts that it has seen, or on others of their clusters, or does not say
            which these were.
    """

    __test__ = False

    kind: TestKind
    smallest_effect: float
    why: str
    units: tuple[TestedUnit, ...]
    random_sets: tuple[float, ...] = ()
    found_on: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not (self.smallest_effect > 0 and self.why):
            raise ClaimRefused("a test needs a smallest effect of interest above 0, and the reason for it")
        if self.kind is TestKind.SEARCH and not self.found_on:
            raise ClaimRefused("what a search found is tested on other texts: say which it was found on")
        if leaked := {unit.text for unit in self.units} & set(self.found_on):
            raise ClaimRefused(
                f"{len(leaked)} texts are in both splits: what was found on a text is tested on another"
            )
        if leaked := {unit.cluster for unit in self.units} & set(self.found_on):
            raise ClaimRefused(
                f"{len(leaked)} clusters are in both splits: what was found on texts of a template or document is"
                " tested on texts of another"
            )


@dataclass(frozen=True, slots=True)
class Stability:
    """What a second seed said.

    Attributes:
        agrees: whether the two intervals share a point.
        what: the seed changes: "the token sequences", "the half of the prompts".
        tested: what a second verdict rests on; None: there is none, and nothing is replicated.
        p_value: of the second seed, as the first's.
    """

    seed: int
    second_seed: int
    second: Estimate
    agrees: bool
    what: str
    tested: Tested | None = None
    p_value: float | None = None


@dataclass(frozen=True, slots=True)
class Measurement:
    """One statistic of one probe run, with what it takes to believe it.

    Raises:
        ClaimRefused: a baseline or null is absent, or `level` asks for a field that is empty.
    """

    statistic: str
    unit: str
    level: ClaimLevel
    estimate: Estimate
    baseline: Comparison
    null: Comparison
    holds_for: HoldsFor
    stability: Stability
    supports: str  # one sentence: the claim that a verdict is about
    does_not_show: str  # one sentence: what a reader might wrongly conclude
    tested: Tested | None = None  # None: it claims nothing
    control: Comparison | None = None
    p_value: float | None = None  # one-sided against the null, by permutation
    q_value: float | None = None  # Benjamini-Hochberg, within the family that `correction` names
    correction: str = ""  # "Benjamini-Hochberg over 270 heads"
    family_size: int = 0  # how many tests `correction` is over
    fire_counts: Mapping[str, int] = field(default_factory=dict)  # hook -> calls
    per_item: tuple[ItemValue, ...] = ()
    # JSON values a reader may want, judged by nobody
    details: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_kind(self.baseline, ComparisonKind.BASELINE)
        _check_kind(self.null, ComparisonKind.NULL)
        if self.control is not None:
            _check_kind(self.control, ComparisonKind.CONTROL)
        if not (self.supports and self.does_not_show):
            raise ClaimRefused(f"{self.statistic}: say what it supports and what it does not show")
        if any(count < 1 for count in self.fire_counts.values()):
            raise ClaimRefused(f"{self.statistic}: a hook never fired: {dict(self.fire_counts)}")
        missing = missing_for(self, self.level)
        if missing:
            raise ClaimRefused(f"{self.statistic}: no {self.level} claim without {', '.join(missing)}")

    def as_json(self) -> dict[str, Any]:
        """Return the measurement as JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """All that one run of a probe gives back."""

    probe: str
    code_version: str  # of the probe: changes whenever its numbers may
    measurements: tuple[Measurement, ...]
    versions: Mapping[str, str]  # library -> version
    threads: int  # torch's; sums in another order differ in the last bits
    forward_passes: int  # batches that went through a model now; 0 where all were in memory
    device: str = CPU  # or "cuda, NVIDIA H100": sums on another kind differ in the last digits

    def __post_init__(self) -> None:
        if not self.measurements:
            raise ProbeError(f"{self.probe} measured nothing")

    def as_json(self) -> dict[str, Any]:
        """Return the result as JSON values; of the CPU nothing is said, as before there was another device."""
        values = {**asdict(self), "measurements": [item.as_json() for item in self.measurements]}
        return _without_cpu(values)


@dataclass(frozen=True, slots=True)
class MeasuredPart:
    """What one part of a probe's work gave, wherever it was done.

    Attributes:
        numbers: JSON values, which `Probe.report` puts in words.
        forward_passes: batches that went through a model for it; 0 where all were in memory.
        device: as of a `ProbeResult`.
    """

    part: str
    code_version: str  # of the probe
    numbers: Mapping[str, Any]
    versions: Mapping[str, str]  # library -> version
    threads: int
    forward_passes: int
    device: str = CPU

    def as_json(self) -> dict[str, Any]:
        """Return the part as JSON values, which make it again as keyword arguments."""
        return _without_cpu(asdict(self))


class Probe(Protocol):
    """A pure function of (model, inputs, specification): no clock, database or network.

    Its work is in parts, which workers share and `interpret.parts` puts together. What the parts are follows from the
    specification alone, and a part's numbers from nothing else: so none depends on how many workers there were.
    """

    code_version: str

    def check(self, specification: ProbeSpecification) -> None:
        """Raise `BadSpecification` where parameters or inputs do not fit."""

    def parts(self, specification: ProbeSpecification) -> tuple[str, ...]:
        """Name the parts of the work, each a few minutes at most, in the order in which one worker would do them."""

    def measure(self, specification: ProbeSpecification, models: Any, part: str) -> dict[str, Any]:
        """Return what one part gives, as JSON values: finite numbers, text, lists and objects with keys of text.

        Args:
            models: an `interpret.probes.session.ModelSession`.

        Raises:
            ProbeError: it cannot be measured.
        """

    def report(
        self, specification: ProbeSpecification, measured: Mapping[str, Mapping[str, Any]]
    ) -> tuple[Measurement, ...]:
        """Put all parts' numbers, by the name of the part, in words.

        Raises:
            ProbeError: two parts contradict each other.
        """


def check_ids(inputs: Sequence[ProbeInput]) -> None:
    """Refuse inputs of which two have the same id.

    Raises:
        BadSpecification: two have.
    """
    if len({item.id for item in inputs}) != len(inputs):
        raise BadSpecification("two inputs have the same id")


def missing_for(measurement: Measurement, level: ClaimLevel) -> list[str]:
    """Name the fields that `level` asks for and `measurement` leaves empty; none: it may be made."""
    missing: list[str] = []
    if level is ClaimLevel.DESCRIPTIVE:
        return missing
    if measurement.p_value is None:
        missing.append("a permutation p-value")
    if measurement.q_value is None or not measurement.correction or measurement.family_size < 1:
        missing.append("a corrected q-value, its family and how large that is")
    if level is ClaimLevel.ASSOCIATIONAL:
        return missing
    if measurement.control is None:
        missing.append("a matched control")
    if not measurement.fire_counts:
        missing.append("fire counts of its interventions")
    if level is ClaimLevel.REPLICATED:
        missing.append("a verdict on its second seed, which no probe gives")
    return missing


def _without_cpu(values: dict[str, Any]) -> dict[str, Any]:
    if values["device"] == CPU:
        del values["device"]
    return values


def _check_kind(comparison: Comparison | None, kind: ComparisonKind) -> None:
    if comparison is None or comparison.kind is not kind:
        raise ClaimRefused(f"a measurement needs a {kind} of the same statistic")
