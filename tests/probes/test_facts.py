from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch

from interpret.contracts import ClaimLevel, Measurement, ProbeInput, ProbeSpecification, Status, TestKind
from interpret.errors import (
    BadSpecification,
    FactsUnknown,
    InterventionWithoutEffect,
    ProbeError,
    SiteUnknown,
    StructureUntold,
)
from interpret.parts import measure_all
from interpret.probes.facts import FactTracing
from interpret.probes.facts.statements import FOLDER, couple_up, ends_of, read_facts, tokenize
from interpret.probes.forward import ForwardPasses
from interpret.probes.session import ModelSession
from interpret.probes.sites import blocks_of
from interpret.probes.token_patching import Restoring, TokenPatching
from interpret.probes.weights import LoadedModel
from interpret.verdicts import judge
from tests.probes import test_resuming as resuming
from tests.probes.zoo import animals, facts
from tests.probes.zoo.expected import FACT_ZOO, RESTORING

SEED = 3
FACTS = read_facts("en")
TEXTS = ([3, 5, 8, 2, 9], [4, 6, 1, 9, 7], [7, 5, 8])
ANSWERS = ((4, 7), (4, 7), (1, 2))


@pytest.mark.parametrize("name", FACT_ZOO)
def test_the_verdict_on_each_model_is_the_true_one(name: str) -> None:
    (told,) = measured(name)
    assert told.statistic == RESTORING
    assert judge(told).status in FACT_ZOO[name][1]
    assert told.tested is not None
    assert told.tested.kind is TestKind.SEARCH  # which never shows absence
    assert told.details["facts_reported_on"] == 24
    assert told.details["facts_known"] > 100


def test_what_is_read_at_the_subject_is_replicated() -> None:
    (told,) = measured("telling")
    assert judge(told).rung is ClaimLevel.REPLICATED
    assert told.holds_for.site == "residual after layer 0, the subject's last token"
    right, other = told.details["mean_log_odds_right_and_other_subject"]
    assert told.estimate.value == pytest.approx(right - other, rel=0.1)  # all of it comes back
    at_subject, at_last = told.details["heat_map"]["values"]
    assert at_subject[0] > 5
    assert abs(at_last[0]) < 0.1  # it is read in the last layer, and not before


def test_a_third_subject_takes_one_fact_away_and_brings_none() -> None:
    (told,) = measured("telling")
    assert told.baseline.estimate.value == pytest.approx(told.estimate.value / 2, rel=0.2)


def test_with_fewer_than_twenty_facts_nothing_is_said() -> None:
    (told,) = run(facts.telling(SEED), {"facts": 24})
    assert told.details["facts_reported_on"] == 18
    verdict = judge(told)
    assert verdict.status is Status.INCONCLUSIVE
    assert verdict.reason == "18 clusters of distinct texts: 20 are needed"


def test_a_model_that_knows_nothing_is_refused() -> None:
    with pytest.raises(FactsUnknown, match=r"the model knows \d of 168 facts, and \d of them stand beside"):
        run(facts.dead(SEED), {})


def test_words_say_that_where_a_fact_is_says_nothing_of_where_it_can_be_changed() -> None:
    (told,) = measured("telling")
    assert "it could be edited there" in told.does_not_show
    assert "That the fact is stored there" in told.does_not_show
    assert "that the model knows" in told.supports
    for strong in ("cause", "because", "proves", " stored", "edit"):
        assert strong not in told.supports


def test_what_a_fact_is_known_by_is_not_what_it_is_traced_in() -> None:
    loaded = facts.telling(SEED)
    made = tokenize(FACTS, loaded.tokenizer)
    couples = couple_up(made, [True] * len(made), seed=0)
    subjects = [(fact.relation, fact.subject) for each in couples for fact in (each.known, each.other)]
    assert len(set(subjects)) == len(subjects) > 100
    for each in couples:
        assert len({each.known.end, each.other.end, each.third.end}) == 3
        assert each.known.like == each.other.like == each.third.like
        for way in range(4):
            texts = [fact.statements[way].tokens for fact in (each.known, each.other)]
            place = each.known.statements[way].subject
            assert texts[0][place + 1 :] == texts[1][place + 1 :]
    known = [fact.subject in {"France", "Germany", "Japan"} for fact in made]
    some = couple_up(made, known, seed=0)
    assert {each.known.subject for each in some} == {
        "France",
        "Germany",
        "Japan",
    }  # each beside one not known
    assert min(map(len, ends_of(made).values())) >= 10


