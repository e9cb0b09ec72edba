"""`manage.py service_name`: say which services are part of a system."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from evidence.access import principal_named
from evidence.management.service_command import ServiceCommand, find_systems
from evidence.services.registry import declare_service, services_of


class Command(ServiceCommand):
    """Declare that a service sends spans of a system, or withdraw it, and list what stands."""

    help = "Say which services are part of a system: what their resource says in service.name."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", choices=["declare", "withdraw", "list"])
        parser.add_argument("--system", required=True, help="system key")
        parser.add_argument("--name", default="", help="service.name")
        parser.add_argument("--by", default="", help="user name of the operator who decided it")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it and say what stands."""
        del args
        [system] = find_systems([options["system"]])
        if options["action"] != "list":
            declare_service(
                principal=principal_named(options["by"]),
                system=system,
                name=options["name"],
                is_part=options["action"] == "declare",
            )
        for name in services_of(system):
            self.stdout.write(name)
