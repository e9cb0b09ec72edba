from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from requirements.checks import known_checks
from requirements.errors import RequirementFileInvalid
from requirements.starter import read_starter
from requirements.yaml_import import FORMAT_V1, FileProblem, parse_requirement_file, reader
from requirements.yaml_import.splicing import replace_requirements

GOOD = """\
format: tracebinder.requirements/1
baseline: credit-1
requirements:
  - key: shows-sources
    statement:
      en: Each material claim must cite a source.
      zh-Hans: 每条重要陈述必须引用来源。
    risk_tier: high
    layer: grounding
    owner: product-owner
    review_every_days: 180
    criteria:
      - key: supported
        check: citations.material_supported
        at_least: 0.8
        min_n: 20
        max_age_days: 90
        slices:
          - {language: en}
          - {language: zh-Hans}
"""


def problems(text: str) -> list[FileProblem]:
    with pytest.raises(RequirementFileInvalid) as caught:
        parse_requirement_file(text.encode(), "r.yaml")
    return caught.value.problems


def test_a_good_file_is_read_with_defaults_written_out() -> None:
    parsed = parse_requirement_file(GOOD.encode(), "r.yaml")
    (requirement,) = parsed.requirements
    (criterion,) = requirement.criteria
    assert parsed.baseline == "credit-1"
    assert parsed.lines == {"shows-sources": 4}
    assert criterion.parameters == {"min_score": 0.9, "risk_tiers": ["low", "medium", "high"]}
    assert criterion.slices == ({"language": "en"}, {"language": "zh-Hans"})
    assert (criterion.unit, criterion.bound_confidence) == ("share", 0.95)


def test_an_unknown_check_names_file_line_and_nearest_known_check() -> None:
    (problem,) = problems(GOOD.replace("citations.material_supported", "citation.material_suported"))
    assert (problem.file, problem.line, problem.code) == ("r.yaml", 14, "unknown_check")
    assert problem.nearest == "citations.material_supported"
    assert str(problem).startswith("r.yaml:14:")
    assert "citations.material_supported" in problem.message


@pytest.mark.parametrize(
    ("old", "new", "code", "line"),
    [
        ("at_least: 0.8", "at_least: 80", "bad_threshold", 15),
        ("at_least: 0.8", "at_least: high", "bad_threshold", 15),
        ("at_least: 0.8", "at_least: .nan", "bad_threshold", 15),
        ("at_least: 0.8", "at_least: true", "bad_threshold", 15),
        ("at_least: 0.8", "at_most: 0.2", "bad_threshold", 15),
        ("at_least: 0.8", "at_least: 0.8\n        at_most: 0.9", "bad_threshold", 13),
        ("        at_least: 0.8\n", "", "bad_threshold", 13),
        ("min_n: 20", "min_n: 0", "bad_number", 16),
        ("        min_n: 20\n", "", "missing_field", 13),
        ("min_n: 20", "min_m: 20", "unknown_field", 16),
        ("max_age_days: 90", "max_age_days: 1.5", "bad_number", 17),
        ("max_age_days: 90", "max_age_days: 1000000", "bad_number", 17),
        ("max_age_days: 90", "confidence: 95", "bad_confidence", 17),
        ("max_age_days: 90", "unit: ms", "bad_unit", 17),
        ("max_age_days: 90", "parameters: {looks: often}", "bad_parameters", 17),
        ("max_age_days: 90", "parameters: {min_scores: 1}", "unknown_parameter", 17),
        ("max_age_days: 90", "parameters: {min_score: 7}", "bad_parameters", 17),
        ("- {language: en}", "- {lang: en}", "unknown_dimension", 19),
        ("- {language: en}", "- {language: 3}", "bad_slices", 19),
        ("risk_tier: high", "risk_tier: hihg", "bad_choice", 8),
        ("risk_tier: high", "risk_tier: high\n    risk_tier: low", "duplicate_key", 9),
        ("layer: grounding", "layer: mechanistic", "mechanistic_layer", 9),
        ("owner: product-owner", "owner: ''", "not_a_text", 10),
        ("review_every_days: 180", "review_every_days: soon", "bad_number", 11),
        ("key: shows-sources", "key: shows sources", "bad_key", 4),
        ("requirements/1", "requirements/2", "unknown_format", 1),
        ("owner: product-owner", "owner: &o product-owner", "not_yaml", 10),
        ("owner: product-owner", "owner: !!python/object:os.system x", "not_yaml", 10),
        ("owner: product-owner", "owner: [", "not_yaml", 12),
        ("owner: product-owner", "owner: product-owner\n    rationale: [why]", "not_a_text", 11),
        ("baseline: credit-1", "baseline: credit 1", "bad_key", 2),
        ("  - key: shows-sources", "  - just words\n  - key: shows-sources", "not_a_mapping", 4),
    ],
)
def test_each_fault_is_found_at_its_line(old: str, new: str, code: str, line: int) -> None:
    assert old in GOOD
    found = problems(GOOD.replace(old, new, 1))
    assert (code, line) in [(problem.code, problem.line) for problem in found]


