"""A prompt is changed: it goes live, links to it are suspect, and a named person clears the one it cannot touch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from evidence.models import System
from examples.common.copilot import Copilot
from examples.common.prompts import load_prompt
from examples.demo import governance
from examples.demo.api import Api

PROMPT: Final = "1.3.0"  # of the Credit Assistant: another system turn for `answer`
RELEASE: Final = "credit-assistant-1.2"
CLEARED: Final = "treats-names-alike>prompt:credit-assistant-prompt"

Standing = dict[str, Any]  # a link as `GET /links/standing` shows it


@dataclass(frozen=True, slots=True)
class Changed:
    """What the change did to the links of the system."""

    suspect: Sequence[Standing]  # once it was live
    cleared: Standing  # the link that somebody looked at since
    left: Sequence[Standing]  # that are suspect then

    @property
    def cleared_only_one(self) -> bool:
        """Whether links were suspect, and are so still but for the one that was looked at."""
        names = {link["name"] for link in self.left}
        return (
            bool(self.left)
            and self.cleared["suspicion"] == "clean"
            and names == {link["name"] for link in self.suspect} - {CLEARED}
        )


def next_release(copilot: Copilot) -> Copilot:
    """Return the copilot as its next release has it: with another prompt, and nothing else."""
    return replace(copilot, release=RELEASE, prompt=load_prompt(copilot.folder / "prompts", PROMPT))


def suspect_links(reader: Api, system: System) -> list[Standing]:
    """Return the links that somebody has to look at, with what moved."""
    return list(reader.get("links/standing", system=system.key)["links"])


def go_live_and_clear_one(reader: Api, system: System, release: str) -> Changed:
    """Put the release live, and have the approver clear the one link that the change cannot touch.

    Once the approver has looked at it at these versions, it is clean from then on: a second time nothing is cleared.
    """
    governance.put_live(system, release)
    suspect = suspect_links(reader, system)
    for link in suspect:
        if link["name"] == CLEARED:
            governance.clear_link(system, link, reason=_reason(link))
    links = reader.get("links/standing", system=system.key, suspicion="any")["links"]
    [cleared] = [link for link in links if link["name"] == CLEARED]
    return Changed(suspect, cleared, [link for link in links if link["suspicion"] != "clean"])


def _reason(link: Standing) -> str:
    """Say which versions were looked at, and what of them bears on the requirement."""
    requirement, prompt = link["upstream"], link["downstream"]
    return (
        f"Read {requirement['key']} v{requirement['version']} beside {prompt['key']} v{prompt['version']}, and that "
        f"beside the one reviewed before ({link['reviewed_at'][1]}): only the system turn of `answer` differs, and "
        "names are swapped in `decision`."
    )
