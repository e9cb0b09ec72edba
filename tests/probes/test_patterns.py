from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from interpret.contracts import ClaimLevel, Measurement, ProbeInput, ProbeSpecification, Status, Want
from interpret.errors import BadSpecification, ProbeError, StructureUntold
from interpret.parts import measure_all
from interpret.probes.patterns import AttentionPatterns
from interpret.probes.patterns.brackets import matched_brackets
from interpret.probes.patterns.kinds import PATTERNS
from interpret.probes.patterns.marked import Marked, as_texts, check_told_apart
from interpret.probes.patterns.random_tokens import duplicate_tokens, previous_tokens
from interpret.probes.patterns.subjects import OTHER_BEFORE, OTHER_BETWEEN, sentence_subjects
from interpret.probes.patterns.texts import Texts, best_rule, even_share, share
from interpret.probes.session import ModelSession
from interpret.probes.weights import LoadedModel
from interpret.verdicts import judge
from tests.probes.zoo import animals, readers
from tests.probes.zoo.cases import cases
from tests.probes.zoo.expected import PATTERN_ZOO

RUN = {"texts": 40, "length": 32, "heads": 1, "permutations": 199}


@pytest.mark.parametrize(
    "name",
    cases(
        PATTERN_ZOO,
        always=("induction", "bracket closed", "nearest noun", "random"),
    ),
)
def test_the_verdict_on_each_animal_is_the_true_one(name: str) -> None:
    truth, given = PATTERN_ZOO[name], dict[str, set[Status]]()
    for item in measured(name):
        given.setdefault(item.statistic, set()).add(judge(item).status)
    assert given.keys() == truth.expected.keys()
    for statistic, statuses in given.items():
        assert statuses <= truth.expected[statistic], statistic


def test_what_is_needed_is_replicated_and_what_is_only_looked_at_is_not() -> None:
    match, cost = measured("induction")
    assert judge(match).rung is ClaimLevel.ASSOCIATIONAL
    assert judge(cost).rung is ClaimLevel.REPLICATED
    assert match.supports.endswith("attends to the token just before, more than to the token two before.")


@pytest.mark.parametrize(
    ("make", "pattern", "right", "near"),
    [
        (readers.partner, "bracket_match", 1, 0),
        (readers.nearest_of_kind, "bracket_match", 0.5, 0.5),
        (readers.nearest_bracket, "bracket_match", 0, 0),
        (readers.subject, "sentence_subject", 1, 0),
        (readers.nearest_noun, "sentence_subject", 0.5, 0.5),
        (readers.first_noun, "sentence_subject", 0.5, 0.5),
        (readers.first_word, "sentence_subject", 0, 0),
    ],
)
def test_each_reader_looks_where_it_says(make: type, pattern: str, right: float, near: float) -> None:
    loaded: LoadedModel = make()
    texts = PATTERNS[pattern].make(loaded, 40, 32, 5).report
    attention = ModelSession().passes.clean(loaded, texts.ids, {Want.ATTENTION}).attention
    assert attention is not None
    looks = attention[readers.HEAD.layer, readers.HEAD.head]
    assert share(looks, texts.right).mean() == pytest.approx(right, abs=0.03)
    assert share(looks, texts.near).mean() == pytest.approx(near, abs=0.03)


def test_a_model_without_a_tokenizer_is_told_of_the_patterns_that_need_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(PATTERNS, "previous_token")
    found = run(animals.duplicate(), sets=2)
    assert {item.statistic for item in found} == {"patterns.duplicate_token"}
    reason = "the model has no tokenizer that says where its tokens stand in a text"
    assert found[0].details["not_measured"] == {"bracket_match": reason, "sentence_subject": reason}


def test_no_template_is_both_found_on_and_reported_on_by_either_seed() -> None:
    for make in (matched_brackets, sentence_subjects):
        first, second = (make(48, readers.Tokens(), seed=seed) for seed in (0, 1))
        assert not set(first.find.clusters) & {*first.report.clusters, *second.report.clusters}
        assert len(set(first.report.clusters)) >= 20
    assert len(set(OTHER_BETWEEN + OTHER_BEFORE)) == 52


@pytest.mark.parametrize("pattern", PATTERNS)
def test_links_go_back_never_to_the_first_token_and_the_near_miss_is_another(pattern: str) -> None:
    texts = PATTERNS[pattern].make(readers.partner(), 40, 32, 1).report
    query, key = np.arange(texts.ids.shape[1])[:, None], np.arange(texts.ids.shape[1])[None, :]
    assert texts.right.any(axis=(1, 2)).all()
    for links in (texts.right, texts.near):
        assert not (links & (key >= query)).any()
        assert not links[:, :, 0].any()
        assert (links.sum(axis=2) == texts.right.sum(axis=2)).all()
    assert not (texts.right & texts.near).any()