@pytest.mark.parametrize("make", [resuming.llama, resuming.olmo, resuming.neox, resuming.gpt2])
@pytest.mark.parametrize(("token", "first", "last"), [(2, 0, 0), (4, 1, 2), (0, 0, 1)])
def test_restoring_is_what_plain_hooks_make_in_a_whole_pass(
    make: Callable[[], Any], token: int, first: int, last: int
) -> None:
    loaded = resuming.made(make)
    patching = TokenPatching(ForwardPasses(), loaded)
    reading = patching.read(TEXTS, ANSWERS)
    told = patching.restored(
        reading, [Restoring(0, 1, token, first, last), Restoring(1, 1, token, first, last)]
    )
    assert told[0] == pytest.approx(by_plain_hooks(loaded, token, range(first, last + 1)), abs=1e-4)
    assert told[1] == pytest.approx(reading.odds[1], abs=1e-4)
    assert abs(told[0] - reading.odds[0]) > 1e-5
    assert set(patching.fired) == {f"restore after layer {layer}" for layer in range(first, last + 1)}


def test_restoring_that_nothing_reads_or_that_is_none_ends_the_run() -> None:
    loaded = facts.telling(SEED)
    with torch.no_grad():
        loaded.model.lm_head.weight[7] = loaded.model.lm_head.weight[4]
    patching = TokenPatching(ForwardPasses(), loaded)
    reading = patching.read(TEXTS, ANSWERS)
    with pytest.raises(InterventionWithoutEffect, match="after layer 0: with noise at the last token"):
        patching.restored(patching.read(TEXTS[:2], ANSWERS[:2]), [Restoring(0, 1, 2, 0, 0)])
    with pytest.raises(ProbeError, match="between texts of one length"):
        patching.restored(reading, [Restoring(0, 2, 0, 0, 0)])
    with pytest.raises(ProbeError, match="from a layer to the same or a later one"):
        patching.restored(reading, [Restoring(0, 1, 0, 1, 0)])
    with pytest.raises(ProbeError, match="the text has no token 5"):
        patching.restored(reading, [Restoring(0, 1, 5, 0, 0)])
    with pytest.raises(SiteUnknown, match="no layer 2: the nearest is 1"):
        patching.restored(reading, [Restoring(0, 1, 0, 2, 2)])


def test_facts_of_both_languages_can_be_read() -> None:
    for language in ("en", "zh"):
        assert sum(len(each.facts) for each in read_facts(language).relations) > 100
    with pytest.raises(BadSpecification, match="no facts in 'fr'"):
        read_facts("fr")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("France: Paris;", "France: Paris; France: Lyon;"), "capital: a subject stands there twice"),
        (("France: Paris;", "France:;"), "or a fact lacks its end"),
        (("The capital of{s} is", "The capital is"), r"capital: 4 ways, each with one \{s\}"),
        (
            ("The capital city of{s}", "The capital city of{s} and{s}"),
            r"capital: 4 ways, each with one \{s\}",
        ),
    ],
)
def test_broken_facts_are_refused(tmp_path: Path, change: tuple[str, str], reason: str) -> None:
    text = (FOLDER / "en.toml").read_text(encoding="utf-8")
    (tmp_path / "en.toml").write_text(text.replace(*change, 1), encoding="utf-8")
    with pytest.raises(BadSpecification, match=reason):
        read_facts("en", tmp_path)


def test_a_kind_of_facts_with_few_ends_is_refused(tmp_path: Path) -> None:
    text = '[[relations]]\nname = "side"\nways = ["{s} a", "{s} b", "{s} c", "{s} d"]\nfacts = "x: left; y: right"\n'
    (tmp_path / "en.toml").write_text('version = "1"\nlanguage = "en"\ntexts = ""\nlabel = ""\n' + text)
    with pytest.raises(BadSpecification, match="side: fewer than 10 different ends"):
        read_facts("en", tmp_path)


