"""Bytes kept by what they are: raw payloads, eval files, binders."""

from __future__ import annotations

from django.db import models

from evidence.models.base import LABEL_LENGTH, AppendOnlyModel, digest_field


class Blob(AppendOnlyModel):
    """A run of bytes in the blob store, named by its SHA-256. The bytes are durable before the row is."""

    SYSTEM_PATH = None
    NO_SYSTEM = "bytes by digest are shared; who may read them is decided by what points there"
    PII = "payload"
    EVENT_PATH = None
    NO_EVENT = "bytes by their digest, which the event that stores them names"

    digest = digest_field(primary_key=True)
    size = models.BigIntegerField()  # bytes
    media_type = models.CharField(max_length=LABEL_LENGTH)
    created_at = models.DateTimeField(auto_now_add=True)
