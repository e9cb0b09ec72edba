from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from evidence.citations.verdict import FOUND, Source, Verdict, check_citation
from interpret import registry
from interpret.contracts import ClaimLevel, Measurement, NullKind, ProbeInput, ProbeSpecification
from interpret.errors import BadSpecification, ClaimRefused, PairsUnequal, StructureUntold
from interpret.parts import measure_all
from interpret.probes.hallucination import SignsOfHallucination
from interpret.probes.hallucination.answers import BACKED, UNBACKED, WRITTEN, Domains, write_answers
from interpret.probes.hallucination.prompt_sets import FOLDER, read_claim_set
from interpret.probes.hallucination.separation import area_by_fact, best_way_round, share_side_by_side
from interpret.probes.hallucination.study import AFTER, OWN, Study
from interpret.probes.session import ModelSession
from interpret.probes.weights import LoadedModel
from interpret.verdicts import judge
from tests.probes.zoo import animals, hallucination
from tests.probes.zoo.cases import cases
from tests.probes.zoo.expected import HALLUCINATION, HALLUCINATION_ZOO, INCONCLUSIVE, SUPPORTED

SETS = registry.PROBES[HALLUCINATION].choices["prompt_set"].names


# Those that other tests ask about too, what is there, what differs by what it was told, and a dead model.
CASES = cases(HALLUCINATION_ZOO, always=("held", "surprised", "labels permuted", "turned", "source", "dead"))


@pytest.mark.parametrize("name", CASES)
def test_the_verdict_on_each_model_is_the_true_one(name: str) -> None:
    verdict = judge(measured(name))
    assert verdict.status in HALLUCINATION_ZOO[name].expected[HALLUCINATION], verdict.reason
    assert verdict.rung is ClaimLevel.ASSOCIATIONAL


def test_a_second_seed_with_the_domains_exchanged_says_the_same() -> None:
    assert judge(measured("held")).second == "supported"
    assert judge(measured("labels permuted")).second in INCONCLUSIVE


def test_where_the_source_says_the_other_thing_too_it_takes_more_than_that_words_stood_before() -> None:
    mixed = {"prompt_set": hallucination.MIXED}
    bound, stood = (
        run(each, mixed) for each in (hallucination.bound(), hallucination.knowing(name=hallucination.MIXED))
    )
    assert judge(bound).status in SUPPORTED
    assert judge(stood).status in INCONCLUSIVE
    assert stood.estimate.value == pytest.approx(0.5, abs=0.05)


def test_what_fails_at_one_thing_is_told_at_another() -> None:
    held, surprised, alone = (measured(each).details for each in ("held", "surprised", "at the claim alone"))
    assert min(held["told_at_the_claim"], held["told_after_the_claim"]) > 0.95
    assert max(held["told_otherwise"].values()) < 0.8
    assert surprised["told_at_the_claim"] > 0.9
    assert surprised["told_otherwise"]["how surprising the claim's own words are to the model"] > 0.9
    assert alone["told_at_the_claim"] > 0.9
    assert alone["told_after_the_claim"] < 0.8
    assert alone["judged_at"] == "tokens after the claim's own words"
    matrix = measured("turned").details["heat_map"]["values"]
    assert [[value > 0.5 for value in row] for row in matrix] == [[True, False], [False, True]]


@pytest.mark.parametrize("name", CASES)
def test_words_and_length_tell_nothing_and_a_comparison_of_the_texts_tells_all(name: str) -> None:
    told = measured(name).details
    assert set(told["told_by_what_the_facts_balance"].values()) == {0.5}
    assert told["told_by_a_comparison_of_the_texts"] == 1


def test_the_best_of_what_is_simple_is_what_it_is_held_against() -> None:
    for name in ("held", "surprised"):
        measurement = measured(name)
        best = max(measurement.details["told_otherwise"].values())
        assert measurement.baseline.estimate.value == pytest.approx(best)
        assert measurement.tested is not None
        against = [unit.nulls[NullKind.TEXT_ONLY] for unit in measurement.tested.units]
        assert np.mean(against) == pytest.approx(best)


def test_words_say_what_was_tested_and_no_more() -> None:
    told = measured("held")
    assert told.tested is not None
    assert f"by more than {told.tested.smallest_effect:g}" in told.supports
    assert "fitted on answers on credit" in told.supports
    for strong in ("cause", "because", "hallucinat", "knows", "true", "false", "right", "proves"):
        assert strong not in told.supports
    assert "That an answer is right or wrong" in told.does_not_show
    assert "a comparison of the texts tells as well or better" in told.does_not_show


@pytest.mark.parametrize("name", SETS)
def test_what_is_backed_is_what_the_citation_verdict_says(name: str) -> None:
    prompts = read_claim_set(name)
    for facts in prompts.facts:
        for fact in facts:
            for text, (source, answer) in enumerate(WRITTEN):
                written = prompts.source(fact, source)
                digest = hashlib.sha256(written.encode()).hexdigest()
                verdict = check_citation(
                    quote=fact.saying(answer),
                    source=Source.of(document_id="policy", digest=digest, text=written),
                ).verdict
                assert (verdict in FOUND) == (text in BACKED), (fact, verdict)
                assert (verdict is Verdict.NOT_FOUND) == (text in UNBACKED)
                assert prompts.write(fact, source, answer).startswith(written)


