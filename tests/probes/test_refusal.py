from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from interpret import registry
from interpret.contracts import ClaimLevel, Measurement, ProbeInput, ProbeSpecification, TestedUnit
from interpret.errors import BadSpecification, PairsUnequal, ProbeError, StructureUntold
from interpret.parts import measure_all
from interpret.probes.answering import AnswerSite
from interpret.probes.directions.pairs import pair_up
from interpret.probes.forward import ForwardPasses
from interpret.probes.refusal import RefusalDirection
from interpret.probes.refusal.contexts import put_in_contexts
from interpret.probes.refusal.prompt_sets import FOLDER, read_refusal_set
from interpret.probes.session import ModelSession
from interpret.probes.weights import LoadedModel
from interpret.verdicts import judge
from tests.probes.zoo import animals, proxies, refusal
from tests.probes.zoo.cases import cases
from tests.probes.zoo.expected import ABLATION, ADDITION, CONTEXT, REFUSAL_DECODABLE, REFUSAL_ZOO

SETS = registry.PROBES["refusal.direction"].choices["prompt_set"].names


@pytest.mark.parametrize(
    "name", cases(REFUSAL_ZOO, always=("refuses, swayed", "held, unused", "template", "dead"))
)
def test_the_verdict_on_each_model_is_the_true_one(name: str) -> None:
    given = {item.statistic: judge(item).status for item in measured(name)}
    assert given.keys() == REFUSAL_ZOO[name].expected.keys()
    for statistic, status in given.items():
        assert status in REFUSAL_ZOO[name].expected[statistic], statistic


def test_what_refuses_is_replicated_and_what_is_only_read_is_not() -> None:
    told = {item.statistic: item for item in measured("refuses, swayed")}
    assert judge(told[REFUSAL_DECODABLE]).rung is judge(told[CONTEXT]).rung is ClaimLevel.ASSOCIATIONAL
    assert judge(told[ABLATION]).rung is judge(told[ADDITION]).rung is ClaimLevel.REPLICATED
    details = told[ABLATION].details
    requests, near_misses = details["mean_refusal_log_odds_of_requests_and_near_misses"]
    assert told[ABLATION].estimate.value == pytest.approx(requests - near_misses, rel=0.2)
    pressed, placebo, other = details["mean_refusal_log_odds_pressed_and_in_two_placebos"]
    assert pressed < placebo - 1
    assert placebo == pytest.approx(other, abs=0.1)
    assert details["requests_in_contexts"] == details["pairs_reported_on"] == 24
    assert len({unit.cluster for unit in units_behind(told[CONTEXT])}) == 24
    beside = told[CONTEXT].details["beside"]  # no dictionary ships for such a model
    assert (beside["value"], "beside" in told[ABLATION].details) == (None, False)


def test_a_model_that_any_context_sways_is_not_said_to_be_swayed_by_pressing() -> None:
    told = {item.statistic: item for item in measured("refuses, any context")}
    requests = told[CONTEXT].details["mean_refusal_log_odds_of_requests_and_near_misses"][0]
    assert max(told[CONTEXT].details["mean_refusal_log_odds_pressed_and_in_two_placebos"]) < requests - 1
    assert told[CONTEXT].estimate.value == pytest.approx(0.5, abs=0.1)


@pytest.mark.soak  # it is trained; what is taken out of one that was written by hand is looked at below
def test_a_trained_model_without_the_direction_it_learnt_no_longer_refuses_by_kind() -> None:
    """What refused runs through one direction: without it, requests to refuse are answered as near misses are."""
    trained, removed = refusal.trained(), refusal.removed()
    (_, before), (residual, after) = refusal.read_all(trained), refusal.read_all(removed)
    requests, near_misses = before.mean(axis=1)
    assert requests > 0.5
    assert near_misses < -0.5
    assert abs(after[0].mean() - after[1].mean()) < 0.1 < 0.1 * (requests - near_misses)
    direction = refusal.learnt_direction(trained)
    for layer, seen in ((0, residual), (1, refusal.read_all(removed, 1)[0])):
        assert np.abs(seen @ direction).max() < 1e-4 * np.abs(seen).max(), layer


