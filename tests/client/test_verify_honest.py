"""What an honest binder is reported as, line by line, and what the trust file changes about that."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from pathlib import Path

import bagit
import jsonschema
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from securesystemslib.dsse import Envelope

from evidence.binder.schemas import schema_file, schema_names
from tests.client.binders import (
    ENVELOPE,
    LOG,
    SIGNER,
    STRANGER,
    WITNESS,
    Built,
    SmallLog,
    build,
    facts,
    finding,
    honest_files,
    repack,
    requirement,
    trusted,
    unpack,
)
from tests.client.conftest import Verify
from tracebinder.verify import Report

LOGGED = {"origin": LOG.name, "vkey": LOG.vkey()}


def states(report: Report) -> dict[str, str]:
    return {line.name: line.state for line in report.lines}


def test_honest_binder_is_verified_and_what_it_lacks_is_never_green(honest: Built, verify: Verify) -> None:
    report = verify(honest.archive, sidecar=honest.written.sidecar)
    assert report.problems == []
    assert report.exit_code == 0
    assert states(report) == {
        "integrity": "ok",
        "origin": "ok",
        "container": "ok",
        "log inclusion": "not present",
        "witnessed": "not present",
        "completeness": "ok",
        "freshness": "not checked",
    }


def test_same_files_give_same_bytes(honest: Built) -> None:
    again = build()
    assert again.archive == honest.archive
    assert again.written.sidecar == honest.written.sidecar


def test_bag_survives_being_packed_by_another_tool(honest: Built, verify: Verify) -> None:
    assert verify(repack(unpack(honest.archive))).exit_code == 0


def test_repacked_bag_no_longer_has_the_sidecars_bytes(honest: Built, verify: Verify) -> None:
    report = verify(repack(unpack(honest.archive)), sidecar=honest.written.sidecar)
    assert report.exit_code == 1
    assert states(report)["integrity"] == "ok"
    assert states(report)["origin"] == "failed"


def test_bagit_library_finds_a_valid_bag(honest: Built, tmp_path: Path) -> None:
    with zipfile.ZipFile(honest.save(tmp_path)) as archive:
        archive.extractall(tmp_path / "out")
    folder = tmp_path / "out" / honest.top
    assert bagit.Bag(str(folder)).validate(processes=1)


def test_securesystemslib_reads_and_verifies_the_envelope(honest: Built) -> None:
    envelope = Envelope.from_dict(json.loads(unpack(honest.archive)[ENVELOPE]))
    public = Ed25519PublicKey.from_public_bytes(SIGNER.public)
    (signature,) = envelope.signatures.values()
    public.verify(bytes.fromhex(signature.signature), envelope.pae())


@pytest.mark.parametrize("name", schema_names())
def test_shipped_schemas_are_valid_json_schema(name: str) -> None:
    schema = json.loads(b"".join(schema_file(name).chunks))
    jsonschema.Draft202012Validator.check_schema(schema)


def test_front_page_can_be_read_by_everyone(honest: Built) -> None:
    page = unpack(honest.archive)["data/index.html"].decode()
    for needed in (
        '<html lang="en">',
        'lang="zh-Hans"',
        'class="skip"',
        '<main id="main">',
        'scope="col"',
        "<caption>",
    ):
        assert needed in page
    assert "<script" not in page
    assert "http" not in page.replace("</html>", "")


def test_front_page_escapes_what_others_wrote() -> None:
    built = build(about=replace(facts(), purpose="<script>alert(1)</script>"))
    page = unpack(built.archive)["data/index.html"].decode()
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_export_in_the_log_is_proven(verify: Verify) -> None:
    built = build(about=facts(log=LOGGED), prove=SmallLog(witnesses=(WITNESS,)))
    report = verify(
        built.archive,
        sidecar=built.written.sidecar,
        log={"origin": LOG.name, "vkey": LOG.vkey(), "minimumTreeSize": 7, "required": True},
        witnesses=[{"name": "w", "vkey": WITNESS.vkey(4)}],
        quorum=1,
        maximumAgeDays=30,
    )
    assert report.problems == []
    assert set(states(report).values()) == {"ok"}


def test_proof_without_a_trusted_log_is_not_called_checked(verify: Verify) -> None:
    built = build(about=facts(log=LOGGED), prove=SmallLog())
    report = verify(built.archive)
    assert report.exit_code == 0
    assert states(report)["log inclusion"] == "not checked"


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"signers": [trusted(SIGNER), trusted(STRANGER)], "threshold": 2}, "origin"),
        ({"signers": [trusted(STRANGER)]}, "origin"),
        ({"predicateTypes": ["https://elsewhere.example/v1"]}, "origin"),
        ({"log": {"origin": LOG.name, "vkey": LOG.vkey(), "required": True}}, "log inclusion"),
        ({"witnesses": [{"name": "w", "vkey": WITNESS.vkey(4)}], "quorum": 1}, "witnessed"),
        ({"maximumAgeDays": 0}, "freshness"),
    ],
)
def test_trust_policy_that_is_not_met_is_exit_3(
    honest: Built, verify: Verify, changes: dict[str, object], line: str
) -> None:
    report = verify(honest.archive, **changes)
    assert report.exit_code == 3
    assert states(report)[line] == "failed"


def test_two_signers_meet_a_threshold_of_two(verify: Verify) -> None:
    built = build(signers=(SIGNER, STRANGER))
    report = verify(built.archive, signers=[trusted(SIGNER), trusted(STRANGER)], threshold=2)
    assert report.exit_code == 0


def test_names_in_chinese_are_packed_and_verified(verify: Verify) -> None:
    built = build(honest_files(requirements=[requirement(key="来源")], findings=[finding(id="发现")]))
    assert verify(built.archive).exit_code == 0
