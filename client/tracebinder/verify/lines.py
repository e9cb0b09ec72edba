"""The objects of a file of JSON lines, one at a time."""

from __future__ import annotations

from collections.abc import Iterator

from tracebinder.verify.container import Container
from tracebinder.verify.strict_json import JsonObject, parse_object


def objects_in(container: Container, path: str) -> Iterator[JsonObject]:
    """Yield the object of each line. Raises as `parse_object`."""
    return (parse_object(line, member=path) for line in container.lines(path))
