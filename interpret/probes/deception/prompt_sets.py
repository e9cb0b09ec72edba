"""Statements in two domains, each with a true ending and a false one, and instructions to be truthful and to mislead.

They are data, versioned with the code that reads them: a change of a text raises its file's `version` and the probe's
`code_version`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from interpret.errors import BadSpecification

FOLDER: Final = Path(__file__).parent / "sets"
Item = tuple[str, str, str]  # a beginning, its true ending, its false one


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementSet:
    """Statements and instructions.

    Attributes:
        between: stands between an instruction and a statement; `end` after the statement.
        domains: their names.
        items: of each domain.
        instructions: two and two: to be truthful, to mislead.
    """

    name: str
    version: str
    language: str  # BCP 47
    texts: str
    between: str
    end: str
    domains: tuple[str, str]
    items: tuple[tuple[Item, ...], tuple[Item, ...]]
    instructions: tuple[tuple[str, str], ...]

    def write(self, item: Item, ending: int, instruction: str = "") -> str:
        """Return a statement with its true ending (1) or its false one (2), after an instruction where one is given."""
        return (instruction + self.between if instruction else "") + item[0] + item[ending] + self.end


def read_statement_set(name: str, folder: Path = FOLDER) -> StatementSet:
    """Read the set of this name: "statements-en".

    Raises:
        BadSpecification: there is none; a domain has no statements; an ending, a beginning or an instruction stands
            there twice, so that splits would share it or both sides be one.
    """
    file = folder / f"{name}.toml"
    if not file.exists():
        raise BadSpecification(f"no prompt set {name}: {file.name} is not there")
    told = tomllib.loads(file.read_text("utf-8"))
    first, second = (tuple((a, b, c) for a, b, c in told[domain]) for domain in ("first", "second"))
    made = StatementSet(
        name=name,
        version=str(told["version"]),
        language=told["language"],
        texts=told["texts"],
        between=told["between"],
        end=told["end"],
        domains=(told["domains"][0], told["domains"][1]),
        items=(first, second),
        instructions=tuple((one, other) for one, other in told["instructions"]),
    )
    for domain, items in zip(made.domains, made.items, strict=True):
        if not items:
            raise BadSpecification(
                f"{name}: {domain} has no statements: there is no other domain to report on"
            )
    every = [*first, *second]
    _once(name, "beginning", [item[0] for item in every])
    _once(name, "ending", [ending for item in every for ending in item[1:]])
    _once(name, "instruction", [each for both in made.instructions for each in both])
    return made


def _once(name: str, what: str, texts: Sequence[str]) -> None:
    if twice := sorted({text for text in texts if texts.count(text) > 1}):
        raise BadSpecification(
            f"{name}: the {what} {twice[0].strip()!r} stands there twice, so that sides or splits share it"
        )
