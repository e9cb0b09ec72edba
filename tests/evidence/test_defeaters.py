"""Doubts: opened with what counters, answered by others than who raised them, and derived as of a time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from config.noun_uses import read_uses
from evidence import clock
from evidence.access import Principal, principal_of_token, principal_of_user
from evidence.errors import AccessDenied, ConflictingContent, InvalidInput, NotFound
from evidence.models import (
    AccessToken,
    AuditEvent,
    AuditPayload,
    Defeater,
    DefeaterAnswer,
    Evidence,
    GateDecision,
    Layer,
    Release,
    Role,
    Scope,
)
from evidence.selectors.defeaters import against, standing_defeaters, told_of, with_state
from evidence.services import gates, items, registry
from evidence.services.defeaters import answer_defeater, open_defeater
from tests.evidence.binder_world import fill, make_finding
from tests.factories import World, acting, make_world, manifest
from tests.interleaving import interleave, raise_problems

pytestmark = pytest.mark.django_db

SOON: Final = timedelta(days=30)


@pytest.fixture
def doubt(world: World) -> Defeater:
    return Defeater.objects.get(evidence=make_finding(world, Role.COUNTER))


def answer(world: World, doubt: Defeater, kind: str = "rebutted", **said: Any) -> DefeaterAnswer:
    """Answer as the world's approver, taking the place of what counts."""
    newest = doubt.answers.order_by("-pk").first()
    told = {"words": f"because {kind}", "replaces": newest.pk if newest else None, **said}
    return answer_defeater(principal=world.principal("approver"), defeater=doubt, kind=kind, **told)


def state(doubt: Defeater, as_of: clock.AsOf | None = None) -> str:
    told: str = with_state(Defeater.objects.filter(pk=doubt.pk), as_of).get().state_now
    return told


# Opening.


@pytest.mark.parametrize("role", list(Role))
def test_what_counters_opens_a_doubt_and_nothing_else_does(world: World, role: Role) -> None:
    now = timezone.now()
    draft = items.ItemDraft(
        source="evidence.EvalRun:1", digest="a" * 64, layer=Layer.BEHAVIOURAL, role=role, kind="eval_run", title="t",
        owner="token:0123456789ab", review_every_days=1, observed_from=now, observed_to=now, collected_at=now,
    )  # fmt: skip
    item = items.put_forward(draft=draft, release=world.release, slots=["model"], actor="system:test")
    assert Defeater.objects.filter(evidence=item).exists() == (role == Role.COUNTER)
    assert items.put_forward(draft=draft, release=world.release, slots=["model"], actor="system:test") == item
    assert Defeater.objects.count() == (role == Role.COUNTER)


def test_the_doubt_and_its_event_are_of_the_transaction_of_the_item(world: World) -> None:
    item = make_finding(world, Role.COUNTER)
    item.refresh_from_db()
    event = AuditEvent.objects.get(verb="defeater.opened")
    assert (event.object_type, event.object_id) == ("evidence.Defeater", str(item.defeater.pk))
    assert event.object_digest == "", "a digest would be something to look a finding up by"
    assert item.defeater.xact_id == event.xact_id == item.xact_id


