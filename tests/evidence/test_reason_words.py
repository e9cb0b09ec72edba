"""Each code of a reason has words in both languages, and the English ones are those that decisions store."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path
from typing import Final

import pytest
from django.utils import translation

from evidence.reason_words import (
    OF_CRITERION,
    REGISTER_PIN,
    WORDS,
    Settles,
    Shows,
    in_english,
    say_run,
    say_settling,
    say_title,
)
from evidence.services.gates.binding import UNBOUND
from requirements.telling import SETTLED_BY

ROOMS: Final = ("requirements", "evidence/services/gates")
HAN: Final = re.compile(r"[\u4e00-\u9fff]")
# Names that stand in a file as they are written there.
AS_WRITTEN: Final = re.compile(r"`[^`]*`|ITEM#ATTEMPT")


def source_of(room: str) -> str:
    modules = sorted((Path(__file__).parents[2] / room).rglob("*.py"))
    return "\n".join(path.read_text(encoding="utf-8") for path in modules)


def codes_in_code() -> set[str]:
    """Return every code that is written where reasons are made, whatever list it stands in."""
    requirements, gates = map(source_of, ROOMS)
    judged = re.findall(r'Judgement\((?:[^()]|\([^()]*\))*?"([a-z_]+)"\s*,?\s*\)', requirements)
    obstacles = re.findall(r'Obstacle\(\s*"([a-z_]+)"', requirements)
    found = re.findall(r'"code": "([a-z_]+)"|return "([a-z_]+)", f?"', gates)
    return {*judged, *obstacles, *(one or other for one, other in found)}


CODES: Final = sorted({"met", *SETTLED_BY, *UNBOUND, *codes_in_code()})


def test_the_walk_finds_codes_of_each_kind() -> None:
    found = codes_in_code()
    assert {"no_run", "too_old", "recently_worse", "pin_unregistered", "run_unknown", "met"} <= found
    assert len(found) > 35
    assert len(CODES) > 60


@pytest.mark.parametrize("code", CODES)
def test_each_code_says_in_both_languages_what_it_means_and_what_would_settle_it(code: str) -> None:
    stored = WORDS[code].settles
    assert bool(stored) is (code != "met")
    # What is short of observations is told with their number, below.
    settles = "" if code in {"met", "too_few_to_tell"} else stored
    with translation.override("en"):
        title = say_title(code)
        assert title == WORDS[code].title
        assert say_settling(code, None, settles) == settles
    with translation.override("zh-hans"):
        said = [say_title(code), *([say_settling(code, None, settles)] if settles else [])]
    for text in said:
        assert HAN.search(text), text
        assert not re.search("[A-Za-z]{2}", AS_WRITTEN.sub("", text)), text
        assert AS_WRITTEN.findall(text) == [] or AS_WRITTEN.findall(text) == AS_WRITTEN.findall(settles)


@pytest.mark.parametrize("code", ["decides", "earlier", "retracted", "empty"])
def test_why_a_run_decides_or_not_is_said_in_both_languages(code: str) -> None:
    with translation.override("en"):
        english = say_run(code)
    with translation.override("zh-hans"):
        chinese = say_run(code)
    assert english
    assert re.search("[\u4e00-\u9fff]", chinese)
    assert not re.search("[a-z]", chinese)


def test_no_two_codes_of_a_criterion_are_called_the_same() -> None:
    with translation.override("zh-hans"):
        titles = [say_title(code) for code in CODES]
    assert len(titles) == len(set(titles))


PLAN: Final = "have a new version of the requirement approved whose `planned_runs` counts the runs so far too"
PLAN_ZH: Final = "请批准该要求的新版本，其 `planned_runs` 须将迄今的运行一并计入"


@pytest.mark.parametrize(
    ("settles", "stored", "said"),
    [
        (Settles("too_few_observations", 1200), "at least 1200 more observations", "至少再有 1200 个观测"),
        (
            Settles("too_few_to_tell", 1234),
            "about 1,234 more units like these",
            "约再有 1,234 个类似的独立单元",
        ),
        (
            Settles("too_few_to_tell", 7, by_labels=True, beyond_plan=True),
            f"about 7 more labelled units like these; for more labels or a run more than planned, first {PLAN}",
            f"约再有 7 个类似的有人工标注的独立单元；若要超出计划增加标注或运行，须先办理：{PLAN_ZH}",
        ),
        (
            Settles("too_few_to_tell", 7, shows=Shows.NOT_MET),
            "about 7 more units like these, which would show that it is not met",
            "约再有 7 个类似的独立单元，届时将表明不满足准则",
        ),
        (
            Settles("too_few_to_tell", shows=Shows.NOTHING),
            "more observations do not settle it: see to it that each sample is scored",
            "更多观测也不能使其确定：请确保每个样本都得到评分",
        ),
        (Settles("too_few_to_tell", by_labels=True), "more labels", "更多标注"),
        (
            Settles("no_run", beyond_plan=True),
            f"run the suite on this release and post what it gives; for a run more than planned, first {PLAN}",
            f"在此发布版本上运行该套件，并提交所得结果；若要超出计划再运行一次，须先办理：{PLAN_ZH}",
        ),
    ],
)
def test_a_text_that_is_put_together_is_put_together_in_either_language(
    settles: Settles, stored: str, said: str
) -> None:
    assert in_english(settles) == stored
    with translation.override("zh-hans"):
        assert say_settling(settles.code, settles.more_units, stored) == said


def test_whatever_is_put_together_is_read_again_as_itself() -> None:
    """Two ways that read alike in English and differ in Chinese would tell a reader something else."""
    for code, more, by_labels, shows, beyond in product(
        sorted(OF_CRITERION), (None, 1, 12345), (False, True), Shows, (False, True)
    ):
        stored = in_english(Settles(code, more, by_labels, shows, beyond))
        with translation.override("en"):
            assert say_settling(code, more, stored) == stored
        with translation.override("zh-hans"):
            said = say_settling(code, more, stored)
        assert HAN.search(said)
        assert ("12345" in said or "12,345" in said) is ("12345" in stored or "12,345" in stored)


@pytest.mark.parametrize(
    ("code", "more_units", "stored"),
    [
        ("no_run", None, "run the suite on this release and post it"),  # of an older version
        ("too_few_to_tell", 7, "about 8 more units like these"),  # another number than stands beside it
        ("a_code_of_another_assessor", None, "put right what the reason names"),
        ("", None, "put right what the reason names"),
        ("met", None, ""),
    ],
)
def test_of_a_text_that_this_version_would_not_say_nothing_is_said(
    code: str, more_units: int | None, stored: str
) -> None:
    with translation.override("zh-hans"):
        assert say_settling(code, more_units, stored) == ""


def test_what_a_gate_says_of_one_pin_is_said() -> None:
    with translation.override("zh-hans"):
        assert say_settling("pin_unregistered", None, REGISTER_PIN) == "登记该发布版本所固定的版本"
