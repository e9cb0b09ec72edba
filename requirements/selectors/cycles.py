"""Whether links go round: what derives from itself, by way of others, has no first wording."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Hashable
from typing import TypeVar

_N = TypeVar("_N", bound=Hashable)


def find_cycle(links: Collection[tuple[_N, _N]]) -> list[_N]:
    """Return one cycle of these links, its first thing repeated at its end; empty where there is none.

    Args:
        links: upstream and downstream of each.
    """
    below: defaultdict[_N, list[_N]] = defaultdict(list)
    for up, down in links:
        below[up].append(down)
    done: set[_N] = set()
    for start in list(below):
        path: list[_N] = []  # the way from the start to here
        on_path: set[_N] = set()
        waiting: list[tuple[_N, int]] = [(start, 0)]  # what to visit, and how deep
        while waiting:
            node, depth = waiting.pop()
            done.update(path[depth:])
            on_path.difference_update(path[depth:])
            del path[depth:]
            if node in done:
                continue
            if node in on_path:
                return [*path[path.index(node) :], node]
            path.append(node)
            on_path.add(node)
            waiting += [(each, depth + 1) for each in below[node]]
        done.update(path)
    return []
