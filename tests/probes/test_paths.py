from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from interpret.contracts import ClaimLevel, Measurement, ProbeInput, ProbeSpecification, Status, TestKind
from interpret.errors import (
    AttributionIncomplete,
    BadSpecification,
    ClaimRefused,
    InterventionWithoutEffect,
    PairsUnequal,
    ProbeError,
    SiteUnknown,
    StructureUntold,
)
from interpret.parts import measure_all
from interpret.probes.forward import ForwardPasses
from interpret.probes.head_patching import HeadPatching, Patch
from interpret.probes.integrated import COMPLETE, EMBEDDING, Attribution, attribute
from interpret.probes.paths import AnswerPath
from interpret.probes.paths.sentences import (
    FOLDER,
    Material,
    SentenceSet,
    check_apart,
    pair_up,
    read_sentences,
)
from interpret.probes.session import ModelSession
from interpret.probes.sites import Head, attention_sites
from interpret.probes.weights import LoadedModel
from interpret.verdicts import judge
from tests.probes import test_resuming as resuming
from tests.probes.zoo import animals, paths
from tests.probes.zoo.cases import cases
from tests.probes.zoo.expected import PARITY, PATCHING, PATH_ZOO
from tests.probes.zoo.words import Words

SEED = 4
SENTENCES = read_sentences("en")
TEXTS = ([3, 5, 8, 2, 9], [4, 6, 1, 9, 7], [7, 5, 8])
ANSWERS = ((4, 7), (4, 7), (1, 2))


@pytest.mark.parametrize("name", cases(PATH_ZOO, always=("moving", "dead")))
def test_the_verdict_on_each_model_is_the_true_one(name: str) -> None:
    told = {item.statistic: item for item in measured(name)}
    assert judge(told[PATCHING]).status in PATH_ZOO[name].expected
    assert judge(told[PARITY]).status is Status.DESCRIBED
    tested = told[PATCHING].tested
    assert tested is not None
    assert tested.kind is TestKind.SEARCH  # which never shows absence
    along = {str(paths.places(SEED)[place]) for place in PATH_ZOO[name].along}
    if along:
        assert set(told[PATCHING].holds_for.site.split()) & {*map(str, paths.places(SEED))} == along
        assert len(told[PATCHING].details["proposed"]) == PATH_ZOO[name].heads


def test_what_is_on_the_path_is_replicated_both_ways_and_idle_heads_are_not_named() -> None:
    told = {item.statistic: item for item in measured("counting, five asked for")}
    assert told[PATCHING].holds_for.site == f"head {paths.places(SEED)[0]}"
    assert judge(told[PATCHING]).rung is ClaimLevel.REPLICATED
    assert min(told[PATCHING].details["moved_each_way"]) > 1
    first, second = told[PATCHING].details["mean_log_odds_of_each_text"]
    assert told[PATCHING].estimate.value == pytest.approx(first - second, rel=0.2)
    assert told[PARITY].estimate.value > 0.99
    assert told[PATCHING].details["completeness_error"] <= COMPLETE


def test_each_twin_moves_the_answer_half_of_the_way() -> None:
    """Exchanged, a twin speaks against the other: it does not hide behind it, as it does when it is ablated."""
    loaded, report = paths.twins(SEED), material().report
    patching = HeadPatching(ForwardPasses(), loaded)
    reading = patching.read(
        [pair.texts[side] for side in (0, 1) for pair in report], [p.answers for p in report] * 2
    )
    pairs = range(len(report))
    one, both = (
        reading.odds[: len(report)]
        - patching.patched(reading, [Patch(pair, len(report) + pair, heads) for pair in pairs])
        for heads in (paths.places(SEED)[1:2], paths.places(SEED)[1:])
    )
    assert one.mean() == pytest.approx(both.mean() / 2, rel=0.1)


def test_words_say_what_was_tested_and_no_more() -> None:
    for item in measured("moving"):
        for strong in ("cause", "because", "proves", "explains", "the circuit", "understands"):
            assert strong not in item.supports
    patched = measured("moving")[0]
    assert "both ways, by more than 0.1 beyond the same in a dead model" in patched.supports
    assert "through these heads alone" in patched.does_not_show
    assert "does not add up to the answer" in measured("moving")[1].does_not_show


