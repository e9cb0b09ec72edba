"""Judging answers: who may review or label them, and settle what two reviewers see differently."""

from __future__ import annotations

from evidence.access import Principal
from evidence.acts.asking import as_question, check_not_own_release, check_of_system, check_signed_in
from evidence.errors import AccessDenied, ConflictingContent
from evidence.models import Erasure, EvalRun, Retraction, ReviewTask, Scope, System, Trace
from evidence.selectors.review_tasks import with_queue_state
from evidence.selectors.revisions import find_later_revision
from evidence.worded import worded


def check_can_judge(principal: Principal) -> None:
    """Judge answers at all: a reviewer who signed in, or sends a token that they made for themselves.

    Of any other token somebody else read the text, who could judge in the owner's name.
    """
    if principal.token is None:
        check_signed_in(principal, worded("A review"))
    elif not principal.token.is_own:
        raise AccessDenied(
            worded(
                "A review is a person's: sign in, or send a token that you made for yourself, at "
                "/admin/review-tokens/. This one was issued by somebody who read it, so it judges nothing."
            )
        )
    if not principal.may(Scope.REVIEW):
        raise AccessDenied(worded("Only reviewers of this system record judgements."))


def check_can_review(principal: Principal, trace: Trace) -> None:
    """Judge one answer: it waits for this reviewer, or nobody was asked about it, and the release is not theirs.

    A closed task takes no more reviews, because its reviews are there to be read. Of several revisions the newest is
    judged.
    """
    check_can_judge(principal)
    check_of_system(principal, trace.system)
    check_not_own_release(
        principal,
        trace.release,
        worded("You put this release on record, so another person must review its answers."),
    )
    _check_not_erased(trace)
    later = find_later_revision(trace)
    if later is not None:
        raise ConflictingContent(
            worded(
                "Spans arrived later, or it was read again: judge revision %(revision)s, which replaces this one.",
                revision=later.revision,
            )
        )
    task = with_queue_state(ReviewTask.objects.filter(trace=trace), principal.person).first()
    if task is None:
        return
    if task.is_mine:
        raise ConflictingContent(
            worded("You have reviewed this answer. A changed mind goes to adjudication.")
        )
    if task.is_settled:
        raise ConflictingContent(worded("This answer was adjudicated; its reviews are closed."))
    if not task.is_open:
        raise ConflictingContent(
            worded("This answer has the reviews that were asked for, so it takes no more.")
        )


def _check_not_erased(trace: Trace) -> None:
    if Erasure.objects.filter(system=trace.system_id, trace_id=trace.trace_id).exists():
        raise ConflictingContent(worded("This answer was erased: there is nothing to read, and so to judge."))


def check_can_use_desk(principal: Principal) -> None:
    """Draw answers, write and drop drafts, decide and take that back: a reviewer who signed in."""
    check_signed_in(principal, worded("The review desk"))
    check_can_judge(principal)


def check_can_pause_reviewing(principal: Principal) -> None:
    """Pause, and come back: a reviewer who signed in, for themselves."""
    check_signed_in(principal, worded("A pause"))
    check_can_judge(principal)


def check_can_save_filter(principal: Principal, system: System | None = None) -> None:
    """Keep a way to look at the queue for oneself: whoever signed in, by systems that they see."""
    check_signed_in(principal, worded("A filter"))
    if system is not None:
        check_of_system(principal, system)


def check_can_adjudicate(principal: Principal, task: ReviewTask) -> None:
    """Settle a disagreement: a reviewer who is not part of it, once all the reviews asked for are there."""
    check_can_judge(principal)
    check_of_system(principal, task.system)
    check_not_own_release(
        principal,
        task.trace.release,
        worded("You put this release on record, so another person must settle this."),
    )
    _check_not_erased(task.trace)
    standing = with_queue_state(ReviewTask.objects.filter(pk=task.pk), principal.person).get()
    if standing.is_mine:
        raise AccessDenied(worded("You are one of the reviewers who disagree; a third person adjudicates."))
    if standing.is_settled:
        raise ConflictingContent(worded("This disagreement was settled before."))
    if standing.is_superseded:
        raise ConflictingContent(
            worded("Spans arrived later, or it was read again: judge the revision that replaces this answer.")
        )
    if standing.is_open:
        raise ConflictingContent(worded("This answer still waits for a review: judge it instead."))
    if not standing.is_disputed:
        raise ConflictingContent(
            worded("There is nothing to adjudicate: the reviews so far do not disagree.")
        )


def check_can_label(principal: Principal, run: EvalRun) -> None:
    """Say what answers of an eval run are worth, beside a judge: a reviewer who signed in, of a release not theirs."""
    check_signed_in(principal, worded("A label"))
    check_can_judge(principal)
    check_of_system(principal, run.system)
    check_not_own_release(
        principal,
        run.release,
        worded("You put this release on record, so another person must label its answers."),
    )
    if Retraction.objects.filter(run=run).exists():
        raise ConflictingContent(worded("This run was retracted: label answers of the run that counts."))


can_judge = as_question(check_can_judge)
can_review = as_question(check_can_review)
can_use_desk = as_question(check_can_use_desk)
can_pause_reviewing = as_question(check_can_pause_reviewing)
can_save_filter = as_question(check_can_save_filter)
can_adjudicate = as_question(check_can_adjudicate)
can_label = as_question(check_can_label)
