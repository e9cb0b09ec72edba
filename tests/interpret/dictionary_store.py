"""A store with one small dictionary, as the command that trains leaves it; its weights are nobody's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from evidence.models import ArtefactKind, System
from evidence.services import registry
from interpret import model_store
from interpret.dictionaries import files
from interpret.dictionaries.about import About, Site
from interpret.models import Feature
from interpret.services.dictionaries import register_dictionary
from tests.factories import acting

MODEL = "ab" * 32
NAMES = ["animals", "colours"]
# chosen, held out, low, high, random, random_largest
ANSWERS = [[0.9, 0.95, 0.9, 0.99, 0.5, 0.6], [0.4, 0.45, 0.3, 0.6, 0.5, 0.7]]


def described(digest: str, **changes: Any) -> dict[str, Any]:
    """Return two features as `interpret.dictionaries.features.describe` writes them."""
    example = {"quantile": 1.0, "value": 2.5, "text": 0, "before": "a b", "token": " c", "after": " d"}
    rows = [
        {
            "number": number, "density": density, "in_texts": 3, "largest": 2.5, "raises": [" x"], "lowers": [" y"],
            "examples": [example, {**example, "quantile": 0.0, "token": " <b>least</b>"}], "answers": answers,
        }
        for number, density, answers in ((3, 0.25, ANSWERS), (7, 0.5, ANSWERS[::-1]))
    ]  # fmt: skip
    concepts = {
        "version": "concepts/test", "names": NAMES, "words": 12, "templates": 3, "random": 20,
        "bag_of_tokens": [0.5, 0.55],
    }  # fmt: skip
    return {
        "format": "dictionary-features/1", "dictionary": digest, "tokens": 1000, "texts": 9, "features": 8,
        "concepts": concepts, "described": rows, **changes,
    }  # fmt: skip


def write_dictionary(store: Path, **changes: Any) -> str:
    """Write a dictionary with its card and its features, and return its digest."""
    about = About(Site(MODEL, 1, 16), "topk", 8, 2.0)
    staged = store / "staged" / files.FOLDER
    staged.mkdir(parents=True)
    (staged / files.ABOUT).write_text(json.dumps(about.as_json()))
    digest = model_store.digest_of_folder(staged)
    staged.parent.rename(store / digest)
    figure = {"value": 0.7, "low": 0.6, "high": 0.8, "groups": 20, "doubt": ""}
    quality = {"explained_without": figure, "l0": figure, "dead": 0.5}
    rows = {"dictionary": {"quality": quality}, "frozen decoder": {}}
    files.write_card(store, digest, {"format": "dictionary-card/1", "dictionary": digest, "rows": rows})
    files.write_features(store, digest, described(digest, **changes))
    return digest


def register_model(system: System, digest: str = MODEL) -> None:
    """Have the system know a model of these bytes."""
    version = registry.ensure_version(
        system=system, kind=ArtefactKind.MODEL, key="looked-into", label="1", digest=digest, actor="test"
    )
    registry.register_version(principal=acting(), version=version)


def shipped(system: System) -> str:
    """Return the digest of the dictionary that ships, for which the system is ready."""
    (digest,) = files.stored(files.SHIPPED)
    register_model(system, files.about_of(files.SHIPPED / digest / files.FOLDER).site.model)
    return digest


def shipped_feature(system: System) -> Feature:
    """Return a feature that is on record."""
    found = register_dictionary(principal=acting(), system=system, digest=shipped(system))
    return found.features.select_related("dictionary__system").earliest("number")
