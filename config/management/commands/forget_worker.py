"""`manage.py forget_worker`: the workers of a queue were taken away on purpose, and nobody is to look for them."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

import redis
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from config.heartbeats import forget_heartbeat


class Command(BaseCommand):
    """Forget when the workers of a queue were heard last; once one is at work again, it is heard again."""

    help = (
        "Forget the workers of a queue that were taken away on purpose; by itself that happens after a day."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("queue", choices=list(settings.QUEUES))

    def handle(self, *args: Any, **options: Any) -> None:
        """Forget them, and say whether there were any."""
        del args
        queue = options["queue"]
        try:
            known = forget_heartbeat(queue)
        except redis.RedisError as exc:
            raise CommandError(f"The broker does not answer ({exc}): try again when it does.") from exc
        self.stdout.write(f"{queue}: {'forgotten' if known else 'nobody was known'}")
