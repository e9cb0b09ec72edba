"""Memberships: operators say who sees which system, among the systems they are members of themselves."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from evidence.access import Principal
from evidence.acts import can_administer, can_end_membership
from evidence.admin.frame.begun_by_form import BegunByForm
from evidence.admin.frame.filters import related
from evidence.models import Membership
from evidence.pages.reader import principal_of
from evidence.services.people import memberships


@admin.register(Membership)
class MembershipAdmin(BegunByForm):
    list_display = ["user", "system", "created_at"]
    list_filter = [related("system")]
    list_select_related = ["user", "system"]
    search_fields = ["user__username"]
    autocomplete_fields = ["user"]
    ordering = ["system", "user"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and can_administer(principal_of(request))

    def has_delete_permission(self, request: HttpRequest, obj: Membership | None = None) -> bool:
        if obj is not None and not can_end_membership(principal_of(request), obj):
            return False
        return super().has_delete_permission(request, obj) and can_administer(principal_of(request))

    def begin(self, principal: Principal, row: Any) -> Any:
        return memberships.grant_membership(principal=principal, system=row.system, user=row.user)

    def delete_model(self, request: HttpRequest, obj: Membership) -> None:
        memberships.end_membership(principal=principal_of(request), membership=obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Membership]) -> None:
        for membership in queryset:
            self.delete_model(request, membership)
