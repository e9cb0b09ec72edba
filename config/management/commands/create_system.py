"""`manage.py create_system`: put a system on record. Its owner sees it from then on."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from evidence.access import principal_of_command_line
from evidence.management.service_command import ServiceCommand, find_person
from evidence.models import RiskTier
from evidence.services.registry import open_system


class Command(ServiceCommand):
    """Register a system; the same again answers the same."""

    help = "Put a system on record. The same again changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--key", required=True, help="the service.name of its telemetry: a-z, 0-9, - and _"
        )
        parser.add_argument("--name", required=True, help="what people call it")
        parser.add_argument(
            "--risk-tier", required=True, choices=list(RiskTier), help="what a wrong answer can do"
        )
        parser.add_argument("--owner", required=True, help="user name of the person who answers for it")

    def handle(self, *args: Any, **options: Any) -> None:
        """Register it and let its owner see it."""
        del args
        owner = find_person(options["owner"])
        system = open_system(
            principal=principal_of_command_line(),
            key=options["key"],
            name=options["name"],
            risk_tier=options["risk_tier"],
            owner=owner,
        )
        self.stdout.write(f"{system.key}: {system.name}, {system.risk_tier} risk, owned by {owner}")
