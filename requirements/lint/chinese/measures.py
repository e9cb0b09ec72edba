"""Whether a Chinese clause says how much: numbers with units, frequencies, and definitions it refers to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_NUMERAL: Final = "零〇一二两三四五六七八九十百千万亿"
# A run of numerals is looked at from its beginning: from each of its places it would take the square of its length.
_NUMBER: Final = rf"(?:(?<![A-Za-z0-9\-.,])\d++(?:[.,]\d++)*+|(?<![{_NUMERAL}])[{_NUMERAL}]+)"
_TIME: Final = re.compile(
    _NUMBER
    + r"\s*+(?:个\s*+)?(?:毫秒|ms|秒|分钟|分(?!之)|小时|钟头|天|日|周|星期|工作日|自然日|月|季度|年|点|s\b|h\b|min)"
    r"|每(?:天|日|周|月|季|年|小时|分钟|秒|晚|班|季度|半年|工作日|个工作日|个月|星期)|逐日|逐月|当日|"
    r"当天|次日|同日|当月|即日|\d\d?[:：]\d\d|24×7|7×24"
)
_AMOUNT: Final = re.compile(
    r"[%％‰]|百分之|百分位|百分点|分之"
    r"|"
    + _NUMBER
    + r"\s*(?:多)?(?:个(?!工作日|月|小时|星期|自然日)|条|名|次|份|例|位|人|项|页|字|元|倍|轮|路|成|折|"
    r"笔|只|件|台|步|级|种|家|张|"
    r"题|段|句|帧|像素"
    r"|MB|GB|KB|kB|兆|米|毫米|厘米|公里|度|分贝|赫兹|样本|万|亿|并发|星|行|列|层|方|端|组|套|档|门|"
    r"欧元|美元|单|户|艘|班|语|词)"
    r"|(?<![\d.])\d++(?:\.\d++)?\s*[:：]\s*1\b|(?<![A-Za-z0-9\-.])\d++\.\d|[≥≤<>=]\s*\d|为\s*\d"
    r"|(?:低于|高于|少于|多于|超过|大于|小于|达到|至少|至多|不足)\s*\d"
)
_DEFINED: Final = re.compile(
    r"(?:规则|清单|标准|附录|附件|表|模板|列表|等级|级别|规范|手册|准则|条款|定义|基线|量表|"
    r"目录|程序|流程|规程|级)\s*[A-Za-z]+[-.]?\d"
    r"|(?:WCAG|ISO|IEC|GB/T|GB|JR/T|NIST|RFC)\s*[\d.]+|第\s*[\d一二三四五六七八九十百]+\s*(?:条|章|节|款|项|级|部分)"
)
_EMPTY: Final = re.compile(
    r"统一|一致|一般|一律|唯一|第一|一旦|一定|一段|一并|一同|一些|一种|一流|单一|万一|万无一失|十分|千万别"
)


@dataclass(frozen=True, slots=True)
class Measures:
    """What a stretch of a text says in numbers or by reference."""

    time: bool
    amount: bool
    definition: bool

    @property
    def any(self) -> bool:
        """Whether it says any of them."""
        return self.time or self.amount or self.definition


def measures_in(stretch: str) -> Measures:
    """Return what a stretch of simplified text says. Linear in its length."""
    bare = _EMPTY.sub(lambda match: "\x00" * len(match[0]), stretch)
    return Measures(
        time=_TIME.search(bare) is not None,
        amount=_AMOUNT.search(bare) is not None,
        definition=_DEFINED.search(bare) is not None,
    )