@pytest.mark.parametrize("cut", [EMBEDDING, 0])
@pytest.mark.parametrize("name", ["counting", "moving", "untrained"])
def test_attributions_at_a_cut_add_up_to_the_answers_change(name: str, cut: int) -> None:
    told = attributed(name, cut=cut)
    assert told.at_cut == pytest.approx(told.change, abs=0.07 * np.abs(told.change).mean())
    assert told.error <= COMPLETE


def test_attributions_of_all_heads_do_not_add_up() -> None:
    """Both heads of a path that is one after the other are given all of the change, so that the sum is twice of it."""
    told = attributed("moving")
    assert told.heads.sum(axis=1).mean() == pytest.approx(2 * told.change.mean(), rel=0.15)
    assert np.abs(told.at_cut - told.change).mean() < 0.01 * told.change.mean()


def test_trap_10_too_few_steps_are_seen_and_refused() -> None:
    """One step gives heads scores that look like any; what lies at the cut lacks a part of the change."""
    naive = attributed("moving", steps=(1,), incomplete=True)
    assert naive.error > 0.1
    assert naive.heads.shape == (20, 24)
    assert np.isfinite(naive.heads).all()
    with pytest.raises(
        AttributionIncomplete, match=r"with 1 steps the attributions at the cut are \d+\.\d% from"
    ):
        attributed("moving", steps=(1,))
    assert attributed("moving", steps=(1, 2, 64)).steps == 64  # raised until it is complete


def test_trap_10_what_is_proposed_is_held_against_exact_patching() -> None:
    told = measured("twins")[1]
    top = told.details["checked_one_by_one"][:3]
    for each in top:
        assert each["patched"] == pytest.approx(each["attributed"], rel=0.2)
    assert told.null.estimate.low < 0 < told.null.estimate.high


def test_attribution_leaves_weights_as_they_were() -> None:
    loaded = paths.counting(SEED)
    before = {
        name: (weight.requires_grad, weight.sum().item()) for name, weight in loaded.model.named_parameters()
    }
    attributed("counting", loaded=loaded)
    for name, weight in loaded.model.named_parameters():
        assert before[name] == (weight.requires_grad, weight.sum().item())
        assert weight.grad is None


def test_a_head_of_grouped_queries_is_given_its_own_part() -> None:
    """Twelve query heads, six of keys: the neighbour that reads the same keys and values is given nothing."""
    told, head = attributed("counting").heads.mean(axis=0), paths.places(SEED)[0]
    neighbour = head.head ^ 1
    assert told[head.head] > 1
    assert abs(told[neighbour]) < 0.01


@pytest.mark.parametrize("make", [resuming.llama, resuming.olmo, resuming.neox, resuming.gpt2])
@pytest.mark.parametrize("heads", [(Head(0, 1),), (Head(1, 3), Head(2, 0)), (Head(2, 2),)])
def test_a_patch_is_what_plain_hooks_make_in_a_whole_pass(
    make: Callable[[], Any], heads: tuple[Head, ...]
) -> None:
    loaded = resuming.made(make)
    patching = HeadPatching(ForwardPasses(), loaded)
    reading = patching.read(TEXTS, ANSWERS)
    told = patching.patched(reading, [Patch(0, 1, heads), Patch(1, 0, heads), Patch(0, 0, heads)])
    assert told[0] == pytest.approx(by_plain_hooks(loaded, TEXTS[0], TEXTS[1], heads), abs=1e-4)
    assert told[1] == pytest.approx(by_plain_hooks(loaded, TEXTS[1], TEXTS[0], heads), abs=1e-4)
    assert told[2] == pytest.approx(reading.odds[0], abs=1e-4)
    assert abs(told[0] - reading.odds[0]) > 1e-4
    assert set(patching.fired) == {f"patch layer {head.layer}" for head in heads} | {
        f"patch layer {layer}" for layer in {head.layer for head in heads}
    }


