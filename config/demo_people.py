"""The people of `make demo`, whose password everybody can read: a production web process does not start beside them."""

from __future__ import annotations

from typing import Final

from django.contrib.auth.hashers import check_password
from django.contrib.auth.models import User

DEMO_PASSWORD: Final = "demo-only-password"  # noqa: S105  # printed at the end of the demo, loopback only
DEMO_PEOPLE: Final = {  # user name -> role
    "ana": "author",
    "pia": "approver",
    "rui": "reviewer",
    "vera": "reviewer",
    "tomas": "reviewer",
    "ines": "researcher",
    "ada": "auditor",
    "omar": "operator",
}
DEMO_SUPERUSER: Final = "admin"


def find_demo_people() -> list[str]:
    """Return who may sign in with the demo's password. Others of these names take a moment each to be told apart."""
    named = User.objects.filter(username__in=[*DEMO_PEOPLE, DEMO_SUPERUSER], is_active=True).order_by(
        "username"
    )
    return [user.get_username() for user in named if check_password(DEMO_PASSWORD, user.password)]
