"""The second opinion on a sentence: what it may overrule, and that it was not learnt from what it is measured on."""

from __future__ import annotations

import pytest

from bench.labelled_answers import SETS, TRAINING
from bench.train_opinion import KEPT_BACK, TRAINED_ON, measure_across, read_examples
from evidence.citations.materiality import find_kinds
from evidence.citations.opinion import OVERRULES, features, may_be_overruled, seems_idle, weigh
from evidence.citations.words import read_weights

_IDLE = "It all comes down to how you feel about it."


def test_no_opinion_is_learnt_from_the_rounds_kept_back() -> None:
    assert set(KEPT_BACK) <= set(SETS)
    assert not set(KEPT_BACK) & set(TRAINED_ON)


@pytest.mark.parametrize("kind", ["amount", "rate", "date", "figure", "party"])
def test_what_holds_a_figure_a_date_or_a_name_is_never_overruled(kind: str) -> None:
    assert may_be_overruled(("obligation",))
    assert not may_be_overruled(("obligation", kind))


def test_a_duty_a_deed_and_an_entry_are_never_overruled() -> None:
    assert seems_idle(_IDLE)
    for stated in ("You must be happy.", "I have closed it all.", "Mood: happy and well about it"):
        assert find_kinds(stated) != ()


def test_words_that_nobody_knows_speak_for_a_statement() -> None:
    assert weigh("Zorblax fribbles the quont under blenk vessels.") > weigh(_IDLE)


def test_a_sentence_weighs_as_much_as_all_that_it_shows() -> None:
    """Pairs of words are looked up without a text made of each."""
    weights = read_weights("opinion")
    examples = read_examples("round_6")
    assert len(examples) > 50
    for one in examples:
        shown = sum(weights.get(name, 0) for name in features(one.text, one.kinds))
        assert weigh(one.text, one.kinds) == shown, one.text


def test_what_is_learnt_from_other_rounds_mends_a_round_it_has_not_seen() -> None:
    alone, both = measure_across("round_6", OVERRULES)
    assert both.false_positives <= alone.false_positives * 0.6
    assert both.false_negatives - alone.false_negatives <= 3


def test_the_training_sentences_hold_both_languages_and_both_labels() -> None:
    labels = [(one.text.isascii(), one.material) for one in read_examples(TRAINING)]
    assert min(labels.count((ascii_, label)) for ascii_ in (True, False) for label in (True, False)) >= 80
