"""Statements as tokens: under an instruction to mislead and under one to be truthful, and with its words deleted."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from interpret.errors import PairsUnequal, StructureUntold
from interpret.probes.deception.prompt_sets import Item, StatementSet
from interpret.probes.directions.pairs import LEAST_PAIRS, Pair, check_apart, encode

MISLED, TRUTHFUL, MISLED_DELETED, TRUTHFUL_DELETED = range(4)  # of a pair's texts
KEPT: Final = (MISLED, TRUTHFUL)
DELETED: Final = (MISLED_DELETED, TRUTHFUL_DELETED)


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement in four texts: false after an instruction to mislead, true after one to be truthful, and neither.

    Attributes:
        pair: its texts as above; its template is the statement's number over both domains.
        answer: how many tokens at the end of each text are the ending's.
    """

    pair: Pair
    answer: int

    def without_instruction(self) -> Pair:
        """Return the pair of the texts whose instruction is deleted."""
        texts = self.pair.texts
        return replace(self.pair, texts=(texts[2], texts[3], texts[0], texts[1]))


@dataclass(frozen=True, slots=True)
class Domains:
    """Statements of one domain to fit on and of another to report on, and how many could not be made."""

    fit: tuple[Statement, ...]
    report: tuple[Statement, ...]
    left_out: int

    def __post_init__(self) -> None:
        check_apart((each.pair for each in self.fit), (each.pair for each in self.report))


def write_statements(
    prompts: StatementSet, tokenizer: Any, statements: int, *, seed: int, again: int
) -> Domains:
    """Return the statements that the model's tokenizer allows; for the second seed (`again` 1) the domains exchanged.

    Raises:
        StructureUntold: there is no tokenizer, or it does not know a word.
        PairsUnequal: fewer than `LEAST_PAIRS` of a domain have two endings of equal length.
    """
    if tokenizer is None:
        raise StructureUntold("the model has no tokenizer: it cannot be told what is written")
    rng = np.random.default_rng(seed)
    halves = _halves(prompts, tokenizer, rng)
    numbers = [0, len(prompts.items[0])]
    made = []
    for domain, instructions in zip((0, 1), (halves if not again else halves[::-1]), strict=True):
        items, start = prompts.items[domain], numbers[domain]
        order = [int(place) for place in rng.permutation(len(items))]
        found = list[Statement]()
        for place in order:
            for instruction in instructions:  # the first that fits; each stands once
                one = _statement(prompts, tokenizer, items[place], start + place, instruction)
                if one is not None:
                    found.append(one)
                    instructions.remove(instruction)
                    break
        made.append(found[: statements // 2])
        if len(made[-1]) < LEAST_PAIRS:
            raise PairsUnequal(
                f"{prompts.name}: of {len(items)} statements of {prompts.domains[domain]}, {len(made[-1])} have"
                f" endings and instructions of equal length in this model's tokens: {LEAST_PAIRS} are needed"
            )
    left_out = sum(map(len, prompts.items)) - sum(map(len, made))
    return Domains(tuple(made[again]), tuple(made[1 - again]), left_out)


def _halves(
    prompts: StatementSet, tokenizer: Any, rng: np.random.Generator
) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Share out instructions of equal length two and two, those that belong together first; each stands once."""
    by_length: tuple[dict[int, list[str]], dict[int, list[str]]] = (defaultdict(list), defaultdict(list))
    made = list[tuple[str, str]]()
    for place in rng.permutation(len(prompts.instructions)):
        both = prompts.instructions[place]
        lengths = [len(encode(tokenizer, each + prompts.between)) for each in both]
        if lengths[0] == lengths[1]:
            made.append(both)
            continue
        for side in (0, 1):
            by_length[side][lengths[side]].append(both[side])
    for length in sorted(by_length[0]):
        made += zip(by_length[0][length], by_length[1][length], strict=False)
    return made[0::2], made[1::2]


def _statement(
    prompts: StatementSet, tokenizer: Any, item: Item, number: int, instruction: tuple[str, str]
) -> Statement | None:
    """Return the statement; None where its texts are of unlike length or the ending is cut in another way."""
    truthful, misleading = instruction
    written = (
        prompts.write(item, 2, misleading),
        prompts.write(item, 1, truthful),
        prompts.write(item, 2),
        prompts.write(item, 1),
    )
    texts = [tuple(encode(tokenizer, text)) for text in written]
    false, true = texts[MISLED_DELETED], texts[TRUTHFUL_DELETED]
    same = next((i for i, (a, b) in enumerate(zip(false, true, strict=False)) if a != b), len(false))
    answer = len(false) - same
    if len(false) != len(true) or len(texts[MISLED]) != len(texts[TRUTHFUL]) or not answer:
        return None
    if any(texts[kept][-answer:] != texts[bare][-answer:] for kept, bare in zip(KEPT, DELETED, strict=True)):
        return None
    words = item[2].strip(), item[1].strip()
    return Statement(Pair(number, words, (texts[0], texts[1], texts[2], texts[3])), answer)
