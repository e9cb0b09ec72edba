"""The author's desk beneath its pages, and by API: one requirement is read, checked, and saved as it was read."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from rest_framework.test import APIClient

from evidence.errors import InvalidInput
from evidence.models import AuditEvent, Scope
from requirements.checks.registry import known_checks
from requirements.errors import DraftOutdated, KeyOfAnotherFile, RequirementFileInvalid
from requirements.models import RequirementTransition, RequirementVersion, TraceLink
from requirements.selectors.desk import open_requirement
from requirements.selectors.requirements import state_of
from requirements.services.desk import propose_draft, save_draft
from requirements.services.transitions import NOTHING_READ, WhatWasRead
from requirements.yaml_import import parse_requirement_file, read_text
from requirements.yaml_import.writing import add_skeleton, write_requirement, write_skeleton
from tests.factories import World, acting, make_world
from tests.interleaving import interleave
from tests.requirements.builders import AUTHOR, make_criterion, move, read, retire

ROOT = Path(__file__).parents[2]
SETS = [ROOT / "requirements/starter/baseline.yaml", *sorted(ROOT.glob("examples/*/requirements.yaml"))]
TEXT = """\
key: states-limits
statement:
  en: {statement}
  zh-Hans: 每个回答必须说明其局限。
risk_tier: high
layer: product
owner: {owner}
review_every_days: 180
criteria:
  - key: limits
    check: answers.confidence_and_limits
    at_least: 0.7
    min_n: 11
