"""Sources of two domains, each with one fact that an answer quotes, and with another said in its place.

They are data, versioned with the code that reads them: a change of a text raises its file's `version` and the probe's
`code_version`. What is backed is what the product's citation verdict says of the quote; a test asks it of each text.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from interpret.errors import BadSpecification

FOLDER: Final = Path(__file__).parent / "sets"
PLACE: Final = "{}"  # in a fact: where one or the other stands


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact of a source, and two things that it may say: one is backed where the source says that, and not else.

    Attributes:
        beside: another sentence of the source. Where it has a place, the other of both things stands there: then
            neither is a word that the source lacks.
        template: the fact, with a place.
        said: what may stand there.
        leads: whether the fact stands before the sentence beside it.
    """

    beside: str
    template: str
    question: str
    said: tuple[str, str]
    leads: bool = False

    @property
    def mixed(self) -> bool:
        """Return whether the source says the other thing as well, of another matter."""
        return PLACE in self.beside

    def sentences(self, which: int) -> tuple[str, str]:
        """Return both sentences of the source that says one of both things, in their order."""
        both = self.beside.replace(PLACE, self.said[1 - which]), self.saying(which)
        return both[::-1] if self.leads else both

    def saying(self, which: int) -> str:
        """Return the fact as a source, or a quote, has it."""
        return self.template.replace(PLACE, self.said[which])


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimSet:
    """Facts of two domains, and the frame that makes a source, a question and an answer of each."""

    name: str
    version: str
    language: str  # BCP 47
    texts: str
    frame: str
    domains: tuple[str, str]
    facts: tuple[tuple[Fact, ...], tuple[Fact, ...]]

    @property
    def noticed(self) -> str:
        """Return what of a claim that is not backed can be noticed without knowing what a source is."""
        if any(fact.mixed for facts in self.facts for fact in facts):
            return "these words have not stood beside each other"
        return "these words have not stood there"

    def write(self, fact: Fact, source: int, answer: int) -> str:
        """Return the whole text where the source says one of both things, and the answer quotes one of them."""
        beside, own = fact.sentences(source)
        return self.frame.format(beside=beside, fact=own, question=fact.question, said=fact.saying(answer))

    def source(self, fact: Fact, source: int) -> str:
        """Return the source by itself, as a citation is checked against it."""
        beside, own = fact.sentences(source)
        return self.frame[: self.frame.index("\n")].format(beside=beside, fact=own)

    def in_source(self, fact: Fact, source: int, answer: int) -> bool:
        """Return whether what the answer quotes stands in the source, letter by letter."""
        return fact.saying(answer) in self.source(fact, source)


def read_claim_set(name: str, folder: Path = FOLDER) -> ClaimSet:
    """Read the set of this name: "claims-en".

    Raises:
        BadSpecification: there is none; a domain has no facts; a fact has labels of one class; a text stands there
            twice, so that splits would share it; what an answer says stands elsewhere in its text.
    """
    file = folder / f"{name}.toml"
    if not file.exists():
        raise BadSpecification(f"no prompt set {name}: {file.name} is not there")
    told = tomllib.loads(file.read_text("utf-8"))
    first, second = (tuple(_facts(told[each])) for each in ("first", "second"))
    made = ClaimSet(
        name=name,
        version=str(told["version"]),
        language=told["language"],
        texts=told["texts"],
        frame=told["frame"],
        domains=(told["domains"][0], told["domains"][1]),
        facts=(first, second),
    )
    for domain, facts in zip(made.domains, made.facts, strict=True):
        if not facts:
            raise BadSpecification(f"{name}: {domain} has no facts: there is no other domain to report on")
    every = [*first, *second]
    for fact in every:
        _check(made, fact)
    _once(name, "sentence beside a fact", [fact.beside for fact in every])
    _once(name, "fact", [fact.template for fact in every])
    _once(name, "question", [fact.question for fact in every])
    _once(name, "claim", [said for fact in every for said in fact.said])
    return made


def _facts(rows: Sequence[Sequence[str]]) -> Iterator[Fact]:
    """Yield the facts; of those whose other thing stands beside, every second one leads, so that no place tells."""
    for number, (beside, template, question, one, other) in enumerate(rows):
        yield Fact(beside, template, question, (one, other), leads=PLACE in beside and number % 2 == 0)


def _check(prompts: ClaimSet, fact: Fact) -> None:
    """Refuse a fact whose labels are of one class, or of which a text says both things."""
    if fact.template.count(PLACE) != 1:
        raise BadSpecification(
            f"{prompts.name}: {fact.template!r} has no place, or several, for what is said"
        )
    if fact.said[0] == fact.said[1]:
        raise BadSpecification(
            f"{prompts.name}: labels with one class: {fact.template!r} says {fact.said[0]!r} either way, so that each"
            " answer is backed"
        )
    for which, said in enumerate(fact.said):
        around = replace(fact, beside=fact.beside.replace(PLACE, "")) if fact.mixed else fact
        if said in prompts.write(around, 1 - which, 1 - which):
            raise BadSpecification(
                f"{prompts.name}: {said!r} stands elsewhere in the text of {fact.template!r}: an answer that says it"
                " would be backed either way"
            )


def _once(name: str, what: str, texts: Sequence[str]) -> None:
    if twice := sorted({text for text in texts if texts.count(text) > 1}):
        raise BadSpecification(f"{name}: the {what} {twice[0]!r} stands there twice, so that splits share it")
