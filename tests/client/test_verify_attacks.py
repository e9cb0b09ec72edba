"""Structural attacks: each changes an honest binder in one way, and is refused with the right exit code."""

from __future__ import annotations

import base64
import io
import json
import struct
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from evidence.binder.dsse import pre_authentication_encoding, seal_envelope
from evidence.digests import canonical_json
from tests.client.binders import (
    AS_OF,
    ENVELOPE,
    LOG,
    SIGNER,
    STRANGER,
    WITNESS,
    Built,
    KeyPair,
    SmallLog,
    build,
    criterion,
    describe_anew,
    facts,
    honest_files,
    payload_of,
    relist,
    repack,
    resign,
    trust_document,
    unpack,
)
from tests.client.conftest import Verify
from tracebinder.verify import Report
from tracebinder.verify.errors import BinderMalformed
from tracebinder.verify.trust import parse_trust

Members = dict[str, bytes]
TARGET = "data/evals/run-1.json"
TOP = f"binder-{facts().binder_id}"
LOG_NAMED = {"origin": LOG.name, "vkey": LOG.vkey()}
LOG_TRUST = {"origin": LOG.name, "vkey": LOG.vkey(), "minimumTreeSize": 7, "required": True}


def edit(members: Members) -> Members:
    return {**members, TARGET: members[TARGET].replace(b"0.97", b"0.99")}


def without(path: str) -> Callable[[Members], Members]:
    return lambda members: {name: content for name, content in members.items() if name != path}


def delete_and_relist(members: Members) -> Members:
    return relist(without(TARGET)(members))


def swap(members: Members) -> Members:
    other = "data/redactions.json"
    return {**members, TARGET: members[other], other: members[TARGET]}


def rename(members: Members) -> Members:
    return {name.replace("run-1", "run-2"): content for name, content in members.items()}


def crlf_manifest(members: Members) -> Members:
    return {**members, "manifest-sha256.txt": members["manifest-sha256.txt"].replace(b"\n", b"\r\n")}


def duplicate_key(members: Members) -> Members:
    return {**members, ENVELOPE: members[ENVELOPE].replace(b'{"payload":', b'{"payload":"","payload":', 1)}


def swap_payload_type(members: Members) -> Members:
    return {**members, ENVELOPE: members[ENVELOPE].replace(b"vnd.in-toto+json", b"vnd.in-toto+jsom")}


def sign_other_type(members: Members) -> Members:
    payload = base64.b64decode(json.loads(members[ENVELOPE])["payload"])
    envelope = json.loads(members[ENVELOPE])
    signed = pre_authentication_encoding("text/plain", payload)
    envelope["signatures"][0]["sig"] = base64.b64encode(SIGNER.sign(signed)).decode()
    return {**members, ENVELOPE: canonical_json(envelope) + b"\n"}


def drop_signature(members: Members) -> Members:
    envelope = {**json.loads(members[ENVELOPE]), "signatures": []}
    return {**members, ENVELOPE: canonical_json(envelope) + b"\n"}


def replay_attestation(members: Members) -> Members:
    other = build(honest_files(findings=[]))
    return {**members, ENVELOPE: unpack(other.archive)[ENVELOPE]}


def two_envelopes(members: Members) -> Members:
    return {**members, ENVELOPE: members[ENVELOPE] * 2}


def spaced_envelope(members: Members) -> Members:
    return {**members, ENVELOPE: members[ENVELOPE].replace(b'{"payload":', b'{ "payload":', 1)}


def signature_with_a_note(members: Members) -> Members:
    return {
        **members,
        ENVELOPE: members[ENVELOPE].replace(b'"sig":', b'"note":"approved by the board","sig":', 1),
    }


def signature_of_half_a_character(members: Members) -> Members:
    envelope = json.loads(members[ENVELOPE])
    envelope["signatures"].append({"keyid": "\ud800", "sig": "AAAA"})
    text = json.dumps(envelope, sort_keys=True, separators=(",", ":"))
    return {**members, ENVELOPE: text.encode() + b"\n"}


