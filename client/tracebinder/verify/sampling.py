"""Draw a sample again from its plan, its frozen list and a checkpoint; nothing the server says of it is believed.

Source: docs/reference/sampling.md. Written from that page; it shares no code with any server.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Final

from tracebinder.verify.errors import BinderFailed, BinderMalformed
from tracebinder.verify.kept import KeptHead
from tracebinder.verify.merkle import check_inclusion, leaf_hash
from tracebinder.verify.strict_json import JsonObject, object_at, parse_object, text_at, time_at, whole_at
from tracebinder.verify.tlog import TlogProof, parse_tlog_proof
from tracebinder.verify.trust import TrustedLog

FILE_FORMAT: Final = "tracebinder.sample/1"
PLAN_FORMAT: Final = "tracebinder.sampling-plan/1"
POPULATION_FORMAT: Final = "tracebinder.sampling-population/1"
DRAW_FORMAT: Final = "tracebinder.sample-draw/1"
SEED_DOMAIN: Final = "tracebinder.sampling-seed/1"
PLAN_VERB: Final = "sampling_plan.made"
POPULATION_VERB: Final = "sampling_population.frozen"
_DECIMAL_PLACES: Final = 4

Sampled = tuple[str, str, bool]
"""Id, stratum, and whether it is among the n drawn from all."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a plan says that a draw rests on."""

    digest: str
    system: str
    period_to: datetime
    has_strata: bool
    fewest_of_each: int
    tolerable: Fraction
    confidence: Fraction
    expected: int


@dataclass(frozen=True, slots=True)
class Logged:
    """One log entry, and where it is."""

    entry: JsonObject
    proof: TlogProof


@dataclass(frozen=True, slots=True)
class Redrawn:
    """A sample drawn again, and what the file says was drawn."""

    plan: Plan
    population_size: int
    checkpoint_size: int
    checkpoint_root: bytes
    seed: str
    n: int
    sample: tuple[Sampled, ...]
    claimed: tuple[Sampled, ...]

    @property
    def is_same(self) -> bool:
        """Whether the same answers were drawn, in the same order and for the same ends."""
        return self.sample == self.claimed


def redraw(data: bytes, log: TrustedLog, *, kept: Sequence[KeptHead] = ()) -> Redrawn:
    """Verify that plan and list were in the log before the checkpoint was signed, and draw again.

    Args:
        kept: checkpoints that were kept before: none may lie between the list and the checkpoint that drew from it.

    Raises:
        BinderMalformed: the file is not in the form of the specification.
        BinderFailed: something in it is not what the log holds, not signed by the log, or not in the order of it.
    """
    file = parse_object(data, member="sample")
    if text_at(file, "format", member="sample") != FILE_FORMAT:
        raise BinderMalformed(f"not a file of a sample ({FILE_FORMAT})", member="sample")
    plan_bytes, list_bytes, draw_bytes = (
        text_at(file, name, member="sample").encode() for name in ("plan", "population", "draw")
    )
    plan = _read_plan(plan_bytes)
    digest = hashlib.sha256(list_bytes).hexdigest()
    logged = object_at(file, "log", member="sample")
    planned = _open_logged(object_at(logged, "plan", member="log"), "plan", log)
    frozen = _open_logged(object_at(logged, "population", member="log"), "population", log)
    _check_entry(planned, "plan", PLAN_VERB, plan.system, plan.digest)
    _check_entry(frozen, "population", POPULATION_VERB, plan.system, digest)
    _check_order(plan, planned, frozen, kept)
    strata = _read_population(list_bytes, plan)
    checkpoint = frozen.proof.checkpoint
    seed = seed_of(plan.digest, digest, checkpoint.root)
    n = smallest_sample(len(strata), plan.tolerable, plan.confidence, plan.expected)
    sample = draw(seed, strata, n, plan.fewest_of_each if plan.has_strata else 0)
    claimed = _read_draw(draw_bytes)
    return Redrawn(
        plan, len(strata), checkpoint.size, checkpoint.root, seed, n, tuple(sample), tuple(claimed)
    )


