"""Memberships: operators say who sees which system, among the systems they are members of themselves."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from evidence.access import Principal
from evidence.acts import can_end_membership
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

    def may_end(self, principal: Principal, row: Any) -> bool:
        return can_end_membership(principal, row)

    def begin(self, principal: Principal, row: Any) -> Any:
        return memberships.grant_membership(principal=principal, system=row.system, user=row.user)

    def delete_model(self, request: HttpRequest, obj: Membership) -> None:
        memberships.end_membership(principal=principal_of(request), membership=obj)
