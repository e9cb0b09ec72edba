"""What a person may do with a record on its page: buttons, each of which has a service take one step, with a reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass
from typing import Any, ClassVar

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from evidence.access import Principal
from evidence.admin.frame.base import ReadOnlyModelAdmin
from evidence.admin.frame.display import record_url
from evidence.errors import AccessDenied, EvidenceError, InvalidInput, NotYetSigned
from evidence.pages.reader import principal_of
from evidence.pages.refusals import refusal
from evidence.pages.refused_forms import tell_unsigned
from evidence.pages.sent_forms import check_names
from evidence.worded import joined, sentence_of, worded

Typed = Mapping[str, Any]


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
        return take_or_show(
            request,
            take=lambda: self._take(request, record),
            show=lambda reading, typed: self._show(reading, record, typed, form_url, extra_context),
            refusals=self.refusals,
        )

    def _show(
        self,
        request: HttpRequest,
        record: Any,
        typed: Typed,
        form_url: str,
        extra_context: Mapping[str, Any] | None,
    ) -> Any:
        """Show the record with what may be done with it now: somebody else may have moved it on."""
        again = (self.get_object(request, str(record.pk)) or record) if typed else record
        principal = principal_of(request)
        steps = self.steps_of(again).items()
        shown = {
            "steps": [(name, step) for name, step in steps if step.is_offered(principal, again)],
            "steps_title": self.steps_title,
            "reason_label": self.reason_label,
            **typed,
            **self.beside_steps(request, again),
        }
        return super().changeform_view(request, str(record.pk), form_url, shown | {**(extra_context or {})})

    def beside_steps(self, request: HttpRequest, record: Any) -> dict[str, Any]:
        """Return what the page shows of a record besides its fields and buttons."""
        del request, record
        return {}

    def _take(self, request: HttpRequest, record: Any) -> HttpResponseRedirect:
        check_names(request, also=["step", "reason"])
        steps = self.steps_of(record)
        step, reason = steps.get(request.POST.get("step", "")), request.POST.get("reason", "").strip()
        if step is None:
            raise InvalidInput(worded("A step is one of %(steps)s.", steps=joined(steps)))
        step.take(principal=principal_of(request), reason=reason, **{self.step_of: record})
        messages.success(request, str(step.done))
        return HttpResponseRedirect(record_url(record))


def take_or_show(
    request: HttpRequest,
    *,
    take: Callable[[], HttpResponseBase],
    show: Callable[[HttpRequest, Typed], Any],
    refusals: tuple[type[Exception], ...] = (EvidenceError,),
    denied: tuple[type[Exception], ...] = (AccessDenied,),
    tell: Callable[[HttpRequest, Any], int] | None = None,
) -> Any:
    """Do what a button of a page says; where that is refused, or where nothing was pressed, answer with the page.

    A refusal stands above the page as it is now, with the reason that was typed: leading back to it would lose that.

    Args:
        take: does it, and answers.
        show: answers with the page. It is given the request as one that only reads, and what was typed, under the
            names of the page's template; nothing was where nothing was pressed.
        refusals: what is told above the page.
        denied: of these, what is answered with 403 and no page.
        tell: says a refusal and returns the status of the answer, where that is not `tell_refusal`'s to do.
    """
    if request.method != "POST":
        return show(as_read(request), {})
    try:
        return take()
    except denied as exc:
        raise PermissionDenied(sentence_of(exc)) from exc
    except refusals as exc:
        status = (tell or tell_refusal)(request, exc)
    shown = show(as_read(request), {"typed_reason": request.POST.get("reason", "")})
    shown.status_code = status
    return shown


def as_read(request: HttpRequest) -> HttpRequest:
    """Return the request as one that only reads: what a page shows in answer to a refusal."""
    reading = copy(request)
    reading.method = "GET"
    return reading


def tell_refusal(request: HttpRequest, exc: Any) -> int:
    """Have a refusal said above the page that is shown next, and return the status of the answer."""
    if isinstance(exc, NotYetSigned):
        tell_unsigned(request, exc)
    else:
        messages.error(request, refusal(exc))
    return int(exc.http_status)
