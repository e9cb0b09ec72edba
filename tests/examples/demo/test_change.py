"""The demo's order: a release, then the requirements that are linked to it; then a prompt that moves under them."""

from __future__ import annotations

import pytest

from evidence import clock
from evidence.actors import same_person
from evidence.models import Registration, System
from examples.catalogue import COPILOTS
from examples.demo import change, governance, people, releasing, story
from interpret.model_store import SMOLLM2
from requirements.models import LinkReview, RequirementVersion, TraceLink
from requirements.selectors.requirements import approved_versions
from requirements.yaml_import import parse_requirement_file
from tests.examples.demo.in_process import InProcess
from tests.examples.scripted import ScriptedGenerator, reply_like_a_small_model


class Named(ScriptedGenerator):
    """A generator under the name of the model that the files link to."""

    name = SMOLLM2.name


GENERATOR = Named(reply_like_a_small_model)


def prepared(key: str) -> tuple[System, InProcess]:
    """Return a system of the demo as it is before its copilot runs, and its author's client."""
    copilot = COPILOTS[key]()
    setup = people.set_up({key: copilot.name})
    author = InProcess("", setup.tokens["author"])
    story.prepare(copilot, GENERATOR, setup, author)
    return setup.systems[key], author


def registered_by(name: str) -> set[str]:
    """Return the kinds of what one of the people vouched for, in person or by a token of theirs."""
    acts = Registration.objects.filter(basis=Registration.Basis.ACT)
    by = acts.values_list("version__artefact__kind", "registered_by")
    return {kind for kind, actor in by if same_person(actor, people.acting(name).actor)}


@pytest.mark.django_db
@pytest.mark.parametrize("key", COPILOTS)
def test_a_release_is_vouched_for_by_two_and_its_set_approved_without_a_warning(key: str) -> None:
    system, author = prepared(key)
    assert registered_by(governance.APPROVER) == {"suite", "evaluator", "dataset"}
    assert registered_by(governance.AUTHOR) == {"model", "prompt", "index", "policy", "tool"}
    file = parse_requirement_file((COPILOTS[key]().folder / "requirements.yaml").read_bytes(), "r.yaml")
    versions = RequirementVersion.objects.filter(requirement__system=system)
    assert [version.lint for version in versions if version.lint] == []
    assert len(approved_versions(system, clock.read_moment())) == versions.count() >= 18
    assert TraceLink.objects.filter(system=system).count() == len(file.links) > 0
    assert change.suspect_links(author, system) == []


@pytest.mark.django_db
def test_a_prompt_that_goes_live_makes_its_links_suspect_and_one_person_clears_one() -> None:
    system, author = prepared("credit-assistant")
    prompt = f"prompt:{COPILOTS[system.key]().prompt.name}"
    linked = {f"{link.upstream.key}>{prompt}" for link in TraceLink.objects.filter(downstream__kind="prompt")}
    candidate = change.next_release(COPILOTS[system.key]())
    releasing.register(author, system, candidate, GENERATOR)
    assert change.suspect_links(author, system) == []  # on record, it moves nothing

    impact = author.get("impact", system=system.key, release=candidate.release)
    assert {link["name"] for link in impact["links"]} == linked

    changed = change.go_live_and_clear_one(author, system, candidate.release)
    assert {link["name"] for link in changed.suspect} == linked
    assert all(link["because"] == [f"{prompt}: v1 -> v2"] for link in changed.suspect)
    assert changed.cleared_only_one
    assert {link["name"] for link in changed.left} == linked - {change.CLEARED}
    cleared = LinkReview.objects.exclude(reason="")
    assert [(review.reviewed_by, review.downstream_version.number) for review in cleared] == [
        (people.acting(governance.APPROVER).actor, 2)
    ]
    assert "treats-names-alike v1 beside credit-assistant-prompt v2" in cleared[0].reason
    assert f"{prompt} v1" in cleared[0].reason

    again = change.go_live_and_clear_one(author, system, candidate.release)
    assert again.cleared_only_one
    assert cleared.count() == 1


def test_only_the_system_turn_of_the_answer_differs_as_the_clearing_says() -> None:
    copilot = COPILOTS["credit-assistant"]()
    before, after = copilot.prompt.fields, change.next_release(copilot).prompt.fields
    assert {name for name in before if before[name] != after[name]} == {"answer"}
    assert {name for name in before["answer"] if before["answer"][name] != after["answer"][name]} == {
        "system"
    }
