from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from interpret import registry
from interpret.contracts import ClaimLevel, Measurement, ProbeInput, ProbeSpecification
from interpret.errors import (
    BadSpecification,
    ClaimRefused,
    InterventionWithoutEffect,
    PairsUnequal,
    ProbeError,
    SiteUnknown,
    StructureUntold,
)
from interpret.parts import measure_all
from interpret.probes.answering import AnswerSite
from interpret.probes.directions.pairs import check_apart, pair_up
from interpret.probes.directions.reading import fit_readout, random_directions
from interpret.probes.forward import ForwardPasses
from interpret.probes.proxies import AttributeProxies
from interpret.probes.proxies.prompt_sets import PromptSet, read_prompt_set
from interpret.probes.session import ModelSession
from interpret.probes.sites import blocks_of
from interpret.probes.weights import LoadedModel
from interpret.verdicts import judge
from tests.probes import test_resuming as resuming
from tests.probes.zoo import animals, proxies
from tests.probes.zoo.cases import cases
from tests.probes.zoo.expected import DECODABLE, PROXY_ZOO, REINJECTION, REMOVAL

SETS = registry.PROBES["attribute.proxies"].choices["prompt_set"].names
TEXTS = ([3, 5, 8, 2], [4, 6, 9], [7, 5, 8, 2], [1, 2])


@pytest.mark.parametrize(
    "name",
    cases(PROXY_ZOO, always=("used", "held, unused", "template", "dead")),
)
def test_the_verdict_on_each_model_is_the_true_one(name: str) -> None:
    given = {item.statistic: judge(item).status for item in measured(name)}
    assert given.keys() == PROXY_ZOO[name].expected.keys()
    for statistic, status in given.items():
        assert status in PROXY_ZOO[name].expected[statistic], statistic


def test_what_is_used_is_replicated_both_ways_and_what_is_only_read_is_not() -> None:
    told = {item.statistic: item for item in measured("used")}
    assert judge(told[DECODABLE]).rung is ClaimLevel.ASSOCIATIONAL
    assert judge(told[REMOVAL]).rung is judge(told[REINJECTION]).rung is ClaimLevel.REPLICATED
    assert min(told[REINJECTION].details["moved_each_way"]) > 1
    assert told[REMOVAL].estimate.value == pytest.approx(
        told[REMOVAL].details["difference_in_log_odds"], rel=0.2
    )
    assert told[REINJECTION].details["pairs_reported_on"] == 24
    assert set(told[REMOVAL].fire_counts) == {"layer 0", "after layer 0"}


def test_words_say_what_was_tested_and_no_more() -> None:
    told = {item.statistic: item for item in measured("used")}
    for item in told.values():
        assert item.tested is not None
        assert f"by more than {item.tested.smallest_effect:g}" in item.supports
        assert "in English notes to a credit copilot" in item.supports[:1].lower() + item.supports[1:]
        assert "what becomes of any person" in item.does_not_show
        for strong in ("cause", "because", "discriminat", "bias", "unfair", "proves"):
            assert strong not in item.supports
    assert "log-odds" not in told[DECODABLE].supports
    for statistic in (REMOVAL, REINJECTION):
        assert "of “approve” over “decline” (by the first token that differs)" in told[statistic].supports
    assert "what can be read need not be used" in told[DECODABLE].does_not_show
    assert "nothing else in the model carries it" in told[REMOVAL].does_not_show
    assert "both ways" not in told[REMOVAL].supports
    assert "both ways" in told[REINJECTION].supports


def test_no_template_or_word_is_fitted_on_and_reported_on_and_the_second_seed_has_the_words_exchanged() -> (
    None
):
    prompts, words = known()
    first, second = (pair_up(prompts, words, 48, seed=3, again=again) for again in (0, 1))
    for material in (first, second):
        assert len(material.fit) == len(material.report) == 24
        assert len({pair.template for pair in (*material.fit, *material.report)}) == 48
        assert len({word for pair in (*material.fit, *material.report) for word in pair.words}) == 96
        for pair in (*material.fit, *material.report):
            assert len({len(text) for text in pair.texts}) == 1
            assert len(set(pair.texts)) == 4
    assert {pair.cluster for pair in first.report} == {pair.cluster for pair in second.report}
    assert not {pair.digest() for pair in first.report} & {
        pair.digest() for pair in (*second.report, *second.fit)
    }
    reported = [{word for pair in material.report for word in pair.words} for material in (first, second)]
    assert not reported[0] & reported[1]


