"""Samples of a period's answers: planned in a form, frozen and drawn by buttons, with what they show by now."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from evidence import acts
from evidence.access import Principal
from evidence.admin.frame.add_form import AddPage, AddsThroughService
from evidence.admin.frame.base import ReadOnlyModelAdmin
from evidence.admin.frame.display import badge, link, short_digest
from evidence.admin.frame.filters import related, standing
from evidence.admin.frame.steps import PageStep, SteppedModelAdmin
from evidence.admin.sampling_form import SamplingPlanForm
from evidence.models import FrozenPopulation, SampleDraw, SamplingPlan
from evidence.pages.reader import principal_of
from evidence.selectors.sampling import STATES, ScopeResult, results_of, with_state
from evidence.services.sampling import draw_sample, freeze_population, plan_sample


def _without_reason(service: Callable[..., Any]) -> Callable[..., Any]:
    """Return a step that takes no reason: nobody has anything to choose in it."""

    def take(*, reason: str, **given: Any) -> Any:
        del reason
        return service(**given)

    return take


STEPS: Final[Mapping[str, PageStep]] = {
    "frozen": PageStep(
        gettext_lazy("Freeze the answers"),
        acts.can_freeze_population,
        _without_reason(freeze_population),
        gettext_lazy("The list is kept and on record. The first checkpoint that covers it gives the seed."),
        leads=True,
    ),
    "drawn": PageStep(
        gettext_lazy("Draw the sample"),
        acts.can_draw_sample,
        _without_reason(draw_sample),
        gettext_lazy("Drawn: the answers wait for reviewers."),
        leads=True,
    ),
}


@admin.register(SamplingPlan)
class SamplingPlanAdmin(AddsThroughService, SteppedModelAdmin):
    list_display = ["__str__", "system", "release_link", "state", "period_from", "period_to", "made_by"]
    list_filter = [related("system"), standing(STATES)]
    list_select_related = ["system", "release", "population__draw"]
    ordering = ["-id"]
    fields = [
        "state", "system", "release_link", "risk_tier", "period_from", "period_to", "tolerable_rate", "confidence",
        "expected_exceptions", "strata_field", "fewest_of_each", "made_by", "created_at", "digest", "population_link",
        "draw_link",
    ]  # fmt: skip
    steps, step_of, steps_title = STEPS, "plan", gettext_lazy("The next step")
    change_form_template = "admin/evidence/sampling_plan.html"

    adds = AddPage(
        form=SamplingPlanForm,
        store=plan_sample,
        said=gettext_lazy("The plan is on record. When its period has ended, freeze its answers."),
        title=gettext_lazy("Plan a sample"),
        lead=gettext_lazy(
            "A plan says before a period ends what is to be shown of its answers. When it has ended, their "
            "list is frozen, and the first checkpoint of the log after that draws: nobody picks, and nobody "
            "draws twice."
        ),
        button=gettext_lazy("Put the plan on record"),
        listed=gettext_lazy("Sampling plans"),
    )

    def may_add(self, principal: Principal) -> bool:
        """Approvers plan; the form calls the service, which asks again for system and release."""
        return acts.can_approve(principal)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return plans with where they stand."""
        return with_state(super().get_queryset(request))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:  # fmt: skip
        """Show the plan with its next step, and what its sample shows to those who may know."""
        plan = self.get_object(request, object_id)
        shown = {} if plan is None else _shown(request, plan)
        return super().change_view(request, object_id, form_url, shown | (extra_context or {}))

    @admin.display(description=gettext_lazy("State"))
    def state(self, plan: SamplingPlan) -> SafeString:
        return badge(vars(plan)["state_now"])

    @admin.display(description=gettext_lazy("Release"))
    def release_link(self, plan: SamplingPlan) -> SafeString | str:
        return link(plan.release)

    @admin.display(description=gettext_lazy("Frozen answers"))
    def population_link(self, plan: SamplingPlan) -> SafeString | str:
        return link(getattr(plan, "population", None))

    @admin.display(description=gettext_lazy("Sample"))
    def draw_link(self, plan: SamplingPlan) -> SafeString | str:
        return link(_draw_of(plan))


def _draw_of(plan: SamplingPlan) -> SampleDraw | None:
    draw: SampleDraw | None = getattr(getattr(plan, "population", None), "draw", None)
    return draw


def _shown(request: HttpRequest, plan: SamplingPlan) -> dict[str, Any]:
    draw = _draw_of(plan)
    if draw is None:
        return {}
    told: dict[str, Any] = {"draw": draw, "file": reverse("sampling-plan-file", args=[plan.pk])}
    if not acts.can_read_sample_results(principal_of(request), plan):
        return told | {"withheld": True}
    found = results_of(draw)
    rows = [(_("All answers"), found.whole)] + [(one.name or _("(none)"), one) for one in found.strata]
    return told | {
        "verdict": badge(found.verdict),
        "arrived_later": found.arrived_later,
        "rows": [(name, result, _bound(result)) for name, result in rows],
    }


def _bound(result: ScopeResult) -> str:
    return "–" if result.bound is None else f"{float(result.bound):.2%}"


@admin.register(FrozenPopulation)
class FrozenPopulationAdmin(ReadOnlyModelAdmin):
    list_units = {"size": gettext_lazy("answers")}
    list_display = ["plan_link", "size", "list_digest", "frozen_by", "created_at"]
    list_filter = [related("plan__system")]
    list_select_related = ["plan"]
    ordering = ["-id"]
    fields = ["plan_link", "size", "answers", "strata", "frozen_by", "created_at"]

    @admin.display(description=gettext_lazy("Plan"))
    def plan_link(self, population: FrozenPopulation) -> SafeString | str:
        return link(population.plan)

    @admin.display(description=gettext_lazy("List"))
    def list_digest(self, population: FrozenPopulation) -> SafeString | str:
        return short_digest(population.answers_id)


@admin.register(SampleDraw)
class SampleDrawAdmin(ReadOnlyModelAdmin):
    list_display = ["plan_link", "n", "checkpoint", "drawn_by", "created_at"]
    list_filter = [related("population__plan__system")]
    list_select_related = ["population__plan", "checkpoint"]
    ordering = ["-id"]
    fields = ["plan_link", "checkpoint", "seed", "n", "drawn", "digest", "drawn_by", "created_at"]

    @admin.display(description=gettext_lazy("Plan"))
    def plan_link(self, draw: SampleDraw) -> SafeString | str:
        return link(draw.population.plan)
