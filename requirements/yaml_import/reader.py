"""YAML to plain values, with the place of every one of them.

Works on the node graph that ruamel.yaml composes, so that a key written twice is a fault with both lines and
not a value lost, and no object of any other type can be made. Anchors and tags are refused: a requirement
reads the same wherever a reviewer starts, and a file cannot grow when it is expanded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent, NodeEvent
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

MAX_BYTES = 1_000_000  # of one requirement file
MAX_DEPTH = 20  # levels of nesting
MAX_VALUES = 20_000  # keys, values and lists of one file: each takes a fifth of a millisecond to read

Path = tuple[str | int, ...]
Report = Callable[[Path, str, str], None]  # path, code, message

_INT = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")


@dataclass
class Places:
    """Where each value of a document stands: line and column, from 1."""

    of: dict[Path, tuple[int, int]] = field(default_factory=dict)

    def find(self, path: Path) -> tuple[int, int]:
        """Return the place of a path, or of the nearest thing around it when it is what is missing."""
        while path and path not in self.of:
            path = path[:-1]
        return self.of.get(path, (1, 1))


class Unreadable(ValueError):
    """The text is not the YAML we read. Carries the line and column, from 1."""

    def __init__(self, line: int, column: int, message: str) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


def read_yaml(source: bytes) -> tuple[object, Places, list[tuple[Path, str, str]]]:
    """Return the document's value, the places in it, and the faults that do not stop reading (repeated keys).

    Raises:
        Unreadable: not UTF-8, not YAML, more than one document, too large, too deep, or with an anchor, alias or tag.
    """
    text = _decode(source)
    try:
        _refuse_indirection(text)
        node = YAML(typ="rt", pure=True).compose(text)
    except MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise Unreadable(line, column, str(exc.problem or exc.context or "not readable as YAML")) from exc
    except (YAMLError, RecursionError) as exc:
        raise Unreadable(1, 1, f"not readable as YAML: {str(exc).splitlines()[0]}") from exc
    places = Places()
    faults: list[tuple[Path, str, str]] = []
    value = _value(node, (), places, faults) if node is not None else None
    return value, places, faults


def _decode(source: bytes) -> str:
    if len(source) > MAX_BYTES:
        raise Unreadable(1, 1, f"larger than {MAX_BYTES} bytes; split the file")
    try:
        text = source.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise Unreadable(source.count(b"\n", 0, exc.start) + 1, 1, "not UTF-8") from exc
    if "\x00" in text:
        raise Unreadable(text.count("\n", 0, text.index("\x00")) + 1, 1, "holds a NUL character")
    return text


def _refuse_indirection(text: str) -> None:
    depth = values = 0
    for event in YAML(typ="rt", pure=True).parse(text):
        mark = event.start_mark
        values += isinstance(event, NodeEvent)
        if values > MAX_VALUES:
            reason = f"more than {MAX_VALUES:,} keys and values; split the file"
            raise Unreadable(mark.line + 1, mark.column + 1, reason)
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        if depth > MAX_DEPTH:  # before composing, whose time grows with the square of the depth
            raise Unreadable(mark.line + 1, mark.column + 1, f"nested more than {MAX_DEPTH} levels deep")
        if isinstance(event, AliasEvent):
            raise Unreadable(mark.line + 1, mark.column + 1, "aliases are not read: write the value out")
        if isinstance(event, NodeEvent) and event.anchor:
            raise Unreadable(mark.line + 1, mark.column + 1, "anchors are not read: write the value out")
        if getattr(event, "tag", None):
            raise Unreadable(mark.line + 1, mark.column + 1, "tags are not read: write a plain value")


def _value(node: Node, path: Path, places: Places, faults: list[tuple[Path, str, str]]) -> object:
    places.of.setdefault(path, (node.start_mark.line + 1, node.start_mark.column + 1))
    if isinstance(node, ScalarNode):
        return _scalar(node)
    if isinstance(node, SequenceNode):
        return [_value(child, (*path, index), places, faults) for index, child in enumerate(node.value)]
    if isinstance(node, MappingNode):
        return _mapping(node, path, places, faults)
    raise Unreadable(*places.of[path], "neither a text, a list nor a mapping")


def _mapping(
    node: MappingNode, path: Path, places: Places, faults: list[tuple[Path, str, str]]
) -> Mapping[str, object]:
    value: dict[str, object] = {}
    for key_node, child in node.value:
        line, column = key_node.start_mark.line + 1, key_node.start_mark.column + 1
        if not isinstance(key_node, ScalarNode):
            raise Unreadable(line, column, "a key must be a text")
        key = str(key_node.value)
        if key in value:
            first = places.of[(*path, key)][0]
            # The fault stands at the second place, which is where the author has to look.
            repeated = (*path, f"{key} (line {line})")
            places.of[repeated] = (line, column)
            faults.append((repeated, "duplicate_key", f"{key!r} is already given on line {first}"))
            continue
        places.of[(*path, key)] = (line, column)
        value[key] = _value(child, (*path, key), places, faults)
    return value


def _scalar(node: ScalarNode) -> object:
    text = str(node.value)
    if node.style in ("'", '"', "|", ">"):
        return text
    if text in ("", "~", "null", "Null", "NULL"):
        return None
    if text in ("true", "True", "TRUE", "false", "False", "FALSE"):
        return text.lower() == "true"
    if _INT.fullmatch(text):
        return int(text) if len(text) < 20 else text
    return float(text) if _FLOAT.fullmatch(text) else text