def test_no_item_is_stored_whose_doubt_cannot_be(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise IntegrityError

    monkeypatch.setattr("evidence.services.defeaters.audit.record", refuse)
    with pytest.raises(IntegrityError), transaction.atomic():
        make_finding(world, Role.COUNTER)
    assert not Evidence.objects.exists()


def test_opening_twice_leaves_one(world: World, doubt: Defeater) -> None:
    again = open_defeater(evidence=doubt.evidence, release=world.release, actor="system:test")
    assert again == doubt
    assert AuditEvent.objects.filter(verb="defeater.opened").count() == 1


def test_nothing_opens_a_doubt_that_does_not_counter(world: World) -> None:
    with pytest.raises(InvalidInput, match="counters"):
        open_defeater(
            evidence=make_finding(world, Role.SUPPORTING), release=world.release, actor="system:test"
        )


def test_one_service_stores_items() -> None:
    """Whatever else stored one could leave its doubt out."""
    assert read_uses().writers["evidence.Evidence"] == {"evidence/services/items.py"}


# Who may answer.


def test_an_approver_answers_and_it_is_on_record(world: World, doubt: Defeater) -> None:
    given = answer(world, doubt, "mitigated", words="  the head was pruned ")
    assert (given.kind, given.words, given.replaces) == ("mitigated", "the head was pruned", None)
    event = AuditEvent.objects.get(verb="defeater.answered")
    assert (event.actor, event.object_id) == (world.principal("approver").actor, str(given.pk))
    assert "pruned" in bytes(AuditPayload.objects.get(event=event).payload).decode()


def asked_by(world: World, actor: str) -> Defeater:
    return Defeater.objects.get(evidence=make_finding(world, Role.COUNTER, 7, owner=actor))


def test_nobody_answers_what_they_asked_for_themselves(world: World) -> None:
    approver = world.principal("approver")
    with pytest.raises(AccessDenied, match="You put forward"):
        answer(world, asked_by(world, approver.actor))
    assert not DefeaterAnswer.objects.exists()


def test_nor_what_a_token_of_theirs_asked_for(world: World) -> None:
    world.token(Scope.PROBE)
    token = AccessToken.objects.get()
    raised = asked_by(world, principal_of_token(token).actor)
    token.owner.groups.set(world.people["approver"].groups.all())  # who became an approver since
    with pytest.raises(AccessDenied, match="You put forward"):
        answer_defeater(
            principal=principal_of_user(token.owner), defeater=raised, kind="rebutted", words="no"
        )


def test_nor_about_a_release_they_put_on_record(world: World) -> None:
    author = world.principal("author")
    release = registry.register_release(
        system=world.system, manifest=registry.ReleaseManifest("r2", manifest().pins), principal=author
    )
    world.people["author"].groups.set(world.people["approver"].groups.all())
    raised = open_on(world, release)
    with pytest.raises(AccessDenied, match="put the release on record"):
        answer_defeater(principal=world.principal("author"), defeater=raised, kind="rebutted", words="no")
    assert answer(world, raised).kind == "rebutted"


def open_on(world: World, release: Release) -> Defeater:
    """A doubt of a behavioural item that was measured on a release."""
    now = timezone.now()
    draft = items.ItemDraft(
        source=f"evidence.EvalRun:{release.pk}", digest="a" * 64, layer=Layer.BEHAVIOURAL, role=Role.COUNTER,
        kind="eval_run", title="Refuses less often", owner=acting().actor, review_every_days=1, observed_from=now,
        observed_to=now, collected_at=now,
    )  # fmt: skip
    item = items.put_forward(draft=draft, release=release, slots=["model", "prompt"], actor="system:test")
    return item.defeater


# What may be said.


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"kind": "rebuted"}, "one of rebutted"),
        ({"words": " "}, "answered in words"),
        ({"kind": "mitigated", "expires_at": timezone.now() + SOON}, "Only what is accepted"),
        ({"kind": "accepted", "expires_at": timezone.now() - SOON}, "in the future"),
    ],
)
def test_what_is_no_answer_is_refused(world: World, doubt: Defeater, said: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        answer(world, doubt, **{"kind": "rebutted", **said})
    assert not AuditEvent.objects.filter(verb="defeater.answered").exists()


def test_an_answer_names_the_one_it_takes_the_place_of(world: World, doubt: Defeater) -> None:
    first = answer(world, doubt)
    with pytest.raises(ConflictingContent, match=f"answer {first.pk} counts"):
        answer(world, doubt, "mitigated", replaces=None)
    second = answer(world, doubt, "mitigated", replaces=first.pk)
    assert second.replaces == first
    assert state(doubt) == "mitigated"
    with pytest.raises(ConflictingContent, match="nobody has answered yet"):
        answer(world, open_on(world, world.release), replaces=first.pk)


def test_the_same_said_again_is_answered_with_what_is_on_record(world: World, doubt: Defeater) -> None:
    first = answer(world, doubt)
    assert answer(world, doubt, replaces=None) == first
    assert DefeaterAnswer.objects.count() == 1


def test_an_answer_is_taken_back_by_another(world: World, doubt: Defeater) -> None:
    with pytest.raises(ConflictingContent, match="no answer to take back"):
        answer(world, doubt, "reopened")
    answer(world, doubt)
    answer(world, doubt, "reopened")
    assert state(doubt) == "open"
    with pytest.raises(ConflictingContent, match="no answer to take back"):
        answer(world, doubt, "reopened", words="once more")


@pytest.mark.parametrize(
    "columns",
    [
        {"kind": "rebutted"},  # a second first
        {"kind": "rebutted", "replaces": "first"},  # a second that replaces the same
    ],
)
def test_the_database_keeps_one_answer_that_counts(
    world: World, doubt: Defeater, columns: dict[str, Any]
) -> None:
    first = answer(world, doubt)
    answer(world, doubt, "mitigated")
    told = {**columns, "replaces": first} if "replaces" in columns else columns
    with pytest.raises(IntegrityError), transaction.atomic():
        DefeaterAnswer.objects.create(
            defeater=doubt, words="w", answered_by="person:x", created_at=clock.now(), **told
        )


@pytest.mark.parametrize(
    "columns", [{"kind": "rebutted", "expires_at": timezone.now() + SOON}, {"kind": "reopened"}]
)
def test_the_database_refuses_what_no_service_says(doubt: Defeater, columns: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        DefeaterAnswer.objects.create(
            defeater=doubt, words="w", answered_by="person:x", created_at=clock.now(), **columns
        )


# Where it stands.


def test_what_was_accepted_until_a_time_stands_again_then(
    world: World, doubt: Defeater, monkeypatch: pytest.MonkeyPatch
) -> None:
    until = clock.now() + SOON
    answer(world, doubt, "accepted", expires_at=until)
    assert (state(doubt), standing_defeaters().count()) == ("accepted", 0)
    monkeypatch.setattr("evidence.clock.now", lambda: until)
    assert (state(doubt), standing_defeaters().count()) == ("expired", 1)
    answer(world, doubt, "accepted", words="and for good")
    assert state(doubt) == "accepted"


def test_where_it_stood_as_of_a_time_stays_what_it_was(world: World, doubt: Defeater) -> None:
    moments, said = [], ["open"]
    for kind in ("accepted", "mitigated", "reopened", "rebutted"):
        moments.append(clock.read_moment())
        answer(world, doubt, kind)
        said.append({"reopened": "open"}.get(kind, kind))
    moments.append(clock.read_moment())
    assert [state(doubt, each) for each in moments] == said


@pytest.mark.parametrize(
    ("slot", "stands"), [("model", False), ("prompt", False), ("index", True), ("policy", True)]
)
def test_it_is_about_each_release_that_pins_what_was_measured(world: World, slot: str, stands: bool) -> None:
    raised = open_on(world, world.release)
    pins = [
        registry.PinSpec(pin.slot, pin.kind, pin.key, "2", "9" * 64) if pin.slot == slot else pin
        for pin in manifest().pins
    ]
    newer = registry.register_release(
        system=world.system, manifest=registry.ReleaseManifest("r2", pins), principal=acting()
    )
    assert Defeater.objects.filter(against(world.release)).get() == raised
    assert Defeater.objects.filter(against(newer)).exists() is stands


def test_another_systems_releases_are_not_doubted(world: World, doubt: Defeater) -> None:
    other = make_world("aml-copilot")
    assert not Defeater.objects.filter(against(other.release)).exists()
    with pytest.raises(NotFound):
        answer_defeater(
            principal=other.principal("approver"), defeater=doubt, kind="rebutted", words="not mine"
        )


def test_what_is_no_secret_says_its_title(world: World, doubt: Defeater) -> None:
    raised = open_on(world, world.release)
    told = told_of([doubt, raised])
    assert told[raised.pk].says == "Refuses less often"
    assert "induction" not in told[doubt.pk].says.lower()


# Two at once.


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seed", range(4))
def test_of_two_who_answer_at_once_one_is_told_to_read_first(world: World, seed: int) -> None:
    doubt = Defeater.objects.get(evidence=make_finding(world, Role.COUNTER))
    people = [world.principal("approver"), principal_of_user(world.join("wei", "approver"))]

    def answering(who: Principal) -> Callable[[], object]:
        return lambda: answer_defeater(principal=who, defeater=doubt, kind="rebutted", words=who.actor)

    raced = interleave(seed, [answering(who) for who in people])
    raise_problems(raced, expected=(ConflictingContent,))
    assert sorted(isinstance(each.problem, ConflictingContent) for each in raced) == [False, True]
    assert DefeaterAnswer.objects.count() == 1
    assert AuditEvent.objects.filter(verb="defeater.answered").count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seed", range(4))
def test_of_two_who_put_the_same_forward_at_once_one_opens_its_doubt(world: World, seed: int) -> None:
    raced = interleave(seed, [lambda: make_finding(world, Role.COUNTER)] * 2)
    raise_problems(raced)
    assert Evidence.objects.count() == Defeater.objects.count() == 1
    assert AuditEvent.objects.filter(verb="defeater.opened").count() == 1


# What it does not do.


def test_doubts_and_answers_change_no_decision_of_a_gate(world: World) -> None:
    filled = fill(world)
    before = decide(world)
    for number in range(3):
        answer(
            world, Defeater.objects.get(evidence=make_finding(world, Role.COUNTER, 50 + number)), "accepted"
        )
    make_finding(world, Role.COUNTER, 60)
    after = decide(world)
    assert (after.verdict, after.reasons) == (before.verdict, before.reasons)
    assert filled.trace.pk


def decide(world: World) -> GateDecision:
    return gates.decide_gate(system=world.system, gate="release", release=world.release, principal=acting())
