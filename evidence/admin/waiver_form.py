"""What an approver fills in to waive a criterion. The rules: `evidence.acts`, `evidence.services.gates`."""

from __future__ import annotations

from datetime import datetime, time
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from evidence.access import Principal, visible_to
from evidence.actors import actor_of_user
from evidence.models import Release
from evidence.services.gates import LONGEST


class WaiverForm(forms.Form):
    """A waiver as the approver grants it: for which criterion, who asked, until when, and why."""

    release = forms.ModelChoiceField(Release.objects.none(), label=_("Release"))
    criterion_ref = forms.CharField(
        label=_("Criterion"),
        help_text=_("Requirement key, a slash, criterion key: shows-sources/material-claims-supported"),
    )
    requested_by = forms.ModelChoiceField(
        User.objects.none(), label=_("Requested by"), help_text=_("You approve it, so it cannot be you.")
    )
    expires_at = forms.DateField(
        label=_("Expires on"),
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=format_lazy(
            _("At most {days} days from now; it ends as that day begins, UTC."), days=LONGEST.days
        ),
    )
    reason = forms.CharField(label=_("Reason"), widget=forms.Textarea(attrs={"rows": 3}))

    def __init__(self, data: Any = None, *, principal: Principal) -> None:
        super().__init__(data)
        members = User.objects.filter(memberships__system__in=principal.system_ids, is_active=True)
        choices: dict[str, Any] = {
            "release": visible_to(Release.objects.select_related("system").order_by("-id"), principal),
            "requested_by": members.exclude(pk=principal.person.pk).distinct().order_by("username"),
        }
        for name, rows in choices.items():
            field = self.fields[name]
            if isinstance(field, forms.ModelChoiceField):
                field.queryset = rows

    def clean_requested_by(self) -> str:
        """Name the person as audit events do."""
        return actor_of_user(self.cleaned_data["requested_by"])

    def clean_expires_at(self) -> datetime:
        """Return the beginning of the day, aware, UTC."""
        return timezone.make_aware(datetime.combine(self.cleaned_data["expires_at"], time.min))
