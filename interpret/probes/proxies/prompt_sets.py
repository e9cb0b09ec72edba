"""The prompt sets: texts of a copilot with a place in each, and the words of an attribute that stand there.

They are data, versioned with the code that reads them: a change of a text raises its file's `version` and the probe's
`code_version`.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from interpret.errors import BadSpecification

FOLDER: Final = Path(__file__).parent / "sets"
PLACE: Final = "{}"  # in a template: where the attribute's words stand


@dataclass(frozen=True, slots=True)
class PromptSet:
    """One question of a copilot, and one attribute in two sides.

    Attributes:
        texts: what the templates are, in words: "English notes to a credit copilot".
        ending: the question, at the end of each text.
        answers: what follows the ending, of which the log-odds are taken: of the first over the second.
        label: stands before the words of each side.
        says: what sets the sides apart, in words.
        sides: their names.
        words: of the first side and of the second, each word once.
    """

    name: str
    version: str  # of both files
    copilot: str
    attribute: str
    language: str  # BCP 47
    texts: str
    ending: str
    answers: tuple[str, str]
    templates: tuple[str, ...]
    label: str
    says: str
    sides: tuple[str, str]
    words: tuple[tuple[str, ...], tuple[str, ...]]

    def write(self, template: int, word: str) -> str:
        """Return a template with a word in its place, and the question."""
        return self.templates[template].replace(PLACE, self.label + word) + self.ending


def read_prompt_set(name: str, folder: Path = FOLDER) -> PromptSet:
    """Read the set of this name: copilot, attribute and language, as in "credit-gender-en".

    Raises:
        BadSpecification: there is none, a template has no place or two, or stands there twice, a side has no words or
            shares one with the other.
    """
    copilot, attribute, language = name.split("-")
    texts, values = folder / f"{copilot}-{language}.toml", folder / f"values-{language}.toml"
    if not (texts.exists() and values.exists()):
        raise BadSpecification(f"no prompt set {name}: {texts.name} or {values.name} is not there")
    told, known = tomllib.loads(texts.read_text("utf-8")), tomllib.loads(values.read_text("utf-8"))
    if attribute not in known:
        raise BadSpecification(f"no prompt set {name}: {values.name} has no {attribute!r}")
    of_attribute = known[attribute]
    sides = tuple(tuple(of_attribute[side].split()) for side in ("first", "second"))
    made = PromptSet(
        name=name,
        version=f"{told['version']}.{known['version']}",
        copilot=copilot,
        attribute=attribute,
        language=told["language"],
        texts=told["texts"],
        ending=told["ending"],
        answers=(told["answers"][0], told["answers"][1]),
        templates=tuple(told["templates"]),
        label=of_attribute["label"],
        says=of_attribute["says"],
        sides=(of_attribute["sides"][0], of_attribute["sides"][1]),
        words=(sides[0], sides[1]),
    )
    _check(made)
    return made


def _check(made: PromptSet) -> None:
    for template in made.templates:
        if template.count(PLACE) != 1:
            raise BadSpecification(f"{made.name}: a template has one {PLACE}, not as in {template!r}")
    if len(set(made.templates)) != len(made.templates):
        raise BadSpecification(f"{made.name}: a template stands there twice")
    for side, words in zip(made.sides, made.words, strict=True):
        if not words:
            raise BadSpecification(
                f"{made.name}: there are no {side}: with one side there is nothing to tell apart"
            )
    both = [*made.words[0], *made.words[1]]
    if twice := sorted({word for word in both if both.count(word) > 1}):
        raise BadSpecification(
            f"{made.name}: {', '.join(twice)} stands there twice, so that sides or splits share it"
        )