"""
SECOND = "user:bea"


def text(statement: str = "Each answer must state its limits.", owner: str = "product-owner") -> str:
    return TEXT.format(statement=statement, owner=owner)


def save(world: World, source: str, seen: WhatWasRead = NOTHING_READ, by: str = AUTHOR) -> RequirementVersion:
    version, _ = save_draft(
        principal=acting(by), system=world.system, reading=read_text(source.encode()), read=seen
    )
    return version


@pytest.mark.parametrize("path", SETS, ids=lambda path: path.parent.name)
def test_what_is_written_is_read_as_the_same(path: Path) -> None:
    drafts = parse_requirement_file(path.read_bytes(), path.name).requirements
    assert drafts
    for draft in drafts:
        assert read_text(write_requirement(draft).encode()).sound().digest == draft.digest


@pytest.mark.parametrize(
    "before", ["criteria: []\n", "criteria:\n- key: a\n  min_n: 1 # so\n  # or\nderives: [b]\n", ""]
)
def test_a_skeleton_of_each_check_can_be_read_and_lacks_only_what_is_empty(before: str) -> None:
    for name, check in known_checks().items():
        rest = add_skeleton(before, write_skeleton(check, check.title.zh))
        rest = add_skeleton(rest, write_skeleton(check, check.title.en))
        assert rest.count(f"check: {name}") == 2
        assert before in ("", "criteria: []\n") or "# so\n  # or\n- key:" in rest
        found = read_text(f"key: k\n{rest}".encode()).faults
        told = [fault for fault in found if fault.path.startswith("criteria") and "[0]" not in fault.path]
        assert told
        assert all("empty" in fault.message or "exactly one" in fault.message for fault in told), told


def test_doubts_and_faults_stand_at_their_lines() -> None:
    reading = read_text(text().encode())
    assert [reading.find(where)[0] for where in ("statement.zh-Hans", "criteria.limits", "criteria")] == [
        4,
        10,
        9,
    ]
    faulty = read_text(text().replace("min_n: 11", "min_n: -1").replace("risk_tier", "risktier").encode())
    assert {(fault.line, fault.code) for fault in faulty.faults} == {
        (1, "missing_field"), (5, "unknown_field"), (13, "bad_number"),
    }  # fmt: skip
    with pytest.raises(RequirementFileInvalid, match="risktier"):
        faulty.sound()


@pytest.mark.django_db
def test_sent_again_it_changes_nothing(world: World) -> None:
    first = save(world, text())
    before = AuditEvent.objects.count()
    assert save(world, text()) == first
    assert save(world, text(), read(first)) == first
    assert AuditEvent.objects.count() == before


@pytest.mark.django_db
def test_whoever_saves_names_what_they_read(world: World) -> None:
    first = save(world, text())
    with pytest.raises(DraftOutdated, match="there") as refused:
        save(world, text(owner="risk-office"))
    assert refused.value.newest["digest"] == first.artefact_version.digest
    with pytest.raises(InvalidInput, match="no requirement of this key"):
        save(world, text().replace("states-limits", "another"), read(first))
    second = save(world, text(owner="risk-office"), read(first))
    with pytest.raises(DraftOutdated, match="v2"):
        save(world, text(owner="legal"), read(first))
    move(second, "in_review", AUTHOR)
    with pytest.raises(DraftOutdated, match="in_review"):
        save(world, text(owner="legal"), read(second, state="draft"))
    assert RequirementVersion.objects.count() == 2
    assert save(world, text(owner="legal"), read(second)).number == 3


@pytest.mark.django_db
def test_what_a_file_owns_is_not_saved_behind_its_back_and_what_it_dropped_is_free(world: World) -> None:
    version = make_criterion(world, approved=False).version
    opened = open_requirement(version.requirement)
    assert str(opened.owner) == "r.yaml:3"
    changed = opened.text.replace("product-owner", "risk-office")
    with pytest.raises(KeyOfAnotherFile, match=r"r\.yaml:3"):
        save(world, changed, read(version))
    api = APIClient()
    path = f"/api/v1/requirements/import?system={world.system.key}&file=r.yaml"
    other = (
        text().replace("\n", "\n    ").join(["format: tracebinder.requirements/1\nrequirements:\n  - ", "\n"])
    )
    answer = api.post(path, other.encode(), content_type="application/yaml", **world.headers(Scope.IMPORT))
    assert answer.json()["dropped"] == ["r"], answer.content
    assert save(world, changed, read(version)).number == 2


@pytest.mark.django_db
def test_a_retired_requirement_comes_back_as_a_version(world: World) -> None:
    first = save(world, text())
    retire(first)
    assert (save(world, text(), read(first)).number, state_of(first)) == (2, "retired")


@pytest.mark.django_db
def test_a_proposal_that_cannot_be_made_stores_nothing(world: World) -> None:
    linked = text() + "derives: [nobody]\n"
    with pytest.raises(RequirementFileInvalid, match="nobody"):
        propose_draft(principal=acting(AUTHOR), system=world.system, reading=read_text(linked.encode()))
    assert not RequirementVersion.objects.exists()
    reading = read_text(text().encode())
    step, is_new = propose_draft(principal=acting(AUTHOR), system=world.system, reading=reading)
    assert (step.to_state, is_new) == ("in_review", True)
    seen = read(step.version, state="draft")
    again = propose_draft(principal=acting(AUTHOR), system=world.system, reading=reading, read=seen)
    assert again == (step, False), "the same proposal, sent twice"


@pytest.fixture
def api(world: World) -> Callable[..., Any]:
    """Return a function that asks as an author's token."""
    client, headers = APIClient(), world.headers(Scope.IMPORT)

    def ask(path: str, **body: Any) -> Any:
        sent = {"system": world.system.key, **body}
        return client.post(f"/api/v1/requirements/{path}", sent, format="json", **headers)

    return ask


