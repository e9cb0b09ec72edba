"""What is in a binder of a system with everything: exported once, then read as an auditor would."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import bagit
import jsonschema
import pytest

from tests.client.binders import repack
from tests.evidence.binder_world import SECRET, export, fill, verify
from tests.evidence.kept_binders import Export, KeptBinder

pytestmark = pytest.mark.django_db  # without it, no database is made for the fixture


@pytest.fixture(scope="module")
def exported(keep_binder: Callable[[Export], KeptBinder]) -> KeptBinder:
    return keep_binder(lambda world: export(fill(world), as_of=None))


def test_export_is_verified_offline_line_by_line(exported: KeptBinder, tmp_path: Path) -> None:
    report = verify(tmp_path, exported.archive, exported.sidecar, exported.trusted)
    assert report.problems == []
    assert {line.name: line.state for line in report.lines} == {
        "integrity": "ok",
        "origin": "ok",
        "container": "ok",
        "log inclusion": "ok",
        "witnessed": "not present",
        "completeness": "ok",
        "freshness": "not checked",
    }
    assert report.exit_code == 0


@pytest.mark.parametrize("member", ["data/citations/citations.jsonl", "data/audit/leafhashes.bin"])
def test_one_changed_byte_is_refused_and_the_member_named(
    exported: KeptBinder, tmp_path: Path, member: str
) -> None:
    changed = bytearray(exported.members[member])
    changed[len(changed) // 2] ^= 1
    archive = repack({**exported.members, member: bytes(changed)}, top=exported.top)
    report = verify(tmp_path, archive, trusted=exported.trusted)
    assert report.exit_code == 1
    assert member in {problem.member for problem in report.problems}


def test_bagit_library_finds_a_valid_bag(exported: KeptBinder, tmp_path: Path) -> None:
    with zipfile.ZipFile(BytesIO(exported.archive)) as archive:
        archive.extractall(tmp_path)
    assert bagit.Bag(str(tmp_path / exported.top)).validate()


def test_json_schema_library_agrees_with_every_document(exported: KeptBinder) -> None:
    checked = set()
    for entity in exported.document("ro-crate-metadata.json")["@graph"]:
        if "conformsTo" not in entity or entity["@type"] != "File":
            continue
        named = entity["conformsTo"]["@id"]
        content = exported.members["data/" + entity["@id"]]
        for row in content.splitlines() if entity["@id"].endswith(".jsonl") else [content]:
            jsonschema.validate(json.loads(row), exported.document(named))
            checked.add(named)
    assert len(checked) >= 11


def test_every_section_is_filled_and_counter_evidence_is_first(exported: KeptBinder) -> None:
    payload = [name.removeprefix("data/") for name in exported.members if name.startswith("data/")]
    assert payload[0] == "evidence/counter.jsonl"
    assert len(exported.lines("evidence/counter.jsonl")) == 1
    assert {name.split("/")[0] for name in payload if "/" in name} == {
        "audit", "citations", "evals", "evidence", "gates", "interpretability", "requirements", "reviews", "schemas",
        "traces", "versions",
    }  # fmt: skip
    assert exported.document("redactions.json") == {"redactions": []}
    assert [row["rationale"] for row in exported.lines("reviews/reviews.jsonl")] == ["引用的条款已失效"]


def test_requirements_say_what_is_met_and_what_is_not(exported: KeptBinder) -> None:
    met = exported.document("requirements/states-limits.json")
    assert met["status"] == "satisfied"
    assert met["criteria"][0]["n"] == 20
    assert met["criteria"][0]["low"] >= met["criteria"][0]["threshold"]
    assert exported.document("requirements/never-limits.json")["status"] != "satisfied"


def test_cited_text_lets_a_verdict_be_replayed(exported: KeptBinder) -> None:
    sources = {row["digest"]: row["text"] for row in exported.lines("citations/sources.jsonl")}
    verbatim = [row for row in exported.lines("citations/citations.jsonl") if row["verdict"] == "verbatim"]
    assert verbatim
    for row in verbatim:
        assert sources[row["documentDigest"]][row["docStart"] : row["docEnd"]] == row["quote"]


def test_findings_are_words_and_intervals_and_internals_are_in_no_byte(exported: KeptBinder) -> None:
    findings = [name for name in exported.members if name.startswith("data/interpretability/")]
    assert {json.loads(exported.members[name])["role"] for name in findings} == {"supporting", "counter"}
    for name, content in exported.members.items():
        assert SECRET.encode() not in content, name
        assert b'"features"' not in content, name
