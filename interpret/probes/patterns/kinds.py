"""The patterns that are looked for, and the words in which each is claimed: no stronger than what is tested."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from interpret.probes.patterns.brackets import matched_brackets
from interpret.probes.patterns.random_tokens import duplicate_tokens, previous_tokens
from interpret.probes.patterns.subjects import sentence_subjects
from interpret.probes.patterns.texts import Material
from interpret.probes.weights import LoadedModel


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a pattern should matter to.

    Attributes:
        harder: what is harder to predict without the heads.
        elsewhere: what the same ablation costs beside it.
    """

    harder: str
    elsewhere: str


@dataclass(frozen=True, slots=True)
class Pattern:
    """One pattern.

    Attributes:
        make: (model, texts, length, seed) -> texts; the length is that of random tokens.
        attends: the rest of "Head 1.0 attends ...".
        near: the key that the near miss looks at.
        texts: what the texts are.
        claimed_lag: tokens back, where the pattern is itself a place that position tells; else 0.
        outcome: None where nothing in the texts can be foretold by it.
    """

    make: Callable[[LoadedModel, int, int, int], Material]
    attends: str
    near: str
    texts: str
    languages: tuple[str, ...] = ()
    claimed_lag: int = 0
    outcome: Outcome | None = None


PATTERNS: Final = {
    "previous_token": Pattern(
        make=lambda loaded, texts, length, seed: previous_tokens(
            texts, length, loaded.shape.vocabulary, seed=seed
        ),
        attends="to the token just before",
        near="the token two before",
        texts="random tokens that repeat, each text with a period of its own",
        claimed_lag=1,
        outcome=Outcome(
            "random tokens that repeat", "tokens of each first period, where nothing repeats yet"
        ),
    ),
    "duplicate_token": Pattern(
        make=lambda loaded, texts, length, seed: duplicate_tokens(
            texts, length, loaded.shape.vocabulary, seed=seed
        ),
        attends="to where the same token stood before",
        near="the token beside it there",
        texts="random tokens, some of which come again",
    ),
    "bracket_match": Pattern(
        make=lambda loaded, texts, _, seed: matched_brackets(texts, loaded.tokenizer, seed=seed),
        attends="from a closing bracket or quotation mark to the one it closes",
        near="another opening one of the same kind",
        texts="nouns in nested brackets and quotation marks",
        languages=("en",),
        outcome=Outcome("closing brackets and quotation marks", "all other tokens of the same texts"),
    ),
    "sentence_subject": Pattern(
        make=lambda loaded, texts, _, seed: sentence_subjects(texts, loaded.tokenizer, seed=seed),
        attends="from the verb to the noun that is its subject",
        near="another noun of the same number before the verb",
        texts="English sentences with two nouns before was or were",
        languages=("en",),
        outcome=Outcome(
            "was and were after a subject and a noun of the other number",
            "all other tokens of the same sentences",
        ),
    ),
}
