"""C2SP tlog-proof v1: one text that shows, offline, that an entry is in the log.

The text holds the entry's index, the inclusion proof and the signed checkpoint; not the entry itself, which
the verifier has from elsewhere. Size and root come from the checkpoint's signed text and from nowhere else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from evidence.log.encoding import decode_base64, encode_base64
from evidence.log.errors import MalformedNote
from evidence.log.notes import Checkpoint, VerifierKey, open_checkpoint
from evidence.log.tree import HASH_SIZE, leaf_hash, verify_inclusion

HEADER: Final = "c2sp.org/tlog-proof@v1"
MAX_PROOF: Final = 63  # hashes; a longer path belongs to no tree we can name
_INDEX: Final = re.compile(r"index (0|[1-9][0-9]{0,18})")


@dataclass(frozen=True, slots=True)
class LogProof:
    """What a `.tlog-proof` says; nothing is verified yet."""

    index: int  # of the entry, from 0
    hashes: tuple[bytes, ...]  # 32 bytes each, from the leaf's sibling to the root's child
    checkpoint: str  # the signed note, verbatim
    extra: bytes | None = None  # opaque and not authenticated

    def to_text(self) -> str:
        """Return the proof as text."""
        lines = [HEADER]
        if self.extra is not None:
            lines.append(f"extra {encode_base64(self.extra)}")
        lines.append(f"index {self.index}")
        lines += [encode_base64(value) for value in self.hashes]
        return "\n".join([*lines, "", self.checkpoint])


def parse_log_proof(text: str) -> LogProof:
    """Return what a log proof says.

    Raises:
        MalformedNote: it is no log proof.
    """
    head, separator, checkpoint = text.partition("\n\n")
    lines = head.split("\n")
    if not separator or lines.pop(0) != HEADER:
        raise MalformedNote(f"a log proof starts with {HEADER!r} and holds a checkpoint after an empty line")
    extra = None
    if lines and lines[0].startswith("extra "):
        extra = decode_base64(lines.pop(0).removeprefix("extra "))
    match = _INDEX.fullmatch(lines.pop(0)) if lines else None
    if match is None:
        raise MalformedNote("a log proof needs a line with its index")
    if len(lines) > MAX_PROOF:
        raise MalformedNote(f"an inclusion proof has at most {MAX_PROOF} hashes")
    hashes = tuple(decode_base64(line) for line in lines)
    if any(len(value) != HASH_SIZE for value in hashes):
        raise MalformedNote(f"every hash of an inclusion proof has {HASH_SIZE} bytes")
    return LogProof(int(match[1]), hashes, checkpoint, extra)


def verify_log_proof(
    text: str, *, entry: bytes, key: VerifierKey, origin: str
) -> tuple[LogProof, Checkpoint]:
    """Check that an entry is in the log, and return the proof and the checkpoint it leads to.

    Args:
        entry: the entry's bytes exactly as logged.
        key: the log's key, obtained elsewhere than from the text.

    Raises:
        MalformedNote: it is no log proof.
        SignatureRefused: the checkpoint is not signed by this key, or is another log's.
        ProofRefused: the entry is not at this index of the tree.
    """
    proof = parse_log_proof(text)
    checkpoint = open_checkpoint(proof.checkpoint, key=key, origin=origin)
    verify_inclusion(
        leaf=leaf_hash(entry),
        index=proof.index,
        size=checkpoint.size,
        proof=proof.hashes,
        root=checkpoint.root,
    )
    return proof, checkpoint
