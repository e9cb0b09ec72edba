"""The page of a gate's decision: what it rests on, in the words and drawings of the admin."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import UUID

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation
from django.utils.html import escape

from evidence.admin.decision_page import show_reasons_of
from evidence.evals.corrected import drawn_order
from evidence.models import ArtefactKind, GateDecision
from evidence.selectors.labels import seed_of
from evidence.services import evals, registry
from evidence.services.gates import CriterionReference, decide_gate
from evidence.services.labels import LabelDraft, record_labels
from tests.evidence.eval_files import eval_file, post, register_eval_versions
from tests.factories import World, acting, define_gate
from tests.requirements.builders import make_criterion, make_trace

pytestmark = pytest.mark.django_db


def make_decision(world: World) -> GateDecision:
    """Decide on a release whose newest run tells too little, with a run passed over and a retraction that waits."""
    register_eval_versions(world)
    parameters = "{suite: {key: behaviour}, metric: grounded, planned_runs: 3}"
    make_criterion(world, check="evals.metric", parameters=parameters)
    define_gate(system=world.system, key="release", references=[CriterionReference(requirement="r")])
    post(world, eval_file([1.0] * 30, run_key="first", commit="1111111aaaa"))
    run = post(world, eval_file([1.0] * 26 + [0.0] * 4, run_key="second", commit="2222222bbbb")).run
    evals.ask_retraction(principal=world.principal("author"), run=run, reason="labels swapped")
    return decide_gate(
        principal=acting("token:ci"),
        system=world.system,
        gate="release",
        release=world.release,
        runs=["first"],
    )


def page_of(client: Client, decision: GateDecision) -> str:
    return client.get(reverse("admin:evidence_gatedecision_change", args=[decision.pk])).content.decode()


def test_the_page_shows_numbers_runs_retractions_and_what_would_settle_it(
    world: World, client: Client
) -> None:
    decision = make_decision(world)
    client.force_login(world.people["auditor"])
    page = page_of(client, decision)
    for said in (
        "<svg", "at least 0.8 share", "30 observations", "look 2 of 3", "too_few_to_tell", "more units like these",
        "2222222bbbb", "second was received later", "labels swapped", "not confirmed", "run first", "run_passed_over",
        world.people["author"].username, "</time> <span", "user:gina",
    ):  # fmt: skip
        assert said in page


def spoken(page: str, language: str) -> list[str]:
    """Return the definitions of a page's cards."""
    assert f'<html lang="{language}"' in page
    return [" ".join(each.split()) for each in re.findall(r"<dd>(.*?)</dd>", page, re.DOTALL)]


def test_a_reader_of_chinese_is_told_why_and_what_settles_it_before_the_stored_sentences(
    world: World, client: Client
) -> None:
    decision = make_decision(world)
    short, unbound = decision.reasons
    client.force_login(world.people["auditor"])
    client.cookies["django_language"] = "zh-hans"
    page = page_of(client, decision)
    told, quiet = spoken(page, "zh-hans"), '<br><span class="tb-quiet" lang="en">'
    more = short["would_settle"]["more_units"]
    for said, stored in (
        ("观测太少，无法判断", f"{escape(short['detail'])}</span> <code>too_few_to_tell</code>"),
        (f"约再有 {more} 个类似的独立单元", f"{short['would_settle']['detail']}</span>"),
        (
            "该运行未被采用：由更新的运行决定，或它已被撤回",
            f"{unbound['detail']}</span> <code>run_passed_over</code>",
        ),
        (
            "请就起决定作用的运行询问门禁，或提交所指的运行后再次询问",
            f"{unbound['would_settle']['detail']}</span>",
        ),
    ):
        assert f"{said}{quiet}{stored}" in told
    passed_over = short["passed_over"][0]["detail"]
    assert f"之后收到了另一次运行，以最新的运行为准{quiet}{passed_over}</span>" in page


def test_in_english_nothing_is_said_twice(world: World, client: Client) -> None:
    decision = make_decision(world)
    client.force_login(world.people["auditor"])
    client.cookies["django_language"] = "en"
    page = page_of(client, decision)
    told = spoken(page, "en")
    for reason in decision.reasons:
        assert f"{escape(reason['detail'])} <code>{reason['code']}</code>" in told
        assert escape(reason["would_settle"]["detail"]) in told
    assert 'lang="en"' not in page.partition("<main")[2]


