"""A card is made of one model and its dead copy, the same each time, and says nothing beyond its figures."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from interpret import model_store
from interpret.dictionaries import card, files, page
from interpret.dictionaries.reading import Sequences
from interpret.dictionaries.training import Training
from interpret.probes.weights import dead_model, load_causal_lm
from tests.probes.store import write_folder

TEXTS = ["".join(chr(97 + (5 * i * i + 3 * j * i + j) % 26) for i in range(140)) for j in range(40)]
TRAINING = Training(features=48, active=4, samples=4096, batch=256, dead_after=20)
ABOUT = {"digest": "d" * 64, "kinds": {"made": 40}, "learnt": 28, "held_out": 12, "limits": "letters"}


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> tuple[card.Material, card.Material]:
    folder = tmp_path_factory.mktemp("store")
    digest = model_store.add_folder(folder, write_folder(tmp_path_factory.mktemp("made") / "model"))
    loaded = load_causal_lm(folder, digest)
    with torch.no_grad():
        loaded.model.lm_head.weight *= 200
    alive, dead = (card.gather(model, 1, TEXTS[:28], TEXTS[28:]) for model in (loaded, dead_model(loaded, 0)))
    return alive, dead


@pytest.fixture(scope="module")
def store(material: tuple[card.Material, card.Material], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dictionaries")
    card.make(*material, TRAINING, folder, ABOUT, lambda _: None)
    return folder


def made(store: Path) -> dict[str, Any]:
    (digest,) = files.stored(store)
    return files.card_of(store, digest)


def test_each_rival_has_the_same_figures(store: Path) -> None:
    rows = made(store)["rows"]
    assert list(rows) == ["dictionary", "second seed", "frozen decoder", "principal components", "dead model"]
    for row in rows.values():
        assert row.keys() == {"quality", "recovered", "recovered_massive_replaced", "nats"}
        assert row["quality"].keys() == rows["dictionary"]["quality"].keys()
        for loss in ("cross_entropy", "divergence"):
            assert row["recovered"][loss].keys() == {"zero", "mean"}
    assert rows["dictionary"]["quality"]["l0"]["value"] == pytest.approx(4, rel=0.1)
    assert rows["principal components"]["quality"]["l0"]["value"] == 4
    kinds = ["neurons", "features", "principal directions", "random directions"]
    concepts = made(store)["polysemanticity"]
    assert list(concepts["alive"]) == list(concepts["dead"]) == kinds


def test_the_same_command_makes_the_same_bytes_and_figures(
    store: Path, material: tuple[card.Material, card.Material], tmp_path: Path
) -> None:
    digest = card.make(*material, TRAINING, tmp_path, ABOUT, lambda _: None)
    assert files.stored(store) == [digest]
    assert json.dumps(made(store)) == json.dumps(made(tmp_path))


def test_what_differs_by_more_than_it_may_is_named(store: Path) -> None:
    ours = made(store)
    assert card.differing(ours, ours) == []
    theirs = copy.deepcopy(ours)
    theirs["rows"]["dictionary"]["quality"]["explained"]["value"] += 0.03
    theirs["rows"]["dictionary"]["quality"]["dead"] += 0.03
    theirs["rows"]["dead model"]["recovered"]["divergence"]["mean"] = None
    theirs["stability"]["seeds"]["mean"] += 0.06
    assert [line.partition(":")[0] for line in card.differing(ours, theirs)] == [
        "/rows/dead model/recovered/divergence/mean",
        "/rows/dictionary/quality/explained",
        "/stability/seeds/mean",
    ]


def test_the_page_shows_each_row_and_no_verdict(store: Path) -> None:
    text = page.render(store)
    for name in made(store)["rows"]:
        assert text.count(f"| {name} |") == 3
    for model in ("alive", "dead"):
        assert text.count(f"| {model} | features |") == 1
    of_card = text.partition("\n## ")[2]
    assert not re.search(
        r"support|counter|monosemantic|interpretable|good|verified|passe[sd]|better", of_card
    )
    assert len(text.encode()) < 20_000


def test_sequences_for_splicing_come_from_as_many_texts_as_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(card, "SPLICED", 4)
    texts = np.array([0, 0, 0, 1, 1, 2])
    chosen = card._some(Sequences(np.arange(6)[:, None], texts))
    assert chosen.texts.tolist() == [0, 0, 1, 2]
    assert chosen.ids.ravel().tolist() == [0, 1, 3, 5]
