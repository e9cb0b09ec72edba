"""Is a sentence material: does it state what a customer, a reviewer or a regulator would hold the bank to?

Six kinds, found by patterns: amounts, rates, dates and periods, obligations, eligibility and decisions, named
parties. Courtesies, questions and statements about the assistant itself are never material on words alone.
"""

from __future__ import annotations

import re
from typing import Final

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
_WORD: Final = re.compile(r"\w+")

_COURTESY: Final = re.compile(
    r"^(?:thank|thanks|hello|hi\b|dear|sorry|please (?:note that i|let me|contact|feel)|let me|i hope|i am"
    r"|i'm|i can|i will"
    r"|would you|do you|can i|is there|how can|if you (?:have|need)|feel free|welcome|in summary\b)"
    r"|^(?:感谢|谢谢|您好|你好|请问|希望|我先|我来|我是|我只|抱歉|对不起|欢迎|如有|如果您还|祝)",
    _I,
)
_READ_LENGTH: Final = 2_000  # characters of a sentence that are looked at: what is longer is no sentence
_QUESTION: Final = re.compile(r"[?？][\"'”’)）]*$")
_HARD_KINDS: Final = frozenset({"amount", "rate"})


def find_kinds(sentence: str) -> tuple[str, ...]:
    """Return the kinds of material statement in a sentence without its citation marks, in the order of
    `KINDS`.

    A courtesy counts only where it states an amount or a rate; a question never counts.
    """
    text = sentence.strip()[:_READ_LENGTH]
    if _QUESTION.search(text):
        return ()
    kinds = tuple(kind for kind in _possible_kinds(text) if KINDS[kind].search(text))
    if _COURTESY.search(text):
        return tuple(kind for kind in kinds if kind in _HARD_KINDS)
    return kinds


def _possible_kinds(text: str) -> list[str]:
    """Return the kinds whose pattern may stand in a text, in the order of `KINDS`; of other than ASCII all of them."""
    if not text.isascii():
        return list(KINDS)
    lower = text.lower()
    words = _ANY_WORD.intersection(_WORD.findall(lower))
    return [
        kind
        for kind in KINDS
        if not words.isdisjoint(_WORDS[kind]) or any(sign in lower for sign in _SIGNS.get(kind, ()))
    ]


def is_material(sentence: str) -> bool:
    """Return whether a sentence is of at least one material kind."""
    return bool(find_kinds(sentence))
