"""The requirement files of the copilots, as an author and a linter see them."""

from __future__ import annotations

from collections import Counter
from typing import cast

import pytest

from examples.catalogue import COPILOTS
from examples.evals.instruments import instruments_of, metrics_of
from interpret.model_store import SMOLLM2
from requirements.lint import lint_requirements
from requirements.starter import read_starter
from requirements.yaml_import import RequirementFile, parse_requirement_file

STARTER = parse_requirement_file(read_starter(), "starter.yaml")


def set_of(key: str) -> RequirementFile:
    source = (COPILOTS[key]().folder / "requirements.yaml").read_bytes()
    return parse_requirement_file(source, "requirements.yaml")


@pytest.mark.parametrize("key", COPILOTS)
def test_a_set_holds_a_dozen_requirements_of_its_own_in_both_languages(key: str) -> None:
    own = set_of(key).requirements
    assert len(own) >= 12
    assert {draft.key for draft in own}.isdisjoint(draft.key for draft in STARTER.requirements)
    for draft in own:
        assert set(draft.statement) == {"en", "zh-Hans"}
        assert draft.rationale
        assert draft.owner
        assert draft.criteria


@pytest.mark.parametrize("key", COPILOTS)
def test_the_linter_has_nothing_to_say_of_a_set_beside_the_starter(key: str) -> None:
    both = [*set_of(key).requirements, *STARTER.requirements]
    found = lint_requirements(both)
    assert {name: warnings for name, warnings in found.items() if warnings} == {}


def test_the_sets_ask_by_many_kinds_of_check() -> None:
    asked = Counter(
        criterion.check
        for key in COPILOTS
        for draft in set_of(key).requirements
        for criterion in draft.criteria
    )
    assert len(asked) >= 8, asked


@pytest.mark.parametrize("key", COPILOTS)
def test_links_lead_to_what_the_copilot_is_made_of_and_measured_with(key: str) -> None:
    copilot = COPILOTS[key]()
    pins = copilot.manifest(model_name=SMOLLM2.name, model_digest=SMOLLM2.digest)["pins"]
    on_record = {(pin["kind"], pin["name"]) for pin in pins}
    on_record |= {(kind, version["key"]) for kind, version in instruments_of(copilot).items()}
    linked = {end for link in set_of(key).links for end in (link.upstream, link.downstream)}
    things = {end for end in linked if end[0] not in {"requirement", "criterion"}}
    assert things <= on_record
    assert {"suite", "prompt", "model", "index"} <= {kind for kind, _ in things}


@pytest.mark.parametrize("key", COPILOTS)
def test_criteria_name_metrics_and_rules_that_the_copilot_has(key: str) -> None:
    copilot = COPILOTS[key]()
    criteria = [criterion for draft in set_of(key).requirements for criterion in draft.criteria]
    metrics = {each.parameters["metric"] for each in criteria if "metric" in each.parameters}
    assert metrics <= set(metrics_of(copilot))
    rules: set[str] = set()
    for each in criteria:
        rules.update(cast("list[str]", each.parameters.get("rules", [])))
    assert rules == {rule["key"] for rule in copilot.policy.rules}
