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
from interpret.probes.directions.prompt_sets import PairSet, check_set

FOLDER: Final = Path(__file__).parent / "sets"


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptSet(PairSet):
    """One question of a copilot, and one attribute in two sides.

    Attributes:
        answers: what follows the ending, of which the log-odds are taken: of the first over the second.
        says: what sets the sides apart, in words.
    """

    attribute: str
    answers: tuple[str, str]
    says: str

    @property
    def openings(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return both answers."""
        return (self.answers[0],), (self.answers[1],)


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
    check_set(made)
    return made
