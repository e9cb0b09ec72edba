"""Texts into the activations a dictionary is trained on and measured by: our passes, massive tokens told by norm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from interpret.dictionaries.about import Site
from interpret.dictionaries.coding import Floats
from interpret.errors import BadSpecification, DictionaryMisfit
from interpret.probes.activations import Activations
from interpret.probes.forward import ForwardPasses
from interpret.probes.one_pass import Ids
from interpret.probes.residual import massive_tokens
from interpret.probes.sites import check_layers
from interpret.probes.weights import LoadedModel

LENGTH: Final = 64  # tokens a sequence


@dataclass(frozen=True, slots=True)
class Sequences:
    """Token sequences of one length, and the text each was cut from: texts are what is independent.

    Attributes:
        ids: (sequence, token).
        texts: (sequence,), the place of its text among those that were given.
    """

    ids: Ids
    texts: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Tokens:
    """Activations at a site, a row a token.

    Attributes:
        activations: (token, width).
        massive: (token,), whether it is massive among these.
        texts: (token,), of which text.
    """

    activations: Floats
    massive: NDArray[np.bool_]
    texts: NDArray[np.int64]

    @property
    def ordinary(self) -> Floats:
        """Return the activations without the massive tokens."""
        return self.activations[~self.massive]


def site_of(loaded: LoadedModel, layer: int) -> Site:
    """Return the residual stream after a layer.

    Raises:
        SiteUnknown: the model has no such layer.
    """
    check_layers(loaded, [layer])
    return Site(loaded.digest, layer, loaded.shape.width)


def cut(loaded: LoadedModel, texts: Sequence[str], length: int = LENGTH) -> Sequences:
    """Cut each text into sequences of `length` tokens; what is left at its end is dropped.

    Raises:
        BadSpecification: the model has no tokenizer, or no text is long enough.
    """
    if loaded.tokenizer is None:
        raise BadSpecification("the model has no tokenizer, so it reads no texts")
    rows, of = [], []
    for number, text in enumerate(texts):
        ids = loaded.tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
        for start in range(0, len(ids) - length + 1, length):
            rows.append(ids[start : start + length])
            of.append(number)
    if not rows:
        raise BadSpecification(f"none of {len(texts)} texts is {length} tokens long")
    return Sequences(np.asarray(rows, dtype=np.int64), np.asarray(of, dtype=np.int64))


def read(loaded: LoadedModel, sequences: Sequences, site: Site) -> Tokens:
    """Return the activations at `site`, in the order of the tokens.

    Raises:
        DictionaryMisfit: the site is of another model or width.
        SiteUnknown: the model has no such layer.
    """
    if (site.model, site.width) != (loaded.digest, loaded.shape.width):
        raise DictionaryMisfit(f"{site} is no site of model {loaded.digest} of width {loaded.shape.width}")
    passes = ForwardPasses(activations=Activations(limit=0))
    residual = passes.clean(loaded, sequences.ids, (), layers=[site.layer]).residual[site.layer]
    activations = np.ascontiguousarray(residual.reshape(-1, site.width))
    return Tokens(
        activations, massive_tokens(activations), np.repeat(sequences.texts, sequences.ids.shape[1])
    )
