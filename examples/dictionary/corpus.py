"""The texts the dictionary is trained on and measured by: `python -m examples.dictionary.corpus` draws them anew.

None can be fetched, so they are what this repository holds: pages, sources, and the documents of the examples, in
English and some Chinese. They are kept in one file, so that the command that trains gives the same figures after the
pages have changed.
"""

from __future__ import annotations

import hashlib
import json
import lzma
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
FILE: Final = Path(__file__).parent / "corpus.jsonl.xz"
MOST: Final = {"page": 1800, "example": 1800, "source": 1200}  # characters taken of a text, by kind
COPILOTS: Final = ("aml_copilot", "credit_assistant", "customer_service")


@dataclass(frozen=True, slots=True)
class Text:
    """One text: what is independent, when figures get their intervals."""

    name: str
    kind: str  # one of `MOST`
    text: str

    @property
    def held_out(self) -> bool:
        """Return whether it is measured on and not trained on: one text in five, told by its digest."""
        return hashlib.sha256(self.text.encode()).digest()[0] < 256 // 5


def read(file: Path = FILE) -> list[Text]:
    """Return the texts that are kept."""
    with lzma.open(file, "rt", encoding="utf-8") as lines:
        return [Text(**json.loads(line)) for line in lines]


def draw(root: Path = ROOT) -> Iterator[Text]:
    """Yield the texts as they are now, none twice."""
    pages = sorted([*(root / "docs").rglob("*.md"), root / "README.md", root / "CHANGELOG.md"])
    folders = [root / "examples" / copilot for copilot in COPILOTS]
    examples = sorted(
        path for folder in folders for end in ("md", "yaml") for path in folder.rglob(f"*.{end}")
    )
    sources = sorted((root / "evidence").rglob("*.py"))[::8]
    seen = set()
    for kind, paths in (("page", pages), ("example", examples), ("source", sources)):
        for path in paths:
            text = path.read_text(encoding="utf-8")[: MOST[kind]]
            if text.strip() and text not in seen:
                seen.add(text)
                yield Text(path.relative_to(root).as_posix(), kind, text)


def write(file: Path = FILE) -> None:
    """Keep the texts as they are now."""
    with lzma.open(file, "wt", encoding="utf-8", preset=9) as lines:
        lines.writelines(json.dumps(asdict(each), ensure_ascii=False) + "\n" for each in draw())


if __name__ == "__main__":
    write()
