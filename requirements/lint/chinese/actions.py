"""The actions that a Chinese sentence asks for: verbs that 并 and commas join under one modal, and further modals."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from requirements.lint.chinese.measures import measures_in
from requirements.lint.chinese.modals import Force, Modal
from requirements.lint.chinese.reading import Sentence, Table
from requirements.lint.chinese.words import NOT_AND, VERBS

_BINDING: Final = (Force.OBLIGATION, Force.PROHIBITION, Force.WISH)
_NOT_AND: Final = Table(NOT_AND)
_JOINS: Final = Table(
    [
        "并且",
        "并",
        "且",
        "，同时",
        "，然后",
        "，再",
        "，随后",
        "，接着",
        "，之后",
        "，而后",
        "，",
        ",",
        "以及",
        "，亦",
        "，也",
        "，还",
    ]
)
_STRONG: Final = frozenset({"并且", "并"})
_BOUND: Final = re.compile(r"(?:超过|低于|少于|大于|小于|高于|多于|长于|短于|早于|晚于|超出|不足|达到|在\d)")
_RANGE: Final = re.compile(r"(?:不(?:少|多|低|高|超|大|小|得|应)|至少|至多|最多|最少|为|无|是)")
_PURPOSE: Final = re.compile(
    r"以(?:便|保护|确保|保证|防|避免|满足|符合|降低|减少|提高|提升|支持|供|利|免|帮助|方便|达|实现|"
    r"维护|促进)|用于|用以|为了|从而|旨在"
)
_ASKING: Final = re.compile(r"(?:提示|要求|允许|请|让|使|引导|提醒|帮助|协助|督促)[^，。；]{2,}")
_OPEN: Final = re.compile(r"[在当如若待经][^，。；时后前中内上下]*$")
_CLOSING: Final = re.compile(r"[^，。；]{0,24}?(?:时|后|前)(?:，|[^，。；])")
_OF_A_NOUN: Final = re.compile(r"(?:已|经|未|被)[^，。；]{1,8}$")
_SKIP: Final = re.compile(
    r"\s*(?:在[^，。；]{1,14}?(?:后|内|前|时|中|上|下)|将|把|向|由|同时|自动|立即|及时|也|还|另|"
    r"于[^，。；]{1,12}?(?:后|内|前|时))?\s*"
)


def further_actions(sentence: Sentence, modals: Sequence[Modal]) -> list[tuple[int, int]]:
    """Return the places where a sentence asks for one thing more. Linear in its length."""
    binding = [modal for modal in modals if modal.main and modal.force in _BINDING]
    if not binding:
        return []
    found = [
        (modal.begin, modal.end)
        for earlier, modal in pairwise(binding)
        if _is_another_demand(sentence, earlier, modal)
    ]
    found.extend(_joined(sentence, binding[0].end))
    row = _verbs_in_a_row(sentence.text, binding[0].end, sentence.end)
    if row is not None:
        found.append(row)
    return sorted(set(found))


def _is_another_demand(sentence: Sentence, earlier: Modal, modal: Modal) -> bool:
    """Whether a further modal asks for more, and does not say the bound of what was asked for."""
    between = sentence.text[earlier.end : modal.begin]
    if "：" in between or ":" in between or not between:
        return False
    joined = any(mark in between for mark in "，,并且和及、同而但")
    clause = max(between.rfind("，"), between.rfind(","))
    if _BOUND.match(sentence.text, modal.end) and clause >= 0 and len(between) - clause <= 6:
        return measures_in(between[:clause]).any or any(mark in between[clause:] for mark in "且并")
    return joined


def _joined(sentence: Sentence, begin: int) -> Iterator[tuple[int, int]]:
    text, end = sentence.text, sentence.end
    place = begin
    last_mark = begin
    while place < end:
        skipped = _NOT_AND.at(text, place)
        if skipped and (
            skipped[0] != "并" or not _is_two_signs(VERBS.at(text, place + 1) if place + 1 < end else None)
        ):
            place += len(skipped)
            continue
        join = _JOINS.at(text, place)
        if join is None:
            if text[place] in "：:":
                return
            place += 1
            continue
        verb = place + len(join)
        if verb < end and _adds(text, begin, last_mark, place, verb, join):
            yield place, min(end, verb + 2)
        if join[0] in "，,":
            last_mark = verb
        place = verb


def _is_two_signs(verb: str | None) -> bool:
    """Whether a verb of two signs stands there: 并发送 is "and send", not "at the same time"."""
    return verb is not None and len(verb) > 1


def _verbs_in_a_row(text: str, begin: int, end: int) -> tuple[int, int] | None:
    """Return where verbs stand side by side under a modal: 应采集和存储日志, 应能新增、修改和删除备注."""
    place = begin
    while place < end and text[place] in "能够可以同时在":
        place += 1
    verbs = 0
    while place < end:
        verb = VERBS.at(text, place)
        if verb is None or len(verb) < 2:
            return None
        verbs += 1
        place += len(verb)
        if verbs > 1 and text[place : place + 1] not in ("、", "和", "与", "及", "以"):
            has_object = place < end and text[place] not in "，的、"
            return (begin, place) if has_object else None
        joined = next(
            (join for join in ("以及", "、", "和", "与", "及") if text.startswith(join, place)), None
        )
        if joined is None:
            return None
        place += len(joined)
    return None


def _adds(text: str, begin: int, last_mark: int, place: int, verb: int, join: str) -> bool:
    """Whether what follows a conjunction is one thing more to do."""
    window = text[max(last_mark, place - 60) : place]
    if join in ("且", "以及", "并且", "并") and _RANGE.match(text, verb):
        return False
    skipped = _SKIP.match(text, verb)
    after = skipped.end() if skipped else verb
    is_verb = after < len(text) and VERBS.at(text, after) is not None
    if join not in _STRONG and not is_verb:
        return False
    asked = _ASKING.search(window) and join in _STRONG
    in_condition = _OPEN.search(window) and _CLOSING.match(text, verb)
    of_a_noun = join in _STRONG and _OF_A_NOUN.search(window) and "的" in text[verb : verb + 12]
    if _PURPOSE.search(window) or asked or in_condition or of_a_noun:
        return False
    if join in ("，", ","):
        return place > begin + 1 and not _is_noun_phrase(text, after)
    return True


def _is_noun_phrase(text: str, place: int) -> bool:
    """Whether what looks like a verb begins a clause of its own: 记录应…, 显示内容为…"""
    clause = re.compile(r"[^，。；,;]{0,16}").match(text, place)
    told = clause[0] if clause else ""
    return any(
        mark in told for mark in ("应", "须", "不得", "必须", "时", "为", "不超过", "不低于", "的除外")
    )
