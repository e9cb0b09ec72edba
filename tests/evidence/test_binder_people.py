"""A binder calls people by pseudonyms, and names them in one file."""

from __future__ import annotations

import json
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from evidence.access import principal_of_token
from evidence.actors import actor_of_token, actor_of_user
from evidence.models import AccessToken, AuditEvent, Pseudonym, Scope
from evidence.services import deployments, registry
from tests.evidence.binder_world import archive_of, export, fill, fill_lightly, verify
from tests.evidence.forged import Lines, verify_forged
from tests.factories import World, make_person, manifest

pytestmark = pytest.mark.django_db


def members_of(archive: bytes) -> dict[str, bytes]:
    """Return the files of a binder by their path below the top folder."""
    with zipfile.ZipFile(BytesIO(archive)) as zipped:
        return {name.partition("/")[2]: zipped.read(name) for name in zipped.namelist()}


def test_names_stand_in_one_file_and_are_those_of_the_export(world: World, tmp_path: Path) -> None:
    people = {name: make_person(name) for name in ("olga-zq", "ana-zq")}
    Pseudonym.objects.create(user=people["ana-zq"], formerly="user:ana")
    filled = fill(world)
    reviewer = world.people["reviewer"]
    User.objects.filter(pk=reviewer.pk).update(username="renamed-zq")
    archive = archive_of(export(filled, as_of=None))
    members = members_of(archive)
    (review,) = (json.loads(line) for line in members["data/reviews/reviews.jsonl"].splitlines())
    named: dict[str, Any] = {
        each["actor"]: each for each in json.loads(members["data/people.json"])["people"]
    }
    assert named[review["reviewer"]] == {
        "actor": actor_of_user(reviewer), "name": "renamed-zq", "formerly": None
    }  # fmt: skip
    assert named[actor_of_user(people["ana-zq"])]["formerly"] == "user:ana"  # who proposed as `user:ana`
    assert actor_of_user(people["olga-zq"]) not in named  # did nothing here
    holding = {path for path, content in members.items() if b"-zq" in content}
    assert holding == {"data/people.json"}
    assert verify(tmp_path, archive).exit_code == 0


def test_labels_are_packed_with_whoever_gave_them_and_the_judge_beside_them(
    world: World, tmp_path: Path
) -> None:
    archive = archive_of(export(fill(world), as_of=None))
    members = members_of(archive)
    (path,) = (name for name in members if name.startswith("data/evals/") and name.endswith(".json"))
    run = json.loads(members[path])
    (said,) = run["labelSets"]
    assert said["by"] == actor_of_user(world.people["reviewer"])
    assert said["labels"] == [
        {"sample": "s0", "metric": "grounded", "value": 1.0},
        {"sample": "s1", "metric": "grounded", "value": None},
    ]
    assert {score["judge"]["key"] for score in run["scores"]} == {"llm"}
    assert said["by"] in {each["actor"] for each in json.loads(members["data/people.json"])["people"]}
    assert verify(tmp_path, archive).exit_code == 0


def test_labels_of_somebody_who_is_not_named_are_found_out(world: World, tmp_path: Path) -> None:
    binder = export(fill(world), as_of=None)
    (path,) = (
        name
        for name in members_of(archive_of(binder))
        if name.startswith("data/evals/") and name.endswith(".json")
    )

    def stranger(rows: Lines) -> None:
        rows[0]["labelSets"][0]["by"] = f"person:{'z' * 20}"

    report = verify_forged(tmp_path, binder, {path.removeprefix("data/"): stranger})
    (problem,) = report.problems
    assert (report.exit_code, problem.member) == (1, path)
    assert "is not in people.json" in problem.detail


def test_a_token_is_named_with_the_person_it_acts_for(world: World) -> None:
    filled = fill(world)
    world.token(Scope.IMPORT)
    token = AccessToken.objects.latest("pk")
    registry.register_release(
        principal=principal_of_token(token), system=world.system, manifest=manifest(name="r2")
    )
    people = json.loads(members_of(archive_of(export(filled, as_of=None)))["data/people.json"])
    owner = actor_of_user(token.owner)
    assert {"actor": actor_of_token(token), "actsFor": owner} in people["tokens"]
    assert owner in {each["actor"] for each in people["people"]}


@pytest.mark.django_db(transaction=True)
def test_who_did_what_is_packed_is_named_where_the_event_of_it_is_a_moment_later(world: World) -> None:
    """A row and its event are written in one transaction, but not at one time: a named `as_of` may lie between."""
    filled = fill_lightly(world)
    world.token(Scope.IMPORT)
    token = AccessToken.objects.latest("pk")
    with transaction.atomic():
        row = deployments.record_deployment(
            principal=principal_of_token(token), system=world.system, environment="production",
            release=world.release, effective_from=timezone.now(),
        )  # fmt: skip
    event = AuditEvent.objects.get(verb="release.deployed")
    assert row.created_at < event.occurred_at
    members = members_of(archive_of(export(filled, as_of=row.created_at)))
    (deployed,) = json.loads(members["data/versions/release.json"])["deployments"]
    assert deployed["deployedBy"] == actor_of_token(token)
    assert actor_of_token(token) in {
        each["actor"] for each in json.loads(members["data/people.json"])["tokens"]
    }
