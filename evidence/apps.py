from __future__ import annotations

from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_migrate


class EvidenceConfig(AppConfig):
    """What happened."""

    name = "evidence"

    def ready(self) -> None:
        """Read times and find words at once; each migration gives its tables their rules and, after all, numbers on."""
        from evidence.any_case import find_words_at_once  # noqa: PLC0415  # models are not loaded before ready()
        from evidence.clock_rules import number_on  # noqa: PLC0415  # likewise
        from evidence.migration_rules import add_rules_to_plan  # noqa: PLC0415  # likewise
        from evidence.services.log import adopt_after_migrate  # noqa: PLC0415  # likewise
        from evidence.stored_times import read_times_at_once  # noqa: PLC0415  # likewise
        from evidence.table_rules import apply_table_rules  # noqa: PLC0415  # likewise
        from evidence.transaction_indexes import index_transactions  # noqa: PLC0415  # likewise

        read_times_at_once()
        find_words_at_once()
        pre_migrate.connect(add_rules_to_plan, sender=self, dispatch_uid="evidence.migration_rules")
        post_migrate.connect(apply_table_rules, sender=self, dispatch_uid="evidence.table_rules")
        post_migrate.connect(number_on, dispatch_uid="evidence.clock_rules")
        post_migrate.connect(index_transactions, dispatch_uid="evidence.transaction_indexes")
        post_migrate.connect(adopt_after_migrate, dispatch_uid="evidence.adoption")