@pytest.mark.parametrize(
    ("attack", "exit_code", "named"),
    [
        (edit, 1, TARGET),
        (without(TARGET), 1, TARGET),
        (delete_and_relist, 1, ENVELOPE),
        (lambda m: relist(edit(m)), 1, ENVELOPE),
        (lambda m: {**m, "data/extra.json": b"{}"}, 1, "data/extra.json"),
        (lambda m: {**m, "notes.txt": b"unlisted tag file"}, 1, "notes.txt"),
        (lambda m: {**m, "attest/other.jsonl": b"{}"}, 1, "attest/other.jsonl"),
        (lambda m: {**m, "attest/binder.tsr": b"unread"}, 1, "attest/binder.tsr"),
        (spaced_envelope, 2, ENVELOPE),
        (signature_with_a_note, 2, ENVELOPE),
        (swap, 1, TARGET),
        (rename, 1, TARGET),
        (lambda m: resign(relist(edit(m)), signers=[STRANGER]), 3, ENVELOPE),
        (replay_attestation, 1, ENVELOPE),
        (drop_signature, 3, ENVELOPE),
        (without(ENVELOPE), 1, ENVELOPE),
        (crlf_manifest, 2, "manifest-sha256.txt"),
        (lambda m: relist(m) | {"bagit.txt": b"BagIt-Version: 0.97\n"}, 2, "bagit.txt"),
        (duplicate_key, 2, ENVELOPE),
        (swap_payload_type, 2, ENVELOPE),
        (sign_other_type, 1, ENVELOPE),
        (two_envelopes, 2, ENVELOPE),
        (without("bagit.txt"), 1, "bagit.txt"),
        (without("tagmanifest-sha256.txt"), 1, "tagmanifest-sha256.txt"),
        (signature_of_half_a_character, 2, ENVELOPE),
        (lambda m: {**m, "bag-info.txt": m["bag-info.txt"].replace(b"\n", b"\x0b", 1)}, 1, "bag-info.txt"),
        (lambda m: {**m, "bag-info.txt": m["bag-info.txt"] + b"Note: x"}, 2, "bag-info.txt"),
    ],
)
def test_changed_bag_is_refused(
    honest: Built, verify: Verify, attack: Callable[[Members], Members], exit_code: int, named: str
) -> None:
    report = verify(repack(attack(unpack(honest.archive))))
    assert report.exit_code == exit_code
    assert named in {problem.member for problem in report.problems}


def test_a_signature_by_a_key_nobody_knows_is_named(honest: Built, verify: Verify) -> None:
    members = resign(unpack(honest.archive), signers=[SIGNER, STRANGER])
    report = verify(repack(members))
    assert report.exit_code == 0
    assert "1 signature(s) by keys it does not know" in line_of(report, "origin")


def test_a_cosignature_by_a_witness_nobody_knows_is_named(verify: Verify) -> None:
    built = build(about=facts(log=LOG_NAMED), prove=SmallLog(witnesses=(STRANGER,)))
    report = verify(built.archive, log=LOG_TRUST)
    assert report.exit_code == 0
    assert "1 signature line(s) by unknown keys" in line_of(report, "witnessed")


@pytest.mark.parametrize(
    ("late", "exit_code"),
    [
        (timedelta(0), 0),
        (timedelta(minutes=-4), 0),
        (timedelta(minutes=-6), 1),
        (datetime(1970, 1, 1, tzinfo=UTC) - AS_OF, 0),
    ],
    ids=["when it was made", "by another clock", "before it was made", "without a time"],
)
def test_no_witness_saw_a_binder_before_it_was_made(verify: Verify, late: timedelta, exit_code: int) -> None:
    """Who makes a binder look newer than it is gives it another `asOf`; a witness's clock is not theirs."""
    prove = SmallLog(witnesses=(WITNESS,), cosigned_at=AS_OF + late)
    built = build(about=facts(log=LOG_NAMED), prove=prove)
    witnesses = [{"name": "w", "vkey": WITNESS.vkey(4)}]
    for quorum in (0, 1):
        report = verify(built.archive, log=LOG_TRUST, witnesses=witnesses, quorum=quorum)
        assert report.exit_code == exit_code
        assert (states_of(report)["witnessed"] == "failed") == (exit_code == 1)


