"""That a binder is in a log: its proof of inclusion, who saw the log, when, and that it is the log that was kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Final

from tracebinder.verify.audit_slice import SliceResult
from tracebinder.verify.bag import ENVELOPE, LOG_ENTRY, LOG_PROOF, TIMESTAMP
from tracebinder.verify.container import Container
from tracebinder.verify.envelope import Statement
from tracebinder.verify.errors import BinderFailed, TrustNotMet, refuse_unless
from tracebinder.verify.kept import KeptHead, compare_kept, open_head
from tracebinder.verify.report import Report
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

CLOCK_SKEW: Final = timedelta(minutes=5)  # by which two machines' clocks may differ


def check_log(container: Container, statement: Statement, trust: Trust, report: Report) -> TlogProof | None:
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
        with report.noting("witnessed"):
            refuse_unless(not trust.quorum, "the trust file demands witnesses, and names no log of theirs")
        return None
    as_of = time_at(statement.predicate, "asOf", member=ENVELOPE)
    check_log_proof(entry, proof, trust.log, as_of=as_of)
    report.answer(
        "log inclusion", "ok", f"entry {proof.index} of {proof.checkpoint.size} in {proof.checkpoint.origin}"
    )
    with report.noting("witnessed"):
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
    with report.noting("witnessed"):
        _check_witnesses(0, trust, report)


def _check_cosigned_later(moments: Sequence[Sequence[int]], as_of: datetime) -> None:
    """Check that no witness saw the binder logged before the time that it is as of.

    Args:
        moments: of each witness, POSIX seconds by its clock; 0 says nothing of time.
    """
    first = min((moment for each in moments for moment in each if moment), default=None)
    if first is not None and first + CLOCK_SKEW.total_seconds() < as_of.timestamp():
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


def check_witnessed_time(
    container: Container, proof: TlogProof | None, statement: Statement, trust: Trust, report: Report
) -> None:
    """Check the time-stamp over the log's checkpoint, where there is one and its authority is trusted."""
    if TIMESTAMP not in container.members:
        refuse_unless(not trust.require_timestamp, "no time-stamp, and the trust file requires one")
        return
    if proof is None:
        if report.line("log inclusion").state == "not present":
            raise BinderFailed("a time-stamp is of a log's checkpoint, and there is none", member=TIMESTAMP)
        refuse_unless(not trust.require_timestamp, "the time-stamp is of a checkpoint that was not checked")
        return
    before = report.line("witnessed")
    if not trust.authorities or not can_check():
        why = "install tracebinder[timestamps]" if trust.authorities else "the trust file names no authority"
        refuse_unless(not trust.require_timestamp, f"its time-stamp cannot be checked: {why}")
        report.answer(
            "witnessed", before.state, f"{before.detail}; a time-stamp is present, not checked: {why}"
        )
        return
    stamped_at = check_timestamp(container.read(TIMESTAMP), proof.note.text, trust.authorities)
    as_of = time_at(statement.predicate, "asOf", member=ENVELOPE)
    if stamped_at + CLOCK_SKEW < as_of:
        raise BinderFailed(
            f"was time-stamped at {stamped_at.isoformat()}, before it was made", member=TIMESTAMP
        )
    report.answer("witnessed", before.state, f"{before.detail}; time-stamped at {stamped_at.isoformat()}")


def check_kept(
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
    refuse_unless(
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
