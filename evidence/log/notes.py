"""C2SP signed notes v1.0.0 with Ed25519 (type 0x01), the checkpoints of tlog-checkpoint v1.0.0 in them, and what
witnesses sign below (tlog-cosignature v1, type 0x04).

A note's text means nothing until `open_note` has found a trusted key's signature that verifies; signatures of
unknown keys are passed over, as the format demands, so that a log can change its key and witnesses can join.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from evidence.log.encoding import decode_base64, encode_base64
from evidence.log.errors import MalformedNote, SignatureRefused
from evidence.log.tree import HASH_SIZE

ED25519: Final = b"\x01"  # signature type identifier
COSIGNATURE: Final = b"\x04"  # of a witness: 8 bytes of time before the signature
MAX_SIGNATURES: Final = 64  # lines we read; the format asks for at least 16
_SIGNATURE_LINE: Final = re.compile(r"\u2014 (?P<name>[^\s+]+) (?P<data>\S+)")
_FORBIDDEN: Final = re.compile("[\x00-\x09\x0b-\x1f\ud800-\udfff]")  # a lone surrogate is no Unicode text
_NAME: Final = re.compile(r"[^\s+\ud800-\udfff]+")
_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line."""

    name: str  # key name
    key_id: bytes  # 4 bytes
    signature: bytes  # as long as the key's algorithm makes it; 64 bytes for Ed25519

    @property
    def line(self) -> str:
        """The line that stands below the text, with its newline."""
        return f"\u2014 {self.name} {encode_base64(self.key_id + self.signature)}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A text and who claims to have signed it; nothing is verified yet."""

    text: str  # ends in a newline
    signatures: tuple[NoteSignature, ...]

    def to_text(self) -> str:
        """Return the note as it is stored and served."""
        return self.text + "\n" + "".join(signature.line for signature in self.signatures)


@dataclass(frozen=True, slots=True)
class FormerKey:
    """A log's key that was replaced. It counts up to the size at which it was: whoever has it now signs nothing new."""

    key: VerifierKey
    until_size: int  # leaves


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key under its name: what an auditor keeps outside the system it checks."""

    name: str
    public_key: bytes  # 32 bytes, RFC 8032
    kind: bytes = ED25519  # or `COSIGNATURE`, of a witness
    former: tuple[FormerKey, ...] = ()  # keys that this one replaced: what they signed then holds for ever

    @property
    def key_id(self) -> bytes:
        """The first 4 bytes of `SHA-256(name || 0x0A || type || public key)`."""
        return hashlib.sha256(self.name.encode() + b"\n" + self.kind + self.public_key).digest()[:4]

    @property
    def vkey(self) -> str:
        """The key as text: `<name>+<key id in hex>+<base64 of type and key>`."""
        return f"{self.name}+{self.key_id.hex()}+{encode_base64(self.kind + self.public_key)}"


class SigningKey(Protocol):
    """A private key, wherever it lives: in this process, or in another that signs for it."""

    def sign(self, data: bytes, /) -> bytes:
        """Return the 64-byte Ed25519 signature over `data`."""

    def public_key(self) -> Ed25519PublicKey:
        """Return the public half."""


@dataclass(frozen=True, slots=True)
class SignerKey:
    """A private key under its name."""

    name: str
    private_key: SigningKey
    former: tuple[FormerKey, ...] = ()

    @property
    def verifier(self) -> VerifierKey:
        """The public half."""
        public = self.private_key.public_key().public_bytes_raw()
        return VerifierKey(self.name, public, former=self.former)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree head: which log, how many leaves, which root."""

    origin: str  # the log's name, for example "tracebinder.example/log"
    size: int  # leaves
    root: bytes  # 32 bytes

    @property
    def text(self) -> str:
        """The note text that is signed."""
        return f"{self.origin}\n{self.size}\n{encode_base64(self.root)}\n"


def parse_vkey(text: str, *, kind: bytes = ED25519) -> VerifierKey:
    """Return the key of a vkey: of a log, or with `COSIGNATURE` of a witness.

    Raises:
        MalformedNote: it is no vkey, of another kind, or its key id is another key's.
    """
    name, _, rest = text.strip().partition("+")
    key_id, _, data = rest.partition("+")
    raw = decode_base64(data)
    if not _NAME.fullmatch(name) or len(raw) != 33 or raw[:1] != kind:
        raise MalformedNote(
            f"no Ed25519 verifier key of type {kind.hex()}: expected <name>+<key id>+<base64>, with that type first"
        )
    key = VerifierKey(name, raw[1:], kind)
    if key_id != key.key_id.hex():
        raise MalformedNote(f"the key id {key_id[:16]!r} is not that of the key, {key.key_id.hex()}")
    return key


def sign_note(text: str, *signers: SignerKey) -> Note:
    """Return the text signed by each signer, in the order given.

    Raises:
        MalformedNote: the text has no last newline or holds control characters, or a name is not allowed.
    """
    _require_text(text)
    if bad := [signer.name for signer in signers if not _NAME.fullmatch(signer.name)]:
        raise MalformedNote(f"a key name must have no space and no plus: {bad[0]!r}")
    signed = (NoteSignature(s.name, s.verifier.key_id, s.private_key.sign(text.encode())) for s in signers)
    return Note(text, tuple(signed))


