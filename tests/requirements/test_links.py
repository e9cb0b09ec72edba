"""Links become suspect as either end moves, step by step, and a second person clears each with a reason."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from evidence import clock
from evidence.errors import AccessDenied, InvalidInput
from evidence.models import AuditEvent, Deployment, Release, Scope
from evidence.selectors.deployments import Suspects, suspects_of
from evidence.services import deployments, registry
from requirements.errors import (
    LinkMoved,
    LinkNotAllowed,
    LinkNotSuspect,
    LinkWithdrawn,
    RequirementFileInvalid,
    SelfClearance,
)
from requirements.models import LinkReview, TraceLink
from requirements.services.assessment import assess_release
from requirements.services.links import add_link, clear_link, withdraw_link
from requirements.services.requirements import import_requirements
from tests.factories import World, acting
from tests.requirements.builders import APPROVER, AUTHOR, make_trace, move, retire
from tests.requirements.links_world import REVIEWER, change, clear, file_of, put, standing, thing, tie, told

pytestmark = pytest.mark.django_db

CASES = {
    case["id"]: case
    for case in json.loads((Path(__file__).parent / "data/link_cases.json").read_text(encoding="utf-8"))
}


def lay_out(world: World, case: dict[str, Any]) -> None:
    """Import and approve the items of a case, and link them."""
    put(world.system, *case["given"]["items"])
    for each in case["given"]["links"]:
        tie(world.system, f"{each['upstream']}>{each['downstream']}", each["kind"])


def expected(case: dict[str, Any]) -> dict[str, list[str]]:
    return {word: sorted(case.get(word, [])) for word in ("suspect_direct", "suspect_transitive", "clean")}


@pytest.mark.parametrize("then", [0, 1])
def test_a_changed_parent_makes_what_is_below_suspect_step_by_step(world: World, then: int) -> None:
    case = CASES["transitive-suspect"]
    lay_out(world, case)
    for step in case["steps"]:
        change(world.system, step["change"])
    assert told(world.system) == expected(case["expect"])
    step = case["expect"]["then"][then]
    act = step.get("instead", step)
    clear(world.system, act["clear"])
    if "and_change" in act:
        change(world.system, act["and_change"])
        # B changed: its link to A has an end that moved as well, until somebody looks at that too
        assert "A>B" in told(world.system)["suspect_direct"]
        clear(world.system, act["clear"])
    assert told(world.system) == expected(step["expect"])


def test_the_link_to_one_parent_is_cleared_and_the_other_stays(world: World) -> None:
    case = CASES["clear-one-parent"]
    lay_out(world, case)
    for step in case["steps"]:
        if "change" in step:
            change(world.system, step["change"])
        else:
            clear(world.system, step["clear"], step["reason"])
    assert told(world.system) == expected(case["expect"])


@pytest.mark.parametrize("attribute", CASES["what-counts-as-change"]["expect"]["suspect_after"])
def test_what_counts_as_a_change(world: World, attribute: str) -> None:
    case = CASES["what-counts-as-change"]
    steps = {step["set"]: step["to"] for step in case["steps"][0]["each_alone"]}
    put(world.system, "R")
    register_suite(world, "T", "1")
    tie(world.system, "R>T", "verifies", downstream="suite")
    each: dict[str, dict[str, Any]] = {
        "statement.zh-Hans": {"statement": '{en: The answer must say S., zh-Hans: "回答必须说明S。"}'},
        "statement.en": {"statement": '"The answer must say S.  "'},
        "criteria.c.at_least": {"at_least": 0.95},
        "criteria.c.min_n": {"min_n": steps["criteria.c.min_n"]},
    }
    put(world.system, "R", **each.get(attribute, {attribute: steps[attribute]}))
    assert standing(world.system, "R>suite:T").is_suspect is case["expect"]["suspect_after"][attribute]
    assert LinkReview.objects.get().counted == "criteria,layer,risk_tier,statement"


def test_each_link_says_which_side_moved_and_a_draft_moves_nothing(world: World) -> None:
    want = CASES["approved-but-link-behind"]["expect"]["report"]
    put(world.system, "P", "K")
    tie(world.system, "P>K")
    put(world.system, "K", statement='"The answer must say more."', approved=False)
    assert told(world.system)["clean"] == ["P>K"]
    change(world.system, "P")
    found = standing(world.system, "P>K")
    assert list(found.reviewed_at_versions) == want["reviewed_at"]
    assert [str(found.upstream), str(found.downstream)] == want["now"]
    assert (found.is_suspect, list(found.because)) == (want["suspect"], want["because"])


def test_a_link_made_beside_a_draft_is_not_suspect_once_that_is_approved(world: World) -> None:
    put(world.system, "P", "K")
    (draft,) = put(world.system, "K", statement='"The answer must say more."', approved=False)
    tie(world.system, "P>K")
    for step, who in (("in_review", AUTHOR), ("approved", APPROVER)):
        move(draft, step, who)
    assert told(world.system)["clean"] == ["P>K"]
    change(world.system, "K")
    assert told(world.system)["suspect_direct"] == ["P>K"]


def test_a_retired_end_is_withdrawn_and_cannot_be_cleared(world: World) -> None:
    parent, _ = put(world.system, "P", "K")
    link = tie(world.system, "P>K")
    retire(parent)
    assert standing(world.system, "P>K").because == ("P: v1 -> retired",)
    with pytest.raises(LinkWithdrawn):
        clear(world.system, "P>K")
    withdraw_link(principal=acting(APPROVER), link=link, reason="P was retired")
    assert told(world.system) == {"suspect_direct": [], "suspect_transitive": [], "clean": []}


def register_suite(world: World, key: str, label: str) -> None:
    version = registry.ensure_version(
        system=world.system, kind="suite", key=key, label=label, digest=label.zfill(64), actor="user:eve"
    )
    registry.register_version(principal=acting(APPROVER), version=version)


def release(world: World, name: str, **digests: str) -> Release:
    """Freeze a release; what has a digest of `f` is another thing and not another version."""
    pins = [
        registry.PinSpec(
            slot=slot, kind=slot, key=f"{slot}-f" if digest[0] == "f" else slot, label=digest[:4], digest=digest
        )
        for slot, digest in digests.items()
    ]  # fmt: skip
    manifest = registry.ReleaseManifest(name=name, pins=pins)
    return registry.register_release(principal=acting(), system=world.system, manifest=manifest)


def go_live(world: World, release: Release, minutes_ago: int) -> Deployment:
    return deployments.record_deployment(
        principal=acting(), system=world.system, environment="production", release=release,
        effective_from=timezone.now() - timedelta(minutes=minutes_ago),
    )  # fmt: skip


def test_what_is_live_counts_and_another_model_moves_the_link_too(world: World) -> None:
    put(world.system, "R")
    one = release(world, "x1", model="a" * 64, prompt="b" * 64)
    go_live(world, one, 30)
    tie(world.system, "R>model", "satisfies", downstream="model")
    tie(world.system, "R>prompt", "satisfies", downstream="prompt")
    two = release(world, "x2", model="f" * 64, prompt="c" * 64)
    assert not told(world.system)["suspect_direct"], "a release that is not live moves nothing"
    go_live(world, two, 20)
    assert [
        each for name in ("R>model:model", "R>prompt:prompt") for each in standing(world.system, name).because
    ] == [
        "model:model: v1 -> not live",
        "prompt:prompt: v1 -> v2",
    ]


def test_a_deployment_names_what_it_made_suspect_until_somebody_looks(world: World, api: APIClient) -> None:
    (version,) = put(world.system, "R")
    one = release(world, "x1", prompt="b" * 64)
    go_live(world, one, 30)
    tie(world.system, "R>prompt", "satisfies", downstream="prompt")
    make_trace(world, release=one)
    assess_release(principal=acting(), release=one, versions=[version], as_of=clock.read_moment())
    two = release(world, "x2", prompt="c" * 64)
    deployed = go_live(world, two, 20)
    assert suspects_of(deployed) == Suspects(("R>prompt:prompt",), ("R/c",))
    query = {"system": world.system.key, "environment": "production"}
    told = api.get("/api/v1/deployments", query, **world.headers(Scope.READ)).json()
    assert (told["suspect_links"], told["suspect_criteria"]) == (["R>prompt:prompt"], ["R/c"])
    staged = deployments.record_deployment(
        principal=acting(),
        system=world.system,
        environment="staging",
        release=two,
        effective_from=timezone.now(),
    )
    assert suspects_of(staged) == Suspects((), ())
    clear(world.system, "R>prompt:prompt")
    make_trace(world, release=two)
    assess_release(principal=acting(), release=two, versions=[version], as_of=clock.read_moment())
    assert suspects_of(deployed) == Suspects((), ())


def test_what_a_deployment_made_suspect_is_named_by_it_until_what_is_live_puts_it_right(world: World) -> None:
    (version,) = put(world.system, "R")
    one, two, three = (
        release(world, name, prompt=digest * 64) for name, digest in (("x1", "b"), ("x2", "c"), ("x3", "d"))
    )
    go_live(world, one, 40)
    tie(world.system, "R>prompt", "satisfies", downstream="prompt")
    make_trace(world, release=one)
    assess_release(principal=acting(), release=one, versions=[version], as_of=clock.read_moment())
    second = go_live(world, two, 30)
    named = Suspects(("R>prompt:prompt",), ("R/c",))
    assert suspects_of(second) == named
    third = go_live(world, three, 20)
    assert (suspects_of(second), suspects_of(third)) == (named, Suspects((), ())), (
        "named once, where it became so"
    )
    back = go_live(world, one, 10)
    assert [suspects_of(each) for each in (second, third, back)] == [Suspects((), ())] * 3


def test_where_links_stand_is_told_whole_or_page_by_page(world: World, api: APIClient) -> None:
    put(world.system, "A", "B", "C", "D")
    for below in "BCD":
        tie(world.system, f"A>{below}")
    asked: dict[str, Any] = {"system": world.system.key, "suspicion": "any"}
    headers = world.headers(Scope.READ)
    whole = api.get("/api/v1/links/standing", asked, **headers).json()
    assert ([each["name"] for each in whole["links"]], whole["next"]) == (["A>B", "A>C", "A>D"], None)
    first = api.get("/api/v1/links/standing", {**asked, "limit": 2}, **headers).json()
    rest = api.get("/api/v1/links/standing", {**asked, "limit": 2, "after": first["next"]}, **headers).json()
    assert first["links"] + rest["links"] == whole["links"]
    assert (first["counts"], rest["counts"], rest["next"]) == (whole["counts"], whole["counts"], None)
    assert api.get("/api/v1/links/standing", {**asked, "limit": 0}, **headers).status_code == 422


def test_a_link_made_since_is_not_named_and_one_to_what_is_pinned_no_more_is(world: World) -> None:
    put(world.system, "R")
    one, two = release(world, "x1", prompt="b" * 64, model="a" * 64), release(world, "x2", model="a" * 64)
    go_live(world, one, 40)
    tie(world.system, "R>prompt", "satisfies", downstream="prompt")
    deployed = go_live(world, two, 20)
    tie(world.system, "R>model", "satisfies", downstream="model")
    assert suspects_of(deployed).links == ("R>prompt:prompt",), (
        "of what is pinned no more, not of what came since"
    )


def test_nobody_clears_their_own_change_and_the_versions_looked_at_are_named(world: World) -> None:
    put(world.system, "P", "K")
    link = tie(world.system, "P>K")
    change(world.system, "P")
    with pytest.raises(SelfClearance):
        clear(world.system, "P>K", by=AUTHOR)
    now = standing(world.system, "P>K")
    looked_at = {"upstream": now.upstream.digest, "downstream": now.downstream.digest}
    with pytest.raises(LinkMoved):
        clear_link(principal=acting(REVIEWER), link=link, reason="r", **{**looked_at, "upstream": "0" * 64})
    with pytest.raises(InvalidInput):
        clear_link(principal=acting(REVIEWER), link=link, reason=" ", **looked_at)
    reader = replace(acting(REVIEWER), scopes=frozenset({"read"}), roles=frozenset({"auditor"}))
    with pytest.raises(AccessDenied):
        clear_link(principal=reader, link=link, reason="r", **looked_at)
    clear(world.system, "P>K", "checked")
    review = LinkReview.objects.latest("pk")
    assert (review.moved, review.reason, review.reviewed_by) == (["P: v1 -> v2"], "checked", REVIEWER)
    assert AuditEvent.objects.filter(verb="trace_link.cleared", object_id=str(review.pk)).exists()
    assert clear_link(principal=acting(REVIEWER), link=link, reason="checked", **looked_at) == review
    with pytest.raises(LinkNotSuspect, match=REVIEWER):
        clear_link(principal=acting(APPROVER), link=link, reason="mine", **looked_at)


@pytest.mark.parametrize("second", ["wrote", "proposed"])
def test_nobody_clears_what_they_made_a_part_of(world: World, second: str) -> None:
    """The text that counts is of everybody who changed it since the review, and of whoever asked for its approval."""
    put(world.system, "P", "K")
    tie(world.system, "P>K")
    if second == "wrote":
        change(world.system, "P")
    result = import_requirements(
        principal=acting("user:zoe"), system=world.system, source=file_of("P", statement='"It must be said."'),
        file_name="r.yaml",
    )  # fmt: skip
    version = result.requirements[0].version
    move(version, "in_review", "user:zoe" if second == "wrote" else AUTHOR)
    move(version, "approved", APPROVER)
    for who in (AUTHOR, "user:zoe"):
        with pytest.raises(SelfClearance):
            clear(world.system, "P>K", by=who)
    clear(world.system, "P>K")


def test_what_is_above_a_requirement_is_above_its_criteria(world: World) -> None:
    register_suite(world, "fees", "1")
    put(world.system, "P", "R")
    tie(world.system, "P>R")
    tie(world.system, "R>fees", "verifies", downstream="suite")
    add_link(
        principal=acting(AUTHOR), system=world.system, kind="verifies",
        upstream=thing(world.system, "R/c", "criterion"), downstream=thing(world.system, "fees", "suite"),
    )  # fmt: skip
    change(world.system, "P")
    assert told(world.system)["suspect_transitive"] == ["R/c>suite:fees", "R>suite:fees"]
    assert standing(world.system, "R/c>suite:fees").because == ("P>R",)
    clear(world.system, "P>R")
    assert len(told(world.system)["clean"]) == 3


def test_a_criterion_that_is_drafted_back_does_not_hide_that_it_moved(world: World) -> None:
    register_suite(world, "fees", "1")
    for at_least in (0.7, 0.8):
        put(world.system, "R", at_least=at_least)
    add_link(
        principal=acting(AUTHOR), system=world.system, kind="verifies",
        upstream=thing(world.system, "R/c", "criterion"), downstream=thing(world.system, "fees", "suite"),
    )  # fmt: skip
    put(world.system, "R", at_least=0.7)
    assert told(world.system)["suspect_direct"] == ["R/c>suite:fees"]
    put(world.system, "R", at_least=0.8, approved=False)
    assert told(world.system)["suspect_direct"] == ["R/c>suite:fees"]


def test_what_was_withdrawn_is_not_added_again_by_whoever_moved_it_or_by_a_script(world: World) -> None:
    put(world.system, "P", "K")
    link = tie(world.system, "P>K")
    change(world.system, "P")
    withdraw_link(principal=acting(APPROVER), link=link, reason="K no longer answers to it")
    with pytest.raises(SelfClearance):
        tie(world.system, "P>K")
    client = APIClient()
    client.credentials(**world.headers(Scope.IMPORT))
    ends = {"upstream": {"key": "P"}, "downstream": {"key": "K"}}
    sent = {"system": world.system.key, "kind": "derives", **ends}
    assert client.post("/api/v1/links", sent, format="json").status_code == 403
    assert link.reviews.count() == 2
    misspelt = client.post("/api/v1/links", sent | {"upstream": {"key": "PP"}}, format="json").json()
    assert misspelt["detail"].endswith("has no requirement 'PP'; did you mean 'P'?")
    add_link(
        principal=acting(REVIEWER), system=world.system, kind="derives", upstream=thing(world.system, "P"),
        downstream=thing(world.system, "K"), reason="it does",
    )  # fmt: skip
    assert told(world.system)["clean"] == ["P>K"]


def test_links_lead_only_where_their_kind_does_and_never_round(world: World) -> None:
    put(world.system, "A", "B", "C")
    tie(world.system, "A>B")
    tie(world.system, "B>C", "refines")
    with pytest.raises(LinkNotAllowed, match=r"A > B > C > A|B > C > A > B|C > A > B > C"):
        tie(world.system, "C>A")
    with pytest.raises(LinkNotAllowed, match="requirement to dataset"):
        tie(world.system, "A>B", "verifies")
    assert TraceLink.objects.count() == 2


def test_a_withdrawn_link_holds_again_when_it_is_added_again(world: World) -> None:
    put(world.system, "A", "B")
    link = tie(world.system, "A>B")
    with pytest.raises(SelfClearance):
        withdraw_link(principal=acting(AUTHOR), link=link, reason="wrong")
    withdraw_link(principal=acting(APPROVER), link=link, reason="wrong")
    assert tie(world.system, "A>B") == link
    assert told(world.system)["clean"] == ["A>B"]
    again = add_link(
        principal=acting(AUTHOR), system=world.system, kind="derives", upstream=thing(world.system, "A"),
        downstream=thing(world.system, "B"),
    )  # fmt: skip
    assert again == link
    assert link.reviews.count() == 3


FILE = Path(__file__).parent / "data/cycle.yaml"


def test_a_file_whose_requirements_derive_from_each_other_is_refused_with_the_cycle(world: World) -> None:
    with pytest.raises(RequirementFileInvalid) as refused:
        import_requirements(
            principal=acting(AUTHOR), system=world.system, source=FILE.read_bytes(), file_name="m.yaml"
        )
    (problem,) = refused.value.problems
    assert (problem.line, problem.code) == (9, "cycle")
    assert "M1 > M2 > M1" in problem.message or "M2 > M1 > M2" in problem.message
    assert not TraceLink.objects.exists()


def test_a_file_makes_its_links_and_again_makes_none(world: World) -> None:
    register_suite(world, "fees", "1")
    put(world.system, "P")
    links = "    derives: [P]\n    verifies: [{suite: fees}]\n"
    put(world.system, "K", links=links)
    assert told(world.system)["clean"] == ["K>suite:fees", "P>K"]
    put(world.system, "K", links=links)
    assert LinkReview.objects.count() == TraceLink.objects.count() == 2
    assert AuditEvent.objects.filter(verb="trace_link.made").count() == 2


@pytest.mark.parametrize(
    ("links", "code", "line", "says"),
    [
        ("    derives: [PP]\n", "unknown_end", 12, "no requirement 'PP' is on record; did you mean 'P'?"),
        ("    verifies: [{suit: fees}]\n", "unknown_end", 12, "did you mean 'suite'?"),
        ("    verifies: [P]\n", "unknown_end", 12, "leads to no 'requirement'"),
        ("    derives: P\n", "not_a_list", 12, "derives: [KEY]"),
        ("    derives: [P, P]\n", "duplicate_link", 12, "named above already"),
        ("    derivs: [P]\n", "unknown_field", 12, "derives"),
        ("    derives: [P]\n", "cycle", 12, "K > P > K"),
    ],
)
def test_every_fault_of_a_link_stands_at_its_line(
    world: World, links: str, code: str, line: int, says: str
) -> None:
    put(world.system, "P", "K")
    if code == "cycle":
        tie(world.system, "K>P")
    with pytest.raises(RequirementFileInvalid) as refused:
        put(world.system, "K", links=links)
    problem = next(each for each in refused.value.problems if each.code == code)
    assert says in problem.message or "P > K > P" in problem.message
    assert problem.line == line
