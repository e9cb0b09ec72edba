"""`manage.py issue_token`: give a machine a key. Its text is printed once and not stored."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from evidence import clock
from evidence.errors import EvidenceError
from evidence.models import Scope, System
from evidence.services.people.tokens import issue_token


class Command(BaseCommand):
    """Issue a scoped, expiring token owned by a person."""

    help = "Issue a machine token; its text is shown once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--owner", required=True, help="user name of the person who answers for it")
        parser.add_argument("--system", required=True, action="append", help="system key; may be repeated")
        parser.add_argument(
            "--scope", required=True, action="append", choices=Scope.values, help="may be repeated"
        )
        parser.add_argument("--days", type=int, default=90, help="until it expires (default 90)")
        parser.add_argument("--name", default="machine", help="what it is for")

    def handle(self, *args: Any, **options: Any) -> None:
        """Issue it and print its text."""
        del args
        owner = User.objects.filter(username=options["owner"]).first()
        if owner is None:
            raise CommandError(f"There is no user {options['owner']!r}.")
        systems = list(System.objects.filter(key__in=options["system"]))
        missing = set(options["system"]) - {system.key for system in systems}
        if missing:
            raise CommandError(f"There is no system {', '.join(sorted(missing))}.")
        try:
            issued = issue_token(
                name=options["name"],
                owner=owner,
                scopes=[Scope(scope) for scope in options["scope"]],
                systems=systems,
                expires_at=clock.now() + timedelta(days=options["days"]),
                actor="system:command-line",
            )
        except EvidenceError as exc:
            raise CommandError(str(exc)) from exc
        self.stdout.write(issued.text)
