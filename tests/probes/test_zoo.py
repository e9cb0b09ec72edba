"""Each animal does what its circuit is said to do, by another computation than the probes'; then the verdicts on it."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from interpret.contracts import ProbeSpecification, Status
from interpret.parts import measure_all
from interpret.probes.induction import InductionHeads, prefix_scores
from interpret.probes.one_pass import Ids
from interpret.probes.session import ModelSession
from interpret.probes.weights import LoadedModel
from interpret.verdicts import judge
from tests.probes.zoo import animals
from tests.probes.zoo.cases import cases
from tests.probes.zoo.expected import COST, MATCH, ZOO
from tests.probes.zoo.parts import WORDS

RUN = {"sequences": 40, "length": 32, "control_draws": 19, "permutations": 199}
PERIODS = (7, 10, 13)


@pytest.mark.parametrize("name", [name for name, truth in ZOO.items() if truth.looks])
def test_each_head_looks_where_its_circuit_says(name: str) -> None:
    seen = attention(ZOO[name].make())
    for head, looks in ZOO[name].looks.items():
        for row, words in enumerate(texts()):
            wanted = looks(words)
            said = ~np.isnan(wanted)
            assert seen[head.layer][row, head.head][said] == pytest.approx(wanted[said], abs=0.02), str(head)


@pytest.mark.parametrize("name", ZOO)
def test_only_a_true_circuit_continues_what_repeats(name: str) -> None:
    right = copied(ZOO[name].make())
    if ZOO[name].copies:
        assert right > 0.95
    else:
        assert right < 0.1


def test_the_permuted_model_is_the_same_function() -> None:
    words = torch.from_numpy(texts())
    with torch.inference_mode():
        first, second = (
            model().model(input_ids=words).logits for model in (animals.induction, animals.permuted)
        )
    assert second.numpy() == pytest.approx(first.numpy(), abs=1e-4)


def test_the_dead_model_has_the_numbers_of_the_living_one() -> None:
    living, shuffled = (dict(model().model.named_parameters()) for model in (animals.induction, animals.dead))
    for name, weight in living.items():
        assert torch.equal(weight.flatten().sort().values, shuffled[name].flatten().sort().values), name


def test_either_twin_is_enough() -> None:
    for head in (animals.INDUCTION, animals.SECOND):
        loaded = animals.twins()
        with torch.no_grad():
            mixes = loaded.model.model.layers[head.layer].self_attn.o_proj.weight
            mixes.view(mixes.shape[0], loaded.shape.heads, -1)[:, head.head] = 0
        assert copied(loaded) > 0.95


def test_a_sink_matches_no_prefix() -> None:
    layer = attention(animals.sink())[animals.INDUCTION.layer]
    of_head = layer[:, animals.INDUCTION.head][None, None]  # (layer, head, text, query, key)
    assert prefix_scores(of_head, np.array(PERIODS)).max() < 0.01


@pytest.mark.parametrize("statistic", [MATCH, COST])
@pytest.mark.parametrize("name", cases(ZOO, always=("induction", "cache")))
def test_the_verdict_on_each_animal_is_the_true_one(name: str, statistic: str) -> None:
    given = verdicts(name)[statistic]
    assert given
    assert set(given) <= ZOO[name].expected[statistic]


@cache
def verdicts(name: str) -> dict[str, tuple[Status, ...]]:
    """Run the probe on an animal; statistic -> the status of each of its findings."""
    loaded = ZOO[name].make()
    asked = ProbeSpecification(
        "induction.heads", loaded.digest, seed=3, parameters={**RUN, "heads": ZOO[name].heads}
    )
    result = measure_all(InductionHeads(), asked, ModelSession(loaded={loaded.digest: loaded}))
    return {
        statistic: tuple(judge(item).status for item in result.measurements if item.statistic == statistic)
        for statistic in (MATCH, COST)
    }


def texts() -> Ids:
    """Random words that repeat, each text with a period of its own. Shape (text, word)."""
    rng = np.random.default_rng(5)
    return np.stack([np.resize(rng.permutation(WORDS)[:period], 32) for period in PERIODS])


def attention(loaded: LoadedModel) -> list[NDArray[np.float32]]:
    """Return what transformers itself says each layer attends to: (text, head, query, key) a layer."""
    with torch.inference_mode():
        out = loaded.model(input_ids=torch.from_numpy(texts()), output_attentions=True)
    return [layer.numpy() for layer in out.attentions]


def copied(loaded: LoadedModel) -> float:
    """Return the share of words, from the second time on, whose successor is what the model thinks likeliest."""
    words = texts()
    with torch.inference_mode():
        likeliest = loaded.model(input_ids=torch.from_numpy(words)).logits.argmax(dim=-1).numpy()
    # The first word has no note of its own, so what follows it the second time is left out.
    right = [likeliest[i, p + 1 : -1] == words[i, p + 2 :] for i, p in enumerate(PERIODS)]
    return float(np.concatenate(right).mean())
