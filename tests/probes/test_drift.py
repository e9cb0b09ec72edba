from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from examples import releases
from interpret import model_store, registry
from interpret.contracts import ClaimLevel, Measurement, ProbeInput, ProbeSpecification, TestKind
from interpret.errors import (
    BadSpecification,
    ModelMissing,
    ModelsUnlike,
    ProbeUnavailable,
    StructureUntold,
    TooCoarse,
)
from interpret.parts import measure_all
from interpret.probes.drift import ModelDrift
from interpret.probes.drift.beside import ALL, ORDINARY, in_other_numbers, lie_apart
from interpret.probes.drift.material import cut, read_texts
from interpret.probes.forward import ForwardPasses
from interpret.probes.session import ModelSession
from interpret.probes.weights import LoadedModel
from interpret.verdicts import MIN_CLUSTERS, judge
from tests.probes.zoo import drift
from tests.probes.zoo.cases import cases
from tests.probes.zoo.expected import DRIFT_ZOO, FEATURES, OUTPUT

SMALL = {"features": 64, "active": 8, "samples": 8192, "permutations": 199}
HALVES = (slice(0, 24), slice(24, None))


@pytest.mark.parametrize(
    "name",
    cases(
        DRIFT_ZOO,
        always=("planted", "re-quantised", "copied", "in other coordinates", "coarsely re-quantised"),
    ),
)
def test_the_verdict_on_each_pair_is_the_true_one(name: str) -> None:
    given = {item.statistic: judge(item).status for item in measured(name)}
    assert given.keys() == DRIFT_ZOO[name].expected.keys()
    for statistic, status in given.items():
        assert status in DRIFT_ZOO[name].expected[statistic], statistic


def test_words_say_what_was_tested_and_no_more() -> None:
    for item in measured("fine-tuned"):
        assert item.level is ClaimLevel.ASSOCIATIONAL
        assert item.tested is not None
        assert item.tested.kind is (TestKind.SEARCH if item.statistic == FEATURES else TestKind.EFFECT)
        assert f"by {item.tested.smallest_effect:g} of" in item.supports.replace("more than ", "").replace(
            "nats", "of"
        )
        assert item.supports.startswith("On short English texts of many kinds, ")
        assert "the earlier model" in item.supports
        for strong in ("mechanism", "cause", "because", "better", "worse", "safe", "proves", "learn"):
            assert strong not in item.supports
    output, layers, features = measured("fine-tuned")
    assert "rounded to float16" in output.supports
    assert "rounded to float16" in layers.supports
    assert "What any feature means" in features.does_not_show
    assert "whether answers are better or worse" in output.does_not_show
    assert "in the same coordinates" in layers.supports
    assert "That anything it predicts changed" in layers.does_not_show


def test_a_finding_names_both_models_and_is_of_the_newer() -> None:
    pair = DRIFT_ZOO["fine-tuned"].make()
    for item in measured("fine-tuned"):
        assert item.holds_for.model_digest == pair.newer.digest
        assert item.holds_for.slice == {"against": pair.earlier.digest}
        assert item.holds_for.languages == ("en",)
        assert item.details["against"] == pair.earlier.digest


def test_each_null_is_no_less_than_the_earlier_model_beside_itself_on_that_text() -> None:
    for item in measured("re-quantised")[:2]:
        assert item.tested is not None
        assert len({unit.cluster for unit in item.tested.units}) == 24 >= MIN_CLUSTERS
        floor = item.baseline.estimate.value
        assert floor > 0
        for kind in item.tested.units[0].nulls:
            assert np.mean([unit.nulls[kind] for unit in item.tested.units]) >= floor
        assert item.stability.tested is not None
        texts = [{unit.text for unit in each.units} for each in (item.tested, item.stability.tested)]
        assert not texts[0] & texts[1]
        assert set(item.tested.found_on) >= texts[1]


