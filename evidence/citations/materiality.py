"""Is a sentence material: does it state what a customer, a reviewer or a regulator would hold the bank to?

Whatever states something that a source could confirm or refute is: a rule, a figure, a duty, what happened in a
case, how a thing works. `KINDS` names those that patterns find; the rest are `statement`s. What is not: questions,
courtesies, offers, what the assistant is or could not find, phrases without content (`evidence.citations.idle`), and
headings and lines that lead into a list, which state an amount or a rate or nothing.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import Final

from evidence.citations.common_words import names_something
from evidence.citations.idle import asks_or_offers, find_proper, states_nothing
from evidence.citations.layout import Line, Role
from evidence.citations.opinion import may_be_overruled, seems_idle
from evidence.citations.words import words_of

_I: Final = re.IGNORECASE
_WORD_NUMBER: Final = (
    r"(?:\d+|one|two|three|four|five|six|seven|eight|nine|ten|twelve|fourteen|fifteen|twenty|thirty|sixty"
    r"|ninety)"
)
_HAN_NUMBER: Final = r"[\d零〇一二两三四五六七八九十百千万亿]+"

_HAN_FIGURE: Final = r"[零〇一二两三四五六七八九十百千万亿]{2,}(?=分|元|岁|次|名|人|笔|天|日|年|月|周)"

KINDS: Final[dict[str, re.Pattern[str]]] = {
    "amount": re.compile(
        r"[$€£¥￥]\s?\d|\b(?:no|any) (?:fee|charge|cost|penalty)|\b(?:fee|charge|cost|payment)s?\b.{0,30}"
        r"\b(?:waived|free|appl(?:y|ies))\b|\bfree of\b"
        rf"|{_HAN_NUMBER}(?:\.\d+)?\s?(?:元|美元|欧元|英镑|港元|港币)|人民币\s?{_HAN_NUMBER}"
        r"|免收|免除|免费|不收费|收取|手续费为|不收取",
        _I,
    ),
    "rate": re.compile(
        r"\d\s?[%‰％]|\d\s?per\s?cent\b|\b(?:basis points|bps)\b|\bpercent\b|百分之|千分之|基点"
        r"|\bone (?:half|third|quarter|fifth|tenth)\b|[一二三四五六七八九十]分之[一二三四五六七八九十]",
        _I,
    ),
    "date": re.compile(
        rf"\b(?:{_WORD_NUMBER}|an?|each|every|half|per)[- ](?:(?:working|business|calendar)[- ])?"
        r"(?:hour|day|night|week|month|quarter|year)s?\b"
        r"|\b(?:January|February|March|April|May|June|July|August|September|October|November|December)"
        r" \d{1,4}\b"
        r"|\bwithin\b|\bat any time\b|\bimmediately\b|\bdeadline\b"
        r"|\b(?:on|by) (?:Mon|Tues|Wednes|Thurs|Fri)day\b"
        rf"|{_HAN_NUMBER}\s?个?(?:工作日|小时|日|天|周|月|年|周岁)|[一二三四五六七八九十〇零\d]+年"
        r"|每[日天晚周月季年]|次[日月年]|随时|立即|马上|期限|以内|月末|年末",
        _I,
    ),
    "figure": re.compile(rf"\d|{_HAN_FIGURE}"),
    "obligation": re.compile(
        r"\b(?:must|shall|should|required?|requires|prohibited|forbidden|obliged|obligation|mandatory|never)\b"
        r"|\bneeds? (?:an? (?!hand\b)|to)\b|\b(?:have|has) to\b|\bmay (?:not|only)\b"
        r"|\bonly (?:after|if|when)\b"
        r"|\b(?:is|are) not (?:allowed|permitted|covered)\b|\bwe (?:cannot|do not) (?:lend|offer|accept)"
        r"|\b(?:escalate|report(?:ed)?|submit|notify|file)\b.{0,30}\b(?:to|with)\b"
        r"|必须|不得|须|禁止|严禁|不可|不允许|应当|应该|应付|方可|才能|不会|都要|上报|报送"
        r"|需要?(?=[^要求]{0,12}(?:审批|提供|提交|批准|办理|确认|签字))"
        r"|(?<![反相适响供对效])应(?![对用该聘付急收答])",
        _I,
    ),
    "eligibility": re.compile(
        r"\b(?:eligib\w+|ineligib\w+|qualif(?:y|ies|ied)|entitled|approved|declined|rejected|refused"
        r"|disqualif\w+|(?:un)?authori[sz]ed|rating|sanctions?|watch ?list|liable|guarantor)\b"
        r"|\byou (?:can|may)\b|\b(?:may|can) be\b"
        r"|符合.{0,8}条件|不符合|资格|可申请|可以申请|有权|无权|批准|获批|拒绝|被拒|驳回|等级|制裁|名单|不受保护|担保人",
        _I,
    ),
    "party": re.compile(
        r"\b(?:Mr|Mrs|Ms|Dr)\.? [A-Z][a-z]+"
        r"|\b(?:[A-Z][\w&-]{1,30} ){1,5}(?:Ltd|Limited|Inc|LLC|PLC|plc|GmbH|AG|SA|FZE|Corp|Co)\b"
        r"|\b(?:[A-Z][\w&-]{1,30} ){0,5}[A-Z][\w&-]{1,30}"
        r" (?:Bank|Authority|Service|Commission|Trust|Holdings|Group|Ombudsman|Unit)\b"
        r"|[\u4e00-\u9fff]{2,20}(?:有限公司|股份公司|集团|银行|监管局|总局|委员会|法院|情报中心)"
    ),
}

# What each kind cannot do without in a text of ASCII: one of these words, or one of these signs anywhere in it. To look
# for them costs a fortieth of what the patterns do, and most sentences have none.
_WORDS: Final = {
    "amount": frozenset({"no", "any", "waived", "free", "apply", "applies"}),
    "rate": frozenset({"basis", "bps", "one"}),
    "date": frozenset({
        "hour", "hours", "day", "days", "night", "nights", "week", "weeks", "month", "months", "quarter", "quarters",
        "year", "years", "january", "february", "march", "april", "may", "june", "july", "august", "september",
        "october", "november", "december", "within", "time", "immediately", "deadline", "monday", "tuesday",
        "wednesday", "thursday", "friday",
    }),
    "figure": frozenset[str](),
    "obligation": frozenset({
        "must", "shall", "should", "require", "required", "requires", "prohibited", "forbidden", "obliged",
        "obligation", "mandatory", "never", "need", "needs", "have", "has", "may", "only", "allowed", "permitted",
        "covered", "we", "escalate", "report", "reported", "submit", "notify", "file",
    }),
    "eligibility": frozenset({
        "entitled", "approved", "declined", "rejected", "refused", "authorised", "authorized", "unauthorised",
        "unauthorized", "rating", "sanction", "sanctions", "watch", "watchlist", "liable", "guarantor", "may",
        "can",
    }),
    "party": frozenset({
        "mr", "mrs", "ms", "dr", "ltd", "limited", "inc", "llc", "plc", "gmbh", "ag", "sa", "fze", "corp", "co",
        "bank", "authority", "service", "commission", "trust", "holdings", "group", "ombudsman", "unit",
    }),
}  # fmt: skip
_SIGNS: Final = {
    "amount": ("$",), "rate": ("%", "cent"), "figure": tuple("0123456789"), "eligibility": ("eligib", "qualif"),
}  # fmt: skip
_ANY_WORD: Final = frozenset[str]().union(*_WORDS.values())

_READ_LENGTH: Final = 2_000  # characters of a sentence that are looked at: what is longer is no sentence
_QUESTION: Final = re.compile(r"[?？][\"'”’)）*_]*$")
_HARD_KINDS: Final = frozenset({"amount", "rate"})
_LEADS_IN: Final = re.compile(r"[:：][\s*_]*$")  # the last sentence of its line
_STATED_BY_PLACE: Final = frozenset({Role.ROW, Role.LED_ITEM})
_WORD: Final = re.compile(r"[^\W\u3400-\u9fff]+(?:['’-][^\W\u3400-\u9fff]+)*")
_HAN: Final = re.compile(r"[\u3400-\u9fff]")
_ENDS: Final = re.compile(r"[.;。；][\"'”’」』)）*_]*$")
_VERB: Final = re.compile(
    r"\b(?:is|are|was|were|be|been|has|have|had|does|do|did|can|could|may|might|will|would|cannot"
    r"|[a-z]{2,}(?:n't|ed))\b"
)
_EXCLAIMS: Final = re.compile(r"[!！~～]\W*$")
_ENTRY: Final = re.compile(r"[*_]*[^:：.。,，]{1,30}[:：][*_]*\s*(?=\S)")
_DUTY: Final = re.compile(
    r"\b(?:must|shall|prohibited|forbidden)\b|必须|不得|禁止|严禁|[^无必]须", re.IGNORECASE
)
_DUTY_WORDS: Final = frozenset({"must", "shall", "prohibited", "forbidden"})
_HAN_A_WORD: Final = 1.6  # Chinese characters that count as one word
_SHORTEST_ENDED: Final = 2.5  # words of a sentence with its full stop: `Noted.` is none
_SHORTEST_EXCLAIMED: Final = 5.0  # `No rush!` is none
_SHORTEST_OPEN: Final = 5.0  # of one without: what is shorter is a label, unless it has a verb
_SHORTEST_ITEM: Final = 3.0  # of an item of a list: what is shorter is a label
_MOST_COUNTED: Final = 8  # words or Chinese characters: as many make each of these lengths


def find_kinds(sentence: str, line: Line | None = None, *, weighed: bool = True) -> tuple[str, ...]:
    """Return the kinds of material statement in a sentence without its citation marks, in the order of `KINDS`.

    A statement of none of them is a `statement`. A question never counts; a heading, a line that leads into others
    and a sentence without content count only where they state an amount or a rate.

    Args:
        sentence: without its citation marks.
        line: of the answer that it stands on; None for a sentence by itself.
        weighed: whether a sentence that no rule calls idle may still be overruled (`evidence.citations.opinion`).
    """
    text = sentence.strip()[:_READ_LENGTH]
    role = line.role if line else Role.PROSE
    if is_question(text) or (line and role is Role.LED_ITEM and asks_or_offers(line.lead_in)):
        return ()
    kinds = patterns = find_patterns(text)
    shortest = _SHORTEST_ITEM if role is Role.ITEM else _SHORTEST_OPEN
    if role in _STATED_BY_PLACE:
        return kinds or ("statement",)
    leads = role is Role.HEADING or (role is Role.LEAD_IN and _LEADS_IN.search(text) is not None)
    if leads or states_nothing(text):
        return tuple(kind for kind in kinds if kind in _HARD_KINDS)
    kinds = kinds or (("statement",) if is_sentence(text, shortest=shortest) else ())
    return () if weighed and kinds and _is_overruled(text, patterns) else kinds


def _is_overruled(text: str, patterns: tuple[str, ...]) -> bool:
    """Return whether a sentence that no rule calls idle reads like those that are.

    An entry, a deed and a duty, which is an obligation, never do.
    """
    if not may_be_overruled(patterns) or ("obligation" in patterns and _is_duty(text)):
        return False
    proper = find_proper(text)
    return proper is not None and not _ENTRY.match(proper) and seems_idle(proper, patterns)


def _is_duty(text: str) -> bool:
    if text.isascii() and _DUTY_WORDS.isdisjoint(words_of(text.lower())):
        return False
    return _DUTY.search(text) is not None


def find_patterns(text: str) -> tuple[str, ...]:
    """Return the kinds whose pattern stands in a text, in the order of `KINDS`: tried where a word it needs stands."""
    return tuple(kind for kind in _possible_kinds(text) if KINDS[kind].search(text))


def _possible_kinds(text: str) -> list[str]:
    """Return the kinds whose pattern may stand in a text; of one with more than ASCII, all of them."""
    if not text.isascii():
        return list(KINDS)
    lower = text.lower()
    words = _ANY_WORD.intersection(words_of(lower))
    return [
        kind
        for kind in KINDS
        if not words.isdisjoint(_WORDS[kind]) or any(sign in lower for sign in _SIGNS.get(kind, ()))
    ]


def is_question(text: str) -> bool:
    """Return whether a sentence without its citation marks asks, be it in quotation marks or bold."""
    return ("?" in text or "？" in text) and _QUESTION.search(text) is not None


def is_sentence(text: str, *, shortest: float = _SHORTEST_OPEN) -> bool:
    """Return whether words are a statement rather than a label, a name or an exclamation.

    Args:
        text: without citation marks.
        shortest: how many words make a statement of one that neither ends like one nor has a verb.
    """
    if not names_something(text):
        return False
    words, han = _count(_WORD, text), 0 if text.isascii() else _count(_HAN, text)
    length = words + han / _HAN_A_WORD
    if _EXCLAIMS.search(text):
        return length >= _SHORTEST_EXCLAIMED
    if _ENDS.search(text):
        return length >= _SHORTEST_ENDED
    return length >= shortest or (words > 1 and _VERB.search(text) is not None) or _is_entry(text)


def _count(pattern: re.Pattern[str], text: str) -> int:
    """Return how often a pattern stands in a text, up to the most that makes a difference."""
    return len(list(islice(pattern.finditer(text), _MOST_COUNTED)))


def _is_entry(text: str) -> bool:
    """Return whether words are a name and what it has: `Decision: refer to the underwriter`."""
    entry = _ENTRY.match(text)
    return entry is not None and not states_nothing(text) and not states_nothing(text[entry.end() :])


def is_material(sentence: str) -> bool:
    """Return whether a sentence is of at least one material kind."""
    return bool(find_kinds(sentence))
