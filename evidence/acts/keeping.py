"""What is kept: the log and its keys, holds, erasure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from evidence.access import Principal
from evidence.acts.asking import as_question, check_of_system, check_runs_commands, check_signed_in, signing
from evidence.errors import AccessDenied, LegalHoldInForce
from evidence.models import LegalHold, System
from evidence.roles import OPERATOR
from evidence.selectors.holds import holds_over, meets
from evidence.worded import worded


def check_can_read_again(principal: Principal, system: System) -> None:
    """Have sealed traces read again: an operator of the system, because it is work, and reviews stay with what was."""
    _check_operates(principal, system)


def check_can_resume_log(principal: Principal) -> None:
    """Give up entries that were published: only whoever runs commands on this machine, where it was restored."""
    check_runs_commands(principal, worded("The log is resumed"))


def check_can_put_back(principal: Principal) -> None:
    """Have traces assembled again that were set aside: only whoever runs commands here, where limits are raised."""
    check_runs_commands(principal, worded("Traces that were set aside are put back"))


def check_can_rotate_binder_key(principal: Principal) -> None:
    """Sign binders with another key: only whoever runs commands on this machine, where the keys are."""
    check_runs_commands(principal, worded("The binder key is replaced"))


def check_can_rotate_log_key(principal: Principal) -> None:
    """Sign the log with another key: only whoever runs commands on this machine, where the keys are."""
    check_runs_commands(principal, worded("The log's key is replaced"))


def _check_operates(principal: Principal, system: System) -> None:
    """Decide about evidence as its operator. A superuser is none by that, nor is whoever runs commands here."""
    check_signed_in(principal, worded("This decision"))
    if OPERATOR not in principal.roles:
        raise AccessDenied(worded("This is for an operator of the system to decide: name one."))
    check_of_system(principal, system)


def check_can_place_hold(principal: Principal, system: System) -> None:
    """Keep evidence of a system, whatever retention or an erasure says."""
    _check_operates(principal, system)


@signing
def check_can_release_hold(principal: Principal, hold: LegalHold) -> None:
    """End a legal hold."""
    _check_operates(principal, hold.system)


@signing
def check_can_erase(principal: Principal, system: System) -> None:
    """Erase what traces of a system said."""
    _check_operates(principal, system)


def check_can_erase_period(
    principal: Principal,
    system: System,
    began: datetime,
    ended: datetime,
    holds: Iterable[LegalHold] | None = None,
) -> None:
    """Erase traces that began in a period, both ends included: none of it is under a legal hold.

    Args:
        holds: the active ones of the system, the first first, where they were read already.
    """
    check_can_erase(principal, system)
    after = ended + timedelta(microseconds=1)
    if holds is None:
        hold = holds_over(began, after).filter(system=system).first()
    else:
        hold = next((each for each in holds if meets(each, began, after)), None)
    if hold is not None:
        raise LegalHoldInForce(
            worded(
                "It is under legal hold %(hold)s (%(reason)s); release the hold first.",
                hold=hold.pk,
                reason=hold.reason,
            )
        )


can_resume_log = as_question(check_can_resume_log)
can_put_back = as_question(check_can_put_back)
can_rotate_binder_key = as_question(check_can_rotate_binder_key)
can_rotate_log_key = as_question(check_can_rotate_log_key)
can_read_again = as_question(check_can_read_again)
can_place_hold = as_question(check_can_place_hold)
can_release_hold = as_question(check_can_release_hold)
can_erase = as_question(check_can_erase)
can_erase_period = as_question(check_can_erase_period)
