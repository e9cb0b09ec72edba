"""How well a coder gives back what it reads: features that fire, variance explained, dead ones, densities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from interpret.dictionaries.coding import CHUNK, Coder, Floats
from interpret.dictionaries.figures import Figure, grouped, jackknifed
from interpret.dictionaries.reading import Tokens

DECILES: Final = tuple(each / 10 for each in range(11))


@dataclass(frozen=True, slots=True)
class Quality:
    """What a coder is worth on tokens it was not made from.

    Attributes:
        l0: mean number of features that are not zero on an ordinary token.
        explained: share of the variance of all tokens, massive ones among them: see `explained_variance`.
        explained_without: the same of ordinary tokens alone, about their own mean.
        dead: share of the features that fire on no ordinary token.
        density: deciles, over features, of the share of ordinary tokens on which a feature fires.
    """

    tokens: int
    massive: int
    l0: Figure
    explained: Figure
    explained_without: Figure
    dead: float
    density: tuple[float, ...]

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        figures = {name: getattr(self, name).as_json() for name in ("l0", "explained", "explained_without")}
        return {
            "tokens": self.tokens,
            "massive": self.massive,
            **figures,
            "dead": self.dead,
            "density_deciles": list(self.density),
        }


@dataclass(slots=True)
class _Sums:
    """What a group of tokens adds to each figure, in float64."""

    tokens: int
    total: NDArray[np.float64]  # (width,), of activations
    squares: float  # of activations
    left: float  # squares of what the coder lacks
    fired: int


def measure(coder: Coder, tokens: Tokens, seed: int = 0) -> Quality:
    """Return what a coder is worth on these tokens; intervals are over their texts."""
    groups = grouped(tokens.texts, seed)
    names = np.unique(groups)
    ordinary, massive = list[_Sums](), list[_Sums]()
    counts = np.zeros(0, dtype=np.int64)
    for name in names:
        rows = groups == name
        sums, fired = _sums_of(coder, tokens.activations[rows & ~tokens.massive])
        ordinary.append(sums)
        counts = counts + fired if counts.size else fired
        massive.append(_sums_of(coder, tokens.activations[rows & tokens.massive])[0])
    many = int((~tokens.massive).sum())
    return Quality(
        tokens=len(tokens.massive),
        massive=int(tokens.massive.sum()),
        l0=_over(_l0, [[each] for each in ordinary]),
        explained=_over(_explained, [list(pair) for pair in zip(ordinary, massive, strict=True)]),
        explained_without=_over(_explained, [[each] for each in ordinary]),
        dead=float((counts == 0).mean()),
        density=tuple(float(each) for each in np.quantile(counts / many, DECILES)),
    )


def explained_variance(activations: Floats, given_back: Floats) -> float:
    """Return 1 - sum |x - x'|^2 / sum |x - mean x|^2, over all tokens and dimensions of one set.

    The mean is that of the same set, so a coder that always says the mean explains 0, and one that is worse less.
    Figures of others differ by taking the mean over dimensions first, or the variance about zero.

    Args:
        activations: (token, width).
        given_back: (token, width).
    """
    return _explained([_sums(activations.astype(np.float64), given_back.astype(np.float64), 0)])


def l0_of(coder: Coder, activations: Floats) -> float:
    """Return how many features are not zero on a token, on average."""
    fired = sum(
        int(np.count_nonzero(coder.encode(activations[start : start + CHUNK])))
        for start in range(0, len(activations), CHUNK)
    )
    return fired / len(activations)


def _sums_of(coder: Coder, activations: Floats) -> tuple[_Sums, NDArray[np.int64]]:
    """Return a group's sums, and on how many of its tokens each feature fires."""
    parts, counts = list[_Sums](), np.zeros(0, dtype=np.int64)
    for start in range(0, max(1, len(activations)), CHUNK):
        chunk = activations[start : start + CHUNK]
        features = coder.encode(chunk)
        fired = np.count_nonzero(features, axis=0)
        counts = counts + fired if counts.size else fired
        parts.append(
            _sums(chunk.astype(np.float64), coder.decode(features).astype(np.float64), int(fired.sum()))
        )
    return _joined(parts), counts


def _sums(given: NDArray[np.float64], back: NDArray[np.float64], fired: int) -> _Sums:
    return _Sums(
        len(given), given.sum(axis=0), float((given**2).sum()), float(((given - back) ** 2).sum()), fired
    )


def _joined(parts: Sequence[_Sums]) -> _Sums:
    total: NDArray[np.float64] = np.sum([each.total for each in parts], axis=0)
    return _Sums(
        sum(each.tokens for each in parts),
        total,
        sum(each.squares for each in parts),
        sum(each.left for each in parts),
        sum(each.fired for each in parts),
    )


def _l0(parts: Sequence[_Sums]) -> float:
    whole = _joined(parts)
    return whole.fired / whole.tokens


def _explained(parts: Sequence[_Sums]) -> float:
    whole = _joined(parts)
    about_mean = whole.squares - float((whole.total**2).sum()) / whole.tokens
    return 1 - whole.left / about_mean


def _over(statistic: Any, groups: Sequence[Sequence[_Sums]]) -> Figure:
    def without(left_out: int) -> float:
        return float(
            statistic([part for number, parts in enumerate(groups) if number != left_out for part in parts])
        )

    return jackknifed(without(-1), [without(number) for number in range(len(groups))])
