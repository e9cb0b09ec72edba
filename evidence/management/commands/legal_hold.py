"""`manage.py legal_hold`: place, list and release legal holds."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from evidence.access import principal_named
from evidence.management.service_command import ServiceCommand, find_systems, moment, whole_number
from evidence.models import LegalHold
from evidence.selectors.holds import active_holds
from evidence.services.disposal.holds import place_hold, release_hold


class Command(ServiceCommand):
    """Keep a system's spans of a period, whatever retention or an erasure says."""

    help = "Place, list or release a legal hold."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("list")
        place = actions.add_parser("place")
        place.add_argument("--system", required=True, help="system key")
        place.add_argument("--from", dest="period_from", type=moment, required=True, help="ISO 8601, UTC")
        place.add_argument("--to", dest="period_to", type=moment, help="exclusive; left out: whatever comes")
        release = actions.add_parser("release")
        release.add_argument("hold", type=whole_number(0, 2**63 - 1), help="number of the hold")
        for action in (place, release):
            action.add_argument("--reason", required=True)
            action.add_argument("--by", required=True, help="user name of the operator who decided it")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it and say what is in force."""
        del args
        if options["action"] == "place":
            self._place(options)
        elif options["action"] == "release":
            self._release(options)
        for hold in active_holds():
            until = hold.period_to.isoformat() if hold.period_to else "open"
            period = f"{hold.period_from.isoformat()} to {until}"
            self.stdout.write(f"{hold.pk} {hold.system.key} {period}: {hold.reason}")

    def _place(self, options: dict[str, Any]) -> None:
        [system] = find_systems([options["system"]])
        place_hold(
            principal=principal_named(options["by"]),
            system=system,
            reason=options["reason"],
            period_from=options["period_from"],
            period_to=options["period_to"],
        )

    def _release(self, options: dict[str, Any]) -> None:
        hold = LegalHold.objects.filter(pk=options["hold"]).first()
        if hold is None:
            raise CommandError(f"There is no legal hold {options['hold']}.")
        release_hold(principal=principal_named(options["by"]), hold=hold, reason=options["reason"])