def test_what_computes_the_same_in_other_places_is_no_drift_to_rounding() -> None:
    for name, most in (("copied", 0.0), ("permuted", 1e-5), ("rescaled", 1e-4)):
        output, layers, _ = measured(name)
        assert output.estimate.value <= most
        assert layers.estimate.value <= most * 10


def test_divergence_and_change_are_what_their_formulas_say() -> None:
    earlier, newer = drift.base(3), drift.base(4)
    material = cut(read_texts("en"), newer, earlier, many=40, length=12, seed=1)
    apart = lie_apart(ForwardPasses(), earlier, newer, material.ids, material.lengths, states=True)
    place, length = 5, material.lengths[5]
    ids = torch.tensor(material.ids[place : place + 1, :length])
    with torch.inference_mode():
        one, other = (torch.log_softmax(each.model(ids).logits[0].double(), -1) for each in (earlier, newer))
    assert apart.divergence[place] == pytest.approx(
        float((one.exp() * (one - other)).sum(-1).mean()), rel=1e-4
    )
    halves = (slice(0, 20), slice(20, None))
    states = [
        states_of(each, material.ids, material.lengths) for each in (earlier, newer)
    ]  # of layer 1, by text
    rest = [np.concatenate(each[20:]) for each in states]
    factor = (rest[0] * rest[1]).sum() / (rest[1] ** 2).sum()
    every = np.concatenate(states[0])
    spread = np.sqrt(((every - every.mean(axis=0)) ** 2).sum(axis=1).mean())
    wanted = np.sqrt(((factor * states[1][place] - states[0][place]) ** 2).sum(axis=1).mean()) / spread
    assert apart.change(halves, apart.spread())[1, ALL, place] == pytest.approx(wanted, rel=1e-4)


def test_massive_tokens_are_left_out_and_both_figures_are_given() -> None:
    pair = drift.requantised(2)
    word = int(cut(read_texts("en"), pair.newer, pair.earlier, many=48, length=8, seed=0).ids[0, 0])
    for loaded, factor in ((pair.earlier, 200.0), (pair.newer, 400.0)):
        with torch.no_grad():
            loaded.model.get_input_embeddings().weight[word].mul_(factor)
    material = cut(read_texts("en"), pair.newer, pair.earlier, many=48, length=16, seed=0)
    apart = lie_apart(ForwardPasses(), pair.earlier, pair.newer, material.ids, material.lengths, states=True)
    assert apart.massive.min() >= 1
    change = apart.change(HALVES, apart.spread())
    assert change[:, ORDINARY].max() < 0.1
    assert change[0, ALL].max() > 2 * change[0, ORDINARY].max()
    _, layers = run(pair, {})
    assert layers.details["with_massive_tokens"] != layers.estimate.value
    assert layers.details["massive_tokens"] >= 1


def test_a_model_is_itself_in_other_numbers_and_the_first_is_left_alone() -> None:
    loaded = drift.base(5)
    before = [weight.clone() for weight in loaded.model.parameters()]
    other = in_other_numbers(loaded)
    for one, kept, rounded in zip(loaded.model.parameters(), before, other.model.parameters(), strict=True):
        assert (one == kept).all()
        assert (rounded == kept.to(torch.float16).float()).all()


def test_models_of_unlike_shapes_are_refused_by_name_and_their_outputs_can_be_compared() -> None:
    for changes, said in (
        ({"layers": 3}, "layers: the newer model has 3"),
        ({"width": 96}, "width: the newer"),
    ):
        pair = drift.Pair(drift.base(0, **changes), drift.base(0))
        with pytest.raises(ModelsUnlike, match=f"{said}.*compared=outputs"):
            run(pair, {})
        (output,) = run(pair, {"compared": "outputs"})
        assert output.statistic == OUTPUT
        assert output.family_size == 1
        assert output.fire_counts == {}


