from __future__ import annotations

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class EvidenceConfig(AppConfig):
    """What happened."""

    name = "evidence"

    def ready(self) -> None:
        """After every migration, put each table's trigger and grants in place, and number transactions on."""
        from evidence.clock_rules import number_on  # noqa: PLC0415  # models are not loaded before ready()
        from evidence.table_rules import apply_table_rules  # noqa: PLC0415  # likewise

        post_migrate.connect(apply_table_rules, dispatch_uid="evidence.table_rules")
        post_migrate.connect(number_on, dispatch_uid="evidence.clock_rules")
