"""Sampling answers for judgement: who plans, and in which order what follows, so that nobody picks.

Whoever decides what is enough plans: an approver. Freezing and drawing leave them nothing to choose. An auditor draws
the same again offline, and writes nothing.
"""

from __future__ import annotations

from evidence import clock
from evidence.access import Principal
from evidence.acts.approving import check_can_approve
from evidence.acts.asking import as_question, check_not_own_release, check_of_system, check_scope, signing
from evidence.errors import AccessDenied, ConflictingContent
from evidence.models import Release, SamplingPlan, Scope, System
from evidence.selectors.sampling import find_seeding_checkpoint, waits_in_sample
from evidence.worded import worded


@signing
def check_can_plan_sample(principal: Principal, system: System, release: Release | None = None) -> None:
    """Plan a sample: an approver of the system; of one release's answers, one who did not put it on record."""
    check_can_approve(principal)
    check_of_system(principal, system)
    check_not_own_release(
        principal,
        release,
        worded("You put this release on record: another approver plans what is judged of it."),
    )


@signing
def check_can_freeze_population(principal: Principal, plan: SamplingPlan) -> None:
    """Freeze the answers of a plan's period, once: whoever may plan, and only when the period has ended."""
    check_can_plan_sample(principal, plan.system, plan.release)
    if hasattr(plan, "population"):
        raise ConflictingContent(worded("The answers of this plan are frozen, which is done once."))
    if clock.now() < plan.period_to:
        raise ConflictingContent(
            worded(
                "The period of this plan ends at %(period_to)s UTC: its answers are frozen then.",
                period_to=f"{plan.period_to:%Y-%m-%d %H:%M}",
            )
        )


@signing
def check_can_draw_sample(principal: Principal, plan: SamplingPlan) -> None:
    """Draw a plan's sample, once: whoever may plan, when a checkpoint covers the frozen answers."""
    check_can_plan_sample(principal, plan.system, plan.release)
    if not hasattr(plan, "population"):
        raise ConflictingContent(worded("Nothing is frozen yet: freeze the answers of the period first."))
    if hasattr(plan.population, "draw"):
        raise ConflictingContent(worded("The sample of this plan is drawn, which is done once."))
    if find_seeding_checkpoint(plan.population) is None:
        raise ConflictingContent(
            worded(
                "No checkpoint covers the frozen answers yet, and the first that does gives the seed. "
                "One is signed every minute: ask again then.",
            )
        )


def check_can_read_sample_results(principal: Principal, plan: SamplingPlan) -> None:
    """Read what a sample shows: whoever reads the system, but no reviewer for whom an answer of it still waits."""
    check_scope(principal, Scope.READ, plan.system)
    if principal.is_reviewer and waits_in_sample(plan, principal.person):
        raise AccessDenied(
            worded(
                "This counts what colleagues said of answers that you may still judge: judge those "
                "first, or have somebody who is no reviewer, or a token of theirs, ask.",
            )
        )


can_plan_sample = as_question(check_can_plan_sample)
can_freeze_population = as_question(check_can_freeze_population)
can_draw_sample = as_question(check_can_draw_sample)
can_read_sample_results = as_question(check_can_read_sample_results)
