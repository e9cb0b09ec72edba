"""The chain around a record: every link of it both ways, fans folded with their count, and findings beside it alone."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from evidence.admin.frame.chain_kinds import CHAIN_KINDS
from evidence.admin.frame.on_chain import OnChainFilter
from evidence.models import (
    Citation,
    EvalRun,
    GateDecision,
    Review,
    SourceDocument,
    Trace,
)
from evidence.services import reviews
from evidence.services.gates import CriterionReference, decide_gate
from interpret.models import Finding
from requirements.models import AcceptanceCriterion, Assessment, RequirementVersion
from requirements.selectors import chain as selector
from requirements.selectors.chain import NOUNS, RELATIONS
from tests.e2e.cases import make_task
from tests.evidence.binder_world import Filled, export, fill
from tests.evidence.eval_files import eval_file, post, register_eval_versions
from tests.evidence.test_admin import store_what_other_parts_store
from tests.evidence.test_blinding import colleague
from tests.factories import World, acting, define_gate, make_world
from tests.kept_scenes import kept_scene
from tests.requirements.builders import make_criterion, make_trace
from tests.requirements.test_coverage import assess
from tests.requirements.test_eval_criteria import PARAMETERS, assessed
from tests.requirements.test_system_strips import judged

pytestmark = pytest.mark.django_db

MOST_STATEMENTS = 25


@pytest.fixture
@kept_scene
def filled(world: World) -> Filled:
    return fill(world)


def show(person: User, kind: str, pk: object, status: int = 200, steps: int = 3) -> Any:
    client = Client()
    client.force_login(person)
    answer = client.get(reverse("admin:chain", args=[kind, pk]), {"steps": steps})
    assert answer.status_code == status, answer.content.decode()
    return answer


def kinds_in(tree: Any) -> set[str]:
    """Return the kinds of a list, by the addresses in it."""
    found = {each.url.split("/")[3] for each in tree if each.kind}
    return found.union(*(kinds_in(each.more) for each in tree))


def around(person: User, record: Model, steps: int = 3) -> tuple[set[str], set[str]]:
    """Return the kinds that lead to a record, and those that it leads to."""
    told = show(person, CHAIN_KINDS[record._meta.label_lower], record.pk, steps=steps).context
    return kinds_in(told["up"]), kinds_in(told["down"])


def newest(model: type[Model]) -> Any:
    return model._default_manager.latest("pk")


def test_each_link_leads_to_the_next_both_ways(filled: Filled) -> None:
    assert set(CHAIN_KINDS.values()) == NOUNS.keys()
    world, auditor, trace = filled.world, filled.world.people["auditor"], filled.trace
    binder, run = export(filled), EvalRun.objects.get()
    citation = Citation.objects.filter(claim__trace=trace, document__isnull=False).latest("pk")
    review = Review.objects.get(task__trace=trace)
    decision = newest(GateDecision)
    judged = {"release", "assessment", "decision", "run", "criterion"}
    asked_for = decision.reasons[0]["criterion"].partition("/")[0]
    requirement = RequirementVersion.objects.get(requirement__key=asked_for)
    assert around(auditor, requirement) == (set(), {"criterion", "assessment", "decision", "release"})
    assert around(auditor, newest(AcceptanceCriterion))[0] == {"requirement"}
    assert around(auditor, decision, 2) == ({"assessment", "criterion"}, {"release", "trace", "binder"})
    assert around(auditor, run, 2) == (set(), {"release", "trace", "binder"})
    up, down = around(auditor, world.release)
    assert (up, down >= {"trace", "binder"}) == (judged - {"release"} | {"requirement"}, True)
    assert around(auditor, binder) == (judged, set())
    assert around(auditor, trace) == (judged, {"claim", "review", "citation", "source"})
    assert around(auditor, review) == (judged - {"criterion"} | {"trace"}, set())
    assert around(auditor, citation) == ({"claim", "trace", "release"}, {"source"})
    assert around(auditor, newest(SourceDocument)) == ({"citation", "claim", "trace"}, set())


def test_an_assessment_leads_to_the_run_that_decided_it_and_back(world: World) -> None:
    criterion = make_criterion(world, check="evals.metric", parameters=PARAMETERS)
    register_eval_versions(world)
    run, auditor = post(world, eval_file()).run, world.people["auditor"]
    judged = assessed(world, criterion)
    assert around(auditor, judged, 2) == ({"criterion", "requirement"}, {"run", "release"})
    assert around(auditor, run, 3) == ({"assessment", "criterion", "requirement"}, {"release"})


def test_a_fan_is_folded_with_its_count_and_leads_to_its_list(
    filled: Filled, monkeypatch: pytest.MonkeyPatch
) -> None:
    auditor, release = filled.world.people["auditor"], filled.world.release
    n = Trace.objects.filter(release=release).count()
    answer = show(auditor, "release", release.pk)
    page = answer.content.decode()
    traces = [each for each in answer.context["down"] if "trace" in each.url]
    assert [each.label for each in traces if not each.kind] == [f"{n} answers"]
    assert len(traces) == 3  # the newest two, and the fan
    address = f"{reverse('admin:evidence_trace_changelist')}?release__id__exact={release.pk}"
    assert address in page
    client = Client()
    client.force_login(auditor)
    assert client.get(address).status_code == 200
    monkeypatch.setattr(selector, "MOST_COUNTED", 7)
    monkeypatch.setattr("requirements.pages.chain.MOST_COUNTED", 7)
    assert "more than 7 answers" in show(auditor, "release", release.pk).content.decode()


def fans(tree: Any) -> list[Any]:
    """Return the boxes of a list that stand for several records."""
    return [each for each in tree if not each.kind] + [fan for each in tree for fan in fans(each.more)]


def judged_by_several(world: World) -> tuple[GateDecision, list[Assessment]]:
    """Return a decision that read an assessment of each of six requirements; another gate read two of them."""
    for number in range(6):
        make_criterion(world, key=f"r{number}", min_n=1)
    make_trace(world)
    assess(world, world.release)
    for key, read in (("two", range(2)), ("all", range(6))):
        references = [CriterionReference(requirement=f"r{number}") for number in read]
        define_gate(system=world.system, key=key, references=references)
        decide_gate(principal=acting(), system=world.system, gate=key, release=world.release)
    decision = newest(GateDecision)
    digests = [each["inputs_digest"] for each in decision.reasons]
    return decision, list(Assessment.objects.filter(inputs_digest__in=digests).order_by("-pk"))


def test_a_box_of_several_leads_to_the_list_of_just_these(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both ways between what no column joins: a decision and what it read, a run and what it decided."""
    auditor = world.people["auditor"]
    decision, read = judged_by_several(world)
    assert len(read) == 6
    judged(read[0].criterion, world.release, "met", inputs_digest="c" * 64)  # which no gate read
    (fan,) = fans(show(auditor, "decision", decision.pk, steps=2).context["up"])
    assert fan.label == "6 assessments"
    assert listed(auditor, fan.url) == [each.pk for each in read]
    page = show(auditor, "decision", decision.pk, steps=2).content.decode()
    drawn = page.partition("tb-drawing")[2].partition("</svg>")[0]
    assert f'href="{fan.url}"' in drawn, "the drawing leads there, too"
    monkeypatch.setattr(selector, "_DRAWN_NEAR", 1)
    (fan,) = (
        each for each in fans(show(auditor, "assessment", read[-1].pk, steps=2).context["down"])
        if "gatedecision" in each.url
    )  # fmt: skip
    assert listed(auditor, fan.url) == [each.pk for each in GateDecision.objects.order_by("-pk")]