def test_a_tokenizer_that_cannot_tell_is_refused() -> None:
    with pytest.raises(StructureUntold, match="has no tokenizer"):
        run(animals.induction(), {})
    unknown = replace(FACTS.relations[0], facts={**FACTS.relations[0].facts, "Zembla": "Onhava"})
    with pytest.raises(StructureUntold, match="does not know every word of"):
        tokenize(replace(FACTS, relations=(unknown,)), facts.telling(SEED).tokenizer)


def test_what_does_not_fit_is_refused_before_anything_is_measured() -> None:
    def check(parameters: Mapping[str, object], inputs: tuple[ProbeInput, ...] = ()) -> None:
        FactTracing().check(
            ProbeSpecification("fact.tracing", "0" * 64, 0, parameters=parameters, inputs=inputs)
        )

    with pytest.raises(BadSpecification, match="states its own facts, and reads no prompts"):
        check({}, (ProbeInput("a", "text", "en"),))
    with pytest.raises(BadSpecification, match="language is 'fr'"):
        check({"language": "fr"})
    with pytest.raises(BadSpecification, match="facts is 4; it may be 12 to 96"):
        check({"facts": 4})
    check({"language": "zh"})


def test_a_window_of_all_layers_is_refused() -> None:
    with pytest.raises(ProbeError, match="2 layers: too few for a window of 2 before the last"):
        run(facts.telling(SEED), {"window": 2})


def test_parts_are_named_by_the_specification_and_workers_must_agree() -> None:
    asked = specification(facts.telling(SEED), {"control_draws": 59})
    parts = FactTracing().parts(asked)
    assert parts[:4] == (
        "first seed: facts", "first seed: dead model",
        "first seed: random places from 1", "first seed: random places from 51",
    )  # fmt: skip
    done: dict[str, dict[str, object]] = {part: {"found": [0, 0], "moved": [0.0]} for part in parts}
    done[parts[3]] = {"found": [1, 1], "moved": [0.0]}
    with pytest.raises(ProbeError, match="'first seed: random places from 51' has"):
        FactTracing().report(asked, done)


@torch.inference_mode()
def by_plain_hooks(loaded: LoadedModel, token: int, layers: range) -> float:
    """Return the log-odds of tokens 4 and 7 after the first text, the second's residual at a token: by whole passes."""
    kept: dict[int, torch.Tensor] = {}
    blocks = blocks_of(loaded)

    def stream(output: Any) -> torch.Tensor:
        first: torch.Tensor = output[0] if isinstance(output, tuple) else output
        return first

    def put(layer: int, output: Any) -> Any:
        changed = stream(output).clone()
        changed[:, token] = kept[layer][:, token]
        return (changed, *output[1:]) if isinstance(output, tuple) else changed

    reading = [
        blocks[layer].register_forward_hook(
            lambda _, __, output, n=layer: kept.update({n: stream(output).clone()})
        )
        for layer in layers
    ]
    loaded.model(input_ids=torch.tensor([TEXTS[1]]))
    for handle in reading:
        handle.remove()
    changing = [
        blocks[layer].register_forward_hook(lambda _, __, output, n=layer: put(n, output)) for layer in layers
    ]
    logits = loaded.model(input_ids=torch.tensor([TEXTS[0]])).logits[0, -1]
    for handle in changing:
        handle.remove()
    return float(logits[4] - logits[7])


@cache
def measured(name: str) -> tuple[Measurement, ...]:
    """Return what the probe says of a model of the zoo."""
    return run(FACT_ZOO[name][0](SEED), {})


def run(loaded: LoadedModel, parameters: Mapping[str, object]) -> tuple[Measurement, ...]:
    """Run the probe on a model."""
    session = ModelSession(loaded={loaded.digest: loaded})
    return measure_all(FactTracing(), specification(loaded, parameters), session).measurements


def specification(loaded: LoadedModel, parameters: Mapping[str, object]) -> ProbeSpecification:
    """Ask the probe of a model."""
    given: dict[str, object] = {"facts": 32, "control_draws": 19, **parameters}
    return ProbeSpecification("fact.tracing", loaded.digest, seed=SEED, parameters=given)
