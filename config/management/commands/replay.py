"""`manage.py replay`: give stored verdicts again from their stored inputs, and say where they differ."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError

from config.replay import REPLAYERS, replayer_of


class Command(BaseCommand):
    """Replay verdicts of one kind, or of all kinds that need no model."""

    help = "Replay stored verdicts. Exit code 0: all came out the same; 1: some did not, and each is named."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "kind", nargs="?", choices=sorted(REPLAYERS), help="default: all but interpret.Finding"
        )
        parser.add_argument("--pk", help="one row only")
        parser.add_argument("--limit", type=int, default=1000, help="newest rows of each kind (default 1000)")

    def handle(self, *args: Any, **options: Any) -> None:
        del args
        kinds = [options["kind"]] if options["kind"] else sorted(set(REPLAYERS) - {"interpret.Finding"})
        differing = 0
        for kind in kinds:
            rows = apps.get_model(kind)._default_manager.order_by("-pk")
            rows = rows.filter(pk=options["pk"]) if options["pk"] else rows[: options["limit"]]
            replayer, count, gone = replayer_of(kind), 0, 0
            for row in rows:
                replayed, count = replayer(row), count + 1
                gone += bool(replayed.gone)
                differing += replayed.differs
                if not replayed.agrees:
                    self.stdout.write(replayed.explain())
            self.stdout.write(f"{kind}: {count} replayed" + (f", {gone} of them erased" if gone else ""))
        if differing:
            raise CommandError(f"{differing} verdicts did not come out the same; each is named above.")
