"""`manage.py verify_log`: check the whole audit log, by another code path than the one that wrote it."""

from __future__ import annotations

import time
from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.management.base import CommandError

from evidence.log import notes
from evidence.log.errors import LogError
from evidence.management.service_command import ServiceCommand
from evidence.services.keys.log_signer import load_log_verifier
from evidence.services.log import MAX_FAULTS, Effort, Found, LogReport, RuleReport, check_log

_EVERY: Final = 2.0  # seconds between two lines about how far it is
_DIGITS: Final = 15
_RULES_NOT_SEEN: Final = (
    "NOT SEEN  rules of the database that were changed and put back before this check. What was written meanwhile, "
    "the log tells; that they were changed, only PostgreSQL's own log of statements does (log_statement = 'ddl'), kept "
    "where the owner of the database does not write."
)


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
        parser.add_argument(
            "--since",
            type=natural_number,
            default=0,
            metavar="SIZE",
            help="entries below the checkpoint of this size, and the rows they bind, were verified before: look at "
            "later ones alone; what that cannot see is said",
        )
        parser.add_argument(
            "--progress",
            type=Path,
            metavar="FILE",
            help="keep there what is done, and go on from it where the same check was interrupted",
        )
        parser.add_argument(
            "--processes",
            type=positive_number,
            default=1,
            metavar="N",
            help="check in so many processes (default 1)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        del args
        known = [_read_checkpoint(path) for path in options["checkpoint"]]
        effort = Effort(options["processes"], options["progress"], _Teller(self.stderr).tell)
        report = check_log(known=known, since=options["since"], effort=effort)
        for line in (*_lines(report), *_rule_lines(report.rules), *_not_seen(report, options["progress"])):
            self.stdout.write(line)
        if not report.holds:
            n_faults = report.n_faults + len(report.rules.faults)
            raise CommandError(f"The audit log does not hold: {n_faults} faults.", returncode=1)
        self.stdout.write(self.style.SUCCESS("The audit log holds."))


class _Teller:
    """Says on standard error how far a check is, every few seconds and at its end."""

    def __init__(self, stream: Any) -> None:
        self.stream, self.began, self.last = stream, time.monotonic(), 0.0
        self.entries = self.rows = 0

    def tell(self, n_done: int, n_parts: int, found: Found) -> None:
        """Take what was found in one part."""
        self.entries += found.entries
        self.rows += found.rows.rows
        now = time.monotonic()
        if now - self.last >= _EVERY or n_done == n_parts:
            self.last = now
            rate = (self.entries + self.rows) / max(now - self.began, 0.001)
            self.stream.write(
                f"verify_log: {n_done:,} of {n_parts:,} parts; {self.entries:,} entries and {self.rows:,} rows, "
                f"{rate:,.0f} a second"
            )


def positive_number(text: str) -> int:
    """Return a whole number of 1 or more, for argparse."""
    number = natural_number(text)
    if number == 0:
        raise ArgumentTypeError("1 or more")
    return number


def natural_number(text: str) -> int:
    """Return a whole number of 0 or more, for argparse."""
    if not text.isdecimal() or len(text) > _DIGITS:
        raise ArgumentTypeError(f"a whole number of at most {_DIGITS} digits, not {text!r}")
    return int(text)


def _not_seen(report: LogReport, progress: Path | None) -> list[str]:
    """Say what this check took on trust."""
    lines = [_RULES_NOT_SEEN]
    if report.since:
        lines.append(
            f"NOT SEEN  entries below {report.since:,}, the rows of the transactions they bind, their details, and "
            "adopted rows: whatever was changed, deleted or put in there since it was verified. The tree over those "
            "entries was compared with what was signed."
        )
    if report.resumed:
        lines.append(
            f"NOT SEEN  {report.resumed:,} parts that an interrupted check had done, as {progress} says: whoever may "
            "write that file may have had them left out."
        )
    return lines


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


def _rule_lines(rules: RuleReport) -> list[str]:
    more = len(rules.faults) - MAX_FAULTS
    return [
        f"rules        {rules.compared:>12,}   of the database, compared with this version's as they stand now",
        *(f"FAULT  {fault}" for fault in rules.faults[:MAX_FAULTS]),
        *([f"FAULT  and {more:,} more of the rules"] if more > 0 else []),
    ]
