"""What a Chinese reader is told of a form, or an address, that is refused: no sentence of it is English."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from html import unescape
from typing import Any, Final, NamedTuple

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from tests.e2e.cases import make_task
from tests.factories import World
from tests.requirements.test_desk_page import CRITERIA, FIELDS

pytestmark = pytest.mark.django_db

CHINESE: Final = {"accept": "text/html", "accept-language": "zh-hans"}
# What people wrote, and what is to be copied, in whatever language it is.
_THEIRS: Final = re.compile(
    r"<(script|style|textarea|pre|code|option|kbd|title)\b.*?</\1>|<!--.*?-->", re.DOTALL
)
_SENTENCE: Final = re.compile(r"(?:\b[a-z]{2,} ){2,}[a-z]{2,}\b")  # three words of English in a row
_HALF_WIDTH: Final = re.compile("[\u4e00-\u9fff”）]['\"]?[,;] ")  # between two words of Chinese
DESK: Final = FIELDS
FILE: Final = """\
format: tracebinder.requirements/1
requirements:
  - key: states limits
    statement: {english: "Each answer must state its limits.", en: ""}
    risk_tier: enormous
    layer: mechanistic
    owner: 7
    review_every_days: quarterly
    colour: red
    derives: KEY
    criteria:
      - {key: a, check: answers.confidence_and_limit, at_least: 90, min_n: "50"}
      - {key: a, check: answers.confidence_and_limits, at_least: 90, min_n: 0, unit: percent, slices: [{language: 5}]}
