from __future__ import annotations

import hashlib
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from interpret.contracts import Measurement, ProbeInput, ProbeResult, ProbeSpecification, Status
from interpret.errors import BadSpecification, ProbeError
from interpret.parts import measure_all
from interpret.probes.entropy import NextTokenEntropy, unigram_values
from interpret.probes.prompts import tokenize
from interpret.probes.session import ModelSession
from interpret.probes.weights import LoadedModel
from interpret.verdicts import judge
from tests.probes import planted

FIRST = ord(" ")  # of the characters that have a token


def letters() -> Any:
    """Return a tokenizer of one token a character, with a chat template."""
    words = {chr(code): code % planted.WORDS for code in range(FIRST, FIRST + planted.WORDS)}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="?"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    fast: Any = PreTrainedTokenizerFast
    return fast(tokenizer_object=tokenizer, chat_template="<{{ messages[0].content }}>")


def model_of(loaded: LoadedModel) -> LoadedModel:
    return replace(loaded, tokenizer=letters())


def prompts(n: int, language: str = "en", text: str = "") -> tuple[ProbeInput, ...]:
    rng = np.random.default_rng(sum(map(ord, language)))
    texts = [text or "".join(chr(65 + int(c)) for c in rng.integers(0, 26, 12)) for _ in range(n)]
    return tuple(ProbeInput(f"{language}-{i}", each, language) for i, each in enumerate(texts))


def run(loaded: LoadedModel, inputs: tuple[ProbeInput, ...], **parameters: float) -> ProbeResult:
    specification = ProbeSpecification(
        "entropy.next_token", loaded.digest, 1, {"permutations": 499, **parameters}, inputs
    )
    session = ModelSession(loaded={loaded.digest: loaded})
    return measure_all(NextTokenEntropy(), specification, session)


def of(result: ProbeResult, statistic: str, language: str = "") -> Measurement:
    return next(
        item
        for item in result.measurements
        if item.statistic == statistic and item.holds_for.slice.get("language", "") == language
    )


def test_a_sure_model_is_described_and_not_judged() -> None:
    copying = model_of(planted.induction_model())
    repeating = tuple(ProbeInput(f"p{i}", "ABCDEFGH" * 3 + "ABCDEFGH"[: i % 8], "en") for i in range(12))
    result = run(copying, repeating, chat=0)
    entropy, margin = of(result, "next_token.entropy"), of(result, "next_token.margin")
    assert {judge(entropy).status, judge(margin).status} == {Status.DESCRIBED}
    assert entropy.estimate.high < 0.5  # nats
    assert entropy.supports == "This is the next-token entropy on all prompts."
    assert {entropy.unit, margin.unit} == {"nats", "probability"}


def test_a_model_without_weights_has_entropy_log_v() -> None:
    blank = model_of(planted.random_model())
    with torch.no_grad():
        blank.model.lm_head.weight.zero_()
    entropy = of(run(blank, prompts(12)), "next_token.entropy")
    assert entropy.estimate.value == pytest.approx(math.log(planted.WORDS), abs=1e-5)


def test_each_language_has_its_row_and_their_gap_is_tested() -> None:
    result = run(model_of(planted.random_model()), prompts(10) + prompts(12, "zh-Hans"))
    rows = [(m.statistic, m.holds_for.slice.get("language", "")) for m in result.measurements]
    assert ("next_token.entropy", "zh-Hans") in rows
    assert ("next_token.margin", "en") in rows
    gap = of(result, "next_token.language_gap", "zh-Hans minus en")
    assert gap.null.what == "language labels shuffled over the prompts"
    assert gap.estimate.n == 22


def test_a_language_with_too_few_prompts_is_named_and_not_reported() -> None:
    result = run(model_of(planted.random_model()), prompts(10) + prompts(2, "fr"))
    assert {m.holds_for.slice.get("language") for m in result.measurements} == {None, "en"}
    assert result.measurements[0].details["languages_too_few_to_report"] == ["fr"]


def test_copies_of_a_prompt_count_once_and_too_few_are_refused() -> None:
    loaded = model_of(planted.random_model())
    copies = tuple(ProbeInput(f"copy{i}", "ABCD" * 4, "en") for i in range(12))
    with pytest.raises(BadSpecification, match="at least 4 different prompts; these 12 are 1"):
        run(loaded, copies)
    assert of(run(loaded, prompts(5) + copies), "next_token.entropy").estimate.n == 6


def test_a_continuation_is_measured_over_its_own_tokens() -> None:
    item = ProbeInput("a", "ABC", "en", continuation="DE")
    plain, templated = (
        tokenize(model_of(planted.random_model()), [item], chat=chat, limit=99)[0] for chat in (False, True)
    )
    assert list(plain.positions) == [2, 3]  # where D and E are predicted
    assert len(templated.ids) == 7
    assert list(templated.positions) == [4, 5]


def test_long_prompts_keep_their_end() -> None:
    prompt = tokenize(model_of(planted.random_model()), prompts(1, text="ABCDEF"), chat=False, limit=2)[0]
    assert prompt.ids == tuple(ord(letter) % planted.WORDS for letter in "EF")


def test_the_unigram_guess_leaves_the_prompt_itself_out() -> None:
    items = (ProbeInput("a", "AAAA", "en"), ProbeInput("b", "BC", "en"))
    values = unigram_values(tokenize(model_of(planted.random_model()), items, chat=False, limit=9))
    assert values.entropy == pytest.approx([math.log(2), 0])
    assert values.margin == pytest.approx([0, 1])


def test_a_model_without_a_tokenizer_cannot_read_prompts() -> None:
    with pytest.raises(ProbeError, match="no tokenizer"):
        run(planted.random_model(), prompts(5))


def test_a_measurement_holds_for_the_tokenizer_and_the_template_that_made_its_tokens() -> None:
    loaded = model_of(planted.random_model())
    tokenizer: Any = loaded.tokenizer
    asked, plain = (run(loaded, prompts(5), chat=chat).measurements[0].holds_for for chat in (1, 0))
    assert asked.chat_template_digest == hashlib.sha256(tokenizer.chat_template.encode()).hexdigest()
    assert plain == replace(asked, chat_template_digest="", dataset_digest=plain.dataset_digest)
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    other = run(loaded, prompts(5), chat=0).measurements[0].holds_for
    assert other.tokenizer_digest != plain.tokenizer_digest
