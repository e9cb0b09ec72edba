"""What Django's admin takes from an address or a form and would fail on: refused here, with a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import ValidationError
from django.db.models import Field
from django.http import HttpRequest

from evidence.errors import InvalidInput

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
    _AutocompleteSelect = AutocompleteSelect
else:
    _ModelAdmin = admin.ModelAdmin
    _AutocompleteSelect = AutocompleteSelect


class StrictInput(_ModelAdmin):
    """Lists whose filters and chosen rows are read before they reach a query."""

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Refuse a range without two ends."""
        if lookup.endswith("__range") and value.count(",") != 1:
            return False
        return super().lookup_allowed(lookup, value, request)  # type: ignore[arg-type]  # Django passes the request since 5.0

    def response_action(self, request: HttpRequest, *of_django: Any, **more: Any) -> Any:
        """Refuse a chosen row whose key could be none.

        Raises:
            InvalidInput: naming it.
        """
        for chosen in request.POST.getlist(ACTION_CHECKBOX_NAME):
            if not could_be(self.opts.pk, chosen):
                raise InvalidInput(f"{chosen!r} is no row of this list: choose rows by their boxes.")
        return super().response_action(request, *of_django, **more)


class StrictAutocomplete(_AutocompleteSelect):
    """Shows nothing for a choice that could be no key; the form's own check then says so."""

    def optgroups(self, name: str, value: Any, attrs: Any = None) -> Any:
        key = self.field.remote_field.model._meta.pk
        return super().optgroups(name, [each for each in value if not each or could_be(key, each)], attrs)


def could_be(key: Field[Any, Any], text: str) -> bool:
    """Whether a text could be a row's key."""
    try:
        key.to_python(text)
    except (ValidationError, ValueError):
        return False
    return "\0" not in text
