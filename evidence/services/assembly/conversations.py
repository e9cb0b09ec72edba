"""Which conversation a trace is of, by a name that says nothing and outlives the erasure of the trace."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.utils.crypto import salted_hmac


def name_conversation(system_key: str, conversation_ids: Sequence[str]) -> UUID | None:
    """Return the pseudonym of the conversation that a trace of a system names; None where it names none or several.

    Verdicts count units, and have to come out the same after the ids that traces were sent with are erased. Whoever has
    the database and not the secret key of the installation cannot try ids against it.
    """
    if len(conversation_ids) != 1:
        return None
    named = f"{system_key}\0{conversation_ids[0]}"
    return UUID(bytes=salted_hmac(__name__, named, algorithm="sha256").digest()[:16])