def test_models_with_other_tokens_are_refused_by_name() -> None:
    pair = drift.copied()
    words = drift.Words()
    words.known = {word: (token + 1) % len(words.known) for word, token in words.known.items()}
    with pytest.raises(ModelsUnlike, match=r"cut '.*' into different tokens"):
        run(drift.Pair(replace(pair.newer, tokenizer=words), pair.earlier), {})
    smaller = replace(pair.newer, shape=replace(pair.newer.shape, vocabulary=7))
    with pytest.raises(ModelsUnlike, match="vocabulary: the newer model has 7"):
        run(drift.Pair(smaller, pair.earlier), {"compared": "outputs"})


def test_a_model_that_moves_by_rounding_as_much_as_matters_is_refused_by_name() -> None:
    with pytest.raises(TooCoarse, match=r"drift\.layers: .* ask for a larger smallest_change"):
        run(drift.copied(), {"smallest_change": 0.001})
    with pytest.raises(TooCoarse, match=r"drift\.output: .* ask for a larger smallest_divergence"):
        run(loud(), {"compared": "outputs", "smallest_divergence": 0.0001})


def test_texts_that_a_tokenizer_cannot_read_are_refused() -> None:
    pair = drift.copied()
    for tokenizer, said in ((None, "no tokenizer"), (unknowing(), "does not know every word")):
        both = [replace(each, tokenizer=tokenizer) for each in (pair.newer, pair.earlier)]
        with pytest.raises(StructureUntold, match=said):
            run(drift.Pair(*both), {})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"against": None}, "against is to be given"),
        ({"against": "3"}, "64 lower-case hex digits"),
        ({"language": "fr"}, "language is 'fr'"),
        ({"texts": 12}, "it may be 40 to 48"),
        ({"againts": "5" * 64}, "did you mean 'against'"),
    ],
)
def test_bad_parameters_are_refused(changes: Mapping[str, object], said: str) -> None:
    given = {name: value for name, value in {"against": "4" * 64, **changes}.items() if value is not None}
    with pytest.raises(BadSpecification, match=said):
        ModelDrift().check(ProbeSpecification("model.drift", "5" * 64, seed=0, parameters=given))


def test_a_model_beside_itself_and_prompts_are_refused() -> None:
    asked = ProbeSpecification("model.drift", "5" * 64, seed=0, parameters={"against": "5" * 64})
    with pytest.raises(BadSpecification, match="there is nothing to compare"):
        ModelDrift().check(asked)
    prompts = (ProbeInput("p", "text", "en"),)
    with pytest.raises(BadSpecification, match="no prompts"):
        ModelDrift().check(replace(asked, parameters={"against": "4" * 64}, inputs=prompts))


def test_a_model_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    loaded = drift.base(0)
    asked = ProbeSpecification("model.drift", loaded.digest, seed=0, parameters={"against": "4" * 64})
    with pytest.raises(ModelMissing, match=f"no model {'4' * 64}"):
        measure_all(ModelDrift(), asked, ModelSession(tmp_path, loaded={loaded.digest: loaded}))


def test_two_models_of_the_store_are_held_at_once_and_a_third_makes_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads: list[str] = []

    def load(_: Path, digest: str, **__: object) -> LoadedModel:
        loads.append(digest)
        return replace(drift.base(0), digest=digest)

    monkeypatch.setattr("interpret.probes.session.load_causal_lm", load)
    session = ModelSession(tmp_path)
    assert [each.digest for each in session.models("a", "b")] == ["a", "b"]
    session.models("b", "a")
    session.model("a")
    assert loads == ["a", "b"]
    session.dead("a", 1)
    session.models("b", "c")
    assert loads == ["a", "b", "c"]
    session.model("d")
    session.models("b", "c")
    assert loads == ["a", "b", "c", "d", "b", "c"]


