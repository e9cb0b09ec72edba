from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from interpret.contracts import Want
from interpret.errors import ProbeError, SiteUnknown
from interpret.probes.activations import Activations
from interpret.probes.forward import ForwardPasses, digest_of_tokens
from interpret.probes.one_pass import Ablation, entropy_and_margin_of, surprisal_of
from interpret.probes.sites import Head, blocks_of
from interpret.probes.weights import LoadedModel
from tests.probes import planted

IDS = np.random.default_rng(0).integers(0, planted.WORDS, size=(3, 20))


def test_uniform_logits_have_entropy_log_v_and_no_margin() -> None:
    entropy, margin = entropy_and_margin_of(torch.full((1, 2, 1000), 7.0))
    assert entropy.numpy() == pytest.approx(math.log(1000), abs=1e-5)
    assert margin.numpy() == pytest.approx(0, abs=1e-6)


def test_a_certain_prediction_has_no_entropy_and_margin_one() -> None:
    logits = torch.zeros(1, 1, 1000)
    logits[..., 3] = 1000
    entropy, margin = entropy_and_margin_of(logits)
    assert (entropy.item(), margin.item()) == (0, 1)


def test_surprisal_is_of_the_next_token() -> None:
    logits = torch.zeros(1, 3, 4)
    logits[0, 0, 2] = 50
    surprisal = surprisal_of(logits, torch.tensor([[1, 2, 3]]))
    assert surprisal[0].numpy() == pytest.approx([0, math.log(4)], abs=1e-5)


def test_probes_that_ask_for_the_same_tokens_share_one_pass() -> None:
    passes, model = ForwardPasses({Want.ATTENTION, Want.ENTROPY}), planted.random_model()
    attention = passes.clean(model, IDS, {Want.ATTENTION}).attention
    entropy = passes.clean(model, IDS, {Want.ENTROPY}).entropy
    assert passes.made == 1
    assert attention is not None
    assert attention.sum(axis=-1) == pytest.approx(1, abs=1e-5)
    assert entropy is not None


def test_a_worker_holds_the_newest_passes_only() -> None:
    one = 2 * IDS.size * np.dtype(np.float32).itemsize  # entropy and margin
    passes, model = ForwardPasses(activations=Activations(2 * one)), planted.random_model()
    for shift in (0, 1, 2):
        passes.clean(model, (IDS + shift) % planted.WORDS, {Want.ENTROPY})
    passes.clean(model, (IDS + 1) % planted.WORDS, {Want.ENTROPY})
    assert passes.made == 3
    passes.clean(model, IDS, {Want.ENTROPY})
    assert passes.made == 4


def test_what_one_probe_kept_is_not_lost_when_another_asks_for_more() -> None:
    passes, model = ForwardPasses(), planted.random_model()
    passes.clean(model, IDS, {Want.ENTROPY})
    passes.clean(model, IDS, {Want.SURPRISAL})
    passes.clean(model, IDS, {Want.ENTROPY, Want.SURPRISAL})
    assert passes.made == 2


def test_padding_changes_nothing() -> None:
    passes, model = ForwardPasses(), planted.random_model()
    alone = passes.clean(model, IDS[:1, :12], {Want.ENTROPY}).entropy
    padded = passes.clean(model, IDS, {Want.ENTROPY}, (12, 20, 20)).entropy
    assert alone is not None
    assert padded is not None
    assert padded[0, :12] == pytest.approx(alone[0], abs=1e-5)


def test_batches_join_to_what_one_batch_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    wants = {Want.SURPRISAL, Want.ATTENTION, Want.HEAD_MEANS}
    model = planted.random_model()
    whole = ForwardPasses().clean(model, IDS, wants)
    monkeypatch.setattr("interpret.probes.forward.TOKENS_A_BATCH", 20)
    passes = ForwardPasses()
    parts = passes.clean(model, IDS, wants)
    assert passes.made == 3
    for name in ("surprisal", "attention", "head_means"):
        assert getattr(parts, name) == pytest.approx(getattr(whole, name), abs=1e-5)


def test_an_ablation_changes_the_outcome_and_leaves_no_hook_behind() -> None:
    passes, model = ForwardPasses(), planted.induction_model()
    ids = np.tile(np.arange(10), (2, 3))
    before = passes.clean(model, ids, {Want.SURPRISAL}).surprisal
    zeros = Ablation((Head(1, 0),), np.zeros((1, planted.HEAD_WIDTH), dtype=np.float32))
    changed = passes.ablated(model, ids, zeros)
    after = ForwardPasses().clean(model, ids, {Want.SURPRISAL}).surprisal
    assert before is not None
    assert changed.surprisal is not None
    assert changed.surprisal[:, 15:].mean() > before[:, 15:].mean() + 2
    assert changed.fired == {"ablate 1.0": 1}
    assert after is not None
    assert np.array_equal(after, before)


def test_attention_of_a_model_that_gives_none_raises() -> None:
    model = planted.random_model()
    model.model.set_attn_implementation("sdpa")
    with pytest.raises(ProbeError, match="eager"):
        ForwardPasses().clean(model, IDS, {Want.ATTENTION})


def test_the_digest_of_tokens_tells_shape_and_lengths_apart() -> None:
    digests = {
        digest_of_tokens(IDS),
        digest_of_tokens(IDS.reshape(4, 15)),
        digest_of_tokens(IDS, (20, 20, 19)),
        digest_of_tokens(IDS + 1),
    }
    assert len(digests) == 4


def layers_run(model: LoadedModel) -> list[int]:
    """Return a list that fills with the number of each layer that runs."""
    ran: list[int] = []
    for number, block in enumerate(blocks_of(model)):
        block.register_forward_hook(lambda *_, number=number: ran.append(number))
    return ran


def test_a_pass_goes_no_deeper_than_what_is_wanted_of_it() -> None:
    passes, model = ForwardPasses(), planted.induction_model()
    ran = layers_run(model)
    shallow = passes.clean(model, IDS, (), layers=[0]).residual[0]
    assert ran == [0]
    assert shallow.shape == (3, 20, model.shape.width)
    both = passes.clean(model, IDS, {Want.SURPRISAL}, layers=[0, 1])
    assert ran == [0, 0, 1]
    assert both.residual[0] == pytest.approx(shallow, abs=1e-6)
    passes.clean(model, IDS, (), layers=[1])
    assert ran == [0, 0, 1]


def test_one_pass_serves_every_probe_of_a_plan() -> None:
    model = planted.random_model()
    passes, ran = ForwardPasses(layers=(0, 1)), layers_run(model)
    for layer in (0, 1, 0):
        passes.clean(model, IDS, (), layers=[layer])
    assert (passes.made, ran) == (1, [0, 1])


@pytest.mark.parametrize(("layer", "near"), [(-1, 0), (2, 1)])
def test_a_layer_that_is_not_there_is_refused_with_the_nearest(layer: int, near: int) -> None:
    with pytest.raises(SiteUnknown, match=f"no layer {layer}: the nearest is {near}"):
        ForwardPasses().clean(planted.random_model(), IDS, (), layers=[layer])
