"""An operator erases on a page what they read the plan of, exactly that, and nothing where it is another by then."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from evidence import clock
from evidence.models import Erasure, ErasureCertificate, Scope, System, Trace
from evidence.pages import erasure as erasure_page
from evidence.services.disposal import erasure, holds
from evidence.services.disposal.blob_plans import BlobPlan, Role, Stay, called
from evidence.services.disposal.planning import ErasurePlan, Tombstone, draw_up
from evidence.services.disposal.uses import say_shared_with
from evidence.worded import worded
from tests.evidence.binder_world import PERIOD
from tests.evidence.otlp_bodies import make_request, make_span
from tests.evidence.test_erasure import send
from tests.factories import World, make_world
from tests.requirements.builders import make_trace

PAGE = "/admin/erasures/plan/"


@pytest.fixture
def trace(world: World) -> Trace:
    return make_trace(world)


@pytest.fixture
def operator(client: Client, world: World) -> Client:
    client.force_login(world.people["operator"])
    return client


def asked(trace: Trace, **over: Any) -> dict[str, Any]:
    return {"system": trace.system_id, "trace": trace.trace_id.hex, "reason": "request 2026-17"} | over


def agreed_to(operator: Client, trace: Trace) -> dict[str, Any]:
    """Have the plan shown, and return what its button sends."""
    answer = operator.post(PAGE, asked(trace))
    assert answer.status_code == 200
    return asked(trace, agreed=answer.context["plan"].digest)


def hold(world: World) -> Any:
    return holds.place_hold(
        principal=world.principal("operator"), system=world.system, reason="case 7", period_from=PERIOD[0],
        period_to=None,
    )  # fmt: skip


def test_the_plan_is_shown_and_nothing_done(operator: Client, trace: Trace) -> None:
    page = operator.post(PAGE, asked(trace)).content.decode()
    assert "Nothing is erased yet" in page
    assert "evidence.Trace" in page
    assert "backups of the database" in page
    assert not Erasure.objects.exists()


def test_what_was_shown_is_carried_out(operator: Client, trace: Trace) -> None:
    answer = operator.post(PAGE, agreed_to(operator, trace), follow=True)
    (erased,) = Erasure.objects.all()
    assert (erased.trace_id, erased.reason) == (trace.trace_id, "request 2026-17")
    assert f"/admin/evidence/erasure/{erased.pk}/change/" in answer.content.decode()


def test_a_hold_refuses_and_the_plan_names_it(operator: Client, world: World, trace: Trace) -> None:
    sent = agreed_to(operator, trace)
    hold(world)
    answer = operator.post(PAGE, sent)
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "case 7" in page
    assert 'id="tb-erase"' not in page
    assert not Erasure.objects.exists()


def test_what_came_since_refuses_and_the_plan_is_shown_anew(
    operator: Client, world: World, trace: Trace
) -> None:
    sent = agreed_to(operator, trace)
    make_trace(world, trace_id=trace.trace_id, revision=2)
    answer = operator.post(PAGE, sent)
    assert answer.status_code == 409
    assert not Erasure.objects.exists()
    operator.post(PAGE, sent | {"agreed": answer.context["plan"].digest})
    assert Erasure.objects.get().trace_id == trace.trace_id


def test_the_same_sent_again_erases_nothing_again(operator: Client, trace: Trace) -> None:
    """A page that is loaded again sends its form again: one erasure has one tombstone and one certificate."""
    sent = agreed_to(operator, trace)
    led = operator.post(PAGE, sent)
    assert (led.status_code, led["Location"]) == (302, PAGE)
    assert "What was done" in operator.get(PAGE).content.decode()
    assert "What was done" not in operator.get(PAGE).content.decode(), "it is shown once"
    again = operator.post(PAGE, sent)
    assert again.status_code == 409
    assert "It was erased before" in again.content.decode()
    assert Erasure.objects.count() == ErasureCertificate.objects.count() == 1


def test_a_tombstone_is_told_in_the_readers_language(operator: Client, trace: Trace) -> None:
    sent = agreed_to(operator, trace)
    operator.post(PAGE, sent)
    page = operator.post(PAGE, sent, headers={"accept-language": "zh-CN"}).content.decode()
    said = re.search(r"它此前已被擦除[^<]*", page)
    when = Erasure.objects.get()
    assert said is not None
    assert f"{when.erased_at:%Y-%m-%d %H:%M} UTC" in said[0]
    assert re.findall(r"[A-Za-z]+", said[0]) == ["UTC"]


def test_two_who_press_at_once_erase_once(
    operator: Client, world: World, trace: Trace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both were shown the same plan, and the other was quicker, between the plan and its locks."""
    sent, real = agreed_to(operator, trace), draw_up

    def overtaken(*args: Any, **given: Any) -> Any:
        drawn = real(*args, **given)
        monkeypatch.setattr(erasure, "draw_up", real)
        erasure.erase_trace_payload(
            principal=world.principal("operator"),
            system=trace.system, trace_id=trace.trace_id, reason="the other's",
        )  # fmt: skip
        return drawn

    monkeypatch.setattr(erasure, "draw_up", overtaken)
    assert operator.post(PAGE, sent).status_code == 409
    assert Erasure.objects.get().reason == "the other's"