def test_a_text_of_an_older_version_is_shown_as_it_was_stored(world: World) -> None:
    reason = {
        "criterion": "r/c", "requirement": "r v1", "verdict": "insufficient", "detail": "said < otherwise",
        "code": "no_run", "measured": None, "would_settle": {"more_units": None, "detail": "run it"}, "waiver": None,
    }  # fmt: skip
    with translation.override("zh-hans"):
        shown, bare = show_reasons_of([reason, {**reason, "code": "of_before"}])
    assert shown.detail == (
        '没有该套件的运行记录<br><span class="tb-quiet" lang="en">said &lt; otherwise</span>'
    )
    assert shown.settles == '<span lang="en">run it</span>'
    assert bare.detail == '<span lang="en">said &lt; otherwise</span>'


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (0, ["uncalibrated", "raw value 1", "0 labels in 0 independent units by 0 people"]),
        (
            40,
            [
                "calibrated; raw value 1; corrected by people 0.9 (",
                "which the criterion does not ask for",
                "40 labels in 40 independent units by 1 people",
                "2 further labels are ahead of their turn",
            ],
        ),
    ],
)
def test_the_page_shows_a_judge_beside_what_people_say(
    world: World, client: Client, labels: int, said: list[str]
) -> None:
    register_eval_versions(world)
    judge = registry.ensure_version(
        system=world.system, kind=ArtefactKind.JUDGE, key="llm", label="1", digest="9" * 64, actor="user:ci"
    )
    registry.register_version(principal=acting("user:ann"), version=judge)
    make_criterion(world, check="evals.metric", parameters="{suite: {key: behaviour}, metric: grounded}")
    define_gate(system=world.system, key="release", references=[CriterionReference(requirement="r")])
    run = post(world, eval_file([1.0] * 60, judge={"key": "llm", "label": "1", "digest": "9" * 64})).run
    order = drawn_order(seed_of(run), [str(k) for k in range(60)])
    counted = [LabelDraft(order[k], "grounded", float(k % 10 != 0)) for k in range(labels)]
    ahead = [LabelDraft(name, "grounded", 1.0) for name in order[-2:]]
    if labels:
        record_labels(principal=world.principal("reviewer"), run=run, labels=[*counted, *ahead])
    decision = decide_gate(
        principal=acting("token:ci"), system=world.system, gate="release", release=world.release
    )
    client.force_login(world.people["auditor"])
    page = page_of(client, decision)
    for words in ("judge:llm v1 (1)", *said):
        assert words in page


def test_a_decision_of_before_shows_its_sentences(world: World, client: Client) -> None:
    decision = make_decision(world)
    bare = {
        "criterion": "r/c",
        "requirement": "r v1",
        "verdict": "met",
        "detail": "value 0.9",
        "waiver": None,
    }
    older = GateDecision(
        **{
            field.attname: getattr(decision, field.attname)
            for field in GateDecision._meta.concrete_fields
            if field.name not in {"id", "xact_id", "reasons", "code_version"}
        },
        reasons=[bare],
        code_version="gate/2",
    )
    older.save()
    client.force_login(world.people["auditor"])
    assert "value 0.9" in page_of(client, older)


def test_the_page_says_what_the_units_are_and_how_many_observations_wait(
    world: World, client: Client
) -> None:
    make_criterion(world, min_n=1, max_age_days="null", parameters="{looks: continuous}")
    define_gate(system=world.system, key="release", references=[CriterionReference(requirement="r")])
    for hours in (30, 29, 1):
        make_trace(world, age=timedelta(hours=hours), conversation=UUID(int=7))
    decision = decide_gate(
        principal=acting("token:ci"), system=world.system, gate="release", release=world.release
    )
    client.force_login(world.people["auditor"])
    page = page_of(client, decision)
    assert (
        "1 independent units (conversations), 2 observations, 1 more wait until their unit is complete"
        in page
    )
    assert "n 1 units (conversations) of 2 traces (1 more wait until their unit is complete)" in page
