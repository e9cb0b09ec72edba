"""The demo's people, systems and tokens: what an operator sets up once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.contrib.auth.models import User
from django.utils import timezone

from config.demo_people import DEMO_PASSWORD, DEMO_PEOPLE, DEMO_SUPERUSER
from evidence.access import Principal, principal_of_command_line, principal_of_user
from evidence.models import Scope, System
from evidence.roles import ROLES
from evidence.services import registry
from evidence.services.people import memberships, tokens
from evidence.services.people.persons import create_person


@dataclass(frozen=True, slots=True)
class Setup:
    """Who and what the rest of the demo acts as."""

    systems: dict[str, System]
    people: dict[str, User]
    tokens: dict[str, str]  # purpose -> token text


def set_up(names: dict[str, str]) -> Setup:
    """Create the people, systems, memberships and tokens that are not there yet.

    Args:
        names: system key -> what people call it.
    """
    people = {name: _person(name, role) for name, role in DEMO_PEOPLE.items()}
    people[DEMO_SUPERUSER] = _superuser()
    systems = {
        key: registry.register_system(
            principal=acting("omar"), key=key, name=name, risk_tier="high", owner=people["omar"]
        )
        for key, name in names.items()
    }
    for user in people.values():
        for system in systems.values():
            memberships.grant_membership(principal=principal_of_command_line(), system=system, user=user)
    issued = {
        "applications": _token("applications", people["omar"], [Scope.INGEST], systems),
        "ci": _token("ci", people["omar"], [Scope.PUSH_EVAL, Scope.GATE], systems),
        "author": _token("author", people["ana"], [Scope.IMPORT, Scope.READ], systems),
        "researcher": _token("researcher", people["ines"], [Scope.PROBE, Scope.READ], systems),
        "auditor": _token("auditor", people["ada"], [Scope.BINDER, Scope.READ], systems),
    }
    return Setup(systems, people, issued)


def acting(name: str) -> Principal:
    """Return one of the people as the services ask for whoever acts."""
    return principal_of_user(User.objects.get(username=name))


def _person(name: str, role: str) -> User:
    console = principal_of_command_line()
    return create_person(principal=console, username=name, roles=[role], systems=[], password=DEMO_PASSWORD)[
        0
    ]


def _superuser() -> User:
    found = User.objects.filter(username=DEMO_SUPERUSER).first()
    return found or User.objects.create_superuser(DEMO_SUPERUSER, password=DEMO_PASSWORD)


def _token(name: str, owner: User, scopes: list[Scope], systems: dict[str, System]) -> str:
    """Issue a token for this run: the text of an earlier one cannot be shown again."""
    issued = tokens.issue_token(
        principal=principal_of_command_line(),
        name=f"demo {name}",
        owner=owner,
        scopes=scopes,
        systems=list(systems.values()),
        expires_at=timezone.now() + timedelta(days=1),
    )
    return issued.text


def role_lines() -> list[tuple[str, str, str]]:
    """Return (user, role, what the role may do) for the closing table."""
    return [(name, role, ROLES[role].purpose) for name, role in DEMO_PEOPLE.items()]
