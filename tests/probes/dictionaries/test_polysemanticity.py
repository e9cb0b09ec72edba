"""Units whose concepts were written into them are counted as they were written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from interpret import model_store
from interpret.dictionaries.coding import Principal
from interpret.dictionaries.concepts import CONCEPTS
from interpret.dictionaries.polysemanticity import (
    answers,
    areas_of,
    check_concepts,
    projections,
    read_words,
    values_of,
)
from interpret.dictionaries.reading import site_of
from interpret.errors import BadSpecification
from interpret.probes.weights import load_causal_lm
from tests.probes.store import HIDDEN, WIDTH, write_folder

_, OF = check_concepts(CONCEPTS)
MANY = len(CONCEPTS)


def units(*rows: np.ndarray) -> np.ndarray:
    return np.stack(rows, axis=1).astype(np.float32)


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(len(OF))


def test_each_unit_is_counted_with_the_concepts_it_was_given() -> None:
    one = noise(1) + 5 * (OF == 3)
    below = noise(2) - 5 * (OF == 4)
    two = noise(3) + 5 * np.isin(OF, (0, 7))
    none, silent = noise(4), np.zeros(len(OF))
    told = answers(units(one, below, two, none, silent), OF)
    assert told.counts == (2, 2, 1)
    assert told.silent == 1
    assert told.mean.value == pytest.approx(4 / 5)
    assert told.several.value == pytest.approx(1 / 5)
    assert told.among_answering is not None
    assert told.among_answering.value == pytest.approx(4 / 3)
    assert told.by_chance == 0


def test_noise_answers_to_nothing_and_so_do_shuffled_labels() -> None:
    rng = np.random.default_rng(0)
    told = answers(rng.standard_normal((len(OF), 500)).astype(np.float32), OF)
    assert told.mean.value < 0.02
    assert told.by_chance < 0.02
    assert told.several.value == 0


def test_a_unit_that_fires_on_half_of_a_concept_is_told_by_its_area() -> None:
    half = np.zeros(len(OF))
    half[np.flatnonzero(OF == 2)[:12]] = 1
    areas = areas_of(units(half), OF)[:, 0]
    assert areas[2] == pytest.approx(0.75)
    assert areas[0] == pytest.approx(0.5, abs=0.02)


def test_intervals_are_wide_where_words_disagree() -> None:
    """Units near the border answer or not with the words that happen to be in the set."""
    rng = np.random.default_rng(0)
    clear = rng.standard_normal((len(OF), 200)) + 6 * (OF == 1)[:, None]
    border = rng.standard_normal((len(OF), 200)) + 1.2 * (OF == 1)[:, None]
    sure, unsure = (answers(each.astype(np.float32), OF).mean for each in (clear, border))
    assert sure.high - sure.low < 0.05
    assert unsure.high - unsure.low > sure.high - sure.low
    assert unsure.low < unsure.value < unsure.high


def test_words_are_read_at_their_last_token_in_each_template(tmp_path: Path) -> None:
    digest = model_store.add_folder(tmp_path / "store", write_folder(tmp_path / "model"))
    loaded = load_causal_lm(tmp_path / "store", digest)
    words = {
        "first": [chr(97 + each) for each in range(12)],
        "second": [2 * chr(97 + each) for each in range(12)],
    }
    read = read_words(loaded, site_of(loaded, 1), words)
    assert read.residual.shape == (3, 24, WIDTH)
    assert read.neurons.shape == (3, 24, HIDDEN)
    assert not np.allclose(read.residual[:, 0], read.residual[:, 1])
    coder = Principal(np.zeros(WIDTH, dtype=np.float32), np.eye(WIDTH, dtype=np.float32))
    assert np.allclose(values_of(coder, read), projections(coder.directions, read), atol=1e-5)


@pytest.mark.parametrize(
    ("concepts", "said"),
    [
        ({"a": [str(each) for each in range(12)]}, "fewer than two"),
        (
            {"a": [str(each) for each in range(12)], "b": [str(each) for each in range(11, 23)]},
            "stands twice",
        ),
        ({"a": [str(each) for each in range(12)], "b": ["x"]}, "the same number"),
        ({"a": ["x"], "b": ["y"]}, "12 at least"),
    ],
)
def test_labels_that_cannot_be_counted_with_are_refused(concepts: dict[str, list[str]], said: str) -> None:
    with pytest.raises(BadSpecification, match=said):
        check_concepts(concepts)


def test_the_labelled_set_is_what_it_says() -> None:
    assert MANY == 16
    assert {len(words) for words in CONCEPTS.values()} == {24}
