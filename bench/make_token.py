"""Register the benchmark's system and print a token that may write to it. Run by `bench.ingest`, in the web role."""

from __future__ import annotations

import os
import sys
from datetime import timedelta

import django


def main() -> None:
    """Print the text of a new token for the system named by the first argument."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()

    from django.contrib.auth.models import Group, User  # noqa: PLC0415  # after setup()
    from django.utils import timezone  # noqa: PLC0415

    from evidence.access import principal_of_command_line  # noqa: PLC0415
    from evidence.models import Scope  # noqa: PLC0415
    from evidence.services import registry  # noqa: PLC0415
    from evidence.services.people import memberships, tokens  # noqa: PLC0415

    owner = User.objects.create_user("bench")
    owner.groups.set(Group.objects.filter(name="author"))  # who answers for what sends
    principal = principal_of_command_line()
    system = registry.register_system(
        principal=principal, key=sys.argv[1], name="Benchmark", risk_tier="low", owner=owner
    )
    memberships.grant_membership(principal=principal, system=system, user=owner)
    expires_at = timezone.now() + timedelta(days=1)
    issued = tokens.issue_token(
        principal=principal,
        name="bench",
        owner=owner,
        scopes=[Scope.INGEST],
        systems=[system],
        expires_at=expires_at,
    )
    print(issued.text)


if __name__ == "__main__":
    main()
