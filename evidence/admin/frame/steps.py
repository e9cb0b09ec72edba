"""What a person may do with a record on its page: buttons, each of which has a service take one step, with a reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
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
from evidence.errors import AccessDenied, EvidenceError, InvalidInput, NotYetSigned
from evidence.pages.refusals import refusal, refusal_detail
from evidence.pages.sent_forms import check_names
from evidence.worded import sentence_of, worded


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
    refusals: ClassVar[tuple[type[Exception], ...]] = (EvidenceError,)  # of whoever takes the steps
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
        typed, status = "", 200
        if request.method == "POST":
            typed = request.POST.get("reason", "")
            try:
                return self._take(request, record)
            except AccessDenied as exc:
                raise PermissionDenied(sentence_of(exc)) from exc
            except self.refusals as exc:
                status = tell_refusal(request, exc)
            record = (
                self.get_object(request, str(object_id)) or record
            )  # which somebody else may have moved on
        principal = principal_of(request)
        offered = [
            (name, step) for name, step in self.steps_of(record).items() if step.is_offered(principal, record)
        ]
        shown = {
            "steps": offered,
            "steps_title": self.steps_title,
            "reason_label": self.reason_label,
            "typed_reason": typed,
            **self.beside_steps(request, record),
        }
        read = super().changeform_view(as_read(request), object_id, form_url, shown | (extra_context or {}))
        read.status_code = status
        return read

    def beside_steps(self, request: HttpRequest, record: Any) -> dict[str, Any]:
        """Return what the page shows of a record besides its fields and buttons."""
        del request, record
        return {}

    def _take(self, request: HttpRequest, record: Any) -> HttpResponseRedirect:
        check_names(request, also=["step", "reason"])
        steps = self.steps_of(record)
        step, reason = steps.get(request.POST.get("step", "")), request.POST.get("reason", "").strip()
        if step is None:
            raise InvalidInput(worded("A step is one of %(steps)s.", steps=", ".join(steps)))
        step.take(principal=principal_of(request), reason=reason, **{self.step_of: record})
        messages.success(request, str(step.done))
        return HttpResponseRedirect(record_url(record))


def as_read(request: HttpRequest) -> HttpRequest:
    """Return the request as one that only reads, so that a record is shown in answer to what was refused on its page.

    Leading back to the page instead would lose what somebody typed there.
    """
    reading = copy(request)
    reading.method = "GET"
    return reading


def tell_refusal(request: HttpRequest, exc: Any) -> int:
    """Have a refusal said above the page that is shown next, and return the status of the answer."""
    if isinstance(exc, NotYetSigned):
        messages.info(request, refusal_detail(exc))
    else:
        messages.error(request, refusal(exc))
    return int(exc.http_status)
