"""`manage.py changepassword`, in place of Django's: nobody sets another's password, on this machine neither."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any, NoReturn

from django.core.management.base import CommandError

from evidence.management.service_command import ServiceCommand


class Command(ServiceCommand):
    """Say which command to use."""

    help = "Refused: a person chooses their password, by the link of `password_link NAME`."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take what Django's takes."""
        parser.add_argument("username", nargs="?")

    def handle(self, *args: Any, **options: Any) -> NoReturn:
        """Refuse.

        Raises:
            CommandError: always.
        """
        del args, options
        raise CommandError(
            "Nobody sets another's password: `manage.py password_link NAME` makes a link by which they choose one, on "
            "record. Nothing was changed."
        )
