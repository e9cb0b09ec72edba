"""`manage.py erase`: carry out a data subject's request for erasure."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError

from evidence.access import principal_named
from evidence.management.service_command import ServiceCommand, find_systems
from evidence.models import System
from evidence.services.disposal.erasure import SubjectReport, erase_subject, erase_trace_payload


class Command(ServiceCommand):
    """Erase one trace, or every trace that carries an attribute of the subject."""

    help = "Erase payload and salts of traces; tombstones, digests and verdicts stay. There is no way back."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--system", required=True, help="system key")
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--trace", type=UUID, help="trace id, 32 hexadecimal characters")
        what.add_argument("--attribute", help="a span attribute, as key=value: enduser.id=4711")
        parser.add_argument("--reason", required=True, help="kept for ever, so it names no person")
        parser.add_argument("--by", required=True, help="user name of the operator who decided it")

    def handle(self, *args: Any, **options: Any) -> None:
        """Erase and say what is gone, what is kept and where copies may be."""
        del args
        [system] = find_systems([options["system"]])
        report = self._erase(system, options)
        self._print(report)
        if report.held:
            raise CommandError(f"{len(report.held)} traces are kept for legal holds; each is named above.")

    def _erase(self, system: System, options: dict[str, Any]) -> SubjectReport:
        principal, reason = principal_named(options["by"]), options["reason"]
        if options["trace"]:
            trace_id = options["trace"]
            one = erase_trace_payload(principal=principal, system=system, trace_id=trace_id, reason=reason)
            return SubjectReport([one])
        attribute, _, value = options["attribute"].partition("=")
        return erase_subject(
            principal=principal, system=system, attribute=attribute, value=value, reason=reason
        )

    def _print(self, report: SubjectReport) -> None:
        for one in report.erased:
            removed = len(one.removed_blobs)
            self.stdout.write(
                f"erased {one.erasure.trace_id.hex}: {one.erasure.n_spans} spans, {removed} blobs"
            )
            for digest in one.shared_blobs:
                self.stdout.write(f"  blob {digest} is kept: it is registered or exported as well")
            for name in one.binders:
                self.stdout.write(f"  binder {name} may hold it: replace the copies you gave out")
        for trace_id, why in report.held:
            self.stdout.write(f"kept {trace_id.hex}: {why}")
