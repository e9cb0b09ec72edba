"""Where the attention is, in each family of models we know; in any other the probe stops rather than guess."""

from __future__ import annotations

from dataclasses import replace

import pytest
from torch import nn

from interpret.errors import ProbeError
from interpret.probes.sites import ATTENTION_NAMES, attention_sites
from interpret.probes.weights import LoadedModel
from tests.probes import planted


def model_of(attention_name: str, mix_name: str, layers: int = 2) -> LoadedModel:
    """A model that has its attention under these names."""
    blocks = nn.ModuleList()
    for _ in range(layers):
        block, attention = nn.Module(), nn.Module()
        attention.add_module(mix_name, nn.Linear(2, 2))
        block.add_module(attention_name, attention)
        blocks.append(block)
    model = nn.Module()
    model.add_module("experts", nn.ModuleList([nn.Linear(2, 2)] * 5))  # a list that is not of the layers
    model.add_module("layers", blocks)
    return replace(planted.random_model(), model=model)


@pytest.mark.parametrize(("attention_name", "mix_name"), ATTENTION_NAMES)
def test_each_known_family_has_its_sites_in_order(attention_name: str, mix_name: str) -> None:
    loaded = model_of(attention_name, mix_name)
    sites = attention_sites(loaded)
    assert [site.layer for site in sites] == [0, 1]
    for site, block in zip(sites, loaded.model.layers, strict=True):
        assert site.attention is getattr(block, attention_name)
        assert site.mix is getattr(site.attention, mix_name)


def test_an_unknown_family_is_named_and_not_guessed_at() -> None:
    with pytest.raises(ProbeError, match="layer 0 has no attention of a known architecture"):
        attention_sites(model_of("mixer", "out"))
    with pytest.raises(ProbeError, match="no list of 2 layers"):
        attention_sites(model_of("self_attn", "o_proj", layers=3))
