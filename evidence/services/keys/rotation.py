"""Another binder key, made on purpose and on record, where the old one is lost or no longer to be trusted."""

from __future__ import annotations

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
    FileSigner,
    key_path,
    load_binder_signer,
    was_used,
)
from evidence.services.keys.files import create_key_file, read_key_file


def rotate_binder_key(*, principal: Principal, reason: str) -> FileSigner:
    """Make another binder key, put that on record, and return it; the old file, if it is there, is kept beside it.

    The event is committed before the key is in its place: a crash between leaves a key that is refused, and this is
    done again.

    Args:
        reason: why, for whoever asks later which key signed what.

    Raises:
        AccessDenied: whoever asks does not run commands on this machine.
        InvalidInput: no reason, this process holds no keys, or no binder was ever signed: the first key is made by
            itself.
    """
    check_can_rotate_binder_key(principal)
    if not settings.HOLDS_KEYS:
        raise InvalidInput("This process holds no keys: replace the key where the export worker has it.")
    if not reason.strip():
        raise InvalidInput("Say why the binder key is replaced.")
    if not was_used():
        raise InvalidInput("No binder was ever signed: the first export makes the key by itself.")
    path = key_path()
    draft = path.with_suffix(".next")
    draft.unlink(missing_ok=True)
    create_key_file(draft)
    made = FileSigner(read_key_file(draft))
    with transaction.atomic():
        hold(Lock.BINDER_KEY)  # what the old key signed is stored before this, or not at all
        sealed = Binder.objects.order_by("pk").last() or AuditEvent.objects.filter(verb=SEAL_VERB).latest(
            "pk"
        )
        audit.record(
            verb=ROTATED_VERB,
            actor=principal.actor,
            obj=sealed,
            digest=made.keyid,
            payload={"reason": reason},
        )
    if path.exists():
        path.replace(path.with_suffix(f".until-{made.keyid[:16]}.pem"))
    draft.replace(path)
    return load_binder_signer()
