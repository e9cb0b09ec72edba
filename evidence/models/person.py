"""Pseudonyms: what the record calls people."""

from __future__ import annotations

import base64
import secrets
from typing import Final

from django.conf import settings
from django.db import models
from django.db.models import Q

from evidence.models.base import LABEL_LENGTH, MEMBERS, AppendOnlyModel

PERSON: Final = "person"  # the kind of actor that a pseudonym is
_RANDOM_BYTES: Final = 13  # 104 bits, of which 100 are kept: nobody meets one twice
_CHARACTERS: Final = 20  # lower-case base32, 5 bits each


def new_pseudonym() -> str:
    """Return a pseudonym that nobody has, and that says nothing of whose it will be."""
    drawn = base64.b32encode(secrets.token_bytes(_RANDOM_BYTES)).decode("ascii").lower()
    return f"{PERSON}:{drawn[:_CHARACTERS]}"


class Pseudonym(AppendOnlyModel):
    """What rows and log entries call the person of an account: for ever, whatever the account is called.

    The account is the directory. Names stand there alone, where they can be changed and erased; nothing hangs on them.
    """

    SYSTEM_PATH = MEMBERS
    PII = "actor"
    EVENT_PATH = ""

    actor = models.CharField(
        max_length=len(PERSON) + 1 + _CHARACTERS, primary_key=True, default=new_pseudonym
    )
    # An account stays on record for what its person did, so PROTECT: erase its names instead.
    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="pseudonym")
    # What rows from before pseudonyms call the person, `user:<name>`; empty for later accounts, which inherit nothing.
    formerly = models.CharField(max_length=LABEL_LENGTH, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["formerly"], condition=~Q(formerly=""), name="evidence_pseudonym_formerly_once"
            ),
            models.CheckConstraint(
                condition=Q(actor__regex=rf"^{PERSON}:[a-z2-7]{{{_CHARACTERS}}}$"),
                name="evidence_pseudonym_form",
            ),
        ]

    def __str__(self) -> str:
        return self.actor
