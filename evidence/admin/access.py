"""What takes two operators: proposals, with the form for one and the action that confirms another's."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from evidence import clock
from evidence.access import Principal
from evidence.acts import can_operate
from evidence.admin.access_form import ProposalForm
from evidence.admin.frame.add_form import AddPage, AddsThroughService
from evidence.admin.frame.base import ReadOnlyModelAdmin
from evidence.admin.frame.display import badge
from evidence.admin.frame.words import in_words
from evidence.errors import EvidenceError
from evidence.models import AccessConfirmation, AccessProposal
from evidence.pages.reader import principal_of
from evidence.pages.refusals import refusal_detail
from evidence.services.people.access_proposals import confirm_access, propose_access


@admin.register(AccessProposal)
class AccessProposalAdmin(AddsThroughService):
    list_display = ["user", "what", "proposed_by", "created_at", "expires_at", "state"]
    list_select_related = ["user", "system", "confirmation"]
    ordering = ["-id"]
    fields = ["user", "what", "proposed_by", "created_at", "expires_at", "state"]
    actions = ["confirm"]
    actions_on_top = True

    adds = AddPage(
        form=ProposalForm,
        store=propose_access,
        said=gettext_lazy("Proposed: another operator confirms it in this list."),
        title=gettext_lazy("Propose access"),
        lead=gettext_lazy(
            "Nobody becomes an approver or auditor, or sees another system as one, by one person's decision: "
            "another operator of their systems has to confirm it."
        ),
        button=gettext_lazy("Propose it"),
        listed=gettext_lazy("Access proposals"),
    )

    def may_add(self, principal: Principal) -> bool:
        """Operators propose; the form calls the service, which asks again for the person."""
        return can_operate(principal)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Leave out what a colleague is to see elsewhere."""
        mine = Q(system=None) | Q(system__in=principal_of(request).system_ids)
        return super().get_queryset(request).filter(mine)

    def has_confirm_permission(self, request: HttpRequest) -> bool:
        """Whether the person may confirm at all."""
        return self.has_add_permission(request)

    @admin.action(description=gettext_lazy("Confirm: it takes effect now"), permissions=["confirm"])
    def confirm(self, request: HttpRequest, queryset: QuerySet[AccessProposal]) -> None:
        """Confirm each that is chosen, or say why not."""
        for proposal in queryset:
            try:
                confirm_access(principal=principal_of(request), proposal=proposal)
            except EvidenceError as exc:
                self.message_user(
                    request, format_html("{}: {}", proposal, refusal_detail(exc)), messages.ERROR
                )
            else:
                self.message_user(
                    request, _("Confirmed: %(proposal)s.") % {"proposal": proposal}, messages.SUCCESS
                )
                self._tell_of_password(request, proposal)

    def _tell_of_password(self, request: HttpRequest, proposal: AccessProposal) -> None:
        """Say where somebody whose password ended with the role gets another."""
        person = User.objects.get(pk=proposal.user_id)
        if settings.PASSWORD_SIGN_IN and proposal.role and not person.has_usable_password():
            told = _(
                "%(person)s has no password now: `manage.py password_link %(person)s` makes a link for one."
            )
            self.message_user(request, told % {"person": person}, messages.WARNING)

    @admin.display(description="What")
    def what(self, proposal: AccessProposal) -> str:
        if proposal.role:
            return str(in_words(proposal.role))
        return _("sees %(system)s") % {"system": proposal.system}

    @admin.display(description="State")
    def state(self, proposal: AccessProposal) -> str:
        if hasattr(proposal, "confirmation"):
            return badge("confirmed")
        return badge("open" if proposal.expires_at > clock.now() else "expired")


@admin.register(AccessConfirmation)
class AccessConfirmationAdmin(ReadOnlyModelAdmin):
    list_display = ["proposal", "confirmed_by", "created_at"]
    list_select_related = ["proposal__system"]
    ordering = ["-id"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Leave out what a colleague is to see elsewhere."""
        mine = Q(proposal__system=None) | Q(proposal__system__in=principal_of(request).system_ids)
        return super().get_queryset(request).filter(mine)
