"""The reference page of the linter: its rules with examples, and how often those on words are right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from evidence.statistics import clopper_pearson
from requirements.lint.contracts import (
    NO_NUMBER,
    NO_OBLIGATION,
    NOT_TESTABLE,
    PLACEHOLDER,
    SEVERAL,
    VAGUE,
    WEAK_MODAL,
)
from requirements.lint.languages import COVERED
from requirements.lint.measured import LABELS, Labelled, Tally, read_labelled, tally
from requirements.lint.statements import lint_statement

_CONFIDENCE: Final = 0.95  # of the two-sided intervals on the page
_HEAD: Final = f"""# What the linter looks for

Written by `manage.py write_reference` from the rules in `requirements/lint/`; a test compares the two.

It warns and never blocks. Each warning has a `code` (the rule), a `where` (`statement.en`, `criteria.KEY`), why, a
rewrite, and for words the first stretch they are about (`start`, `end`: characters from 0). Of one rule there is one
warning a statement, so that `code@where` names it. It is told in the language of the text; about a criterion, in each
language of the statement that the linter speaks. Rules on words: {", ".join(COVERED)}. Of a text in another
language the API says `not_covered`, and no rule reads it; so too where a text is not in the script of the language it
is filed under.

检查只提出警告，从不阻止。每条警告都注明规则、位置、原因与改写建议，并以文本的语言给出；支持英文、简体中文与繁体中文。

## Rules on words
"""
_RULES: Final[Mapping[str, tuple[str, str, Sequence[tuple[str, str]]]]] = {
    NOT_TESTABLE: (
        (
            "A quality that is many requirements in one word: explainable, fair, accurate, safe, "
            "accountable, and their like. "
            "The rewrite splits it; *explainable* into the six requirements of the starter baseline."
        ),
        "“可解释”“公平”“准确”“安全”“可问责”等一词多义的质量要求，会给出拆分方案。",
        (("en", "The copilot must be explainable."), ("zh-Hans", "助手必须可解释。")),
    ),
    VAGUE: (
        (
            "A quality without its measure, a way out (*where appropriate*), an open end (*etc.*). One "
            "that carries its measure in "
            "the same action is fine: a share, a count, a bound, numbered rules. So is a word of a name or a term "
            "(*responsible team*, *fair value*, 先进先出), or in quotation marks."
        ),
        "没有衡量方式的质量词、“必要时”之类的退路、“等”之类的开放列举。",
        (
            ("en", "The assistant must give helpful answers."),
            ("zh-Hans", "投诉应妥善处理。"),
            ("zh-Hant", "系統應具備良好的穩定性。"),
        ),
    ),
    NO_NUMBER: (
        (
            "A quantity, time or rate without a number: *quickly*, *high accuracy*, *most*, *the agreed "
            "threshold*, 实时, 大量, 较高."
        ),
        "没有数字的数量、时间或比率。",
        (("en", "Alerts must be cleared in a timely manner."), ("zh-Hans", "预警应及时处理。")),
    ),
    WEAK_MODAL: (
        "A wish: *should*, *will*, *is expected to*, *may, where practical*; 宜, 尽量, 力求. 应 is an obligation.",
        "只是愿望：宜、尽量、力求等。“应”是义务。",
        (("en", "The assistant should greet the customer."), ("zh-Hans", "柜员宜核对地址。")),
    ),
    NO_OBLIGATION: (
        (
            "No modal that binds: a title, a statement of fact, a command that does not say who. "
            "Prohibitions (*no answer may*, 不得, "
            "禁止), permissions, user stories, and sentences that say when something counts are fine."
        ),
        "没有情态动词：标题、事实陈述或没有主体的命令。",
        (("en", "Audit trail for each override."), ("zh-Hans", "响应时间小于2秒。")),
    ),
    SEVERAL: (
        (
            "Two actions under one modal, two modals, two sentences, or *and/or*. A list of the fields "
            "of one record, a condition, "
            "a purpose, and a choice (*approve or decline*) are one."
        ),
        "一句之中有两项动作、两个情态动词，或“和/或”。",
        (
            ("en", "The kiosk must print the boarding card and update the passenger list."),
            ("zh-Hans", "助手应记录每次拒答并通知值班经理。"),
        ),
    ),
    PLACEHOLDER: (
        "TBD, TBC, *to be defined*, ???, 待定: something is still to be filled in.",
        "TBD、待定等占位内容。",
        (("en", "The session must end after TBD minutes."), ("zh-Hans", "会话应在待定分钟后结束。")),
    ),
}
_OTHERS: Final[Mapping[str, str]] = {
    "numbers_differ": (
        'translations say different numbers: "8 hours" and 24小时; 百分之九十五 and 95 % are one number, 一万 and '
        "10,000 too"
    ),
    "criterion_differs": (
        'statement and criterion differ: "8 hours" and `within_hours: 24`, "95 %" and `at_least: 0.9`, "2 seconds" '
        'and `at_most: 3` s, "of 500" and `min_n: 60`; "all", "always" or "never" while more than 5 % may fail, '
        '"each" or "every" while more than 20 % may'
    ),
    "too_long": "a statement of more than 1,000 characters; of one with more than 10,000 only those are looked at",
    "no_criterion": "nothing that a machine can check",
    "never_stale": "high risk, and no criterion with `max_age_days`",
    "cannot_fail": (
        "a threshold that every share reaches (`at_least: 0`, `at_most: 1`), or every difference, or a share of "
        "citations with whichever verdict"
    ),
    "hardly_sure": "`confidence` below 0.9",
    "underpowered": "`min_n` observations without a failure stay short of the threshold; each slice needs as many",
    "out_of_reach": "no number of observations shows the threshold",
    "mean_of_a_tail": "a mean of values without bounds",
    "looks_unsaid": "evidence that arrives while gates are asked, without `looks: continuous`",
    "unit_percent": "per cent beside shares",
    "unknown_suite": (
        "no suite of this name, or no such version of it, is registered: with the nearest name. So too "
        "`unknown_evaluator`, `unknown_dataset`, `unknown_judge`. Nothing is said while a system has none of a kind"
    ),
    "unknown_metric": "the newest run of the suite has no such metric",
    "unknown_slice": (
        "no evidence in this slice: no such value in the newest run of the suite or in the newest 1,000 traces, or "
        "no language tag"
    ),
    "slice_too_small": "the newest run has fewer samples of a slice than `min_n`, which holds in each",
    "repeats": "another requirement says the same, or measures the same facts",
    "contradicts": (
        "another says the same with another number, or asks for the opposite of the same facts (at least 0.9, at "
        "most 0.5)"
    ),
    "rare_review": "`review_every_days` of more than a year",
}
_MEASURED: Final = """## How often the rules on words are right

