"""The verification, step by step, and which line of the report each step answers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Final

from tracebinder.verify.audit_slice import SliceResult, check_slice, has_slice
from tracebinder.verify.bag import (
    BAG_INFO,
    ENVELOPE,
    FORMAT_MAJOR,
    LOG_ENTRY,
    LOG_PROOF,
    TAG_MANIFEST,
    TIMESTAMP,
    Bag,
    check_bag,
    check_format,
)
from tracebinder.verify.container import Container, Limits, open_container
from tracebinder.verify.crate import check_crate, check_documents
from tracebinder.verify.defeaters import DefeatersChecked, check_defeaters
from tracebinder.verify.deployments import DeploymentsChecked, check_deployments
from tracebinder.verify.envelope import Statement, check_subject, verify_envelope
from tracebinder.verify.errors import (
    BinderFailed,
    BinderMalformed,
    BinderUnverifiable,
    TrustNotMet,
    VerifyError,
)
from tracebinder.verify.exchanges import ExchangesChecked, check_exchanges
from tracebinder.verify.gates import GatesChecked, check_gate_decisions
from tracebinder.verify.kept import KeptHead, compare_kept, open_head
from tracebinder.verify.meaning import check_findings, check_populations, check_redactions, check_requirements
from tracebinder.verify.people import check_people
from tracebinder.verify.previous import check_same_scope, find_differences
from tracebinder.verify.producer import check_not_downgraded, check_producer, version_of
from tracebinder.verify.reasons import ReasonsChecked, check_reasons
from tracebinder.verify.report import LineName, Report
from tracebinder.verify.retractions import RunsChecked, check_retractions
from tracebinder.verify.spans import SpansChecked, check_spans
from tracebinder.verify.strict_json import text_at, time_at
from tracebinder.verify.timestamp import can_check, check_timestamp
from tracebinder.verify.tlog import (
    TlogProof,
    check_log_entry,
    check_log_proof,
    cosigned_at,
    count_strangers,
    parse_tlog_proof,
)
from tracebinder.verify.trust import Trust
from tracebinder.verify.zip_format import CHUNK

CONTAINER_PREDICATE: Final = "https://tracebinder.example/attestation/binder-container/v1"
_SIDECAR: Final = "sidecar"
_CLOCKS: Final = timedelta(minutes=5)  # by which two machines' clocks may differ
_NAMES_PEOPLE: Final = 2  # from this version on, a binder says who its actors are
_NAMES_SPANS: Final = 3  # and each trace, which spans it was sealed from
_NAMES_APPROVALS: Final = 5  # and each gate decision, who approved the version that decided
_TELLS_EXCHANGES: Final = 6  # and each trace, its turns
_TELLS_REASONS: Final = 7  # and each citation, why it has its verdict
_TELLS_WHO_AND_WHY: Final = (
    8  # and who confirmed the retraction of a run, and why a deployment could be recorded
)

_TELLS_DOUBTS: Final = 9  # and which doubts stand, and who answered them


def verify_binder(
    path: Path,
    *,
    trust: Trust,
    sidecar: Path | None = None,
    kept: Sequence[KeptHead] = (),
    now: datetime | None = None,
    limits: Limits | None = None,
) -> Report:
    """Verify one binder and report what was found. No network, no key but those in `trust`.

    Args:
        path: the ZIP.
        sidecar: the signature over the ZIP's bytes, where it came along.
        kept: checkpoints that were kept; the binder's log must continue each that it can be compared with.
        now: against which the age of `asOf` is measured; the machine's clock when None.
        limits: how large a binder may be; generous by default.
    """
    report = Report()
    with _noting(report, "integrity"):
        report.zip_digest = _file_digest(path)
        allowed = limits or Limits()
        outer_id = _check_sidecar(sidecar, trust, report, allowed) if sidecar is not None else None
        with open_container(path, allowed) as container:
            _check_content(container, trust, kept, outer_id, now or datetime.now(timezone.utc), report)
    return report


def verify_with_previous(
    path: Path,
    previous: Path,
    *,
    trust: Trust,
    sidecar: Path | None = None,
    previous_sidecar: Path | None = None,
    kept: Sequence[KeptHead] = (),
    now: datetime | None = None,
    limits: Limits | None = None,
) -> Report:
    """Verify a binder and an earlier one of the same scope, and report on the later one with what differs.

    The later one's log must continue the earlier one's, and the later is of no older version. What is wrong with the
    earlier one fails the report too. How old it is does not count, nor how small its log was, nor by which version.
    """
    older = replace(
        trust, maximum_age_days=None, producer=None, log=trust.log and replace(trust.log, minimum_size=0)
    )
    old = verify_binder(previous, trust=older, sidecar=previous_sidecar, now=now, limits=limits)
    heads = [replace(head, where="in the previous binder") for head in old.heads]
    report = verify_binder(path, trust=trust, sidecar=sidecar, kept=[*kept, *heads], now=now, limits=limits)
    for problem in old.problems:
        report.problems.append(replace(problem, detail=f"of the previous binder: {problem.detail}"))
    if report.exit_code:
        return report
    with _noting(report, "completeness"):
        check_same_scope(old.statement, report.statement)
        check_not_downgraded(old.statement, report.statement)
        report.differences = find_differences(
            previous, path, old_digest=old.zip_digest, statement=report.statement, limits=limits
        )
    return report


def _check_content(
    container: Container,
    trust: Trust,
    kept: Sequence[KeptHead],
    outer_id: str | None,
    now: datetime,
    report: Report,
) -> None:
    check_format(container)
    bag, problems = check_bag(container)
    for problem in problems:
        report.fail("integrity", problem)
    try:
        statement = _check_origin(container, bag, trust, outer_id, report)
    except VerifyError as exc:
        report.fail("origin", exc)
        return
    with _noting(report, "container"):
        _describe_container(container, outer_id, trust, report)
    if problems:
        return
    report.answer("integrity", "ok", f"{len(bag.digests)} files, each as it was listed and signed")
    proof = part = None
    with _noting(report, "log inclusion"):
        proof = _check_log(container, statement, trust, report)
    with _noting(report, "witnessed"):
        _check_timestamp(container, proof, statement, trust, report)
    with _noting(report, "completeness"):
        check_producer(statement.predicate, proof, trust)
    with _noting(report, "completeness"):
        part = _check_completeness(container, bag, statement, trust, kept, report)
    with _noting(report, "witnessed"):
        _check_kept(proof, part, statement, trust, kept, now, report)
    with _noting(report, "freshness"):
        _check_freshness(statement, trust, now, report)


def _describe_container(container: Container, outer_id: str | None, trust: Trust, report: Report) -> None:
    """Say whether the ZIP's own bytes are signed, beside its content; never green where they are not."""
    if outer_id is not None:
        report.answer("container", "ok", "its bytes are signed, by the sidecar")
    elif trust.require_sidecar:
        raise TrustNotMet("no sidecar that holds, and the trust file requires one")
    elif container.is_bare:
        report.answer(
            "container", "not present", "its bytes are not signed; beyond its content they say nothing"
        )
    else:
        report.answer(
            "container", "not present", "repacked: times and attributes of its members are signed by nobody"
        )


