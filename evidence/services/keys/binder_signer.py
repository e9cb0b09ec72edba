"""The binder signer's key: Ed25519, apart from the log's key, so that who holds one need not hold the other.

One file below `KEY_ROOT`, made before the first export; or, where `BINDER_KEY` names it, held by another process
(`remote`).
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from django.conf import settings
from django.db.models import QuerySet

from evidence.digests import sha256_hex
from evidence.errors import EvidenceError
from evidence.locks import Lock, hold
from evidence.log.notes import SigningKey
from evidence.models import AuditEvent, Binder
from evidence.services.keys.files import KEYS_ELSEWHERE, KeyFileUnusable, create_key_file, read_key_file
from evidence.services.keys.holders import holds_binder_key
from evidence.services.keys.public_keys import BINDER, publish, read_published_key
from evidence.services.keys.remote import open_remote_key
from evidence.worded import sentence_of, worded

KEY_FILE: Final = "binder.ed25519.pem"
SEAL_VERB: Final = "binder.sealed"  # what a binder's event says; the offline verifier looks for it
ROTATED_VERB: Final = "binder_key.rotated"

_WAYS_OUT: Final = worded(
    "Restore it from the backup. Where it is lost for ever, `manage.py rotate_binder_key --reason ...` makes another, "
    "on record; then everybody who verifies binders needs the new trust.json."
)


class SignerKeyReplaced(EvidenceError):
    """What was signed is not stored, because its key was replaced meanwhile; trying again signs with the new one."""

    code = "signer_key_replaced"
    http_status = 503
    title = "The binder signing key was replaced"
    retry_after: ClassVar[int] = 1  # seconds


class SignerKeyUnusable(EvidenceError):
    """Binders cannot be signed with what lies where their key should be."""

    code = "signer_key_unusable"
    http_status = 500
    title = "The binder signing key cannot be used"


@dataclass(frozen=True, slots=True)
class KeySigner:
    """An `evidence.binder.dsse.BinderSigner` by an Ed25519 key, wherever that lives."""

    private: SigningKey

    @property
    def public(self) -> bytes:
        """The raw 32-byte public key."""
        return self.private.public_key().public_bytes_raw()

    @property
    def keyid(self) -> str:
        """SHA-256 of the raw public key, in hexadecimal."""
        return sha256_hex(self.public)

    def sign(self, data: bytes) -> bytes:
        """Return the 64-byte Ed25519 signature over `data`."""
        return self.private.sign(data)


def load_binder_signer() -> KeySigner:
    """Return the key that signs binders, its public half published; make it where none was ever used.

    Raises:
        SignerKeyUnusable, SignerAway: as `check_binder_key`, or this process is to hold no such key.
    """
    if not holds_binder_key():
        raise SignerKeyUnusable(KEYS_ELSEWHERE)
    path = key_path()
    if not settings.BINDER_KEY and not path.exists() and not was_used():
        create_key_file(path)
    signer = check_binder_key() or KeySigner(read_key_file(path))
    publish(BINDER, signer.public)
    return signer


def load_binder_public() -> bytes:
    """Return the raw public half of the key that signs binders, which is published for processes that do not hold it.

    Raises:
        SignerKeyUnusable: as `load_binder_signer`, where this process holds the key.
        PublicKeyMissing: where it does not, and whoever does has published none yet.
    """
    return load_binder_signer().public if holds_binder_key() else read_published_key(BINDER)


def check_binder_key() -> KeySigner | None:
    """Return the key that lies there, and make nothing; None where none does and none was used.

    A new key in silence would make the next binder one that nobody's `trust.json` knows, as a forged one is.

    Raises:
        SignerKeyUnusable: the file is missing though binders were signed, holds another key than the one that signed
            the last, can be read by others, or holds no Ed25519 key in PEM.
        SignerAway: another process holds it, and does not answer.
    """
    signer = _find_key()
    if signer is not None and (known := keyid_on_record()) and signer.keyid != known:
        raise SignerKeyUnusable(
            worded(
                "%(file)s holds the key %(keyid)s, but the last one on record is %(known)s. %(ways_out)s",
                file=settings.BINDER_KEY or key_path(),
                keyid=signer.keyid,
                known=known,
                ways_out=_WAYS_OUT,
            )
        )
    return signer


def _find_key() -> KeySigner | None:
    if settings.BINDER_KEY:
        return KeySigner(open_remote_key(settings.BINDER_KEY))
    path = key_path()
    if not path.exists():
        if was_used():
            raise SignerKeyUnusable(
                worded(
                    "%(path)s is missing, but binders were signed with it. %(ways_out)s",
                    path=path,
                    ways_out=_WAYS_OUT,
                )
            )
        return None
    try:
        return KeySigner(read_key_file(path))
    except KeyFileUnusable as exc:
        raise SignerKeyUnusable(sentence_of(exc)) from exc


def check_not_replaced(signer: KeySigner) -> None:
    """Refuse to store what a replaced key signed; until the transaction ends, none is replaced.

    Raises:
        SignerKeyReplaced: another key was made on purpose since the signer was loaded.
    """
    hold(Lock.BINDER_KEY)
    made = _keyid_made_on_purpose()
    if made and made != signer.keyid:
        raise SignerKeyReplaced(worded("The binder key was replaced while this was exported. Ask again."))


def was_used() -> bool:
    """Whether a binder was ever sealed: then its signer's key is known to others."""
    return Binder.objects.exists() or AuditEvent.objects.filter(verb=SEAL_VERB).exists()


def keyid_on_record() -> str:
    """Return the key that was last made on purpose, whatever another has signed since; where none was, the one that
    signed the last binder; empty where there is neither.
    """
    if made := _keyid_made_on_purpose():
        return made
    binder = Binder.objects.order_by("pk").last()
    return str(json.loads(binder.sidecar)["signatures"][0]["keyid"]) if binder else ""


def _keyid_made_on_purpose() -> str:
    rotated = last_rotations().first()
    return rotated.object_digest if rotated else ""


def last_rotations() -> QuerySet[AuditEvent]:
    """Return the events that replaced the binder key, the last one first."""
    return AuditEvent.objects.filter(verb=ROTATED_VERB).order_by("-pk")


def key_path() -> Path:
    """Return where the key lies."""
    return Path(settings.KEY_ROOT) / KEY_FILE


def trusted_signer(public: bytes) -> dict[str, object]:
    """Return the holder of a key as an entry of `trust.json`."""
    return {
        "name": "binder signer",
        "keyid": sha256_hex(public),
        "algorithm": "ed25519",
        "publicKey": base64.b64encode(public).decode(),
    }