def parse_note(note: str) -> Note:
    """Return a note's text and signatures, none of them verified.

    Raises:
        MalformedNote: it is no signed note.
    """
    text, separator, block = note.rpartition("\n\n")
    if not separator or not block.endswith("\n"):
        raise MalformedNote("a note is a text, an empty line and signature lines, each ended by a newline")
    _require_text(text + "\n")
    lines = block[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise MalformedNote(f"more than {MAX_SIGNATURES} signatures")
    return Note(text + "\n", tuple(_parse_signature(line) for line in lines))


def open_note(note: str, trusted: Collection[VerifierKey]) -> tuple[str, list[VerifierKey]]:
    """Return a note's text and the trusted keys that signed it, at least one.

    Raises:
        MalformedNote: it is no signed note.
        SignatureRefused: no trusted key signed it, or a trusted key's signature does not verify.
    """
    parsed = parse_note(note)
    known = {(key.name, key.key_id): key for key in trusted}
    signed: list[VerifierKey] = []
    for line in parsed.signatures:
        key = known.get((line.name, line.key_id))
        if key is None:
            continue
        try:
            Ed25519PublicKey.from_public_bytes(key.public_key).verify(line.signature, parsed.text.encode())
        except (InvalidSignature, ValueError) as exc:
            raise SignatureRefused(f"the signature of {line.name} does not verify") from exc
        if key not in signed:
            signed.append(key)
    if not signed:
        raise SignatureRefused("no trusted key signed this note")
    return parsed.text, signed


def parse_signatures(lines: str) -> list[NoteSignature]:
    """Return signature lines that came without their note, none of them verified.

    Raises:
        MalformedNote: one of them is none, or they are too many.
    """
    found = lines.removesuffix("\n").split("\n")
    if not lines.endswith("\n") or len(found) > MAX_SIGNATURES:
        raise MalformedNote(f"expected 1 to {MAX_SIGNATURES} signature lines, each ended by a newline")
    return [_parse_signature(line) for line in found]


def open_cosignature(text: str, signature: NoteSignature, witness: VerifierKey) -> int:
    """Return when a witness cosigned a checkpoint's text, in seconds since 1970 by its own clock.

    Raises:
        SignatureRefused: it did not.
    """
    raw = signature.signature
    if (signature.name, signature.key_id) != (witness.name, witness.key_id) or len(raw) != 72:
        raise SignatureRefused(f"no cosignature of {witness.name}")
    moment = int.from_bytes(raw[:8], "big")
    try:
        key = Ed25519PublicKey.from_public_bytes(witness.public_key)
        key.verify(raw[8:], f"cosignature/v1\ntime {moment}\n{text}".encode())
    except (InvalidSignature, ValueError) as exc:
        raise SignatureRefused(f"the cosignature of {witness.name} does not verify") from exc
    return moment


def parse_checkpoint(text: str) -> Checkpoint:
    """Return the tree head in a note's text; extension lines are allowed and ignored.

    Raises:
        MalformedNote: it is no checkpoint text.
    """
    lines = text.split("\n")
    if len(lines) < 4 or lines[-1] or not all(lines[:-1]):
        raise MalformedNote("a checkpoint is at least three lines, none of them empty")
    if not _SIZE.fullmatch(lines[1]):
        raise MalformedNote(f"no tree size: {lines[1][:40]!r}")
    root = decode_base64(lines[2])
    if len(root) != HASH_SIZE:
        raise MalformedNote(f"a root has {HASH_SIZE} bytes, not {len(root)}")
    return Checkpoint(lines[0], int(lines[1]), root)


def open_checkpoint(note: str, *, key: VerifierKey, origin: str) -> Checkpoint:
    """Return the tree head of a signed checkpoint.

    Raises:
        MalformedNote: it is no signed checkpoint.
        SignatureRefused: neither this key signed it, nor one that it replaced and that counted at this size; or it is
            another log's.
    """
    text, signed = open_note(note, [key, *(former.key for former in key.former)])
    checkpoint = parse_checkpoint(text)
    counting = [former.key for former in key.former if checkpoint.size <= former.until_size]
    if not any(one in signed for one in (key, *counting)):
        raise SignatureRefused(
            f"at {checkpoint.size} leaves only a key signed it that had been replaced by then"
        )
    if checkpoint.origin != origin:
        raise SignatureRefused(f"the checkpoint is of the log {checkpoint.origin!r}, not of {origin!r}")
    return checkpoint


def _require_text(text: str) -> None:
    if not text.endswith("\n") or _FORBIDDEN.search(text):
        raise MalformedNote(
            "a note's text is Unicode, ends in a newline and holds no other control characters"
        )


def _parse_signature(line: str) -> NoteSignature:
    match = _SIGNATURE_LINE.fullmatch(line)
    if match is None:
        raise MalformedNote(f"no signature line: {line[:80]!r}")
    data = decode_base64(match["data"])
    if len(data) < 5:
        raise MalformedNote("a signature has a key id of 4 bytes and at least one byte more")
    return NoteSignature(match["name"], data[:4], data[4:])