def test_a_field_that_nobody_knows_is_refused(operator: Client, trace: Trace) -> None:
    answer = operator.post(PAGE, asked(trace, sistem="x"))
    assert answer.status_code == 422
    assert "sistem" in answer.content.decode()


@pytest.mark.parametrize(
    ("over", "said"),
    [
        ({"trace": ""}, "one of the two"),
        ({"subject": "enduser.id=1"}, "one of the two"),
        ({"trace": "", "subject": "4711"}, "key=value"),
        ({"trace": "ab"}, "whole id"),
        ({"trace": "x"}, "no trace id"),
        ({"reason": ""}, "required"),
        ({"trace": "0" * 32}, "There is no trace"),
        ({"trace": "", "subject": "enduser.id=4711"}, "No span of"),
    ],
)
def test_what_cannot_be_read_is_said(operator: Client, trace: Trace, over: dict[str, Any], said: str) -> None:
    answer = operator.post(PAGE, asked(trace) | over)
    assert answer.status_code in {404, 422}
    assert said in answer.content.decode()


def test_nobody_erases_in_a_system_of_others(operator: Client, trace: Trace) -> None:
    foreign: System = make_world("others").system
    assert "Select a valid choice" in operator.post(PAGE, asked(trace, system=foreign.pk)).content.decode()


@pytest.mark.parametrize("role", ["reviewer", "approver", "auditor", "author", "researcher"])
def test_it_is_for_operators(client: Client, world: World, role: str) -> None:
    client.force_login(world.people[role])
    assert client.get(PAGE).status_code == 403


def test_the_report_of_many_names_a_page_of_them_and_leads_to_all(
    operator: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasure_page, "MOST_SHOWN", 2)
    world.token(Scope.INGEST)
    spans = [
        make_span(trace_id=bytes([n]) * 16, attributes={"enduser.id": "4711"}, parent_span_id=b"")
        for n in range(1, 6)
    ]
    send(make_request(*spans).SerializeToString())
    wanted = {"system": world.system.pk, "subject": "enduser.id=4711", "reason": "request 2026-18"}
    agreed = operator.post(PAGE, wanted).context["plan"].digest
    done = operator.post(PAGE, wanted | {"agreed": agreed}, follow=True).content.decode()
    assert Erasure.objects.count() == 5
    assert done.count("/admin/evidence/erasurecertificate/") == 2
    assert "3 more traces were erased" in done
    assert f"/admin/evidence/erasure/?system__id__exact={world.system.pk}" in done


def test_lists_of_what_goes_end_where_they_say_and_what_stays_is_shown_whole(
    operator: Client, world: World, trace: Trace, monkeypatch: pytest.MonkeyPatch
) -> None:
    n = erasure_page.MOST_OF_A_TRACE + 5
    keys = list(range(1001, 1001 + n))
    plan = ErasurePlan(
        world.system, trace.trace_id, copies={"evidence_evalsample": keys},
        binders=[f"binder-{key}.zip" for key in keys],
        blobs=[BlobPlan(Role.BODY, f"blob-{key}") for key in keys], unread=[f"file {key}" for key in keys],
        stays=[Stay(called(Role.VALUE, f"{key}"), worded("registered by another system")) for key in keys],
        before=[Tombstone(key, clock.now()) for key in keys],
    )  # fmt: skip
    monkeypatch.setattr(erasure_page, "plan_wanted", lambda **_: [plan])
    page = operator.post(PAGE, asked(trace)).content.decode()
    for says in ("evidence_evalsample {}, ", "blob-{}", "by erasure {} "):
        assert says.format(keys[0]) in page
        assert says.format(keys[-5]) not in page
    assert page.count("and 5 more") == 3
    for says in ("binder-{}.zip", "file {}", "value {}"):  # what stays, and what somebody has to do
        assert says.format(keys[-1]) in page


def test_a_plan_is_read_in_the_readers_language_and_certified_in_english(
    operator: Client, world: World, trace: Trace, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = worded("under hold %(hold)s, and %(why)s", hold=3, why=worded("it cannot be read"))
    shared = say_shared_with(world.system, world.system.pk, "ab")
    stays = [Stay(called(Role.VALUE, "3f"), shared), Stay(called(Role.BODY, "4f"), held)]
    plan = ErasurePlan(
        world.system, trace.trace_id, stays=stays, blobs=[BlobPlan(Role.EVAL_FILE, "5f")],
        unread=[called(Role.DATASET, "6f")],
    )  # fmt: skip
    monkeypatch.setattr(erasure_page, "plan_wanted", lambda **_: [plan])
    page = operator.post(PAGE, asked(trace), headers={"accept-language": "zh-CN"}).content.decode()
    said = (
        "值 3f: 与轨迹 ab 共有", "正文 4f: 处于保留 3 之下，且它无法读取", "评测文件 5f", "数据集 6f",
        "数据库和 blob 存储的备份",
    )  # fmt: skip
    assert [text for text in said if text not in page] == []
    shown = page[page.index("tb-plan") :]
    assert 'lang="en"' not in shown
    assert [f"{stay.what}: {stay.why}" for stay in stays] == [
        "value 3f: shared with trace ab", "body 4f: under hold 3, and it cannot be read",
    ]  # fmt: skip