def test_splits_that_share_a_template_or_a_word_are_refused() -> None:
    prompts, words = known()
    material = pair_up(prompts, words, 48, seed=3, again=0)
    leaked = replace(material.fit[0], words=("Nobody", "Noone"))
    with pytest.raises(ClaimRefused, match=r"template \d+ is in both splits"):
        check_apart(material.fit, [leaked])
    leaked = replace(material.fit[0], template=99)
    with pytest.raises(ClaimRefused, match="what was fitted on a word is reported on another"):
        replace(material, report=(*material.report, leaked))


def test_pairs_of_unlike_length_are_left_out_and_counted_and_too_few_are_refused() -> None:
    prompts, _ = known()
    some = (
        tuple(f"{word} the" if i < 8 else word for i, word in enumerate(prompts.words[0])),
        prompts.words[1],
    )
    longer = replace(prompts, words=some)
    material = pair_up(longer, proxies.Words(longer), 48, seed=0, again=0)
    assert material.left_out == 60 - 48
    shortened = {word.split()[0] for word in some[0][:8]}
    assert not shortened & {pair.words[0] for pair in (*material.fit, *material.report)}
    some = (
        tuple(f"{word} the" if i < 25 else word for i, word in enumerate(prompts.words[0])),
        prompts.words[1],
    )
    with pytest.raises(PairsUnequal, match=r"18 pairs in a half are of equal length .*: 20 are needed"):
        pair_up(replace(prompts, words=some), proxies.Words(prompts), 48, seed=0, again=0)


def test_a_tokenizer_that_cannot_tell_is_refused() -> None:
    prompts, words = known()
    with pytest.raises(StructureUntold, match="has no tokenizer"):
        pair_up(prompts, None, 48, seed=0, again=0)
    with pytest.raises(StructureUntold, match=r"does not know every word of 'Loan file\. First name: Zaphod"):
        pair_up(replace(prompts, words=(("Zaphod",), prompts.words[1])), words, 48, seed=0, again=0)
    with pytest.raises(StructureUntold, match=r"are one answer"):
        pair_up(replace(prompts, answers=(" approve", "  approve")), words, 48, seed=0, again=0)
    with pytest.raises(StructureUntold, match="has no tokenizer"):
        run(animals.induction(), {})


def test_every_prompt_set_can_be_read_and_each_template_and_word_stands_there_once() -> None:
    for name in SETS:
        prompts = read_prompt_set(name)
        assert name == f"{prompts.copilot}-{prompts.attribute}-{prompts.language[:2]}"
        assert len(prompts.templates) == 48
        assert min(map(len, prompts.words)) >= 50
    assert len({read_prompt_set(name).copilot for name in SETS}) == 3


@pytest.mark.parametrize(
    ("file", "change", "reason"),
    [
        ("credit-en.toml", ("Loan file. {}.", "Loan file."), "a template has one {}, not as in 'Loan file."),
        ("credit-en.toml", ("Loan file. {}.", "Loan file. {} {}."), "a template has one {}"),
        ("values-en.toml", ('second = "Mary', 'second = "Walter Mary James'), "James stands there twice"),
    ],
)
def test_a_broken_set_is_refused(tmp_path: Path, file: str, change: tuple[str, str], reason: str) -> None:
    copy_sets(tmp_path, file, change)
    with pytest.raises(BadSpecification, match=reason.replace("{}", r"\{\}")):
        read_prompt_set("credit-gender-en", tmp_path)


def test_a_set_with_one_side_is_refused(tmp_path: Path) -> None:
    prompts, _ = known()
    copy_sets(tmp_path, "values-en.toml", (" ".join(prompts.words[1]), ""))
    with pytest.raises(
        BadSpecification, match="there are no women's names: with one side there is nothing to tell"
    ):
        read_prompt_set("credit-gender-en", tmp_path)
    with pytest.raises(BadSpecification, match="no prompt set credit-height-en"):
        read_prompt_set("credit-height-en")
    with pytest.raises(BadSpecification, match="no prompt set bakery-gender-en"):
        read_prompt_set("bakery-gender-en")


