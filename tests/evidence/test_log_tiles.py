"""Tiles: paths as tlog-tiles writes them, contents as its formula gives them, proofs out of tiles alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidence.log.errors import LogError, MalformedBundle, MalformedPath, MissingNode
from evidence.log.tiles import (
    Bundle,
    Tile,
    cut_tiles,
    grow_tiles,
    new_tiles,
    nodes_from_tiles,
    pack_entries,
    parse_path,
    split_hashes,
    tile_at,
    tile_root,
    tiles_of,
    unpack_entries,
)
from evidence.log.tree import (
    Frontier,
    leaf_hash,
    prove_consistency,
    prove_inclusion,
    read_root,
    verify_consistency,
    verify_inclusion,
)

SIZE = 66_000  # 257 full tiles at level 0 and more: three levels
LEAVES = [leaf_hash(str(i).encode()) for i in range(SIZE)]


def build_tiles(leaves: list[bytes]) -> dict[tuple[int, int], bytes]:
    """Every tile of a tree at its widest, straight from the formula of tlog-tiles."""
    tiles, row, level = {}, leaves, 0
    while row:
        for index in range(0, len(row), 256):
            tiles[level, index // 256] = b"".join(row[index : index + 256])
        full = len(row) // 256
        row, level = [tile_root(tiles[level, i]) for i in range(full)], level + 1
    return tiles


TILES = build_tiles(LEAVES)


def read(wanted: Collection[Tile]) -> Mapping[Tile, bytes]:
    return cut_tiles(TILES, list(wanted))


@pytest.fixture(scope="module")
def roots() -> dict[int, bytes]:
    frontier, found = Frontier(), {}
    for size in range(SIZE + 1):
        found[size] = frontier.root()
        if size < SIZE:
            frontier.append(LEAVES[size])
    return found


@pytest.mark.parametrize(
    ("named", "path"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(3, 1234067), "tile/3/x001/x234/067"),  # the example of the format
        (Tile(63, 1000, 1), "tile/63/x001/000.p/1"),
        (Tile(1, 999, 255), "tile/1/999.p/255"),
        (Bundle(0, 7), "tile/entries/000.p/7"),
        (Bundle(123456), "tile/entries/x123/456"),
    ],
)
def test_paths(named: Tile | Bundle, path: str) -> None:
    assert named.path == path
    assert parse_path(path) == named


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile/0/0",
        "tile/00/000",
        "tile/64/000",
        "tile/0/001/234",
        "tile/0/x001",
        "tile/0/x000/000",
        "tile/0/1000",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/",
        "tile/-1/000",
        "/tile/0/000",
        "tile/0/000/",
        "tile/0/٠٠٠",
        "tile/entries/000.p/256",
        "tile/x/000",
        "tile/0/../000",
    ],
)
def test_paths_that_name_nothing(path: str) -> None:
    with pytest.raises(MalformedPath):
        parse_path(path)


@given(level=st.integers(0, 63), index=st.integers(0, 2**56), width=st.integers(1, 256))
def test_paths_round_trip(level: int, index: int, width: int) -> None:
    assert parse_path(Tile(level, index, width).path) == Tile(level, index, width)
    assert parse_path(Bundle(index, width).path) == Bundle(index, width)


def test_the_tiles_of_a_tree_are_those_of_the_formats_example() -> None:
    tiles = list(tiles_of(70_000))
    assert len([t for t in tiles if t.level == 0 and t.width == 256]) == 273
    assert [t for t in tiles if t.width < 256] == [Tile(0, 273, 112), Tile(1, 1, 17), Tile(2, 0, 1)]
    assert Tile(1, 0) in tiles
    assert list(tiles_of(256)) == [Tile(0, 0), Tile(1, 0, 1)]
    assert list(tiles_of(0)) == []


@given(sizes=st.tuples(st.integers(0, 200_000), st.integers(0, 200_000)).map(sorted))
def test_new_tiles_are_those_the_old_tree_had_not(sizes: list[int]) -> None:
    old, new = sizes
    assert set(new_tiles(old, new)) == set(tiles_of(new)) - set(tiles_of(old))


@settings(max_examples=60, deadline=None)
@given(sizes=st.tuples(st.integers(0, SIZE), st.integers(0, SIZE)).map(sorted))
def test_growing_gives_the_new_tiles_and_their_bytes(sizes: list[int]) -> None:
    old, new = sizes

    def edge(level: int, count: int) -> list[bytes]:
        return split_hashes(TILES[level, count // 256][: count % 256 * 32])

    grown = dict(grow_tiles(old_size=old, leaves=LEAVES[old:new], edge=edge))
    assert grown == dict(read(list(new_tiles(old, new))))


def test_tile_at_is_empty_right_of_the_tree() -> None:
    assert tile_at(0, 1, 257) == Tile(0, 1, 1)
    assert tile_at(0, 1, 256) is None
    assert tile_at(1, 0, 255) is None


@settings(max_examples=150, deadline=None)
@given(data=st.data(), size=st.integers(1, SIZE))
def test_proofs_out_of_tiles(roots: dict[int, bytes], data: st.DataObject, size: int) -> None:
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(0, size))
    nodes = nodes_from_tiles(read, size=size)
    assert read_root(nodes, size=size) == roots[size]
    path = prove_inclusion(nodes, index=index, size=size)
    verify_inclusion(leaf=LEAVES[index], index=index, size=size, proof=path, root=roots[size])
    proof = prove_consistency(nodes, old_size=old, new_size=size)
    verify_consistency(old_size=old, old_root=roots[old], new_size=size, new_root=roots[size], proof=proof)


def test_a_proof_asks_once_and_for_few_tiles() -> None:
    asked: list[Collection[Tile]] = []

    def counting(wanted: Collection[Tile]) -> Mapping[Tile, bytes]:
        asked.append(wanted)
        return read(wanted)

    prove_inclusion(nodes_from_tiles(counting, size=SIZE), index=12_345, size=SIZE)
    assert len(asked) == 1
    assert len(asked[0]) <= 5


def test_a_missing_or_narrow_tile_is_an_error_and_no_wrong_proof() -> None:
    with pytest.raises(MissingNode):
        read_root(nodes_from_tiles(lambda _: {}, size=300), size=300)
    narrow = {tile: data[:-1] for tile, data in read(list(tiles_of(300))).items()}
    with pytest.raises(MissingNode):
        read_root(nodes_from_tiles(lambda _: narrow, size=300), size=300)
    with pytest.raises(MissingNode):
        prove_inclusion(nodes_from_tiles(read, size=100), index=5, size=300)
    with pytest.raises(LogError):
        tile_root(bytes(96))
    with pytest.raises(LogError):
        tile_root(bytes(33))


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_bundles_round_trip(entries: list[bytes]) -> None:
    assert unpack_entries(pack_entries(entries)) == entries


def test_bundles_refuse_what_does_not_fit() -> None:
    assert unpack_entries(pack_entries([bytes(65_535)])) == [bytes(65_535)]
    with pytest.raises(MalformedBundle):
        pack_entries([bytes(65_536)])
    for cut in (b"\x00", b"\x00\x02a", b"\x00\x01a\x00"):
        with pytest.raises(MalformedBundle):
            unpack_entries(cut)
