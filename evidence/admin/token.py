"""Machine tokens: read, issued and revoked. The text of a new one is shown once, in the answer to the form."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import admin, messages
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from evidence.access import Principal
from evidence.actors import actor_of_token, actor_of_user
from evidence.acts import can_administer
from evidence.admin.frame.add_form import FORM, AddsThroughService
from evidence.admin.frame.display import badge, list_url, listed, record_url
from evidence.admin.frame.filters import related
from evidence.admin.token_form import TokenForm
from evidence.errors import EvidenceError
from evidence.models import AccessToken, System
from evidence.pages.frame import Page, Step, show_page
from evidence.pages.reader import principal_of
from evidence.pages.refused_forms import tell_in_form
from evidence.pages.sent_forms import check_names
from evidence.pages.told_once import lead_to_told
from evidence.selectors.tokens import LOOKED_AT, state_of
from evidence.services.people import tokens

_SHOWN_ONCE: Final = gettext_lazy(
    "A key for a machine. Its text is shown once, on the next page, and not kept: have ready where it goes."
)
_OPENS_NOTHING: Final = gettext_lazy(
    "Whoever issues a token reads it, so those that open evidence are made on the machine itself, with the command "
    "issue_token."
)


class WorkingFilter(admin.SimpleListFilter):
    """Tokens that work and that somebody should look at, as the page of health counts them."""

    title = gettext_lazy("what works")
    parameter_name = "works"

    def lookups(self, request: object, model_admin: object) -> list[tuple[str, str]]:
        del request, model_admin
        return [("never_used", _("Never used")), ("expires_soon", _("Expires within fourteen days"))]

    def queryset(self, request: object, queryset: QuerySet[AccessToken]) -> QuerySet[AccessToken]:
        del request
        asked = LOOKED_AT.get(self.value() or "")
        return queryset if asked is None else asked(queryset)


@admin.register(AccessToken)
class AccessTokenAdmin(AddsThroughService):
    list_display = ["name", "prefix", "owner", "is_own", "may", "on", "state", "expires_at", "last_used_at"]
    list_filter = [related("systems"), WorkingFilter]
    list_select_related = ["owner"]
    search_fields = ["name", "prefix", "owner__username"]
    ordering = ["-id"]
    fields = [
        "name",
        "acts_as",
        "owner",
        "owner_on_record",
        "is_own",
        "may",
        "on",
        "created_at",
        "expires_at",
        "revoked_at",
        "last_used_at",
        "last_used_for",
    ]
    kept_columns = ["secret_digest"]
    actions = ["revoke"]
    actions_on_top = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Fetch the systems along that the person may know of; a token may have others."""
        mine = Prefetch("systems", System.objects.filter(pk__in=principal_of(request).system_ids))
        return super().get_queryset(request).prefetch_related(mine)

    def may_add(self, principal: Principal) -> bool:
        """Operators issue tokens; the service asks again, for owner, scopes and systems."""
        return can_administer(principal)

    def show_form(self, request: HttpRequest, principal: Principal, sent: Any) -> HttpResponse:
        """Show the form; issue the token and show its text, this once, or say what the service refuses."""
        form = TokenForm(sent, principal=principal)
        check_names(request, form)
        status = 422 if form.is_bound and not form.is_valid() else 200
        trail = [Step(_("Access tokens"), list_url("evidence.accesstoken"))]
        if form.is_bound and form.is_valid():
            try:
                issued = tokens.issue_token(principal=principal, is_named_anew=True, **form.told())
            except EvidenceError as exc:
                status = tell_in_form(request, form, exc)
            else:
                shown = {"token": issued.token, "text": issued.text}
                page = Page("admin/evidence/token_shown.html", _("A token, shown once"), shown, trail)
                return lead_to_told(request, page, at=record_url(issued.token))
        told = {
            "form": form,
            "lead": format_lazy("{} {}", _SHOWN_ONCE, _OPENS_NOTHING),
            "button": _("Issue it"),
        }
        return show_page(request, Page(FORM, _("Issue a token"), told, trail, status=status))

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Whether the person may revoke tokens at all."""
        return can_administer(principal_of(request))

    @admin.action(description=gettext_lazy("Revoke: useless from now on"), permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[AccessToken]) -> None:
        chosen = list(queryset)
        for token in chosen:
            tokens.revoke_token(principal=principal_of(request), token=token)
        told = _("Revoked: %(tokens)s.") % {"tokens": listed(chosen)}
        self.message_user(request, told, messages.SUCCESS)

    @admin.display(description=gettext_lazy("On record as"))
    def acts_as(self, token: AccessToken) -> str:
        return actor_of_token(token)

    @admin.display(description=gettext_lazy("Its owner is on record as"))
    def owner_on_record(self, token: AccessToken) -> str:
        return actor_of_user(token.owner)

    @admin.display(description="May")
    def may(self, token: AccessToken) -> str:
        return listed(token.scopes)

    @admin.display(description="Systems")
    def on(self, token: AccessToken) -> str:
        return listed(system.key for system in token.systems.all())

    @admin.display(description="State")
    def state(self, token: AccessToken) -> str:
        return badge(state_of(token))
