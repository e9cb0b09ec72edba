"""The log's own signing key: Ed25519, one file below `KEY_ROOT`, used for checkpoints and for nothing else.

The key is made once, before the first checkpoint. When checkpoints exist and the file is gone, nothing
replaces it: a new key under the old name would look to every auditor like another log.
"""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from evidence.errors import EvidenceError
from evidence.log.notes import SignerKey, VerifierKey
from evidence.models.audit import Checkpoint
from evidence.services.keys.files import KeyFileUnusable, create_key_file, read_key_file

KEY_FILE = "log.ed25519.pem"  # PKCS #8, not encrypted, mode 0600


class LogKeyUnusable(EvidenceError):
    """The log cannot be signed with what lies where its key should be."""

    code = "log_key_unusable"
    http_status = 500
    title = "The log's signing key cannot be used"


def load_log_signer() -> SignerKey:
    """Return the log's signing key under the log's origin as its name; make it where nothing is signed.

    Raises:
        LogKeyUnusable: the file is missing though checkpoints exist, can be read by others, or is no Ed25519 key.
    """
    check_log_key()
    path = Path(settings.KEY_ROOT) / KEY_FILE
    if not path.exists():
        create_key_file(path)
    try:
        key = read_key_file(path)
    except KeyFileUnusable as exc:
        raise LogKeyUnusable(str(exc)) from exc
    return SignerKey(settings.LOG_ORIGIN, key)


def check_log_key() -> None:
    """Raise `LogKeyUnusable` where the log is signed and its key is gone; make nothing."""
    path = Path(settings.KEY_ROOT) / KEY_FILE
    if not path.exists() and Checkpoint.objects.exists():
        raise LogKeyUnusable(f"{path} is missing, but the log is already signed. Restore it from the backup.")


def load_log_verifier() -> VerifierKey:
    """Return the public half of the log's key. Raises `LogKeyUnusable` as `load_log_signer` does."""
    return load_log_signer().verifier
