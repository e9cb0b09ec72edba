"""What a dictionary that ships says of rows of a residual stream, for probes, which know nothing of sae-lens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from interpret.dictionaries import files, storing
from interpret.dictionaries.about import Site
from interpret.dictionaries.coding import Floats, by_chunks

DIGITS: Final = 12  # of a digest, in words


@dataclass(frozen=True, slots=True)
class Coded:
    """Rows as a dictionary codes them.

    Attributes:
        dictionary: its digest, the first digits.
        values: (row, feature).
    """

    dictionary: str
    values: Floats


def code_beside(model: str, layer: int, rows: Floats) -> Coded | None:
    """Return rows (row, width) as the dictionary of this model and layer codes them; None: none ships.

    Raises:
        DictionaryChanged, DictionaryUnreadable, DictionaryMisfit: what ships is not what it says.
    """
    site = Site(model, layer, rows.shape[1])
    for digest in files.stored(files.SHIPPED):
        if files.about_of(files.SHIPPED / digest / files.FOLDER).site == site:
            given = np.ascontiguousarray(rows, dtype=np.float32)
            dictionary = storing.load(files.SHIPPED, digest, site)
            return Coded(digest[:DIGITS], by_chunks(dictionary.encode, given))
    return None
