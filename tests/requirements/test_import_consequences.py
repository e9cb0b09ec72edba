"""What a plan leads to: links that become suspect, are new or named no longer, and criteria that are assessed anew."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from evidence import clock
from evidence.access import Principal
from evidence.models import Scope
from evidence.services import deployments, registry
from requirements.errors import RequirementFileInvalid
from requirements.services.assessment import assess_release
from requirements.services.importing import (
    Consequences,
    SourceText,
    consequences_of,
    import_files,
    plan_import,
    told_plan,
)
from requirements.services.links import add_link, withdraw_link
from tests.factories import World, acting, make_world
from tests.requirements.builders import APPROVER, AUTHOR, approve, make_trace, retire
from tests.requirements.links_world import change, file_of, put, thing, tie, told

pytestmark = pytest.mark.django_db
HEAD = b"format: tracebinder.requirements/1\nrequirements:\n"


def joined(*files: bytes) -> bytes:
    return HEAD + b"".join(each.removeprefix(HEAD) for each in files)


def then(world: World, source: bytes, *, principal: Principal | None = None) -> Consequences:
    """Plan a file as the one that `put` imports, and return what that leads to."""
    who = principal or acting(AUTHOR)
    plan = plan_import(principal=who, system=world.system, sources=[SourceText("r.yaml", source)])
    return consequences_of(who, world.system, plan)


def suspects(found: Consequences) -> dict[str, tuple[str, tuple[str, ...], str]]:
    return {
        each.standing.name: (each.standing.suspicion.value, each.standing.because, each.after.value)
        for each in found.suspect
    }


def suite(world: World, key: str) -> None:
    registry.ensure_version(
        system=world.system, kind="suite", key=key, label="1", digest=key.rjust(64, "0"), actor="user:eve"
    )


def test_a_changed_wording_tells_its_links_step_by_step_and_what_is_assessed_anew(world: World) -> None:
    suite(world, "fees")
    put(world.system, "A", "B", "C", "D")
    for link in ("A>B", "B>C"):
        tie(world.system, link)
    tie(world.system, "B>fees", "verifies", downstream="suite")
    tie(world.system, "D>C")
    source = joined(file_of("B", "C", "D"), file_of("A", statement='"The answer must say T."'))
    found = then(world, source)
    assert suspects(found) == {
        "A>B": ("direct", ("A: v1 -> v2",), "approval"),
        "B>C": ("transitive", ("A>B",), "approval"),
        "B>suite:fees": ("transitive", ("A>B",), "approval"),
    }
    assert [(each.name, each.change, each.verdict) for each in found.criteria] == [("A/c", "same", "")]
    # and that is what happens: nothing by the import, all of it by the approval
    (made,) = [
        each.version
        for each in import_files(
            principal=acting(AUTHOR), system=world.system, sources=[SourceText("r.yaml", source)]
        ).requirements
        if each.created
    ]
    assert len(told(world.system)["clean"]) == 4
    approve(made)
    assert told(world.system) == {
        "suspect_direct": ["A>B"],
        "suspect_transitive": ["B>C", "B>suite:fees"],
        "clean": ["D>C"],
    }


def test_another_owner_makes_nothing_suspect_and_its_criteria_are_assessed_anew(world: World) -> None:
    put(world.system, "A", "B")
    tie(world.system, "A>B")
    found = then(world, joined(file_of("A", owner="somebody-else"), file_of("B")))
    assert not found.suspect
    assert [(each.name, each.change) for each in found.criteria] == [("A/c", "same")]


def test_what_is_suspect_already_is_not_told_again(world: World) -> None:
    put(world.system, "A", "B")
    tie(world.system, "A>B")
    change(world.system, "A")
    assert not then(world, joined(file_of("A", statement='"The answer must say U."'), file_of("B"))).suspect


def test_a_changed_and_a_removed_criterion_move_the_links_of_it_alone(world: World) -> None:
    suite(world, "fees")
    put(world.system, "A", "B")
    for key in "AB":
        tie_criterion(world, f"{key}/c")
    renamed = file_of("B").replace(b"key: c,", b"key: d,")
    found = then(world, joined(file_of("A", at_least=0.9), renamed))
    assert {name: because for name, (_, because, _) in suspects(found).items()} == {
        "A/c>suite:fees": ("A/c: v1 -> v2",),
        "B/c>suite:fees": ("B/c: v1 -> removed",),
    }
    assert [(each.name, each.change) for each in found.criteria] == [("A/c", "changed"), ("B/d", "added")]


def tie_criterion(world: World, name: str) -> None:
    add_link(
        principal=acting(AUTHOR), system=world.system, kind="verifies",
        upstream=thing(world.system, name, "criterion"), downstream=thing(world.system, "fees", "suite"),
    )  # fmt: skip


def test_what_is_dropped_tells_what_its_retirement_makes_suspect(world: World) -> None:
    parent, _ = put(world.system, "A", "B")
    tie(world.system, "A>B")
    assert suspects(then(world, file_of("B"))) == {"A>B": ("direct", ("A: v1 -> retired",), "retirement")}
    retire(parent)
    assert not then(world, file_of("B")).suspect  # it is by now


def test_the_verdict_on_what_is_live_is_told_to_whom_it_may_be(world: World) -> None:
    (version,) = put(world.system, "A")
    deployments.record_deployment(
        principal=acting(), system=world.system, environment="production", release=world.release,
        effective_from=timezone.now() - timedelta(minutes=5),
    )  # fmt: skip
    make_trace(world)
    (assessed,) = assess_release(
        principal=acting(AUTHOR), release=world.release, versions=[version], as_of=clock.read_moment()
    )
    source = file_of("A", at_least=0.9)
    assert [each.verdict for each in then(world, source).criteria] == [assessed.verdict]
    writer = replace(acting(AUTHOR), scopes=frozenset({Scope.IMPORT.value}))
    assert [each.verdict for each in then(world, source, principal=writer).criteria] == [""]


def test_new_links_are_told_with_their_line_and_what_an_import_would_refuse(world: World) -> None:
    suite(world, "fees")
    put(world.system, "P", "K")
    found = then(
        world, joined(file_of("P"), file_of("K", links="    derives: [P]\n    verifies: [{suite: fees}]\n"))
    )
    assert [(each.names[0], each.line) for each in found.added] == [("derives", 21), ("verifies", 22)]
    assert not found.problems
    # an end that comes with the file is one
    new = joined(file_of("P", "Q"), file_of("K", links="    derives: [Q]\n"))
    assert not then(world, new).problems
    missing = joined(file_of("P"), file_of("K", links="    verifies: [{suite: fee}]\n"))
    (problem,) = then(world, missing).problems
    assert (problem.code, problem.line, problem.nearest) == ("unknown_end", 21, "fees")
    tie(world.system, "K>P")
    (cycle,) = then(world, joined(file_of("P"), file_of("K", links="    derives: [P]\n"))).problems
    assert cycle.code == "cycle"
    withdraw_link(principal=acting(APPROVER), link=tie(world.system, "K>P"), reason="wrong way")
    again = joined(file_of("K"), file_of("P", links="    derives: [K]\n"))
    (withdrawn,) = then(world, again).problems
    assert withdrawn.code == "link_withdrawn"
    with pytest.raises(RequirementFileInvalid, match="withdrawn"):
        import_files(principal=acting(AUTHOR), system=world.system, sources=[SourceText("r.yaml", again)])


@pytest.mark.django_db(transaction=True)
def test_a_link_that_its_file_names_no_longer_is_asked_about_until_it_is_withdrawn() -> None:
    """Each in a transaction of its own: a link is a file's where an import of it made it."""
    world = make_world()
    put(world.system, "P", "K", approved=False)
    tie(world.system, "K>P", "refines")  # by hand: no file ever named it
    named = joined(file_of("P"), file_of("K", links="    derives: [P]\n"))
    withdraw_link(
        principal=acting(APPROVER),
        link=tie(world.system, "K>P", "refines"),
        reason="it is the other way round",
    )
    tie(world.system, "P>K", "refines")
    load = [SourceText("r.yaml", named)]
    assert not import_files(principal=acting(AUTHOR), system=world.system, sources=load).links_dropped
    bare = file_of("P", "K")
    for _ in range(2):  # asked again after the import, until somebody decides
        (dropped,) = then(world, bare).dropped
        assert (dropped.file, dropped.link.kind, dropped.link.requirement) == ("r.yaml", "derives", "K")
        result = import_files(
            principal=acting(AUTHOR), system=world.system, sources=[SourceText("r.yaml", bare)]
        )
        assert [each.link for each in result.links_dropped] == [dropped.link]
    assert not then(world, named).dropped
    withdraw_link(
        principal=acting(APPROVER), link=tie(world.system, "P>K", "derives"), reason="K answers to nothing"
    )
    assert not then(world, bare).dropped


def test_statements_do_not_grow_with_requirements_or_links(world: World) -> None:
    suite(world, "fees")
    links = "    verifies: [{suite: fees}]\n"

    def count(*keys: str) -> int:
        put(world.system, *keys, links=links, approved=False)
        for key in keys[1:]:
            tie(world.system, f"{keys[0]}>{key}")
        source = file_of(*keys, statement='"The answer must say T."')
        plan = plan_import(
            principal=acting(AUTHOR), system=world.system, sources=[SourceText("r.yaml", source)]
        )
        with CaptureQueriesContext(connection) as asked:
            found = consequences_of(acting(AUTHOR), world.system, plan)
            told_plan(plan, found)
        assert len(found.criteria) == len(keys)
        assert len(found.suspect) >= 2 * len(keys) - 1
        return len(asked)

    few, many = count(*(f"f{n}" for n in range(3))), count(*(f"m{n}" for n in range(40)))
    assert few == many <= 24
