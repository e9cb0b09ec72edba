"""`manage.py check_access`: what was given before it was refused, to people and to machines."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError

from evidence.management.service_command import ServiceCommand
from evidence.selectors.people import find_conflicting_roles, find_tokens_beyond_their_owners


class Command(ServiceCommand):
    """Name each person and each token, and why; nothing is changed."""

    help = (
        "Name whoever holds roles that do not go together, and tokens for more than their owners' roles hold."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Look, and say what to do.

        Raises:
            CommandError: there is something.
        """
        del args, options
        people, tokens = find_conflicting_roles(), find_tokens_beyond_their_owners()
        for person, conflicts in people:
            self.stdout.write(f"{person}: {' '.join(conflicts)}")
        for token, beyond in tokens:
            self.stdout.write(f"token {token}: the roles of {token.owner} do not hold {', '.join(beyond)}.")
        if people or tokens:
            raise CommandError(
                f"{len(people)} people hold roles that do not go together: take one of each away. "
                f"{len(tokens)} tokens are for more than their owners may: issue others to whose roles hold it."
            )
        self.stdout.write("Roles go together, and no token is for more than its owner may.")
