"""The tutorial as something that can be carried out: its commands, what they show, and its clicks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

GUIDES: Final = Path(__file__).parents[2] / "docs" / "guides"
PORT: Final = "8001"  # in the text; a test takes a free one

_STEP = re.compile(
    r"""^```(?P<language>\w+)\n(?P<block>(?:.|\n)*?)^```$  # a fenced block
    | ^\d+\.[ ](?P<item>.*(?:\n[ ]{3}.*)*)                # an item of a numbered list, with its further lines""",
    re.MULTILINE | re.VERBOSE,
)
_ACT = re.compile(
    r"""Sign[ ]in[ ]as[ ]`(?P<sign_in>\w+)` | \*\*(?P<use>.+?)\*\* | `(?P<type>.+?)` | \*(?P<see>.+?)\*""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Commands:
    """Shell commands of one block, and the lines that the page shows below them."""

    script: str
    shown: str = ""


@dataclass(frozen=True, slots=True)
class Click:
    """One thing done or looked for in the browser."""

    kind: str  # sign_in, use (a link, button, choice or field), type (into the field used next), see
    what: str


def read_tutorial(name: str, port: int) -> list[Commands | Click]:
    """Return what a guide asks its reader to do, in order.

    Blocks of `sh` are run, and a `text` block after one is what it shows. In numbered lists, bold is what is clicked,
    chosen or filled in, code is what is typed into the next bold field, italics are what the page says then.
    """
    text = (GUIDES / name).read_text(encoding="utf-8").replace(PORT, str(port))
    steps: list[Commands | Click] = []
    for found in _STEP.finditer(text):
        if found["item"] is not None:
            steps.extend(_clicks(" ".join(found["item"].split())))
        elif found["language"] == "sh":
            steps.append(Commands(found["block"]))
        elif found["language"] == "text":
            last = steps.pop()
            assert isinstance(last, Commands), "a text block shows what the sh block before it prints"
            steps.append(Commands(last.script, found["block"]))
    return steps


def _clicks(item: str) -> list[Click]:
    return [Click(str(act.lastgroup), act[str(act.lastgroup)]) for act in _ACT.finditer(item)]


def missing_line(shown: str, printed: str) -> str | None:
    """Return the first line of what a page shows that was not printed after those before it; `…` is anything."""
    rest = iter(" ".join(line.split()) for line in printed.splitlines())
    for line in filter(None, (" ".join(line.split()) for line in shown.splitlines())):
        pattern = ".*".join(re.escape(part.strip()) for part in line.split("…"))
        if not any(re.search(pattern, candidate) for candidate in rest):
            return line
    return None
