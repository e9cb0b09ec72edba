"""The log's own signing key: Ed25519, one file below `KEY_ROOT`, used for checkpoints and for nothing else; or, where
`LOG_KEY` names it, held by another process (`remote`).

The key is made once, before the first checkpoint. When checkpoints exist and the file is gone, nothing
replaces it: a new key under the old name would look to every auditor like another log. Where it is replaced on purpose
(`rotate_log_key`), what it signed is known by its public half, which lies beside it; and as long as the old private
half lies there, too, it signs beside the new one, for those who have not heard of the new one yet. Of two that other
processes hold, the old one signs nothing.
"""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from evidence.errors import EvidenceError
from evidence.log import notes
from evidence.log.errors import LogError
from evidence.log.notes import FormerKey, SignerKey, VerifierKey
from evidence.models.audit import Checkpoint
from evidence.services.keys.files import KEYS_ELSEWHERE, KeyFileUnusable, create_key_file, read_key_file
from evidence.services.keys.holders import holds_log_key
from evidence.services.keys.public_keys import (
    LOG,
    PublicKeyMissing,
    former_keys_path,
    publish,
    publish_former_keys,
    read_published_former_keys,
    read_published_key,
)
from evidence.services.keys.remote import open_remote_key
from evidence.worded import sentence_of, worded

KEY_FILE = "log.ed25519.pem"  # PKCS #8, not encrypted, mode 0600
FORMER_FILE = "log.former-keys"  # "<size> <vkey>" of each key that was replaced, the first one first


class LogKeyUnusable(EvidenceError):
    """The log cannot be signed with what lies where its key should be."""

    code = "log_key_unusable"
    http_status = 500
    title = "The log's signing key cannot be used"


def load_log_signer() -> SignerKey:
    """Return the log's signing key under the log's origin as its name; make it where nothing is signed.

    Raises:
        LogKeyUnusable: the file is missing though checkpoints exist, can be read by others, or is no Ed25519 key; or
            this process is to hold no such key.
        SignerAway: another process holds it, and does not answer.
    """
    if not holds_log_key():
        raise LogKeyUnusable(KEYS_ELSEWHERE)
    if settings.LOG_KEY:
        return _open_remote_signer()
    path = key_path()
    if not path.exists():
        if Checkpoint.objects.exists():
            raise LogKeyUnusable(
                worded(
                    "%(path)s is missing, but the log is already signed. Restore it from the backup.",
                    path=path,
                )
            )
        create_key_file(path)
    return _read_signer(path)


def _open_remote_signer() -> SignerKey:
    """Return the key at the address in the settings, which a process that was started before may still have of old."""
    key = open_remote_key(settings.LOG_KEY)
    if (until := until_when(key.public)) is not None:
        raise LogKeyUnusable(
            worded(
                "The key that %(file)s holds was replaced at %(until)s leaves: set "
                "TRACEBINDER_LOG_KEY to the signer that followed it, and start this process again.",
                file=settings.LOG_KEY,
                until=f"{until:,}",
            )
        )
    return SignerKey(settings.LOG_ORIGIN, key, read_former_keys())


def read_key_in_use(last: Checkpoint) -> VerifierKey:
    """Return the public half of the key that signed last, as it was published, whatever the settings name by now.

    Raises:
        LogKeyUnusable: it was not published here.
    """
    try:
        key = VerifierKey(settings.LOG_ORIGIN, read_published_key(LOG), former=read_former_keys())
        notes.open_checkpoint(last.note, key=key, origin=settings.LOG_ORIGIN)
    except (PublicKeyMissing, LogError) as exc:
        raise LogKeyUnusable(
            worded(
                "The public half of the key that signed last does not lie in TRACEBINDER_PUBLIC_KEYS, "
                "so none is replaced: start the log worker once with the key that it had, which puts "
                "it there.",
            )
        ) from exc
    return key


def check_log_key() -> None:
    """See that the key that lies there is the one that signed last; make nothing.

    Raises:
        LogKeyUnusable: as `load_log_signer`, or the last checkpoint is not signed by the key.
    """
    last = Checkpoint.objects.order_by("-size").values_list("note", flat=True).first()
    if last is None and not settings.LOG_KEY and not key_path().exists():
        return
    signer = load_log_signer()
    try:
        if last is not None:
            notes.open_checkpoint(last, key=signer.verifier, origin=settings.LOG_ORIGIN)
    except LogError as exc:
        raise LogKeyUnusable(
            worded(
                "%(file)s did not sign the last checkpoint (%(reason)s), and nothing is signed with it. "
                "Restore the key, and the origin, with which the log was begun.",
                file=settings.LOG_KEY or key_path(),
                reason=sentence_of(exc),
            )
        ) from exc


def key_path() -> Path:
    """Return where the key lies."""
    return Path(settings.KEY_ROOT) / KEY_FILE


def load_signers_beside(signer: SignerKey) -> list[SignerKey]:
    """Return the replaced keys whose private halves still lie there: they sign beside the one in use."""
    paths = sorted(Path(settings.KEY_ROOT).glob(f"{Path(KEY_FILE).stem}.until-*.pem"))
    found = [_read_signer(path) for path in paths]
    return [
        one for one in found if one.verifier != signer.verifier
    ]  # a crash while it is replaced leaves it twice


def former_path() -> Path:
    """Return where the public halves of replaced keys lie."""
    return Path(settings.KEY_ROOT) / FORMER_FILE


def read_former_keys() -> tuple[FormerKey, ...]:
    """Return the keys that were replaced, the first one first.

    Raises:
        LogKeyUnusable: the file is not as `rotate_log_key` writes it.
    """
    return _parse_former_keys(_former_text(), former_path())


def until_when(public: bytes) -> int | None:
    """Return up to which size a key counts that was replaced; None where it was not."""
    return next((one.until_size for one in read_former_keys() if one.key.public_key == public), None)


def _former_text() -> str:
    try:
        return former_path().read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""


def _parse_former_keys(text: str, path: Path) -> tuple[FormerKey, ...]:
    try:
        parts = [line.partition(" ") for line in text.splitlines()]
        return tuple(FormerKey(notes.parse_vkey(vkey), int(size)) for size, _, vkey in parts)
    except ValueError as exc:
        raise LogKeyUnusable(
            worded(
                "%(path)s is not as it was written (%(reason)s). Restore it from the backup.",
                path=path,
                reason=sentence_of(exc),
            )
        ) from exc


def _read_signer(path: Path) -> SignerKey:
    try:
        return SignerKey(settings.LOG_ORIGIN, read_key_file(path), read_former_keys())
    except KeyFileUnusable as exc:
        raise LogKeyUnusable(sentence_of(exc)) from exc


def publish_log_key(verifier: VerifierKey) -> None:
    """Publish the public half of the log's key, and before it those of the keys that it replaced.

    In this order, whoever reads between the two knows each key that has signed.
    """
    publish_former_keys(_former_text())
    publish(LOG, verifier.public_key)


def load_log_verifier() -> VerifierKey:
    """Return the public half of the log's key, which is published for processes that do not hold it.

    Raises:
        LogKeyUnusable: as `load_log_signer`, where this process holds the key; where it does not, the published list
            of replaced keys is not as it was written.
        PublicKeyMissing: where it does not, and whoever does has published none yet.
    """
    if holds_log_key():
        return load_log_signer().verifier
    public = read_published_key(LOG)  # first: a key published meanwhile is not without those that it replaced
    former = _parse_former_keys(read_published_former_keys(), former_keys_path())
    return VerifierKey(settings.LOG_ORIGIN, public, former=former)
