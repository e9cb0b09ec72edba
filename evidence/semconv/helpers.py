"""By which words a helper is known: a call that titles, rewrites, routes, guards or judges, and answers nobody.

Words are weak evidence: a call is left out by them only where another remains that could have answered.
"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache
from typing import Final


class Purpose(StrEnum):
    """What a span was there for, as seen from the person who asked."""

    MAIN = "main"
    TOOL = "tool"
    GUARDRAIL = "guardrail"
    SUB_AGENT = "sub_agent"
    REWRITER = "rewriter"
    TITLE = "title"
    EVALUATOR = "evaluator"
    EMBEDDING = "embedding"
    RETRIEVAL = "retrieval"
    LEFT_OUT = "left_out"  # the system says that it takes no part


_NAMES: Final = {
    Purpose.TITLE: r"""title|headline|follow.?up|suggest\w*|name.?(?:chat|conversation|thread)|标题|追问""",
    Purpose.GUARDRAIL: r"""guard\w*|moderat\w*|safety|jail.?break|toxic\w*|shield|pii|审核|护栏""",
    Purpose.REWRITER: r"""
        re.?writ\w*|re.?phras\w*|condens\w*|stand.?alone|(?:query|question).?(?:expan|gener|transform|reform)\w*
        |rout(?:e|er|ing)|classif\w*|intent\w*|triage|language.?detect\w*|hyde|改写|路由|分类|意图""",
    Purpose.EVALUATOR: r"""
        eval\w*|judge\w*|grad(?:e|er|ing)|scor(?:e|er|ing)|critic\w*|verif(?:y|ier)|hallucinat\w*
        |ground(?:ed)?ness|评估|评分""",
}
_BY_NAME: Final = {
    purpose: re.compile(rf"(?<![a-z])(?:{words})(?![a-z])", re.IGNORECASE | re.VERBOSE)
    for purpose, words in _NAMES.items()
}
_ANY_NAME: Final = re.compile("|".join(_NAMES.values()), re.IGNORECASE | re.VERBOSE)

# Verbose patterns: a space in one stands in brackets or as `\s`.
_ASKS: Final = r"^\W*(?:please\s+|your\s+task\s+is\s+to\s+|you\s+(?:will|must|should)\s+|now\s+)?"
_YOU_ARE: Final = r"you\s+(?:are|act\s+as)\s+(?:a|an|the)\s.{0,40}?"
_INSTRUCTIONS: Final = {
    Purpose.TITLE: rf"""{_ASKS}(?:
        (?:write|generate|create|suggest|give|propose|provide|produce|make|think\s+of|come\s+up\s+with|return|summari[sz]e)
            \b.{{0,60}}?\b(?:titles?|headline|subject\s+line|follow[- ]?up\s+questions?|(?:name|label)\s+for)
        |summari[sz]e\b.{{0,60}}\bin\b.{{0,20}}\bwords
        |(?:title|name)\s+(?:this|the|for)\b)
        |^.{{0,40}}(?:生成|起|拟|写|取).{{0,20}}(?:标题|名称|追问)""",
    Purpose.REWRITER: rf"""{_ASKS}(?:
        (?:re-?write|re-?phrase|reformulate|condense|convert|turn|transform|translate|expand|paraphrase)
            \b.{{0,80}}?\b(?:quer(?:y|ies)|questions?|search|stand-?alone|keywords?)
        |given\s+(?:the|a|this)\b.{{0,120}}?\b(?:re-?phrase|re-?write|reformulate|generate|formulate)
            \b.{{0,60}}?\b(?:question|query|queries)
        |(?:generate|write|produce|create|formulate|extract)\b.{{0,50}}?\b(?:search\s)?(?:quer(?:y|ies)|keywords)
        |(?:classify|categori[sz]e|route|detect)\b
        |(?:which|what)\s+(?:category|intent|department|language|agent|tool)\b
        |{_YOU_ARE}(?:router|classifier|re-?writer|dispatcher))
        |^.{{0,30}}(?:改写|重写|分类|路由)""",
    Purpose.GUARDRAIL: rf"""{_ASKS}(?:
        (?:is|are|does|do|check|determine|decide|assess|verify|judge|flag)\b.{{0,100}}?
            \b(?:safe|unsafe|harmful|allowed|permitted|appropriate|jailbreak|injection|toxic|off-topic|on-topic
            |polic(?:y|ies)|personal\s+data|pii)\b
        |{_YOU_ARE}(?:guardrail|guard|moderator|moderation|safety|content\s+filter))
        |^.{{0,30}}(?:是否安全|是否合规|审核)""",
    Purpose.EVALUATOR: rf"""{_ASKS}(?:
        (?:rate|grade|score|evaluate|judge|critique|assess|compare)\b.{{0,80}}?
            \b(?:answer|response|output|repl(?:y|ies)|relevance|faithful\w*|grounded\w*|correct\w*|quality|helpful\w*)
        |(?:is|does|did)\s+the\s+(?:answer|response|output)\b
        |{_YOU_ARE}(?:judge|grader|evaluator|critic))
        |^.{{0,30}}(?:评估|评分|打分)""",
}
_BY_INSTRUCTION: Final = {
    purpose: re.compile(words, re.IGNORECASE | re.DOTALL | re.VERBOSE)
    for purpose, words in _INSTRUCTIONS.items()
}
_HEAD: Final = 400  # characters of an instruction: what is to be done is said first

_CORRECTION: Final = re.compile(
    r"\s*(?:fix the errors|validation (?:error|feedback)|your (?:last|previous) (?:answer|output|response|reply)"
    r"|(?:that|this) (?:answer|output|response) (?:is|was) (?:invalid|not valid|malformed)"
    r"|(?:invalid|could not parse|failed to parse)\b|\d+ validation errors?"
    r"|(?:call id:\s*\S+\s+)?(?:observation|tool (?:result|output|response)|function (?:result|output))s?\s*[:=]"
    r"|<(?:tool|function)_?(?:call_)?(?:results?|responses?|outputs?)\b|<observation>|\[TOOL_RESULTS\]"
    r"|<system[-_]reminder>(?:(?!</system).)*</system[-_]reminder>\s*$)",
    re.IGNORECASE | re.DOTALL,
)
_GOING_ON: Final = re.compile(
    r"\s*(?:please )?(?:now )?(?:continue|proceed)(?: and carry out this (?:plan|task))?[.!]?\s*$",
    re.IGNORECASE,
)

_REVISION: Final = re.compile(
    r"\s*(?:(?:please|now|then|again|ok(?:ay)?|can you|could you|would you)[\s,]+)*"
    r"(?:(?:revise|re-?write|improve|refine|correct|fix|reconsider|double[- ]?check|check|verify|review|reflect on"
    r"|critique|polish|rephrase|re-?do|repeat|regenerate|finali[sz]e|complete|update)\s+(?:on\s+)?(?:your|the|that|this|it)\b"
    r"(?:\s+(?:previous|last|above|own|first|earlier|draft|final|whole))*"
    r"(?:\s+(?:answer|response|reply|output|draft|solution|result|work|text|reasoning)\b|\s*[.!,]|\s*$)"
    r"|(?:try|think|check|answer)\s+(?:it\s+)?again\b)"
    r"|\s*请?(?:您|你)?(?:再|重新)?(?:修改|修订|改进|完善|检查|核对|重写|润色|反思|复核)(?:一下)?(?:你|您)?的?"
    r"(?:上述|以上|之前|上一个|刚才)?的?(?:回答|答案|回复|答复|输出|草稿|结果)",
    re.IGNORECASE,
)


def purpose_by_name(*names: str) -> Purpose | None:
    """Return what the names of a span and its agent say it is for, None where they say nothing."""
    return next((purpose for name in names if name and (purpose := _purpose_named(name))), None)


@lru_cache(maxsize=1024)  # an application has few names; of spans they are up to 16 kB long
def _purpose_named(name: str) -> Purpose | None:
    if _ANY_NAME.search(name):
        spaced = re.sub(r"(?<=[a-z])(?=[A-Z])|[_.\-/:]+", " ", name)
        for purpose, words in _BY_NAME.items():
            if words.search(spaced):
                return purpose
    return None


def purpose_by_instruction(text: str) -> Purpose | None:
    """Return what a model was told to do, None where that is no helper's task."""
    head = text[:_HEAD]
    return next((purpose for purpose, words in _BY_INSTRUCTION.items() if words.match(head)), None)


def purpose_by_task(system_text: str) -> Purpose | None:
    """Return what `purpose_by_instruction` does, of what a model is told to be in each trace of an application."""
    return _purpose_told(system_text[:_HEAD])


_purpose_told: Final = lru_cache(maxsize=256)(purpose_by_instruction)


def is_revision(text: str) -> bool:
    """Return whether a text begins by asking for an answer anew: a person may, and so may a program's loop."""
    return _REVISION.match(text) is not None


def is_correction(text: str) -> bool:
    """Return whether a program wrote this in a user's place: what a tool found, or that a form was wrong."""
    return _CORRECTION.match(text) is not None or is_going_on(text)


def is_going_on(text: str) -> bool:
    """Return whether a text asks for nothing but that it goes on: after a reply a person may, and so may a program."""
    return _GOING_ON.match(text) is not None
