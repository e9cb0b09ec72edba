"""Requirement versions: what they say, what is tested, and the buttons that move them along."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.contrib import admin, messages
from django.db.models import Count, Min, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from evidence import clock
from evidence.access import Principal
from evidence.acts import can_approve
from evidence.admin.frame.base import ChainLink, ReadOnlyModelAdmin
from evidence.admin.frame.display import badge, link, list_url, listed, record_url, shorten
from evidence.admin.frame.filters import related
from evidence.admin.frame.labels import choice_of
from evidence.admin.frame.life import show_life
from evidence.admin.frame.people import names_of
from evidence.admin.frame.steps import Typed, take_or_show, tell_refusal
from evidence.admin.frame.visibility import visible
from evidence.admin.front_page import Waiting
from evidence.errors import AccessDenied, EvidenceError
from evidence.models import System
from evidence.pages.reader import principal_of
from evidence.pages.refusals import refusal_text, refusal_title
from requirements.acts import can_ask_retirement, can_import_requirements, can_transition
from requirements.admin.assessment import measured_with_slice
from requirements.admin.criterion import holds_when
from requirements.comparing import changes_between
from requirements.errors import DecisionOutdated, RequirementsError, SelfApproval
from requirements.models import Change, RequirementState, RequirementTransition, RequirementVersion
from requirements.selectors.authors_work import AuthorsWork, drafts_waiting_for
from requirements.selectors.measured_now import CriterionNow, measured_now
from requirements.selectors.requirements import awaiting_approval_of
from requirements.selectors.retirements import waiting_retirements
from requirements.selectors.wording import (
    change_of,
    draft_of,
    held_before,
    name_of_warning,
    predecessor_of,
    reworded_apart,
)
from requirements.services.retirements import ask_retirement
from requirements.services.transitions import WhatWasRead, transition_requirement

# What the button of each step says; whose step it is, `requirements.acts` knows.
MOVES: Final[dict[str, StrOrPromise]] = {
    RequirementState.IN_REVIEW: _("Ask for approval"),
    RequirementState.APPROVED: _("Approve"),
    RequirementState.DRAFT: _("Back to draft"),
}


class StateFilter(admin.SimpleListFilter):
    """Where a version stands: the last of its transitions."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        del request, model_admin
        return [(state.value, choice_of(state.value, state.label)) for state in RequirementState]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        del request
        return queryset if self.value() is None else queryset.filter(state_now=self.value())


