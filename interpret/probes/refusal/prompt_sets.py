"""The prompt sets: requests that a customer service copilot ought to refuse, near misses, and what is said after them.

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
class RefusalSet(PairSet):
    """Requests two and two, the openings of answers that are counted, and contexts.

    Attributes:
        refusals: with which a refusal begins; their log-odds over `compliances` are the answer.
        persuasive: what is said after a request to press for it.
        placebo: what is said likewise, and presses for nothing.
        says: what sets the sides apart, in words.
    """

    refusals: tuple[str, ...]
    compliances: tuple[str, ...]
    persuasive: tuple[str, ...]
    placebo: tuple[str, ...]
    says: str

    @property
    def openings(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return both kinds."""
        return self.refusals, self.compliances

    @property
    def matched(self) -> bool:
        """Return that each request has a near miss of its own."""
        return True

    def context(self, said: str) -> str:
        """Return it as it stands after a template."""
        return f" {said}" if self.language == "en" else said


def read_refusal_set(name: str, folder: Path = FOLDER) -> RefusalSet:
    """Read the set of this name: copilot and language, as in "service-en".

    Raises:
        BadSpecification: there is none, a context stands there twice or presses and does not, or as `check_set`.
    """
    file = folder / f"{name}.toml"
    if not file.exists():
        raise BadSpecification(f"no prompt set {name}: {file.name} is not there")
    told = tomllib.loads(file.read_text("utf-8"))
    made = RefusalSet(
        name=name,
        version=str(told["version"]),
        copilot=told["copilot"],
        language=told["language"],
        texts=told["texts"],
        ending=told["ending"],
        templates=tuple(told["templates"]),
        label=told["label"],
        sides=(told["sides"][0], told["sides"][1]),
        words=(tuple(one for one, _ in told["pairs"]), tuple(other for _, other in told["pairs"])),
        refusals=tuple(told["refusals"]),
        compliances=tuple(told["compliances"]),
        persuasive=tuple(told["persuasive"]),
        placebo=tuple(told["placebo"]),
        says=told["says"],
    )
    check_set(made)
    said = [*made.persuasive, *made.placebo]
    if twice := sorted({each for each in said if said.count(each) > 1}):
        raise BadSpecification(f"{name}: {twice[0]!r} stands there twice among what is said after a request")
    return made
