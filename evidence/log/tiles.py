"""Tiles and entry bundles of C2SP tlog-tiles v0.1.0: what the tree looks like as small, immutable files.

A tile holds up to 256 consecutive hashes of one tile level; tile level `l` holds nodes of tree level `8 * l`.
A partial tile (`.p/<width>`) is the right edge at one tree size: a wider one starts with the same bytes, so a
reader may always use a wider one.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256 as _sha256
from typing import Final, TypeAlias

from evidence.log.errors import LogError, MalformedBundle, MalformedPath, MissingNode
from evidence.log.tree import HASH_SIZE, Node, ReadNodes

TILE_HEIGHT: Final = 8  # tree levels that one tile spans
TILE_WIDTH: Final = 1 << TILE_HEIGHT  # hashes in a full tile
MAX_LEVEL: Final = 63  # largest tile level that has a path
MAX_ENTRY_SIZE: Final = 0xFFFF  # bytes; the length prefix of an entry is a uint16
# At most 21 digits: no log has more leaves, and nobody makes us read a number of thousands.
_NUMBER: Final = r"(?P<index>(?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/(?P<width>[1-9][0-9]{0,2}))?"
_TILE_PATH: Final = re.compile(r"tile/(?P<level>entries|0|[1-9][0-9]?)/" + _NUMBER)


@dataclass(frozen=True, slots=True, order=True)
class Tile:
    """Where a tile is, and how wide."""

    level: int  # tile level, 0 holds leaf hashes
    index: int  # from 0, left to right within the level
    width: int = TILE_WIDTH  # hashes, 1 to 256; 256 is a full tile

    @property
    def path(self) -> str:
        """The path under the log's prefix, for example `tile/1/x001/067.p/5`."""
        return f"tile/{self.level}/{_number_path(self.index, self.width)}"


@dataclass(frozen=True, slots=True, order=True)
class Bundle:
    """Where a bundle of log entries is, and how many it holds."""

    index: int  # the index of the level 0 tile with the hashes of these entries
    width: int = TILE_WIDTH  # entries, 1 to 256

    @property
    def path(self) -> str:
        """The path under the log's prefix, for example `tile/entries/000.p/7`."""
        return f"tile/entries/{_number_path(self.index, self.width)}"


ReadTiles: TypeAlias = Callable[[Collection[Tile]], Mapping[Tile, bytes]]
"""Gives each tile asked for: `32 * width` bytes, or more of a wider one. Absent ones are left out."""


def parse_path(path: str) -> Tile | Bundle:
    """Return what a path under the log's prefix names.

    Raises:
        MalformedPath: it names neither a tile nor an entry bundle, or names one in a way the format forbids
            (leading zeroes, a width of 256, an index with a needless `x000`).
    """
    match = _TILE_PATH.fullmatch(path)
    if match is None:
        raise MalformedPath(f"no tile path: {path[:80]!r}")
    index = int(re.sub("[x/]", "", match["index"]))
    width = int(match["width"]) if match["width"] else TILE_WIDTH
    named = Bundle(index, width) if match["level"] == "entries" else Tile(int(match["level"]), index, width)
    if named.path != path or (isinstance(named, Tile) and named.level > MAX_LEVEL):
        raise MalformedPath(f"no tile path: {path[:80]!r}")
    return named


def tiles_of(size: int) -> Iterator[Tile]:
    """Yield every tile of a tree of this size: full ones, then the partial one, level by level."""
    yield from new_tiles(0, size)


