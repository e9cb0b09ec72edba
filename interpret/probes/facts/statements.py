"""Facts, each said in several ways, and which of them a model knows: the right end beats all others of its kind.

What a fact is known by and what it is traced in are different ways of saying it. Each fact that is traced stands beside
another of its kind whose subject is equally long in the model's tokens; each fact stands in one such couple.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from interpret.errors import BadSpecification, StructureUntold

FOLDER: Final = Path(__file__).parent / "sets"
PLACE: Final = "{s}"
WAYS: Final = 4  # of saying a relation: the first half to know it by, the second to trace it in
LEAST_ENDS: Final = 10  # different ends a relation: with two, half of all facts would be known by chance
MAX_TOKENS: Final = 64  # a text


@dataclass(frozen=True, slots=True)
class Relation:
    """One kind of facts: its ways of saying them, and subject -> object."""

    name: str
    ways: tuple[str, ...]
    facts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class FactSet:
    """The facts of one language; `texts` says in words what they are, `label` stands before subjects and objects."""

    version: str
    language: str  # BCP 47
    texts: str
    label: str
    relations: tuple[Relation, ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """One fact said in one way, up to its end.

    Attributes:
        tokens: of the text before the object.
        subject: the place of the subject's last token.
    """

    tokens: tuple[int, ...]
    subject: int


@dataclass(frozen=True, slots=True)
class Fact:
    """A subject with its statements, in the order of the relation's ways, and the first token of its object."""

    relation: str
    subject: str
    statements: tuple[Statement, ...]
    end: int

    @property
    def like(self) -> tuple[object, ...]:
        """Return what two facts must have alike, so that their statements differ in the subject alone."""
        return self.relation, tuple((len(each.tokens), each.subject) for each in self.statements)


@dataclass(frozen=True, slots=True)
class Couple:
    """A known fact, another of its kind in whose statements it is traced, and a third that is neither.

    The subjects are equally long, and no fact stands in two couples but as a third.
    """

    known: Fact
    other: Fact
    third: Fact

    @property
    def cluster(self) -> str:
        """Return the fact's name."""
        return f"{self.known.relation}: {self.known.subject}"

    def digest(self, way: int) -> str:
        """SHA-256 of both statements' tokens."""
        both = self.known.statements[way].tokens, self.other.statements[way].tokens
        return hashlib.sha256(repr(both).encode()).hexdigest()


def read_facts(language: str, folder: Path = FOLDER) -> FactSet:
    """Read the facts of "en" or "zh".

    Raises:
        BadSpecification: there are none, or a relation has too few ways or different ends, a way no place for the
            subject or two, or a subject stands there twice.
    """
    file = folder / f"{language}.toml"
    if not file.exists():
        raise BadSpecification(f"no facts in {language!r}: {file.name} is not there")
    told: Mapping[str, Any] = tomllib.loads(file.read_text("utf-8"))
    relations = tuple(_relation(file.name, each) for each in told["relations"])
    return FactSet(told["version"], told["language"], told["texts"], told["label"], relations)


def _relation(file: str, told: Mapping[str, Any]) -> Relation:
    pairs = [
        (subject.strip(), end.strip())
        for subject, _, end in (each.partition(":") for each in told["facts"].split(";"))
    ]
    made = Relation(told["name"], tuple(told["ways"]), dict(pairs))
    if len(made.facts) != len(pairs) or not all(subject and end for subject, end in pairs):
        raise BadSpecification(f"{file}, {made.name}: a subject stands there twice, or a fact lacks its end")
    if len(set(made.facts.values())) < LEAST_ENDS:
        raise BadSpecification(f"{file}, {made.name}: fewer than {LEAST_ENDS} different ends")
    if len(made.ways) != WAYS or any(way.count(PLACE) != 1 for way in made.ways):
        raise BadSpecification(f"{file}, {made.name}: {WAYS} ways, each with one {PLACE}")
    return made


def tokenize(facts: FactSet, tokenizer: Any) -> list[Fact]:
    """Return each fact as the model's tokenizer cuts it; those in which the subject runs into other words are left out.

    Raises:
        StructureUntold: there is no tokenizer, or it does not know a word.
    """
    if tokenizer is None:
        raise StructureUntold("the model has no tokenizer: it cannot be told what is written")
    found = list[Fact]()
    for relation in facts.relations:
        for subject, end in relation.facts.items():
            said = [_statement(tokenizer, way, facts.label + subject) for way in relation.ways]
            statements = tuple(each for each in said if each)
            first = _encode(
                tokenizer, relation.ways[0].replace(PLACE, facts.label + subject) + facts.label + end
            )
            if len(statements) == WAYS and first[: len(statements[0].tokens)] == list(statements[0].tokens):
                found.append(Fact(relation.name, subject, statements, first[len(statements[0].tokens)]))
    return found


def ends_of(facts: Sequence[Fact]) -> dict[str, list[int]]:
    """Return the different ends of each relation."""
    ends = defaultdict[str, set[int]](set)
    for fact in facts:
        ends[fact.relation].add(fact.end)
    return {relation: sorted(some) for relation, some in ends.items()}


def couple_up(facts: Sequence[Fact], known: Sequence[bool], *, seed: int) -> list[Couple]:
    """Return couples of a known fact and another of its kind, in an order that is drawn; each fact in one.

    Facts that are not known go beside known ones first, so that as many as can be are traced.
    """
    rng = np.random.default_rng(seed)
    alike = defaultdict[object, list[int]](list)
    for place in rng.permutation(len(facts)).tolist():
        alike[facts[place].like].append(place)
    couples = list[Couple]()
    for places in alike.values():
        left = sorted(places, key=lambda place: not known[place])  # the known first, else as drawn
        thirds = list(places)
        while left and known[left[0]]:
            one = facts[left.pop(0)]
            other = next((place for place in reversed(left) if facts[place].end != one.end), None)
            if other is None:
                continue
            left.remove(other)
            third = next((facts[p] for p in thirds if facts[p].end not in {one.end, facts[other].end}), None)
            if third is not None:
                thirds.append(thirds.pop(0))
                couples.append(Couple(one, facts[other], third))
    return [couples[place] for place in rng.permutation(len(couples)).tolist()]


def _statement(tokenizer: Any, way: str, subject: str) -> Statement | None:
    before, _, after = way.partition(PLACE)
    text, up_to = _encode(tokenizer, before + subject + after), _encode(tokenizer, before + subject)
    if text[: len(up_to)] != up_to or not 1 < len(up_to) < len(text) - 1:
        return None
    if len(text) > MAX_TOKENS:
        raise StructureUntold(
            f"the tokenizer makes {len(text)} tokens of a statement: at most {MAX_TOKENS} are read"
        )
    return Statement(tuple(text), len(up_to) - 1)


def _encode(tokenizer: Any, text: str) -> list[int]:
    ids: list[int] = tokenizer(text)["input_ids"]
    if getattr(tokenizer, "unk_token_id", None) in ids:
        raise StructureUntold(f"the tokenizer does not know every word of {text!r}")
    return ids