def test_the_near_miss_is_nearer_in_half_and_farther_in_half() -> None:
    for texts in (
        matched_brackets(48, readers.Tokens(), seed=0).report,
        sentence_subjects(48, readers.Tokens(), seed=0).report,
    ):
        nearer = [
            (np.nonzero(near)[0] > np.nonzero(right)[0]).item()
            for right, near in zip(rows_of(texts, "right"), rows_of(texts, "near"), strict=True)
        ]
        assert np.mean(nearer) == 0.5


def test_a_rule_of_position_cannot_tell_the_pattern_and_even_attention_is_what_it_is() -> None:
    texts = duplicate_tokens(40, 32, 40, seed=0)
    assert best_rule(texts.find, claimed_lag=0).hits(texts.report).mean() < 0.2
    previous = previous_tokens(40, 32, 40, seed=0)
    assert str(best_rule(previous.find, claimed_lag=0)) == "1 tokens back"
    assert str(best_rule(previous.find, claimed_lag=1)) != "1 tokens back"
    queries = [np.nonzero(row.any(axis=1))[0] for row in previous.report.right]
    assert even_share(previous.report) == pytest.approx([(1 / (each + 1)).mean() for each in queries])


def test_in_another_order_links_stay_in_place_or_go_with_their_tokens() -> None:
    texts = previous_tokens(8, 32, 40, seed=0).report
    stays, goes = (texts.shuffled(1, follow=follow) for follow in (False, True))
    assert (stays.ids == goes.ids).all()
    assert (stays.right == texts.right).all()
    pairs = {
        (int(texts.ids[0, q]), int(texts.ids[0, k])) for q, k in zip(*np.nonzero(texts.right[0]), strict=True)
    }
    moved = {
        (int(goes.ids[0, q]), int(goes.ids[0, k])) for q, k in zip(*np.nonzero(goes.right[0]), strict=True)
    }
    assert moved
    assert moved < pairs


def test_tokens_that_cannot_tell_the_structure_are_refused() -> None:
    text = Marked("t", "a cow and a cat", {"one": (2, 5), "two": (12, 14)}, [("two", "one", "one")])
    with pytest.raises(StructureUntold, match="'ca' is part of the token 'cat'"):
        as_texts(Known(), [text])
    text.marks["two"] = (12, 15)
    with pytest.raises(StructureUntold, match="are one token in 'a cow and a cat'"):
        check_told_apart(as_texts(Known(), [text]), [text])
    with pytest.raises(StructureUntold, match="does not know every word of 'a cow and a xylophone'"):
        as_texts(Known(), [Marked("t", "a cow and a xylophone")])
    with pytest.raises(StructureUntold, match="makes 65 tokens of a text: 64 are read"):
        as_texts(Known(), [Marked("t", "cow " * 65)])


def test_prompts_few_words_and_few_heads_are_refused() -> None:
    prompts = (ProbeInput("a", "text", "en"),)
    with pytest.raises(BadSpecification, match="reads no prompts"):
        AttentionPatterns().check(ProbeSpecification("attention.patterns", "0" * 64, 0, inputs=prompts))
    with pytest.raises(ProbeError, match="cannot fill a text of 48 different tokens"):
        duplicate_tokens(8, 48, 40, seed=0)
    with pytest.raises(ProbeError, match="8 heads: too few to report 5"):
        run(animals.few(), sets=2, heads=5)


class Known(readers.Tokens):
    """To this tokenizer cows and cats are one."""

    def __init__(self) -> None:
        super().__init__()
        self._known |= {"cow": 1, "cat": 1, "a": 2, "and": 3}


def rows_of(texts: Texts, links: str) -> list[np.ndarray]:
    """Return, query by query, which keys are linked; a column each."""
    which, right = getattr(texts, links), texts.right
    return [which[text, query][:, None] for text, query in zip(*np.nonzero(right.any(axis=2)), strict=True)]


@cache
def measured(name: str) -> tuple[Measurement, ...]:
    """Look for the patterns that an animal's truth names, and only for those."""
    truth = PATTERN_ZOO[name]
    with pytest.MonkeyPatch.context() as patch:
        for pattern in list(PATTERNS):
            if f"patterns.{pattern}" not in truth.expected:
                patch.delitem(PATTERNS, pattern)
        return run(truth.make(), sets=truth.sets)


def run(loaded: LoadedModel, *, sets: int, **changes: float) -> tuple[Measurement, ...]:
    """Run the probe on a model."""
    parameters = {**RUN, "control_draws": sets, **changes}
    asked = ProbeSpecification("attention.patterns", loaded.digest, seed=3, parameters=parameters)
    session = ModelSession(loaded={loaded.digest: loaded})
    return measure_all(AttentionPatterns(), asked, session).measurements
