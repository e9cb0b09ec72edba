"""Rules `vague` and `no_number` in Chinese."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from requirements.lint.chinese import words
from requirements.lint.chinese.measures import Measures
from requirements.lint.chinese.reading import CLAUSE_ENDS, Table

_QUALITY: Final = Table([*words.VAGUE, *words.PREDICATE, *words.TERMS])
_AMOUNT: Final = Table([*words.UNNUMBERED, *words.SINGLE, *words.AMOUNT_TERMS, *words.TERMS])
# A time measures these; nothing else does it for another quality.
_OF_SPEED: Final = frozenset({"高效", "流畅", "易用", "便捷", "容易", "易于", "顺畅"})
_SAID_TO_BE: Final = tuple(
    words.word_set(
        "应 须 要 应当 必须 保持 更 更加 足够 非常 十分 较 较为 很 确保 保证 具有 具备 做到 是 得到 尽可能 尽量 既 "
        "又 不够 充分 高度 始终 且 、 和 而 予以 最 不"
    )
)
_ENDS: Final = frozenset("、和且并与及又而") | CLAUSE_ENDS
# Before a verb these say how: 应准确识别. The others may say which: 应完整保留原文.
_HOW: Final = words.word_set(
    """
    安全 准确 正确 精确 稳定 有效 正常 专业 合规 合法 严格 严密 真实 诚实 贴切 敏捷 智能 周全 流利 平衡 均衡
    严肃 文明 人道 简单
    """
)
_WITH: Final = re.compile(r"(?:与|同|跟|和)[^，。；]{1,20}$")
_OPEN_LIST: Final = re.compile(r"、[^，。；、]{1,12}等(?![级待于同额候价值分距高效\d一二两三四五六七八九十])")
_NEAR: Final = 10  # characters from a change to what is changed


# An adverb before a verb says how: 从容地处理. What follows the sign in these is a place.
_ADVERB: Final = re.compile(
    r"[\u4e00-\u9fff]{2}地(?![址点区图方域理铁面震产位名段块税板形质标带]|$|[，。；、的])"
)
_PLACES: Final = tuple(
    words.word_set(
        "所在地 当地 本地 异地 各地 属地 产地 场地 土地 基地 外地 内地 实地 目的地 注册地 居住地 营业地 "
        "就地 落地 陆地 工地 营地"
    )
)
_FACTUAL_ADVERBS: Final = words.word_set(
    "自动地 单独地 逐条地 分别地 自行地 同时地 独立地 连续地 随机地 匿名地 显式地 手动地 有效地址"
)
_OF_AMOUNT: Final = frozenset(words.UNNUMBERED) | {"拖延", "延误", "迟延"}
_SOME: Final = re.compile(
    r"(?:一段|若干|适当的?|合理的?|足够的?|充足的?|充分的?)[^，。；\x00]{0,5}?"
    r"(?:时间|期限|时长|数量|次数|比例|空间|容量|天数|人数(?!据)|金额|数目|日期)"
)
_MOVES: Final = re.compile(
    r"(?:率|量|数|时间|次数|成本|投诉|比例|延迟|费用)(?:应|须|必须|应当|要|需)(?:有所|逐步|持续|逐年)?"
    r"(?:下降|降低|减少|上升|提高|提升|缩短|增加|增长|减小|改善)"
)
_SEEMING: Final = re.compile(r"(?:显得|看起来|看上去|听起来|感觉上|让人感到|使人感到|令人)[^，。；\x00]{1,8}")
# Enough of what is no time or amount, which `_SOME` and the words for amounts tell: 足够的上下文.
_ENOUGH: Final = re.compile(
    r"足够的(?![^，。；\x00]{0,5}?(?:时间|期限|时长|数量|次数|比例|空间|容量|天数|人数|金额|数目|日期|样本))"
)
_AT_ONCE: Final = re.compile(r"一[读看听学用][即就便][懂会明知]")  # 一看就懂
# To comply with what nobody names: 符合监管要求
_GENERIC: Final = re.compile(
    r"(?:符合|遵守|遵循|满足|达到|合乎|依照|按照)[^，。；\x00《A-Za-z\d]{0,10}?"
    r"(?:期望|预期|惯例|习惯|法律法规|相关法规|有关法规|适用法规|监管要求|监管规定|行业标准|"
    r"行业规范|业界标准|国家标准|国际标准|质量标准|安全标准|高标准|利益|实际情况|"
    r"实际需要|业务需要|业务需求|用户需求|客户需求)(?![A-Za-z\d《\x00])"
)

# Too much or very much of what has no measure: 过于敏感. Of what a number could tell, the words for amounts do.
_DEGREE: Final = re.compile(
    r"(?:(?<![通经超])过于|过分(?![析配割类组期支页行批散])|极其|极为|格外|颇为|颇具|(?<!并)非常(?![规态住驻务])|"
    r"(?<![\d一二两三四五六七八九十])十分(?![钟之位制])|相当(?!于))(?!频繁|[高低长短多少大小快慢久])(?=[\u4e00-\u9fff])"
)
# To have a good thing: 有温度, 富有人情味; or some of it: 具备一定的容错能力
_HAVING: Final = re.compile(
    r"(?:富有|富于|具有|具备|带有|留有|保有|给予|充满|饱含|不失|有|具)(?:一定的?(?!时间|期限|数量|比例|程度|量|金额|次数|年限)[\u4e00-\u9fff]|"
    r"温度|人情味|诚意|感染力|说服力|信服力|深度|广度|耐心|分寸|条理|层次感|章法|感情|亲切感|责任感|使命感|担当|活力|"
    r"创意|新意|品位|格调|水准|爱心|同情心|善意|启发性|建设性|专业度|人文关怀)"
)
# To be near to what nobody names: 贴近客户的实际需求, 兼顾各方利益
_NEAR_TO: Final = re.compile(
    r"(?:贴近|贴合|契合|切合|迎合|兼顾|照顾|顾及|顾全|体恤)[^，。；\x00《A-Za-z\d]{0,10}?"
    r"(?:需求|需要|实际|习惯|感受|处境|心理|情绪|利益|特点|偏好|语境|场景|生活|大局)"
)
# A way out: 在可行范围内, 必要的情形下
_WAY_OUT: Final = re.compile(
    r"(?:可行|合理|能力|力所能及|允许|可能|必要|适当|成本可控|可接受)"
    r"(?:(?:的|所及)(?:范围|限度|程度|前提|情况|条件|情形)|(?:范围|限度|程度|前提|情况|条件|情形)之?(?:内|下|以内))|许可的(?:情况|条件|情形)"
)
_ALL_ROUND: Final = re.compile(r"周全(?=$|[，。；、地])")
# What something said or shown has to be, in a word or two and no more: 道歉必须诚恳。 画像应立体、鲜活。
_ASKED: Final = re.compile(
    r"(?:应当|应该|必须|应|须)(?P<be>[\u4e00-\u9fff]{2,4}(?:、[\u4e00-\u9fff]{2,4})*|(?:经|禁|站|说|讲|耐)得[\u4e00-\u9fff]{2,4})"
    r"(?=$|[，。；])"
)
# What begins so goes on with something else than a quality: 须经审批, 应以书面, 三句以内
_NO_QUALITY: Final = re.compile(
    r"[经由以用按与和为是有在于自向对给含带附可能分随先每逐二两三五六七八九百千万]|一[名份个条次页句种]"
)
# Parts of words for acts, whatever word it is: 挂号寄出, 双人拆封
_OF_ACTS: Final = frozenset(
    "寄拆封置送交签存收发印写读译传录删改查核审批停关启退付拨挂粘附盖折叠锁取换移登填排抄"
)
_FORMS: Final = (
    _SEEMING, _GENERIC, _ENOUGH, _AT_ONCE, _DEGREE, _HAVING, _NEAR_TO, _WAY_OUT, _ALL_ROUND,
)  # fmt: skip


def vague_words(text: str, begin: int, end: int, measures: Measures) -> Iterator[tuple[int, int]]:
    """Yield the places of unmeasured qualities from `begin` to before `end` of a simplified text."""
    for match in _OPEN_LIST.finditer(text, begin, end):
        yield match.end() - 1, match.end()
    if measures.amount or measures.definition:
        return
    yield from _phrases(text, begin, end)
    for place, word in _QUALITY.all_in(text, begin, end):
        if word in words.TERMS or (measures.time and word in _OF_SPEED):
            continue
        if word == "尽可能" and _AMOUNT.at(text, place) in words.UNNUMBERED:
            continue  # 尽可能短 is an amount
        if word in words.VAGUE or _is_quality_here(text, place, word):
            yield place, place + len(word)


def _phrases(text: str, begin: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield qualities told by a form and not by a word: 从容地, 显得粗鲁, 符合监管要求."""
    for match in _ADVERB.finditer(text, begin, end):
        said = match[0]
        if not said.endswith(_PLACES) and said not in _FACTUAL_ADVERBS and said[:-1] not in _OF_AMOUNT:
            yield match.start(), match.end()
    for pattern in _FORMS:
        for match in pattern.finditer(text, begin, end):
            yield match.start(), match.end()
    for match in _ASKED.finditer(text, begin, end):
        if text[begin : match.start()].endswith(words.SAID) and _says_no_act(match["be"]):
            yield match.span("be")