def test_more_criteria_than_are_allowed_are_refused_and_the_limit_named(settings: Any) -> None:
    settings.MAX_CRITERIA = 0
    (problem,) = problems(GOOD)
    assert (problem.code, problem.line) == ("too_many", 12)
    assert "TRACEBINDER_MAX_CRITERIA allows 0" in problem.message


@pytest.mark.parametrize(
    ("part", "value", "code"),
    [
        ("statement", "", "no_statement"),
        ("statement", " [en]", "no_statement"),
        ("statement", " {english: Shows its sources}", "bad_language"),
        ("statement", " {en: 5}", "no_statement"),
        ("criteria", " none", "not_a_list"),
    ],
)
def test_a_whole_part_of_another_kind_is_named(part: str, value: str, code: str) -> None:
    head = "format: tracebinder.requirements/1\nrequirements:\n  - key: k\n    risk_tier: high\n    layer: product\n"
    parts = {"statement": " Shows its sources.", "criteria": " []", part: value}
    text = head + "".join(f"    {name}:{text}\n" for name, text in parts.items())
    found = problems(text + "    owner: ana\n    review_every_days: 90\n")
    assert [(one.code, one.line) for one in found] == [(code, 6 if part == "statement" else 7)]


@pytest.mark.parametrize("listed", ["{}", "[]", "words"])
def test_a_file_without_requirements_is_no_file(listed: str) -> None:
    (problem,) = problems(f"format: tracebinder.requirements/1\nrequirements: {listed}\n")
    assert (problem.code, problem.line) == ("not_a_list", 2)


def test_all_faults_are_listed_at_once_in_the_order_of_the_file() -> None:
    text = GOOD.replace("risk_tier: high", "risk_tier: huge").replace("min_n: 20", "min_n: none")
    text = text.replace("citations.material_supported", "citations")
    assert [problem.line for problem in problems(text)] == [8, 14, 16]


def test_two_requirements_may_not_share_a_key() -> None:
    found = problems(GOOD + GOOD[GOOD.index("  - key: shows") :])
    assert [(problem.code, problem.line) for problem in found] == [("duplicate_key", 21)]


@pytest.mark.parametrize(
    "text", ["", "[]", "format: tracebinder.requirements/1", "a: &x [*x]", "{" * 2000, "--- 1\n--- 2"]
)
def test_what_is_no_requirement_file_is_refused_in_words(text: str) -> None:
    messages = [problem.message for problem in problems(text)]
    assert messages
    assert all(messages)


@pytest.mark.parametrize("text", ["k{}: 0\n", "- {}\n"])
def test_a_file_of_too_many_values_is_read_no_further_than_the_limit(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "MAX_VALUES", 1_000)
    (problem,) = problems("".join(text.format(number) for number in range(1_001)))
    assert "more than 1,000 keys and values; split the file" in problem.message
    assert problem.line < 1_001


@settings(deadline=None, max_examples=50)
@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused_never_worse(raw: bytes) -> None:
    with pytest.raises(RequirementFileInvalid):
        parse_requirement_file(raw, "r.yaml")


@settings(deadline=None, max_examples=50)
@given(st.sampled_from(range(len(GOOD))), st.sampled_from([":", "[", "\n", "- ", "0", "'", "%", "\t", "。"]))
def test_a_slip_of_the_pen_is_read_or_refused_never_worse(at: int, slip: str) -> None:
    with contextlib.suppress(RequirementFileInvalid):
        parse_requirement_file((GOOD[:at] + slip + GOOD[at:]).encode(), "r.yaml")


@pytest.mark.parametrize("dash", ["  -\n", "  - # the first\n\n    # of two\n"])
def test_what_is_taken_out_of_a_file_goes_with_its_dash(dash: str) -> None:
    fields = (
        "statement: It must be so.\n    risk_tier: low\n    layer: product\n    owner: po\n"
        "    review_every_days: 9\n    criteria: []\n"
    )
    head = f"format: {FORMAT_V1}\nrequirements:\n"
    text = f"{head}{dash}    key: A\n    {fields}  # B is kept\n  - key: B\n    {fields}"
    left = replace_requirements(text.encode(), {"A": None}).decode()
    assert left == f"{head}  # B is kept\n  - key: B\n    {fields}"


def test_the_digest_covers_what_can_change_a_verdict() -> None:
    def digest(text: str) -> str:
        return parse_requirement_file(text.encode(), "r.yaml").requirements[0].digest

    assert digest(GOOD) == digest(GOOD.replace("at_least: 0.8", "at_least: 0.80 # a comment"))
    assert digest(GOOD) == digest(
        GOOD.replace("max_age_days: 90", "max_age_days: 90\n        confidence: 0.95")
    )
    assert digest(GOOD) != digest(GOOD.replace("min_n: 20", "min_n: 21"))


def test_the_starter_baseline_has_the_six_requirements_in_two_languages() -> None:
    parsed = parse_requirement_file(read_starter(), "baseline.yaml")
    assert len(parsed.requirements) == 6
    for requirement in parsed.requirements:
        assert set(requirement.statement) == {"en", "zh-Hans"}
        assert requirement.criteria
        assert all(criterion.check in known_checks() for criterion in requirement.criteria)
