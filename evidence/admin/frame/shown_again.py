"""Django's own forms once a service said no, or not yet: made once more, and shown as they were filled in."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from django.contrib import admin
from django.forms.utils import ErrorDict
from django.http import HttpRequest

from evidence.errors import EvidenceError, NotYetSigned
from evidence.pages.refusals import refusal_detail
from evidence.pages.refused_forms import tell_unsigned

_CAME_OF_IT: Final = "_came_of_its_form"  # on a request: what a service said of what it sent


class _Unsigned:
    """Makes a form one that shows what was sent, and is looked at no further."""

    def is_valid(self) -> bool:
        return False

    def full_clean(self) -> None:
        self._errors = ErrorDict()
        self.cleaned_data: dict[str, Any] = {}


class _Refused:
    """Makes a form one that is refused, whatever it says."""

    refused: ClassVar[EvidenceError]

    def clean(self) -> Any:
        form: Any = super()
        cleaned = form.clean()
        form.add_error(None, refusal_detail(self.refused))
        return cleaned


class ShownAgain(admin.ModelAdmin[Any]):
    """A noun whose form signs. After the proof it is shown without a fault, and signed by nobody.

    Django's form is over by the time a service has said so, so that it is made once more.
    """

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:  # fmt: skip
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except NotYetSigned as exc:
            tell_unsigned(request, exc)
            note_what_came(request, exc)
        return super().changeform_view(request, object_id, form_url, extra_context)

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any  # noqa: FBT001, FBT002  # Django's signature
    ) -> Any:  # fmt: skip
        """Return the form; of one that is made once more, one that says what came of it."""
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        match vars(request).get(_CAME_OF_IT):
            case None:
                return form
            case NotYetSigned():
                return type(form.__name__, (_Unsigned, form), {})
            case refused:
                return type(form.__name__, (_Refused, form), {"refused": refused})


def note_what_came(request: HttpRequest, exc: EvidenceError) -> None:
    """Have the form of a request, when it is made again, say what a service said of it."""
    vars(request)[_CAME_OF_IT] = exc
