"""Machine tokens: read, and revoked. They are issued where their text can be shown once."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from evidence import clock
from evidence.actors import actor_of_token, actor_of_user
from evidence.acts import can_administer
from evidence.admin.frame.base import ReadOnlyModelAdmin
from evidence.admin.frame.display import badge
from evidence.admin.frame.filters import related
from evidence.admin.frame.visibility import principal_of
from evidence.models import AccessToken, System
from evidence.services.people import tokens


@admin.register(AccessToken)
class AccessTokenAdmin(ReadOnlyModelAdmin):
    list_display = ["name", "prefix", "owner", "may", "on", "state", "expires_at"]
    list_filter = [related("systems")]
    list_select_related = ["owner"]
    search_fields = ["name", "prefix", "owner__username"]
    ordering = ["-id"]
    fields = [
        "name",
        "acts_as",
        "owner",
        "owner_on_record",
        "may",
        "on",
        "created_at",
        "expires_at",
        "revoked_at",
    ]
    actions = ["revoke"]
    actions_on_top = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Fetch the systems along that the person may know of; a token may have others."""
        mine = Prefetch("systems", System.objects.filter(pk__in=principal_of(request).system_ids))
        return super().get_queryset(request).prefetch_related(mine)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Whether the person may revoke tokens at all."""
        return can_administer(principal_of(request))

    @admin.action(description=gettext_lazy("Revoke: useless from now on"), permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[AccessToken]) -> None:
        chosen = list(queryset)
        for token in chosen:
            tokens.revoke_token(principal=principal_of(request), token=token)
        self.message_user(request, f"Revoked: {', '.join(map(str, chosen))}.", messages.SUCCESS)

    @admin.display(description=gettext_lazy("On record as"))
    def acts_as(self, token: AccessToken) -> str:
        return actor_of_token(token)

    @admin.display(description=gettext_lazy("Its owner is on record as"))
    def owner_on_record(self, token: AccessToken) -> str:
        return actor_of_user(token.owner)

    @admin.display(description="May")
    def may(self, token: AccessToken) -> str:
        return ", ".join(token.scopes)

    @admin.display(description="Systems")
    def on(self, token: AccessToken) -> str:
        return ", ".join(system.key for system in token.systems.all())

    @admin.display(description="State")
    def state(self, token: AccessToken) -> str:
        if token.revoked_at is not None:
            return badge("revoked")
        return badge("active" if token.expires_at > clock.now() else "expired")
