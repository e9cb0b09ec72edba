"""`manage.py create_person`: put a person on record with their roles and the systems they see.

The password is asked for, read from standard input, or made up and shown once.
"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User

from config.management.typed_password import add_password_options, choose_password
from evidence.access import principal_of_command_line
from evidence.look_alikes import what_is_odd
from evidence.management.service_command import ServiceCommand, find_systems
from evidence.roles import ROLES
from evidence.services.people.persons import create_person


class Command(ServiceCommand):
    """Create a person; the same again answers the same."""

    help = (
        "Put a person on record. The same again changes nothing, and another --system lets them see that too."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("username")
        parser.add_argument(
            "--role", required=True, action="append", help=f"may be repeated: {', '.join(ROLES)}"
        )
        parser.add_argument(
            "--system", default=[], action="append", help="key of a system they see; may be repeated"
        )
        add_password_options(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Create the person and say what is on record now."""
        del args
        systems = find_systems(options["system"])
        is_known = User.objects.filter(username=options["username"]).exists()
        password = None if is_known else choose_password(options)
        person, created = create_person(
            principal=principal_of_command_line(),
            username=options["username"],
            roles=options["role"],
            systems=systems,
            password=password,
        )
        roles = ", ".join(sorted(set(options["role"])))
        sees = ", ".join(person.memberships.order_by("system__key").values_list("system__key", flat=True))
        self.stdout.write(f"{person}: {roles}; sees {sees or 'no system yet'}")
        if odd := what_is_odd(str(person)):
            self.stderr.write(self.style.WARNING(f"Look twice at the name {str(person)!r}: {odd}."))
        if not created:
            self.stdout.write(f"{person} was on record already, and keeps their password.")
        elif options["generate_password"]:
            self.stdout.write(f"Password of {person}, shown once: {password}")