class MineFilter(admin.SimpleListFilter):
    """What waits for the author who reads the list; nobody else has such drafts."""

    title = _("waits for you")
    parameter_name = "mine"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, StrOrPromise]]:
        del model_admin
        if not principal_of(request).is_author:
            return []
        return [
            (AuthorsWork.UNPROPOSED.value, _("drafts of yours, not proposed")),
            (AuthorsWork.SENT_BACK.value, _("versions sent back to you")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        asked = self.value()
        if asked is None:
            return queryset
        return drafts_waiting_for(queryset, principal_of(request).person, AuthorsWork(asked))


def versions_to_approve(request: HttpRequest) -> tuple[Waiting, ...]:
    """Return what waits for this approver, for the front page: `settings.FRONT_PAGE_APPROVALS`."""
    principal = principal_of(request)
    if not can_approve(principal):
        return ()
    found = visible(awaiting_approval_of(principal.person), request).aggregate(
        count=Count("pk"), first=Min("since")
    )
    oldest = (clock.now() - found["first"]).days if found["first"] else None
    url = list_url("requirements.requirementversion", state=RequirementState.IN_REVIEW.value)
    return (Waiting(_("Requirement versions to approve"), found["count"], url, oldest),)


@admin.register(RequirementVersion)
class RequirementVersionAdmin(ReadOnlyModelAdmin):
    list_display = ["__str__", "says", "state", "risk", "system", "proposed_by"]
    list_filter = [related("requirement__system"), MineFilter, StateFilter, "risk_tier", "layer"]
    list_select_related = ["requirement__system"]
    search_fields = ["requirement__key", "external_id", "proposed_by", "statement"]
    search_help_text = _("A key, words of a statement, or who proposed it.")
    ordering = ["-id"]
    change_form_template = "admin/requirements/version.html"
    change_list_template = "admin/requirements/versions.html"
    fields = [
        "state", "requirement", "external_id", "number", "statement_text", "rationale", "risk_tier", "layer", "owner",
        "review_every_days", "criteria_table", "change", "remarks", "life", "artefact_version",
        "proposed_by", "created_at",
    ]  # fmt: skip
    chain = [
        ChainLink("Acceptance criteria", "requirements.acceptancecriterion", "version__id__exact"),
        ChainLink("Assessments", "requirements.assessment", "criterion__version__id__exact"),
        ChainLink("Baselines that hold it", "requirements.baselinemember", "version__id__exact"),
        ChainLink("Requested retirements", "requirements.retirementrequest", "version__id__exact"),
        ChainLink("Source files", "requirements.sourcefileentry", "version__id__exact"),
        ChainLink("Transitions", "requirements.requirementtransition", "version__id__exact"),
        ChainLink(
            "Links downstream",
            "requirements.tracelink",
            "upstream__id__exact",
            "artefact_version.artefact_id",
        ),
        ChainLink(
            "Links upstream",
            "requirements.tracelink",
            "downstream__id__exact",
            "artefact_version.artefact_id",
        ),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        moves = RequirementTransition.objects.filter(version=OuterRef("pk")).order_by("-at", "-pk")
        state_now = Subquery(moves.values("to_state")[:1])
        rows: QuerySet[Any] = super().get_queryset(request).annotate(state_now=state_now)
        return rows

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the list, to authors with the way to their desk."""
        principal = principal_of(request)
        systems = System.objects.filter(pk__in=principal.system_ids)
        may_draft = any(can_import_requirements(principal, system) for system in systems)
        return super().changelist_view(request, {"may_draft": may_draft} | (extra_context or {}))

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:  # fmt: skip
        """Show the version with the moves this person may make; carry one out when its button is pressed."""
        version = self.get_object(request, object_id) if object_id else None
        if version is None or not self.has_view_permission(request, version):
            return super().changeform_view(request, object_id, form_url, extra_context)
        return take_or_show(
            request,
            take=lambda: self._move(request, version),
            show=lambda reading, typed: self._show(reading, version, typed, form_url, extra_context),
            refusals=(EvidenceError, RequirementsError),
            denied=(AccessDenied, SelfApproval),
            tell=_tell_refusal,
        )

    def _show(
        self,
        request: HttpRequest,
        version: Any,
        typed: Typed,
        form_url: str,
        extra_context: Mapping[str, Any] | None,
    ) -> Any:
        """Show the version as it stands now, with what was typed and ticked where it still stands as it did then."""
        told = {**typed}
        if typed:
            version = self.get_object(request, str(version.pk)) or version
            is_same = request.POST.get("from_state") == vars(version)["state_now"]
            told |= {
                "ticked": request.POST.getlist("warnings_read") if is_same else [],
                "typed_change": request.POST.get("change", "") if is_same else "",
                "is_typed": True,
            }
        shown = self._decision(request, version) | told | {**(extra_context or {})}
        return super().changeform_view(request, str(version.pk), form_url, shown)

    def _decision(self, request: HttpRequest, version: RequirementVersion) -> dict[str, Any]:
        """Return what the page shows for a decision: what may be done, what differs, and what is to be read."""
        principal = principal_of(request)
        moves = [(state, text) for state, text in MOVES.items() if can_transition(principal, version, state)]
        offered = dict(moves)
        predecessor = predecessor_of(version)
        state = vars(version)["state_now"]
        is_open = state in (RequirementState.DRAFT, RequirementState.IN_REVIEW)
        is_editorial = is_open and change_of(version) == Change.EDITORIAL
        waiting = waiting_retirements().filter(version=version).first()
        return {
            "moves": moves,
            "read": {"digest": version.artefact_version.digest, "from_state": state},
            "warnings": _warnings(version) if RequirementState.APPROVED in offered else [],
            "asks_editorial": predecessor is not None and RequirementState.IN_REVIEW in offered,
            "confirms_editorial": is_editorial and RequirementState.APPROVED in offered,
            "is_editorial": is_editorial,
            **_what_changed(version, held_before(version) or predecessor),
            "retirement": link(waiting, waiting.reason) if waiting else "",
            "asks_retirement": waiting is None and can_ask_retirement(principal, version),
            "may_draft": can_import_requirements(principal, version.requirement.system),
            **_measures(version, principal, is_open=is_open, is_approved=state == RequirementState.APPROVED),
        }

    def _move(self, request: HttpRequest, version: RequirementVersion) -> HttpResponseRedirect:
        """Take the step whose button was pressed."""
        messages.success(request, _take_step(request, version))
        return HttpResponseRedirect(record_url(version))

    @admin.display(description="Statement")
    def says(self, version: RequirementVersion) -> str:
        language, text = next(iter(version.statement.items()), ("", ""))
        return format_html('<span lang="{}">{}</span>', language, shorten(text, 100))

    @admin.display(description="State")
    def state(self, version: Any) -> str:
        return badge(version.state_now or "draft")

    @admin.display(description="Risk", ordering="risk_tier")
    def risk(self, version: RequirementVersion) -> str:
        return badge(version.risk_tier)

    @admin.display(description="System", ordering="requirement__system")
    def system(self, version: RequirementVersion) -> str:
        return version.requirement.system.key

    @admin.display(description="Statement")
    def statement_text(self, version: RequirementVersion) -> str:
        return format_html_join(
            "",
            '<p class="tb-statement" lang="{0}"><span class="tb-lang">{0}</span> {1}</p>',
            version.statement.items(),
        )

    @admin.display(description="Acceptance criteria")
    def criteria_table(self, version: RequirementVersion) -> str:
        rows = format_html_join(
            "",
            "<tr><th scope='row'>{}</th><td>{}</td><td>{}</td><td>{}</td></tr>",
            (
                (link(each, each.key), each.check_name, holds_when(each), each.min_n)
                for each in version.criteria.order_by("pk")
            ),
        )
        if not rows:
            return gettext("none: nothing a machine can check")
        return format_html(
            "<div class='tb-pane' role='region' aria-label='{}' tabindex='0'><table>"
            "<thead><tr><th scope='col'>{}</th><th scope='col'>{}</th><th scope='col'>{}</th><th scope='col'>{}</th>"
            "</tr></thead><tbody>{}</tbody></table></div>",
            _("Acceptance criteria"), _("Criterion"), _("Check"), _("Holds when"), _("Least n"), rows,
        )  # fmt: skip

    @admin.display(description="The linter said")
    def remarks(self, version: RequirementVersion) -> str:
        said = [(each.get("message", ""), each.get("suggestion", "")) for each in version.lint]
        return format_html_join("", "<p>{} <em>{}</em></p>", said) or gettext("nothing")

    @admin.display(description=_("Change"))
    def change(self, version: RequirementVersion) -> str:
        approved = version.transitions.filter(to_state=RequirementState.APPROVED).first()
        if approved is not None and approved.change:
            return choice_of(approved.change, approved.get_change_display())
        said = change_of(version)
        return listed([choice_of(said.value, said.label), _("says its author")])

    @admin.display(description="Its life so far")
    def life(self, version: RequirementVersion) -> str:
        return show_life(version.transitions.order_by("at", "pk")) or gettext("proposed, not moved yet")


def _measures(
    version: RequirementVersion, principal: Principal, *, is_open: bool, is_approved: bool
) -> dict[str, Any]:
    """Return what the criteria measure today, of a version that counts or may come to count (decision 0108)."""
    if not (is_open or is_approved):
        return {}
    found = measured_now(version, principal)
    return {
        "measures": [_say_measured(each) for each in found.rows],
        "measured_at": found.at,
        "left_out": found.n_left_out,
        "waits_for_approval": is_open and any(each.assessment is None for each in found.rows),
    }


def _say_measured(row: CriterionNow) -> dict[str, Any]:
    assessment, standing = row.assessment, row.standing
    said: dict[str, Any] = {
        "criterion": link(row.criterion, row.criterion.key),
        "bar": holds_when(row.criterion),
        "release": link(row.on.release),
        "live_in": listed(row.on.environments),
        "is_kept": row.is_kept,
    }
    if assessment is None or standing is None:
        return said
    return said | {
        "verdict": badge(standing.verdict.value),
        "is_stale": standing.is_stale,
        "measured": measured_with_slice(assessment),
        "as_of": assessment.as_of,
        "url": record_url(assessment),
        "is_of_other_version": row.is_of_other_version,
    }  # fmt: skip


def _take_step(request: HttpRequest, version: RequirementVersion) -> str:
    """Take the step whose button was pressed, and return what is told then."""
    asked = request.POST
    to_state, reason = asked.get("to_state", ""), asked.get("reason", "").strip()
    principal = principal_of(request)
    if to_state == RequirementState.RETIRED:
        read = WhatWasRead(asked.get("digest", ""), asked.get("from_state", ""))
        ask_retirement(principal=principal, version=version, reason=reason, read=read)
        return str(_("Asked. The version stands until another person, an approver, grants it."))
    approves = to_state == RequirementState.APPROVED
    transition_requirement(
        principal=principal,
        version=version,
        to_state=to_state,
        reason=reason,
        read=WhatWasRead(
            asked.get("digest", ""),
            asked.get("from_state", ""),
            tuple(asked.getlist("warnings_read")) if approves else (),
        ),
        change=_change_said(asked.get("change", ""), to_state),
    )
    state = RequirementState(to_state).label.lower()
    return _("%(version)s is now %(state)s.") % {"version": version, "state": state}


def _tell_refusal(request: HttpRequest, exc: Any) -> int:
    """Say a refusal; who decided meanwhile is named in it."""
    if not isinstance(exc, DecisionOutdated):
        return tell_refusal(request, exc)
    actors = [str(each["by"]) for each in (exc.standing, exc.newest)]
    messages.error(request, f"{refusal_title(exc)}: {_with_names(refusal_text(exc), actors)}")
    return exc.http_status


def _what_changed(version: RequirementVersion, before: RequirementVersion | None) -> dict[str, Any]:
    """Return what differs from what held before, or from the version before where none held yet."""
    if before is None:
        return {}
    between = RequirementVersion.objects.filter(
        requirement=version.requirement, number__gt=before.number, number__lt=version.number
    )
    return {
        "before_link": link(before),
        "never_held": listed(
            f"v{number}" for number in between.order_by("number").values_list("number", flat=True)
        ),
        "differences": changes_between(draft_of(before), draft_of(version)),
        "same_in": reworded_apart(before, version),
    }


def _change_said(ticked: str, to_state: str) -> str:
    """Return what the form says of the change; an author who leaves the box open says that it is substantive."""
    if to_state == RequirementState.IN_REVIEW:
        return ticked or Change.SUBSTANTIVE
    return ticked if to_state == RequirementState.APPROVED else ""


def _warnings(version: RequirementVersion) -> list[tuple[str, list[str]]]:
    """Return the linter's warnings by the names by which they are ticked, each with what it says, in every language."""
    said: dict[str, list[str]] = {}
    for warning in version.lint:
        said.setdefault(name_of_warning(warning), []).append(warning.get("message", ""))
    return list(said.items())


def _with_names(text: str, actors: list[str]) -> str:
    """Return a sentence with what people are called in place of how they are on record."""
    for actor, name in names_of(actors).items():
        text = text.replace(actor, name)
    return text


@admin.register(RequirementTransition)
class RequirementTransitionAdmin(ReadOnlyModelAdmin):
    list_display = ["version_link", "moved_to", "by", "reason", "at"]
    list_filter = [related("version__requirement__system"), "to_state"]
    list_select_related = ["version__requirement"]
    ordering = ["-id"]

    @admin.display(description="Version")
    def version_link(self, move: RequirementTransition) -> str:
        return link(move.version)

    @admin.display(description="To", ordering="to_state")
    def moved_to(self, move: RequirementTransition) -> str:
        return badge(move.to_state)