def test_exclusive_features_are_those_beyond_the_aa_maximum_and_no_fixed_share() -> None:
    found = {name: measured(name)[2] for name in ("copied", "planted")}
    for item in found.values():
        told = item.details
        assert 0 < told["aa_maximum"] < 0.05
        assert (told["exclusive"] > 0) == (told["most_exclusive"] > told["aa_maximum"])
        assert item.tested is not None
        assert set(item.tested.found_on).isdisjoint(unit.text for unit in item.tested.units)
        assert item.holds_for.site == "residual after layer 1, features of a crosscoder"
    assert found["planted"].details["exclusive"] > 20
    assert found["planted"].details["most_exclusive"] < 0.4  # by the usual cut of 0.9, none is exclusive
    assert found["planted"].details["aa_maximum"] == found["copied"].details["aa_maximum"]


def test_more_features_active_than_there_are_is_refused() -> None:
    given = {"against": "4" * 64, "features": 16, "active": 17}
    with pytest.raises(BadSpecification, match="17 of 16 features cannot be active"):
        ModelDrift().check(ProbeSpecification("model.drift", "5" * 64, seed=0, parameters=given))


def test_without_sae_lens_features_cannot_be_compared_and_the_rest_can(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(registry, "CROSSCODER", "interpret.no_such_module.train")
    with pytest.raises(ProbeUnavailable, match=r"a crosscoder needs interpret\.no_such_module"):
        run(drift.copied(), {"compared": "all"})
    assert len(run(drift.copied(), {"compared": "layers"})) == 2


@pytest.mark.parametrize("language", registry.PROBES["model.drift"].choices["language"].names)
def test_texts_are_so_many_and_different(language: str) -> None:
    texts = read_texts(language)
    assert len(texts.documents) == 48
    assert len({text[:12] for text in texts.documents}) == 48
    assert min(map(len, texts.documents)) > 35
    with pytest.raises(BadSpecification, match="no texts in"):
        read_texts(language, Path(model_store.__file__).parent)


def test_the_first_model_of_a_release_is_left_as_it_was() -> None:
    earlier = drift.base(1)
    before = [weight.clone() for weight in earlier.model.parameters()]
    made = [releases.permuted(earlier), releases.rescaled(earlier), releases.requantised(earlier, 3)]
    made.append(releases.planted(earlier, 0, strength=1.0))
    assert len({each.digest for each in (*made, earlier)}) == 5
    for weight, kept in zip(earlier.model.parameters(), before, strict=True):
        assert (weight == kept).all()


@cache
def measured(name: str) -> tuple[Measurement, ...]:
    """Return what the probe says of a pair of the zoo."""
    compared = "all" if FEATURES in DRIFT_ZOO[name].expected else "layers"
    return run(DRIFT_ZOO[name].make(), {"compared": compared})


def run(pair: drift.Pair, parameters: Mapping[str, object]) -> tuple[Measurement, ...]:
    """Run the probe on a pair."""
    session = ModelSession(loaded={each.digest: each for each in (pair.newer, pair.earlier)})
    given = {"against": pair.earlier.digest, "compared": "layers", **SMALL, **parameters}
    asked = ProbeSpecification("model.drift", pair.newer.digest, seed=3, parameters=given)
    return measure_all(ModelDrift(), asked, session).measurements


def loud() -> drift.Pair:
    """Return a pair that answers so loudly that rounding is heard."""
    pair = drift.copied()
    for loaded in (pair.newer, pair.earlier):
        with torch.no_grad():
            loaded.model.get_output_embeddings().weight.mul_(30)
    return pair


def unknowing() -> drift.Words:
    """Return a tokenizer that lacks a word."""
    words = drift.Words()
    del words.known["applicant"]
    return words


def states_of(loaded: LoadedModel, ids: np.ndarray, lengths: tuple[int, ...]) -> list[np.ndarray]:
    """Return the last layer's states of each text, read one by one."""
    found = []
    for row, length in zip(ids, lengths, strict=True):
        kept: list[torch.Tensor] = []
        handle = loaded.model.model.layers[-1].register_forward_hook(
            lambda _, __, output, kept=kept: kept.append(output[0] if isinstance(output, tuple) else output)
        )
        with torch.inference_mode():
            loaded.model(torch.tensor(row[None, :length]))
        handle.remove()
        found.append(kept[0][0].double().numpy())
    return found
