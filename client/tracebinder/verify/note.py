"""C2SP signed notes, checkpoints and cosignatures, checked against keys one already trusts.

Source: c2sp.org/signed-note v1.0.0, tlog-checkpoint v1.0.0, tlog-cosignature v1.0.1.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from typing import Final

from tracebinder.verify.encoding import decode_base64
from tracebinder.verify.errors import BinderMalformed
from tracebinder.verify.keys import signature_holds

ED25519: Final = 0x01
COSIGNATURE_V1: Final = 0x04
_SIGNATURE_LINE: Final = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})")
_DECIMAL: Final = re.compile(r"0|[1-9][0-9]{0,18}")
_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class NoteKey:
    """A verifier key: who, which algorithm byte (0x01 log, 0x04 witness), and the raw 32-byte Ed25519 key."""

    name: str
    algorithm: int
    public: bytes

    @property
    def key_id(self) -> bytes:
        """The 4 bytes that stand before this key's signatures."""
        named = self.name.encode() + b"\n" + bytes([self.algorithm]) + self.public
        return hashlib.sha256(named).digest()[:4]


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line: the name, the 4-byte key id, and the rest."""

    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class SignedNote:
    """A note's text, with its final newline, and its signatures."""

    text: str
    signatures: tuple[NoteSignature, ...]

    def to_text(self) -> str:
        """Return the note as it came."""
        lines = (f"— {s.name} {base64.b64encode(s.key_id + s.signature).decode()}\n" for s in self.signatures)
        return self.text + "\n" + "".join(lines)


@dataclass(frozen=True, slots=True)
class CheckpointBody:
    """What a checkpoint's text says. `root` is 32 bytes."""

    origin: str
    size: int
    root: bytes


def parse_vkey(text: str, *, member: str = "trust file") -> NoteKey:
    """Return the key of a C2SP vkey `name+keyid+base64`.

    Raises:
        BinderMalformed: it is none, of an algorithm not known here, or its key id does not belong to it.
    """
    parts = text.split("+", 2)
    if len(parts) != 3 or not parts[0] or any(c.isspace() for c in parts[0]):
        raise BinderMalformed(f"not a verifier key (name+id+key): {text[:80]!r}", member=member)
    raw = decode_base64(parts[2], member=member, length=33)
    key = NoteKey(name=parts[0], algorithm=raw[0], public=raw[1:])
    if key.algorithm not in {ED25519, COSIGNATURE_V1}:
        raise BinderMalformed(f"verifier key of unknown algorithm {key.algorithm}", member=member)
    if key.key_id.hex() != parts[1]:
        raise BinderMalformed(f"verifier key with a wrong id: {text[:80]!r}", member=member)
    return key


def vkey_of(key: NoteKey) -> str:
    """Return a key as the C2SP vkey `name+keyid+base64`."""
    return f"{key.name}+{key.key_id.hex()}+{base64.b64encode(bytes([key.algorithm]) + key.public).decode()}"


def parse_note(data: bytes, *, member: str) -> SignedNote:
    """Return a signed note taken apart. Nothing is verified yet.

    Raises:
        BinderMalformed: not in the form of the specification.
    """
    try:
        whole = data.decode()
    except UnicodeDecodeError as exc:
        raise BinderMalformed("a signed note is UTF-8", member=member) from exc
    text, blank, tail = whole.rpartition("\n\n")
    if not blank or not text or not tail.endswith("\n") or _CONTROL.search(whole):
        raise BinderMalformed("not a signed note: text, blank line, signature lines", member=member)
    signatures = tuple(_signature(line, member=member) for line in tail[:-1].split("\n"))
    return SignedNote(text=text + "\n", signatures=signatures)


def parse_checkpoint(note: SignedNote, *, member: str) -> CheckpointBody:
    """Return what the checkpoint in `note` says.

    Raises:
        BinderMalformed: no origin, size or root, in this order.
    """
    lines = note.text[:-1].split("\n")
    if len(lines) < 3 or not all(lines) or not _DECIMAL.fullmatch(lines[1]):
        raise BinderMalformed("not a checkpoint: origin, size and root line by line", member=member)
    root = decode_base64(lines[2], member=member, length=32)
    return CheckpointBody(origin=lines[0], size=int(lines[1]), root=root)


def is_signed_by(note: SignedNote, key: NoteKey) -> bool:
    """Say whether `key` signed the note: a line with its name and id whose signature holds."""
    return any(_holds(note, key, signature) for signature in _signatures_of(note, key))


def cosignature_times(note: SignedNote, key: NoteKey) -> list[int]:
    """Return the times of the cosignatures of `key` that hold: POSIX seconds, 0 where it says none.

    Args:
        key: of a witness.
    """
    return [_time_of(each) for each in _signatures_of(note, key) if _holds(note, key, each)]


def _signatures_of(note: SignedNote, key: NoteKey) -> list[bytes]:
    return [x.signature for x in note.signatures if x.name == key.name and x.key_id == key.key_id]


def _time_of(cosignature: bytes) -> int:
    return int.from_bytes(cosignature[:8], "big")


def _holds(note: SignedNote, key: NoteKey, signature: bytes) -> bool:
    if key.algorithm == ED25519:
        return signature_holds(key.public, signature, note.text.encode())
    if len(signature) != 72:
        return False
    message = f"cosignature/v1\ntime {_time_of(signature)}\n{note.text}".encode()
    return signature_holds(key.public, signature[8:], message)


def _signature(line: str, *, member: str) -> NoteSignature:
    found = _SIGNATURE_LINE.fullmatch(line)
    if found is None:
        raise BinderMalformed(f"not a signature line: {line[:60]!r}", member=member)
    raw = decode_base64(found[2], member=member)
    if len(raw) < 5:
        raise BinderMalformed("a signature line without a signature", member=member)
    return NoteSignature(name=found[1], key_id=raw[:4], signature=raw[4:])
