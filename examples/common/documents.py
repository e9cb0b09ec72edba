"""Source documents: Markdown files whose first lines give id, title, language, and until when they hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from examples.common.digests import digest_of, sha256_hex


class DocumentError(ValueError):
    """A document file that cannot be read as one; the message names the file."""


@dataclass(frozen=True, slots=True)
class Document:
    """One source as the index holds it: `text` is what quotes are checked against."""

    id: str
    title: str
    language: str  # BCP 47
    text: str  # paragraphs, parted by an empty line
    valid_until: str  # the last day it holds, YYYY-MM-DD

    @property
    def digest(self) -> str:
        """SHA-256 of the text in UTF-8."""
        return sha256_hex(self.text.encode())

    def passages(self) -> list[Passage]:
        """Return its paragraphs, in order."""
        return [Passage(self, text) for text in self.text.split("\n\n")]


@dataclass(frozen=True, slots=True)
class Passage:
    """One paragraph of a document: the unit of retrieval."""

    document: Document
    text: str


def load_documents(folder: Path) -> tuple[Document, ...]:
    """Read every `*.md` of `folder`, sorted by id.

    Raises:
        DocumentError: a file lacks its header or a field of it, or two files have the same id.
    """
    documents = sorted((_read(path) for path in folder.glob("*.md")), key=lambda document: document.id)
    ids = [document.id for document in documents]
    if len(set(ids)) != len(ids):
        raise DocumentError(f"{folder}: two documents have the same id")
    return tuple(documents)


def index_digest(documents: Sequence[Document]) -> str:
    """Return the digest of an index: over the sorted pairs of document id and document digest."""
    return digest_of(sorted([document.id, document.digest] for document in documents))


def _read(path: Path) -> Document:
    parts = path.read_text(encoding="utf-8").split("---\n", 2)
    if len(parts) != 3 or parts[0]:
        raise DocumentError(f"{path}: expected a header between two lines of ---")
    header = yaml.safe_load(parts[1])
    try:
        return Document(
            header["id"], header["title"], header["language"], parts[2].strip(), str(header["valid_until"])
        )
    except KeyError as exc:
        raise DocumentError(f"{path}: the header lacks {exc}") from exc
