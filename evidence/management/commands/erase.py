"""`manage.py erase`: plan a data subject's request for erasure, and carry it out."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError

from evidence.access import Principal, principal_named
from evidence.management.service_command import ServiceCommand, find_systems
from evidence.models import System
from evidence.services.disposal.certificates import read_certificate
from evidence.services.disposal.erasure import (
    ErasureReport,
    SubjectReport,
    erase_subject,
    erase_trace_payload,
)
from evidence.services.disposal.planning import (
    NEVER_REACHED,
    ErasurePlan,
    check_agreed,
    digest_of_plans,
    plan_erasure,
    plan_subject,
)


class Command(ServiceCommand):
    """Erase one trace, or every trace that carries an attribute of the subject; with --plan, only say what would go."""

    help = "Erase payload and salts of traces; tombstones, digests and verdicts stay. There is no way back."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--system", required=True, help="system key")
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--trace", type=UUID, help="trace id, 32 hexadecimal characters")
        what.add_argument("--attribute", help="a span attribute, as key=value: enduser.id=4711")
        parser.add_argument("--reason", required=True, help="kept for ever, so it names no person")
        parser.add_argument("--by", required=True, help="user name of the operator who decided it")
        how = parser.add_mutually_exclusive_group()
        how.add_argument(
            "--plan", action="store_true", help="only say what would go, stay and be out of reach"
        )
        how.add_argument(
            "--as-planned", default="", metavar="DIGEST", help="refuse if other things stay than --plan said"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Plan, or erase and say what is gone, what is kept and where copies may be."""
        del args
        [system] = find_systems([options["system"]])
        if options["plan"]:
            self._print_plans(self._plan(principal_named(options["by"]), system, options))
            return
        report = self._erase(system, options)
        self._print(report)
        if report.held:
            raise CommandError(f"{len(report.held)} traces are kept for legal holds; each is named above.")

    def _plan(self, principal: Principal, system: System, options: dict[str, Any]) -> list[ErasurePlan]:
        if options["trace"]:
            return [plan_erasure(principal=principal, system=system, trace_id=options["trace"])]
        attribute, _, value = options["attribute"].partition("=")
        return plan_subject(principal=principal, system=system, attribute=attribute, value=value)

    def _erase(self, system: System, options: dict[str, Any]) -> SubjectReport:
        principal, reason, agreed = principal_named(options["by"]), options["reason"], options["as_planned"]
        if not options["trace"]:
            attribute, _, value = options["attribute"].partition("=")
            return erase_subject(
                principal=principal,
                system=system,
                attribute=attribute,
                value=value,
                reason=reason,
                agreed=agreed,
            )
        as_planned = ""
        if agreed:
            plans = self._plan(principal, system, options)
            check_agreed(plans, agreed)
            as_planned = plans[0].stays_digest
        one = erase_trace_payload(
            principal=principal,
            system=system,
            trace_id=options["trace"],
            reason=reason,
            as_planned=as_planned,
        )
        return SubjectReport([one])

    def _print_plans(self, plans: list[ErasurePlan]) -> None:
        for plan in plans:
            self.stdout.write(f"trace {plan.trace_id.hex}")
            if plan.held:
                self.stdout.write(f"  stays: {plan.held}")
                continue
            for label, n in sorted(plan.rows.items()):
                self.stdout.write(f"  goes: the words of {n} rows of {label}")
            for table, pks in sorted(plan.copies.items()):
                self.stdout.write(f"  goes: the words of {table} {', '.join(map(str, pks))}, a copy")
            for blob in plan.blobs:
                left = f", of which {blob.remainder} is left" if blob.remainder else ""
                self.stdout.write(f"  goes: {blob.role} {blob.digest}{left}")
            self._print_rest(plan)
        for what in NEVER_REACHED:
            self.stdout.write(f"out of reach: {what}")
        self.stdout.write(f"Nothing was changed. To erase just so: --as-planned {digest_of_plans(plans)}")

    def _print(self, report: SubjectReport) -> None:
        for one in report.erased:
            self._print_erased(one)
        for trace_id, why in report.held:
            self.stdout.write(f"kept {trace_id.hex}: {why}")

    def _print_erased(self, one: ErasureReport) -> None:
        removed = len(one.removed_blobs)
        self.stdout.write(f"erased {one.erasure.trace_id.hex}: {one.erasure.n_spans} spans, {removed} blobs")
        self._print_rest(one.plan)
        self.stdout.write(json.dumps(read_certificate(one.certificate), indent=2, sort_keys=True))

    def _print_rest(self, plan: ErasurePlan) -> None:
        for tombstone in plan.before:
            self.stdout.write(f"  it was erased before, by erasure {tombstone}: what came since goes")
        for blob in plan.blobs:
            if blob.others:
                self.stdout.write(
                    f"  {blob.role} {blob.digest} cannot be taken apart: what else is in it goes too"
                )
        for stay in plan.stays:
            self.stdout.write(f"  {stay.what} stays: {stay.why}")
        for what in plan.unread:
            self.stdout.write(
                f"  {what} may hold it: it is of a kind that cannot be searched, look for yourself"
            )
        for name in plan.binders:
            self.stdout.write(f"  binder {name} may hold it: replace the copies you gave out")