@contextmanager
def _noting(report: Report, line: LineName) -> Iterator[None]:
    try:
        yield
    except VerifyError as exc:
        report.fail(line, exc)


def _file_digest(path: Path) -> str:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                digest.update(chunk)
    except OSError as exc:
        raise BinderMalformed(f"cannot be read: {exc}") from exc
    return digest.hexdigest()


def _check_sidecar(sidecar: Path, trust: Trust, report: Report, limits: Limits) -> str | None:
    """Check the signature over the ZIP's bytes; return the binder's id in it, None when it does not hold."""
    try:
        statement = verify_envelope(_sidecar_bytes(sidecar, limits.document), trust, member=_SIDECAR)
        if statement.predicate_type != CONTAINER_PREDICATE:
            raise BinderFailed("is not a signature over a binder's ZIP", member=_SIDECAR)
        if statement.digest != report.zip_digest:
            raise BinderFailed("is over other bytes than this ZIP", member=_SIDECAR)
        return text_at(statement.predicate, "binderId", member=_SIDECAR)
    except VerifyError as exc:
        report.fail("origin", exc)
        return None


def _sidecar_bytes(sidecar: Path, most: int) -> bytes:
    try:
        with sidecar.open("rb") as file:
            content = file.read(most + 1)
    except OSError as exc:
        raise BinderMalformed(f"cannot be read: {exc}", member=_SIDECAR) from exc
    if len(content) > most:
        raise BinderMalformed(f"larger than {most} bytes", member=_SIDECAR)
    return content