def new_tiles(old_size: int, new_size: int) -> Iterator[Tile]:
    """Yield the tiles that the tree of `new_size` has and the one of `old_size` has not, level by level."""
    level = 0
    while new_size >> (TILE_HEIGHT * level):
        old, new = old_size >> (TILE_HEIGHT * level), new_size >> (TILE_HEIGHT * level)
        for index in range(old // TILE_WIDTH, -(-new // TILE_WIDTH) if new > old else 0):
            yield Tile(level, index, min(TILE_WIDTH, new - index * TILE_WIDTH))
        level += 1


def tile_at(level: int, index: int, size: int) -> Tile | None:
    """Return one tile as the tree of this size has it, or None where that tree has no such tile."""
    width = min(TILE_WIDTH, (size >> (TILE_HEIGHT * level)) - index * TILE_WIDTH)
    return Tile(level, index, width) if level >= 0 and index >= 0 and width > 0 else None


def grow_tiles(
    *, old_size: int, leaves: Sequence[bytes], edge: Callable[[int, int], Sequence[bytes]]
) -> Iterator[tuple[Tile, bytes]]:
    """Yield every tile that a tree gets by adding leaves, with its bytes: `new_tiles`, and what is in them.

    Args:
        leaves: the 32-byte hashes of the new leaves.
        edge: gives, for a tile level and the number of hashes the old tree has on it, the last
            `number % 256` of them: the partial tile that these leaves widen. Asked only where that is not 0.
    """
    level, count, row = 0, old_size, list(leaves)
    while row:
        begin = count - count % TILE_WIDTH
        row = [*(edge(level, count) if count > begin else ()), *row]
        roots: list[bytes] = []
        for at in range(0, len(row), TILE_WIDTH):
            hashes = row[at : at + TILE_WIDTH]
            data = b"".join(hashes)
            yield Tile(level, (begin + at) // TILE_WIDTH, len(hashes)), data
            if len(hashes) == TILE_WIDTH:
                roots.append(tile_root(data))
        level, count, row = level + 1, count // TILE_WIDTH, roots


def tile_root(data: bytes) -> bytes:
    """Return the 32-byte hash over a full tile, or over any power of two of hashes.

    Raises:
        LogError: the data is not a power of two of hashes.
    """
    count, rest = divmod(len(data), HASH_SIZE)
    if rest:
        raise LogError(f"{len(data)} bytes do not divide into hashes of {HASH_SIZE}")
    if not count or count & (count - 1):
        raise LogError(f"a perfect subtree has a power of two of hashes, not {count}")
    while len(data) > HASH_SIZE:
        pairs = range(0, len(data), 2 * HASH_SIZE)
        data = b"".join([_sha256(b"\x01" + data[at : at + 2 * HASH_SIZE]).digest() for at in pairs])
    return data


@lru_cache(maxsize=1024)  # up to 4 MB of keys; by their bytes, so that no other tile is taken for it
def _shared_root(data: bytes) -> bytes:
    """Return `tile_root` of what lies above level 0, of which a few tiles are in most proofs."""
    return tile_root(data)


def split_hashes(data: bytes) -> list[bytes]:
    """Return the 32-byte hashes that a tile concatenates.

    Raises:
        LogError: the data does not divide into hashes.
    """
    if len(data) % HASH_SIZE:
        raise LogError(f"{len(data)} bytes do not divide into hashes of {HASH_SIZE}")
    return [data[i : i + HASH_SIZE] for i in range(0, len(data), HASH_SIZE)]


def nodes_from_tiles(read: ReadTiles, *, size: int) -> ReadNodes:
    """Return the node reader of a stored tree of this size; each reading asks for all its tiles at once."""

    def read_nodes(nodes: Collection[Node]) -> Mapping[Node, bytes]:
        places = {node: _place(node, size) for node in nodes}
        stored = read({tile for tile, _, _ in places.values()})
        return {node: _node_of(stored, *place) for node, place in places.items()}

    return read_nodes


def cut_tiles(stored: Mapping[tuple[int, int], bytes], wanted: Iterable[Tile]) -> dict[Tile, bytes]:
    """Return the wanted tiles cut to their width from the widest stored ones, keyed by level and index."""
    found = ((tile, stored.get((tile.level, tile.index), b"")[: tile.width * HASH_SIZE]) for tile in wanted)
    return {tile: data for tile, data in found if len(data) == tile.width * HASH_SIZE}


def pack_entries(entries: Iterable[bytes]) -> bytes:
    """Return an entry bundle: each entry behind its length as a big-endian uint16.

    Raises:
        MalformedBundle: an entry is longer than 65,535 bytes.
    """
    parts: list[bytes] = []
    for entry in entries:
        if len(entry) > MAX_ENTRY_SIZE:
            raise MalformedBundle(f"an entry of {len(entry)} bytes is longer than {MAX_ENTRY_SIZE}")
        parts += [struct.pack(">H", len(entry)), entry]
    return b"".join(parts)


def unpack_entries(data: bytes) -> list[bytes]:
    """Return the entries of a bundle.

    Raises:
        MalformedBundle: a length or an entry is cut short.
    """
    entries: list[bytes] = []
    at = 0
    while at < len(data):
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        if at + 2 > len(data) or end > len(data):
            raise MalformedBundle(f"the entry at byte {at} is cut short")
        entries.append(data[at + 2 : end])
        at = end
    return entries


def _number_path(index: int, width: int) -> str:
    """Return an index as three-digit elements, all but the last behind an `x`, and a width below 256."""
    groups = [f"{index % 1000:03d}"]
    while index := index // 1000:
        groups.insert(0, f"x{index % 1000:03d}")
    return "/".join(groups) + ("" if width == TILE_WIDTH else f".p/{width}")


def _place(node: Node, size: int) -> tuple[Tile, int, int]:
    """Return the tile that holds a node at this tree size, and which of its hashes lie below the node."""
    level, height = divmod(node.level, TILE_HEIGHT)
    first = node.index << height
    tile = tile_at(level, first // TILE_WIDTH, size)
    begin = first % TILE_WIDTH
    end = begin + (1 << height)
    if tile is None or end > tile.width:
        raise MissingNode(f"a tree of {size} has no node {node.index} at level {node.level}")
    return tile, begin, end


def _node_of(stored: Mapping[Tile, bytes], tile: Tile, begin: int, end: int) -> bytes:
    data = stored.get(tile, b"")[begin * HASH_SIZE : end * HASH_SIZE]
    if len(data) != (end - begin) * HASH_SIZE:
        raise MissingNode(f"{tile.path} is missing or too narrow")
    return _shared_root(data) if tile.level else tile_root(data)
