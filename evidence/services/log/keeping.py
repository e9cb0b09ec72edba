"""Keeping what witnesses and time-stamping authorities said of a checkpoint. Only the log worker may."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime

from django.conf import settings

from evidence import clock
from evidence.errors import InvalidInput
from evidence.log import notes
from evidence.log.errors import LogError
from evidence.log.timestamps import open_timestamp
from evidence.models.audit import Checkpoint, CheckpointTimestamp, Cosignature
from evidence.services.log.asking import Attestations, configured_witnesses
from evidence.services.log.role import log_transaction
from evidence.worded import sentence_of, worded


def keep_attestations(said: Attestations) -> int:
    """Keep what others said of a checkpoint, each thing once, and return how many were new.

    The message that brought it is believed in nothing: every signature is checked against the witnesses of the
    settings, and a time-stamp must be over the checkpoint.

    Raises:
        InvalidInput: there is no such checkpoint, or what is said is not about it.
    """
    with log_transaction():
        checkpoint = Checkpoint.objects.filter(size=said.size).first()
        if checkpoint is None:
            raise InvalidInput(worded("No checkpoint was signed at size %(size)s.", size=said.size))
        text = notes.parse_note(checkpoint.note).text
        try:
            kept = sum(_keep_cosignature(checkpoint, text, line) for line in said.cosignatures)
            return kept + (_keep_timestamp(checkpoint, text, said.timestamp) if said.timestamp else 0)
        except (LogError, binascii.Error) as exc:
            raise InvalidInput(
                worded(
                    "What was said of checkpoint %(size)s does not hold: %(reason)s.",
                    size=said.size,
                    reason=sentence_of(exc),
                )
            ) from exc


def _keep_cosignature(checkpoint: Checkpoint, text: str, line: str) -> bool:
    (signature,) = notes.parse_signatures(line)
    keys = {(witness.key.name, witness.key.key_id): witness.key for witness in configured_witnesses()}
    key = keys.get((signature.name, signature.key_id))
    if key is None:
        raise LogError(f"{signature.name} is no witness of the settings")
    moment = notes.open_cosignature(text, signature, key)
    if moment > datetime.max.replace(tzinfo=UTC).timestamp():
        raise LogError(f"{signature.name} signed in no year that there is")
    if Cosignature.objects.filter(checkpoint=checkpoint, vkey=key.vkey).exists():
        return False
    Cosignature.objects.create(
        checkpoint=checkpoint,
        vkey=key.vkey,
        line=signature.line,
        cosigned_at=datetime.fromtimestamp(moment, UTC),
        received_at=clock.now(),
    )
    return True


def _keep_timestamp(checkpoint: Checkpoint, text: str, response: str) -> bool:
    raw = base64.b64decode(response, validate=True)
    stamped_at = open_timestamp(raw, text)
    if CheckpointTimestamp.objects.filter(checkpoint=checkpoint, authority=settings.TSA_URL).exists():
        return False
    CheckpointTimestamp.objects.create(
        checkpoint=checkpoint,
        authority=settings.TSA_URL,
        response=raw,
        stamped_at=stamped_at,
        received_at=clock.now(),
    )
    return True