def _check_origin(
    container: Container, bag: Bag, trust: Trust, outer_id: str | None, report: Report
) -> Statement:
    statement = verify_envelope(container.read(ENVELOPE), trust, member=ENVELOPE)
    if statement.predicate_type not in trust.predicate_types:
        raise TrustNotMet(f"statements of type {statement.predicate_type} are not accepted", member=ENVELOPE)
    check_subject(statement, name=TAG_MANIFEST, digest=bag.tag_manifest_digest, member=ENVELOPE)
    version = text_at(statement.predicate, "formatVersion", member=ENVELOPE)
    if version.partition(".")[0] != FORMAT_MAJOR:
        raise BinderUnverifiable(f"format {version} is not known; get a newer verifier", member=ENVELOPE)
    binder_id = text_at(statement.predicate, "binderId", member=ENVELOPE)
    _check_names(container, bag, binder_id)
    if outer_id not in {None, binder_id}:
        raise BinderFailed("is of another binder", member=_SIDECAR)
    report.binder_id, report.statement = binder_id, statement.predicate
    keys = ", ".join(keyid[:16] for keyid in statement.signers)
    others = f"; {statement.strangers} signature(s) by keys it does not know" if statement.strangers else ""
    report.answer("origin", "ok", f"signed by {len(statement.signers)} trusted key(s): {keys}{others}")
    return statement


def _check_names(container: Container, bag: Bag, binder_id: str) -> None:
    """Check that folder, bag and statement are of the same binder."""
    if bag.info.get("External-Identifier") != binder_id:
        raise BinderFailed("its External-Identifier is not the signed binder's", member=BAG_INFO)
    if container.top != f"binder-{binder_id.removeprefix('urn:uuid:')}":
        raise BinderFailed(f"the top folder {container.top!r} is not the signed binder's")


def _check_log(container: Container, statement: Statement, trust: Trust, report: Report) -> TlogProof | None:
    """Return the proof of inclusion, once it holds; None where there is none, or no log to check it against."""
    present = {LOG_ENTRY, LOG_PROOF} & set(container.members)
    if not present:
        _check_log_absence(statement, trust, report)
        return None
    if present != {LOG_ENTRY, LOG_PROOF}:
        raise BinderFailed("a log entry and its proof come together", member=present.pop())
    entry = container.read(LOG_ENTRY)
    system = text_at(statement.predicate, "system", member=ENVELOPE)
    check_log_entry(entry, statement.payload, system=system)
    proof = parse_tlog_proof(container.read(LOG_PROOF))
    if trust.log is None:
        report.answer("log inclusion", "not checked", "the trust file names no log")
        report.answer("witnessed", "not checked", "the trust file names no log")
        with _noting(report, "witnessed"):
            _refuse_unless(not trust.quorum, "the trust file demands witnesses, and names no log of theirs")
        return None
    as_of = time_at(statement.predicate, "asOf", member=ENVELOPE)
    check_log_proof(entry, proof, trust.log, as_of=as_of)
    report.answer(
        "log inclusion", "ok", f"entry {proof.index} of {proof.checkpoint.size} in {proof.checkpoint.origin}"
    )
    with _noting(report, "witnessed"):
        moments = cosigned_at(proof.note, trust)
        _check_cosigned_later(moments, as_of)
        _check_witnesses(len(moments), trust, report, count_strangers(proof.note, trust))
    return proof


def _check_log_absence(statement: Statement, trust: Trust, report: Report) -> None:
    if statement.predicate.get("log") is not None:
        raise BinderFailed("the statement names a log, but the proof of inclusion is gone", member=LOG_PROOF)
    if trust.log is not None and (trust.log.required or trust.log.minimum_size):
        raise TrustNotMet("no proof of inclusion, and the trust file requires one", member=LOG_PROOF)
    report.answer("log inclusion", "not present", "the binder carries no proof of inclusion")
    with _noting(report, "witnessed"):
        _check_witnesses(0, trust, report)


