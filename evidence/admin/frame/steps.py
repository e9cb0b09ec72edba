"""What a person may do with a record on its page: buttons, each of which has a service take one step, with a reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseRedirect
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from evidence.access import Principal
from evidence.admin.frame.base import ReadOnlyModelAdmin
from evidence.admin.frame.display import record_url
from evidence.admin.frame.visibility import principal_of
from evidence.errors import AccessDenied, EvidenceError, InvalidInput
from evidence.pages.refusals import refusal
from evidence.pages.sent_forms import check_names
from evidence.worded import sentence_of


@dataclass(frozen=True, slots=True)
class PageStep:
    """A button: what it says, to whom it is shown, what it does, and what is told then."""

    text: StrOrPromise
    is_offered: Callable[[Principal, Any], bool]  # principal, record
    take: Callable[
        ..., Any
    ]  # principal and reason, and the record under the name of `SteppedModelAdmin.step_of`
    done: StrOrPromise
    leads: bool = False  # whether it is the button that most people press


class SteppedModelAdmin(ReadOnlyModelAdmin):
    """Shows a record with the steps that this person may take; takes one when its button is pressed."""

    change_form_template = "admin/tracebinder/steps.html"
    steps: ClassVar[Mapping[str, PageStep]]
    step_of: ClassVar[str]  # what services call the record: "version"
    steps_title: ClassVar[StrOrPromise] = _("Decide on this")
    reason_label: ClassVar[StrOrPromise] = _("Reason (needed to decline)")

    def steps_of(self, record: Any) -> Mapping[str, PageStep]:
        """Return the steps there are for a record, by the name that a button sends."""
        del record
        return self.steps

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:  # fmt: skip
        """Show the record with its buttons, or take the step whose button was pressed."""
        record = self.get_object(request, object_id) if object_id else None
        if record is None or not self.has_view_permission(request, record):
            return super().changeform_view(request, object_id, form_url, extra_context)
        if request.method == "POST":
            return self._take(request, record)
        principal = principal_of(request)
        offered = [
            (name, step) for name, step in self.steps_of(record).items() if step.is_offered(principal, record)
        ]
        shown = {"steps": offered, "steps_title": self.steps_title, "reason_label": self.reason_label}
        return super().changeform_view(request, object_id, form_url, shown | (extra_context or {}))

    def _take(self, request: HttpRequest, record: Any) -> HttpResponseRedirect:
        check_names(request, also=["step", "reason"])
        steps = self.steps_of(record)
        step, reason = steps.get(request.POST.get("step", "")), request.POST.get("reason", "").strip()
        try:
            if step is None:
                raise InvalidInput(f"A step is one of {', '.join(steps)}.")
            step.take(principal=principal_of(request), reason=reason, **{self.step_of: record})
        except AccessDenied as exc:
            raise PermissionDenied(sentence_of(exc)) from exc
        except EvidenceError as exc:
            messages.error(request, refusal(exc))
        else:
            messages.success(request, str(step.done))
        return HttpResponseRedirect(record_url(record))