def test_a_patch_that_nothing_reads_or_that_is_none_ends_the_run() -> None:
    loaded = paths.untrained(2)
    head = Head(1, 3)
    with torch.no_grad():
        mixes = loaded.model.model.layers[1].self_attn.o_proj.weight
        mixes.view(mixes.shape[0], loaded.shape.heads, -1)[:, head.head] = 0
    patching = HeadPatching(ForwardPasses(), loaded)
    reading = patching.read(TEXTS, ANSWERS)
    with pytest.raises(InterventionWithoutEffect, match=r"head 1\.3: with noise in its place"):
        patching.patched(reading, [Patch(0, 1, (Head(0, 0), head))])
    with pytest.raises(ProbeError, match="between texts of one length"):
        patching.patched(reading, [Patch(0, 2, (Head(0, 0),))])
    with pytest.raises(ProbeError, match="names at least one head"):
        patching.patched(reading, [Patch(0, 1, ())])
    with pytest.raises(SiteUnknown, match=r"no head 2\.0: the nearest is 1\.0"):
        patching.patched(reading, [Patch(0, 1, (Head(2, 0),))])
    with pytest.raises(ProbeError, match="a single token"):
        patching.read([[3]], ANSWERS[:1])


def test_splits_share_neither_a_template_nor_a_name() -> None:
    for again in (0, 1):
        made = material(again=again)
        assert len(made.find) == len(made.report) == 20
        assert len({pair.cluster for pair in (*made.find, *made.report)}) == 40
        assert len({name for pair in (*made.find, *made.report) for name in pair.people}) == 80
        for pair in (*made.find, *made.report):
            assert len(set(map(len, pair.texts))) == 1
            assert sum(a != b for a, b in zip(*pair.texts[:2], strict=True)) == 1  # who is named again
    first, second = material(), material(again=1)
    assert not {pair.digest() for pair in first.find} & {pair.digest() for pair in second.report}
    assert {pair.cluster for pair in first.report} == {pair.cluster for pair in second.report}
    with pytest.raises(ClaimRefused, match=r"template .* is in both splits: what was found on a template"):
        check_apart(first.find, first.find)
    with pytest.raises(ClaimRefused, match=r"is in both splits: what was found on a name"):
        check_apart(first.find, [replace(pair, template=pair.template + 100) for pair in first.find])


def test_pairs_of_unlike_length_and_tokenizers_that_cannot_tell_are_refused() -> None:
    long = tuple(name + " the" * (place % 7) for place, name in enumerate(SENTENCES.names[:30]))
    with pytest.raises(PairsUnequal, match=r"pairs in a half are of equal length .*: 20 are needed"):
        pair_up(replace(SENTENCES, names=long), known(), 48, seed=0, again=0)
    with pytest.raises(StructureUntold, match="has no tokenizer"):
        pair_up(SENTENCES, None, 48, seed=0, again=0)
    with pytest.raises(StructureUntold, match="does not know every word of"):
        pair_up(replace(SENTENCES, names=("Zaphod", *SENTENCES.names)), known(), 48, seed=0, again=0)
    with pytest.raises(StructureUntold, match="has no tokenizer"):
        run(animals.induction(), {})


def test_both_languages_can_be_read_and_nothing_stands_there_twice() -> None:
    for language in ("en", "zh"):
        told = read_sentences(language)
        assert len(told.templates) == 48
        assert len(told.names) >= 96
    with pytest.raises(BadSpecification, match="no sentences in 'fr'"):
        read_sentences("fr")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("gave a{t} to", "gave a ring to"), r"a template has one \{t\}, not as in 'When"),
        (("then{s} handed", "then{s} and{s} handed"), r"a template has one \{s\}"),
        (("James Mary", "James James"), "the name 'James' stands there twice"),
        (('"book", ', '"book", "book", '), "the thing 'book' stands there twice"),
    ],
)
def test_broken_sentences_are_refused(tmp_path: Path, change: tuple[str, str], reason: str) -> None:
    text = (FOLDER / "en.toml").read_text(encoding="utf-8")
    (tmp_path / "en.toml").write_text(text.replace(*change, 1), encoding="utf-8")
    with pytest.raises(BadSpecification, match=reason):
        read_sentences("en", tmp_path)


def test_what_does_not_fit_is_refused_before_anything_is_measured() -> None:
    def check(parameters: Mapping[str, object], inputs: tuple[ProbeInput, ...] = ()) -> None:
        AnswerPath().check(
            ProbeSpecification("answer.path", "0" * 64, 0, parameters=parameters, inputs=inputs)
        )

    with pytest.raises(BadSpecification, match="writes its own sentences, and reads no prompts"):
        check({}, (ProbeInput("a", "text", "en"),))
    with pytest.raises(BadSpecification, match="language is 'fr'"):
        check({"language": "fr"})
    with pytest.raises(BadSpecification, match="pairs is 12; it may be 40 to 48"):
        check({"pairs": 12})
    check({"language": "zh"})


