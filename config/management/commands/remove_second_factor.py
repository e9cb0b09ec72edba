"""`manage.py remove_second_factor`: for a person who has lost their authenticator app and their recovery codes."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from evidence.access import principal_of_command_line
from evidence.management.service_command import ServiceCommand, find_person
from evidence.services.people.second_factors import reset_second_factor


class Command(ServiceCommand):
    help = "Take a person's second factor away, on record: their sessions end, and their password alone signs them in."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument(
            "--reason",
            required=True,
            help="why; it is kept with the event, so it names no person beyond need",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        del args
        person = find_person(options["username"])
        n_ended = reset_second_factor(
            principal=principal_of_command_line(), person=person, reason=options["reason"]
        )
        told = f"{person} has no second factor any more: see that it was they who asked."
        self.stdout.write(f"{told} Sessions ended: {n_ended}.")
