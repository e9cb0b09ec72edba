"""A log's tree, read from the tiles that it serves (C2SP tlog-tiles), to see that it continues what was kept.

What is read is trusted for nothing: a proof is put together from it, and the proof is checked against signed roots.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tracebinder.verify.errors import BinderFailed
from tracebinder.verify.merkle import node_hash

_HEIGHT: Final = 8  # levels of a tile
_WIDTH: Final = 1 << _HEIGHT
_HASH: Final = 32  # bytes

FetchTile = Callable[[str], bytes]
"""Return what the log serves at `tile/<level>/<index>[.p/<width>]`."""


class ServedTree:
    """The tree of one signed size. Each tile is fetched once."""

    def __init__(self, fetch: FetchTile, size: int) -> None:
        self._fetch = fetch
        self._size = size
        self._tiles: dict[str, bytes] = {}

    def consistency_path(self, first: int) -> list[bytes]:
        """Return the proof that the tree of `first` leaves is a beginning of this one (RFC 9162, 2.1.4.1)."""
        if first in {0, self._size}:
            return []
        return self._subproof(first, 0, self._size, whole=True)

    def _subproof(self, first: int, begin: int, end: int, *, whole: bool) -> list[bytes]:
        if first == end:
            return [] if whole else [self._root(begin, end)]
        middle = begin + _split(end - begin)
        if first <= middle:
            return [*self._subproof(first, begin, middle, whole=whole), self._root(middle, end)]
        return [*self._subproof(first, middle, end, whole=False), self._root(begin, middle)]

    def _root(self, begin: int, end: int) -> bytes:
        count = end - begin
        if count & (count - 1) == 0:
            return self._node(count.bit_length() - 1, begin // count)
        middle = begin + _split(count)
        return node_hash(self._root(begin, middle), self._root(middle, end))

    def _node(self, level: int, index: int) -> bytes:
        """Return the hash of the perfect subtree `index` of this level, which is not higher than its tile."""
        tile_level, above = divmod(level, _HEIGHT)
        first = index << above
        data = self._tile(tile_level, first // _WIDTH)
        at = first % _WIDTH
        row = [data[i * _HASH : (i + 1) * _HASH] for i in range(at, at + (1 << above))]
        while len(row) > 1:
            row = [node_hash(left, right) for left, right in zip(row[::2], row[1::2], strict=True)]
        return row[0]

    def _tile(self, level: int, index: int) -> bytes:
        width = min(_WIDTH, (self._size >> (_HEIGHT * level)) - index * _WIDTH)
        path = _tile_path(level, index, width)
        if path not in self._tiles:
            data = self._fetch(path)
            if len(data) != width * _HASH:
                raise BinderFailed(f"the log serves {len(data)} bytes as {path}, not {width * _HASH}")
            self._tiles[path] = data
        return self._tiles[path]


def _split(count: int) -> int:
    """Return the largest power of two below `count`."""
    return 1 << ((count - 1).bit_length() - 1)


def _tile_path(level: int, index: int, width: int) -> str:
    groups = [f"{index % 1000:03d}"]
    while index := index // 1000:
        groups.insert(0, f"x{index % 1000:03d}")
    partial = f".p/{width}" if width < _WIDTH else ""
    return f"tile/{level}/{'/'.join(groups)}{partial}"
