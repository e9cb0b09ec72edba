"""Texts that end where an answer comes, read together by length, and the log-odds of two answers after each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeAlias, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from interpret.errors import ProbeError
from interpret.probes.forward import TOKENS_A_BATCH
from interpret.probes.weights import LoadedModel

Array: TypeAlias = NDArray[np.float64]
Tokens: TypeAlias = Sequence[int]
Answers: TypeAlias = tuple[int, int]  # tokens: the odds are of the first over the second
Group = TypeVar("Group")  # what is kept of texts that were read together
SAME: Final = 1e-3  # log-odds: by so little may a pass from the middle differ from a whole one, by rounding


@dataclass(frozen=True, slots=True)
class Reading(Generic[Group]):
    """Texts as read, in the order given.

    Attributes:
        odds: (text,), natural logarithm of p(first answer) / p(second answer).
        at: of each text, its group and its row there.
    """

    odds: Array
    groups: tuple[Group, ...]
    at: tuple[tuple[int, int], ...]


def by_length(texts: Sequence[Tokens]) -> Iterator[list[int]]:
    """Yield the places of texts of one length, shortest first.

    Raises:
        ProbeError: there are none, or one is of a single token.
    """
    groups = defaultdict[int, list[int]](list)
    for place, text in enumerate(texts):
        groups[len(text)].append(place)
    if not groups or min(groups) < 2:
        raise ProbeError("no texts, or one of a single token, which has nothing before its last")
    yield from (groups[length] for length in sorted(groups))


def in_batches(rows: Sequence[int], tokens: int, at_most: int = TOKENS_A_BATCH) -> Iterator[list[int]]:
    """Yield as many rows at a time, each of so many tokens, as one pass takes: `at_most` tokens together."""
    most = max(1, at_most // tokens)
    for start in range(0, len(rows), most):
        yield list(rows[start : start + most])


def odds_after(loaded: LoadedModel, ids: torch.Tensor, answers: torch.Tensor) -> torch.Tensor:
    """Run the model over texts of one length; returns log-odds of the answers after each. Shape (text,).

    Args:
        ids: (text, token).
        answers: (text, 2).
    """
    last = loaded.model(input_ids=ids, use_cache=False, logits_to_keep=1).logits[:, -1].double()
    of_both = last.gather(-1, answers)
    odds: torch.Tensor = of_both[:, 0] - of_both[:, 1]
    return odds
