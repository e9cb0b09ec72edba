"""`manage.py verify_blobs`: check that every blob has its bytes."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from evidence.management.service_command import ServiceCommand
from evidence.services.blob_checks import BlobReport, check_blobs, note_check


class Command(ServiceCommand):
    """Check the blob store against the database."""

    help = (
        "Read every blob through and compare it with its row; list files that no row names. "
        "Exit code 0: all of it holds; 1: it does not, and the faults are named."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--quick", action="store_true", help="ask for each file's size only, without reading it"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Check, keep the outcome for `readyz`, and print it."""
        del args
        report = check_blobs(reads=not options["quick"])
        note_check(report)
        for line in _lines(report):
            self.stdout.write(line)
        if not report.holds:
            raise CommandError(
                f"The blob store does not hold what was stored: {report.n_faults} faults. Restore what is missing "
                "or changed from the backup; whoever posts the same bytes again brings them back, too.",
                returncode=1,
            )
        self.stdout.write(self.style.SUCCESS("Every blob has its bytes."))


def _lines(report: BlobReport) -> list[str]:
    more = report.n_faults - len(report.faults)
    further = report.n_unreferenced - len(report.unreferenced)
    return [
        f"blobs         {report.blobs:>12,}   {report.size:,} bytes",
        f"removed       {report.removed:>12,}   on record",
        f"unreferenced  {report.n_unreferenced:>12,}   files that no row names; swept when a day old",
        *(f"unreferenced  {path}" for path in report.unreferenced),
        *([f"unreferenced  and {further:,} more"] if further else []),
        *(f"FAULT  {fault}" for fault in report.faults),
        *([f"FAULT  and {more:,} more"] if more else []),
    ]
