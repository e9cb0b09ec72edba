"""What a service says of a form that was valid: where it stands on the page that shows the form again."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest

from evidence.errors import EvidenceError, NotYetSigned
from evidence.pages.refusals import refusal_detail


def tell_in_form(request: HttpRequest, form: forms.BaseForm, exc: EvidenceError) -> int:
    """Have a refusal stand among the faults of a form, and return the status of the answer.

    That a form which comes back after a proof is not signed yet is none of its faults: it stands above the page.
    """
    if isinstance(exc, NotYetSigned):
        tell_unsigned(request, exc)
    else:
        form.add_error(None, refusal_detail(exc))
    return exc.http_status


def tell_unsigned(request: HttpRequest, exc: NotYetSigned) -> None:
    """Have it said above the page that what was typed is there again, and not signed yet."""
    told: Any = refusal_detail(exc)
    messages.info(request, told)
