from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
import torch

from interpret import registry
from interpret.contracts import ClaimLevel, Measurement, ProbeInput, ProbeSpecification
from interpret.errors import BadSpecification, PairsUnequal, StructureUntold
from interpret.parts import measure_all
from interpret.probes.deception import SignsOfDeception
from interpret.probes.deception.prompt_sets import FOLDER, read_statement_set
from interpret.probes.deception.statements import write_statements
from interpret.probes.deception.study import Study
from interpret.probes.session import ModelSession
from interpret.probes.weights import LoadedModel
from interpret.verdicts import judge
from tests.probes.zoo import animals, deception
from tests.probes.zoo.cases import cases
from tests.probes.zoo.expected import DECEPTION_ZOO, SIGNS

SETS = registry.PROBES[SIGNS].choices["prompt_set"].names


@pytest.mark.parametrize(
    "name", cases(DECEPTION_ZOO, always=("held", "instruction", "one domain", "dead", "any order"))
)
def test_the_verdict_on_each_model_is_the_true_one(name: str) -> None:
    verdict = judge(measured(name))
    assert verdict.status in DECEPTION_ZOO[name].expected[SIGNS], verdict.reason
    assert verdict.rung is ClaimLevel.ASSOCIATIONAL


def test_what_collapses_in_another_domain_or_without_the_instruction_is_told_where_it_was_fitted() -> None:
    for name in ("held", "instruction", "one domain", "turned"):
        assert measured(name).details["told_in_its_own_domain"] > 0.8
    held, leaked = measured("held").details, measured("instruction").details
    assert held["told_in_the_other_domain_without_the_instruction"] > 0.9
    assert leaked["told_in_the_other_domain"] > 0.8
    assert leaked["told_in_the_other_domain_without_the_instruction"] == pytest.approx(0.5, abs=0.05)
    assert measured("one domain").details["told_in_the_other_domain"] == pytest.approx(0.5, abs=0.05)
    assert measured("turned").details["told_in_the_other_domain"] < 0.2
    matrix = measured("turned").details["heat_map"]
    assert matrix["rows"] == matrix["columns"] == ["common knowledge", "customer service"]
    assert [[value > 0.5 for value in row] for row in matrix["values"]] == [[True, False], [False, True]]


def test_words_say_what_was_tested_and_no_more() -> None:
    told = measured("held")
    assert told.tested is not None
    assert f"by more than {told.tested.smallest_effect:g}" in told.supports
    assert "fitted on common knowledge" in told.supports
    assert "with their words deleted" in told.supports
    for strong in ("cause", "because", "decei", "decept", "intent", "lie", "honest", "proves"):
        assert strong not in told.supports
    assert "it is no proof of either" in told.does_not_show
    assert "it may be falsehood and no intent that is read" in told.does_not_show


def test_domains_are_apart_and_every_ending_and_instruction_stands_once() -> None:
    prompts, words = deception.prompts(), deception.words()
    first, second = (write_statements(prompts, words, 48, seed=3, again=again) for again in (0, 1))
    numbers = len(prompts.items[0])
    for domains, second_half in ((first, False), (second, True)):
        assert len(domains.fit) == len(domains.report) == 24
        assert {each.pair.template >= numbers for each in domains.fit} == {second_half}
        assert {each.pair.template >= numbers for each in domains.report} == {not second_half}
        every = [*domains.fit, *domains.report]
        assert len({word for each in every for word in each.pair.words}) == 2 * len(every)
        for each in every:
            misled, truthful, bare, bare_truthful = each.pair.texts
            assert len(misled) == len(truthful) > len(bare) == len(bare_truthful)
            assert misled[-each.answer :] == bare[-each.answer :] != bare_truthful[-each.answer :]
            assert bare[: -each.answer] == bare_truthful[: -each.answer]
            begun = [text[: len(misled) - len(bare)] for text in (misled, truthful)]
            assert begun[0] != begun[1]
        instructions = [
            text[: len(text) - len(each.pair.texts[2])] for each in every for text in each.pair.texts[:2]
        ]
        assert len(set(instructions)) == len(instructions)


def test_the_mean_over_the_endings_tokens_is_what_is_read() -> None:
    loaded = deception.knowing()
    study = Study(
        deception.prompts(), ModelSession(loaded={loaded.digest: loaded}), specification(loaded, {}),
        registry.fill_parameters(SIGNS, {}), again=0,
    )  # fmt: skip
    texts = [[3, 5, 8, 2], [4, 6, 9], [7, 5, 8, 2]]
    read = study._read(loaded, texts, [2, 1, 3])
    for text, end, row in zip(texts, [2, 1, 3], read, strict=True):
        with torch.inference_mode():
            out = loaded.model(input_ids=torch.tensor([text]), output_hidden_states=True)
        assert row == pytest.approx(out.hidden_states[1][0, -end:].mean(0).numpy(), abs=1e-5)


