"""Binders of today's version, of which both verifiers say the same whatever their producer signs."""

from __future__ import annotations

import io
import json
import re
import subprocess
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from evidence.digests import canonical_json
from tests.client.binders import (
    ENVELOPE,
    LOG,
    SIGNER,
    WITNESS,
    Built,
    describe_anew,
    relist,
    repack,
    resign,
    trust_document,
    unpack,
)
from tests.client.both import javascript
from tests.client.conftest import Verify
from tests.client.newest import TRACE, WEI, build_newest, measured_requirement
from tests.client.test_verify_js import CLI, needs_node, run
from tests.client.zip_model import take_apart
from tracebinder.cli.main import main
from tracebinder.verify.errors import BinderMalformed
from tracebinder.verify.schema import check_schema
from tracebinder.verify.trust import parse_trust

Members = dict[str, bytes]
SOURCES = "data/requirements/sources.json"
ESCAPES = re.compile("[\x1b\r\x9b\u202e]")


@pytest.fixture(scope="module")
def newest() -> Built:
    return build_newest()


def signed_again(
    newest: Built, changes: Mapping[str, object], say_else: Callable[[Any], None] = lambda _: None
) -> bytes:
    """Return the binder with other documents in it, signed by whoever signs it."""
    members = unpack(newest.archive)
    for path, document in changes.items():
        rows = document if isinstance(document, list) else [document]
        members[path] = b"\n".join(map(canonical_json, rows)) + b"\n" * path.endswith(".jsonl")
    return repack(resign(relist(describe_anew(members)), change=say_else))


def test_what_is_missing_is_what_the_inputs_name_set_aside_or_without_a_value(
    newest: Built, verify: Verify
) -> None:
    assert verify(newest.archive).problems == []
    told = signed_again(newest, {SOURCES: measured_requirement(missing=1)})
    assert [problem.member for problem in verify(told).problems] == [SOURCES]


@pytest.mark.parametrize("role", [["supporting"], {}, None, 4])
def test_a_role_of_any_kind_of_value_is_answered(newest: Built, verify: Verify, role: object) -> None:
    finding = json.loads(unpack(newest.archive)["data/interpretability/1.json"])
    report = verify(signed_again(newest, {"data/interpretability/1.json": finding | {"role": role}}))
    assert "completeness" in {problem.line for problem in report.problems}
    assert report.exit_code == 1


def test_an_erased_passage_of_no_trace_is_answered(newest: Built, verify: Verify) -> None:
    path = "data/citations/citations.jsonl"
    first, *others = (json.loads(line) for line in unpack(newest.archive)[path].splitlines())
    changed = [first | {"traceId": [TRACE], "nearestText": "[erased]"}, *others]
    assert verify(signed_again(newest, {path: changed})).exit_code == 1


@pytest.mark.parametrize("began", ["1000-01-01T00:00:00+23:59", "2026-10-31T23:30:00-01:00"])
def test_a_month_is_compared_by_its_year_however_early(newest: Built, verify: Verify, began: str) -> None:
    members = unpack(newest.archive)
    trace = json.loads(members["data/traces/traces.jsonl"])
    span, _ = (json.loads(line) for line in members["data/traces/spans.jsonl"].splitlines())
    gone = {
        "path": "traces/spans.jsonl", "reasonCode": "retention", "pointer": "evidence_span_2026_11",
        "approvedBy": WEI, "at": "2026-11-21T00:00:00Z",
    }  # fmt: skip
    changes = {
        "data/traces/traces.jsonl": [trace | {"startedAt": began}],
        "data/traces/spans.jsonl": [span],
        "data/redactions.json": {"redactions": [gone]},
    }
    report = verify(
        signed_again(newest, changes, lambda statement: statement["predicate"].update(redacted=True))
    )
    assert "1 gone by retention" in report.line("completeness").detail


def test_a_status_that_is_called_total_is_none_of_the_totals(newest: Built, verify: Verify) -> None:
    changed = signed_again(
        newest,
        {SOURCES: measured_requirement() | {"status": "total"}},
        lambda statement: statement["predicate"].update(requirements={"total": 1}),
    )
    assert ENVELOPE in {problem.member for problem in verify(changed).problems}


def test_of_several_empty_folders_the_first_by_name_is_told(newest: Built, verify: Verify) -> None:
    top = newest.top
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        for path, content in {"z/": b"", "b/": b"", **unpack(newest.archive)}.items():
            packed.writestr(f"{top}/{path}", content)
    assert [problem.member for problem in verify(archive.getvalue()).problems] == ["b/"]


@pytest.mark.parametrize("size", [2**53, 2**60, 2**64 - 1])
def test_a_size_that_no_file_has_is_refused_by_its_member(newest: Built, verify: Verify, size: int) -> None:
    whole = take_apart(newest.archive)
    member = whole.members[0]
    member.extra = member.extra[:4] + size.to_bytes(8, "little") + member.extra[12:]
    (problem,) = verify(whole.to_bytes()).problems
    assert (problem.member, problem.exit_code) == (member.name.decode(), 2)


