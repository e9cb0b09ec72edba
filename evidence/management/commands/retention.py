"""`manage.py retention`: what beat does daily, by hand."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from evidence.management.service_command import ServiceCommand
from evidence.services.blob_sweep import sweep_unreferenced
from evidence.services.disposal.blob_removal import sweep_removed
from evidence.services.disposal.retention import apply_retention, describe


class Command(ServiceCommand):
    """Take away what is older than its retention period, and say what was kept and why."""

    help = "Apply the retention periods of the settings. Legal holds win. Safe to repeat."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only say what would go")

    def handle(self, *args: Any, **options: Any) -> None:
        del args
        report = apply_retention(dry_run=options["dry_run"])
        if not options["dry_run"]:
            sweep_removed()
            sweep_unreferenced()
        for line in describe(report, dry_run=options["dry_run"]):
            self.stdout.write(line)
