"""That this export is in the log: step 4. C2SP tlog-proof (as of commit ab17a74), checkpoint, witnesses."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tracebinder.verify.bag import LOG_ENTRY, LOG_PROOF
from tracebinder.verify.encoding import decode_base64
from tracebinder.verify.errors import BinderFailed, BinderMalformed, TrustNotMet, VerifyError
from tracebinder.verify.merkle import check_inclusion, leaf_hash
from tracebinder.verify.note import (
    CheckpointBody,
    SignedNote,
    cosignature_times,
    parse_checkpoint,
    parse_note,
)
from tracebinder.verify.strict_json import object_at, parse_object, text_at
from tracebinder.verify.trust import Trust, TrustedLog

PROOF_HEADER: Final = "c2sp.org/tlog-proof@v1"
SEAL_VERB: Final = "binder.sealed"
_INDEX: Final = re.compile(r"index (0|[1-9][0-9]{0,18})")
_MOST_HASHES: Final = 64  # a tree of 2^63 leaves has paths of 63


@dataclass(frozen=True, slots=True)
class TlogProof:
    """A proof taken apart: where, by which path, under which signed checkpoint."""

    index: int
    path: tuple[bytes, ...]
    note: SignedNote
    checkpoint: CheckpointBody


def parse_tlog_proof(data: bytes, *, member: str = LOG_PROOF) -> TlogProof:
    """Return the parts of a tlog-proof. Nothing is verified yet.

    Raises:
        BinderMalformed: not in the form of the specification.
    """
    head, blank, tail = data.partition(b"\n\n")
    try:
        lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError as exc:
        raise BinderMalformed("a tlog-proof's head is ASCII", member=member) from exc
    if not blank or lines[0] != PROOF_HEADER:
        raise BinderMalformed(f"must begin with {PROOF_HEADER}", member=member)
    rest = lines[1:]
    if rest and rest[0].startswith("extra "):
        raise BinderMalformed("carries extra data, which nothing signs", member=member)
    found = _INDEX.fullmatch(rest[0]) if rest else None
    if found is None or len(rest) > _MOST_HASHES:
        raise BinderMalformed("no index line, or too many hashes", member=member)
    path = tuple(decode_base64(line, member=member, length=32) for line in rest[1:])
    note = parse_note(tail, member=member)
    return TlogProof(
        index=int(found[1]), path=path, note=note, checkpoint=parse_checkpoint(note, member=member)
    )


def check_log_entry(entry: bytes, payload: bytes, *, system: str) -> None:
    """Check that the logged entry is the sealing of exactly this statement.

    Raises:
        BinderFailed: it is about something else.
        BinderMalformed: it is no JSON object of the log's form.
    """
    value = parse_object(entry, member=LOG_ENTRY)
    found = {
        "verb": text_at(value, "verb", member=LOG_ENTRY),
        "system": text_at(value, "system", member=LOG_ENTRY),
        "digest": text_at(object_at(value, "object", member=LOG_ENTRY), "digest", member=LOG_ENTRY),
    }
    expected = {"verb": SEAL_VERB, "system": system, "digest": hashlib.sha256(payload).hexdigest()}
    for key, wanted in expected.items():
        if found[key] != wanted:
            raise BinderFailed(f"its {key} is {found[key]!r}, not {wanted!r}", member=LOG_ENTRY)


def check_log_proof(entry: bytes, proof: TlogProof, log: TrustedLog, *, as_of: datetime) -> None:
    """Check signature, origin, size and inclusion, the last under the signed size and root only.

    Raises:
        BinderFailed: the checkpoint is not this log's, or the entry is not in its tree.
        TrustNotMet: the tree is smaller than one already seen: the log was rolled back.
    """
    try:
        _check_checkpoint(proof.note, proof.checkpoint, log, as_of)
        check_inclusion(
            leaf=leaf_hash(entry),
            index=proof.index,
            size=proof.checkpoint.size,
            path=proof.path,
            root=proof.checkpoint.root,
        )
    except VerifyError as exc:
        raise type(exc)(exc.detail, member=LOG_PROOF) from exc


def cosigned_at(note: SignedNote, trust: Trust) -> list[list[int]]:
    """Return when each trusted witness that cosigned the checkpoint did: POSIX seconds, 0 where it does not say."""
    return [found for witness in trust.witnesses if (found := cosignature_times(note, witness))]


def count_strangers(note: SignedNote, trust: Trust) -> int:
    """Return how many signature lines are by keys that nobody here knows: of the note they prove nothing."""
    logs = [trust.log.key, *(key for key, _ in trust.log.former)] if trust.log else []
    known = {(key.name, key.key_id) for key in (*trust.witnesses, *logs)}
    return sum((line.name, line.key_id) not in known for line in note.signatures)


def _check_checkpoint(note: SignedNote, checkpoint: CheckpointBody, log: TrustedLog, as_of: datetime) -> None:
    if checkpoint.origin != log.origin:
        raise BinderFailed(f"the checkpoint is of {checkpoint.origin!r}, not {log.origin!r}")
    if not log.signed(note, checkpoint.size):
        raise BinderFailed("the checkpoint is not signed by the trusted log key")
    if checkpoint.size < log.minimum_size and (log.seen_at is None or as_of >= log.seen_at):
        raise TrustNotMet(f"the log has {checkpoint.size} leaves, {log.minimum_size} were seen before")
