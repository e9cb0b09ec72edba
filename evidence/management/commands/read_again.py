"""`manage.py read_again`: have sealed traces read again by the approved reading of their system."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from evidence import clock
from evidence.access import principal_named
from evidence.management.service_command import ServiceCommand, find_systems, moment, whole_number
from evidence.services import assembly
from evidence.services.assembly import MOST_AT_ONCE


class Command(ServiceCommand):
    """Queue the traces of a period that another version of the reading read, or none."""

    help = (
        "Have sealed traces of a period read again by the approved reading of their system. Each makes a revision; "
        "what it was before stays, and so do its reviews, which are of that."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--system", required=True, help="system key")
        parser.add_argument("--since", type=moment, required=True, help="traces that began then or later")
        parser.add_argument("--until", type=moment, help="and before then; by default now")
        parser.add_argument(
            "--most", type=whole_number(1, MOST_AT_ONCE), default=MOST_AT_ONCE, help="traces of this call"
        )
        parser.add_argument("--reason", required=True, help="kept with what is read again")
        parser.add_argument("--by", required=True, help="user name of the operator who decided it")

    def handle(self, *args: Any, **options: Any) -> None:
        """Queue them and say how many are left."""
        del args
        [system] = find_systems([options["system"]])
        done = assembly.read_again(
            principal=principal_named(options["by"]),
            system=system,
            since=options["since"],
            until=options["until"] or clock.now(),
            reason=options["reason"],
            most=options["most"],
        )
        self.stdout.write(f"{done.queued} traces wait to be read again; workers go on with them.")
        if done.left:
            self.stdout.write(f"{done.left} more began in this period: run it again.")
