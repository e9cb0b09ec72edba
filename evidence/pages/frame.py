"""What a page of ours is: a template, its title, where it stands, and who may open it.

docs/guides/pages.md shows how to add one. The frame itself is `pages/frame.html`; its navigation comes from the admin
site, so that records and pages have the same one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Concatenate, Final, ParamSpec

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from evidence.access import Principal
from evidence.admin.frame.visibility import principal_of

P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the way from home to a page."""

    text: StrOrPromise
    url: str


@dataclass(frozen=True, slots=True)
class Page:
    """A page to show. Its template extends `pages/frame.html`."""

    template: str
    title: StrOrPromise
    context: Mapping[str, Any] = field(default_factory=dict)
    trail: Sequence[Step] = ()  # between home and this page
    here: StrOrPromise = ""  # the last step; the title where it is empty
    status: int = 200


PageView = Callable[Concatenate[HttpRequest, Principal, P], Page | HttpResponseBase]


def show_page(request: HttpRequest, page: Page) -> TemplateResponse:
    """Answer with a page in the frame; for views that are not a `page_view`, as those of a model's admin."""
    context = {
        **admin.site.each_context(request),
        "title": page.title,
        "trail": page.trail,
        "here": page.here or page.title,
        **page.context,
    }
    return TemplateResponse(request, page.template, context, status=page.status)


def page_view(*, permission: str = "") -> Callable[[PageView[P]], Callable[Concatenate[HttpRequest, P], Any]]:
    """Make a function of (request, principal, …) a view of the frame.

    Whoever is not signed in is led to sign in and back. What the function raises becomes a page with a way on:
    `PermissionDenied`, `Http404`, and every error of ours by its own status and title. Rows are narrowed by the
    function itself, with `visible_to(rows, principal)`: the frame cannot know which.

    Args:
        permission: what it takes to open the page at all: "evidence.view_trace".
    """

    def decorate(view: PageView[P]) -> Callable[Concatenate[HttpRequest, P], Any]:
        def answer(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if permission and not request.user.has_perm(permission):
                return show_page(request, _refusal(403, _NOT_FOR_YOU, _NOT_PERMITTED))
            try:
                shown = view(request, principal_of(request), *args, **kwargs)
            except Exception as exc:
                refusal = _refusal_of(exc)
                if refusal is None:
                    raise
                return show_page(request, refusal)
            return show_page(request, shown) if isinstance(shown, Page) else shown

        @wraps(view)
        def signed_in(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> Any:
            return admin.site.admin_view(answer)(request, *args, **kwargs)

        return signed_in

    return decorate


def _refusal_of(exc: Exception) -> Page | None:
    """Return the page for an exception that is an answer; `None` where it is a fault of ours, for the log."""
    if isinstance(exc, PermissionDenied):
        return _refusal(403, _NOT_FOR_YOU, str(exc) or _NOT_PERMITTED)
    if isinstance(exc, Http404):
        return _refusal(404, _("Not found"), _NOT_FOUND)
    status = getattr(exc, "http_status", None)  # of the errors of all three apps
    return None if status is None else _refusal(status, getattr(exc, "title", ""), str(exc))


def _refusal(status: int, title: StrOrPromise, detail: StrOrPromise) -> Page:
    return Page("pages/refusal.html", title, {"detail": detail, "status": status}, status=status)


_NOT_FOR_YOU: Final = _("Not for your role")
_NOT_PERMITTED: Final = _(
    "Your roles do not include this page. Whoever runs Tracebinder for you can change your roles."
)
_NOT_FOUND: Final = _("There is nothing here, or it belongs to a system you are not a member of.")
