"""Everything versioned is an Artefact with immutable, numbered versions that carry a digest."""

from __future__ import annotations

from django.db import models

from evidence.models import ArtefactKind, ArtefactVersion
from tests.invariants.walk import our_models

VERSIONED_NOUNS = {
    "model", "prompt", "index", "document", "dataset", "suite", "evaluator", "judge", "policy", "tool", "gate",
    "requirement", "criterion", "sae", "detector", "probe", "probe_inputs", "safety_case", "reading", "reasons",
}  # fmt: skip


def test_every_versioned_noun_is_a_kind_of_artefact() -> None:
    assert set(ArtefactKind.values) == VERSIONED_NOUNS


def test_a_model_that_is_a_version_of_something_hangs_on_an_artefact_version() -> None:
    versions: list[type[models.Model]] = [
        model
        for model in our_models()
        if model.__name__.endswith(("Version", "Spec", "Criterion")) and model is not ArtefactVersion
        if not _is_mere_reference(model)
    ]
    assert len(versions) >= 3, "the walk found too little to mean anything"
    for model in versions:
        field = model._meta.get_field("artefact_version")
        assert isinstance(field, models.ForeignKey), model  # one to one, or many where content was kept
        assert not field.null, model
        assert field.related_model is ArtefactVersion, model


def test_a_field_named_version_or_gate_version_leads_to_an_artefact_version() -> None:
    seen = set()
    for model in our_models():
        for field in model._meta.get_fields():
            if isinstance(field, models.ForeignKey) and field.name in {
                "index_version",
                "gate_version",
                "model_version",
            }:
                seen.add(field.name)
                assert field.related_model is ArtefactVersion, f"{model.__name__}.{field.name}"
    assert seen == {"index_version", "gate_version", "model_version"}, "a field was renamed: name it here"


def _is_mere_reference(model: type[models.Model]) -> bool:
    """`TraceVersion` and the like say *which* version was used; they are not versions."""
    return any(
        isinstance(field, models.ForeignKey)
        and field.name == "version"
        and field.related_model is ArtefactVersion
        for field in model._meta.get_fields()
    )
