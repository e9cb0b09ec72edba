"""Whoever did something is named by an actor that never changes and tells nobody's name."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db.models import Model
from django.utils import timezone

from evidence.actors import ACTOR_FORM, actor_of_user
from evidence.models import AuditEvent, Pseudonym, Scope
from evidence.models.base import ActorField
from evidence.services import deployments
from evidence.services.disposal.holds import place_hold, release_hold
from tests.evidence.binder_world import export, fill
from tests.evidence.test_identity import tables_that_hold
from tests.factories import ACTOR, GATE_APPROVER, World, build_world, make_person, waive
from tests.invariants.walk import our_models
from tests.requirements.builders import APPROVER

# Who acts in the test world beside its people: accounts of these names, so that they act as people on record do.
ACTING = (ACTOR, APPROVER, GATE_APPROVER, "user:ana")
NAMED_LIKE_ACTORS = ("_by", "actor", "by")


def actor_columns() -> Iterator[tuple[type[Model], str]]:
    """Yield every column that says who."""
    for model in our_models():
        for field in model._meta.fields:
            if isinstance(field, ActorField):
                yield model, field.name


def test_a_text_column_that_is_named_like_an_actor_is_one() -> None:
    """So that the admin shows who it is, and this walk looks at it."""
    texts = [
        (model._meta.label, field.name, isinstance(field, ActorField))
        for model in our_models()
        for field in model._meta.fields
        if field.get_internal_type() == "CharField"
        and (field.name in NAMED_LIKE_ACTORS or field.name.endswith(NAMED_LIKE_ACTORS[0]))
    ]
    assert len(texts) > 20
    assert [text for text in texts if not text[2]] == [(Pseudonym._meta.label, "actor", False)]


def fill_further(world: World) -> None:
    """Record what a filled world lacks: a waiver, a deployment, a hold that is over, a token."""
    waive(world, "states-limits/c")
    deployments.record_deployment(
        principal=world.principal("author"), system=world.system, environment="production", release=world.release,
        effective_from=timezone.now(),
    )  # fmt: skip
    held = place_hold(
        principal=world.principal("operator"), system=world.system, reason="case 1", period_from=timezone.now(),
        period_to=None,
    )  # fmt: skip
    release_hold(principal=world.principal("operator"), hold=held, reason="settled")
    world.token(Scope.READ)


@pytest.mark.django_db
def test_rows_name_actors_and_hold_no_name_of_a_person() -> None:
    for name in ACTING:
        make_person(name.removeprefix("user:"), "author", "approver")
    world = build_world("credit-assistant")
    filled = fill(world)
    fill_further(world)
    export(filled, as_of=None)
    seen = set()
    for model, column in actor_columns():
        for actor in model._default_manager.values_list(column, flat=True).distinct():
            seen.add((model, column))
            assert ACTOR_FORM.fullmatch(actor), f"{model._meta.label}.{column}: {actor}"
    assert len(seen) > 12
    entries = b"\n".join(bytes(entry) for entry in AuditEvent.objects.values_list("entry", flat=True))
    for person in world.people.values():
        assert actor_of_user(person).encode() in entries  # each was made a member, at least
        assert person.username.encode() not in entries
        assert tables_that_hold(person.username) == ["auth_user"]
    for name in ACTING:
        assert tables_that_hold(name) == []
