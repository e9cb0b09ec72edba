"""`manage.py resume_log`: go on signing a log whose newest entries are lost, on record."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from evidence.access import principal_of_command_line
from evidence.management.service_command import ServiceCommand
from evidence.services.log import resume_log


class Command(ServiceCommand):
    """Resume the log."""

    help = (
        "Go on signing the audit log where an older backup of the database is all that is left. "
        "Whoever holds a later checkpoint will see that it is contradicted, and find the reason in the log."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--reason", required=True, help="why, kept with the event")

    def handle(self, *args: Any, **options: Any) -> None:
        """Resume it, and say what is left to do."""
        del args
        event = resume_log(principal=principal_of_command_line(), reason=options["reason"])
        self.stdout.write(
            f"The log goes on from where this database ends, on record as event {event.event_uuid}."
        )
        self.stdout.write(
            "Tell everybody who keeps checkpoints: those from after the backup do not hold any more."
        )