def test_what_does_not_fit_is_refused_before_anything_is_measured() -> None:
    def check(parameters: Mapping[str, object], inputs: tuple[ProbeInput, ...] = ()) -> None:
        asked = ProbeSpecification("attribute.proxies", "0" * 64, 0, parameters=parameters, inputs=inputs)
        AttributeProxies().check(asked)

    with pytest.raises(BadSpecification, match="reads the prompt set that it is told, and no prompts"):
        check({}, (ProbeInput("a", "text", "en"),))
    with pytest.raises(BadSpecification, match=r"did you mean 'credit-age-(en|zh)'"):
        check({"prompt_set": "credit-age-fr"})
    with pytest.raises(BadSpecification, match="pairs is 12; it may be 40 to 48"):
        check({"pairs": 12})
    check({"prompt_set": "service-origin-zh"})


def test_the_last_token_by_itself_answers_as_the_whole_text_does() -> None:
    site = site_of(proxies.untrained(2))
    reading = site.read(TEXTS)
    for text, odds in zip(TEXTS, reading.odds, strict=True):
        with torch.inference_mode():
            logits = proxies.untrained(2).model(input_ids=torch.tensor([text])).logits[0, -1]
        assert float(logits[4] - logits[7]) == pytest.approx(odds, abs=1e-4)
    again = site.changed(reading, [3, 0, 0, 2], reading.residual[[3, 0, 0, 2]])
    assert again == pytest.approx(reading.odds[[3, 0, 0, 2]], abs=1e-4)
    assert site.changed(reading, [1], reading.residual[[0]])[0] != pytest.approx(reading.odds[1], abs=1e-3)
    assert reading.odds == pytest.approx(site.read(TEXTS).odds, abs=1e-6)  # what is remembered is as it was
    assert site.fired["layer 0"] == 6
    assert site.fired["after layer 0"] >= 4


@pytest.mark.parametrize("make", [resuming.llama, resuming.olmo, resuming.neox, resuming.gpt2])
@pytest.mark.parametrize("layer", [0, 1, 2])
def test_a_change_is_what_plain_hooks_make_in_a_whole_pass(make: Callable[[], Any], layer: int) -> None:
    loaded = resuming.made(make)
    site, text = site_of(loaded, layer=layer), [3, 5, 8, 2, 9]
    reading = site.read([text])
    instead = np.random.default_rng(1).standard_normal((2, reading.residual.shape[1])).astype(np.float32)
    changed = site.changed(reading, [0, 0], instead)
    for vector, odds in zip(instead, changed, strict=True):

        def put(_: Any, __: Any, output: Any, vector: Any = vector) -> Any:
            stream = (output[0] if isinstance(output, tuple) else output).clone()
            stream[:, -1] = torch.from_numpy(vector)
            return (stream, *output[1:]) if isinstance(output, tuple) else stream

        handle = blocks_of(loaded)[layer].register_forward_hook(put)
        with torch.inference_mode():
            logits = loaded.model(input_ids=torch.tensor([text])).logits[0, -1]
        handle.remove()
        assert float(logits[4] - logits[7]) == pytest.approx(odds, abs=1e-4)


def test_a_change_that_nothing_reads_or_that_is_none_ends_the_run() -> None:
    loaded = proxies.untrained(2)
    with torch.no_grad():
        loaded.model.lm_head.weight[7] = loaded.model.lm_head.weight[4]
    site = site_of(loaded)
    reading = site.read(TEXTS)
    with pytest.raises(InterventionWithoutEffect, match=r"after layer 0: with noise in the residual's place"):
        site.changed(reading, [0], reading.residual[:1])
    site = site_of(proxies.untrained(2))
    reading = site.read(TEXTS)
    with pytest.raises(ProbeError, match="finite numbers of the residual's width"):
        site.changed(reading, [0], reading.residual[:1] * np.nan)
    with pytest.raises(ProbeError, match="has nothing before its last"):
        site.read([[3]])
    with pytest.raises(SiteUnknown, match="no layer 2: the nearest is 1"):
        site_of(proxies.untrained(2), layer=2)