@pytest.mark.parametrize("name", SETS)
def test_every_set_has_facts_enough_of_both_domains(name: str) -> None:
    prompts = read_claim_set(name)
    mixed = "mixed" in name
    assert name == f"claims-{'mixed-' * mixed}{prompts.language[:2]}"
    for facts in prompts.facts:
        assert {fact.mixed for fact in facts} == {mixed}
        assert sum(fact.leads for fact in facts) == (len(facts) // 2 if mixed else 0)
    assert min(map(len, prompts.facts)) >= 30


def test_no_token_of_a_source_or_an_answer_goes_with_what_is_backed() -> None:
    first, second = (
        write_answers(hallucination.prompts(), hallucination.words(), 48, seed=3, again=again)
        for again in (0, 1)
    )
    numbers = len(hallucination.prompts().facts[0])
    for domains, second_half in ((first, False), (second, True)):
        assert {each.pair.template >= numbers for each in domains.fit} == {second_half}
        assert {each.pair.template >= numbers for each in domains.report} == {not second_half}
        every = [*domains.fit, *domains.report]
        assert len({word for each in every for word in each.pair.words}) == 2 * len(every)
        for each in every:
            texts = each.pair.texts
            start, stop = each.own
            assert sorted(texts[0] + texts[2]) == sorted(texts[1] + texts[3])
            for one, other in zip(UNBACKED, BACKED, strict=True):
                assert texts[one][:start] == texts[other][:start]
                assert texts[one][start:stop] != texts[other][start:stop]
                assert texts[one][stop:] == texts[other][stop:]
            assert texts[0][start:] == texts[3][start:]
            assert texts[1][start:] == texts[2][start:]


def test_the_area_is_that_of_all_pairs_and_its_spread_delongs() -> None:
    rng = np.random.default_rng(0)
    unbacked, backed = rng.normal(0.5, 1, (2, 30)), rng.normal(0, 1, (2, 30))
    wins = [float(a > b) for a in unbacked.ravel() for b in backed.ravel()]
    values = area_by_fact(unbacked, backed)
    assert values.mean() == pytest.approx(np.mean(wins))
    assert area_by_fact(backed, unbacked) == pytest.approx(1 - values)
    assert best_way_round(area_by_fact(backed, unbacked)) == pytest.approx(values)
    assert area_by_fact(np.zeros((2, 4)), np.zeros((2, 4))) == pytest.approx(np.full(4, 0.5))
    assert area_by_fact(unbacked + 9, backed) == pytest.approx(np.ones(30))
    # with one text a side and no pairing, DeLong's variance is that of both placements added up
    one, other = unbacked[:1], backed[:1]
    above = one[0][:, None] > other[0][None]
    spread = np.var(above.mean(axis=1) + above.mean(axis=0))
    assert area_by_fact(one, other).var() == pytest.approx(spread)


def test_a_claim_is_compared_with_itself_after_another_source() -> None:
    claims = np.array([[5.0, 1.0], [2.0, 7.0]])  # the first claim's own height, the second's
    backed, unbacked = claims, claims[::-1] + 0.1
    assert share_side_by_side(unbacked, backed) == 1


def test_the_mean_over_a_claims_tokens_and_over_those_after_is_what_is_read() -> None:
    loaded = hallucination.knowing()
    given = registry.fill_parameters(HALLUCINATION, {"depth": 0.5})
    session = ModelSession(loaded={loaded.digest: loaded})
    study = Study(hallucination.prompts(), session, specification(loaded, {}), given, again=0)
    answers = study._domains.report[:3]
    seen = study._see(loaded, answers, outputs=True)
    for number, each in enumerate(answers):
        for text, tokens in enumerate(each.pair.texts):
            with torch.inference_mode():
                out = loaded.model(input_ids=torch.tensor([tokens]), output_hidden_states=True)
            state, log_p = out.hidden_states[2][0], out.logits[0].log_softmax(-1)
            start, stop = each.own
            for name, places in ((OWN, range(start, stop)), (AFTER, range(stop, len(tokens)))):
                surprise = -np.mean([float(log_p[place - 1, tokens[place]]) for place in places])
                unsure = [float(-(log_p[place - 1].exp() * log_p[place - 1]).sum()) for place in places]
                read = state[list(places)].mean(0).numpy()
                assert seen.residual[name][text, number] == pytest.approx(read, abs=1e-4)
                assert seen.outputs[f"surprisal {name}"][text, number] == pytest.approx(surprise, abs=1e-3)
                assert seen.outputs[f"entropy {name}"][text, number] == pytest.approx(
                    np.mean(unsure), abs=1e-3
                )


def test_a_tokenizer_that_cannot_tell_or_too_few_of_equal_length_are_refused() -> None:
    prompts, words = hallucination.prompts(), hallucination.words()
    with pytest.raises(StructureUntold, match="has no tokenizer"):
        run(animals.induction(), {})
    with pytest.raises(StructureUntold, match="does not know every word"):
        write_answers(replace(prompts, frame="Zaphod " + prompts.frame), words, 48, seed=0, again=0)
    few = replace(prompts, facts=(prompts.facts[0], prompts.facts[1][:19]))
    with pytest.raises(
        PairsUnequal, match=r"of 19 facts of anti-money laundering, 19 have texts of equal .* 20 are needed"
    ):
        write_answers(few, words, 48, seed=0, again=0)
    longer = tuple(replace(fact, said=(fact.said[0], fact.said[1] + " euro")) for fact in prompts.facts[0])
    with pytest.raises(PairsUnequal, match="of 30 facts of credit, 0 have texts of equal length"):
        write_answers(replace(prompts, facts=(longer, prompts.facts[1])), words, 48, seed=0, again=0)


def test_a_fact_or_a_claim_in_both_splits_is_refused() -> None:
    domains = write_answers(hallucination.prompts(), hallucination.words(), 48, seed=0, again=0)
    with pytest.raises(ClaimRefused, match="is in both splits: what was fitted on a template"):
        Domains(domains.fit, (*domains.report, domains.fit[0]), 0)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            ('"35", "60"', '"35", "35"'),
            "labels with one class: 'A late payment costs {} euro' says '35' either way",
        ),
        (('"35", "60"', '"35", "9"'), "the claim '9' stands there twice"),
        (('"35", "60"', '"35", "late"'), "'late' stands elsewhere in the text of 'A late payment costs"),
        (("Savings are not counted.", "Cards are sent by post."), "the sentence beside a fact 'Cards are"),
        (
            ("What does it cost to pay late?", "How much must one earn?"),
            "the question 'How much must one earn",
        ),
        (("costs {} euro", "costs a euro"), "'A late payment costs a euro' has no place"),
    ],
)
def test_a_broken_set_is_refused(tmp_path: Path, change: tuple[str, str], reason: str) -> None:
    text = (FOLDER / "claims-en.toml").read_text(encoding="utf-8")
    assert change[0] in text
    (tmp_path / "claims-en.toml").write_text(text.replace(*change, 1), encoding="utf-8")
    with pytest.raises(BadSpecification, match=reason.replace("{", r"\{")):
        read_claim_set("claims-en", tmp_path)