Precision: of what a rule raises, the share that people find too. Recall: of what people find, the share that it raises.
In brackets exact 95 % intervals (Clopper and Pearson), over statements. `not_testable` and `placeholder` count as
vague. The aim is a precision of 0.9 and a recall of 0.8 on statements that no rule was ever tried on.
Both sets were read after they had been measured once, and rules were mended, so these figures flatter the rules. What
each part gave when it was first measured stands in decision 0059, and is the better guess at a statement of yours.
"""
_GUIDE: Final = """
## How statements are labelled

A label says what a careful reader would send back, not which words stand there.

- `vague`: two readers could disagree on whether it is met, and nothing in the statement decides. A quality whose
  measure stands in the same demand is not vague, whatever the word. Nor is a word of a defined term, a role or a
  quotation.
- `no_number`: it asks for more or less, sooner or oftener, and does not say how much. A word that does both
  carries both labels (*a reasonable period*). A number somebody else knows (*the agreed threshold*) is none.
- `weak_modal`: it may be left undone without failing. *May* and 可以 that give somebody a right are fine.
- `several`: one part could be met while another is not, and both are demanded. Fields of one record, conditions,
  purposes and alternatives are parts of one demand. "And/or" is several.
- `no_obligation`: nobody must, and nothing is forbidden or allowed.
- Nothing: fine. A user story is fine as a shape.
"""


def render_lint_reference(given: Path, own: Path) -> str:
    """Return docs/reference/lint.md.

    Args:
        given: the first set of labelled statements.
        own: the second.
    """
    lines = [_HEAD]
    for rule, (english, chinese, examples) in _RULES.items():
        lines += [f"### `{rule}`", "", english, "", chinese, "", *_examples(rule, examples), ""]
    lines += ["## Rules on everything else", "", "| code | what is doubtful |", "|---|---|"]
    lines += [f"| `{code}` | {means} |" for code, means in _OTHERS.items()]
    lines += ["", _MEASURED]
    lines += _table("First set", read_labelled(given))
    ours = read_labelled(own)
    lines += _table("Second set", ours)
    traditional = [statement for statement in ours if statement.language == "zh-Hant"]
    lines += [f"{len(traditional)} of them are in traditional characters.", _GUIDE.rstrip("\n")]
    return "\n".join(lines) + "\n"


def _examples(rule: str, examples: Sequence[tuple[str, str]]) -> Iterator[str]:
    for language, text in examples:
        warning = next(warning for warning in lint_statement(text, language) if warning.code == rule)
        yield f"> {text}"
        yield ">"
        yield f"> *{warning.message}* {warning.suggestion}"
        yield ""


def _table(title: str, statements: Sequence[Labelled]) -> Iterator[str]:
    counted = tally(statements)
    english = sum(statement.language == "en" for statement in statements)
    yield f"### {title}"
    yield ""
    yield f"{english} in English, {len(statements) - english} in Chinese."
    yield ""
    yield "| language | label | precision | recall |"
    yield "|---|---|---|---|"
    for (language, label), of in counted.items():
        if label in LABELS:
            yield f"| {language} | {label} | {_precision(of)} | {_recall(of)} |"
    yield ""


def _precision(of: Tally) -> str:
    return _share(of.hits, of.raised)


def _recall(of: Tally) -> str:
    return _share(of.hits, of.labelled)


def _share(hits: int, n: int) -> str:
    if not n:
        return "none"
    low, high = clopper_pearson(hits, n, _CONFIDENCE)
    return f"{hits / n:.2f} ({hits} of {n}; {low:.2f} to {high:.2f})"
