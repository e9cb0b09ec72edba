"""`manage.py make_partitions`: what beat does daily, by hand."""

from __future__ import annotations

from typing import Any

from evidence.management.service_command import ServiceCommand
from evidence.services.ingest import ensure_partitions


class Command(ServiceCommand):
    """Make the span partitions of the months ahead."""

    help = "Make the monthly partitions of the span table ahead of time. Safe to repeat."

    def handle(self, *args: Any, **options: Any) -> None:
        """Make what is missing and say what was made."""
        del args, options
        report = ensure_partitions()
        for month in report.made:
            self.stdout.write(f"made {month:%Y-%m}")
        for month in report.blocked:
            self.stderr.write(
                f"{month:%Y-%m} stays in the default partition, which holds spans of it already"
            )