"""


class Refused(NamedTuple):
    """A request that is refused, and what the answer says of it, among other things."""

    role: str
    address: str
    sent: (
        Mapping[str, object] | Callable[[World], Mapping[str, object]] | None
    )  # None: an address is asked for
    says: str


def desk(says: str, **over: str) -> Refused:
    fields = DESK | {name.replace("__", "."): value for name, value in over.items()} | {"act": "save"}
    return Refused("author", "/admin/draft/", fields, says)


def file(says: str, text: str) -> Refused:
    return Refused(
        "author", "/admin/import/", {"act": "plan", "file": "r.yaml", "moves": "", "text": text}, says
    )


def asked(role: str, address: str, says: str) -> Refused:
    return Refused(role, address, None, says)


def of_system(**sent: object) -> Callable[[World], Mapping[str, object]]:
    return lambda world: {"system": world.system.pk, **sent}


def reading(document: object, says: str) -> Refused:
    sent = of_system(trace="", document=json.dumps(document), reason="ours", propose="1")
    return Refused("author", "/admin/readings/try/", sent, says)


def of_link(**sent: object) -> Callable[[World], Mapping[str, object]]:
    return lambda world: {
        "system": world.system.key,
        "upstream_kind": "requirement", "upstream_key": "A",
        "downstream_kind": "requirement", "downstream_key": "B", "reason": "because", **sent,
    }  # fmt: skip


def reasons(*rows: tuple[str, str, str]) -> dict[str, object]:
    sent: dict[str, object] = {"form-TOTAL_FORMS": len(rows), "form-INITIAL_FORMS": 0}
    for number, (code, kind, english) in enumerate(rows):
        sent |= {f"form-{number}-code": code, f"form-{number}-kind": kind, f"form-{number}-en": english}
    return sent


REFUSED: Final = (
    desk("含有 空格", key="states limits"),
    desk("含有 空格、'/'", key="states limits/ours"),
    desk("缺少 'min_n'", rest=CRITERIA.replace("min_n", "min-n")),
    desk("未知字段 'min-n'；是否想写 'min_n'？", rest=CRITERIA.replace("min_n", "min-n")),
    desk("须为 1 到", review_every_days="quarterly"),
    desk("请写 90", review_every_days="quarterly"),
    desk("最多", owner="x" * 700),
    desk(
        "没有名为 'answers.limits' 的检查",
        rest=CRITERIA.replace("answers.confidence_and_limits", "answers.limits"),
    ),
    desk("比例介于 0 和 1 之间", rest=CRITERIA.replace("0.7", "70")),
    desk("缩进中有制表符", rest="criteria:\n\t- key: a\n"),
    desk("记录中没有", rest=CRITERIA + "derives: [NO-SUCH]\n"),
    desk("它会改变其后文字的方向", owner="ada\u202e"),
    file("缩进", "requirements:\n  - a: b\n c: d\n"),
    file("须为列表：derives: [KEY]", FILE),
    file("未知字段 'colour'", FILE),
    file("文件须为以", "just words"),
    Refused("author", "/admin/import/", {"act": "burn", "text": ""}, "act 须为 plan、apply 之一"),
    Refused("author", "/admin/import/", {"act": "plan", "colour": "red"}, "未知字段 'colour'"),
    Refused("author", "/admin/import/", {"act": "plan", "csrfmiddleware": "red"}, "是否想写 '"),
    Refused("author", "/admin/import/", {"act": "plan", "colour": "red", "taste": "sour"}, "（另有 1 处）"),
    asked("auditor", "/admin/health/?since=now", "未知查询参数 'since'"),
    asked(
        "auditor",
        "/admin/evidence/trace/?statuss=complete",
        "此列表没有筛选条件 'statuss'；是否想写 'status'？",
    ),
    asked("auditor", "/admin/evidence/trace/?status=compleet", "是否想写 'complete'？"),
    asked("auditor", "/admin/evidence/trace/?p=999", "此列表没有第 999 页"),
    asked("auditor", "/admin/evidence/deployment/?live_on=tomorrow", "日期（写法如 2026-11-30）"),
    asked("auditor", "/admin/conversation/", "请指定一个对话或一个会话"),
    asked("auditor", "/admin/eval-runs/compare/", "请用两次运行各自页面地址中的编号来指定它们"),
    asked("auditor", "/admin/review-agreement/?from=yesterday", "日期，写法如 2026-03-31"),
    asked("auditor", "/admin/evidence/trace/?q=%22annual", "短语请写成"),
    asked("reviewer", "/admin/review-desk/?language=xx&colour=red", "未知查询参数 'colour'"),
    Refused("approver", "/admin/review-reasons/", reasons(("Tone", "other", "Tone")), "以字母开头"),
    Refused(
        "approver", "/admin/review-reasons/", reasons(("a", "other", "A"), ("a", "other", "B")), "上面已有 a"
    ),
    Refused("approver", "/admin/review-reasons/", reasons(("wrong_fact", "other", "A")), "本身是一个种类"),
    reading({"answr": []}, "未知字段 'answr'；是否想写 'answer'？"),
    reading({"answer": [{"span": "a" * 500}]}, "没有指明属性"),
    reading({"answer": 5}, "是位置的列表"),
    reading({"answer": [{"attribute": "output"}]}, "没有指明跨度"),
    Refused(
        "operator",
        "/admin/erasures/plan/",
        of_system(trace="xyz", reason="request 2026-17"),
        "既不是轨迹标识",
    ),
    Refused("author", "/admin/links/", of_link(kind="derives", colour="red"), "未知字段 'colour'"),
    Refused("author", "/admin/links/", of_link(kind="derives"), "本系统中没有要求“A”"),
)


def told_by(answer: Any) -> str:
    """Return what a page says in its own part, without what people wrote."""
    page = answer.content.decode()
    main = page[page.index('id="content"') :] if 'id="content"' in page else page
    messages = "".join(re.findall(r'<ul class="messagelist">.*?</ul>', page, re.DOTALL))
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", _THEIRS.sub(" ", messages + main))).split())


def send(world: World, case: Refused) -> Any:
    person: User = world.people[case.role]
    client = Client()
    client.force_login(person)
    if case.sent is None:
        return client.get(case.address, headers=CHINESE, follow=True)
    sent = case.sent(world) if callable(case.sent) else case.sent
    return client.post(case.address, sent, headers=CHINESE, follow=True)


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: f"{case.address[:40]} {case.says[:12]}")
def test_what_is_refused_is_said_in_chinese(world: World, case: Refused) -> None:
    answer = send(world, case)
    told = told_by(answer)
    assert case.says in told, told
    assert _SENTENCE.findall(told) == []
    assert _HALF_WIDTH.findall(told) == []
    assert "`errors`" not in told, "a page has no member of this name"
    assert "csrfmiddlewaretoken" not in told, "nobody types it"
    assert '<span lang="en">' not in answer.content.decode()


def test_what_the_review_desk_refuses_is_said_in_chinese(world: World) -> None:
    address = reverse("admin:judge_answer", args=[make_task(world).trace_id])
    sent = {"act": "decide", "decision": "reject", "rationale": "嗯。"}
    told = told_by(send(world, Refused("reviewer", address, sent, "")))
    assert "要对回答作出拒绝，请标明理由：wrong_fact, " in told
