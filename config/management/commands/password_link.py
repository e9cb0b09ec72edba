"""`manage.py password_link`: a link by which a person chooses a password, once. It is printed and not stored."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from evidence.access import principal_of_command_line
from evidence.management.service_command import ServiceCommand, find_person
from evidence.services.people.passwords import make_password_link


class Command(ServiceCommand):
    """Make a link for somebody, be it an approver, an auditor or an operator, for whom nobody makes one by network."""

    help = "Take a person's password away and print the link by which they choose another, once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the argument."""
        parser.add_argument("username")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make it and print where it leads, below the address people come in by."""
        del args
        person = find_person(options["username"])
        link = make_password_link(principal=principal_of_command_line(), person=person)
        self.stdout.write(f"For {person} alone, once, until {link.expires_at:%Y-%m-%d %H:%M} UTC:")
        self.stdout.write(link.path)