def test_parts_are_named_by_the_specification_and_workers_must_agree() -> None:
    loaded = paths.counting(SEED)
    asked = specification(loaded, {"control_draws": 59})
    parts = AnswerPath().parts(asked)
    assert parts[:4] == (
        "first seed: pairs", "first seed: dead model",
        "first seed: random heads from 1", "first seed: random heads from 51",
    )  # fmt: skip
    done: dict[str, dict[str, object]] = {part: {"chosen": ["0.1"], "moved": [0.0]} for part in parts}
    done[parts[3]] = {"chosen": ["0.2"], "moved": [0.0]}
    with pytest.raises(ProbeError, match="'first seed: random heads from 51' has"):
        AnswerPath().report(asked, done)


def test_more_heads_than_leave_as_many_to_draw_are_refused() -> None:
    with pytest.raises(ProbeError, match="24 heads: too few to report 16"):
        run(paths.counting(SEED), {"heads": 16})


@torch.inference_mode()
def by_plain_hooks(loaded: LoadedModel, text: list[int], other: list[int], heads: tuple[Head, ...]) -> float:
    """Return the log-odds of tokens 4 and 7 after a text, with heads of another: whole passes and plain hooks."""
    kept: dict[int, torch.Tensor] = {}
    sites, width = attention_sites(loaded), loaded.shape.head_width
    reading = [
        site.mix.register_forward_pre_hook(
            lambda _, inputs, layer=site.layer: kept.__setitem__(layer, inputs[0])
        )
        for site in sites
    ]
    loaded.model(input_ids=torch.tensor([other]))
    for handle in reading:
        handle.remove()

    def put(layer: int, inputs: Any) -> Any:
        changed = inputs[0].clone()
        for head in heads:
            if head.layer == layer:
                own = slice(head.head * width, (head.head + 1) * width)
                changed[..., own] = kept_before[layer][..., own]
        return (changed,)

    kept_before = dict(kept)
    changing = [
        site.mix.register_forward_pre_hook(lambda _, inputs, layer=site.layer: put(layer, inputs))
        for site in sites
    ]
    logits = loaded.model(input_ids=torch.tensor([text])).logits[0, -1]
    for handle in changing:
        handle.remove()
    return float(logits[4] - logits[7])


@cache
def known() -> Words:
    """Return a tokenizer that knows the sentences' words."""
    return Words([*SENTENCES.templates, *SENTENCES.things, *SENTENCES.names, "the"])


def material(sentences: SentenceSet = SENTENCES, again: int = 0) -> Material:
    """Return pairs of the sentences."""
    return pair_up(sentences, known(), 40, seed=SEED, again=again)


def attributed(name: str, loaded: LoadedModel | None = None, **more: Any) -> Attribution:
    """Return what attribution says of a model of the zoo, on 20 pairs."""
    loaded = loaded or getattr(paths, name)(SEED)
    pairs = pair_up(SENTENCES, loaded.tokenizer, 40, seed=SEED, again=0).find
    texts = [pair.texts[0] for pair in pairs], [pair.texts[1] for pair in pairs]
    return attribute(ForwardPasses(), loaded, texts, [pair.answers for pair in pairs], **more)


@cache
def measured(name: str) -> tuple[Measurement, ...]:
    """Return what the probe says of a model of the zoo."""
    return run(PATH_ZOO[name].make(SEED), {"heads": PATH_ZOO[name].heads})


def run(loaded: LoadedModel, parameters: Mapping[str, object]) -> tuple[Measurement, ...]:
    """Run the probe on a model."""
    session = ModelSession(loaded={loaded.digest: loaded})
    return measure_all(AnswerPath(), specification(loaded, parameters), session).measurements


def specification(loaded: LoadedModel, parameters: Mapping[str, object]) -> ProbeSpecification:
    """Ask the probe of a model."""
    given: dict[str, object] = {"pairs": 40, "control_draws": 19, "checked_heads": 8, **parameters}
    return ProbeSpecification("answer.path", loaded.digest, seed=SEED, parameters=given)
