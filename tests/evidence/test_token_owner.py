"""Who stands behind a token is told wherever a token is named as having acted."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from evidence.actors import actor_of_token
from evidence.admin.frame.people import names_of
from evidence.models import AccessToken, EvalRun, Scope
from tests.evidence.eval_files import eval_file, post
from tests.factories import World

pytestmark = pytest.mark.django_db


def test_a_token_that_acted_is_named_by_who_answers_for_it(world: World) -> None:
    world.token(Scope.READ)
    token = AccessToken.objects.latest("pk")
    run = post(world, eval_file()).run
    EvalRun.objects.bulk_create([_as_posted_by(run, actor_of_token(token))])
    client = Client()
    client.force_login(world.people["auditor"])
    owner = token.owner.username
    for address in (
        reverse("admin:evidence_evalrun_change", args=[EvalRun.objects.latest("pk").pk]),
        reverse("admin:dossier", args=[world.release.pk]),
    ):
        page = client.get(address).content.decode()
        assert f"token of {owner}" in page
        assert actor_of_token(token) in page


def _as_posted_by(run: EvalRun, actor: str) -> EvalRun:
    columns = {field.attname: getattr(run, field.attname) for field in run._meta.concrete_fields}
    del columns["id"], columns["xact_id"]
    return EvalRun(**columns | {"run_key": "by-token", "posted_by": actor})


def test_where_no_token_acted_none_is_looked_up(world: World) -> None:
    person = world.principal("auditor").actor
    with CaptureQueriesContext(connection) as asked:
        assert names_of([person]) == {person: world.people["auditor"].username}
        assert names_of(["token:0123456789ab"]) == {}
    of_person, of_token = (each["sql"] for each in asked.captured_queries)
    assert ("evidence_accesstoken" in of_person, "evidence_accesstoken" in of_token) == (False, True)


def test_the_page_of_a_token_says_whose_it_is_and_how_both_are_on_record(world: World) -> None:
    world.token(Scope.READ)
    token = AccessToken.objects.latest("pk")
    client = Client()
    client.force_login(world.people["operator"])
    page = client.get(reverse("admin:evidence_accesstoken_change", args=[token.pk])).content.decode()
    for told in (token.owner.username, actor_of_token(token), token.owner.pseudonym.actor):
        assert told in page
