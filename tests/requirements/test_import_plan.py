"""Importing requirement files: the plan, whose a requirement is, and what it costs."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from evidence.errors import InvalidInput
from evidence.models import AuditEvent
from evidence.services.log.rows import check_rows
from requirements.errors import ImportPlanMoved, KeyOfAnotherFile, RequirementFileInvalid
from requirements.models import (
    RequirementTransition,
    RequirementVersion,
    SourceFileEntry,
    SourceFileImport,
)
from requirements.selectors.requirements import state_of
from requirements.services.importing import (
    NO_MOVES,
    Act,
    ImportPlan,
    ImportResult,
    Moves,
    SourceText,
    import_files,
    plan_import,
)
from requirements.services.requirements import save_requirement
from requirements.yaml_import import parse_requirement_file
from tests.factories import World, acting
from tests.requirements.builders import AUTHOR, requirement_file, retire

HEAD = b"format: tracebinder.requirements/1\nrequirements:\n"


def file_of(*keys: str, **over: Any) -> bytes:
    """Return a file of these requirements."""
    return HEAD + b"".join(requirement_file(key=key, **over).removeprefix(HEAD) for key in keys)


def plan(world: World, *files: tuple[str, bytes], moves: Moves = NO_MOVES) -> ImportPlan:
    return plan_import(
        principal=acting(AUTHOR),
        system=world.system,
        sources=[SourceText(name, source) for name, source in files],
        moves=moves,
    )


def load(world: World, *files: tuple[str, bytes], **how: Any) -> ImportResult:
    return import_files(
        principal=acting(AUTHOR),
        system=world.system,
        sources=[SourceText(name, source) for name, source in files],
        **how,
    )


def acts_of(made: ImportPlan) -> dict[str, str]:
    return {step.key: step.act.value for step in made.steps}


def count_rows() -> list[int]:
    models = (RequirementVersion, RequirementTransition, SourceFileImport, SourceFileEntry, AuditEvent)
    return [model.objects.count() for model in models]


def test_a_plan_stores_nothing_and_says_what_becomes_of_each(world: World) -> None:
    load(world, ("a.yaml", file_of("kept", "changed", "dropped")))
    before = count_rows()
    made = plan(
        world,
        ("a.yaml", file_of("kept", "new") + file_of("changed", threshold=0.9).removeprefix(HEAD)),
    )
    assert acts_of(made) == {"kept": "unchanged", "new": "added", "changed": "changed", "dropped": "dropped"}
    assert {step.key: step.line for step in made.steps} == {
        "kept": 3,
        "new": 17,
        "changed": 31,
        "dropped": None,
    }
    assert count_rows() == before


def test_what_is_applied_is_the_plan_that_was_read(world: World) -> None:
    read = plan(world, ("a.yaml", file_of("k")))
    load(world, ("b.yaml", file_of("k")))
    with pytest.raises(ImportPlanMoved) as moved:
        load(world, ("a.yaml", file_of("k")), plan_digest=read.digest)
    now = str(moved.value.plan["plan_digest"])
    assert now != read.digest
    assert load(world, ("a.yaml", file_of("k")), plan_digest=now).n_created == 0


def test_a_key_of_another_file_is_refused_by_the_file_and_line_it_came_from(world: World) -> None:
    """Case two-files-one-key."""
    load(world, ("A.yaml", file_of("TWO")))
    before = count_rows()
    with pytest.raises(KeyOfAnotherFile, match=r"TWO came from A\.yaml:3"):
        load(world, ("B.yaml", file_of("other", "TWO", owner="somebody-else")))
    assert count_rows() == before


@pytest.mark.parametrize("moves", [Moves(keys=frozenset({"k"})), Moves(from_files=frozenset({"A.yaml"}))])
def test_a_key_moves_where_that_is_said(world: World, moves: Moves) -> None:
    load(world, ("A.yaml", file_of("k")))
    other = ("B.yaml", file_of("k", owner="somebody-else"))
    assert acts_of(plan(world, other, moves=moves)) == {"k": "moved"}
    load(world, other, moves=moves)
    with pytest.raises(KeyOfAnotherFile, match=r"k came from B\.yaml:3"):
        load(world, ("A.yaml", file_of("k")))


@pytest.mark.parametrize(
    ("moves", "says"),
    [
        (Moves(keys=frozenset({"kk"})), "did you mean 'k'"),
        (Moves(from_files=frozenset({"a.yaml"})), r"did you mean 'A\.yaml'"),
    ],
)
def test_what_is_named_as_moved_and_is_not_there_is_refused_by_name(
    world: World, moves: Moves, says: str
) -> None:
    load(world, ("A.yaml", file_of("k")))
    with pytest.raises(InvalidInput, match=says):
        plan(world, ("B.yaml", file_of("k", owner="somebody-else")), moves=moves)


def test_a_key_moves_where_both_files_are_imported_and_one_gives_it_up(world: World) -> None:
    load(world, ("A.yaml", file_of("k", "stays")))
    result = load(world, ("A.yaml", file_of("stays")), ("B.yaml", file_of("k")))
    assert acts_of(result.plan) == {"stays": "unchanged", "k": "moved"}
    assert result.n_created == 0


def test_the_same_words_in_another_file_change_nothing_and_stay_where_they_are(world: World) -> None:
    load(world, ("A.yaml", file_of("k")))
    (step,) = plan(world, ("B.yaml", file_of("k"))).steps
    assert (step.act, step.held_elsewhere, str(step.origin)) == (Act.UNCHANGED, True, "A.yaml:3")


def test_what_left_its_file_is_asked_about_until_somebody_retires_it(world: World) -> None:
    """Case dropped-from-file."""
    first = load(world, ("r.yaml", file_of("R1", "R2")))
    assert acts_of(plan(world, ("r.yaml", file_of("R1")))) == {"R1": "unchanged", "R2": "dropped"}
    load(world, ("r.yaml", file_of("R1")))
    assert SourceFileEntry.objects.get(change="dropped").requirement.key == "R2"
    assert acts_of(plan(world, ("r.yaml", file_of("R1"))))["R2"] == "dropped"  # not silently left
    assert acts_of(plan(world, ("r.yaml", file_of("R1", "R2"))))["R2"] == "adopted"  # back again
    retire(first.requirements[1].version)
    assert "R2" not in acts_of(plan(world, ("r.yaml", file_of("R1"))))


def test_what_was_retired_returns_as_a_version_of_its_own(world: World) -> None:
    """Case bring-back-retired."""
    retire(load(world, ("r.yaml", file_of("R"))).requirements[0].version)
    (back,) = load(world, ("r.yaml", file_of("R"))).requirements
    assert (back.step.act, back.created, back.version.number) == (Act.RETURNED, True, 2)
    assert state_of(back.version) == "draft"


def test_the_digest_is_of_what_a_file_says_and_not_of_how(world: World) -> None:
    """Case hash-independent-of-order."""
    plain = requirement_file(key="k").decode()
    lines = plain.splitlines(keepends=True)
    turned = [*lines[:2], "  - risk_tier: high\n", "    key: k\n", lines[3], *lines[5:]]
    written_out = plain.replace("parameters: {}", "parameters: {parts: [confidence, limitations]}")
    (draft,) = parse_requirement_file(plain.encode(), "a").requirements
    written_out = plain.replace("parameters: {}", f"parameters: {dict(draft.criteria[0].parameters)}")
    created = [
        load(world, (name, text.encode(encoding))).n_created
        for name, text, encoding in [
            ("a.yaml", plain, "utf-8"),
            ("a.yaml", "".join(turned), "utf-8"),
            ("a.yaml", plain.replace("\n", "\r\n"), "utf-8-sig"),
            ("a.yaml", plain.replace("owner: product-owner", "owner: 'product-owner'"), "utf-8"),
            ("a.yaml", written_out, "utf-8"),
            ("another.yaml", plain, "utf-8"),
        ]
    ]
    assert created == [1, 0, 0, 0, 0, 0]
    assert RequirementVersion.objects.count() == 1


def test_the_same_files_again_store_nothing(world: World) -> None:
    files = (("a.yaml", file_of("a")), ("b.yaml", file_of("b")))
    load(world, *files)
    before = count_rows()
    assert load(world, *files).n_created == 0
    assert count_rows() == before


def test_another_comment_is_another_source_and_no_other_version(world: World) -> None:
    load(world, ("a.yaml", file_of("a")))
    assert load(world, ("a.yaml", b"# ours\n" + file_of("a"))).n_created == 0
    assert SourceFileImport.objects.count() == 2
    assert RequirementVersion.objects.count() == 1


def test_keys_that_differ_in_capitals_only_are_refused(world: World) -> None:
    load(world, ("a.yaml", file_of("Req-1")))
    with pytest.raises(KeyOfAnotherFile, match="differs from REQ-1 in capitals only"):
        load(world, ("b.yaml", file_of("REQ-1")))
    with pytest.raises(RequirementFileInvalid, match="capitals only"):
        plan(world, ("c.yaml", file_of("x", "X")))
    with pytest.raises(RequirementFileInvalid, match=r"X is in d\.yaml:3"):
        plan(world, ("d.yaml", file_of("X")), ("e.yaml", file_of("x")))


def test_ids_of_other_tools_are_texts_and_unique_in_a_system(world: World) -> None:
    def with_id(key: str, external_id: str) -> bytes:
        return file_of(key).replace(b"    owner", f'    external_id: "{external_id}"\n    owner'.encode())

    for index, external_id in enumerate(["REQ.1.2", "SWR/3 a", "需求-1"]):
        load(world, (f"{index}.yaml", with_id(f"k{index}", external_id)))
    with pytest.raises(KeyOfAnotherFile, match=r"需求-1.* is k2's"):
        load(world, ("x.yaml", with_id("x", "需求-1")))
    assert list(RequirementVersion.objects.order_by("pk").values_list("external_id", flat=True)) == [
        "REQ.1.2",
        "SWR/3 a",
        "需求-1",
    ]
    # Of two texts that look the same, with an accent of its own and without, there is one.
    load(world, ("é.yaml", with_id("composed", "Pr\u00fcf-1")))
    with pytest.raises(KeyOfAnotherFile, match="is composed's"):
        load(world, ("e.yaml", with_id("apart", "Pru\u0308f-1")))
    # Two that change places in one import do not clash.
    swapped = with_id("k0", "SWR/3 a"), with_id("k1", "REQ.1.2")
    assert load(world, ("0.yaml", swapped[0]), ("1.yaml", swapped[1])).n_created == 2
    (draft,) = parse_requirement_file(with_id("y", "需求-1"), "y").requirements
    with pytest.raises(InvalidInput, match="k2"):
        save_requirement(principal=acting(AUTHOR), system=world.system, draft=draft)


@pytest.mark.parametrize("name", ["", "a" * 201, "a\nb", "a\u202eb"])
def test_a_name_of_a_file_that_is_none_is_refused(world: World, name: str) -> None:
    with pytest.raises(InvalidInput, match="name of a file"):
        plan(world, (name, file_of("k")))


def statements(world: World, *files: tuple[str, bytes]) -> int:
    """Return how many statements an import takes."""
    with CaptureQueriesContext(connection) as asked:
        load(world, *files)
    return len(asked)


def test_statements_do_not_grow_with_requirements(world: World) -> None:
    few, many = [f"f{n}" for n in range(10)], [f"m{n}" for n in range(300)]
    first = statements(world, ("f", file_of(*few))), statements(world, ("m", file_of(*many)))
    again = statements(world, ("f", file_of(*few))), statements(world, ("m", file_of(*many)))
    changed = (
        statements(world, ("f", file_of(*few, threshold=0.9))),
        statements(world, ("m", file_of(*many, threshold=0.9))),
    )
    assert first[1] <= first[0] + 2
    assert again[0] == again[1] <= 12
    assert changed[1] <= changed[0] + 2
    assert first[0] < 50
    many_files = [(f"{n}.yaml", file_of(f"x{n}")) for n in range(30)]
    assert statements(world, *many_files) <= first[0] + 2


def test_every_row_of_an_import_is_in_the_log(world: World) -> None:
    load(world, ("a.yaml", file_of("a", "b")))
    load(world, ("a.yaml", file_of("a", threshold=0.9)))

    class Faults(list[str]):
        def add(self, fault: str) -> None:
            self.append(fault)

    faults = Faults()
    check_rows(faults)
    assert not [fault for fault in faults if "requirement" in fault or "artefact" in fault]
