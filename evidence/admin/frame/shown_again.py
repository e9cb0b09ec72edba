"""Django's own forms over a proof: shown once more as they were filled in, without a fault, and signed by nobody."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import admin
from django.forms.utils import ErrorDict
from django.http import HttpRequest

from evidence.errors import NotYetSigned
from evidence.pages.refused_forms import tell_unsigned

_UNSIGNED: Final = "_is_shown_unsigned"


class _Unsigned:
    """Makes a form one that shows what was sent, and is looked at no further."""

    def is_valid(self) -> bool:
        return False

    def full_clean(self) -> None:
        self._errors = ErrorDict()
        self.cleaned_data: dict[str, Any] = {}


class ShownAgain(admin.ModelAdmin[Any]):
    """A noun whose form signs. Django's form is over once it is refused, so that it is made once more."""

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:  # fmt: skip
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except NotYetSigned as exc:
            tell_unsigned(request, exc)
            vars(request)[_UNSIGNED] = True
        return super().changeform_view(request, object_id, form_url, extra_context)

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any  # noqa: FBT001, FBT002  # Django's signature
    ) -> Any:  # fmt: skip
        """Return the form; of one that is shown once more, one without faults."""
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        return type(form.__name__, (_Unsigned, form), {}) if vars(request).get(_UNSIGNED) else form
