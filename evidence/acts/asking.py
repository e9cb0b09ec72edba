"""What every act asks, and how a check becomes a question."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import wraps
from typing import Any, Concatenate, Final, ParamSpec

from django.conf import settings

from evidence import clock
from evidence.access import COMMAND_LINE, Principal, no_such_system
from evidence.actors import actor_of_component, same_person
from evidence.errors import AccessDenied, EvidenceError, NotYetSigned, ProofNeeded
from evidence.models import Release, Scope, System
from evidence.selectors.review_tasks import releases_to_judge_blind
from evidence.worded import Worded, worded

_P = ParamSpec("_P")
APPROVER: Final = "approver"


def as_question(check: Callable[_P, None], refusal: type[Exception] = EvidenceError) -> Callable[_P, bool]:
    """Return the `can_x` of a `check_can_x`: whether it raises none of the apps' errors.

    That somebody must first prove again who they are is no "no": they are offered the act, and asked when they take it.

    Args:
        refusal: the root of another app's errors, which say no as those of `evidence` do.
    """

    @wraps(check)
    def can(*args: _P.args, **kwargs: _P.kwargs) -> bool:
        asked: Any = [
            replace(each, proved_at=None, rereads=False) if isinstance(each, Principal) else each
            for each in args
        ]
        try:
            check(*asked, **kwargs)
        except (EvidenceError, refusal):
            return False
        return True

    return can


def signing(check: Callable[Concatenate[Principal, _P], None]) -> Callable[Concatenate[Principal, _P], None]:
    """Mark a check as that of an act that signs: whoever it lets through must lately have proved who they are.

    A session left open, or taken over, approves, waives, exports and makes nobody. It is asked of sessions alone: a
    token proves itself with each request, and has no second way to.
    """

    @wraps(check)
    def checked(principal: Principal, /, *args: _P.args, **kwargs: _P.kwargs) -> None:
        check(principal, *args, **kwargs)
        _check_proved_lately(principal)

    vars(checked)["signs"] = True
    return checked


def _check_proved_lately(principal: Principal) -> None:
    if principal.rereads:
        raise NotYetSigned(
            worded(
                "This is what you typed. Nothing is signed yet: look it over, then press the button again."
            )
        )
    lasts = timedelta(seconds=settings.PROOF_LASTS)
    if principal.proved_at is not None and clock.now() - principal.proved_at > lasts:
        raise ProofNeeded(
            worded(
                "This takes that you proved who you are within the last %(minutes)s minutes: do so at "
                "/admin/proof/, and send it again. Nothing was stored.",
                minutes=lasts.seconds // 60,
            )
        )


def check_of_system(principal: Principal, system: System) -> None:
    """Answer for another system's objects as if there were none.

    Raises:
        NotFound: the principal is of other systems.
    """
    if system.pk not in principal.system_ids:
        raise no_such_system(system.key)


def check_signed_in(principal: Principal, act: Worded) -> None:
    """Keep machines from what is a person's.

    Raises:
        AccessDenied: a token, or no person, asks.
    """
    if principal.token is not None or principal.user is None:
        raise AccessDenied(worded("%(act)s is a person's: sign in instead of sending a token.", act=act))


def check_not_led(principal: Principal, release: Release) -> None:
    """Keep what counts reviews of a release from a reviewer whom it could still lead.

    Raises:
        AccessDenied: they may still judge an answer of it that others judged.
    """
    if (
        principal.is_reviewer
        and releases_to_judge_blind(principal.person).filter(trace__release=release).exists()
    ):
        raise AccessDenied(
            worded(
                "This counts what colleagues said of answers that you may still judge: judge those "
                "first, or have somebody who is no reviewer, or a token of theirs, ask.",
            )
        )


def check_not_own_release(principal: Principal, release: Release | None, why: Worded) -> None:
    if release is not None and same_person(release.created_by, principal.actor):
        raise AccessDenied(why)


def check_scope(principal: Principal, scope: Scope, system: System) -> None:
    principal.require(scope)
    check_of_system(principal, system)


def runs_commands(principal: Principal) -> bool:
    return principal.actor == actor_of_component(COMMAND_LINE)


def check_runs_commands(principal: Principal, what: Worded) -> None:
    """Allow nobody who comes by network, whatever they hold.

    Args:
        what: the act, for the sentence.
    """
    if not runs_commands(principal):
        raise AccessDenied(
            worded("%(what)s by a command on the machine itself: see docs/guides/operator.md.", what=what)
        )
