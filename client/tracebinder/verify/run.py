"""The verification, step by step, and which line of the report each step answers."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Final

from tracebinder.verify.audit_slice import SliceResult, check_slice, has_slice
from tracebinder.verify.bag import (
    BAG_INFO,
    ENVELOPE,
    FORMAT_MAJOR,
    TAG_MANIFEST,
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
    refuse_unless,
)
from tracebinder.verify.exchanges import ExchangesChecked, check_exchanges
from tracebinder.verify.gates import GatesChecked, check_gate_decisions
from tracebinder.verify.kept import KeptHead
from tracebinder.verify.logged import CLOCK_SKEW, check_kept, check_log, check_witnessed_time
from tracebinder.verify.meaning import check_findings, check_populations, check_redactions, check_requirements
from tracebinder.verify.people import check_people
from tracebinder.verify.previous import check_same_scope, find_differences
from tracebinder.verify.producer import check_not_downgraded, check_producer, version_of
from tracebinder.verify.reasons import ReasonsChecked, check_reasons
from tracebinder.verify.report import Report
from tracebinder.verify.retractions import RunsChecked, check_retractions
from tracebinder.verify.spans import SpansChecked, check_spans
from tracebinder.verify.strict_json import text_at, time_at
from tracebinder.verify.trust import Trust
from tracebinder.verify.zip_format import CHUNK

CONTAINER_PREDICATE: Final = "https://tracebinder.example/attestation/binder-container/v1"
_SIDECAR: Final = "sidecar"
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
    with report.noting("integrity"):
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
    with report.noting("completeness"):
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
    with report.noting("container"):
        _describe_container(container, outer_id, trust, report)
    if problems:
        return
    report.answer("integrity", "ok", f"{len(bag.digests)} files, each as it was listed and signed")
    proof = part = None
    with report.noting("log inclusion"):
        proof = check_log(container, statement, trust, report)
    with report.noting("witnessed"):
        check_witnessed_time(container, proof, statement, trust, report)
    with report.noting("completeness"):
        check_producer(statement.predicate, proof, trust)
    with report.noting("completeness"):
        part = _check_completeness(container, bag, statement, trust, kept, report)
    with report.noting("witnessed"):
        check_kept(proof, part, statement, trust, kept, now, report)
    with report.noting("freshness"):
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
    told = _check_told(container, bag, statement, report)
    part, audit = _check_audit(container, bag, trust, kept)
    populations = statement.predicate["populations"]
    count = len(populations) if isinstance(populations, list) else 0
    again = f"{count} populations and all totals counted again"
    report.answer("completeness", "ok", f"{again}; {told}; {audit}")
    return part


def _check_told(container: Container, bag: Bag, statement: Statement, report: Report) -> str:
    """Return, in words, what was found of what a binder of its version has to tell; a fault is noted in the report."""
    version = version_of(statement.predicate)
    spans, exchanges, reasons, gates = SpansChecked(), ExchangesChecked(), ReasonsChecked(), GatesChecked()
    runs, deployments, doubts = RunsChecked(), DeploymentsChecked(), DefeatersChecked()
    with report.noting("completeness"):
        check_people(container, bag, must_name=version >= _NAMES_PEOPLE)
    with report.noting("completeness"):
        spans = check_spans(container, bag, must_name=version >= _NAMES_SPANS)
    with report.noting("completeness"):
        exchanges = check_exchanges(container, bag, must_tell=version >= _TELLS_EXCHANGES)
    with report.noting("completeness"):
        reasons = check_reasons(container, bag, must_tell=version >= _TELLS_REASONS)
    with report.noting("completeness"):
        gates = check_gate_decisions(container, bag, must_say=version >= _NAMES_APPROVALS)
    with report.noting("completeness"):
        runs = check_retractions(container, bag, must_say=version >= _TELLS_WHO_AND_WHY)
    with report.noting("completeness"):
        deployments = check_deployments(container, bag, must_tell=version >= _TELLS_WHO_AND_WHY)
    with report.noting("completeness"):
        as_of = time_at(statement.predicate, "asOf", member=ENVELOPE)
        doubts = check_defeaters(container, bag, as_of, must_tell=version >= _TELLS_DOUBTS)
    return f"{spans}; {exchanges}; {reasons}; {gates}{deployments}{doubts}; {runs}"


def _check_audit(
    container: Container, bag: Bag, trust: Trust, kept: Sequence[KeptHead]
) -> tuple[SliceResult | None, str]:
    """Check the slice of the log, and return what was found with words for it."""
    if not has_slice(bag):
        refuse_unless(
            not trust.require_audit_slice, "no slice of the audit log in it; the trust file requires one"
        )
        return None, "no slice of the audit log in it"
    if trust.log is None:
        refuse_unless(
            not trust.require_audit_slice, "the trust file requires a slice of the log, and names no log"
        )
        return None, "slice of the audit log not checked: the trust file names no log"
    result = check_slice(container, trust.log, sizes={head.size for head in kept})
    withheld = f", {result.withheld} withheld" if result.withheld else ""
    return result, f"{result.entries} audit entries and {result.leaves} leaves re-hashed{withheld}"


def _check_freshness(statement: Statement, trust: Trust, now: datetime, report: Report) -> None:
    as_of = time_at(statement.predicate, "asOf", member=ENVELOPE)
    if as_of > now + CLOCK_SKEW:
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
