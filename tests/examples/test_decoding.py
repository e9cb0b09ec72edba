"""The decoder of the examples against the one of transformers, on a model of two layers that reads in no time."""

from __future__ import annotations

import copy
from typing import Any

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from examples.common.decoding import count_shared, write_answers  # noqa: E402  # needs torch
from examples.common.packing import pack_linear_layers  # noqa: E402

END = 0
BUDGET = 12
BUDGETS = [BUDGET, 1, BUDGET, 5, 4]
PROMPTS = [[5, 6, 7], [5, 6, 7, 8, 9, 10, 11], [5, 6, 7, 8, 20], [5, 6, 7, 8, 20], [30]]


@pytest.fixture(scope="module")
def model() -> Any:
    config = transformers.LlamaConfig(
        vocab_size=40,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        eos_token_id=END,
        pad_token_id=END,
        initializer_range=0.5,  # far apart enough for no two tokens to be equally likely
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return transformers.LlamaForCausalLM(config).eval()


def generate_alone(model: Any, prompt: list[int]) -> list[int]:
    output = model.generate(torch.tensor([prompt]), max_new_tokens=BUDGET, do_sample=False)
    written: list[int] = output[0, len(prompt) :].tolist()
    return written


def test_prompts_read_from_where_they_part_are_answered_as_each_alone(model: Any) -> None:
    written = write_answers(model, PROMPTS, [BUDGET] * len(PROMPTS), end_token=END)
    assert [answer.tokens for answer in written] == [generate_alone(model, prompt) for prompt in PROMPTS]
    assert all(0 < answer.mean_probability <= 1 for answer in written)


def test_each_answer_has_its_own_budget_and_the_others_go_on(model: Any) -> None:
    written = write_answers(model, PROMPTS, BUDGETS, end_token=END)
    alone = [generate_alone(model, prompt) for prompt in PROMPTS]
    cut = [tokens[:budget] for tokens, budget in zip(alone, BUDGETS, strict=True)]
    assert [answer.tokens for answer in written] == cut
    assert [len(answer.probabilities) for answer in written] == [len(tokens) for tokens in cut]


def test_an_answer_ends_with_the_end_token_and_the_others_go_on(model: Any) -> None:
    alone = [generate_alone(model, prompt) for prompt in PROMPTS]
    end = alone[0][3]
    written = write_answers(model, PROMPTS, [BUDGET] * len(PROMPTS), end_token=end)
    for tokens, answer in zip(alone, written, strict=True):
        expected = tokens[: tokens.index(end) + 1] if end in tokens else tokens
        assert (answer.tokens, answer.ended) == (expected, end in tokens)
    assert written[0].ended


@pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="this torch has no oneDNN")
def test_a_packed_model_says_the_same(model: Any) -> None:
    packed = copy.deepcopy(model)
    with torch.inference_mode():
        pack_linear_layers(packed)
        ids = torch.tensor([PROMPTS[1]])
        torch.testing.assert_close(packed(ids).logits, model(ids).logits)
    assert not any(type(layer) is torch.nn.Linear for layer in packed.modules())


@pytest.mark.parametrize(
    ("first", "second", "shared"), [([1, 2, 3], [1, 2, 4], 2), ([1, 2], [1, 2, 3], 2), ([], [1], 0)]
)
def test_what_two_prompts_share_is_their_beginning(first: list[int], second: list[int], shared: int) -> None:
    assert count_shared(first, second) == shared
