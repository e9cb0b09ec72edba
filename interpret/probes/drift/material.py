"""The texts that two models are compared on: data, versioned with the code that reads them; each is a cluster."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from interpret.errors import BadSpecification, ModelsUnlike, StructureUntold
from interpret.probes.one_pass import Ids
from interpret.probes.weights import LoadedModel

FOLDER: Final = Path(__file__).parent / "texts"
LEAST_TOKENS: Final = 8  # of a text


@dataclass(frozen=True, slots=True)
class Texts:
    """Documents of one language.

    Attributes:
        says: what they are, in words: "short English texts of many kinds".
        language: BCP 47.
    """

    version: str
    language: str
    says: str
    documents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Material:
    """The texts as tokens.

    Attributes:
        ids: (text, token), padded on the right by zeros.
        lengths: tokens of each text that are no padding.
        names: of the texts.
    """

    ids: Ids
    lengths: tuple[int, ...]
    names: tuple[str, ...]

    @property
    def halves(self) -> tuple[slice, slice]:
        """Return which texts each of the two seeds reports on."""
        half = len(self.names) // 2
        return slice(0, half), slice(half, None)

    def digests(self) -> list[str]:
        """SHA-256 of each text's tokens."""
        return [
            hashlib.sha256(repr(row[:length].tolist()).encode()).hexdigest()
            for row, length in zip(self.ids, self.lengths, strict=True)
        ]

    def shuffled(self, seed: int) -> Ids:
        """Return the same tokens of each text in another order."""
        rng, ids = np.random.default_rng(seed), self.ids.copy()
        for row, length in zip(ids, self.lengths, strict=True):
            row[:length] = rng.permutation(row[:length])
        return ids

    def wordless(self) -> Ids:
        """Return each text's first token in the place of all its tokens: its length and places, and no words."""
        return np.repeat(self.ids[:, :1], self.ids.shape[1], axis=1)


def read_texts(language: str, folder: Path = FOLDER) -> Texts:
    """Read the documents of a language.

    Raises:
        BadSpecification: there are none, or one stands there twice.
    """
    file = folder / f"{language}.toml"
    if not file.exists():
        raise BadSpecification(f"no texts in {language}: {file.name} is not there")
    told = tomllib.loads(file.read_text("utf-8"))
    documents = tuple(told["documents"])
    if len(set(documents)) != len(documents):
        raise BadSpecification(f"{file.name}: a text stands there twice")
    return Texts(told["version"], told["language"], told["texts"], documents)


def check_alike(newer: LoadedModel, earlier: LoadedModel, *, shapes: bool) -> None:
    """Refuse two models of which a difference would tell nothing.

    Args:
        shapes: whether their inner states are compared too.

    Raises:
        ModelsUnlike: they know unlike numbers of tokens or, where `shapes`, have unlike layers or widths.
    """
    names = ("vocabulary", "layers", "width") if shapes else ("vocabulary",)
    for name in names:
        one, other = getattr(newer.shape, name), getattr(earlier.shape, name)
        if one != other:
            hint = "" if name == "vocabulary" else ": ask for outputs alone, with compared=outputs"
            raise ModelsUnlike(f"{name}: the newer model has {one}, the earlier one {other}{hint}")


def cut(
    texts: Texts, newer: LoadedModel, earlier: LoadedModel, *, many: int, length: int, seed: int
) -> Material:
    """Return so many of the texts, in an order drawn by `seed`, each cut to its first `length` tokens.

    Raises:
        StructureUntold: a model has no tokenizer, or does not know every word; a text is too short, or two are one.
        ModelsUnlike: the two cut a text differently.
    """
    order = np.random.default_rng(seed).permutation(len(texts.documents))[:many]
    rows = []
    for place in order:
        text = texts.documents[place]
        row, other = (_encode(loaded, text)[:length] for loaded in (newer, earlier))
        if row != other:
            raise ModelsUnlike(f"the tokenizers of the two models cut {text[:40]!r} into different tokens")
        if len(row) < LEAST_TOKENS:
            raise StructureUntold(
                f"the tokenizer makes {len(row)} tokens of {text!r}: {LEAST_TOKENS} are needed"
            )
        rows.append(row)
    if len(set(map(tuple, rows))) != len(rows):
        raise StructureUntold("two of the texts are one to this tokenizer")
    ids = np.zeros((len(rows), max(map(len, rows))), dtype=np.int64)
    for line, row in zip(ids, rows, strict=True):
        line[: len(row)] = row
    return Material(ids, tuple(map(len, rows)), tuple(f"text {place + 1}" for place in order))


def _encode(loaded: LoadedModel, text: str) -> list[int]:
    tokenizer: Any = loaded.tokenizer
    if tokenizer is None:
        raise StructureUntold("a model has no tokenizer: it reads no texts")
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    if getattr(tokenizer, "unk_token_id", None) in ids:
        raise StructureUntold(f"the tokenizer does not know every word of {text!r}")
    return ids
