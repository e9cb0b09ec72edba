"""Doubts, in plain words, with what was answered; an approver's form for an answer."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from functools import partial
from typing import Any, Final

from django.contrib import admin
from django.contrib.admin import SimpleListFilter
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_stubs_ext import StrOrPromise

from evidence import acts
from evidence.access import Principal
from evidence.admin.defeater_form import DefeaterAnswerForm
from evidence.admin.frame.add_form import AddsThroughService, add_through_service
from evidence.admin.frame.address import no_value
from evidence.admin.frame.base import LeanChangeList, ReadOnlyModelAdmin
from evidence.admin.frame.display import badge, link, list_url, prose
from evidence.admin.frame.filters import related
from evidence.admin.frame.labels import choice_of
from evidence.admin.frame.people import names_of, show_actor
from evidence.admin.frame.strict_input import could_be
from evidence.admin.frame.visibility import rows_of, visible
from evidence.errors import NotFound
from evidence.models import Defeater, DefeaterAnswer, Evidence, Release
from evidence.pages.reader import principal_of
from evidence.selectors.defeaters import (
    EXPIRED,
    OPEN,
    STANDING,
    STATES,
    against,
    newest_answer,
    told_of,
    with_state,
)
from evidence.services.defeaters import answer_defeater
from evidence.worded import Worded, worded

_ASKED_ABOUT: Final = "defeater"  # in the address of the form
STANDS: Final = "standing"  # a choice of the list: whatever nobody has laid to rest


def show_state(state: str) -> str:
    """Return where a doubt stands as a badge: what was accepted until a time that has come stands like an open one."""
    return badge(OPEN, _("accepted, expired")) if state == EXPIRED else badge(state)


class StateFilter(SimpleListFilter):
    """Doubts by where they stand: all that do, or one state."""

    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request: object, model_admin: object) -> list[tuple[str, StrOrPromise]]:
        del request, model_admin
        return [
            (STANDS, _("all that stand")),
            *((state, choice_of(state, state.capitalize())) for state in STATES),
        ]

    def queryset(self, request: object, queryset: QuerySet[Any]) -> QuerySet[Any]:
        del request
        if self.value() is None:
            return queryset
        return queryset.filter(state_now__in=STANDING if self.value() == STANDS else [self.value()])


class AgainstFilter(SimpleListFilter):
    """Doubts about one release, wherever they arose."""

    title = gettext_lazy("release that it is about")
    parameter_name = "against"
    _OFFERED: Final = 100  # newest releases; the address may name any that the person may see

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        del model_admin
        self._visible = visible(rows_of(Release), request)
        newest = self._visible.select_related("system").order_by("-pk")[: self._OFFERED]
        return [(str(release.pk), str(release)) for release in newest]

    def fault_in(self, value: str) -> Worded | None:
        """Return what is wrong with a value: there is no such release, or not for this person."""
        found = could_be(Release._meta.pk, value) and self._visible.filter(pk=value).exists()
        return None if found else no_value(self.parameter_name, value, worded("the number of a release"))

    def queryset(self, request: object, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Narrow to those about it; an address that names none was refused before."""
        del request
        value = self.value()
        return queryset if value is None else queryset.filter(against(self._visible.get(pk=value)))


class DefeaterChangeList(LeanChangeList):
    """Reads what the doubts of a page say at once."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        _tell(self.result_list)

    def read_rows(self, keys: Sequence[Any]) -> list[Model]:
        rows = super().read_rows(keys)
        _tell(rows)
        return rows


def _tell(rows: Any) -> None:
    told = told_of(rows)
    for row in rows:
        row.told = told[row.pk]


@admin.register(Defeater)
class DefeaterAdmin(ReadOnlyModelAdmin):
    list_display = ["says", "state", "release_link", "since"]
    list_filter = [related("release__system"), StateFilter, AgainstFilter]
    list_select_related = ["release__system"]
    ordering = ["-id"]
    fields = ["state", "release_link", "since"]
    change_form_template = "admin/evidence/defeater.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return doubts with where they stand."""
        return with_state(super().get_queryset(request))

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[DefeaterChangeList]:
        del request, kwargs
        return DefeaterChangeList

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:  # fmt: skip
        """Show what the doubt says and what was answered, with the way to an answer for those who may give one."""
        defeater = self.get_object(request, object_id)
        shown = {} if defeater is None else _shown(request, defeater)
        return super().change_view(request, object_id, form_url, shown | (extra_context or {}))

    @admin.display(description=gettext_lazy("What it says"))
    def says(self, defeater: Defeater) -> str:
        return (
            told_of([defeater])[defeater.pk].says
            if "told" not in vars(defeater)
            else vars(defeater)["told"].says
        )

    @admin.display(description=gettext_lazy("State"))
    def state(self, defeater: Defeater) -> str:
        return show_state(vars(defeater)["state_now"])

    @admin.display(description=gettext_lazy("Arose on"))
    def release_link(self, defeater: Defeater) -> str:
        return link(defeater.release)

    @admin.display(description=gettext_lazy("Since"), ordering="opened_at")
    def since(self, defeater: Defeater) -> date:
        return defeater.opened_on


