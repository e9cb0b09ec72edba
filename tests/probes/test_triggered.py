"""What a pressing context triggers is named beside the finding, with random features that fire as often; or why not."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from interpret import registry
from interpret.errors import ProbeUnavailable
from interpret.probes.refusal.beside import _as_often, tell_triggered
from interpret.probes.refusal.contexts import PRESSING

WIDTH, REQUESTS = 64, 24


def in_contexts(*, pressed: float) -> np.ndarray:
    """Return requests in three contexts, where the third number is so large in the pressing one alone."""
    residual = np.random.default_rng(0).standard_normal((3, REQUESTS, WIDTH))
    residual[:, :, 2] = -1
    residual[PRESSING, :, 2] = pressed
    return residual


def ship(monkeypatch: pytest.MonkeyPatch, *, less: float = 0.0) -> None:
    """Have a dictionary ship whose features are the numbers above a threshold."""

    def coded(model: str, layer: int, rows: np.ndarray) -> Any:
        assert (model, layer, rows.shape) == ("m", 3, (3 * REQUESTS, WIDTH))
        return SimpleNamespace(dictionary="d" * 12, values=np.maximum(rows - less, 0))

    monkeypatch.setattr(registry, "dictionary_beside", lambda: coded)


def test_what_only_pressing_triggers_is_named_and_told_beside_random_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ship(monkeypatch)
    told = tell_triggered("m", 3, in_contexts(pressed=3.0), 0)
    assert f"number 2 of {WIDTH} of dictionary dddd" in told["what"]
    assert f"Triggered in most of {REQUESTS} requests: 2 ({REQUESTS})" in told["what"]
    assert told["value"] > 0.9
    by_chance = float(told["what"].partition("chosen likewise, tells ")[2][:4])
    assert by_chance < told["value"] - 0.1


def test_where_nothing_is_triggered_or_no_dictionary_ships_the_row_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(registry, "dictionary_beside", lambda: lambda *_: None)
    assert tell_triggered("m", 3, in_contexts(pressed=3.0), 0) == {
        "what": "no dictionary for this layer (after layer 3)",
        "value": None,
    }
    ship(monkeypatch, less=100.0)
    told = tell_triggered("m", 3, in_contexts(pressed=3.0), 0)
    assert (told["value"], "fires in a pressing context alone" in told["what"]) == (None, True)

    def missing(*_: object) -> None:
        raise ProbeUnavailable("sae-lens is not here")

    monkeypatch.setattr(registry, "dictionary_beside", lambda: missing)
    assert "could be read" in tell_triggered("m", 3, in_contexts(pressed=3.0), 0)["what"]


def test_random_features_fire_in_as_many_texts_as_those_they_stand_beside() -> None:
    residual = in_contexts(pressed=3.0)
    values = np.maximum(residual, 0)
    random = _as_often(residual, values, 0)
    assert ((random > 0).sum(axis=(0, 1)) == (values > 0).sum(axis=(0, 1))).all()