@pytest.mark.parametrize(
    ("version", "producer", "behind", "exit_code"),
    [
        ("binder/1", {"minimumVersion": 1}, 0, 0),
        ("binder/1", {"minimumVersion": 8}, 0, 3),
        ("0.1.0", {"minimumVersion": 1}, 0, 3),
        ("binder/1", {"minimumVersion": 8, "seenAt": "2026-11-22T09:00:00Z"}, 0, 3),
        ("binder/1", {"minimumVersion": 8, "seenAt": "2026-11-22T09:00:01Z"}, 0, 0),
        ("binder/1", {"minimumVersion": 8, "seenAt": "2026-11-22T09:00:01Z"}, 4, 0),
        ("binder/1", {"minimumVersion": 8, "seenAt": "2026-11-22T09:00:01Z"}, 3, 3),
    ],
)
def test_an_older_version_does_not_excuse_what_a_newer_one_must_tell(
    verify: Verify, version: str, producer: dict[str, object], behind: int, exit_code: int
) -> None:
    """An `asOf` of long ago does not either: the log says what was sealed behind the leaves that were seen.

    Args:
        behind: how many leaves the trust file has seen; the fourth is the binder's.
    """
    built = build(about=facts(log=LOG_NAMED, version=version), prove=SmallLog())
    report = verify(built.archive, log={**LOG_TRUST, "minimumTreeSize": behind}, producer=producer)
    assert report.exit_code == exit_code
    if exit_code:
        assert f"binder/{producer['minimumVersion']} was seen before" in report.problems[0].detail


@pytest.mark.parametrize("changes", [{}, {"producer": {"minimumVersion": 1}}])
def test_a_statement_without_a_producer_is_malformed_and_said_so_alike(
    honest: Built, verify: Verify, changes: dict[str, object]
) -> None:
    def say_less(statement: dict[str, Any]) -> None:
        del statement["predicate"]["producer"]

    members = resign(unpack(honest.archive), change=say_less)
    assert verify(repack(members), **changes).exit_code == 2


@pytest.mark.parametrize(
    ("producer", "told"),
    [
        ({"minimumVersion": -1}, "whole number"),
        ({"minimumVersion": "binder/8"}, "whole number"),
        ({"minVersion": 8}, "did you mean the producer's 'minimumVersion'"),
        ({}, "minimumVersion"),
        (8, "producer"),
    ],
)
def test_a_demand_of_a_version_that_cannot_be_read_is_refused(producer: object, told: str) -> None:
    with pytest.raises(BinderMalformed, match=told):
        parse_trust(json.dumps(trust_document(producer=producer)).encode())


def states_of(report: Report) -> dict[str, str]:
    return {line.name: line.state for line in report.lines}


def line_of(report: Report, name: str) -> str:
    return next(line.detail for line in report.lines if line.name == name)


def test_bag_under_another_name_is_refused(honest: Built, verify: Verify) -> None:
    report = verify(repack(unpack(honest.archive), top="binder-00000000-0000-5000-8000-000000000000"))
    assert report.exit_code == 1


def test_newer_format_is_unverifiable_and_not_failed(honest: Built, verify: Verify) -> None:
    members = unpack(honest.archive)
    members["bag-info.txt"] = members["bag-info.txt"].replace(b"Format: 1.0", b"Format: 2.0")
    assert verify(repack(relist(members))).exit_code == 4


def test_newer_statement_is_unverifiable(honest: Built, verify: Verify) -> None:
    def newer(statement: dict[str, object]) -> None:
        statement["predicate"]["formatVersion"] = "2.0"  # type: ignore[index]  # a JSON object

    assert verify(repack(resign(unpack(honest.archive), change=newer))).exit_code == 4


def _zip_of(entries: list[tuple[zipfile.ZipInfo, bytes]], *, comment: bytes = b"") -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as made:
        for info, content in entries:
            made.writestr(info, content)
        made.comment = comment
    return sink.getvalue()


def _extra_entry(honest: Built, name: str, *, mode: int = 0o100644, method: int = 8) -> bytes:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    info.compress_type = method
    entries = [
        (zipfile.ZipInfo(f"{TOP}/{path}"), content) for path, content in unpack(honest.archive).items()
    ]
    return _zip_of([*entries, (info, b"x")])