def _check_cosigned_later(moments: Sequence[Sequence[int]], as_of: datetime) -> None:
    """Check that no witness saw the binder logged before the time that it is as of.

    Args:
        moments: of each witness, POSIX seconds by its clock; 0 says nothing of time.
    """
    first = min((moment for each in moments for moment in each if moment), default=None)
    if first is not None and first + _CLOCKS.total_seconds() < as_of.timestamp():
        raise BinderFailed(
            f"a witness cosigned its log at {datetime.fromtimestamp(first, timezone.utc).isoformat()}, before the "
            f"{as_of.isoformat()} that it is as of",
            member=LOG_PROOF,
        )


def _check_witnesses(count: int, trust: Trust, report: Report, strangers: int = 0) -> None:
    if count < trust.quorum:
        raise TrustNotMet(f"cosigned by {count} trusted witnesses, {trust.quorum} needed", member=LOG_PROOF)
    others = f"; {strangers} signature line(s) by unknown keys" if strangers else ""
    if count:
        report.answer(
            "witnessed", "ok", f"cosigned by {count} of {len(trust.witnesses)} trusted witnesses{others}"
        )
    else:
        report.answer("witnessed", "not present", f"no trusted witness has cosigned the log{others}")


def _check_kept(
    proof: TlogProof | None,
    part: SliceResult | None,
    statement: Statement,
    trust: Trust,
    kept: Sequence[KeptHead],
    now: datetime,
    report: Report,
) -> None:
    """Compare the binder's log with the checkpoints that were kept, and note those of the binder to be kept."""
    if trust.log is None or proof is None:
        if kept and report.line("log inclusion").state != "failed":
            raise TrustNotMet("checkpoints were kept, and the binder proves no log to compare them with")
        return
    if part is None and report.line("completeness").state == "failed":
        return
    _refuse_unless(
        part is not None or not kept, "the binder has no slice of the log to compare what was kept with"
    )
    as_of = time_at(statement.predicate, "asOf", member=ENVELOPE)
    roots = part.roots if part else {}
    result = compare_kept(kept, roots=roots, proof=proof.checkpoint, as_of=as_of)
    notes = [proof.note.to_text(), *([part.note.decode()] if part else [])]
    report.heads = [open_head(note, trust.log, seen_at=now) for note in notes]
    if not kept:
        return
    untold = f", {result.untold} cannot be compared offline" if result.untold else ""
    seen = f"{result.found} of {len(kept)} kept checkpoints are in this log{untold}"
    before = report.line("witnessed")
    report.answer("witnessed", "ok" if result.found else before.state, f"{before.detail}; {seen}")


def _refuse_unless(is_met: bool, detail: str) -> None:  # noqa: FBT001  # reads as a sentence
    """Say that what the trust file demands is not met."""
    if not is_met:
        raise TrustNotMet(detail)


def _check_timestamp(
    container: Container, proof: TlogProof | None, statement: Statement, trust: Trust, report: Report
) -> None:
    """Check the time-stamp over the checkpoint, where there is one and its authority is trusted."""
    if TIMESTAMP not in container.members:
        _refuse_unless(not trust.require_timestamp, "no time-stamp, and the trust file requires one")
        return
    if proof is None:
        if report.line("log inclusion").state == "not present":
            raise BinderFailed("a time-stamp is of a log's checkpoint, and there is none", member=TIMESTAMP)
        _refuse_unless(not trust.require_timestamp, "the time-stamp is of a checkpoint that was not checked")
        return
    before = report.line("witnessed")
    if not trust.authorities or not can_check():
        why = "install tracebinder[timestamps]" if trust.authorities else "the trust file names no authority"
        _refuse_unless(not trust.require_timestamp, f"its time-stamp cannot be checked: {why}")
        report.answer(
            "witnessed", before.state, f"{before.detail}; a time-stamp is present, not checked: {why}"
        )
        return
    stamped_at = check_timestamp(container.read(TIMESTAMP), proof.note.text, trust.authorities)
    as_of = time_at(statement.predicate, "asOf", member=ENVELOPE)
    if stamped_at + _CLOCKS < as_of:
        raise BinderFailed(
            f"was time-stamped at {stamped_at.isoformat()}, before it was made", member=TIMESTAMP
        )
    report.answer("witnessed", before.state, f"{before.detail}; time-stamped at {stamped_at.isoformat()}")


