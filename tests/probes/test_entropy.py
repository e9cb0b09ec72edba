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
from interpret.probes.prompts import distinct, tokenize
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


def of_templates(templates: int, each: int, language: str = "en") -> tuple[ProbeInput, ...]:
    """Return prompts that differ in one letter within a template."""
    bases = prompts(templates, language)
    return tuple(
        replace(base, id=f"{base.id}-{i}", text=base.text + chr(65 + i), cluster=f"template {number}")
        for number, base in enumerate(bases)
        for i in range(each)
    )


def test_prompts_of_one_template_are_one_unit() -> None:
    loaded, inputs = model_of(planted.random_model()), of_templates(6, 8)
    together = of(run(loaded, inputs), "next_token.entropy")
    alone = of(run(loaded, tuple(replace(each, cluster="") for each in inputs)), "next_token.entropy")
    assert (alone.estimate.n, together.estimate.n) == (48, 6)
    assert "over clusters of prompts" in together.estimate.method
    assert together.estimate.value == pytest.approx(alone.estimate.value)  # as many of each
    width, width_alone = (each.estimate.high - each.estimate.low for each in (together, alone))
    assert width > 1.5 * width_alone
    assert {each.estimate.n for each in (together.null, together.baseline)} == {6}
    assert together.details["clusters"] == {each.id: int(each.cluster[-1]) for each in inputs}
    assert "clusters" not in alone.details
    again = np.array([each.value for each in together.per_item]).reshape(6, 8).mean(axis=1)
    assert again.mean() == pytest.approx(together.estimate.value)


def test_a_cluster_counts_once_however_many_prompts_it_has() -> None:
    loaded = model_of(planted.random_model())
    inputs = of_templates(1, 20) + prompts(5, "fr")
    entropy = of(run(loaded, inputs), "next_token.entropy")
    values = np.array([each.value for each in entropy.per_item])
    assert entropy.estimate.n == 6
    assert entropy.supports == "This is the next-token entropy on all prompts, each cluster counted once."
    assert entropy.estimate.value == pytest.approx(np.mean([values[:20].mean(), *values[20:]]))


def test_clusters_of_one_give_what_prompts_without_any_give() -> None:
    loaded, inputs = model_of(planted.random_model()), prompts(9) + prompts(7, "zh-Hans")
    named = tuple(replace(each, cluster=f"trace {each.id}") for each in inputs)
    assert run(loaded, named).as_json() == run(loaded, inputs).as_json()


def test_fewer_clusters_than_needed_are_refused() -> None:
    with pytest.raises(BadSpecification, match="at least 4 clusters; these 24 are of 3"):
        run(model_of(planted.random_model()), of_templates(3, 8))


def test_a_language_with_too_few_clusters_is_named_and_not_reported() -> None:
    result = run(model_of(planted.random_model()), prompts(10) + of_templates(3, 9, "fr"))
    assert {m.holds_for.slice.get("language") for m in result.measurements} == {None, "en"}
    assert result.measurements[0].details["languages_too_few_to_report"] == ["fr"]


def test_a_text_that_stands_in_two_clusters_counts_in_the_first_that_names_one() -> None:
    first, second, third = (
        ProbeInput(name, "ABC", "en", cluster=name.strip("0")) for name in ("0", "a", "b")
    )
    (kept,) = distinct([first, second, third])
    assert (kept.id, kept.cluster) == ("0", "a")


def test_translations_of_a_document_are_compared_in_pairs() -> None:
    english = tuple(replace(each, cluster=f"document {i}") for i, each in enumerate(prompts(12)))
    chinese = tuple(
        replace(each, id=f"{each.id}-zh", text=each.text + "A", language="zh-Hans") for each in english[:8]
    )
    result = run(model_of(planted.random_model()), english + chinese)
    gap = of(result, "next_token.language_gap", "zh-Hans minus en")
    assert gap.estimate.n == 12
    assert gap.details["clusters_in_both"] == 8
    assert gap.null.what == "language labels shuffled over the clusters of prompts"
    assert gap.null.estimate.value == pytest.approx(0, abs=0.05)


def test_the_unigram_guess_leaves_the_whole_cluster_out() -> None:
    items = (
        ProbeInput("a", "AAAA", "en", cluster="t"),
        ProbeInput("b", "AAAB", "en", cluster="t"),
        ProbeInput("c", "CD", "en"),
    )
    values = unigram_values(tokenize(model_of(planted.random_model()), items, chat=False, limit=9))
    assert values.entropy[:2] == pytest.approx([math.log(2)] * 2)


def test_what_a_translation_says_is_not_taken_from_what_others_say_in_its_language() -> None:
    """Signs that both languages share stand in prompts of other clusters, too."""
    items = (
        ProbeInput("en of one", "A", "en", cluster="one"),
        ProbeInput("zh of one", "BBB", "zh-Hans", cluster="one"),
        ProbeInput("en of another", "ABC", "en", cluster="another"),
        ProbeInput("zh of another", "D", "zh-Hans", cluster="another"),
    )
    values = unigram_values(tokenize(model_of(planted.random_model()), items, chat=False, limit=9))
    assert values.entropy[0] == pytest.approx(
        math.log(3)
    )  # A, B and C, each once in the other English prompt


def test_half_of_the_clusters_are_drawn_whole() -> None:
    stability = of(run(model_of(planted.random_model()), of_templates(8, 5)), "next_token.entropy").stability
    assert (stability.what, stability.second.n) == ("a random half of the clusters of prompts", 4)
