from __future__ import annotations

from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from requirements.checks import CHECKS, get_check
from requirements.checks.reference import render_checks_reference
from requirements.errors import UnknownCheck

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "checks.md"


def test_the_reference_page_is_what_the_registry_says() -> None:
    assert REFERENCE.read_text(encoding="utf-8") == render_checks_reference()


@pytest.mark.parametrize("name", sorted(CHECKS))
def test_each_check_says_what_it_is_in_both_languages(name: str) -> None:
    check = CHECKS[name]
    assert check.name == name
    assert all((check.title.en, check.title.zh, check.measures.en, check.measures.zh))
    Draft202012Validator.check_schema(check.parameters)
    assert check.parameters["additionalProperties"] is False


def test_no_check_reads_what_the_inside_says() -> None:
    for check in CHECKS.values():
        assert not {"Finding", "ProbeRun", "ProbeSpec", "Evidence"} & set(check.reads)
        assert check.path.startswith("requirements.checks.")


def test_an_unknown_check_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownCheck, match=r"evals\.metric"):
        get_check("eval.metrics")