def _check_completeness(
    container: Container,
    bag: Bag,
    statement: Statement,
    trust: Trust,
    kept: Sequence[KeptHead],
    report: Report,
) -> SliceResult | None:
    problems = [
        *check_crate(container, bag),
        *check_documents(container, bag),
        *check_populations(container, bag, statement.predicate),
        *check_requirements(container, bag, statement.predicate),
        *check_findings(container, bag),
        *check_redactions(container, bag, statement.predicate),
    ]
    for problem in problems:
        report.fail("completeness", problem)
    version = version_of(statement.predicate)
    with _noting(report, "completeness"):
        check_people(container, bag, must_name=version >= _NAMES_PEOPLE)
    spans = SpansChecked()
    with _noting(report, "completeness"):
        spans = check_spans(container, bag, must_name=version >= _NAMES_SPANS)
    exchanges = ExchangesChecked()
    with _noting(report, "completeness"):
        exchanges = check_exchanges(container, bag, must_tell=version >= _TELLS_EXCHANGES)
    reasons = ReasonsChecked()
    with _noting(report, "completeness"):
        reasons = check_reasons(container, bag, must_tell=version >= _TELLS_REASONS)
    gates = GatesChecked()
    with _noting(report, "completeness"):
        gates = check_gate_decisions(container, bag, must_say=version >= _NAMES_APPROVALS)
    runs, deployments = RunsChecked(), DeploymentsChecked()
    with _noting(report, "completeness"):
        runs = check_retractions(container, bag, must_say=version >= _TELLS_WHO_AND_WHY)
    with _noting(report, "completeness"):
        deployments = check_deployments(container, bag, must_tell=version >= _TELLS_WHO_AND_WHY)
    doubts = DefeatersChecked()
    with _noting(report, "completeness"):
        as_of = time_at(statement.predicate, "asOf", member=ENVELOPE)
        doubts = check_defeaters(container, bag, as_of, must_tell=version >= _TELLS_DOUBTS)
    part, audit = _check_audit(container, bag, trust, kept)
    populations = statement.predicate["populations"]
    count = len(populations) if isinstance(populations, list) else 0
    again = f"{count} populations and all totals counted again"
    report.answer(
        "completeness",
        "ok",
        f"{again}; {spans}; {exchanges}; {reasons}; {gates}{deployments}{doubts}; {runs}; {audit}",
    )
    return part


def _check_audit(
    container: Container, bag: Bag, trust: Trust, kept: Sequence[KeptHead]
) -> tuple[SliceResult | None, str]:
    """Check the slice of the log, and return what was found with words for it."""
    if not has_slice(bag):
        _refuse_unless(
            not trust.require_audit_slice, "no slice of the audit log in it; the trust file requires one"
        )
        return None, "no slice of the audit log in it"
    if trust.log is None:
        _refuse_unless(
            not trust.require_audit_slice, "the trust file requires a slice of the log, and names no log"
        )
        return None, "slice of the audit log not checked: the trust file names no log"
    result = check_slice(container, trust.log, sizes={head.size for head in kept})
    withheld = f", {result.withheld} withheld" if result.withheld else ""
    return result, f"{result.entries} audit entries and {result.leaves} leaves re-hashed{withheld}"


def _check_freshness(statement: Statement, trust: Trust, now: datetime, report: Report) -> None:
    as_of = time_at(statement.predicate, "asOf", member=ENVELOPE)
    if as_of > now + _CLOCKS:
        raise BinderFailed(f"is as of {as_of.isoformat()}, which is in the future", member=ENVELOPE)
    if trust.maximum_age_days is None:
        report.answer(
            "freshness", "not checked", f"as of {as_of.isoformat()}; the trust file sets no maximum age"
        )
        return
    age = (now - as_of).days
    if age > trust.maximum_age_days:
        raise TrustNotMet(f"is {age} days old, {trust.maximum_age_days} allowed", member=ENVELOPE)
    report.answer("freshness", "ok", f"as of {as_of.isoformat()}, {age} days ago")
