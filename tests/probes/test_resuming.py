"""A pass that begins in the middle is the whole pass, in each family of models; what it kept is not kept for ever."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    GPTNeoXConfig,
    GPTNeoXForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    Olmo2Config,
    Olmo2ForCausalLM,
)

from interpret.contracts import Want
from interpret.errors import ProbeError
from interpret.probes.activations import Activations
from interpret.probes.forward import ForwardPasses
from interpret.probes.one_pass import Ablation, Floats, Ids, surprisal_of
from interpret.probes.sites import Head, attention_sites
from interpret.probes.weights import LoadedModel
from tests.probes.zoo import animals
from tests.probes.zoo.parts import WORDS, wrap

IDS: Ids = np.random.default_rng(0).integers(1, WORDS, size=(5, 20))
LAYERS, HEADS, WIDTH = 3, 4, 32
ALL: dict[str, Any] = {"vocab_size": WORDS, "attn_implementation": "eager"} | dict.fromkeys(
    ("bos_token_id", "eos_token_id", "pad_token_id")
)
SIZES: dict[str, Any] = {
    "hidden_size": WIDTH, "intermediate_size": 16, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS,
}  # fmt: skip


def llama() -> Any:
    return LlamaForCausalLM(LlamaConfig(**ALL, **SIZES, num_key_value_heads=2))


def olmo() -> Any:
    return Olmo2ForCausalLM(Olmo2Config(**ALL, **SIZES))


def neox() -> Any:
    return GPTNeoXForCausalLM(GPTNeoXConfig(**ALL, **SIZES))


def gpt2() -> Any:
    return GPT2LMHeadModel(GPT2Config(**ALL, n_positions=64, n_embd=WIDTH, n_layer=LAYERS, n_head=HEADS))


def made(make: Callable[[], Any]) -> LoadedModel:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        model = make()
        with torch.no_grad():
            for name, weight in model.named_parameters():
                if weight.dim() > 1 and "norm" not in name:
                    weight.normal_(0, 0.3)
    return wrap(model, f"{make.__name__:0<64}")


def whole_pass(loaded: LoadedModel, heads: tuple[Head, ...], replacements: Floats) -> Floats:
    """Return the surprisal with plain hooks, from the beginning and in one batch."""
    width, sites, handles = loaded.shape.head_width, attention_sites(loaded), []
    for head, replacement in zip(heads, replacements, strict=True):

        def put(_: Any, inputs: Any, head: Head = head, replacement: Floats = replacement) -> Any:
            changed = inputs[0].clone()
            changed[..., head.head * width : (head.head + 1) * width] = torch.from_numpy(replacement)
            return (changed, *inputs[1:])

        handles.append(sites[head.layer].mix.register_forward_pre_hook(put))
    ids = torch.from_numpy(IDS)
    with torch.inference_mode():
        surprisal: Floats = surprisal_of(loaded.model(input_ids=ids).logits.float(), ids).numpy()
    for handle in handles:
        handle.remove()
    return surprisal


@pytest.mark.parametrize("make", [llama, olmo, neox, gpt2])
@pytest.mark.parametrize(
    "heads", [(Head(0, 1),), (Head(1, 3),), (Head(2, 0), Head(2, 2)), (Head(1, 0), Head(2, 1))]
)
def test_it_gives_what_the_whole_pass_gives(
    make: Callable[[], Any], heads: tuple[Head, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("interpret.probes.forward.TOKENS_A_BATCH", 40)  # several batches, the last one short
    loaded, passes = made(make), ForwardPasses()
    replacements = np.random.default_rng(1).normal(size=(len(heads), WIDTH // HEADS)).astype(np.float32)
    wanted = whole_pass(loaded, heads, replacements)
    assert np.abs(wanted - whole_pass(loaded, (), replacements[:0])).max() > 0.01
    found = passes.ablated(loaded, IDS, Ablation(heads, replacements)).surprisal
    assert found == pytest.approx(wanted, abs=1e-5)
    assert whole_pass(loaded, (), replacements[:0]) == pytest.approx(
        passes.clean(loaded, IDS, {Want.SURPRISAL}).surprisal, abs=1e-5
    )


def test_half_of_an_output_is_replaced_by_halves() -> None:
    loaded, passes, head = made(llama), ForwardPasses(), (Head(2, 1),)
    ones = np.ones((1, WIDTH // HEADS), dtype=np.float32)
    clean, part, all_of_it = (
        passes.clean(loaded, IDS, {Want.SURPRISAL}).surprisal,
        passes.ablated(loaded, IDS, Ablation(head, ones, 0.5)).surprisal,
        passes.ablated(loaded, IDS, Ablation(head, ones)).surprisal,
    )
    assert clean is not None
    assert part is not None
    assert all_of_it is not None
    assert 0 < np.abs(part - clean).mean() < np.abs(all_of_it - clean).mean()
    with pytest.raises(ProbeError, match="more than none and at most all"):
        passes.ablated(loaded, IDS, Ablation(head, ones, 0.0))


def test_a_model_that_remembers_more_than_what_enters_a_layer_is_refused() -> None:
    """Its last layer reads what the first was given, past the layer between: skipped, that would not be there."""
    loaded, seen = made(llama), dict[str, torch.Tensor]()
    layers: Any = loaded.model.model.layers
    loaded.model.model.register_forward_pre_hook(lambda *_: seen.clear())
    layers[0].mlp.register_forward_hook(
        lambda _module, inputs, _output: seen.update(first=inputs[0].flip(-1))
    )
    layers[2].register_forward_hook(lambda _module, _inputs, output: output + seen.get("first", 0.0))
    with pytest.raises(ProbeError, match="from the middle, at layer 2, the surprisal is"):
        ForwardPasses().ablated(loaded, IDS, Ablation((Head(2, 0),), np.ones((1, 8), dtype=np.float32)))


def test_nothing_stands_in_for_a_module_afterwards() -> None:
    loaded = made(llama)
    ForwardPasses().ablated(loaded, IDS, Ablation((Head(2, 0),), np.ones((1, 8), dtype=np.float32)))
    assert not [name for name, module in loaded.model.named_modules() if "forward" in vars(module)]


def test_an_ablation_in_the_last_layer_costs_a_fraction_of_a_pass() -> None:
    """Counted by the layers that run, which no machine's load changes."""
    loaded, passes, ran = made(llama), ForwardPasses(), []
    for number, site in enumerate(attention_sites(loaded)):
        attention: Any = site.attention
        attention.q_proj.register_forward_hook(lambda *_, number=number: ran.append(number))
    ablation = Ablation((Head(2, 0),), np.ones((1, 8), dtype=np.float32))
    passes.ablated(loaded, IDS, ablation)
    ran.clear()
    passes.ablated(loaded, IDS, ablation)
    assert ran == []  # no attention at all: the heads' outputs are kept


