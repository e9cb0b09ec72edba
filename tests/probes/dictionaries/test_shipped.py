"""The dictionary that ships is small, is what its card says, and its page is written from that card."""

from __future__ import annotations

import numpy as np
import pytest

from examples.dictionary import corpus
from examples.dictionary.__main__ import PAGE
from interpret.dictionaries import files, page, storing
from interpret.dictionaries.about import Site
from interpret.dictionaries.coding import Dictionary
from interpret.dictionaries.quality import l0_of
from interpret.errors import DictionaryMisfit
from interpret.model_store import SMOLLM2

MOST = 10 * 2**20  # bytes, with card


@pytest.fixture(scope="module")
def shipped() -> Dictionary:
    (digest,) = files.stored(files.SHIPPED)
    about = files.about_of(files.SHIPPED / digest / files.FOLDER)
    return storing.load(files.SHIPPED, digest, about.site)


def test_it_is_of_the_middle_of_the_model_of_the_examples_and_small(shipped: Dictionary) -> None:
    assert shipped.about.site == Site(SMOLLM2.digest, 15, 576)
    kept = [path for path in files.SHIPPED.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in kept) <= MOST


def test_its_card_is_of_it_and_the_page_of_its_card(shipped: Dictionary) -> None:
    card = files.card_of(files.SHIPPED, shipped.digest)
    assert card["dictionary"] == shipped.digest
    assert card["about"] == shipped.about.as_json()
    assert PAGE.read_text(encoding="utf-8") == page.render(files.SHIPPED), "run make dictionary"


def test_as_many_features_fire_as_when_it_was_trained(shipped: Dictionary) -> None:
    """On what it was made for: of size and mean like the activations, which do not travel with it."""
    rng = np.random.default_rng(0)
    some = rng.choice(len(shipped.directions), (200, 8))
    like = shipped.sae.b_dec.detach().numpy() + 40 * shipped.directions[some].sum(axis=1)
    assert shipped.about.l0 is not None
    storing.check_l0(shipped.about.l0, l0_of(shipped, like.astype(np.float32)))


def test_it_reads_no_other_layer(shipped: Dictionary) -> None:
    with pytest.raises(DictionaryMisfit, match="its layer is 15, not 14"):
        storing.load(files.SHIPPED, shipped.digest, Site(SMOLLM2.digest, 14, 576))


def test_its_texts_are_kept_and_say_where_they_come_from(shipped: Dictionary) -> None:
    texts = corpus.read()
    held_out = sum(each.held_out for each in texts)
    assert shipped.about.texts["held_out"] == held_out
    assert shipped.about.texts["learnt"] == len(texts) - held_out
    assert {each.kind for each in texts} == {"page", "source", "example"}
    assert (
        len(
            {each.text for each in texts if each.held_out}
            & {each.text for each in texts if not each.held_out}
        )
        == 0
    )
