"""The Chinese pack: simplified and traditional."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Final

from requirements.lint.chinese.actions import further_actions
from requirements.lint.chinese.measures import measures_in
from requirements.lint.chinese.modals import Force, Modal, is_story, modals_of, way_out_of
from requirements.lint.chinese.quality import unnumbered, vague_words
from requirements.lint.chinese.reading import Sentence, sentences_of, simplify
from requirements.lint.chinese.traditional import to_traditional
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
from requirements.lint.families import FAMILIES, family_of
from requirements.lint.placeholders import placeholders_in

_TOLD: Final[Mapping[str, tuple[str, str]]] = {
    VAGUE: (
        "{words}：不同的人会有不同的理解，也没有什么能表明它未被满足",
        "请写明如何衡量：多少个中有多少个、不低于或不高于多少，或者依据哪些有编号的规则或清单",
    ),
    NO_NUMBER: ("{words}处需要一个数字", "请写出数字和单位，例如“2秒内”“500个提问中不低于95%”“每30天”"),
    WEAK_MODAL: ("{words}只是愿望，没有什么会使它不成立", "请写明谁或什么“必须”做什么"),
    NO_OBLIGATION: ("没有说明什么必须成立", "请写明谁或什么“必须”做什么，或“不得”做什么"),
    SEVERAL: ("同时提出了{count}项要求，结论无法说明是哪一项未满足", "请分别写成一条要求，再相互关联"),
    PLACEHOLDER: ("{words}：仍有内容待填写", "请作出决定；在此之前让该要求保持草稿状态"),
}


class ChinesePack:
    """Chinese, in either script: what is found is the same, and it is told in the script of the statement."""

    def __init__(self, *, traditional: bool = False) -> None:
        self._traditional = traditional

    def find(self, text: str) -> Findings:
        """Return what is doubtful about the words of a text. Linear in its length."""
        found = Findings()
        told = simplify(text)
        sentences = sentences_of(told)
        modals = [modals_of(sentence) for sentence in sentences]
        if is_story(told):
            modals = [[] for _ in sentences]
        else:
            _find_force(text, modals, found)
        asked = 0
        for sentence, of_sentence in zip(sentences, modals, strict=True):
            further = further_actions(sentence, of_sentence)
            binds = any(modal.main and modal.force is not Force.PERMISSION for modal in of_sentence)
            asked += binds
            for begin, end in further:
                found.add(SEVERAL, begin, end)
            if binds and asked > 1:
                found.add(SEVERAL, sentence.begin, sentence.end)
            _find_words(sentence, [begin for begin, _ in further], of_sentence, found)
        for marker in ("和/或", "及/或", "与/或"):
            place = told.find(marker)
            if place >= 0:
                found.add(SEVERAL, place, place + len(marker))
        for span, is_amount in placeholders_in(text):
            found.add(PLACEHOLDER, span.start, span.end)
            if is_amount:
                found.add(NO_NUMBER, span.start, span.end)
        return found

    def tell(self, rule: str, words: str, count: int) -> tuple[str, str]:
        """Return why a rule was raised, and a rewrite, in the script of the pack."""
        why, rewrite = _TOLD[rule]
        return self._told(why).format(words=words, count=count), self._told(rewrite)

    def tell_families(self, families: Mapping[str, str]) -> tuple[str, str]:
        """Return why qualities cannot be tested, and the split of each family; `families` gives the words used."""
        listed = [part.zh for name in families for part in FAMILIES[name].parts]
        parts = self._told("；".join(f"（{number}）{part}" for number, part in enumerate(listed, 1)))
        words = "、".join(f"“{word}”" for word in families.values())
        return (
            words + self._told("无法检验：没有机器或人员能据此判定是否满足"),
            self._told("请拆分为可检验的要求：") + parts,
        )

    def _told(self, sentence: str) -> str:
        return to_traditional(sentence) if self._traditional else sentence


def _find_words(sentence: Sentence, cuts: list[int], modals: list[Modal], found: Findings) -> None:
    """Look for qualities and amounts in each action by itself: what measures one measures no other."""
    edges = [sentence.begin, *cuts, sentence.end]
    wishes = {
        place for modal in modals if modal.force is Force.WISH for place in range(modal.begin, modal.end)
    }
    for begin, end in pairwise(edges):
        measures = measures_in(sentence.text[begin:end])
        for first, last in vague_words(sentence.text, begin, end, measures):
            if wishes and (first < way_out_of(sentence) or first in wishes):
                continue
            family = family_of(sentence.text[first:last])
            if family is None:
                found.add(VAGUE, first, last)
            else:
                found.families.setdefault(family, Span(first, last))
                found.add(NOT_TESTABLE, first, last)
        for first, last in unnumbered(sentence.text, begin, end, measures):
            found.add(NO_NUMBER, first, last)


def _find_force(text: str, modals: list[list[Modal]], found: Findings) -> None:
    """Say where the text wishes instead of asking, or asks for nothing."""
    every = [modal for listed in modals for modal in listed]
    for modal in every:
        if modal.main and modal.force is Force.WISH:
            found.add(WEAK_MODAL, modal.begin, modal.end)
    stripped = text.strip()
    if not every and stripped:
        start = text.index(stripped[0])
        found.add(NO_OBLIGATION, start, start + len(stripped))
