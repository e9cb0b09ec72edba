"""The English pack."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from requirements.lint.contracts import (
    NO_NUMBER,
    NO_OBLIGATION,
    NOT_TESTABLE,
    PLACEHOLDER,
    SEVERAL,
    VAGUE,
    WEAK_MODAL,
    Findings,
    Span,
)
from requirements.lint.english.actions import actions_of
from requirements.lint.english.amounts import unnumbered
from requirements.lint.english.measures import measures_in
from requirements.lint.english.modals import Force, Modal, is_ban, is_story, modals_of
from requirements.lint.english.quality import vague_words
from requirements.lint.english.reading import Sentence, read_sentences
from requirements.lint.families import FAMILIES, family_of
from requirements.lint.placeholders import placeholders_in

_TOLD: Final[Mapping[str, tuple[str, str]]] = {
    VAGUE: (
        "{words}: two readers will not agree on what this asks, and nothing could show that it fails",
        (
            "say by what it is measured: how many of how many, at least or at most what, or by which numbered "
            "rules or list"
        ),
    ),
    NO_NUMBER: (
        "{words} stands where a number is needed",
        'write the number and its unit, e.g. "within 2 seconds", "at least 95 % of 500 questions"',
    ),
    WEAK_MODAL: ("{words} is a wish, so nothing could fail it", 'write who or what "must" do what'),
    NO_OBLIGATION: (
        "it does not say what must hold",
        'write who or what "must" do what, or what no one "may" do',
    ),
    SEVERAL: (
        "asks for {count} things at once, so a verdict could not say which of them failed",
        "write one requirement for each, and link them",
    ),
    PLACEHOLDER: (
        "{words}: something is still to be filled in",
        "decide it, or keep the requirement in draft until then",
    ),
}


class EnglishPack:
    """English: `statement.en`, `en-GB` and the like."""

    def find(self, text: str) -> Findings:
        """Return what is doubtful about the words of a text. Linear in its length."""
        found = Findings()
        sentences = read_sentences(text)
        modals = [modals_of(sentence) for sentence in sentences]
        if any(is_story(sentence) for sentence in sentences):
            modals = [[] for _ in sentences]  # what a person wants is told in their words
        else:
            _find_force(text, sentences, modals, found)
        asked = 0
        for sentence, of_sentence in zip(sentences, modals, strict=True):
            actions = actions_of(sentence, of_sentence)
            binds = any(modal.main and modal.force is not Force.PERMISSION for modal in of_sentence)
            asked += binds
            for begin, end in actions.further:
                found.add(SEVERAL, sentence.tokens[begin].start, sentence.tokens[end - 1].end)
            if binds and asked > 1:
                found.add(SEVERAL, *_stretch(sentence, 0, len(sentence)))
            _find_words(sentence, of_sentence, actions.stretches, found, text)
            for place in _and_or_in(sentence):
                found.add(SEVERAL, *_stretch(sentence, place, place + 3))
        for span, is_amount in placeholders_in(text):
            found.add(PLACEHOLDER, span.start, span.end)
            if is_amount:
                found.add(NO_NUMBER, span.start, span.end)
        return found

    def tell(self, rule: str, words: str, count: int) -> tuple[str, str]:
        """Return why a rule was raised, and a rewrite, in English."""
        why, rewrite = _TOLD[rule]
        return why.format(words=words, count=count), rewrite

    def tell_families(self, families: Mapping[str, str]) -> tuple[str, str]:
        """Return why qualities cannot be tested, and the split of each family; `families` gives the words used."""
        words = ", ".join(f'"{word}"' for word in families.values())
        listed = [part.en for name in families for part in FAMILIES[name].parts]
        parts = "; ".join(f"({number}) {part}" for number, part in enumerate(listed, 1))
        verb = "is" if len(families) == 1 else "are"
        return (
            f"{words} {verb} not testable: nobody could say that it is not met",
            f"split it into what can be checked: {parts}",
        )


def _stretch(sentence: Sentence, begin: int, end: int) -> tuple[int, int]:
    return sentence.tokens[begin].start, sentence.tokens[end - 1].end


def _add_quality(found: Findings, text: str, start: int, end: int) -> None:
    """File a quality under the family whose split is known, or as vague."""
    family = family_of(text[start:end])
    if family is None:
        found.add(VAGUE, start, end)
        return
    found.families.setdefault(family, Span(start, end))
    found.add(NOT_TESTABLE, start, end)


def _find_force(text: str, sentences: list[Sentence], modals: list[list[Modal]], found: Findings) -> None:
    """Say where the text wishes instead of asking, or asks for nothing."""
    main = [
        (sentence, modal)
        for sentence, listed in zip(sentences, modals, strict=True)
        for modal in listed
        if modal.main
    ]
    for sentence, modal in main:
        if modal.force is Force.WISH:
            found.add(WEAK_MODAL, *_stretch(sentence, modal.begin, modal.end))
    if main or any(is_ban(sentence) for sentence in sentences):
        return
    if any(_is_measured_state(sentence) for sentence in sentences):
        return
    if any(modal.force is not Force.WISH for listed in modals for modal in listed):
        return
    stripped = text.strip()
    if stripped:
        start = text.index(stripped[0])
        found.add(NO_OBLIGATION, start, start + len(stripped))


def _is_measured_state(sentence: Sentence) -> bool:
    """Whether the sentence says what counts: "The page is easy to use if 9 of 10 tellers end the task"."""
    lows = sentence.lows
    for index, low in enumerate(lows):
        if low in ("if", "when", "once") and index and ("is" in lows[:index] or "are" in lows[:index]):
            return measures_in(sentence, index, len(sentence)).any
    return False


def _find_words(
    sentence: Sentence,
    modals: list[Modal],
    stretches: Iterable[tuple[int, int]],
    found: Findings,
    text: str,
) -> None:
    """Look for qualities and amounts in each action by itself: what measures one measures no other."""
    in_modals = {place for modal in modals for place in range(modal.begin, modal.end)}
    for begin, limit in stretches:
        measures = measures_in(sentence, begin, limit)
        end = _before_purpose(sentence, begin, limit)  # what it is for is no demand
        for first, last in vague_words(sentence, begin, end, measures):
            if first not in in_modals and not _is_way_out(first, modals):
                _add_quality(found, text, *_stretch(sentence, first, last))
        for first, last in unnumbered(sentence, begin, end, measures):
            found.add(NO_NUMBER, *_stretch(sentence, first, last))


def _before_purpose(sentence: Sentence, begin: int, end: int) -> int:
    """Return where a stretch ends if what it is for is left out: "so that ...", "in order to ..."."""
    lows = sentence.lows
    if "so" not in lows and "order" not in lows:
        return end
    for index in range(begin + 1, end - 1):
        if lows[index] == "so" and lows[index + 1] in ("that", "as"):
            return index
        if lows[index] == "in" and lows[index + 1 : index + 3] == ("order", "to"):
            return index
    return end


def _is_way_out(place: int, modals: list[Modal]) -> bool:
    """Whether these words open the sentence with a way out, which `weak_modal` tells."""
    return place <= 1 and bool(modals) and modals[0].force is Force.WISH


def _and_or_in(sentence: Sentence) -> Iterator[int]:
    lows = sentence.lows
    for index in range(len(lows) - 2) if "/" in lows else ():
        if lows[index : index + 3] == ("and", "/", "or"):
            yield index
