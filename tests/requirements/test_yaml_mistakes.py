"""What authors get wrong: each mistake is answered at its line with what to do, and nothing is stored in silence."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any, Final

import pytest
from jsonschema import Draft202012Validator

from requirements.errors import RequirementFileInvalid
from requirements.starter import read_starter
from requirements.yaml_import import FileProblem, parse_requirement_file
from requirements.yaml_import.reader import read_yaml
from requirements.yaml_import.schema import file_schema

DATA: Final = Path(__file__).parent / "data" / "yaml_mistakes"
CASES: Final = [json.loads(line) for line in (DATA / "cases.jsonl").read_text(encoding="utf-8").splitlines()]
# What needs the store, and is asked of the linter or of the import as a whole.
OF_THE_STORE: Final = {"slice_value_unknown", "baseline_same_name_diff_set"}
GOOD: Final = str(next(case["text"] for case in CASES if case["id"] == "key_date"))


def source_of(case: dict[str, Any]) -> bytes:
    if "text" in case:
        return str(case["text"]).encode()
    if "base64" in case:
        return base64.b64decode(case["base64"])
    return GOOD.replace("cite a source.", "cite a source " + "x" * 60_000).encode()


def read(source: bytes) -> tuple[bool, list[FileProblem]]:
    """Return whether a file is taken, and what is said of it."""
    try:
        return True, list(parse_requirement_file(source, "f.yaml").warnings)
    except RequirementFileInvalid as exc:
        return False, exc.problems


@pytest.mark.parametrize(
    "case", [case for case in CASES if case["id"] not in OF_THE_STORE], ids=lambda case: str(case["id"])
)
def test_each_mistake_is_answered(case: dict[str, Any]) -> None:
    want = case["want"]
    taken, told = read(source_of(case))
    assert taken == want["accept"], told
    for said in want.get("warns", []):
        assert any(said in each.message for each in told)
    if taken:
        return
    there = [each for each in told if each.line == want["line"]]
    assert there, told
    assert want.get("path", there[0].path) in [each.path for each in there]
    for said in want.get("says", []):
        assert any(said in each.message for each in there), there
    if "nearest" in want:
        assert want["nearest"] in [each.nearest for each in there]


def good(old: str, new: str) -> list[FileProblem]:
    assert old in GOOD
    return read(GOOD.replace(old, new, 1).encode())[1]


@pytest.mark.parametrize(
    "character", ["\u0000", "\u001b", "\u0085", "\u2028", "\u202e", "\u2066", "\u200b", "\ufeff"]
)
@pytest.mark.parametrize("place", ["Each answer must", "owner: po", "citations.material_supported"])
def test_a_character_that_nobody_sees_is_named_with_its_line(character: str, place: str) -> None:
    line = GOOD[: GOOD.index(place)].count("\n") + 1
    (problem,) = good(place, place + character)
    assert (problem.code, problem.line) == ("bad_character", line)
    assert f"U+{ord(character):04X}" in problem.message


@pytest.mark.parametrize(
    ("old", "new", "sign"),
    [
        ("statement: Each", r'statement: "\u202e" # Each', "U+202E"),
        ("statement: Each answer must cite a source.", r'statement: "Each \ud800 must"', "U+D800"),
        ("owner: po", r'owner: "p\u200bo"', "U+200B"),
        ("min_n: 60", 'min_n: 60\n        slices: [{language: "e\\0n"}]', "U+0000"),
        ("min_n: 60", '"min\\0n": 60', "U+0000"),
    ],
)
def test_an_escaped_one_is_named_too(old: str, new: str, sign: str) -> None:
    found = good(old, new)
    assert any(each.code == "bad_character" and sign in each.message for each in found), found


@pytest.mark.parametrize(
    ("field", "value", "nearest"),
    [
        ("at_least", "90%", "0.9"),
        ("at_least", "'90 %'", "0.9"),
        ("at_least", "0,9", "0.9"),
        ("at_least", "1e300", None),
        ("at_least", ".inf", None),
        ("min_n", "1e3", "1000"),
        ("min_n", "60.0", "60"),
        ("min_n", "1,000", "1000"),
        ("min_n", "99999999999", None),
        ("min_n", "2147483647", None),
        ("review_every_days", "3 months", "90"),
        ("review_every_days", "每季度", "90"),
        ("review_every_days", "2147483647", None),
        ("review_every_days", "yearly", "365"),
        ("layer", "Grounding", "grounding"),
        ("risk_tier", "HIGH", "high"),
    ],
)
def test_a_number_or_choice_that_was_meant_is_named(field: str, value: str, nearest: str | None) -> None:
    written = next(line.strip() for line in GOOD.splitlines() if line.strip().startswith(f"{field}:"))
    (problem,) = good(written, f"{field}: {value}")
    assert problem.path.endswith(field)
    assert problem.nearest == nearest


@pytest.mark.parametrize("value", ["false", "12", "1.5", "true"])
@pytest.mark.parametrize("field", ["rationale", "external_id", "owner"])
def test_what_is_no_text_is_refused_with_a_word_on_quotes(field: str, value: str) -> None:
    text = GOOD if field == "owner" else GOOD.replace("    owner: po\n", f"    owner: po\n    {field}: no\n")
    written = "owner: po" if field == "owner" else f"{field}: no"
    found = read(text.replace(written, f"{field}: {value}").encode())[1]
    assert [(each.code, "quotes" in each.message) for each in found] == [("not_a_text", True)]


@pytest.mark.parametrize("field", ["statement: Each answer", "owner: po"])
def test_text_lost_to_a_comment_is_told(field: str) -> None:
    (warning,) = good(
        field, f"{field} # and more\n    rationale: why#not-lost" if "owner" in field else f"{field} # x"
    )
    assert warning.code == "text_after_hash"


def test_hours_that_no_time_can_hold_are_refused() -> None:
    check = "check: citations.material_supported"
    other = "check: reviews.within_time\n        parameters: {within_hours: 1e300}"
    (problem,) = good(check, other)
    assert problem.code == "bad_parameters"


def test_the_published_schema_refuses_nothing_that_is_taken() -> None:
    validator = Draft202012Validator(file_schema())
    bank = (Path(__file__).parent / "data" / "bank.yaml").read_bytes()
    taken = [source_of(case) for case in CASES if case["want"]["accept"] and case["id"] != "key_date"]
    for source in (read_starter(), bank, *taken):
        assert not list(validator.iter_errors(read_yaml(source).value)), source[:200]


def test_the_published_schema_refuses_names_that_nobody_knows() -> None:
    validator = Draft202012Validator(file_schema())
    criterion = {"key": "c", "check": "citations.material_supported", "at_least": 0.9, "min_n": 60}
    entry: dict[str, Any] = {
        "key": "k", "statement": "s", "risk_tier": "high", "layer": "product", "owner": "o", "review_every_days": 90,
    }  # fmt: skip
    for wrong in (
        {"at_most": 0.9},
        {"check": "citations"},
        {"parameters": {"minscore": 1}},
        {"slices": [{"lang": "en"}]},
        {"unit": "ms"},
        {"max_age_days": 1_000_000},
    ):
        entry["criteria"] = [{**criterion, **wrong}]
        assert list(validator.iter_errors({"format": "tracebinder.requirements/1", "requirements": [entry]}))
    entry["criteria"] = [criterion]
    assert not list(validator.iter_errors({"format": "tracebinder.requirements/1", "requirements": [entry]}))