def seed_of(plan_digest: str, population_digest: str, root: bytes) -> str:
    """Return the seed, hexadecimal."""
    told = "\n".join((SEED_DOMAIN, plan_digest, population_digest, root.hex(), ""))
    return hashlib.sha256(told.encode()).hexdigest()


def draw(seed: str, strata: Mapping[str, str], n: int, fewest: int) -> list[Sampled]:
    """Return the sample in the order drawn: the first n of all, and what strata need besides."""
    order = sorted(strata, key=lambda answer: hashlib.sha256(f"{seed}\n{answer}".encode()).digest())
    held = Counter(strata[answer] for answer in order[:n])
    sample = [(answer, strata[answer], True) for answer in order[:n]]
    for answer in order[n:]:
        if held[strata[answer]] < fewest:
            held[strata[answer]] += 1
            sample.append((answer, strata[answer], False))
    return sample


def smallest_sample(population: int, tolerable: Fraction, confidence: Fraction, expected: int) -> int:
    """Return the smallest n at which `expected` exceptions or fewer show that the rate is tolerable; at most all."""
    too_many = math.floor(tolerable * population) + 1
    if expected >= too_many:
        return population
    few, enough = expected, population
    size = 1 + 2 * expected  # sizes double, so that numbers stay small where the sample is
    while size < population:
        if _chance_of_few(population, too_many, size, expected) <= 1 - confidence:
            enough = size
            break
        few, size = size, 2 * size
    while enough - few > 1:
        middle = (few + enough) // 2
        if _chance_of_few(population, too_many, middle, expected) <= 1 - confidence:
            enough = middle
        else:
            few = middle
    return enough


def _chance_of_few(population: int, bad: int, n: int, found: int) -> Fraction:
    ways = sum(math.comb(bad, i) * math.comb(population - bad, n - i) for i in range(min(found, bad, n) + 1))
    return Fraction(ways, math.comb(population, n))


def _read_plan(data: bytes) -> Plan:
    value = parse_object(data, member="plan")
    if text_at(value, "format", member="plan") != PLAN_FORMAT:
        raise BinderMalformed(f"not a sampling plan ({PLAN_FORMAT})", member="plan")
    return Plan(
        digest=hashlib.sha256(data).hexdigest(),
        system=text_at(value, "system", member="plan"),
        period_to=time_at(value, "period_to", member="plan"),
        has_strata=bool(text_at(value, "strata_field", member="plan")),
        fewest_of_each=whole_at(value, "fewest_of_each", member="plan"),
        tolerable=_rate_at(value, "tolerable_rate"),
        confidence=_rate_at(value, "confidence"),
        expected=whole_at(value, "expected_exceptions", member="plan"),
    )


def _rate_at(value: JsonObject, key: str) -> Fraction:
    text = text_at(value, key, member="plan")
    digits = text.removeprefix("0.")
    if digits == text or not digits.isdecimal() or not digits.isascii() or len(digits) > _DECIMAL_PLACES:
        raise BinderMalformed(f"{key!r} is no rate between 0 and 1: {text[:20]!r}", member="plan")
    return Fraction(int(digits), 10 ** len(digits))


def _open_logged(value: JsonObject, name: str, log: TrustedLog) -> Logged:
    """Return an entry that is under a checkpoint that the trusted log signed."""
    entry = text_at(value, "entry", member=name).encode()
    proof = parse_tlog_proof(text_at(value, "proof", member=name).encode(), member=f"proof of the {name}")
    head = proof.checkpoint
    if head.origin != log.origin:
        raise BinderFailed(f"the checkpoint is of {head.origin!r}, not {log.origin!r}", member=name)
    if not log.signed(proof.note, head.size):
        raise BinderFailed("the checkpoint is not signed by the trusted log key", member=name)
    try:
        check_inclusion(
            leaf=leaf_hash(entry), index=proof.index, size=head.size, path=proof.path, root=head.root
        )
    except BinderFailed as exc:
        raise BinderFailed(f"its entry is not under the checkpoint: {exc.detail}", member=name) from exc
    return Logged(parse_object(entry, member=name), proof)


