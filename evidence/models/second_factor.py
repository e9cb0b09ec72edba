"""Second factors: what somebody proves beside their password."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

from evidence.models.base import DIGEST_LENGTH, MEMBERS, StoredModel


class SecondFactor(StoredModel):
    """The secret that a person's authenticator app shares with us (RFC 6238), and codes for the day it is lost."""

    SYSTEM_PATH = MEMBERS
    PII = "actor"
    WORK_ROW = "a code is taken once, and a factor may be taken away; each of it is an audit event"

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="second_factor", primary_key=True
    )
    secret = (
        models.TextField()
    )  # encrypted with a key made from SECRET_KEY: a copy of the database shows none
    last_step = models.BigIntegerField(default=0)  # of 30 seconds since 1970, whose code was taken last
    # Keyed digests of the recovery codes that were not used yet.
    recovery_digests = ArrayField(models.CharField(max_length=DIGEST_LENGTH))
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"second factor of account {self.pk}"
