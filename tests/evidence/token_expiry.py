"""Tokens that expire at another time than they were issued to: the database's owner sets it, the trigger off."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import connection, transaction

from evidence.models import AccessToken


def set_expiry(token: AccessToken, at: datetime) -> None:
    """Have a token expire at another time."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE evidence_accesstoken DISABLE TRIGGER USER")
        cursor.execute("UPDATE evidence_accesstoken SET expires_at = %s WHERE id = %s", [at, token.pk])
        cursor.execute("ALTER TABLE evidence_accesstoken ENABLE TRIGGER USER")
        cursor.execute(f'SET ROLE "{settings.RUNTIME_ROLE}"')
