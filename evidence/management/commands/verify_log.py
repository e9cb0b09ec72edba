"""`manage.py verify_log`: check the whole audit log, by another code path than the one that wrote it."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from evidence.log import notes
from evidence.log.errors import LogError
from evidence.management.service_command import ServiceCommand
from evidence.services.keys.log_signer import load_log_verifier
from evidence.services.log import LogReport, check_log


class Command(ServiceCommand):
    help = (
        "Check every row, and every entry, leaf, tile and checkpoint of the audit log, from the tables alone. "
        "Exit code 0: all of it holds; 1: it does not, and the faults are named."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--checkpoint",
            type=Path,
            action="append",
            default=[],
            metavar="FILE",
            help="a signed checkpoint kept elsewhere, which this log must still continue; may be repeated",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        del args
        report = check_log(known=[_read_checkpoint(path) for path in options["checkpoint"]])
        for line in _lines(report):
            self.stdout.write(line)
        if not report.holds:
            raise CommandError(f"The audit log does not hold: {report.n_faults} faults.", returncode=1)
        self.stdout.write(self.style.SUCCESS("The audit log holds."))


def _read_checkpoint(path: Path) -> notes.Checkpoint:
    try:
        text = path.read_text(encoding="utf-8")
        return notes.open_checkpoint(text, key=load_log_verifier(), origin=settings.LOG_ORIGIN)
    except (OSError, ValueError, LogError) as exc:
        raise CommandError(f"{path} is no checkpoint of this log: {exc}", returncode=2) from exc


def _lines(report: LogReport) -> list[str]:
    more = report.n_faults - len(report.faults)
    return [
        f"leaves       {report.size:>12,}   ({report.unsigned:,} not signed yet)",
        f"root         {report.root}",
        f"tiles        {report.tiles:>12,}",
        f"checkpoints  {report.checkpoints:>12,}",
        f"unsequenced  {report.unsequenced:>12,}   events that wait for the sequencer",
        f"erased       {report.erased:>12,}   payloads; their entries still verify",
        f"rows         {report.rows.rows:>12,}   in {report.rows.transactions:,} transactions, each bound by an event",
        f"adopted      {report.rows.adopted:>12,}   rows from before: as they were when they were adopted",
        *(f"FAULT  {fault}" for fault in report.faults),
        *([f"FAULT  and {more:,} more"] if more else []),
    ]
