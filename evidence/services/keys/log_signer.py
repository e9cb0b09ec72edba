"""The log's own signing key: Ed25519, one file below `KEY_ROOT`, used for checkpoints and for nothing else.

The key is made once, before the first checkpoint. When checkpoints exist and the file is gone, nothing
replaces it: a new key under the old name would look to every auditor like another log.
"""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from evidence.errors import EvidenceError
from evidence.log import notes
from evidence.log.errors import LogError
from evidence.log.notes import SignerKey, VerifierKey
from evidence.models.audit import Checkpoint
from evidence.services.keys.files import KEYS_ELSEWHERE, KeyFileUnusable, create_key_file, read_key_file
from evidence.services.keys.public_keys import LOG, read_published_key

KEY_FILE = "log.ed25519.pem"  # PKCS #8, not encrypted, mode 0600


class LogKeyUnusable(EvidenceError):
    """The log cannot be signed with what lies where its key should be."""

    code = "log_key_unusable"
    http_status = 500
    title = "The log's signing key cannot be used"


def load_log_signer() -> SignerKey:
    """Return the log's signing key under the log's origin as its name; make it where nothing is signed.

    Raises:
        LogKeyUnusable: the file is missing though checkpoints exist, can be read by others, or is no Ed25519 key; or
            this process is to hold no keys.
    """
    if not settings.HOLDS_KEYS:
        raise LogKeyUnusable(KEYS_ELSEWHERE)
    path = key_path()
    if not path.exists():
        if Checkpoint.objects.exists():
            raise LogKeyUnusable(
                f"{path} is missing, but the log is already signed. Restore it from the backup."
            )
        create_key_file(path)
    return _read_signer(path)


def check_log_key() -> None:
    """See that the key that lies there is the one that signed last; make nothing.

    Raises:
        LogKeyUnusable: as `load_log_signer`, or the last checkpoint is not signed by the key.
    """
    last = Checkpoint.objects.order_by("-size").values_list("note", flat=True).first()
    if last is None and not key_path().exists():
        return
    signer = load_log_signer()
    try:
        if last is not None:
            notes.open_checkpoint(last, key=signer.verifier, origin=settings.LOG_ORIGIN)
    except LogError as exc:
        raise LogKeyUnusable(
            f"{key_path()} did not sign the last checkpoint ({exc}), and nothing is signed with it. Restore the key, "
            "and the origin, with which the log was begun."
        ) from exc


def key_path() -> Path:
    """Return where the key lies."""
    return Path(settings.KEY_ROOT) / KEY_FILE


def _read_signer(path: Path) -> SignerKey:
    try:
        return SignerKey(settings.LOG_ORIGIN, read_key_file(path))
    except KeyFileUnusable as exc:
        raise LogKeyUnusable(str(exc)) from exc


def load_log_verifier() -> VerifierKey:
    """Return the public half of the log's key, which is published for processes that do not hold it.

    Raises:
        LogKeyUnusable: as `load_log_signer`, where this process holds the key.
        PublicKeyMissing: where it does not, and whoever does has published none yet.
    """
    if settings.HOLDS_KEYS:
        return load_log_signer().verifier
    return VerifierKey(settings.LOG_ORIGIN, read_published_key(LOG))
