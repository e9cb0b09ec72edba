"""Everybody who may try an act: a person of each role, a superuser, a stranger, two tokens, and the command line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from http.cookies import SimpleCookie
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from evidence.access import Principal, principal_of_command_line, principal_of_token, principal_of_user
from evidence.models import AccessToken, Scope
from evidence.roles import ROLES, roles_of, token_scopes_of
from evidence.services import registry
from evidence.services.people import memberships, tokens
from tests.factories import World, make_person

SUPERUSER: Final = "superuser of no system"
STRANGER: Final = "member of another system, in every role"
TOKEN_WITH: Final = "token with the scopes"
TOKEN_WITHOUT: Final = "token without them"
COMMAND_LINE: Final = "command line"  # that names no person
EVERYBODY: Final = (*ROLES, SUPERUSER, STRANGER, TOKEN_WITH, TOKEN_WITHOUT, COMMAND_LINE)


@dataclass(frozen=True)
class Who:
    """Somebody, as each door meets them."""

    name: str
    user: User | None
    token: AccessToken | None = None
    token_text: str = ""

    @property
    def is_member(self) -> bool:
        """Whether they are of the system the acts are about."""
        return self.name not in {SUPERUSER, STRANGER}

    @property
    def principal(self) -> Principal:
        """As the services meet them."""
        if self.token is not None:
            return principal_of_token(self.token)
        return principal_of_user(self.user) if self.user is not None else principal_of_command_line()

    @property
    def person(self) -> User:
        """The person in front of a browser, or named to a command."""
        assert self.user is not None
        return self.user

    @cached_property
    def api(self) -> APIClient:
        """As the API meets them."""
        if self.token is not None:
            return APIClient(HTTP_AUTHORIZATION=f"Bearer {self.token_text}")
        client = APIClient()
        client.cookies = SimpleCookie(self.session)
        return client

    @cached_property
    def browser(self) -> Client:
        """As the admin meets them."""
        client = Client()
        client.cookies = SimpleCookie(self.session)
        return client

    @cached_property
    def session(self) -> dict[str, str]:
        """The cookie of their one session, for the API and the admin alike; they sign in when it is first asked for."""
        client = Client()
        client.force_login(self.person)
        return {settings.SESSION_COOKIE_NAME: client.cookies[settings.SESSION_COOKIE_NAME].value}


def everybody(world: World, scopes: Sequence[Scope], owner: str) -> list[Who]:
    """Return everybody in the order of `EVERYBODY`.

    Args:
        scopes: what the one token holds and the other does not.
        owner: the role of the person who owns both; empty for whoever may have each.
    """
    people = [Who(role, world.people[role]) for role in ROLES]
    root = User.objects.create_superuser("root")
    stranger = make_person("stranger", *ROLES)
    console = principal_of_command_line()
    other = registry.register_system(
        principal=console, key="other", name="Other", risk_tier="low", owner=stranger
    )
    memberships.grant_membership(principal=console, system=other, user=stranger)
    without = Scope.READ if scopes == (Scope.INGEST,) else Scope.INGEST
    return [
        *people,
        Who(SUPERUSER, root),
        Who(STRANGER, stranger),
        _token(TOKEN_WITH, world, world.people[owner] if owner else world.owner(*scopes), scopes),
        _token(TOKEN_WITHOUT, world, world.people[owner] if owner else world.owner(without), [without]),
        Who(COMMAND_LINE, None),
    ]


def _token(name: str, world: World, owner: User, scopes: Sequence[Scope]) -> Who:
    """Issue a token; where the owner's role does not hold its scopes, as of the days when they were an author, too."""
    former = (
        [] if {*scopes} <= {*token_scopes_of(roles_of(owner))} else list(Group.objects.filter(name="author"))
    )
    owner.groups.add(*former)
    issued: Any = tokens.issue_token(
        principal=principal_of_command_line(), name=name, owner=owner, scopes=scopes, systems=[world.system],
        expires_at=timezone.now() + timedelta(days=1),
    )  # fmt: skip
    owner.groups.remove(*former)
    return Who(name, owner, issued.token, issued.text)