def test_what_was_kept_goes_by_its_size_and_what_is_asked_for_stays() -> None:
    kept = Activations(limit=1000)
    array = np.arange(100, dtype=np.float32)  # 400 bytes
    first = kept.keep("first", {"a": array})
    kept.keep("second", {"a": array + 1})
    assert kept.get("first") is not None
    kept.keep("third", {"a": array + 2})
    assert (kept.get("second"), kept.bytes) == (None, 800)
    kept.keep("large", {"a": np.zeros(1000)})
    assert kept.get("first") is None
    assert (first["a"] == array).all()  # whoever still reads it may
    assert kept.get("large") is not None


def test_what_was_kept_has_no_name_that_it_could_be_found_by(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    kept = Activations().keep("a", {"a": np.arange(3.0)})["a"]
    assert isinstance(kept, np.memmap)
    assert kept.tolist() == [0, 1, 2]
    assert list(tmp_path.iterdir()) == []


def test_two_models_share_nothing() -> None:
    passes = ForwardPasses()
    first, second = animals.random(1), animals.random(2)
    assert first.digest != second.digest
    one, two = (passes.clean(each, IDS, {Want.SURPRISAL}).surprisal for each in (first, second))
    assert not np.array_equal(np.asarray(one), np.asarray(two))
    assert passes.made == 2
    same = replace(first, tokenizer=None)
    passes.clean(same, IDS, {Want.SURPRISAL})
    assert passes.made == 2