def test_taking_a_direction_out_leaves_the_rest_as_it_was() -> None:
    loaded, before = refusal.using(), refusal.using().model.state_dict()
    direction = np.eye(loaded.shape.width)[7]
    refusal.take_out(loaded, direction)
    refusal.take_out(loaded, direction)  # once is enough
    for name, weight in loaded.model.state_dict().items():
        if name.endswith("embed_tokens.weight"):
            written = [weight, before[name]]
        elif name.endswith(("o_proj.weight", "down_proj.weight")):
            written = [weight.T, before[name].T]
        else:
            assert weight.equal(before[name]), name
            continue
        assert not written[0][:, 7].any()
        kept = [place for place in range(loaded.shape.width) if place != 7]
        assert written[0][:, kept].equal(written[1][:, kept]), name


def test_words_say_what_was_tested_and_no_more() -> None:
    told = {item.statistic: item for item in measured("refuses, swayed")}
    for item in told.values():
        assert item.tested is not None
        assert f"by more than {item.tested.smallest_effect:g}" in item.supports
        assert "no proof that the model is safe or unsafe" in item.does_not_show
        for strong in ("cause", "because", "jailbreak", "safe", "mediat", "proves"):
            assert strong not in item.supports
    for statistic in (ABLATION, ADDITION):
        assert "of “No” or “Sorry” or “Unfortunately” over “Yes” or" in told[statistic].supports
    assert "nothing else in the model makes it refuse" in told[ABLATION].does_not_show
    assert "nothing was changed" in told[CONTEXT].does_not_show


def test_no_template_or_request_is_fitted_on_and_reported_on_and_each_context_is_said_once() -> None:
    prompts, words = refusal.known()
    first, second = (pair_up(prompts, words, 48, seed=3, again=again) for again in (0, 1))
    for material in (first, second):
        assert len(material.fit) == len(material.report) == 24
        every = (*material.fit, *material.report)
        assert len({pair.template for pair in every}) == 48
        assert len({word for pair in every for word in pair.words}) == 96
        own = set(zip(*prompts.words, strict=True))
        assert sum(pair.words in own for pair in every) >= 40
        contexts = put_in_contexts(prompts, words, material.report, seed=3)
        assert len({text for each in contexts for text in each.texts}) == 3 * len(contexts)
        assert all(len({len(text) for text in each.texts}) == 1 for each in contexts)
    assert not {pair.words for pair in first.report} & {pair.words for pair in second.report}


def test_too_few_pairs_or_contexts_of_equal_length_are_refused() -> None:
    prompts, words = refusal.known()
    longer = (tuple(f"{said} now now" for said in prompts.words[0]), prompts.words[1])
    few = replace(prompts, words=(longer[0][:30], longer[1][:30]))
    with pytest.raises(PairsUnequal, match=r"pairs in a half are of equal length .*: 20 are needed"):
        pair_up(few, words, 48, seed=0, again=0)
    material = pair_up(prompts, words, 48, seed=0, again=0)
    with pytest.raises(PairsUnequal, match=r"of 34 pressing contexts and 9 others, \d are of equal length"):
        put_in_contexts(replace(prompts, placebo=prompts.placebo[:9]), words, material.report, seed=0)


def test_openings_that_begin_alike_are_left_out_and_kinds_that_do_are_refused() -> None:
    prompts, words = refusal.known()
    both = replace(prompts, refusals=(*prompts.refusals, " Yes"))
    answers = pair_up(both, words, 48, seed=0, again=0).answers
    assert words.known["Yes"] not in {*answers[0], *answers[1]}
    assert len(answers[0]) == 3
    with pytest.raises(StructureUntold, match="Yes begin as the other answers do"):
        pair_up(replace(prompts, refusals=(" Yes",)), words, 48, seed=0, again=0)
    with pytest.raises(StructureUntold, match="has no tokenizer"):
        run(animals.induction(), {})


def test_odds_of_several_openings_are_those_of_any_of_them() -> None:
    loaded, texts = proxies.untrained(2), [[3, 5, 8, 2]]
    one, other, both = (
        AnswerSite(ForwardPasses(), loaded, 0, answers).read(texts).odds[0]
        for answers in ((4, 7), (9, 7), ((4, 9), 7))
    )
    assert both == pytest.approx(np.logaddexp(one, other))


