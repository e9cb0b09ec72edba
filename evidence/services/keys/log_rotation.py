"""Replacing the log's key on purpose, while the log goes on under its name and all that it signed keeps holding."""

from __future__ import annotations

import os
from pathlib import Path

from django.conf import settings
from django.db import transaction

from evidence.access import Principal
from evidence.acts import check_can_rotate_log_key
from evidence.digests import sha256_hex
from evidence.durable_files import replace_text, sync
from evidence.errors import InvalidInput
from evidence.locks import Lock, hold
from evidence.log.notes import FormerKey, SignerKey, VerifierKey
from evidence.models import Checkpoint
from evidence.services import audit
from evidence.services.keys.files import create_key_file, read_key_file
from evidence.services.keys.holders import holds_log_key
from evidence.services.keys.log_signer import (
    former_path,
    key_path,
    load_log_signer,
    load_log_verifier,
    publish_log_key,
    read_former_keys,
)

ROTATED_VERB = "log_key.rotated"


def rotate_log_key(*, principal: Principal, reason: str) -> VerifierKey:
    """Make another key for the log, put that on record, and return its public half.

    The old one counts for checkpoints up to the size that is signed by now, and for none after it. Its private half is
    kept as `log.ed25519.until-….pem` and signs beside the new one until somebody takes that file away: do so when
    everybody who verifies has the new `trust.json`, and at once where it was stolen.

    The event is committed before the new key is in its place: a crash between leaves the old one in use, and this is
    done again.

    Raises:
        AccessDenied: whoever asks does not run commands on this machine.
        InvalidInput: no reason, the key is held elsewhere, or nothing was signed: the first key is made by itself.
        LogKeyUnusable: the key in use cannot be read.
    """
    check_can_rotate_log_key(principal)
    if not holds_log_key():
        raise InvalidInput(
            "This process holds no keys of the log: replace the key where it lies, as the log worker's process."
        )
    if settings.LOG_KEY:
        raise InvalidInput(
            "The signer in TRACEBINDER_LOG_KEY holds the log's key, and none is replaced there yet."
        )
    if not reason.strip():
        raise InvalidInput("Say why the log's key is replaced.")
    last = Checkpoint.objects.order_by("-size").first()
    if last is None:
        raise InvalidInput("Nothing was signed yet: the first checkpoint makes the key by itself.")
    draft = key_path().with_suffix(".next")
    draft.unlink(missing_ok=True)
    create_key_file(draft)
    made = SignerKey(settings.LOG_ORIGIN, read_key_file(draft)).verifier
    with transaction.atomic():
        audit.record(
            verb=ROTATED_VERB,
            actor=principal.actor,
            obj=last,
            digest=sha256_hex(made.public_key),
            payload={"reason": reason, "old": load_log_verifier().vkey, "new": made.vkey},
        )
    _put_in_place(draft)
    made = load_log_verifier()
    publish_log_key(made)
    return made


def _put_in_place(draft: Path) -> None:
    """Replace the key between two checkpoints: nothing is signed meanwhile, so the old one counts for all it signed."""
    with transaction.atomic():
        hold(Lock.SIGNER)
        size = Checkpoint.objects.order_by("-size").values_list("size", flat=True).first() or 0
        path, old = key_path(), load_log_signer().verifier
        keys = [*read_former_keys(), FormerKey(VerifierKey(old.name, old.public_key), size)]
        replace_text(former_path(), "".join(f"{one.until_size} {one.key.vkey}\n" for one in keys))
        beside = path.with_name(f"{path.stem}.until-{old.key_id.hex()}.pem")
        beside.unlink(missing_ok=True)
        os.link(path, beside)
        draft.replace(path)  # at every moment there is a key, and what it replaced is known
        sync(path.parent)
