"""`manage.py issue_token`: give a machine a key. Its text is printed once and not stored."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from evidence import clock
from evidence.access import principal_of_command_line
from evidence.management.service_command import ServiceCommand, find_person, find_systems, whole_number
from evidence.models import Scope
from evidence.services.people.tokens import issue_token

LONGEST = 3650  # days; a key that outlives its machine is nobody's any more


class Command(ServiceCommand):
    """Issue a scoped, expiring token owned by a person."""

    help = "Issue a machine token; its text is shown once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--owner", required=True, help="user name of the person who answers for it")
        parser.add_argument("--system", required=True, action="append", help="system key; may be repeated")
        parser.add_argument(
            "--scope", required=True, action="append", choices=Scope.values, help="may be repeated"
        )
        days = whole_number(1, LONGEST, of="number of days")
        parser.add_argument("--days", type=days, default=90, help="until it expires (default 90)")
        parser.add_argument("--name", default="machine", help="what it is for")

    def handle(self, *args: Any, **options: Any) -> None:
        """Issue it and print its text."""
        del args
        issued = issue_token(
            principal=principal_of_command_line(),
            name=options["name"],
            owner=find_person(options["owner"]),
            scopes=[Scope(scope) for scope in dict.fromkeys(options["scope"])],
            systems=find_systems(options["system"]),
            expires_at=clock.now() + timedelta(days=options["days"]),
        )
        self.stdout.write(issued.text)
