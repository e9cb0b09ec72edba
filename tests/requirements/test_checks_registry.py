from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from requirements.checks import get_check, known_checks
from requirements.checks.contracts import IndependentUnit
from requirements.checks.reference import render_checks_reference
from requirements.checks.registry import check
from requirements.errors import UnknownCheck

_LIST_THE_CHECKS = """
import django

django.setup()
from requirements.checks import registry

print(len(registry._declared), *sorted(registry.known_checks()))
"""
REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "checks.md"


def test_the_reference_page_is_what_the_registry_says() -> None:
    assert REFERENCE.read_text(encoding="utf-8") == render_checks_reference()


@pytest.mark.parametrize("name", sorted(known_checks()))
def test_each_check_says_what_it_is_in_both_languages(name: str) -> None:
    declared = known_checks()[name]
    assert declared.name == name
    assert all((declared.title.en, declared.title.zh, declared.measures.en, declared.measures.zh))
    Draft202012Validator.check_schema(declared.parameters)
    assert declared.parameters["additionalProperties"] is False


def test_no_check_reads_what_the_inside_says() -> None:
    for declared in known_checks().values():
        assert not {"Finding", "ProbeRun", "ProbeSpec", "Evidence"} & set(declared.reads)
        assert declared.measure.__module__.startswith("requirements.checks.")


def test_two_checks_cannot_share_a_name() -> None:
    taken = known_checks()["policy.enforced"]
    declared = {field.name: getattr(taken, field.name) for field in fields(taken) if field.name != "measure"}
    with pytest.raises(ValueError, match=r"two checks are called 'policy\.enforced'"):
        check(**declared)(taken.measure)
    assert known_checks()["policy.enforced"] is taken


def test_modules_lie_in_the_package_or_are_named_by_a_setting_and_one_that_is_gone_declares_nothing() -> None:
    """In a fresh process, where no test has imported them before. The one that cannot be imported is logged."""
    modules = "acme.no_such_module,tests.requirements.outside_check"
    listed = subprocess.run(
        [sys.executable, "-c", _LIST_THE_CHECKS], capture_output=True, text=True, check=True,
        env={**os.environ, "TRACEBINDER_CHECKS": modules},
    )  # fmt: skip
    assert listed.stdout.split() == ["0", *sorted([*known_checks(), "acme.tools_used"])]
    assert "acme.no_such_module cannot be used" in listed.stderr + listed.stdout


def test_each_check_says_what_its_bounds_count() -> None:
    """Evidence of production is counted by conversations or documents, suites by their items."""
    for declared in known_checks().values():
        growing = declared.independent in (IndependentUnit.CONVERSATION, IndependentUnit.DOCUMENT)
        assert growing is declared.grows
        assert declared.worst is not None, "each names what speaks against it"


def test_an_unknown_check_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownCheck, match=r"evals\.metric"):
        get_check("eval.metrics")