def test_a_set_of_one_domain_is_refused(tmp_path: Path) -> None:
    text = (FOLDER / "claims-en.toml").read_text(encoding="utf-8")
    (tmp_path / "claims-en.toml").write_text(
        text[: text.index("second = [")] + "second = []\n", encoding="utf-8"
    )
    with pytest.raises(BadSpecification, match="anti-money laundering has no facts: there is no other"):
        read_claim_set("claims-en", tmp_path)
    with pytest.raises(BadSpecification, match="no prompt set claims-fr"):
        read_claim_set("claims-fr")


def test_what_does_not_fit_is_refused_before_anything_is_measured() -> None:
    def check(parameters: Mapping[str, object], inputs: tuple[ProbeInput, ...] = ()) -> None:
        SignsOfHallucination().check(
            ProbeSpecification(HALLUCINATION, "0" * 64, 0, parameters=parameters, inputs=inputs)
        )

    with pytest.raises(BadSpecification, match="reads the prompt set that it is told, and no prompts"):
        check({}, (ProbeInput("a", "text", "en"),))
    with pytest.raises(BadSpecification, match=r"did you mean 'claims-(en|zh)'"):
        check({"prompt_set": "claims-fr"})
    with pytest.raises(BadSpecification, match="answers is 12; it may be 40 to 60"):
        check({"answers": 12})
    check({"prompt_set": "claims-zh"})


def test_a_signal_that_is_found_is_no_fault_of_a_release() -> None:
    assert not registry.PROBES[HALLUCINATION].concerns


@cache
def measured(name: str) -> Measurement:
    """Return what the probe says of a model of the zoo."""
    return run(HALLUCINATION_ZOO[name].make(), {})


def run(loaded: LoadedModel, parameters: Mapping[str, object]) -> Measurement:
    """Run the probe on a model."""
    session = ModelSession(loaded={loaded.digest: loaded})
    (measurement,) = measure_all(
        SignsOfHallucination(), specification(loaded, parameters), session
    ).measurements
    return measurement


def specification(loaded: LoadedModel, parameters: Mapping[str, object]) -> ProbeSpecification:
    """Ask the probe of a model."""
    given: dict[str, object] = {
        "prompt_set": hallucination.PROMPTS, "depth": hallucination.DEPTH, "permutations": 199, **parameters
    }  # fmt: skip
    return ProbeSpecification(HALLUCINATION, loaded.digest, seed=3, parameters=given)