def _shown(request: HttpRequest, defeater: Defeater) -> dict[str, Any]:
    answers = list(defeater.answers.order_by("pk"))
    names = names_of(answer.answered_by for answer in answers)
    item = visible(Evidence.objects.filter(pk=defeater.evidence_id), request).first()
    return {
        "told": told_of([defeater])[defeater.pk],
        "item": link(item) if item else "",
        "answers": [
            (answer, badge(answer.kind), show_actor(answer.answered_by, names))
            for answer in reversed(answers)
        ],
        "may_answer": acts.can_answer_defeater(principal_of(request), defeater),
    }


@admin.register(DefeaterAnswer)
class DefeaterAnswerAdmin(AddsThroughService):
    list_display = ["defeater_link", "said", "words", "answered_by", "expires_at", "created_at"]
    list_filter = [related("defeater__release__system"), "kind"]
    list_select_related = ["defeater"]
    ordering = ["-id"]
    fields = [
        "defeater_link",
        "said",
        "words_as_written",
        "answered_by",
        "created_at",
        "expires_at",
        "replaces",
    ]

    def may_add(self, principal: Principal) -> bool:
        """Approvers answer; the form calls the service, which asks again for the doubt."""
        return acts.can_approve(principal)

    def parameters_to_add(self, request: HttpRequest) -> Collection[str]:
        """Return what the form reads: which doubt it is for."""
        return [*super().parameters_to_add(request), _ASKED_ABOUT]

    def show_form(self, request: HttpRequest, principal: Principal, sent: Any) -> HttpResponse:
        """Show the form for the doubt that the address names; store the answer, or say what is refused."""
        if _ASKED_ABOUT not in request.GET:
            return redirect(list_url("evidence.defeater", state=STANDS))  # each has its own form
        defeater = _asked_about(request)
        form = DefeaterAnswerForm(sent, newest=newest_answer(defeater))
        return add_through_service(
            request,
            form,
            partial(_answer, principal=principal, defeater=defeater),
            said=lambda _stored: _("Your answer is on record."),
            template="admin/evidence/defeater_answer.html",
            title=_("Answer a doubt"),
            listed=(_("Doubts"), "evidence.defeater"),
            beside={"told": told_of([defeater])[defeater.pk], "defeater": defeater},
        )

    @admin.display(description=gettext_lazy("Doubt"))
    def defeater_link(self, answer: DefeaterAnswer) -> str:
        return link(answer.defeater)

    @admin.display(description=gettext_lazy("Answer"), ordering="kind")
    def said(self, answer: DefeaterAnswer) -> str:
        return badge(answer.kind)

    @admin.display(description=gettext_lazy("Why"))
    def words_as_written(self, answer: DefeaterAnswer) -> str:
        return prose(answer.words)


def _answer(**said: Any) -> Defeater:
    """Store an answer and return the doubt, whose page shows it."""
    return answer_defeater(**said).defeater


def _asked_about(request: HttpRequest) -> Defeater:
    key = request.GET["defeater"]
    mine = visible(rows_of(Defeater), request)
    found: Defeater | None = mine.filter(pk=key).first() if could_be(Defeater._meta.pk, key) else None
    if found is None:
        raise NotFound(worded("There is no such doubt among those that you may see."))
    return found