@pytest.mark.parametrize(
    "name",
    [
        f"{TOP}/../escape.txt",
        f"{TOP}/data//double.txt",
        f"{TOP}/data/./dot.txt",
        f"{TOP}/data/back\\slash.txt",
        f"{TOP}/data/c:colon.txt",
        f"{TOP}/data/bell\x07.txt",
        "/absolute.txt",
        "loose.txt",
        "second-top/file.txt",
        f"{TOP}/data/EVALS/RUN-1.json",
    ],
)
def test_unsafe_or_colliding_path_is_malformed(honest: Built, verify: Verify, name: str) -> None:
    assert verify(_extra_entry(honest, name)).exit_code == 2


def test_link_is_malformed(honest: Built, verify: Verify) -> None:
    assert verify(_extra_entry(honest, f"{TOP}/data/link", mode=0o120777)).exit_code == 2


def test_other_compression_is_malformed(honest: Built, verify: Verify) -> None:
    assert verify(_extra_entry(honest, f"{TOP}/data/b.bz2", method=zipfile.ZIP_BZIP2)).exit_code == 2


def test_same_member_twice_is_malformed(honest: Built, verify: Verify) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        archive = _extra_entry(honest, f"{TOP}/{TARGET}")
    assert verify(archive).exit_code == 2


def test_bytes_around_the_members_are_malformed(honest: Built, verify: Verify) -> None:
    assert verify(b"#!/bin/sh\n" + honest.archive).exit_code == 2
    assert verify(honest.archive + b"tail").exit_code == 2
    entries = [
        (zipfile.ZipInfo(f"{TOP}/{path}"), content) for path, content in unpack(honest.archive).items()
    ]
    assert verify(_zip_of(entries, comment=b"hello")).exit_code == 2


def test_local_name_that_differs_from_the_directory_is_malformed(honest: Built, verify: Verify) -> None:
    name = f"{TOP}/{TARGET}".encode()
    archive = honest.archive.replace(name, name.replace(b"run-1", b"run-9"), 1)
    assert verify(archive).exit_code == 2


def test_encrypted_member_is_malformed(honest: Built, verify: Verify) -> None:
    archive = bytearray(repack(unpack(honest.archive)))
    directory = archive.index(b"PK\x01\x02")
    struct.pack_into("<H", archive, 6, 1)
    struct.pack_into("<H", archive, directory + 8, 1)
    assert verify(bytes(archive)).exit_code == 2


def test_zip_bomb_is_refused_before_it_is_unpacked(honest: Built, verify: Verify) -> None:
    members = unpack(honest.archive) | {"data/zeros.bin": bytes(32 << 20)}
    report = verify(repack(members))
    assert report.exit_code == 2
    assert "unpack" in report.problems[0].detail


@pytest.mark.parametrize(
    "content", [b"", b"PK", b"PK\x05\x06" + bytes(18), b"\xff" * 5000, b"not a zip at all"]
)
def test_what_is_no_zip_is_malformed(verify: Verify, content: bytes) -> None:
    assert verify(content).exit_code == 2


def test_sidecar_of_another_binder_is_refused(honest: Built, verify: Verify) -> None:
    other = build(honest_files(findings=[]))
    assert verify(honest.archive, sidecar=other.written.sidecar).exit_code == 1


def test_inner_statement_is_no_sidecar(honest: Built, verify: Verify) -> None:
    assert verify(honest.archive, sidecar=unpack(honest.archive)[ENVELOPE]).exit_code == 1


def logged(*, key: KeyPair = LOG, others: int = 6) -> Members:
    about = facts(log={"origin": LOG.name, "vkey": LOG.vkey()})
    return unpack(build(about=about, prove=SmallLog(others=others, key=key)).archive)


PROOF = "attest/binder.tlog-proof"
ENTRY = "attest/binder.log-entry.json"


def _replace(path: str, old: bytes, new: bytes) -> Callable[[Members], Members]:
    def change(members: Members) -> Members:
        changed = {**members, path: members[path].replace(old, new, 1)}
        assert changed != members
        return changed

    return change