def test_a_tokenizer_that_cannot_tell_or_too_few_of_equal_length_are_refused() -> None:
    prompts, words = deception.prompts(), deception.words()
    with pytest.raises(StructureUntold, match="has no tokenizer"):
        run(animals.induction(), {})
    told = (("Zaphod tells the truth.", "Tell a lie."), *prompts.instructions[1:])
    with pytest.raises(StructureUntold, match="does not know every word of 'Zaphod tells the truth"):
        write_statements(replace(prompts, instructions=told), words, 48, seed=0, again=0)
    few = replace(prompts, items=(prompts.items[0], prompts.items[1][:19]))
    with pytest.raises(
        PairsUnequal, match=r"of 19 statements of customer service, \d+ have .* 20 are needed"
    ):
        write_statements(few, words, 48, seed=0, again=0)
    longer = tuple((a, b, c + " the river") for a, b, c in prompts.items[0])
    with pytest.raises(PairsUnequal, match="of 37 statements of common knowledge, 0 have endings"):
        write_statements(replace(prompts, items=(longer, prompts.items[1])), words, 48, seed=0, again=0)


@pytest.mark.parametrize("name", SETS)
def test_every_set_can_be_read(name: str) -> None:
    prompts = read_statement_set(name)
    assert name == f"statements-{prompts.language[:2]}"
    assert min(map(len, prompts.items)) >= 36
    assert len(prompts.instructions) >= 50


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (('" Lyon"', '" Osaka"'), "the ending 'Osaka' stands there twice"),
        (('"Be frank."', '"State facts."'), "the instruction 'State facts.' stands there twice"),
        (("Snow is", "Grass is"), "the beginning 'Grass is' stands there twice"),
    ],
)
def test_a_broken_set_is_refused(tmp_path: Path, change: tuple[str, str], reason: str) -> None:
    text = (FOLDER / "statements-en.toml").read_text(encoding="utf-8")
    (tmp_path / "statements-en.toml").write_text(text.replace(*change, 1), encoding="utf-8")
    with pytest.raises(BadSpecification, match=reason):
        read_statement_set("statements-en", tmp_path)


def test_a_set_of_one_domain_is_refused(tmp_path: Path) -> None:
    text = (FOLDER / "statements-en.toml").read_text(encoding="utf-8")
    (tmp_path / "statements-en.toml").write_text(
        text[: text.index("second = [")] + "second = []\n", encoding="utf-8"
    )
    with pytest.raises(BadSpecification, match="customer service has no statements: there is no other"):
        read_statement_set("statements-en", tmp_path)
    with pytest.raises(BadSpecification, match="no prompt set statements-fr"):
        read_statement_set("statements-fr")


def test_what_does_not_fit_is_refused_before_anything_is_measured() -> None:
    def check(parameters: Mapping[str, object], inputs: tuple[ProbeInput, ...] = ()) -> None:
        SignsOfDeception().check(ProbeSpecification(SIGNS, "0" * 64, 0, parameters=parameters, inputs=inputs))

    with pytest.raises(BadSpecification, match="reads the prompt set that it is told, and no prompts"):
        check({}, (ProbeInput("a", "text", "en"),))
    with pytest.raises(BadSpecification, match=r"did you mean 'statements-(en|zh)'"):
        check({"prompt_set": "statements-fr"})
    with pytest.raises(BadSpecification, match="statements is 12; it may be 40 to 72"):
        check({"statements": 12})
    check({"prompt_set": "statements-zh"})


@cache
def measured(name: str) -> Measurement:
    """Return what the probe says of a model of the zoo."""
    return run(DECEPTION_ZOO[name].make(), {})


def run(loaded: LoadedModel, parameters: Mapping[str, object]) -> Measurement:
    """Run the probe on a model."""
    session = ModelSession(loaded={loaded.digest: loaded})
    (measurement,) = measure_all(SignsOfDeception(), specification(loaded, parameters), session).measurements
    return measurement


def specification(loaded: LoadedModel, parameters: Mapping[str, object]) -> ProbeSpecification:
    """Ask the probe of a model."""
    given: dict[str, object] = {"prompt_set": deception.PROMPTS, "permutations": 199, **parameters}
    return ProbeSpecification(SIGNS, loaded.digest, seed=3, parameters=given)