@pytest.mark.parametrize(
    "pattern",
    [
        "^(a|a)*$",
        "^(a*)*$",
        "^a*a*a*a*$",
        "a*b",
        "^(a)(a)$",
        "^a?a?a?$",
        "^a{0,10}$",
        "^a*a{100}$",
        "a" * 201,
        "^(a|b){2}$",
    ],
)
def test_a_pattern_that_a_text_could_be_tried_with_for_ever_is_refused(pattern: str) -> None:
    with pytest.raises(BinderMalformed, match="pattern"):
        check_schema("a" * 60 + "!", {"pattern": pattern}, member="m")


@pytest.mark.parametrize(
    "pattern", ["^(a|a)*$", "^a+a+$", "^a*a{100}$", "^[+*?]{2}$", "^[a-z]+-(a|b)[0-9]{0,2}$"]
)
def test_both_refuse_the_same_patterns(newest: Built, verify: Verify, pattern: str) -> None:
    members = unpack(newest.archive)
    schema = json.loads(members["data/schemas/finding.json"])
    schema["properties"]["title"] = {"pattern": pattern}
    report = verify(signed_again(newest, {"data/schemas/finding.json": schema}))
    assert report.exit_code in {1, 2}


def test_a_sidecar_is_held_whole_only_up_to_the_limit(newest: Built, verify: Verify, tmp_path: Path) -> None:
    huge = tmp_path / "huge"
    with huge.open("wb") as file:
        file.truncate((64 << 20) + 1)
    report = verify(newest.archive, sidecar=huge.read_bytes())
    assert [(problem.member, problem.exit_code) for problem in report.problems] == [("sidecar", 2)]


@pytest.mark.parametrize("key", [SIGNER, LOG])
def test_a_witness_is_somebody_else(key: Any) -> None:
    policy = trust_document(
        log={"origin": LOG.name, "vkey": LOG.vkey()},
        witnesses=[{"vkey": WITNESS.vkey(4)}, {"vkey": key.vkey(4)}],
        requireWitness=1,
    )
    with pytest.raises(BinderMalformed, match="nobody else would be watching"):
        parse_trust(json.dumps(policy).encode())


def _of_a_stranger(newest: Built) -> dict[str, bytes]:
    """Return binders that nobody signed, which would have a terminal say that they are verified."""
    members, lie = unpack(newest.archive), "\x1b[2J\x9b\u202e\r\nx.zip: verified"
    top = newest.top
    row = f"{'0' * 64}  data/\x1b[2Jverified\n".encode()
    return {
        "a name": repack({**members, f"data/{lie}": b""}, top=top),
        "a manifest": repack(
            {**members, "manifest-sha256.txt": members["manifest-sha256.txt"] + row}, top=top
        ),
        "an envelope": repack({**members, "bag-info.txt": lie.encode()}, top=top),
    }


def _of_the_producer(newest: Built) -> dict[str, bytes]:
    lie = "\x1b[2J\x9b\u202e\r\nx.zip: verified"
    return {
        "a claim": signed_again(newest, {}, lambda statement: statement["predicate"].update(nonClaims=[lie])),
        "a system": signed_again(newest, {}, lambda statement: statement["predicate"].update(system=lie)),
        "no list": signed_again(newest, {}, lambda statement: statement["predicate"].update(nonClaims=5)),
    }


@pytest.mark.parametrize("made", [_of_a_stranger, _of_the_producer])
def test_no_binder_drives_the_terminal_or_begins_a_line(
    newest: Built,
    made: Callable[[Built], dict[str, bytes]],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    trust = tmp_path / "trust.json"
    trust.write_text(json.dumps(trust_document()))
    for name, archive in made(newest).items():
        binder = tmp_path / f"{name}.zip"
        binder.write_bytes(archive)
        code = main(["verify", str(binder), "--trust", str(trust)])
        told = capfd.readouterr().out
        assert not ESCAPES.search(told), name
        assert not [line for line in told.splitlines() if line.startswith("x.zip")], name
        if javascript() is not None:
            done = run(binder, "--trust", trust)
            assert (done.returncode, done.stderr) == (code, ""), name
            assert not ESCAPES.search(done.stdout), name
            assert not [line for line in done.stdout.splitlines() if line.startswith("x.zip")], name
            assert not ESCAPES.search(run(binder, "--trust", trust, "--json").stdout), name


@needs_node
def test_a_trust_file_may_come_through_a_pipe(newest: Built, tmp_path: Path) -> None:
    binder = newest.save(tmp_path)
    command = ["/bin/sh", "-c", 'cat | node "$0" "$1" --trust /dev/stdin', str(CLI), str(binder)]
    policy = json.dumps(trust_document())
    done = subprocess.run(command, input=policy, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