@pytest.mark.parametrize(
    ("attack", "exit_code"),
    [
        (lambda _: logged(key=STRANGER), 1),
        (lambda _: logged(others=3), 3),
        (without(PROOF), 1),
        (without(ENTRY), 1),
        (lambda m: without(PROOF)(without(ENTRY)(m)), 1),
        (_replace(PROOF, b"index 3", b"index 2"), 1),
        (_replace(PROOF, b"index 3", b"index 03"), 2),
        (_replace(PROOF, b"\n7\n", b"\n8\n"), 1),
        (_replace(ENTRY, b"binder.sealed", b"binder.opened"), 1),
        (lambda m: m | {ENTRY: logged(others=4)[ENTRY] + b" "}, 1),
        (lambda m: m | {ENTRY: b"[]"}, 2),
        (lambda m: m | {PROOF: b"\xff\n\n"}, 2),
    ],
)
def test_forged_or_missing_log_proof_is_refused(
    verify: Verify, attack: Callable[[Members], Members], exit_code: int
) -> None:
    report = verify(repack(attack(logged())), log=LOG_TRUST)
    assert report.exit_code == exit_code
    assert [line.state for line in report.lines if line.name == "log inclusion"] == ["failed"]


def _signed_lie(change: Callable[[Members], Members]) -> Callable[[Members], bytes]:
    """A lie told by the holder of the key: digests and signature are right, the content is not."""
    return lambda members: repack(resign(relist(describe_anew(change(members)))))


def _edit_document(path: str, **changes: object) -> Callable[[Members], Members]:
    return lambda members: {**members, path: canonical_json({**json.loads(members[path]), **changes})}


def _inputs(*missing: int) -> dict[str, object]:
    """Return the inputs of a verdict, of the whole and of its slices, that name so many traces as set aside."""
    return {"measured": [{"recent": {"inputs": {"set_aside": {"trace_too_large": n}}}} for n in missing]}


def _criterion(**changes: object) -> Callable[[Members], Members]:
    def change(members: Members) -> Members:
        path = "data/requirements/sources.json"
        document = json.loads(members[path])
        document["criteria"][0].update(changes)
        return {**members, path: canonical_json(document)}

    return change


@pytest.mark.parametrize(
    "lie",
    [
        _criterion(low=0.89),  # the unfavourable bound misses the threshold, though the value does not
        _criterion(n=9),
        _criterion(n=30, missing=21),  # thirty with what is missing, nine were observed
        _criterion(n=9, missing=-1),
        _criterion(n=60, inputs=_inputs(21)),  # which it does not say are missing
        _criterion(n=60, missing=1, inputs=_inputs(21)),
        _criterion(
            slices=[{"language": "en"}],
            sliceResults=[{"where": {"language": "en"}, "n": 60, "low": 0.93}],
            inputs=_inputs(0, 21),
        ),
        _criterion(low=None),
        _criterion(minN=0, n=0),
        _criterion(slices=[{"language": "zh-Hans"}]),  # named, and never measured
        _criterion(
            slices=[{"language": "en"}], sliceResults=[{"where": {"language": "en"}, "n": 60, "low": 0.8}]
        ),
        _criterion(
            slices=[{"language": "en"}],
            sliceResults=[{"where": {"language": "en"}, "n": 60, "low": 0.93, "missing": 51}],
        ),
        _criterion(
            slices=[{"language": "en"}],
            sliceResults=[{"where": {"language": "en"}, "n": 9, "low": 0.93, "missing": -1}],
        ),
        _criterion(
            slices=[{"language": "en"}],
            sliceResults=[{"where": {"language": "en"}, "n": 60, "low": 0.93, "missing": "51"}],
        ),
        _criterion(maxAgeDays=30, observedTo="2026-10-01T00:00:00Z"),
        _edit_document("data/requirements/sources.json", state="draft"),
        _criterion(maxAgeDays=-1e300, observedTo="2026-11-22T09:00:00Z"),
        _replace("data/requirements/sources.json", b'"n":120', b'"n":1' + b"0" * 400),  # held by no double
        _criterion(slices=[{"top": 1}], sliceResults=[{"where": {"top": True}, "n": 60, "low": 0.93}]),
        _criterion(verdict="not_met"),  # then the requirement is not satisfied
        _criterion(evidence=["interpretability/1.json"]),
        _criterion(evidence=["evals/none.json"]),
        _criterion(comparator="about"),
        _edit_document("data/requirements/sources.json", status="waived"),
        _edit_document("data/interpretability/1.json", role="primary"),
        _edit_document("data/interpretability/1.json", doesNotShow=" "),
        _edit_document("data/interpretability/1.json", features=[1, 2]),
        lambda m: {**m, "data/reviews/reviews.jsonl": b""},
        lambda m: {**m, "data/reviews/reviews.jsonl": m["data/reviews/reviews.jsonl"] * 2},
        lambda m: {**m, "data/reviews/reviews.jsonl": b'{"id":"1"}\n'},
        lambda m: {**m, "data/unknown.json": b"{}"},
    ],
)
def test_signed_binder_whose_content_contradicts_itself_is_refused(
    honest: Built, verify: Verify, lie: Callable[[Members], Members]
) -> None:
    report = verify(_signed_lie(lie)(unpack(honest.archive)))
    assert report.exit_code == 1
    assert {line.name: line.state for line in report.lines}["integrity"] == "ok"
    assert {line.name: line.state for line in report.lines}["completeness"] == "failed"


