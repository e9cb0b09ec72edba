"""The verifier's own tree, notes and slice of the log, against trees computed by the recursive definition."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidence.binder.files import BinderFile, json_file
from tests.client.binders import (
    LOG,
    STRANGER,
    WITNESS,
    build,
    checkpoint_note,
    honest_files,
    naive_consistency,
    naive_path,
    naive_root,
)
from tests.client.conftest import Verify
from tracebinder.verify.errors import BinderFailed, BinderMalformed, VerifyError
from tracebinder.verify.merkle import check_consistency, check_inclusion, leaf_hash, root_of
from tracebinder.verify.note import is_signed_by, parse_checkpoint, parse_note, parse_vkey
from tracebinder.verify.tlog import parse_tlog_proof

LEAVES = [leaf_hash(b"entry %d" % number) for number in range(40)]
LOG_TRUST = {"origin": LOG.name, "vkey": LOG.vkey()}


@pytest.mark.parametrize("size", range(1, 34))
def test_every_leaf_of_every_small_tree_is_included(size: int) -> None:
    leaves = LEAVES[:size]
    root = naive_root(leaves)
    assert root_of(leaves) == root
    for index in range(size):
        path = naive_path(leaves, index)
        check_inclusion(leaf=leaves[index], index=index, size=size, path=path, root=root)
        right: dict[str, Any] = {
            "leaf": leaves[index],
            "index": index,
            "size": size,
            "path": path,
            "root": root,
        }
        for wrong in ({"index": (index + 1) % size} if size > 1 else {"index": 1}, {"leaf": LEAVES[-1]}):
            with pytest.raises(BinderFailed):
                check_inclusion(**right | wrong)
        with pytest.raises(BinderFailed):
            check_inclusion(leaf=leaves[index], index=index, size=size, path=[*path, root], root=root)


@pytest.mark.parametrize("second", range(1, 25))
def test_every_pair_of_small_trees_is_consistent(second: int) -> None:
    for first in range(1, second + 1):
        roots = {"first_root": naive_root(LEAVES[:first]), "second_root": naive_root(LEAVES[:second])}
        path = naive_consistency(LEAVES[:second], first)
        check_consistency(first_size=first, second_size=second, path=path, **roots)
        with pytest.raises(BinderFailed):
            check_consistency(first_size=first, second_size=second, path=[*path, LEAVES[0]], **roots)
        if path:
            with pytest.raises(BinderFailed):
                check_consistency(first_size=first, second_size=second, path=path[:-1], **roots)


def test_a_log_that_shrinks_is_refused() -> None:
    with pytest.raises(BinderFailed, match="shrank"):
        check_consistency(
            first_size=3,
            second_size=2,
            first_root=naive_root(LEAVES[:3]),
            second_root=naive_root(LEAVES[:2]),
            path=[],
        )


def test_checkpoint_is_read_and_its_signers_told_apart() -> None:
    note = parse_note(checkpoint_note(LEAVES[:5], witnesses=[WITNESS]).encode(), member="note")
    body = parse_checkpoint(note, member="note")
    assert (body.origin, body.size, body.root) == (LOG.name, 5, naive_root(LEAVES[:5]))
    assert is_signed_by(note, parse_vkey(LOG.vkey()))
    assert is_signed_by(note, parse_vkey(WITNESS.vkey(4)))
    assert not is_signed_by(note, parse_vkey(STRANGER.vkey()))
    assert not is_signed_by(note, parse_vkey(WITNESS.vkey()))  # a witness's key is not a log's


@pytest.mark.parametrize(
    "change",
    [
        lambda note: note.replace("\n5\n", "\n6\n"),
        lambda note: note.replace(LOG.name, "log.example/two", 1),
        lambda note: note.replace("\n\n— ", "\nextra line\n\n— ", 1),
    ],
)
def test_changed_checkpoint_loses_its_signature(change: Callable[[str], str]) -> None:
    changed = change(checkpoint_note(LEAVES[:5]))
    note = parse_note(changed.encode(), member="note")
    assert not is_signed_by(note, parse_vkey(LOG.vkey()))


@pytest.mark.parametrize(
    "note", ["", "\n\n", "a\n\n", "a\nb\n", "a\n\n— x\n", "a\n\n- x AAAA\n", "a\r\n\n— x AAAAAAAA\n"]
)
def test_what_is_no_note_is_malformed(note: str) -> None:
    with pytest.raises(BinderMalformed):
        parse_note(note.encode(), member="note")


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_parsers_of_proofs_and_notes_raise_only_their_own_errors(data: bytes) -> None:
    for text in (data, b"c2sp.org/tlog-proof@v1\n" + data, b"c2sp.org/tlog-proof@v1\nindex 0\n\n" + data):
        with pytest.raises(VerifyError):
            parse_tlog_proof(text)
    with pytest.raises(VerifyError):
        parse_vkey(data.decode("latin-1"))


def _slice_files(
    entries: list[bytes], *, first: int = 3, disclosed: tuple[int, ...] = (1, 3, 5)
) -> list[BinderFile]:
    leaves = [leaf_hash(entry) for entry in entries]
    rows = [
        {
            "index": index,
            "stream": "s",
            "streamSeq": place,
            "entry": base64.b64encode(entries[index]).decode(),
        }
        for place, index in enumerate(disclosed)
    ]
    lines = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
    notes = f"{checkpoint_note(leaves[:first])}\n{checkpoint_note(leaves)}".encode()
    proof = [base64.b64encode(node).decode() for node in naive_consistency(leaves, first)]
    consistency = {"first": first, "last": len(leaves), "path": proof}
    return [
        BinderFile("audit/entries.jsonl", (lines,), "application/jsonl", "Entries", schema="audit-entry"),
        BinderFile("audit/leafhashes.bin", (b"".join(leaves),), "application/octet-stream", "Leaf hashes"),
        BinderFile("audit/checkpoints.txt", (notes,), "text/plain", "Checkpoints"),
        json_file("audit/consistency.json", consistency, title="Consistency", schema="consistency"),
    ]


ENTRIES = [b"entry %d" % number for number in range(9)]


def test_slice_of_the_log_is_hashed_again(verify: Verify) -> None:
    report = verify(build([*honest_files(), *_slice_files(ENTRIES)]).archive, log=LOG_TRUST)
    assert report.problems == []
    assert "3 audit entries and 9 leaves" in {line.name: line.detail for line in report.lines}["completeness"]


def test_slice_without_a_trusted_log_is_said_not_to_be_checked(verify: Verify) -> None:
    report = verify(build([*honest_files(), *_slice_files(ENTRIES)]).archive)
    assert "not checked" in {line.name: line.detail for line in report.lines}["completeness"]


def _changed(files: list[BinderFile], path: str, old: bytes, new: bytes) -> list[BinderFile]:
    return [
        replace(file, chunks=(b"".join(file.chunks).replace(old, new, 1),)) if file.path == path else file
        for file in files
    ]


@pytest.mark.parametrize(
    "files",
    [
        _slice_files(ENTRIES)[:3],
        _slice_files(ENTRIES, disclosed=(1, 5, 3)),
        _slice_files([*ENTRIES[:8], b"other"])[:1]
        + _slice_files(ENTRIES)[1:2]
        + _slice_files([*ENTRIES[:8], b"other"])[2:],
        _changed(_slice_files(ENTRIES), "audit/entries.jsonl", b'"streamSeq": 1', b'"streamSeq": 2'),
        _changed(_slice_files(ENTRIES), "audit/entries.jsonl", b'"index": 3', b'"index": 4'),
        _changed(_slice_files(ENTRIES), "audit/entries.jsonl", b'"index": 5', b'"index": 99'),
        _changed(_slice_files(ENTRIES), "audit/consistency.json", b'"first":3', b'"first":4'),
        _changed(_slice_files(ENTRIES), "audit/checkpoints.txt", b"\n3\n", b"\n4\n"),
        _changed(
            _slice_files(ENTRIES), "audit/leafhashes.bin", leaf_hash(ENTRIES[0]), hashlib.sha256(b"").digest()
        ),
        _changed(_slice_files(ENTRIES), "audit/leafhashes.bin", leaf_hash(ENTRIES[0]), b"short"),
    ],
)
def test_slice_that_does_not_fit_the_signed_roots_is_refused(verify: Verify, files: list[BinderFile]) -> None:
    report = verify(build([*honest_files(), *files]).archive, log=LOG_TRUST)
    assert report.exit_code in {1, 2}
    assert {line.name: line.state for line in report.lines}["completeness"] == "failed"
