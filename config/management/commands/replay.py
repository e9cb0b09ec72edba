"""`manage.py replay`: give stored verdicts again from their stored inputs, and say where they differ."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.apps import apps
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.db.models import Model, QuerySet

from config.replay import REPLAYERS, replayer_of
from evidence.management.service_command import ServiceCommand, whole_number

LONGEST = 10_000_000  # rows


class Command(ServiceCommand):
    """Replay verdicts of one kind, or of all kinds that need no model."""

    help = "Replay stored verdicts. Exit code 0: all came out the same; 1: some did not, and each is named."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "kind", nargs="?", choices=sorted(REPLAYERS), help="default: all but interpret.Finding"
        )
        parser.add_argument("--pk", help="one row only")
        rows = whole_number(1, LONGEST, of="number of rows")
        parser.add_argument(
            "--limit", type=rows, default=1000, help="newest rows of each kind (default 1000)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        del args
        kinds = [options["kind"]] if options["kind"] else sorted(set(REPLAYERS) - {"interpret.Finding"})
        differing = 0
        for kind in kinds:
            rows = _rows(apps.get_model(kind), options)
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


def _rows(model: type[Model], options: dict[str, Any]) -> QuerySet[Any]:
    rows: QuerySet[Any] = model._default_manager.order_by("-pk")
    if not options["pk"]:
        return rows[: options["limit"]]
    try:
        return rows.filter(pk=model._meta.pk.to_python(options["pk"]))
    except (ValidationError, ValueError) as exc:
        raise CommandError(f"{options['pk'][:40]!r} cannot be the key of a {model._meta.label}.") from exc
