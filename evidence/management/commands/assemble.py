"""`manage.py assemble`: what beat does every few seconds, by hand, also over what was set aside."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.management import CommandError

from evidence.access import principal_of_command_line
from evidence.management.service_command import ServiceCommand, find_systems
from evidence.services import assembly
from evidence.time_budget import TimeBudget


class Command(ServiceCommand):
    """Assemble the traces that are due."""

    help = (
        "Assemble the traces that are due, for as long as one call of a worker takes. With --set-aside, put traces "
        "back first that were set aside: once a limit was raised, or what failed was mended."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--set-aside", action="store_true", help="put back what was set aside and is not sealed"
        )
        parser.add_argument("--system", default="", help="with --set-aside: of this system alone, by key")
        parser.add_argument(
            "--trace", type=_trace_id, help="with --set-aside: this trace alone, 32 hexadecimal digits"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Put back what was asked for, and assemble."""
        del args
        if (options["system"] or options["trace"]) and not options["set_aside"]:
            raise CommandError("--system and --trace say what of --set-aside is meant: give that, too.")
        if options["set_aside"]:
            (system,) = find_systems([options["system"]]) if options["system"] else (None,)
            put_back = assembly.put_back(
                principal=principal_of_command_line(), system=system, trace_id=options["trace"]
            )
            for reject in put_back:
                self.stdout.write(
                    f"{reject.system.key if reject.system else '-'} {reject.trace_id} put back: {reject.code}"
                )
            self.stdout.write(f"{len(put_back)} traces were put back.")
        assembly.assemble_backlog(TimeBudget.of(settings.ASSEMBLY_BUDGET), limit=settings.ASSEMBLY_BATCH)
        self.stdout.write("What is due was assembled, as far as the time of one call allowed; workers go on.")


def _trace_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as exc:
        raise ArgumentTypeError(f"{text[:40]!r} is no trace id: 32 hexadecimal digits") from exc