def test_a_direction_is_as_sure_as_it_is_of_pairs_left_out() -> None:
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 1, (24, 50))
    shared = noise + 3 * np.eye(50)[7]
    told = fit_readout(shared)
    assert told.direction[7] > 0.9
    assert np.linalg.norm(told.direction) == pytest.approx(1)
    assert told.tells(rng.normal(0, 1, (200, 50)) + 3 * np.eye(50)[7]).mean() > 0.85
    guesses = [
        fit_readout(rng.normal(0, 1, (24, 50))).tells(rng.normal(0, 1, (24, 50))).mean() for _ in range(50)
    ]
    assert np.mean(guesses) == pytest.approx(0.5, abs=0.02)
    assert (fit_readout(np.zeros((24, 5))).tells(np.ones((3, 5))) == 0.5).all()


def test_random_directions_lie_where_texts_differ_and_at_right_angles() -> None:
    rng = np.random.default_rng(0)
    residual = np.zeros((2, 24, 30))
    residual[..., :6] = rng.normal(0, 1, (2, 24, 6))
    direction = np.eye(30)[0]
    drawn = random_directions(residual, direction, 40, rng)
    assert np.linalg.norm(drawn, axis=1) == pytest.approx(1)
    assert drawn @ direction == pytest.approx(0, abs=1e-12)
    assert drawn[:, 6:] == pytest.approx(0, abs=1e-12)


def test_parts_are_named_by_the_specification_and_workers_must_agree() -> None:
    asked = specification(proxies.using(), {"control_draws": 59})
    parts = AttributeProxies().parts(asked)
    assert parts[:4] == (
        "first seed: pairs", "first seed: dead model",
        "first seed: random directions from 1", "first seed: random directions from 51",
    )  # fmt: skip
    found = {"layer": 0, "sign": 1, "gap": 1.0}
    done: dict[str, dict[str, object]] = {
        part: {"found": found, "removed": [0.0], "exchanged": [0.0]} for part in parts
    }
    done[parts[3]] = {**done[parts[3]], "found": {**found, "sign": -1}}
    with pytest.raises(ProbeError, match="'first seed: random directions from 51' has"):
        AttributeProxies().report(asked, done)


@cache
def known() -> tuple[PromptSet, proxies.Words]:
    """Return a prompt set and a tokenizer that knows its words."""
    prompts = read_prompt_set(proxies.PROMPTS)
    return prompts, proxies.Words(prompts)


def copy_sets(to: Path, file: str, change: tuple[str, str]) -> None:
    """Copy the English credit set, one file of it changed."""
    here = Path(registry.__file__).parent / "probes" / "proxies" / "sets"
    for name in ("credit-en.toml", "values-en.toml"):
        text = (here / name).read_text(encoding="utf-8")
        (to / name).write_text(text.replace(*change, 1) if name == file else text, encoding="utf-8")


def site_of(loaded: LoadedModel, layer: int = 0) -> AnswerSite:
    """Return the site after a layer, where tokens 4 and 7 are the answers."""
    return AnswerSite(ForwardPasses(), loaded, layer, (4, 7))


@cache
def measured(name: str) -> tuple[Measurement, ...]:
    """Return what the probe says of a model of the zoo."""
    return run(PROXY_ZOO[name].make(), {"control_draws": PROXY_ZOO[name].sets})


def run(loaded: LoadedModel, parameters: Mapping[str, object]) -> tuple[Measurement, ...]:
    """Run the probe on a model."""
    session = ModelSession(loaded={loaded.digest: loaded})
    return measure_all(AttributeProxies(), specification(loaded, parameters), session).measurements


def specification(loaded: LoadedModel, parameters: Mapping[str, object]) -> ProbeSpecification:
    """Ask the probe of a model."""
    given: dict[str, object] = {"prompt_set": proxies.PROMPTS, "permutations": 199, **parameters}
    return ProbeSpecification("attribute.proxies", loaded.digest, seed=3, parameters=given)