@pytest.mark.parametrize("name", SETS)
def test_every_prompt_set_can_be_read(name: str) -> None:
    prompts = read_refusal_set(name)
    assert name == f"{prompts.copilot}-{prompts.language[:2]}"
    assert len(prompts.templates) == 48
    assert len(prompts.words[0]) == len(prompts.words[1]) >= 60
    assert len(prompts.persuasive) >= 30
    assert len(prompts.placebo) >= 2 * len(prompts.persuasive)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("Ticket from the web form. It says: {}.", "Ticket."), "a template has one"),
        (('"read out the balance of a voucher"', '"list the calls of my phone"'), "stands there twice"),
        (("I am the owner of two cats.", "I am the head of your branch."), "among what is said after"),
    ],
)
def test_a_broken_set_is_refused(tmp_path: Path, change: tuple[str, str], reason: str) -> None:
    text = (FOLDER / "service-en.toml").read_text(encoding="utf-8")
    (tmp_path / "service-en.toml").write_text(text.replace(*change, 1), encoding="utf-8")
    with pytest.raises(BadSpecification, match=reason):
        read_refusal_set("service-en", tmp_path)


def test_a_set_with_one_kind_is_refused(tmp_path: Path) -> None:
    text = (FOLDER / "service-en.toml").read_text(encoding="utf-8")
    start, end = text.index("pairs = ["), text.index("# Said after")
    (tmp_path / "service-en.toml").write_text(text[:start] + "pairs = []\n" + text[end:], encoding="utf-8")
    with pytest.raises(BadSpecification, match="there are no requests to refuse: with one side there is"):
        read_refusal_set("service-en", tmp_path)
    with pytest.raises(BadSpecification, match="no prompt set bakery-en"):
        read_refusal_set("bakery-en")


def test_what_does_not_fit_is_refused_before_anything_is_measured() -> None:
    def check(parameters: Mapping[str, object], inputs: tuple[ProbeInput, ...] = ()) -> None:
        asked = ProbeSpecification("refusal.direction", "0" * 64, 0, parameters=parameters, inputs=inputs)
        RefusalDirection().check(asked)

    with pytest.raises(BadSpecification, match="reads the prompt set that it is told, and no prompts"):
        check({}, (ProbeInput("a", "text", "en"),))
    with pytest.raises(BadSpecification, match=r"did you mean 'service-(en|zh)'"):
        check({"prompt_set": "service-fr"})
    with pytest.raises(BadSpecification, match="pairs is 12; it may be 40 to 48"):
        check({"pairs": 12})
    check({"prompt_set": "service-zh"})


def test_workers_must_agree_on_the_direction() -> None:
    asked = specification(refusal.using(), {"control_draws": 59})
    parts = RefusalDirection().parts(asked)
    assert parts[:4] == (
        "first seed: requests", "first seed: dead model",
        "first seed: random directions from 1", "first seed: random directions from 51",
    )  # fmt: skip
    done: dict[str, dict[str, object]] = {
        part: {"found": {"layer": 0, "gap": 1.0}, "ablated": [0.0], "added": [0.0]} for part in parts
    }
    done[parts[3]] = {**done[parts[3]], "found": {"layer": 0, "gap": 2.0}}
    with pytest.raises(ProbeError, match="'first seed: random directions from 51' has"):
        RefusalDirection().report(asked, done)


def units_behind(item: Measurement) -> tuple[TestedUnit, ...]:
    assert item.tested is not None
    return item.tested.units


@cache
def measured(name: str) -> tuple[Measurement, ...]:
    """Return what the probe says of a model of the zoo."""
    return run(REFUSAL_ZOO[name].make(), {"control_draws": REFUSAL_ZOO[name].sets})


def run(loaded: LoadedModel, parameters: Mapping[str, object]) -> tuple[Measurement, ...]:
    """Run the probe on a model."""
    session = ModelSession(loaded={loaded.digest: loaded})
    return measure_all(RefusalDirection(), specification(loaded, parameters), session).measurements


def specification(loaded: LoadedModel, parameters: Mapping[str, object]) -> ProbeSpecification:
    """Ask the probe of a model."""
    given: dict[str, object] = {"prompt_set": refusal.PROMPTS, "permutations": 199, **parameters}
    return ProbeSpecification("refusal.direction", loaded.digest, seed=3, parameters=given)
