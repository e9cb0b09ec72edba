"""What a browser sends with a form: names that the form has, each once, or it is refused by name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from django import forms
from django.http import HttpRequest

from evidence.api.inputs import check_parameters

_OF_DJANGO: Final = "csrfmiddlewaretoken"


def check_names(
    request: HttpRequest, form: forms.BaseForm | None = None, *, also: Iterable[str] = ()
) -> None:
    """Refuse what was sent beside the fields of a form: whoever sent it believes that it counts.

    Args:
        form: of Django's; without one, the page reads its fields itself.
        also: the fields that the page reads beside it, as which button was pressed.

    Raises:
        InvalidInput: with each name that the form does not have, or that is given twice.
    """
    if request.method != "POST":
        return
    fields = {form.add_prefix(name): field for name, field in form.fields.items()} if form is not None else {}
    many = [name for name, field in fields.items() if _takes_several(field)]
    known = [*fields, *also]
    check_parameters(
        request.POST, known, unsaid=[_OF_DJANGO], repeatable=many, may_be_empty=True, part="body"
    )


def _takes_several(field: Any) -> bool:
    return isinstance(field, forms.MultipleChoiceField | forms.ModelMultipleChoiceField)
