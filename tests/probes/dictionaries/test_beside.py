"""A feature of a dictionary stands beside what a direction tells, where a dictionary of the layer ships."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from interpret import registry
from interpret.dictionaries import files
from interpret.dictionaries.beside import code_beside
from interpret.errors import DictionaryChanged, ProbeUnavailable
from interpret.probes.proxies.beside import tell_by_features

WIDTH, PAIRS = 6, 24


def residuals(seed: int) -> np.ndarray:
    """Two sides, which differ along the third number alone. Shape (side, pair, width)."""
    given = np.random.default_rng(seed).standard_normal((2, PAIRS, WIDTH))
    given[:, :, 2] = [[4.0], [0.0]] + 0.1 * given[:, :, 2]
    return given


def test_it_is_chosen_on_the_fitting_pairs_and_told_on_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def coded(model: str, layer: int, rows: np.ndarray) -> SimpleNamespace:
        assert (model, layer, rows.shape) == ("m", 3, (4 * PAIRS, WIDTH))
        return SimpleNamespace(dictionary="d" * 12, values=np.maximum(rows, 0))

    monkeypatch.setattr(registry, "dictionary_beside", lambda: coded)
    told = tell_by_features("m", 3, residuals(0), residuals(1))
    assert "number 2 of 6 of dictionary dddd" in told["what"]
    assert told["value"] > 0.9
    other = residuals(1)[::-1].copy()  # where the sides are the other way round, it is surely wrong
    assert tell_by_features("m", 3, residuals(0), other)["value"] < 0.1


def test_where_no_dictionary_ships_or_none_can_be_read_the_row_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = tell_by_features("0" * 64, 3, residuals(0), residuals(1))
    assert told == {"what": "no dictionary for this layer (after layer 3)", "value": None}

    def missing(*_: object) -> None:
        raise ProbeUnavailable("sae-lens is not here")

    monkeypatch.setattr(registry, "dictionary_beside", lambda: missing)
    told = tell_by_features("0" * 64, 3, residuals(0), residuals(1))
    assert "could be read" in told["what"]
    assert told["value"] is None


def test_a_dictionary_that_was_changed_is_an_error_and_no_row(monkeypatch: pytest.MonkeyPatch) -> None:
    def changed(*_: object) -> None:
        raise DictionaryChanged("other bytes")

    monkeypatch.setattr(registry, "dictionary_beside", lambda: changed)
    with pytest.raises(DictionaryChanged):
        tell_by_features("0" * 64, 3, residuals(0), residuals(1))


def test_the_dictionary_that_ships_codes_rows_of_its_own_place() -> None:
    (digest,) = files.stored(files.SHIPPED)
    site = files.about_of(files.SHIPPED / digest / files.FOLDER).site
    rows = np.random.default_rng(0).standard_normal((5, site.width)).astype(np.float32)
    coded = code_beside(site.model, site.layer, rows)
    assert coded is not None
    assert digest.startswith(coded.dictionary)
    assert coded.values.shape[0] == 5
    assert code_beside(site.model, site.layer + 1, rows) is None
