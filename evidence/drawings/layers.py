"""A chain as a graph that reads from left to right: each thing stands after everything that leads to it."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from evidence.drawings.svg import EM, DrawingError, Element, check_text, check_tone, element, picture, words

BOX: Final = (176.0, 46.0)  # user units: width and height of a node
GAP: Final = (64.0, 14.0)  # user units: between layers, and between the nodes of one
MARGIN: Final = 6.0  # user units around the whole
_SWEEPS: Final = 4  # times the nodes are put in the order of their neighbours

Place = tuple[float, float]  # the upper left corner of a node, in user units


@dataclass(frozen=True, slots=True)
class Node:
    """A thing of the chain. With an address it is a link to its page."""

    key: str
    label: str
    kind: str = ""  # a small line above the label: "release"
    tone: str = "plain"
    address: str = ""  # a path of this server
    column: int | None = None  # where it stands; None, for all: after everything that leads to it
    is_here: bool = False  # what the drawing is about
    is_beside: bool = False  # it is no link of the chain, and stands beside it


@dataclass(frozen=True, slots=True)
class Edge:
    """A step from one node to another."""

    start: str
    end: str
    is_beside: bool = False  # dotted: the one says something of the other, and leads nowhere


def layers(nodes: Sequence[Node], edges: Sequence[Edge], *, title: str) -> str:
    """Draw nodes in layers, and edges between them.

    Raises:
        DrawingError: no nodes, two of one key, an edge to none, edges in a circle or against the columns, an unknown
            tone, an address that leads elsewhere.
    """
    by_key = _index(nodes, edges)
    depth = _depths(by_key, edges) if any(node.column is None for node in nodes) else _columns(by_key, edges)
    columns, routes = _with_bends(by_key, edges, depth)
    _settle(columns, routes)
    places = _places(columns)
    height = max(y for _, y in places.values()) + BOX[1] + MARGIN
    lines = [
        _edge(route, places, is_beside=edge.is_beside) for route, edge in zip(routes, edges, strict=True)
    ]
    boxes = [_node(by_key[key], places[key]) for key in by_key]
    said = [
        _said(node, [by_key[edge.end] for edge in edges if edge.start == node.key])
        for node in by_key.values()
    ]
    return picture(
        *lines, *boxes, width=len(columns) * (BOX[0] + GAP[0]) - GAP[0] + 2 * MARGIN, height=height, title=title,
        description="; ".join(said), role="group" if any(node.address for node in nodes) else "img",
    )  # fmt: skip


def _index(nodes: Sequence[Node], edges: Sequence[Edge]) -> dict[str, Node]:
    if not nodes:
        raise DrawingError("there is nothing to draw")
    for node in nodes:
        check_tone(node.tone)
        check_text(node.key)  # the bends of long edges are keyed by what no text can hold
    by_key = {node.key: node for node in nodes}
    if len(by_key) != len(nodes):
        raise DrawingError("two nodes have the same key")
    missing = {key for edge in edges for key in (edge.start, edge.end)} - by_key.keys()
    if missing:
        raise DrawingError(f"an edge leads to {min(missing)!r}, which is no node")
    return by_key


def _depths(by_key: Mapping[str, Node], edges: Sequence[Edge]) -> dict[str, int]:
    """Return the layer of each node: one after the last of those that lead to it (Kahn 1962)."""
    waiting = {key: {edge.start for edge in edges if edge.end == key} for key in by_key}
    depth: dict[str, int] = {}
    while waiting:
        ready = [key for key, before in waiting.items() if before <= depth.keys()]
        if not ready:
            raise DrawingError(f"the edges run in a circle through {min(waiting)!r}")
        for key in ready:
            depth[key] = 1 + max((depth[before] for before in waiting.pop(key)), default=-1)
    return depth


def _columns(by_key: Mapping[str, Node], edges: Sequence[Edge]) -> dict[str, int]:
    """Return the layer of each node by its column; columns in which nothing stands are left out."""
    used = sorted({node.column or 0 for node in by_key.values()})
    depth = {key: used.index(node.column or 0) for key, node in by_key.items()}
    for edge in edges:
        if depth[edge.start] >= depth[edge.end]:
            raise DrawingError(f"the edge from {edge.start!r} to {edge.end!r} does not lead to the right")
    return depth


def _with_bends(
    by_key: Mapping[str, Node], edges: Sequence[Edge], depth: Mapping[str, int]
) -> tuple[list[list[str]], list[list[str]]]:
    """Return the keys of each layer, and the way of each edge; one that skips layers bends in each it passes."""
    columns: list[list[str]] = [[] for _ in range(max(depth.values()) + 1)]
    for key in by_key:
        columns[depth[key]].append(key)
    routes = []
    for number, edge in enumerate(edges):
        bends = [f"\0{number}:{layer}" for layer in range(depth[edge.start] + 1, depth[edge.end])]
        for layer, bend in enumerate(bends, start=depth[edge.start] + 1):
            columns[layer].append(bend)
        routes.append([edge.start, *bends, edge.end])
    return columns, routes


def _settle(columns: list[list[str]], routes: Sequence[Sequence[str]]) -> None:
    """Put each layer in the order of what its nodes are joined to, so that fewer lines cross (Sugiyama 1981)."""
    joined: dict[str, list[str]] = {key: [] for column in columns for key in column}
    for route in routes:
        for one, other in itertools.pairwise(route):
            joined[one].append(other)
            joined[other].append(one)
    for sweep in range(_SWEEPS):
        forward = sweep % 2 == 0
        pairs = list(itertools.pairwise(columns))
        for left, right in pairs if forward else reversed(pairs):
            still, moved = (left, right) if forward else (right, left)
            at = {key: position for position, key in enumerate(still)}
            middle = {key: _mean([at[other] for other in joined[key] if other in at]) for key in moved}
            moved.sort(key=lambda key: middle[key])


def _mean(numbers: Sequence[int]) -> float:
    return sum(numbers) / len(numbers) if numbers else 0.0


def _places(columns: Sequence[Sequence[str]]) -> dict[str, Place]:
    """Return where each node stands; shorter layers stand in the middle."""
    step = BOX[1] + GAP[1]
    tallest = max(len(column) for column in columns)
    return {
        key: (
            MARGIN + layer * (BOX[0] + GAP[0]),
            MARGIN + (tallest - len(column)) * step / 2 + position * step,
        )
        for layer, column in enumerate(columns)
        for position, key in enumerate(column)
    }


def _edge(route: Sequence[str], places: Mapping[str, Place], *, is_beside: bool = False) -> Element:
    """Return the line of an edge: from the right side of a node, through its bends, to the left side of another."""
    x, y = places[route[0]][0] + BOX[0], places[route[0]][1] + BOX[1] / 2
    path = f"M{x:.2f} {y:.2f}"
    for key in route[1:]:
        next_x, next_y = places[key][0], places[key][1] + BOX[1] / 2
        half = (x + next_x) / 2
        path += f"C{half:.2f} {y:.2f} {half:.2f} {next_y:.2f} {next_x:.2f} {next_y:.2f}"
        x, y = next_x, next_y
        if key != route[-1]:
            x += BOX[0]
            path += f"H{x:.2f}"
    head = f"M{x - 7:.2f} {y - 4:.2f}L{x:.2f} {y:.2f}L{x - 7:.2f} {y + 4:.2f}"
    if is_beside:
        return element("path", d=path, class_="tb-draw-edge tb-draw-beside")
    return element("path", d=f"{path}{head}", class_="tb-draw-edge")


def _node(node: Node, place: Place) -> Element:
    x, y = place
    room = BOX[0] - 20
    label_y = y + BOX[1] / 2 + (EM if node.kind else 4)
    marks = (" tb-draw-here" if node.is_here else "") + (" tb-draw-beside" if node.is_beside else "")
    box = element(
        "g",
        element(
            "rect",
            x=x,
            y=y,
            width=BOX[0],
            height=BOX[1],
            rx=5,
            class_=f"tb-draw-node tb-draw--{node.tone}{marks}",
        ),
        *([words(x + 10, y + 6 + EM, node.kind, room=room, class_="tb-draw-quiet")] if node.kind else []),
        words(x + 10, label_y, node.label, room=room),
    )
    if not node.address:
        return box
    here = {"aria_current": "true"} if node.is_here else {}
    return element("a", box, href=node.address, class_="tb-draw-link", **here)


def _said(node: Node, after: Sequence[Node]) -> str:
    name = f"{node.kind} {node.label}".strip()
    return f"{name} → {', '.join(each.label for each in after)}" if after else name
