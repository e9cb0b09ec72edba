"""Taking evidence out: binders, and entries of the log."""

from __future__ import annotations

from evidence.access import Principal, visible_events
from evidence.acts.asking import as_question, check_scope, signing
from evidence.errors import AccessDenied
from evidence.log.tiles import Bundle
from evidence.models import Binder, BinderRequest, Review, Scope
from evidence.selectors.binder.scope import BinderScope, scope_of
from evidence.selectors.binder.trace_scope import traces_in_scope
from evidence.selectors.log_proofs import read_bundle_events
from evidence.selectors.review_tasks import releases_to_judge_blind, waits_for
from evidence.worded import worded


@signing
def check_can_export_binder(principal: Principal, scope: BinderScope) -> None:
    """Export a binder: an auditor. A reviewer waits until they have judged what in it still waits for them."""
    _check_sees_binder(principal, scope)


def check_can_read_binder(principal: Principal, binder: Binder | BinderRequest) -> None:
    """Fetch an exported binder, or see how far one is that was asked for: whoever may export it, who signed then."""
    _check_sees_binder(principal, scope_of(binder))


def _check_sees_binder(principal: Principal, scope: BinderScope) -> None:
    check_scope(principal, Scope.BINDER, scope.system)
    _check_not_blind(principal, scope)


def _check_not_blind(principal: Principal, scope: BinderScope) -> None:
    """Keep a reviewer from reading in a binder what no list shows them. A binder is whole, so it is all or nothing."""
    if not principal.is_reviewer:
        return
    packed = Review.objects.filter(scope.as_of.knew("created_at"), task__trace__in=traces_in_scope(scope))
    counted = releases_to_judge_blind(principal.person).filter(trace__release=scope.release)
    if counted.exists() or packed.filter(waits_for(principal.person, task="task")).exists():
        raise AccessDenied(
            worded(
                "This binder tells what colleagues said of answers that you may still judge: judge "
                "those first, or have an auditor who is no reviewer fetch it.",
            )
        )


def check_can_read_log_bundle(principal: Principal, bundle: Bundle) -> None:
    """Read a bundle of the log's entries: it is whole, so whoever may read each of its entries."""
    principal.require(Scope.READ)
    events = read_bundle_events(bundle)
    if visible_events(principal).filter(pk__in=events).count() < len(events):
        raise AccessDenied(
            worded(
                "This bundle also holds entries that are not yours to read. The hash tiles are open, "
                "and /api/v1/log/entries gives those that you may read, and the leaf hash of each "
                "other.",
            )
        )


can_export_binder = as_question(check_can_export_binder)
can_read_binder = as_question(check_can_read_binder)
can_read_log_bundle = as_question(check_can_read_log_bundle)