def test_a_run_and_what_it_decided_lead_to_lists_of_one_another(world: World) -> None:
    criterion = make_criterion(world, check="evals.metric", parameters=PARAMETERS)
    register_eval_versions(world)
    run, auditor = post(world, eval_file()).run, world.people["auditor"]
    first = assessed(world, criterion)
    found = [first, *(judged(criterion, world.release, "met", inputs=first.inputs) for _ in range(5))]
    judged(criterion, world.release, "met", inputs_digest="c" * 64)  # of no run
    (up,) = fans(show(auditor, "run", run.pk, steps=2).context["up"])
    assert listed(auditor, up.url) == [each.pk for each in reversed(found)]
    runs = reverse("admin:evidence_evalrun_changelist")
    assert listed(auditor, f"{runs}?on_chain=assessment:{found[0].pk}") == [run.pk]


def listed(person: User, address: str) -> list[int]:
    client = Client()
    client.force_login(person)
    answer = client.get(address)
    assert answer.status_code == 200, address
    return [row.pk for row in answer.context["cl"].result_list]


def test_a_list_is_narrowed_to_what_hangs_on_records_that_one_may_see(filled: Filled) -> None:
    world, decision = filled.world, newest(GateDecision)
    client = Client()
    client.force_login(world.people["auditor"])
    address = reverse("admin:requirements_assessment_changelist")
    page = client.get(address, {"on_chain": f"decision:{decision.pk}"}).content.decode()
    assert "gate decision" in page.partition('id="changelist-filter"')[2], (
        "the list says what it is narrowed to"
    )
    for wrong in ("decision:0", "decision:", f"trace:{filled.trace.pk}", "nothing:1", "decision:1\0", "5"):
        assert client.get(address, {"on_chain": wrong}).status_code != 200, wrong
    stranger = Client()
    stranger.force_login(make_world("other").people["auditor"])
    assert stranger.get(address, {"on_chain": f"decision:{decision.pk}"}).status_code != 200


