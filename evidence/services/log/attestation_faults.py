"""What witnesses and time-stamping authorities said, looked at again: each must be about its checkpoint.

That one was taken away cannot be seen here. Who demands a quorum sees it (`tracebinder verify`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from evidence.log import notes
from evidence.log.errors import LogError
from evidence.log.timestamps import open_timestamp
from evidence.models.audit import CheckpointTimestamp, Cosignature


def find_attestation_faults() -> Iterator[str]:
    """Yield a sentence for each cosignature and time-stamp that does not hold, or whose row says something else."""
    for cosignature in Cosignature.objects.select_related("checkpoint").order_by("pk").iterator():
        if fault := _fault_of_cosignature(cosignature):
            yield f"Checkpoint {cosignature.checkpoint.size}: {fault}."
    for timestamp in CheckpointTimestamp.objects.select_related("checkpoint").order_by("pk").iterator():
        if fault := _fault_of_timestamp(timestamp):
            yield f"Checkpoint {timestamp.checkpoint.size}: {fault}."


def _fault_of_cosignature(row: Cosignature) -> str:
    try:
        key = notes.parse_vkey(row.vkey, kind=notes.COSIGNATURE)
        (signature,) = notes.parse_signatures(row.line)
        moment = notes.open_cosignature(notes.parse_note(row.checkpoint.note).text, signature, key)
    except (LogError, ValueError) as exc:
        return str(exc)
    if row.cosigned_at != datetime.fromtimestamp(moment, UTC):
        return f"{key.name} cosigned it at another time than its row says"
    return ""


def _fault_of_timestamp(row: CheckpointTimestamp) -> str:
    try:
        stamped_at = open_timestamp(bytes(row.response), notes.parse_note(row.checkpoint.note).text)
    except LogError as exc:
        return str(exc)
    return (
        ""
        if stamped_at == row.stamped_at
        else f"{row.authority} stamped it at another time than its row says"
    )
