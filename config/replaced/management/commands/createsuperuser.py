"""`manage.py createsuperuser`, in place of Django's: on record, and with the passwords that we take."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from config.management.typed_password import add_password_options, choose_password
from evidence.access import principal_of_command_line
from evidence.management.service_command import ServiceCommand
from evidence.services.people.persons import create_superuser


class Command(ServiceCommand):
    """Create a superuser, who gives access as an operator does, and rights beyond the role table."""

    help = "Put a superuser on record. Most installations need none: `create_person NAME --role operator`."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--username", required=True)
        add_password_options(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Create them and say so."""
        del args
        password = choose_password(options)
        person = create_superuser(
            principal=principal_of_command_line(), username=options["username"], password=password
        )
        self.stdout.write(f"{person}: superuser")
        if options["generate_password"]:
            self.stdout.write(f"Password of {person}, shown once: {password}")
