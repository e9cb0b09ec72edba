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
from evidence.event_rules import LOG_KEY_ROTATED
from evidence.locks import Lock, hold
from evidence.log.notes import FormerKey, SignerKey, VerifierKey
from evidence.models import Checkpoint
from evidence.services.keys.files import create_key_file, read_key_file
from evidence.services.keys.holders import holds_log_key
from evidence.services.keys.log_signer import (
    former_path,
    key_path,
    load_log_signer,
    load_log_verifier,
    publish_log_key,
    read_former_keys,
    read_key_in_use,
    until_when,
)
from evidence.services.keys.remote import open_remote_key
from evidence.services.log import record_log_act
from evidence.worded import worded


def rotate_log_key(*, principal: Principal, reason: str) -> VerifierKey:
    """Make another key for the log, put that on record, and return its public half. Where the settings name the signer
    that holds the log's key, take up the one that it holds now.

    The old one counts for checkpoints up to the size that is signed by now, and for none after it. Its private half is
    kept as `log.ed25519.until-….pem` and signs beside the new one until somebody takes that file away: do so when
    everybody who verifies has the new `trust.json`, and at once where it was stolen.

    The event is committed before the new key is in its place: a crash between leaves the old one in use, and this is
    done again.

    Raises:
        AccessDenied: whoever asks does not run commands on this machine.
        InvalidInput: no reason, the key is held elsewhere, nothing was signed: the first key is made by itself; or the
            signer in the settings holds no other key than before.
        LogKeyUnusable: the key in use cannot be read.
        SignerAway: the signer in the settings does not answer.
    """
    check_can_rotate_log_key(principal)
    if not holds_log_key():
        raise InvalidInput(
            worded(
                "This process holds no keys of the log: replace the key where it lies, as the log "
                "worker's process.",
            )
        )
    if not reason.strip():
        raise InvalidInput(worded("Say why the log's key is replaced."))
    last = Checkpoint.objects.order_by("-size").first()
    if last is None:
        raise InvalidInput(worded("Nothing was signed yet: the first checkpoint makes the key by itself."))
    if settings.LOG_KEY:
        _take_up(last, reason)
    else:
        draft = key_path().with_suffix(".next")
        draft.unlink(missing_ok=True)
        create_key_file(draft)
        made = SignerKey(settings.LOG_ORIGIN, read_key_file(draft)).verifier
        _put_on_record(last, reason, old=load_log_verifier(), made=made)
        _put_in_place(draft)
    made = load_log_verifier()
    publish_log_key(made)
    return made


def _take_up(last: Checkpoint, reason: str) -> None:
    """Have the key of the signer that the settings name sign from now on.

    The one that it replaces signs beside it where it lies here as a file, and otherwise no more.
    """
    old = read_key_in_use(last)
    made = VerifierKey(settings.LOG_ORIGIN, open_remote_key(settings.LOG_KEY).public)
    if made.public_key == old.public_key:
        raise InvalidInput(
            worded("TRACEBINDER_LOG_KEY names the key that signs already: name another signer first.")
        )
    if (until := until_when(made.public_key)) is not None:
        raise InvalidInput(
            worded(
                "The key in TRACEBINDER_LOG_KEY was replaced at %(until)s leaves: name one that was not.",
                until=f"{until:,}",
            )
        )
    _put_on_record(last, reason, old=old, made=made)
    with transaction.atomic():
        hold(Lock.SIGNER)
        if until_when(old.public_key) is None:  # once it is in the list, it signs nothing
            _add_to_former(old)
        if key_path().exists():
            key_path().replace(_beside(old))
            sync(key_path().parent)


def _put_on_record(last: Checkpoint, reason: str, *, old: VerifierKey, made: VerifierKey) -> None:
    record_log_act(
        verb=LOG_KEY_ROTATED,
        obj=last,
        digest=sha256_hex(made.public_key),
        payload={"reason": reason, "old": old.vkey, "new": made.vkey},
    )


def _put_in_place(draft: Path) -> None:
    """Replace the key between two checkpoints: nothing is signed meanwhile, so the old one counts for all it signed."""
    with transaction.atomic():
        hold(Lock.SIGNER)
        path, old = key_path(), load_log_signer().verifier
        _add_to_former(old)
        beside = _beside(old)
        beside.unlink(missing_ok=True)
        os.link(path, beside)
        draft.replace(path)  # at every moment there is a key, and what it replaced is known
        sync(path.parent)


def _add_to_former(old: VerifierKey) -> None:
    """Put a key on the list of those that were replaced, up to the size that is signed by now."""
    size = Checkpoint.objects.order_by("-size").values_list("size", flat=True).first() or 0
    keys = [*read_former_keys(), FormerKey(VerifierKey(old.name, old.public_key), size)]
    replace_text(former_path(), "".join(f"{one.until_size} {one.key.vkey}\n" for one in keys))


def _beside(old: VerifierKey) -> Path:
    """Return where the private half of a replaced key lies as long as it signs beside the one in use."""
    return key_path().with_name(f"{key_path().stem}.until-{old.key_id.hex()}.pem")
