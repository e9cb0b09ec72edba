"""No reading and no intervention can fail in silence: each way that it could is shown, and what the engine says."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import interpret.probes
from interpret.errors import (
    HookMiscounted,
    HookNeverFired,
    InterpretError,
    InterventionWithoutEffect,
    ProbeError,
    SiteUnknown,
)
from interpret.probes.forward import ForwardPasses
from interpret.probes.hooks import Hook, counted_hooks
from interpret.probes.one_pass import Ablation
from interpret.probes.sites import Head, attention_sites
from interpret.probes.weights import LoadedModel
from tests.probes.zoo import animals
from tests.probes.zoo.parts import HEAD_WIDTH, HEADS, WORDS

IDS = np.tile(np.arange(10), (2, 3))
HOOKED = ("register_forward", "register_full_backward", "register_module_", "register_hook")


def ablation(*heads: Head) -> Ablation:
    return Ablation(heads, np.zeros((len(heads), HEAD_WIDTH), dtype=np.float32))


def run_under(loaded: LoadedModel, *hooks: Hook) -> Any:
    with torch.inference_mode(), counted_hooks(hooks):
        return loaded.model(input_ids=torch.from_numpy(IDS)).logits


@pytest.mark.parametrize(
    ("error", "said", "call", "changes"),
    [
        (InterventionWithoutEffect, "returned nothing", lambda _: None, True),
        (ProbeError, "only reads", lambda inputs: inputs, False),
    ],
    ids=["changes and returns nothing", "reads and returns something"],
)
def test_a_hook_does_what_it_was_made_for(
    error: type[InterpretError], said: str, call: Any, changes: bool
) -> None:
    loaded = animals.induction()
    before = run_under(loaded)
    mix = attention_sites(loaded)[0].mix
    with pytest.raises(error, match=said):
        run_under(loaded, Hook("mix", mix, call, before=True, changes=changes))
    assert torch.equal(run_under(loaded), before)  # and it is gone


def test_a_hook_that_never_fires_raises() -> None:
    unused = torch.nn.Linear(2, 2)
    with pytest.raises(HookNeverFired, match="somewhere else"):
        run_under(animals.random(), Hook("somewhere else", unused, lambda _: None))


def test_a_module_that_is_used_twice_is_no_site() -> None:
    loaded = animals.induction()
    layers: Any = [site.attention for site in attention_sites(loaded)]
    first, second = layers
    second.o_proj = first.o_proj
    with pytest.raises(HookMiscounted, match=r"layer 0 \(2 times\)"):
        run_under(loaded, Hook("layer 0", first.o_proj, lambda _: None, before=True))


def test_two_hooks_of_one_name_would_share_a_count() -> None:
    loaded = animals.induction()
    used, unused = attention_sites(loaded)[0].mix, torch.nn.Linear(2, 2)
    with pytest.raises(ProbeError, match="two hooks are called mix"):
        run_under(loaded, Hook("mix", used, lambda _: None), Hook("mix", unused, lambda _: None))


@pytest.mark.parametrize(
    ("asked", "nearest"),
    [(Head(-1, 0), "0.0"), (Head(2, 0), "1.0"), (Head(1, HEADS), f"1.{HEADS - 1}"), (Head(0, -1), "0.0")],
    ids=str,
)
def test_a_head_that_is_not_there_is_refused_with_the_nearest(asked: Head, nearest: str) -> None:
    """Python would take layer -1 for the last, and the slice of the head after the last, or of head -1, is empty."""
    with pytest.raises(SiteUnknown, match=f"no head {asked}: the nearest is {nearest}"):
        ForwardPasses().ablated(animals.induction(), IDS, ablation(asked))


@pytest.mark.parametrize(
    "replacements",
    [np.zeros((1, HEAD_WIDTH - 1)), np.zeros((2, HEAD_WIDTH)), np.full((1, HEAD_WIDTH), np.nan)],
    ids=["too narrow", "one too many", "not finite"],
)
def test_a_replacement_that_is_no_head_s_output_is_refused(replacements: Any) -> None:
    with pytest.raises(ProbeError, match="replacements are finite numbers of shape"):
        ForwardPasses().ablated(
            animals.induction(), IDS, Ablation((Head(1, 0),), replacements.astype(np.float32))
        )


def test_a_head_is_ablated_once() -> None:
    with pytest.raises(ProbeError, match="each of its heads once"):
        ForwardPasses().ablated(animals.induction(), IDS, ablation(Head(1, 0), Head(1, 0)))


def test_a_hook_that_fires_where_nothing_reads_it_proves_nothing() -> None:
    """Another library's hook replaces the layer's output: ours fires, is counted, and changes nothing."""
    loaded = animals.induction()
    site = attention_sites(loaded)[1]
    site.attention.register_forward_hook(
        lambda _module, _inputs, output: (torch.zeros_like(output[0]), *output[1:])
    )
    changed = Hook("mix", site.mix, lambda inputs: (torch.zeros_like(inputs[0]),), before=True, changes=True)
    before = run_under(loaded)
    assert torch.equal(run_under(loaded, changed), before)  # the naive way: an effect of exactly nothing
    with pytest.raises(InterventionWithoutEffect, match=r"head 1\.0.*moved by 0\.0e\+00 nats"):
        ForwardPasses().ablated(loaded, IDS, ablation(Head(1, 0)))


def test_a_head_that_nothing_reads_is_refused_and_its_neighbours_are_not() -> None:
    loaded, passes = animals.induction(), ForwardPasses()
    with torch.no_grad():
        mix: Any = attention_sites(loaded)[1].mix
        mix.weight[:, 3 * HEAD_WIDTH :] = 0
    assert passes.ablated(loaded, IDS, ablation(Head(1, 0), Head(1, 2))).fired == {"ablate 1.0 1.2": 1}
    with pytest.raises(InterventionWithoutEffect, match=r"head 1\.3"):
        passes.ablated(loaded, IDS, ablation(Head(1, 0), Head(1, 3)))


def test_a_head_is_proven_once_a_session() -> None:
    loaded, passes = animals.induction(), ForwardPasses()
    passes.ablated(loaded, IDS, ablation(Head(1, 0)))
    made = passes.made
    passes.ablated(loaded, (IDS + 1) % WORDS, ablation(Head(1, 0)))
    assert passes.made == made + 2  # to the head, and on from there


def test_only_counted_hooks_are_attached() -> None:
    """A probe of tomorrow finds no other way: whoever attaches to a module by hand is named here."""
    probes = Path(str(interpret.probes.__file__)).parent
    by_hand = {
        path.name
        for folder in (probes, probes.with_name("dictionaries"))
        for path in folder.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if (isinstance(node, ast.Attribute) and node.attr.startswith(HOOKED))
        or (isinstance(node, ast.Constant) and node.value == "forward")  # a module's own, replaced
    }
    assert by_hand == {"hooks.py"}
