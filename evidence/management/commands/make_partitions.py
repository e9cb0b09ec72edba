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
            moved = ", and moved its spans into it" if month in report.moved else ""
            self.stdout.write(f"made {month:%Y-%m}{moved}")
        for month in report.blocked:
            self.stderr.write(f"{month:%Y-%m} could not be made: the table was in use. Run this again.")