def test_each_fan_that_there_can_be_has_a_list() -> None:
    """Of what is above a column there is one at the most, so that no fan stands there."""
    for relation in RELATIONS:
        lower = NOUNS[relation.lower].model
        if relation.lists_by_chain:
            for model in (lower, NOUNS[relation.upper].model):
                assert OnChainFilter in admin.site._registry[model].list_filter
        else:
            assert relation.lists_down
            one = {"requirement", "criterion", "release", "trace", "claim"}
            assert relation.lists_up or relation.upper in one


@pytest.mark.parametrize("role", ["auditor", "researcher"])
def test_statements_are_few_from_wherever_one_looks(filled: Filled, role: str) -> None:
    world = filled.world
    export(filled)
    for _ in range(8):
        make_trace(world, claims=[("verbatim", 1.0)] * 6)
    for label in CHAIN_KINDS:
        model = next(each.model for each in NOUNS.values() if each.model._meta.label_lower == label)
        client = Client()
        client.force_login(world.people[role])
        row = newest(model)
        with CaptureQueriesContext(connection) as asked:
            answer = client.get(reverse("admin:chain", args=[CHAIN_KINDS[label], row.pk]), {"steps": 3})
        assert answer.status_code == 200
        assert len(asked) <= MOST_STATEMENTS, (label, len(asked))


def test_findings_stand_beside_it_for_those_who_may_see_them_and_are_absent_otherwise(world: World) -> None:
    store_what_other_parts_store(world)
    finding = newest(Finding)
    release = finding.run.release
    researcher, auditor = world.people["researcher"], world.people["auditor"]
    page = show(researcher, "finding", finding.pk)
    assert reverse("admin:finding", args=[finding.pk]) in page.content.decode()
    assert "tb-draw-beside" in page.content.decode()
    assert show(researcher, "release", release.pk).status_code == 200
    for told in (show(auditor, "release", release.pk), show(auditor, "finding", finding.pk, 404)):
        assert "finding" not in told.content.decode().split("<main")[-1].lower()
    unknown = show(auditor, "nothing", 1, 404).content
    assert b"There is nothing here" in unknown


def test_a_reviewer_sees_no_review_of_what_waits_for_them(world: World) -> None:
    second = colleague(world, "second", "reviewer")
    task = make_task(world)
    said = reviews.record_review(principal=world.principal("reviewer"), trace=task.trace, decision="approve")
    assert "review" not in around(second, task.trace)[1]
    show(second, "review", said.pk, 404)
    assert "review" in around(world.people["reviewer"], task.trace)[1]


def test_another_system_has_no_chain_here_and_records_lead_to_theirs(filled: Filled) -> None:
    world = filled.world
    stranger = make_world("other").people["auditor"]
    show(stranger, "release", world.release.pk, 404)
    show(world.people["operator"], "release", world.release.pk, 403)
    show(world.people["auditor"], "release", world.release.pk, 422, steps=9)
    client = Client()
    client.force_login(world.people["auditor"])
    record = client.get(
        reverse("admin:evidence_citation_change", args=[newest(Citation).pk])
    ).content.decode()
    assert reverse("admin:chain", args=["citation", newest(Citation).pk]) in record
