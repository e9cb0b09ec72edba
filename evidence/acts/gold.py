"""Gold answers: who says what is right, and who reads how reviewers judged them.

An approver says it, who is then never given that answer. Reviewers read neither, until they have judged it.
"""

from __future__ import annotations

from evidence.access import Principal
from evidence.acts.approving import check_can_approve
from evidence.acts.asking import as_question, check_not_own_release, check_of_system, check_scope
from evidence.errors import AccessDenied, ConflictingContent
from evidence.models import ReviewTask, Scope, System
from evidence.selectors.review_tasks import with_standing
from evidence.worded import worded


def check_can_make_gold(principal: Principal, task: ReviewTask) -> None:
    """Say what is right of an answer: an approver, once its task is closed; not of a release of theirs."""
    check_can_withdraw_gold(principal, task)
    check_not_own_release(
        principal,
        task.trace.release,
        worded("You put this release on record: another approver says what is right of its answers."),
    )
    # As it stands for them: a reviewer who approves, too, is told of one that they were given what is told of others.
    standing = with_standing(ReviewTask.objects.filter(pk=task.pk), principal.user).get()
    if standing.is_open or standing.is_disputed:
        raise ConflictingContent(
            worded("This answer still waits for people: an answer is gold once that is over.")
        )
    if standing.is_superseded or task.trace.payload_salt is None:
        raise ConflictingContent(worded("This answer was replaced or erased, so nobody can be given it."))


def check_can_withdraw_gold(principal: Principal, task: ReviewTask) -> None:
    """Say that an answer is gold no more: an approver of its system, whoever made it."""
    check_can_approve(principal)
    check_of_system(principal, task.system)


def check_can_read_gold_results(principal: Principal, system: System) -> None:
    """Read how reviewers judged gold answers: whoever reads the system and is no reviewer."""
    check_scope(principal, Scope.READ, system)
    if principal.is_reviewer:
        raise AccessDenied(
            worded("This tells which answers are gold, which no reviewer is told: your own are on your page.")
        )


can_make_gold = as_question(check_can_make_gold)
can_withdraw_gold = as_question(check_can_withdraw_gold)
can_read_gold_results = as_question(check_can_read_gold_results)
