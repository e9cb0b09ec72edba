"""A dictionary is on record with what it is worth, and a label with how it does on words nobody chose it by."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import translation
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

from evidence.access import Principal
from evidence.errors import InvalidInput
from evidence.models import AuditEvent, Scope
from interpret.dictionaries import files
from interpret.errors import DictionaryChanged, DictionaryMisfit, DictionaryMissing, DictionaryUnreadable
from interpret.models import Dictionary, Feature, FeatureLabel
from interpret.selectors.features import labels_that_count, looks_at
from interpret.services.dictionaries import figures_of, label_feature, register_dictionary
from tests.factories import World, acting, make_world
from tests.interpret.dictionary_store import ANSWERS, MODEL, described, register_model, write_dictionary

pytestmark = pytest.mark.django_db
DICTIONARIES = "/api/v1/dictionaries"


@pytest.fixture
def store(tmp_path: Path, settings: Settings) -> Path:
    settings.DICTIONARY_STORE = tmp_path
    return tmp_path


@pytest.fixture
def digest(store: Path, world: World) -> str:
    """A dictionary in the store, of a model that the system has."""
    register_model(world.system)
    return write_dictionary(store)


@pytest.fixture
def feature(digest: str, world: World) -> Feature:
    """The feature that answers to animals."""
    return register(world, digest).features.get(number=3)


def register(world: World, digest: str) -> Dictionary:
    return register_dictionary(principal=acting(), system=world.system, digest=digest)


def researcher(world: World) -> Principal:
    return acting(f"user:{world.people['researcher'].username}")


def api(world: World, role: str = "researcher") -> APIClient:
    client = APIClient()
    client.force_login(world.people[role])
    return client


def browser(world: World, role: str = "researcher") -> Client:
    client = Client()
    client.force_login(world.people[role])
    return client


def test_it_is_on_record_with_its_card_and_its_features_once(world: World, digest: str) -> None:
    found = register(world, digest)
    assert register(world, digest) == found
    assert found.artefact_version.digest == digest
    assert (found.model_version.digest, found.layer, found.width, found.n_features) == (MODEL, 1, 16, 8)
    assert found.card["rows"]["dictionary"]["quality"]["dead"] == 0.5
    assert list(found.features.order_by("number").values_list("number", "density")) == [(3, 0.25), (7, 0.5)]
    events = AuditEvent.objects.filter(object_type="interpret.Dictionary", object_id=str(found.pk))
    assert [event.verb for event in events] == ["dictionary.registered"]


def test_one_that_no_system_has_the_model_of_is_refused_and_nothing_is_stored(
    world: World, store: Path
) -> None:
    digest = write_dictionary(store)
    with pytest.raises(DictionaryMisfit, match="register the model first"):
        register(world, digest)
    assert not Dictionary.objects.exists()


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (lambda store, digest: (store / digest / files.FEATURES).unlink(), DictionaryMissing),
        (lambda store, digest: (store / digest / files.CARD).unlink(), DictionaryMissing),
        (lambda store, digest: (store / digest / files.FEATURES).write_bytes(b"none"), DictionaryUnreadable),
        (
            lambda store, digest: (store / digest / files.FOLDER / files.ABOUT).write_text("{}"),
            DictionaryChanged,
        ),
        (
            lambda store, digest: files.write_features(store, digest, described("0" * 64)),
            DictionaryUnreadable,
        ),
        (
            lambda store, digest: files.write_features(store, digest, described(digest, features=9)),
            DictionaryMisfit,
        ),
        (
            lambda store, digest: files.write_features(store, digest, {"format": "other"}),
            DictionaryUnreadable,
        ),
        (lambda store, digest: (store / digest / files.CARD).write_text("{"), DictionaryUnreadable),
        (
            lambda store, digest: files.write_card(store, digest, {"dictionary": "0" * 64}),
            DictionaryUnreadable,
        ),
    ],
)
def test_files_that_are_not_what_they_say_are_refused(
    world: World, store: Path, digest: str, spoil: Callable[[Path, str], object], error: type[Exception]
) -> None:
    spoil(store, digest)
    with pytest.raises(error):
        register(world, digest)
    assert not Dictionary.objects.exists()


@pytest.mark.parametrize(
    "change",
    [
        {"unknown": 1},
        {"described": [{"number": 1}]},
        {"tokens": None, "described": []} | {"concepts": {}},
        {"features": 5},  # 7 is none of five
    ],
)
def test_features_that_lack_a_field_or_have_one_too_many_are_refused(
    store: Path, digest: str, change: dict[str, Any]
) -> None:
    files.write_features(store, digest, described(digest, **change))
    with pytest.raises(DictionaryUnreadable):
        files.features_of(store, digest)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("density", 0),
        ("density", 1.5),
        ("answers", [[0.9, 1.2, 0.9, 0.99, 0.5, 0.6], ANSWERS[1]]),
        ("answers", ANSWERS[:1]),
        ("raises", ["\0"]),
        ("raises", [3]),
        ("raises", "letters"),
        ("number", [7]),
        ("density", "0.5"),
        ("in_texts", -1),
        ("largest", float("nan")),
        ("number", 3),  # which the other has
    ],
)
def test_values_that_cannot_be_are_refused(store: Path, digest: str, field: str, value: object) -> None:
    told = described(digest)
    told["described"][1][field] = value
    files.write_features(store, digest, told)
    with pytest.raises(DictionaryUnreadable):
        files.features_of(store, digest)


def test_a_label_keeps_how_the_feature_does_on_words_nobody_chose_by(world: World, feature: Feature) -> None:
    label = label_feature(principal=researcher(world), feature=feature, concept="animals", words="beasts")
    assert label.figures == {
        "held_out": 0.95, "low": 0.9, "high": 0.99, "random": 0.5, "random_largest": 0.6, "bag_of_tokens": 0.5,
    }  # fmt: skip
    again = label_feature(principal=researcher(world), feature=feature, concept="animals", words="beasts")
    assert again == label
    event = AuditEvent.objects.get(object_type="interpret.FeatureLabel", object_id=str(label.pk))
    assert event.verb == "feature.labelled"


def test_the_newest_label_of_each_person_counts_until_it_is_taken_back(
    world: World, feature: Feature
) -> None:
    label_feature(principal=researcher(world), feature=feature, concept="animals")
    changed = label_feature(principal=researcher(world), feature=feature, concept="colours")
    ((label, tried),) = labels_that_count(feature)
    assert (label, tried.on_feature, tried.in_all) == (changed, 2, 2)
    assert not tried.stands_out
    label_feature(principal=researcher(world), feature=feature, concept="")
    assert labels_that_count(feature) == []
    with pytest.raises(InvalidInput, match="taken back"):
        label_feature(
            principal=researcher(world), feature=Feature.objects.exclude(pk=feature.pk).get(), concept=""
        )


def test_each_pair_that_anybody_tried_is_a_look_at_the_whole_dictionary(
    world: World, feature: Feature
) -> None:
    other = Feature.objects.exclude(pk=feature.pk).get()
    colleague = acting(f"user:{world.people['admin' if 'admin' in world.people else 'approver'].username}")
    label_feature(principal=researcher(world), feature=other, concept="colours")
    label_feature(principal=researcher(world), feature=other, concept="")  # taken back: it was a look
    label_feature(principal=researcher(world), feature=feature, concept="animals")
    FeatureLabel.objects.create(
        feature=feature,
        concept="animals",
        figures=figures_of(feature, "animals"),
        labelled_by=colleague.actor,
    )
    looked = looks_at(feature.dictionary)
    assert [look.number for look in looked.values()] == [1, 2]  # the same of another person is no look
    (_, own), (_, theirs) = labels_that_count(feature)
    assert own.look == theirs.look == looked[feature.pk, "animals"]
    assert (own.by_author, theirs.by_author, own.in_all) == (2, 1, 2)
    assert own.stands_out
    assert own.look.level < looked[other.pk, "colours"].level * 2


def test_a_concept_that_the_features_were_not_held_against_is_refused_with_the_nearest(
    world: World, feature: Feature
) -> None:
    with pytest.raises(InvalidInput, match="'animals'"):
        label_feature(principal=researcher(world), feature=feature, concept="animal")
    assert not FeatureLabel.objects.exists()


def test_machines_and_people_who_see_no_internals_label_nothing(world: World, feature: Feature) -> None:
    address = f"/api/v1/features/{feature.pk}/labels"
    machine = APIClient().post(address, {"concept": "animals"}, format="json", **world.headers(Scope.PROBE))
    assert machine.status_code == 403, machine.content
    for role, status in (("reviewer", 403), ("auditor", 403), ("author", 403)):
        assert api(world, role).post(address, {"concept": "animals"}, format="json").status_code == status
    assert not FeatureLabel.objects.exists()


def test_by_api_it_is_registered_read_and_labelled(world: World, digest: str) -> None:
    client = api(world)
    answer = client.post(DICTIONARIES, {"system": world.system.key, "digest": digest}, format="json")
    assert answer.status_code == 201, answer.content
    pk = answer.json()["id"]
    assert client.get(f"{DICTIONARIES}/{pk}").json()["digest"] == digest
    features = client.get("/api/v1/features", {"dictionary": pk, "number": 3}).json()["results"]
    assert [each["examples"][0]["token"] for each in features] == [" c"]
    assert [each["chosen"] for each in features] == [{"animals": 0.9, "colours": 0.4}]
    assert "answers" not in features[0]  # by which a label is judged
    address = f"/api/v1/features/{features[0]['id']}/labels"
    told = client.post(address, {"concept": "animals"}, format="json")
    assert told.status_code == 201, told.content
    listed = client.get("/api/v1/feature-labels", {"feature": features[0]["id"]}).json()["results"]
    assert listed == [told.json()]
    (counted,) = client.get(address).json()
    assert counted.items() >= told.json().items()
    assert (counted["look"], counted["looks_by_author"], counted["looks_in_all"]) == (1, 1, 1)
    assert counted["stands_out"] is (counted["chance"] <= counted["level"])
    assert api(world, "auditor").get(address).status_code == 404
    unknown = client.post(DICTIONARIES, {"system": world.system.key, "digest": "0" * 64}, format="json")
    assert (unknown.status_code, unknown.json()["code"]) == (409, "dictionary_missing")


@pytest.mark.parametrize("role", ["reviewer", "auditor", "approver"])
def test_nobody_else_finds_any(world: World, feature: Feature, role: str) -> None:
    client = api(world, role)
    assert client.get(DICTIONARIES).json().get("results", []) == []
    assert client.get(f"/api/v1/features/{feature.pk}").status_code == 404
    pages = browser(world, role)
    for name, args in (("dictionaries", []), ("dictionary", [feature.dictionary_id])):
        assert pages.get(reverse(f"admin:{name}", args=args)).status_code == 404
    for pk in (feature.pk, 0):  # one that is there answers as one that is not
        assert pages.get(reverse("admin:feature", args=[pk])).status_code == 403


def test_a_foreign_system_has_none_of_it(world: World, feature: Feature) -> None:
    other = make_world("other")
    assert api(other).get(f"{DICTIONARIES}/{feature.dictionary_id}").status_code == 404
    assert browser(other).get(reverse("admin:feature", args=[feature.pk])).status_code == 404


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_the_pages_show_rivals_and_quantiles_and_what_none_of_it_shows(
    world: World, feature: Feature, language: str
) -> None:
    client = browser(world)
    client.cookies["django_language"] = language
    listed = client.get(reverse("admin:dictionaries")).content.decode()
    assert reverse("admin:dictionary", args=[feature.dictionary_id]) in listed
    shown = client.get(reverse("admin:dictionary", args=[feature.dictionary_id]), {"concept": "animals"})
    text = shown.content.decode()
    assert "frozen decoder" in text
    assert "0.700 [0.600, 0.800]" in text
    assert reverse("admin:feature", args=[feature.pk]) in text
    other = feature.dictionary.features.get(number=7)
    assert reverse("admin:feature", args=[other.pk]) not in text  # 0.4 on the words to choose by
    page = client.get(reverse("admin:feature", args=[feature.pk])).content.decode()
    assert "<mark> c</mark>" in page
    assert "&lt;b&gt;least&lt;/b&gt;" in page
    with translation.override(language):
        assert translation.gettext("What it does not show") in page


def test_on_the_page_a_label_is_chosen_without_the_words_it_is_judged_by(
    world: World, feature: Feature
) -> None:
    client, address = browser(world), reverse("admin:feature", args=[feature.pk])
    before = client.get(address).content.decode()
    assert "animals (0.90)" in before
    assert "0.95" not in before
    client.post(address, {"concept": "animals", "words": " beasts "}, follow=True)
    after = client.get(address).content.decode()
    assert "0.95 [0.90, 0.99]" in after
    assert "beasts" in after
    assert "Look 1 at this dictionary: its author has tried 1 labels" in after
    assert "It stands out" in after
    again = client.post(address, {"concept": "colours"}, follow=True).content.decode()
    assert "has tried 2 concepts" in again
    client.post(address, {"concept": ""}, follow=True)
    assert "0.95" not in client.get(address).content.decode()
    weak = feature.dictionary.features.get(number=7)
    told = client.post(reverse("admin:feature", args=[weak.pk]), {"concept": "animals"}, follow=True)
    assert "The label may say what is not there" in told.content.decode()


@pytest.mark.django_db(transaction=True)
def test_two_who_register_the_same_at_once_find_one(world: World, digest: str) -> None:
    start, found = Barrier(2), list[int]()

    def ask() -> None:
        start.wait()
        try:
            found.append(register(world, digest).pk)
        finally:
            connection.close()

    asking = [Thread(target=ask) for _ in range(2)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    assert len(found) == 2
    assert len(set(found)) == 1
    assert Feature.objects.count() == 2


def test_what_ships_can_be_read_as_it_stands() -> None:
    (digest,) = files.stored(files.SHIPPED)
    told = files.features_of(files.SHIPPED, digest)
    card = json.dumps(files.card_of(files.SHIPPED, digest))
    assert digest in card
    assert told.features == files.about_of(files.SHIPPED / digest / files.FOLDER).features
    assert len(told.described) > 500