def _check_entry(logged: Logged, name: str, verb: str, system: str, digest: str) -> None:
    """See that an entry is about this very document."""
    found = {
        "verb": text_at(logged.entry, "verb", member=name),
        "system": text_at(logged.entry, "system", member=name),
        "digest": text_at(object_at(logged.entry, "object", member=name), "digest", member=name),
    }
    for key, wanted in {"verb": verb, "system": system, "digest": digest}.items():
        if found[key] != wanted:
            raise BinderFailed(
                f"it is not what the log holds: the {key} there is {found[key]!r}, not {wanted!r}",
                member=name,
            )


def _check_order(plan: Plan, planned: Logged, frozen: Logged, kept: Sequence[KeptHead]) -> None:
    """See that the plan came before its period's end, that before the list, and the list before the checkpoint."""
    if planned.proof.checkpoint != frozen.proof.checkpoint:
        raise BinderFailed("plan and list are not proved under one checkpoint", member="log")
    if planned.proof.index >= frozen.proof.index:
        raise BinderFailed("the log has the list before the plan", member="log")
    if time_at(planned.entry, "occurred_at", member="plan") >= plan.period_to:
        raise BinderFailed("it was put on record when its period had ended", member="plan")
    if time_at(frozen.entry, "occurred_at", member="population") < plan.period_to:
        raise BinderFailed("it was frozen before the period ended", member="population")
    head = frozen.proof.checkpoint
    for earlier in kept:
        if frozen.proof.index < earlier.size < head.size:
            raise BinderFailed(
                f"the seed is of the checkpoint over {head.size} leaves, and one over {earlier.size} covered the list "
                "before: it was passed over",
                member="log",
            )
        if earlier.size == head.size and earlier.root != head.root:
            raise BinderFailed(f"another tree of {head.size} leaves was kept: the log forked", member="log")


def _read_population(data: bytes, plan: Plan) -> dict[str, str]:
    """Return the stratum of each answer of the list."""
    value = parse_object(data, member="population")
    if text_at(value, "format", member="population") != POPULATION_FORMAT:
        raise BinderMalformed(f"not the list of a population ({POPULATION_FORMAT})", member="population")
    if text_at(value, "plan", member="population") != plan.digest:
        raise BinderFailed("it was frozen for another plan", member="population")
    rows = list(_rows(value, "answers", (str, str, str), member="population"))
    strata = {str(answer): str(stratum) for answer, _digest, stratum in rows}
    if len(strata) != len(rows):
        raise BinderFailed("it names an answer twice", member="population")
    return strata


def _read_draw(data: bytes) -> list[Sampled]:
    value = parse_object(data, member="draw")
    if text_at(value, "format", member="draw") != DRAW_FORMAT:
        raise BinderMalformed(f"not a draw ({DRAW_FORMAT})", member="draw")
    rows = _rows(value, "drawn", (str, str, bool), member="draw")
    return [(str(answer), str(stratum), bool(of_whole)) for answer, stratum, of_whole in rows]


def _rows(
    value: JsonObject, key: str, kinds: tuple[type, ...], *, member: str
) -> Iterable[tuple[object, ...]]:
    found = value.get(key)
    if not isinstance(found, list):
        raise BinderMalformed(f"{key!r} must be a list", member=member)
    for row in found:
        if not isinstance(row, list) or tuple(type(each) for each in row) != kinds:
            raise BinderMalformed(f"a row of {key!r} is not in the form of the specification", member=member)
        yield tuple(row)