@pytest.mark.django_db
def test_the_api_checks_without_storing(world: World, api: Callable[..., Any]) -> None:
    vague = api("check", text=text("Answers must be helpful.")).json()
    assert (vague["key"], vague["faults"]) == ("states-limits", [])
    assert ("vague", 3) in {(doubt["code"], doubt["line"]) for doubt in vague["lint"]}
    broken = api("check", text=text("Answers must be helpful.").replace("min_n: 11", "min_n: many")).json()
    assert (broken["key"], [fault["line"] for fault in broken["faults"]]) == (None, [13])
    assert "vague" in {doubt["code"] for doubt in broken["lint"]}
    for hostile in ("", "[", "a: b: c", "key: [", "{}", "- a", "\u202e", "key: \\ud800", "x" * 1_000_000):
        answer = api("check", text=hostile)
        assert answer.status_code == 200, hostile[:20]
        assert answer.json()["faults"], hostile[:20]
    assert api("check", text="a\0b").status_code == 422
    assert api("check", text=text(), nonsense=1).status_code == 422
    assert not RequirementVersion.objects.exists()


@pytest.mark.django_db
def test_the_api_saves_what_the_page_saves(world: World, api: Callable[..., Any]) -> None:
    linked = (
        text() + f"satisfies: [{{prompt: {world.release.pins.get(slot='prompt').version.artefact.key}}}]\n"
    )
    made = api("drafts", text=linked)
    assert (made.status_code, made.json()["number"], made.json()["state"]) == (201, 1, "draft")
    assert api("drafts", text=linked).status_code == 200
    reader, headers = APIClient(), world.headers(Scope.READ)
    path = f"/api/v1/requirements/states-limits/draft?system={world.system.key}"
    opened = reader.get(path, **headers).json()
    assert "satisfies: " in opened["text"]
    assert opened["owner"] is None
    changed = opened["text"].replace("product-owner", "risk-office")
    late = api("drafts", text=changed, digest="0" * 64, from_state="draft")
    assert (late.status_code, late.json()["code"]) == (409, "draft_outdated")
    assert late.json()["newest"]["digest"] == opened["digest"]
    seen = {"digest": opened["digest"], "from_state": opened["state"]}
    proposed = api("drafts", text=changed, propose=True, **seen).json()
    assert (proposed["number"], proposed["state"], proposed["created"]) == (2, "in_review", True)
    assert TraceLink.objects.count() == 1
    absent = reader.get(path.replace("states-limits", "nobody"), **headers)
    assert (absent.status_code, absent.json()["code"]) == (404, "requirement_not_found")
    assert reader.post("/api/v1/requirements/check", {}, format="json", **headers).status_code == 403
    other = make_world("aml-copilot")
    foreign = reader.get(path, **other.headers(Scope.READ))
    assert foreign.status_code == 404


@pytest.mark.django_db(transaction=True)
def test_of_two_authors_who_save_at_once_one_is_told_of_the_other(transactional_db: None) -> None:
    world = make_world()
    newest = save(world, text())
    for seed in range(6):
        seen = read(newest)
        acts = interleave(
            seed,
            [
                partial(save, world, text(owner=f"{name}-{seed}"), seen, by)
                for name, by in (("first", AUTHOR), ("second", SECOND))
            ],
        )
        (lost,) = [act for act in acts if act.problem is not None]
        assert isinstance(lost.problem, DraftOutdated)
        (won,) = [act for act in acts if act.problem is None]
        newest = won.result
        assert newest.number == seed + 2
        assert newest.proposed_by in str(lost.problem)


@pytest.mark.django_db(transaction=True)
def test_what_is_proposed_meanwhile_is_not_written_over(transactional_db: None) -> None:
    world = make_world()
    for seed in range(4):
        source = text().replace("states-limits", f"r{seed}")
        version = save(world, source)
        changed = partial(save, world, source.replace("product-owner", "legal"), read(version), SECOND)
        acts = interleave(seed, [changed, partial(move, version, "in_review", AUTHOR, read=read(version))])
        steps = RequirementTransition.objects.filter(version__requirement=version.requirement)
        if acts[0].problem is None:
            assert steps.filter(to_state="draft").count() == 2
        else:
            assert isinstance(acts[0].problem, DraftOutdated)
            assert state_of(version) == "in_review"
        assert acts[1].problem is None
