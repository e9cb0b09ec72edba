"""A release freezes registered versions; the same again changes nothing; conflicts are refused whole."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from evidence.access import visible_events, visible_to
from evidence.errors import ConflictingContent, InvalidInput
from evidence.models import ArtefactVersion, AuditEvent, Registration, Release, SourceDocument
from evidence.services import registry
from tests import factories
from tests.factories import World, acting


def test_a_release_registers_each_pinned_version_and_its_documents(world: World) -> None:
    assert {pin.slot for pin in world.release.pins.all()} == {"model", "prompt", "index", "policy"}
    assert Registration.objects.count() == ArtefactVersion.objects.count() == 4
    assert SourceDocument.objects.get().digest == factories.manifest().pins[2].documents[0].digest


def test_the_same_manifest_again_changes_nothing(world: World) -> None:
    before = AuditEvent.objects.count()
    again = registry.register_release(system=world.system, manifest=factories.manifest(), principal=acting())
    assert again == world.release
    assert AuditEvent.objects.count() == before


def test_a_release_name_with_other_pins_is_refused_and_nothing_of_it_stays(world: World) -> None:
    manifest = factories.manifest()
    changed = replace(manifest, pins=[replace(manifest.pins[0], digest="a" * 64), *manifest.pins[1:]])
    with pytest.raises(ConflictingContent):
        registry.register_release(system=world.system, manifest=changed, principal=acting())
    assert not ArtefactVersion.objects.filter(digest="a" * 64).exists()
    assert Release.objects.count() == 1


def test_an_index_whose_digest_does_not_fit_its_documents_is_refused(world: World) -> None:
    pin = replace(factories.manifest().pins[2], digest="b" * 64)
    with pytest.raises(ConflictingContent, match="its documents have"):
        registry.register_release(
            system=world.system, manifest=registry.ReleaseManifest(name="r2", pins=[pin]), principal=acting()
        )


def test_an_index_that_names_a_document_twice_is_refused_and_the_document_named(world: World) -> None:
    document = registry.DocumentSpec("terms", "Terms", "en", "A loan is paid back.")
    pin = replace(
        factories.manifest().pins[2], digest="", documents=[document, replace(document, text="Or not.")]
    )
    with pytest.raises(InvalidInput, match="Pin 'index' names document 'terms' twice"):
        registry.register_release(
            system=world.system, manifest=registry.ReleaseManifest(name="r2", pins=[pin]), principal=acting()
        )
    assert not SourceDocument.objects.filter(document_id="terms").exists()


@pytest.mark.parametrize("setting", ["MAX_PINS", "MAX_DOCUMENTS"])
def test_a_release_of_more_than_is_allowed_is_refused_and_the_limit_named(
    world: World, settings: Any, setting: str
) -> None:
    setattr(settings, setting, 0)
    manifest = replace(factories.manifest(), name="r2")
    with pytest.raises(InvalidInput, match=f"are named, and TRACEBINDER_{setting} allows 0"):
        registry.register_release(system=world.system, manifest=manifest, principal=acting())
    assert Release.objects.count() == 1


def test_a_pin_without_content_is_refused(world: World) -> None:
    pin = registry.PinSpec(slot="model", kind="model", key="smol", label="2")
    with pytest.raises(InvalidInput, match="neither a digest nor documents"):
        registry.register_release(
            system=world.system, manifest=registry.ReleaseManifest(name="r2", pins=[pin]), principal=acting()
        )


def test_versions_are_numbered_within_their_artefact(world: World) -> None:
    manifest = replace(factories.manifest(name="r2"))
    changed = replace(
        manifest, pins=[replace(manifest.pins[0], digest="c" * 64, label="2"), *manifest.pins[1:]]
    )
    release = registry.register_release(system=world.system, manifest=changed, principal=acting())
    assert release.pins.get(slot="model").version.number == 2
    assert release.pins.get(slot="prompt").version.number == 1


def test_a_system_is_registered_once_and_never_as_another(world: World) -> None:
    register = partial(registry.register_system, owner=world.people["operator"], principal=acting())
    same: dict[str, Any] = {"key": "credit-assistant", "name": "credit-assistant", "risk_tier": "high"}
    assert register(**same) == world.system
    for other in ({"name": "Credit"}, {"risk_tier": "low"}):
        with pytest.raises(ConflictingContent, match="is registered as 'credit-assistant', risk tier high"):
            register(**same | other)
    assert AuditEvent.objects.filter(verb="system.registered").count() == 1


def test_a_version_of_no_kind_we_know_is_refused(world: World) -> None:
    with pytest.raises(InvalidInput, match="'modle' is no kind of artefact: use one of model"):
        registry.ensure_version(
            system=world.system, kind="modle", key="smol", label="1", digest="a" * 64, actor="user:1"
        )


def test_events_about_the_inside_are_for_those_who_may_see_it(world: World) -> None:
    version = registry.ensure_version(
        system=world.system, kind="sae", key="layer-9", label="1", digest="c" * 64, actor="user:1"
    )
    about = AuditEvent.objects.get(object_type="evidence.ArtefactVersion", object_id=str(version.pk))
    auditor, researcher = world.principal("auditor"), world.principal("researcher")
    for seen in (visible_to(AuditEvent.objects.all(), auditor), visible_events(auditor)):
        assert seen.exists()
        assert about not in seen
    assert about in visible_to(AuditEvent.objects.all(), researcher)
