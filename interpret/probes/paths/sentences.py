"""Sentences in which two people are named, one of them again, and the other comes next: pairs that differ in that word.

Each template and each name stands in one pair, and both are split: parts of the model are found on one half and
reported on the other. A pair is a cluster by itself.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from interpret.errors import BadSpecification, ClaimRefused, PairsUnequal, StructureUntold

FOLDER: Final = Path(__file__).parent / "sets"
PLACES: Final = ("{x}", "{y}", "{s}", "{t}")  # two people, the one who is named again, a thing
LEAST_PAIRS: Final = 20  # in each half: as many clusters as a verdict asks for
MAX_TOKENS: Final = 64  # a text
TRIES: Final = 8  # pairs of names and things that are tried in a template


@dataclass(frozen=True, slots=True)
class SentenceSet:
    """The sentences of one language; `texts` says in words what they are."""

    version: str
    language: str  # BCP 47
    texts: str
    label: str  # stands before each name
    templates: tuple[str, ...]
    things: tuple[str, ...]
    names: tuple[str, ...]

    def write(self, template: int, people: tuple[str, str], again: str, thing: str) -> str:
        """Return a sentence; who is named again is one of the people."""
        words = (*people, again, thing)
        text = self.templates[template]
        for place, word in zip(PLACES, words, strict=True):
            text = text.replace(place, self.label + word)
        return text


@dataclass(frozen=True, slots=True)
class Pair:
    """One template with two people: in its first text one of them comes next, in its second the other.

    Attributes:
        people: who comes next in the first text, and in the second.
        texts: tokens of the first text and the second, and of both with another thing; all of one length.
        answers: the first tokens in which the people's names differ, in the order of `people`.
    """

    template: int
    people: tuple[str, str]
    texts: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], tuple[int, ...]]
    answers: tuple[int, int]

    @property
    def cluster(self) -> str:
        """Return the template's name."""
        return f"template {self.template + 1}"

    def digest(self) -> str:
        """SHA-256 of both texts' tokens."""
        return hashlib.sha256(repr(self.texts[:2]).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Material:
    """Pairs to find on and pairs to report on; `left_out` counts names without a partner of their length."""

    find: tuple[Pair, ...]
    report: tuple[Pair, ...]
    left_out: int

    def __post_init__(self) -> None:
        check_apart(self.find, self.report)


def check_apart(find: Iterable[Pair], report: Iterable[Pair]) -> None:
    """Refuse splits that share a template or a name.

    Raises:
        ClaimRefused: naming the first.
    """
    both = [
        ({pair.cluster for pair in pairs}, {name for pair in pairs for name in pair.people})
        for pairs in (tuple(find), tuple(report))
    ]
    for what, one, other in zip(("template", "name"), *both, strict=True):
        if shared := sorted(one & other):
            raise ClaimRefused(
                f"{shared[0]} is in both splits: what was found on a {what} is reported on another"
            )


def read_sentences(language: str, folder: Path = FOLDER) -> SentenceSet:
    """Read the sentences of "en" or "zh".

    Raises:
        BadSpecification: there are none, a template lacks a place or has it twice, or something stands there twice.
    """
    file = folder / f"{language}.toml"
    if not file.exists():
        raise BadSpecification(f"no sentences in {language!r}: {file.name} is not there")
    told: Mapping[str, Any] = tomllib.loads(file.read_text("utf-8"))
    made = SentenceSet(
        version=told["version"],
        language=told["language"],
        texts=told["texts"],
        label=told["label"],
        templates=tuple(told["templates"]),
        things=tuple(told["things"]),
        names=tuple(told["names"].split()),
    )
    for template in made.templates:
        if lacks := [place for place in PLACES if template.count(place) != 1]:
            raise BadSpecification(f"{file.name}: a template has one {lacks[0]}, not as in {template!r}")
    for what, words in (("template", made.templates), ("thing", made.things), ("name", made.names)):
        if twice := [word for word in words if words.count(word) > 1]:
            raise BadSpecification(f"{file.name}: the {what} {twice[0]!r} stands there twice")
    return made


def pair_up(sentences: SentenceSet, tokenizer: Any, pairs: int, *, seed: int, again: int) -> Material:
    """Return the pairs that the model's tokenizer allows; the second seed (`again` 1) pairs each half's names anew.

    Args:
        pairs: of both halves together.

    Raises:
        StructureUntold: there is no tokenizer, or it does not know a word.
        PairsUnequal: fewer than `LEAST_PAIRS` in a half are of equal length.
    """
    if tokenizer is None:
        raise StructureUntold("the model has no tokenizer: it cannot be told what is written")
    rng = np.random.default_rng(seed)
    templates = [int(place) for place in rng.permutation(len(sentences.templates))]
    names = [str(name) for name in rng.permutation(sentences.names)]
    halves = [(templates[which::2], names[which::2]) for which in (0, 1)]
    made = list[tuple[Pair, ...]]()
    for which, (own_templates, own_names) in enumerate(halves):
        writer = _Writer(sentences, tokenizer, np.random.default_rng([seed, which, again]))
        some = writer.pairs(own_templates, own_names)[: pairs // 2]
        if len(some) < LEAST_PAIRS:
            raise PairsUnequal(
                f"{sentences.language}: of {len(own_templates)} templates and {len(own_names)} names, {len(some)} pairs"
                f" in a half are of equal length in this model's tokens: {LEAST_PAIRS} are needed"
            )
        made.append(tuple(some))
    left_out = len(sentences.names) - 2 * sum(map(len, made))
    return Material(made[0], made[1], left_out)


class _Writer:
    """Writes pairs as tokens, up to where the answers part."""

    def __init__(self, sentences: SentenceSet, tokenizer: Any, rng: np.random.Generator) -> None:
        self._sentences, self._tokenizer, self._rng = sentences, tokenizer, rng

    def pairs(self, templates: Sequence[int], names: Sequence[str]) -> list[Pair]:
        """Return a pair a template, each name in one; a template in which none of some tries fits has none."""
        left, made = self._couples(names), list[Pair]()
        for template in templates:
            for place, people in enumerate(left[:TRIES]):
                if pair := self._pair(template, people):
                    made.append(pair)
                    del left[place]
                    break
        return made

    def _couples(self, names: Sequence[str]) -> list[tuple[str, str]]:
        """Put names of equal length together, in an order that is drawn."""
        by_length = defaultdict[int, list[str]](list)
        for name in self._rng.permutation(names):
            by_length[len(self._encode(self._sentences.label + str(name)))].append(str(name))
        couples = [
            couple
            for length in sorted(by_length)
            for couple in zip(by_length[length][::2], by_length[length][1::2], strict=False)
        ]
        return [couples[place] for place in self._rng.permutation(len(couples))]

    def _pair(self, template: int, people: tuple[str, str]) -> Pair | None:
        """Return the template with these people, in an order and with things that are drawn; None: nothing fits."""
        order = people if self._rng.random() < 0.5 else people[::-1]
        for _ in range(TRIES):
            things = [str(each) for each in self._rng.choice(self._sentences.things, 2, replace=False)]
            written = [
                self._write(template, order, again, people, thing)
                for thing in things
                for again in people[::-1]
            ]
            texts, answers = [text for text, _ in written], {parting for _, parting in written}
            if len(set(map(len, texts))) == len(answers) == 1 and len(set(texts)) == len(texts):
                return Pair(template, people, (texts[0], texts[1], texts[2], texts[3]), answers.pop())
        return None

    def _write(
        self, template: int, order: tuple[str, str], again: str, people: tuple[str, str], thing: str
    ) -> tuple[tuple[int, ...], tuple[int, int]]:
        """Return a text's tokens, with what both names begin with, and the tokens in which these part."""
        text = self._sentences.write(template, order, again, thing)
        first, second = (self._encode(text + self._sentences.label + name) for name in people)
        same = next((i for i, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), None)
        if same is None:
            raise StructureUntold(f"to this tokenizer {' and '.join(people)} are one name")
        if not 1 < same <= MAX_TOKENS:
            raise StructureUntold(
                f"the tokenizer makes {same} tokens of a sentence: 2 to {MAX_TOKENS} are read"
            )
        return tuple(first[:same]), (first[same], second[same])

    def _encode(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer(text)["input_ids"]
        if getattr(self._tokenizer, "unk_token_id", None) in ids:
            raise StructureUntold(f"the tokenizer does not know every word of {text!r}")
        return ids
