"""Whether a change to a requirement may be called editorial: a slip of the pen mended, and nothing else said.

The machine refuses what it can tell: another number, modal, negation, bound or condition, another order of words,
another criterion, risk tier or layer. In doubt it is substantive. What is left, a reworded noun, a second person
confirms or does not, with the word diff before them. Pure; English and Chinese, whose words are read in either text.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from evidence.worded import Coded, Worded, worded
from requirements.drafts import RequirementDraft
from requirements.fingerprints import normalise_blanks

COVERED: Final = frozenset({"en", "zh"})  # primary subtags of BCP 47 languages

_NUMBER_WORDS: Final = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million "
    "billion dozen half third quarter once twice double triple first second last single pair percent percentage "
    "ms millisecond milliseconds seconds minute minutes hour hours day days week weeks month months quarters year "
    "years annual annually daily weekly monthly hourly yearly times eur usd gbp cny rmb euro euros dollar dollars "
    "pound pounds yuan"
)
_MODALS: Final = (
    "must shall should may might can could will would ought need needs needed require requires required mandatory "
    "optional optionally recommended allow allows allowed permit permits permitted forbid forbids forbidden "
    "prohibit prohibits prohibited encouraged obliged obligatory have_to has_to had_to is_to are_to"
)
_NEGATIONS: Final = (
    "no not never none nor neither nothing nobody nowhere without cannot except excepting unless exclude excludes "
    "excluding excluded only non lack lacks fail fails avoid avoids refuse refuses refused reject rejects "
    "rejected deny denies denied prevent prevents instead rather hardly rarely seldom otherwise but"
)
_BOUNDS: Final = (
    "all each every any some most many few several both either at_least at_most more less fewer greater lower "
    "higher larger smaller above below over under up_to within before after until since during when while if "
    "whenever wherever where or and always sometimes usually often minimum maximum min max exceed exceeds "
    "exceeding between per than equal equals least immediately include includes including increase increases "
    "decrease decreases enable enables disable disables accept accepts accepted approve approves approved true "
    "false same other another"
)
_ZH_UNITS: Final = (
    "毫秒|秒|分钟|分鐘|小时|小時|工作日|个月|個月|季度|天|日|周|週|月|年|"
    "元|美元|欧元|次|倍|成|人|条|條|项|項|个|個|位"
)
_ZH_MODALS: Final = (
    "必须|必須|必需|应当|應當|应该|應該|需要|务必|務必|可以|能够|能夠|允许|允許|建议|建議|推荐|推薦|强制|強制|"
    "应|應|须|須|需|宜|可|能|会|會|将|將|要"
)
_ZH_NEGATIONS: Final = (
    "不得|不准|不可|不应|不應|不能|禁止|严禁|嚴禁|拒绝|拒絕|避免|防止|而非|除非|除了|"
    "不|无|無|没|沒|未|非|勿|毋|莫|别|別|否|免|除|仅|僅|只|唯|禁"
)
_ZH_BOUNDS: Final = (
    "不少于|不少於|不多于|不多於|不超过|不超過|不低于|不低於|不高于|不高於|全部|所有|任何|任一|部分|某些|一些|多数|多數|至少|至多|最多|最少|"
    "超过|超過|大于|大於|小于|小於|高于|高於|低于|低於|等于|等於|以上|以下|以内|以內|之内|之內|以前|之前|以后|以後|之后|之後|直到|期间|期間|"
    "如果|并且|並且|以及|或者|总是|總是|始终|始終|有时|有時|通常|最大|最小|最高|最低|之间|之間|上限|下限|立即|包括|包含|除外|"
    "增加|减少|減少|提高|降低|启用|啟用|停用|接受|批准|每|各|均|都|当|當|若|且|并|並|和|与|與|及|或"
)
# Words in which one of those signs means nothing of its own.
_ZH_PLAIN: Final = (
    "应用|應用|响应|響應|供应|供應|适应|適應|反应|反應|对应|對應|相应|相應|效应|效應|适当|適當|"
    "会计|會計|会话|會話|社会|社會|主要|重要|摘要|概要|要素|要点|要點|性能|功能|智能|职能|職能|类别|類別|级别|級別|识别|識別|个别|個別"
)


def _english(words: str) -> str:
    longest_first = sorted(words.split(), key=len, reverse=True)
    phrases = "|".join(longest_first).replace("_", r"\s+")
    return rf"\b(?:{phrases})\b"


_NUMERALS: Final = "零〇一二两兩三四五六七八九十百千万萬亿億半双雙"
# A number with what it counts: "24 hours" and "24 days" are two numbers.
_NUMBER: Final = (
    r"-?\d+(?:[.,:/]\d+)*\s*(?:[%‰°]|[a-z]+|[\u3400-\u9fff]{1,4})?"
    rf"|[{_NUMERALS}]+(?:{_ZH_UNITS})*(?:[以之]?[内內后後前])?|{_english(_NUMBER_WORDS)}|[%‰$€£¥]"
)
_TOKEN: Final = re.compile(
    "|".join(
        (
            f"(?P<numbers>{_NUMBER})",
            f"(?P<plain_zh>{_ZH_PLAIN})",
            f"(?P<bounds_zh>{_ZH_BOUNDS})",
            rf"(?P<negations>{_ZH_NEGATIONS}|\w+n['’]t\b|{_english(_NEGATIONS)})",
            f"(?P<modals>{_ZH_MODALS}|{_english(_MODALS)})",
            f"(?P<bounds>{_english(_BOUNDS)}|[<>=≤≥≠±+*/^|&~×÷−])",
            r"(?P<word>[^\W\d_\u3400-\u9fff]+|[\u3400-\u9fff])",
        )
    )
)
_CLASSES: Final = {"bounds_zh": "bounds", "plain_zh": "word"}
_LITTLE: Final = frozenset(
    [
        "a",
        "an",
        "the",
        "that",
        "which",
        "this",
        "these",
        "of",
        "to",
        "in",
        "on",
        "by",
        "its",
        "it",
        "is",
        "are",
        *"的了地得之其是在",
    ]
)
_NEGATING: Final = (
    "un",
    "in",
    "im",
    "il",
    "ir",
    "non",
    "dis",
    "de",
    "mis",
    "anti",
    "counter",
    "over",
    "under",
)

_NAMES: Final = {
    "numbers": worded("numbers or units"),
    "modals": worded("modals"),
    "negations": worded("negations"),
    "bounds": worded("bounds or conditions"),
}


@dataclass(frozen=True, slots=True)
class Changed:
    """Something that makes a change substantive."""

    where: str  # "statement.en", "criteria.c", "risk_tier"
    code: str  # stable, e.g. "numbers_changed"
    message: Worded


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str  # a class of `_NAMES`, or "word"
    text: str


def find_substantive(before: RequirementDraft, after: RequirementDraft) -> tuple[Changed, ...]:
    """Return what between two contents is no editorial change; nothing where a second person may confirm it as one."""
    return (*_of_attributes(before, after), *_of_criteria(before, after), *_of_statements(before, after))


def _of_attributes(before: RequirementDraft, after: RequirementDraft) -> Iterator[Changed]:
    for name in ("risk_tier", "layer"):
        was, now = getattr(before, name), getattr(after, name)
        if was != now:
            told = worded(
                "%(name)s changed from %(was)s to %(now)s",
                name=Coded(name), was=_coded(was), now=_coded(now),
            )  # fmt: skip
            yield Changed(name, f"{name}_changed", told)


def _coded(value: str | None) -> str:
    return worded("None") if value is None else Coded(value)


def _of_criteria(before: RequirementDraft, after: RequirementDraft) -> Iterator[Changed]:
    was, now = ({each.key: each.digest for each in draft.criteria} for draft in (before, after))
    for key in sorted(was.keys() | now.keys()):
        if was.get(key) != now.get(key):
            told = worded("criterion %(key)s changed", key=key)
            if key not in was:
                told = worded("criterion %(key)s was added", key=key)
            elif key not in now:
                told = worded("criterion %(key)s was taken out", key=key)
            yield Changed(f"criteria.{key}", "criteria_changed", told)


def _of_statements(before: RequirementDraft, after: RequirementDraft) -> Iterator[Changed]:
    for language in dict.fromkeys([*before.statement, *after.statement]):
        where = f"statement.{language}"
        if language not in before.statement or language not in after.statement:
            told = (
                worded("the statement in %(language)s was added", language=language)
                if language not in before.statement
                else worded("the statement in %(language)s was taken out", language=language)
            )
            yield Changed(where, "language_changed", told)
            continue
        was, now = (normalise_blanks(draft.statement[language]) for draft in (before, after))
        if was == now:
            continue
        if language.partition("-")[0] not in COVERED:
            told = worded(
                "the statement in %(language)s changed, and only English and Chinese are read by these rules",
                language=language,
            )
            yield Changed(where, "language_not_covered", told)
            continue
        yield from _of_texts(where, was, now)


def _of_texts(where: str, was: str, now: str) -> Iterator[Changed]:
    """Yield what differs in meaning between two texts, most telling first."""
    old, new = _tokens(was), _tokens(now)
    found = list(_of_classes(where, old, new))
    if not found and _told_apart(old, new):
        found.append(
            Changed(
                where,
                "words_moved",
                worded("words stand in another order, or past another modal or negation"),
            )
        )
    gone, come = _words_gone(old, new), _words_gone(new, old)
    opposites = [(one, other) for one in gone for other in come if _are_opposite(one, other)]
    for one, other in opposites:
        found.append(
            Changed(
                where,
                "negations_changed",
                worded("%(one)s became %(other)s", one=repr(one), other=repr(other)),
            )
        )
    yield from found


def _of_classes(where: str, old: list[_Token], new: list[_Token]) -> Iterator[Changed]:
    for kind, name in _NAMES.items():
        was, now = ([token.text for token in tokens if token.kind == kind] for tokens in (old, new))
        if was != now:
            told = worded(
                "%(name)s changed from %(was)s to %(now)s",
                name=name,
                was=_quoted(was),
                now=_quoted(now),
            )
            yield Changed(where, f"{kind}_changed", told)


def _quoted(texts: list[str]) -> str:
    return ", ".join(f"“{text}”" for text in texts) or worded("none")


def _told_apart(old: list[_Token], new: list[_Token]) -> bool:
    """Whether what both texts say stands in another order in one than in the other."""
    counts = [Counter(token.text for token in tokens) for tokens in (old, new)]
    kept = [
        [
            token.text
            for token in tokens
            if token.kind != "word"
            or (token.text not in _LITTLE and counts[0][token.text] == counts[1][token.text])
        ]
        for tokens in (old, new)
    ]
    return kept[0] != kept[1]


def _words_gone(old: Iterable[_Token], new: Iterable[_Token]) -> list[str]:
    """Return the words that the one has more often than the other."""
    counts = [Counter(token.text for token in tokens if token.kind == "word") for tokens in (old, new)]
    return sorted(counts[0] - counts[1])


def _are_opposite(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    stem = long.removesuffix("less")
    return any(long == prefix + short for prefix in _NEGATING) or (
        stem != long and short in (stem, f"{stem}ful")
    )


def _tokens(text: str) -> list[_Token]:
    """Return words, numbers and signs in their order; marks and blanks say nothing here."""
    found = []
    for match in _TOKEN.finditer(unicodedata.normalize("NFKC", text).casefold()):
        group = match.lastgroup or "word"
        kind = _CLASSES.get(group, group)
        found.append(_Token(kind, _spelling(kind, match.group())))
    return found


def _spelling(kind: str, text: str) -> str:
    """Return a token as it is compared: "24 hours" is "24hours", "5,000" is "5000"."""
    if kind != "numbers":
        return normalise_blanks(text)
    return re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", "".join(text.split()))