def _says_no_act(said: str) -> bool:
    """Whether words in which something is asked for name neither an act nor what can be seen to be so."""
    if not _OF_ACTS.isdisjoint(said) or any(words.VERBS.at(said, place) for place in range(len(said))):
        return False
    parts = said.split("、")
    is_idiom = said.startswith(("经得", "禁得", "站得", "说得", "讲得", "耐得"))
    return is_idiom or not any(
        _NO_QUALITY.match(part) or any(fact in part for fact in words.FACTS) for part in parts
    )


def _is_quality_here(text: str, place: int, word: str) -> bool:
    after = place + len(word)
    following = text[after : after + 1]
    before = text[max(0, place - 4) : place]
    if following == "地":
        return True
    noun = after + 1 if following == "的" else after
    if words.ABSTRACT.at(text, noun) if noun < len(text) else None:
        return True
    if not before.endswith(_SAID_TO_BE):
        return False
    if word == "一致" and _WITH.search(text[max(0, place - 24) : place]):
        return False
    return following == "" or following in _ENDS or (word in _HOW and not before.endswith("不"))


def unnumbered(text: str, begin: int, end: int, measures: Measures) -> Iterator[tuple[int, int]]:
    """Yield the places of quantities without a number from `begin` to before `end` of a simplified text."""
    if measures.any:
        return
    for pattern in (_SOME, _MOVES):
        for match in pattern.finditer(text, begin, end):
            yield match.start(), match.end()
    for place, word in _AMOUNT.all_in(text, begin, end):
        if word in words.AMOUNT_TERMS or word in words.TERMS:
            continue
        if word in words.SINGLE and not _is_single_here(text, place):
            continue
        yield place, place + len(word)
    for place, word in words.CHANGES.all_in(text, begin, end):
        near = text[place + len(word) : min(end, place + len(word) + _NEAR)]
        if any(words.CHANGED.at(near, index) for index in range(len(near))):
            yield place, place + len(word)


def _is_single_here(text: str, place: int) -> bool:
    """Whether one character says an amount: 应低。 足够快，"""
    following = text[place + 1 : place + 2]
    return text[max(0, place - 3) : place].endswith(
        ("应", "须", "要", "保持", "足够", "尽量", "尽可能", "较", "很", "太", "够", "更")
    ) and (following == "" or following in _ENDS)
