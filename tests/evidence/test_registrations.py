"""A version is registered by an act of its own; what a release pins without it lets no gate pass."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from evidence.access import principal_of_user
from evidence.digests import sha256_hex
from evidence.errors import AccessDenied, ConflictingContent, InvalidInput
from evidence.models import ArtefactVersion, Registration, Release, Scope
from evidence.selectors.registrations import say_unregistered, unregistered_pins
from evidence.services import gates, registry
from evidence.services.gates import CriterionReference
from tests.evidence.test_gates import assessor, say
from tests.factories import World, acting, define_gate, manifest, waive


@pytest.fixture
def unvouched(world: World, settings: Any) -> Release:
    """A release whose model nobody registered, with a gate that its criteria pass."""
    settings.GATE_ASSESSOR = f"{assessor.__module__}.assessor"
    say("met")
    define_gate(system=world.system, key="release", references=[CriterionReference(requirement="r")])
    model = registry.PinSpec("model", "model", "smol", "2", sha256_hex(b"another model"))
    pins = [model, *manifest().pins[1:]]
    return registry.register_release(
        principal=acting(), system=world.system, manifest=registry.ReleaseManifest("r2", pins)
    )


def decide(release: Release) -> Any:
    return gates.decide_gate(
        principal=acting("token:ci"), system=release.system, gate="release", release=release
    )


def version_of(world: World, kind: str, actor: str = "token:ci") -> ArtefactVersion:
    """A version that somebody put on record."""
    return registry.ensure_version(
        system=world.system, kind=kind, key="k", label="1", digest="a" * 64, actor=actor
    )


def test_no_gate_passes_a_release_that_pins_what_nobody_registered(unvouched: Release) -> None:
    decision = decide(unvouched)
    assert decision.verdict == "insufficient"
    assert [(reason["criterion"], reason["verdict"]) for reason in decision.reasons] == [
        ("r0/c", "met"), ("pin model", "not_assessed"),
    ]  # fmt: skip
    assert "tracebinder register-versions" in decision.reasons[1]["detail"]
    registry.register_version(principal=acting(), version=unvouched.pins.get(slot="model").version)
    assert decide(unvouched).verdict == "pass"
    assert gates.replay_gate_decision(decision).agrees


def test_of_many_unregistered_versions_a_few_are_named_and_the_others_counted(world: World) -> None:
    pins = [registry.PinSpec(f"tool:{n}", "tool", f"t{n}", "1", sha256_hex(b"%d" % n)) for n in range(7)]
    release = registry.register_release(
        principal=acting(), system=world.system, manifest=registry.ReleaseManifest("r2", pins)
    )
    told = say_unregistered(unregistered_pins(release))
    assert "tool:t0 v1 (1) as tool:0" in told
    assert "t5" not in told
    assert "and 2 more" in told


def test_a_waiver_of_a_criterion_does_not_let_an_unregistered_version_past(
    world: World, unvouched: Release
) -> None:
    say("not_met")
    waive(world, "r0/c", release=unvouched)
    assert decide(unvouched).verdict == "insufficient"


def test_what_a_release_pins_is_listed_until_it_is_registered(world: World, unvouched: Release) -> None:
    api = APIClient(**world.headers(Scope.IMPORT))
    pins = [
        {"slot": "m", "kind": "model", "key": "smol", "label": "2", "digest": sha256_hex(b"another model")}
    ]
    body = {"system": world.system.key, "name": "r3", "pins": pins}
    waiting = api.post("/api/v1/releases", body, format="json").json()["unregistered"]
    assert waiting == [{name: pins[0][name] for name in ("slot", "kind", "key", "digest")}]
    act = {"system": world.system.key, **waiting[0], "reason": "built by CI"}
    act.pop("slot")
    registered = api.post("/api/v1/versions/registrations", act, format="json")
    assert registered.status_code == 201, registered.content
    assert registered.json()["basis"] == "act"
    assert api.post("/api/v1/releases", body, format="json").json()["unregistered"] == []
    assert api.post("/api/v1/versions/registrations", act, format="json").json() == registered.json()
    unknown = api.post("/api/v1/versions/registrations", act | {"digest": "c" * 64}, format="json")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")
    del unvouched


@pytest.mark.parametrize("kind", ["suite", "evaluator", "dataset"])
def test_what_a_release_is_measured_with_is_an_approvers_to_register(world: World, kind: str) -> None:
    version = version_of(world, kind)
    for role in ("author", "operator"):
        with pytest.raises(AccessDenied, match="approver"):
            registry.register_version(principal=world.principal(role), version=version)
    registry.register_version(principal=world.principal("approver"), version=version)
    assert version.registration.basis == Registration.Basis.ACT


def test_nobody_registers_the_evaluator_they_put_on_record(world: World) -> None:
    approver = principal_of_user(world.people["approver"])
    version = version_of(world, "evaluator", approver.actor)
    with pytest.raises(AccessDenied, match="second person"):
        registry.register_version(principal=approver, version=version)


@pytest.mark.parametrize("kind", ["gate", "requirement", "criterion", "probe"])
def test_what_is_approved_or_internal_is_neither_registered_by_hand_nor_pinned(
    world: World, kind: str
) -> None:
    with pytest.raises(ConflictingContent, match=kind):
        registry.register_version(principal=acting(), version=version_of(world, kind))
    pin = registry.PinSpec("slot", kind, "k", "1", "a" * 64)
    with pytest.raises(InvalidInput, match="leave it out"):
        registry.register_release(
            principal=acting(), system=world.system, manifest=registry.ReleaseManifest("r9", [pin])
        )
