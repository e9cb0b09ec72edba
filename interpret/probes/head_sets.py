"""Sets of heads: those that were found, and random ones of the same size beside which an ablation is held."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from itertools import combinations
from math import comb

import numpy as np

from interpret.errors import ProbeError
from interpret.probes.one_pass import Ablation, Floats
from interpret.probes.sites import Head
from interpret.probes.weights import LoadedModel


def head_at(index: int, loaded: LoadedModel) -> Head:
    """Return the head with this number, counted layer by layer."""
    return Head(*divmod(index, loaded.shape.heads))


def rows_of(heads: Sequence[Head], loaded: LoadedModel) -> list[int]:
    """Return the heads' numbers, as `head_at` counts them."""
    return [head.layer * loaded.shape.heads + head.head for head in heads]


def parse_head(name: str) -> Head:
    """Return the head that is written so, as `str` of it."""
    layer, _, head = name.partition(".")
    return Head(int(layer), int(head))


def named(heads: Sequence[Head]) -> str:
    """Say which heads, in a sentence."""
    return f"head {heads[0]}" if len(heads) == 1 else f"heads {' '.join(map(str, heads))} together"


def mean_ablation(heads: tuple[Head, ...], means: Floats, share: float = 1.0) -> Ablation:
    """Replace such a share of the heads' outputs by their means. `means` has shape (layer, head, head width)."""
    return Ablation(heads, np.stack([means[head.layer, head.head] for head in heads]), share)


def draw_other_sets(
    loaded: LoadedModel, found: Collection[Head], ablated: Sequence[Head], draws: int, *, seed: int
) -> list[tuple[Head, ...]]:
    """Return up to `draws` different random sets of as many heads as are ablated; all there are if they are no more.

    They are drawn from the same layers as the ablated ones where these have enough others, else from all; never from
    what was found.

    Raises:
        ProbeError: fewer than two other sets.
    """
    layers = {head.layer for head in ablated}
    everywhere = [head_at(index, loaded) for index in range(loaded.shape.layers * loaded.shape.heads)]
    others = [head for head in everywhere if head not in found]
    near = [head for head in others if head.layer in layers]
    pool = near if comb(len(near), len(ablated)) >= draws else others
    sets = _different_sets(pool, len(ablated), draws, seed)
    if len(sets) < 2:
        raise ProbeError(
            f"{len(sets)} other sets of {len(ablated)} heads: a control needs two; ask for fewer heads"
        )
    return sets


def those_that_do_something(
    found: tuple[Head, ...], cost: Callable[[tuple[Head, ...]], float], smallest: float
) -> tuple[Head, ...]:
    """Return the found heads that each do something, best first; all where none does by itself.

    A head does something when ablating it, or sparing it when all others are ablated, changes the cost by `smallest`:
    of two heads that do the same, sparing either is enough.

    Args:
        cost: what ablating heads together costs, in the unit of `smallest`.
    """
    doing = {head for head in found if cost((head,)) >= smallest}
    if len(found) > max(1, len(doing)):
        together = cost(found)
        for head in set(found) - doing:
            others = tuple(other for other in found if other != head)
            if together - cost(others) >= smallest:
                doing.add(head)
    return tuple(head for head in found if head in doing) or found


def named_sets(drawn: int, asked: int) -> str:
    """Say what the sets of the control are; where they are all there are, no p-value can be smaller than they allow."""
    if drawn < asked:
        return f"all {drawn} other sets of as many heads, ablated: no p below 1/{drawn + 1} can come of them"
    return f"{drawn} random sets of as many other heads, ablated"


def _different_sets(pool: Sequence[Head], size: int, draws: int, seed: int) -> list[tuple[Head, ...]]:
    if comb(len(pool), size) <= draws:
        return list(combinations(pool, size))
    rng, sets = np.random.default_rng(seed), set[tuple[int, ...]]()
    while len(sets) < draws:
        sets.add(tuple(sorted(rng.choice(len(pool), size, replace=False).tolist())))
    return [tuple(pool[i] for i in each) for each in sorted(sets)]
