"""The log's own signing key: Ed25519, one file below `KEY_ROOT`, used for checkpoints and for nothing else.

The key is made once, before the first checkpoint. When checkpoints exist and the file is gone, nothing
replaces it: a new key under the old name would look to every auditor like another log.
"""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings

from evidence.errors import EvidenceError
from evidence.log.notes import SignerKey, VerifierKey
from evidence.models.audit import Checkpoint

KEY_FILE = "log.ed25519.pem"  # PKCS #8, not encrypted, mode 0600


class LogKeyUnusable(EvidenceError):
    """The log cannot be signed with what lies where its key should be."""

    code = "log_key_unusable"
    http_status = 500
    title = "The log's signing key cannot be used"


def load_log_signer() -> SignerKey:
    """Return the log's signing key under the log's origin as its name; make it where nothing is signed.

    Raises:
        LogKeyUnusable: the file is missing though checkpoints exist, can be read by others, or is no Ed25519
        key.
    """
    path = Path(settings.KEY_ROOT) / KEY_FILE
    if not path.exists():
        if Checkpoint.objects.exists():
            raise LogKeyUnusable(
                f"{path} is missing, but the log is already signed. Restore it from the backup."
            )
        _create_key(path)
    if path.stat().st_mode & 0o077:
        raise LogKeyUnusable(f"{path} can be read by others than its owner. Run: chmod 600 {path}")
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError) as exc:
        raise LogKeyUnusable(f"{path} holds no private key in PEM: {exc}") from exc
    if not isinstance(key, Ed25519PrivateKey):
        raise LogKeyUnusable(f"{path} holds another kind of key than Ed25519")
    return SignerKey(settings.LOG_ORIGIN, key)


def load_log_verifier() -> VerifierKey:
    """Return the public half of the log's key. Raises `LogKeyUnusable` as `load_log_signer` does."""
    return load_log_signer().verifier


def _create_key(path: Path) -> None:
    """Write a new key. Of two processes that start at once, one makes the file and both read it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(pem)
        stream.flush()
        os.fsync(stream.fileno())
    try:
        os.link(draft, path)  # unlike a rename, refuses to replace a key that another process has just made
    except FileExistsError:
        pass
    finally:
        draft.unlink()
