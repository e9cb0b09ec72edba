"""Answers as tokens: each fact in four texts, so that no word of a source or of an answer goes with what is backed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from interpret.errors import PairsUnequal, StructureUntold
from interpret.probes.directions.pairs import LEAST_PAIRS, Pair, check_apart, encode
from interpret.probes.hallucination.prompt_sets import ClaimSet, Fact

# Of a fact's texts: what the source says, and what the answer quotes.
WRITTEN: Final = ((0, 1), (0, 0), (1, 0), (1, 1))
UNBACKED: Final = (0, 2)
BACKED: Final = (1, 3)


@dataclass(frozen=True, slots=True)
class Answer:
    """One fact in four texts of equal length: either thing is said after a source with it, and after one without.

    Attributes:
        pair: the texts, as `WRITTEN`; its template is the fact's number over both domains.
        own: the tokens in which the claims differ, from the first to before the last; what follows is alike.
        in_source: of each text, whether a comparison of its answer with its source finds the quote.
    """

    pair: Pair
    own: tuple[int, int]
    in_source: tuple[bool, ...]

    @property
    def length(self) -> int:
        """Return how many tokens each text has."""
        return len(self.pair.texts[0])


@dataclass(frozen=True, slots=True)
class Domains:
    """Answers of one domain to fit on and of another to report on, and how many facts could not be written."""

    fit: tuple[Answer, ...]
    report: tuple[Answer, ...]
    left_out: int

    def __post_init__(self) -> None:
        check_apart((each.pair for each in self.fit), (each.pair for each in self.report))


def write_answers(prompts: ClaimSet, tokenizer: Any, answers: int, *, seed: int, again: int) -> Domains:
    """Return the answers that the model's tokenizer allows; for the second seed (`again` 1) the domains exchanged.

    Raises:
        StructureUntold: there is no tokenizer, or it does not know a word.
        PairsUnequal: fewer than `LEAST_PAIRS` facts of a domain have texts of equal length.
    """
    if tokenizer is None:
        raise StructureUntold("the model has no tokenizer: it cannot be told what is written")
    rng = np.random.default_rng(seed)
    made, written, start = list[list[Answer]](), 0, 0
    for domain, facts in zip(prompts.domains, prompts.facts, strict=True):
        order = rng.permutation(len(facts))
        found = [
            (facts[place], _answer(prompts, tokenizer, facts[place], start + int(place))) for place in order
        ]
        fitting = [(fact, each) for fact, each in found if each is not None]
        chosen = _in_balance(fitting, answers // 2)
        if len(chosen) < LEAST_PAIRS:
            raise PairsUnequal(
                f"{prompts.name}: of {len(facts)} facts of {domain}, {len(fitting)} have texts of equal length in this"
                f" model's tokens, whatever is said, and {len(chosen)} in balance of what comes first:"
                f" {LEAST_PAIRS} are needed"
            )
        written += len(fitting)
        made.append(chosen)
        start += len(facts)
    return Domains(tuple(made[again]), tuple(made[1 - again]), start - written)


def _in_balance(fitting: Sequence[tuple[Fact, Answer]], wanted: int) -> list[Answer]:
    """Return so many answers; of mixed facts as many that lead as that follow, so that what came last tells nothing."""
    if not any(fact.mixed for fact, _ in fitting):
        return [answer for _, answer in fitting[:wanted]]
    sides = [[answer for fact, answer in fitting if fact.leads is leads] for leads in (True, False)]
    each = min(wanted // 2, *map(len, sides))
    return [answer for side in sides for answer in side[:each]]


def _answer(prompts: ClaimSet, tokenizer: Any, fact: Fact, number: int) -> Answer | None:
    """Return the fact's texts; None where they are of unlike length, or a claim is cut in another way."""
    texts = [tuple(encode(tokenizer, prompts.write(fact, *both))) for both in WRITTEN]
    if len({len(text) for text in texts}) != 1:
        return None
    ranges = {_apart(texts[one], texts[other]) for one, other in zip(UNBACKED, BACKED, strict=True)}
    if len(ranges) != 1:
        return None
    start, stop = ranges.pop()
    says = [text[start:stop] for text in texts]
    if stop == len(texts[0]) or says[0] != says[3] or says[1] != says[2]:
        return None
    pair = Pair(number, fact.said, (texts[0], texts[1], texts[2], texts[3]))
    return Answer(pair, (start, stop), tuple(prompts.in_source(fact, *both) for both in WRITTEN))


def _apart(one: tuple[int, ...], other: tuple[int, ...]) -> tuple[int, int]:
    """Return from which token to before which two texts of equal length differ."""
    places = [place for place, (a, b) in enumerate(zip(one, other, strict=True)) if a != b]
    return (places[0], places[-1] + 1) if places else (len(one), len(one))
