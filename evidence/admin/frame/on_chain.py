"""Lists narrowed to what hangs on one record of the chain, where no column of theirs leads to it."""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from django.contrib.admin import ModelAdmin, SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

from evidence.admin.frame.address import no_value
from evidence.pages.reader import principal_of
from evidence.worded import Worded, worded

ON_CHAIN: Final = "on_chain"  # the parameter of a list's address


class OnChainFilter(SimpleListFilter):
    """What hangs on one record, as "decision:5", as the drawn chain has it. Offered by the address alone."""

    title = _("hangs on, in the chain")
    parameter_name = ON_CHAIN

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, str]]:
        value = self.value()
        if value is None:
            return []
        find = import_string(settings.ROWS_ON_CHAIN)
        self._found = find(value, model_admin.model, request.user, principal_of(request))
        return [(value, self._found[0] if self._found else value)]

    def fault_in(self, value: str) -> Worded | None:
        """Return what is wrong with a value: there is no such record, or not for this person, or no row hangs on it."""
        wanted = worded("a record of the chain that such a row hangs on, as decision:5")
        return None if self._found else no_value(ON_CHAIN, value, wanted)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Narrow to what hangs on it; an address that names none was refused before."""
        del request
        return queryset if self.value() is None else queryset.filter(self._found[1])
