from __future__ import annotations

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class EvidenceConfig(AppConfig):
    """What happened."""

    name = "evidence"

    def ready(self) -> None:
        """After every migration, put each table's trigger and grants in place."""
        from evidence.table_rules import apply_table_rules  # noqa: PLC0415  # models are not loaded before ready()

        post_migrate.connect(apply_table_rules, dispatch_uid="evidence.table_rules")
