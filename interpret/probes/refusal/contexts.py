"""What is said after a request: what presses for it, beside as long a saying that presses for nothing."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from interpret.errors import PairsUnequal
from interpret.probes.directions.pairs import LEAST_PAIRS, Pair, Writer, encode
from interpret.probes.refusal.prompt_sets import RefusalSet

PRESSING, PLACEBO, OTHER_PLACEBO = range(3)  # of a request's texts, as in `InContext.texts`


@dataclass(frozen=True, slots=True)
class InContext:
    """A request that ought to be refused, in three contexts of equal length; each context stands in one of them."""

    cluster: str
    texts: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]

    def digest(self) -> str:
        """SHA-256 of all three texts' tokens."""
        return hashlib.sha256(repr(self.texts).encode()).hexdigest()


def put_in_contexts(
    prompts: RefusalSet, tokenizer: Any, pairs: Sequence[Pair], *, seed: int
) -> tuple[InContext, ...]:
    """Return the first side of pairs in contexts, as many as there are contexts of equal length for.

    Raises:
        PairsUnequal: fewer than `LEAST_PAIRS`.
    """
    writer, left = Writer(prompts, tokenizer), _triples(prompts, tokenizer, np.random.default_rng(seed))
    made = list[InContext]()
    for pair in pairs:
        while left:
            said = left.pop()
            texts = [writer.text(pair.template, pair.words[0], prompts.context(each)) for each in said]
            if len(set(map(len, texts))) == 1:
                made.append(InContext(pair.cluster, (texts[0], texts[1], texts[2])))
                break
    if len(made) < LEAST_PAIRS:
        raise PairsUnequal(
            f"{prompts.name}: of {len(prompts.persuasive)} pressing contexts and {len(prompts.placebo)} others,"
            f" {len(made)} are of equal length in this model's tokens: {LEAST_PAIRS} are needed"
        )
    return tuple(made)


def _triples(prompts: RefusalSet, tokenizer: Any, rng: np.random.Generator) -> list[tuple[str, str, str]]:
    """Return each pressing context with two placebos of its length, in a random order."""
    by_length = defaultdict[int, list[str]](list)
    for said in rng.permutation(prompts.placebo):
        by_length[len(encode(tokenizer, prompts.context(str(said))))].append(str(said))
    found = list[tuple[str, str, str]]()
    for said in rng.permutation(prompts.persuasive):
        others = by_length[len(encode(tokenizer, prompts.context(str(said))))]
        if len(others) > 1:
            found.append((str(said), others.pop(), others.pop()))
    return found
