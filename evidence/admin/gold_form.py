"""What an approver fills in to say what is right of an answer. The rules: `acts.gold`, `services.gold`."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from evidence.access import Principal, visible_to
from evidence.admin.review.forms import DECISIONS
from evidence.models import ReviewTask, System


class GoldAnswerForm(forms.Form):
    """An answer, and what is right of it."""

    system = forms.ChoiceField(label=_("System"))
    trace_id = forms.CharField(
        label=_("Trace"), max_length=36, help_text=_("The id of the answer's trace, as its page shows it.")
    )
    right = forms.MultipleChoiceField(
        label=_("What is right"), choices=list(DECISIONS.items()), widget=forms.CheckboxSelectMultiple
    )
    rationale = forms.CharField(
        label=_("Why"), widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("Whoever was given the answer reads this once they have judged it."),
    )  # fmt: skip

    def __init__(self, data: Any = None, *, principal: Principal) -> None:
        super().__init__(data)
        self._principal = principal
        systems = visible_to(System.objects.all(), principal).order_by("key")
        self._systems = {system.key: system for system in systems}
        field = self.fields["system"]
        if isinstance(field, forms.ChoiceField):
            field.choices = [(key, str(system)) for key, system in self._systems.items()]

    def clean(self) -> dict[str, Any]:
        """Return task, decisions and rationale, as the service takes them."""
        cleaned = super().clean() or {}
        if self.errors:
            return cleaned
        system, trace_id = self._systems[cleaned.pop("system")], cleaned.pop("trace_id")
        task = self._task(system, trace_id)
        if task is None:
            self.add_error("trace_id", gettext("Nobody was asked about such an answer of this system."))
        return {**cleaned, "task": task}

    def _task(self, system: System, trace_id: str) -> ReviewTask | None:
        """Return the task of the last revision of an answer."""
        try:
            key = UUID(trace_id.strip())
        except ValueError:
            return None
        tasks = ReviewTask.objects.filter(system=system, trace__trace_id=key)
        told = visible_to(tasks.select_related("system", "trace__release"), self._principal)
        return told.order_by("-trace__revision").first()
