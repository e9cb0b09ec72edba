"""What a page of ours is: a template, its title, where it stands, and who may open it.

docs/guides/pages.md shows how to add one. The frame itself is `pages/frame.html`; its navigation comes from the admin
site, so that records and pages have the same one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import DataError
from django.http import Http404, HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django_stubs_ext import StrOrPromise

from evidence.access import Principal
from evidence.api.inputs import check_parameters, check_storable
from evidence.errors import NotFound
from evidence.pages.reader import principal_of
from evidence.pages.refusal_words import NOT_FOUND, NOT_PERMITTED

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


def page_view(
    *,
    permission: str = "",
    parameters: Collection[str] = (),
    repeatable: Collection[str] = (),
    may_be_empty: bool = False,
) -> Callable[[PageView[P]], Callable[Concatenate[HttpRequest, P], Any]]:
    """Make a function of (request, principal, …) a view of the frame.

    Whoever is not signed in is led to sign in and back. What the function raises is answered by `config.problems`, as
    anywhere: a browser is shown it in the frame, with a way on. Rows are narrowed by the function itself, with
    `visible_to(rows, principal)`: the frame cannot know which.

    Args:
        permission: what it takes to open the page at all: "evidence.view_trace".
        parameters: the names its address may carry after the question mark; another is refused.
        repeatable: those of them that may be given more than once, as a form sends boxes that are ticked.
        may_be_empty: whether they may be given without a value, as a form sends a field that nobody filled in.
    """

    def decorate(view: PageView[P]) -> Callable[Concatenate[HttpRequest, P], Any]:
        def answer(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if permission and not request.user.has_perm(permission):
                raise PermissionDenied(NOT_PERMITTED)
            check_parameters(request.GET, parameters, repeatable=repeatable, may_be_empty=may_be_empty)
            try:
                shown = view(request, principal_of(request), *args, **kwargs)
            except DataError:
                check_storable(request.POST)
                raise
            except PermissionDenied as exc:
                raise exc if str(exc) else PermissionDenied(NOT_PERMITTED) from exc
            except Http404 as exc:
                raise NotFound(NOT_FOUND) from exc
            return show_page(request, shown) if isinstance(shown, Page) else shown

        vars(answer)["checks_parameters"] = True  # the site would refuse them outside of the frame

        @wraps(view)
        def signed_in(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> Any:
            return admin.site.admin_view(answer)(request, *args, **kwargs)

        return signed_in

    return decorate


def stands_in_frame(request: HttpRequest) -> bool:
    """Whether whoever asks has signed in and may use the pages, so that a refusal is shown between them."""
    return hasattr(request, "user") and admin.site.has_permission(request)


def show_refusal(request: HttpRequest, told: Mapping[str, Any]) -> TemplateResponse:
    """Answer with a problem as a page in the frame; for `config.problems`.

    Args:
        told: its `title`, `detail`, `status` and `code`, `errors` where it has some, and `back`, the page before.
    """
    return show_page(request, Page("pages/refusal.html", told["title"], told, status=told["status"]))