@pytest.mark.parametrize("age", [10**9, 1e300])
def test_an_age_longer_than_the_calendar_is_an_age(honest: Built, verify: Verify, age: float) -> None:
    lie = _criterion(maxAgeDays=age, observedTo="1999-01-01T00:00:00Z")
    assert verify(_signed_lie(lie)(unpack(honest.archive))).exit_code == 0


@pytest.mark.parametrize("verdicts", [("not_met", "met"), ("met", "met")])
def test_a_criterion_cannot_hide_behind_another_of_its_key(
    honest: Built, verify: Verify, verdicts: tuple[str, str]
) -> None:
    criteria = [criterion(verdict=verdict) for verdict in verdicts]
    lie = _edit_document("data/requirements/sources.json", criteria=criteria)
    report = verify(_signed_lie(lie)(unpack(honest.archive)))
    assert [problem.detail for problem in report.problems] == ["two criteria have the same key"]
    assert report.exit_code == 2


@pytest.mark.parametrize(
    ("totals", "exit_code"),
    [
        ({"total": 1, "satisfied": True}, 2),
        ({"total": 1, "satisfied": 1, "waived": ""}, 2),
        ({"satisfied": 1}, 1),
        ({"total": 1, "satisfied": 1, "total number": 0}, 0),
    ],
)
def test_totals_are_whole_numbers(
    honest: Built, verify: Verify, totals: dict[str, object], exit_code: int
) -> None:
    def other(statement: dict[str, object]) -> None:
        statement["predicate"]["requirements"] = totals  # type: ignore[index]  # a JSON object

    assert verify(repack(resign(unpack(honest.archive), change=other))).exit_code == exit_code


@pytest.mark.parametrize("said", [0, 0.0, "", None])
def test_whether_anything_is_gone_is_said_by_true_or_false(
    honest: Built, verify: Verify, said: object
) -> None:
    def other(statement: dict[str, object]) -> None:
        statement["predicate"]["redacted"] = said  # type: ignore[index]  # a JSON object

    report = verify(repack(resign(unpack(honest.archive), change=other)))
    assert (report.exit_code, report.problems[0].member) == (1, "data/redactions.json")


def test_counter_evidence_cannot_be_left_out(honest: Built, verify: Verify) -> None:
    def filtered(statement: dict[str, object]) -> None:
        populations = statement["predicate"]["populations"]  # type: ignore[index]  # a JSON object
        populations[:] = [entry for entry in populations if entry["name"] != "counter-evidence"]

    report = verify(repack(resign(unpack(honest.archive), change=filtered)))
    assert report.exit_code == 1
    assert "counter evidence" in report.problems[0].detail


def test_statement_over_a_different_name_is_refused(honest: Built, verify: Verify) -> None:
    members = unpack(honest.archive)
    statement = payload_of(members[ENVELOPE])
    statement["subject"][0]["name"] = "manifest-sha256.txt"  # type: ignore[index]  # a JSON array
    members[ENVELOPE] = seal_envelope(canonical_json(statement), [SIGNER])
    assert verify(repack(members)).exit_code == 1
