"""What an author fills in to say how a system's traces are read, and to see what that makes of a stored one."""

from __future__ import annotations

import json

from django import forms
from django.utils.translation import gettext_lazy as _

from evidence.admin.frame.of_system import OfSystemForm
from evidence.pages.refusals import in_language
from evidence.strict_json import faults_in, read_json


class ReadingForm(OfSystemForm):
    """A draft, the stored trace that it is tried on, and why it is proposed."""

    trace = forms.CharField(
        label=_("Stored trace"),
        required=False,
        max_length=40,
        help_text=_(
            "A trace id, or how it begins: what the draft makes of it is shown beside what is made of it now."
        ),
    )
    document = forms.CharField(
        label=_("Draft of the reading"),
        widget=forms.Textarea(attrs={"rows": 14, "spellcheck": "false"}),
        help_text=_(
            "JSON with some of question, answer, documents, turns and leave_out: docs/reference/semantic-conventions.md"
        ),
    )
    reason = forms.CharField(
        label=_("Reason"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Whoever approves it is shown this."),
    )

    def clean_document(self) -> object:
        """Return the draft as JSON, or say where it is none."""
        text = self.cleaned_data["document"]
        try:
            document = read_json(text.encode())
        except (ValueError, RecursionError) as exc:
            raise forms.ValidationError(_("This is no JSON: %(why)s"), params={"why": exc}) from exc
        if found := next(faults_in(document), None):
            raise forms.ValidationError(in_language(found))
        return document


def as_text(document: object) -> str:
    """Return a reading's document as people edit it."""
    return json.dumps(document, indent=2, ensure_ascii=False)
