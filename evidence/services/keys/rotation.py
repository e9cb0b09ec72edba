"""Another binder key, made on purpose and on record, where the old one is lost or no longer to be trusted."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

from django.conf import settings
from django.db import transaction

from evidence.access import Principal
from evidence.acts import check_can_rotate_binder_key
from evidence.errors import InvalidInput
from evidence.locks import Lock, hold
from evidence.models import AuditEvent, Binder
from evidence.services import audit
from evidence.services.keys.binder_signer import (
    ROTATED_VERB,
    SEAL_VERB,
    KeySigner,
    SignerKeyReplaced,
    key_path,
    keyid_on_record,
    last_rotations,
    load_binder_signer,
    was_used,
)
from evidence.services.keys.files import create_key_file, read_key_file
from evidence.services.keys.holders import holds_binder_key
from evidence.services.keys.remote import open_remote_key
from evidence.worded import worded


def rotate_binder_key(*, principal: Principal, reason: str) -> KeySigner:
    """Make another binder key, put that on record, and return it; the old file, if it is there, is kept beside it.

    The event is committed before the key is in its place: a crash between leaves a key that is refused, and this is
    done again.

    Args:
        reason: why, for whoever asks later which key signed what.

    Raises:
        AccessDenied: whoever asks does not run commands on this machine.
        InvalidInput: no reason, this process holds no keys, or no binder was ever signed: the first key is made by
            itself.
        SignerKeyReplaced: another rotation went on record after this one and before its key was in place.
    """
    check_can_rotate_binder_key(principal)
    if not holds_binder_key():
        raise InvalidInput(
            worded(
                "This process holds no keys for binders: replace the key where the export worker has it.",
            )
        )
    if not reason.strip():
        raise InvalidInput(worded("Say why the binder key is replaced."))
    if not was_used():
        raise InvalidInput(worded("No binder was ever signed: the first export makes the key by itself."))
    if settings.BINDER_KEY:
        return _take_up(KeySigner(open_remote_key(settings.BINDER_KEY)), principal.actor, reason)
    draft = key_path().with_suffix(f".{uuid4().hex}.next")  # its own: another may be made at the same time
    try:
        create_key_file(draft)
        made = KeySigner(read_key_file(draft))
        _put_on_record(made, principal.actor, reason)
        _put_in_place(made, draft)
    finally:
        draft.unlink(missing_ok=True)
    return load_binder_signer()


def _take_up(made: KeySigner, actor: str, reason: str) -> KeySigner:
    """Put on record that the key of the signer that the settings name signs from now on."""
    if (in_use := keyid_on_record()) == made.keyid:
        raise InvalidInput(
            worded(
                "TRACEBINDER_BINDER_KEY names %(in_use)s, which signs already: name another first.",
                in_use=in_use,
            )
        )
    _put_on_record(made, actor, reason)
    return load_binder_signer()


@transaction.atomic
def _put_on_record(made: KeySigner, actor: str, reason: str) -> None:
    hold(Lock.BINDER_KEY)  # what the old key signed is stored before this, or not at all
    sealed = Binder.objects.order_by("pk").last() or AuditEvent.objects.filter(verb=SEAL_VERB).latest("pk")
    audit.record(verb=ROTATED_VERB, actor=actor, obj=sealed, digest=made.keyid, payload={"reason": reason})


@transaction.atomic
def _put_in_place(made: KeySigner, draft: Path) -> None:
    """Move a key to where it signs, and the one that lay there beside it."""
    hold(Lock.BINDER_KEY)
    if last_rotations()[0].object_digest != made.keyid:
        raise SignerKeyReplaced(
            worded("Another key was made on purpose at the same time, and that one signs.")
        )
    path = key_path()
    if path.exists():
        path.replace(path.with_suffix(f".until-{made.keyid[:16]}.pem"))
    draft.replace(path)
