"""Rule `placeholder`: what is still to be filled in, in any language."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from requirements.lint.contracts import Span

_PLACEHOLDER: Final = re.compile(
    r"\b(?:TBD|TBC|TBA|TBS|TBR|TBN|TODO|FIXME|XXX+|[Tt]bd|[Tt]bc)\b"
    r"|\bto be (?:defined|determined|decided|confirmed|specified|agreed|announced|clarified|completed)\b"
    r"|\?\?+|\bN\.N\.|(?<![\w.])(?:xx+|XX|nn+|NN)(?=\s|%|$|[.,;])|_{3,}"
    r"|\[ ?(?:\.\.\.|…|x{1,9}|X{1,9}|\?|) ?\]|< ?(?:\?|\.\.\.|…|x{1,9}|X{1,9}) ?>"
    r"|(?<=\s)\.\.\.(?=\s)|…{2,}|待定|待补充|待确认|待明确|待填|待補充|待確認|待明確|尚未确定|尚未確定"
    r"|另行确定|另行確定|另行规定|另行規定|暂定|暫定|××+|某某|X{2,}|x{2,}(?=[%个個秒分天])"
)
# Beside a placeholder these say that a number is what is missing.
_NUMBER_AFTER: Final = re.compile(
    r"\s*(?:%|percent|per cent|milliseconds?|ms\b|seconds?|minutes?|hours?|days?|weeks?|months?|years?|characters?"
    r"|items?|users?|个|個|秒|分|小时|小時|天|日|月|年|次|条|條|万|萬|元|百分)"
)
_NUMBER_BEFORE: Final = re.compile(
    r"(?:at least|at most|than|within|of|after|below|above|under|over|every|不低于|不低於|不超过|不超過|不少于|不少於"
    r"|至少|至多|最多|小于|小於|大于|大於|低于|低於|每|在)\s*$"
)
_LOOK = 24  # characters on either side


def placeholders_in(text: str) -> Iterator[tuple[Span, bool]]:
    """Yield each placeholder, and whether a number belongs there. Linear in the length of the text."""
    for match in _PLACEHOLDER.finditer(text):
        after = _NUMBER_AFTER.match(text, match.end())
        before = _NUMBER_BEFORE.search(text[max(0, match.start() - _LOOK) : match.start()])
        yield Span(match.start(), match.end()), bool(after or before)
