"""`manage.py issue_token`: a key for a machine, or a sentence on why there is none."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from rest_framework.test import APIClient

from evidence.models import AccessToken, AuditEvent, Scope
from tests.factories import World, make_person

pytestmark = pytest.mark.django_db


def issue(owner: str, *systems: str, days: int = 90) -> str:
    output = StringIO()
    named = [argument for system in systems for argument in ("--system", system)]
    call_command(
        "issue_token",
        "--owner",
        owner,
        *named,
        "--scope",
        "read",
        "--days",
        str(days),
        "--name",
        "ci",
        stdout=output,
    )
    return output.getvalue().strip()


def test_the_token_that_is_printed_opens_the_api(world: World, api: APIClient) -> None:
    text = issue(world.people["auditor"].username, world.system.key, days=7)
    token = AccessToken.objects.get()
    assert (token.name, token.scopes, list(token.systems.all())) == ("ci", [Scope.READ], [world.system])
    assert 6 <= (token.expires_at - token.created_at).days <= 7
    assert api.get("/api/v1/traces", HTTP_AUTHORIZATION=f"Bearer {text}").status_code == 200
    assert AuditEvent.objects.get(verb="token.issued").actor == "system:command-line"


def test_what_stands_in_the_way_is_named_and_nothing_is_issued(world: World) -> None:
    operator, key = world.people["operator"].username, world.system.key
    stranger = make_person("stranger", "operator").username
    with pytest.raises(CommandError, match="There is no person 'nobody'"):
        issue("nobody", key)
    with pytest.raises(CommandError, match="There is no system 'b-system'"):
        issue(operator, key, "b-system", "a-system")
    with pytest.raises(CommandError, match="stranger is not a member of credit-assistant"):
        issue(stranger, key)
    with pytest.raises(CommandError, match="whole number of days"):
        issue(operator, key, days=0)
    assert not AccessToken.objects.exists()
