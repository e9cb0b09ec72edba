"""`manage.py loaddata`, in place of Django's: rows of a file would be people and roles that nobody gave."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any, NoReturn

from django.core.management.base import CommandError

from evidence.management.service_command import ServiceCommand


class Command(ServiceCommand):
    """Say what to do instead."""

    help = "Refused: what is stored is put on record by services, and moved by a backup of the database."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take what Django's takes."""
        parser.add_argument("fixture", nargs="*")

    def handle(self, *args: Any, **options: Any) -> NoReturn:
        """Refuse.

        Raises:
            CommandError: always.
        """
        del args, options
        raise CommandError(
            "Rows from a file would be on no record: make people with `manage.py create_person`, and move an "
            "installation by a backup of its database. Nothing was stored."
        )
