"""Where the links of a system stand, which are suspect and by what; the forms to add, clear and withdraw one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from evidence.access import Principal, find_system, visible_to
from evidence.admin.frame.display import list_url
from evidence.admin.frame.labels import choice_of
from evidence.admin.frame.people import names_of, show_actor
from evidence.admin.frame.record_names import name_of
from evidence.admin.frame.steps import Typed, take_or_show
from evidence.errors import EvidenceError, InvalidInput, NotFound
from evidence.models import Artefact, System
from evidence.pages.frame import Page, Step, page_view, show_page
from evidence.pages.paging import page_of
from evidence.pages.refusals import refusal
from evidence.pages.sent_forms import check_names
from evidence.worded import Coded, worded
from requirements.acts import can_clear_link, can_link, can_withdraw_link
from requirements.errors import RequirementsError
from requirements.models import LINK_ENDS, LinkKind, TraceLink
from requirements.selectors.links import LinkStanding, Suspicion, find_link, standings_of, versions_since
from requirements.services.links import add_link, clear_link, withdraw_link

_ON_A_PAGE: Final = 100  # links
_NEWEST: Final = 50  # reviews of a link
_SHOWN: Final = ("suspect", "any")
_OF_A_NEW_LINK: Final = (
    "system", "kind", "upstream_kind", "upstream_key", "downstream_kind", "downstream_key", "reason",
)  # fmt: skip
_ENDS: Final = sorted(
    {kind for ends in LINK_ENDS.values() for up, down in ends.items() for kind in (up, *down)}
)
_NEW: Final = {"upstream_kind": "requirement", "downstream_kind": "suite"}  # what the form begins with
_REFUSALS: Final = (EvidenceError, RequirementsError)


@page_view(permission="requirements.view_tracelink", parameters=["system", "show", "page"])
def links(request: HttpRequest, principal: Principal) -> Any:
    """Show the links of a system, the suspect ones first; add one."""
    system = _system(request, principal)
    if system is None:
        raise NotFound(worded("You are a member of no system yet."))
    told: dict[str, Any] = {}

    def tell(_request: HttpRequest, exc: Any) -> int:
        told["refused"] = refusal(exc)
        return int(exc.http_status)

    return take_or_show(
        request,
        take=lambda: _add(request, principal, system),
        show=lambda reading, typed: show_page(reading, _links(reading, principal, system, {**typed, **told})),
        refusals=_REFUSALS,
        denied=(),
        tell=tell,
    )


def _links(request: HttpRequest, principal: Principal, system: System, typed: Typed) -> Page:
    standings = standings_of(system)
    show = request.GET.get("show", "suspect")
    if show not in _SHOWN:
        raise NotFound(worded("Links are shown as `suspect` or as `any`."))
    shown = [each for each in standings if show == "any" or each.is_suspect]
    shown.sort(key=lambda each: (not each.is_suspect, each.suspicion, each.name))
    context: dict[str, Any] = {
        "system": system,
        "systems": _systems(principal),
        "show": show,
        "counts": [(kind.value, sum(each.suspicion is kind for each in standings)) for kind in Suspicion],
        "total": len(standings),
        "rows": page_of(request, shown, _ON_A_PAGE),
        "may_add": can_link(principal, system),
        "refused": typed.get("refused", ""),
        "new": {name: request.POST.get(name, "") for name in _OF_A_NEW_LINK} if typed else _NEW,
        "kinds": LinkKind.choices,
        "ends": [(kind.value, choice_of(kind.value, kind.label)) for kind in _ENDS],
    }
    trail = [Step(gettext_lazy("Trace links"), list_url("requirements.tracelink"))]
    return Page("pages/links.html", gettext_lazy("Where links stand"), context, trail)


@page_view(permission="requirements.view_tracelink")
def link(request: HttpRequest, principal: Principal, link_id: int) -> Any:
    """Show a link with both ends and its reviews; clear or withdraw it."""
    seen = visible_to(TraceLink.objects.select_related("system"), principal)
    row = seen.filter(pk=link_id).first()
    if row is None:
        raise NotFound(worded("There is no such link among those that you may see."))
    found = find_link(row.system, row.pk)
    return take_or_show(
        request,
        take=lambda: _decide(request, principal, found),
        show=lambda reading, typed: show_page(reading, _link(principal, found, typed)),
        refusals=_REFUSALS,
        denied=(),
    )


def _link(principal: Principal, row: TraceLink, typed: Typed) -> Page:
    standing = next((each for each in standings_of(row.system) if each.link_id == row.pk), None)
    reviews = list(
        row.reviews.select_related("upstream_version", "downstream_version").order_by("-pk")[:_NEWEST]
    )
    names = names_of([review.reviewed_by for review in reviews])
    context: dict[str, Any] = {
        "link": row,
        "standing": standing,
        "reviews": [(review, show_actor(review.reviewed_by, names)) for review in reviews],
        "may_clear": standing is not None and _may_clear(principal, row, standing),
        "may_withdraw": standing is not None and can_withdraw_link(principal, row),
        **typed,
    }
    trail = [Step(gettext_lazy("Where links stand"), f"{reverse('admin:links')}?system={row.system.key}")]
    return Page("pages/link.html", name_of(row), context, trail)


def _may_clear(principal: Principal, row: TraceLink, standing: LinkStanding) -> bool:
    moved = [pair for pair in standing.moved_ends if not pair[1].gone]
    return bool(moved) and can_clear_link(principal, row, versions_since(moved))


def _system(request: HttpRequest, principal: Principal) -> System | None:
    asked = request.POST.get("system") or request.GET.get("system")
    return find_system(principal, asked) if asked else next(iter(_systems(principal)), None)


def _systems(principal: Principal) -> Sequence[System]:
    return list(System.objects.filter(pk__in=principal.system_ids).order_by("key"))


def _add(request: HttpRequest, principal: Principal, system: System) -> HttpResponseRedirect:
    check_names(request, also=_OF_A_NEW_LINK)
    told = request.POST
    ends = [
        _end(system, told.get(f"{side}_kind", ""), told.get(f"{side}_key", ""))
        for side in ("upstream", "downstream")
    ]
    if told.get("kind") not in LinkKind.values:
        raise InvalidInput(worded("Choose a kind of link."))
    made = add_link(
        principal=principal, system=system, kind=told["kind"], upstream=ends[0], downstream=ends[1],
        reason=told.get("reason", ""),
    )  # fmt: skip
    messages.success(request, _("The link %(link)s is on record.") % {"link": made})
    return HttpResponseRedirect(f"{reverse('admin:links')}?system={system.key}&show=any")


def _end(system: System, kind: str, key: str) -> Artefact:
    found = Artefact.objects.filter(system=system, kind=kind, key=key.strip()).first()
    if found is None:
        raise InvalidInput(
            worded("There is no %(kind)s “%(key)s” in this system.", kind=Coded(kind), key=key)
        )
    return found


def _decide(request: HttpRequest, principal: Principal, row: TraceLink) -> HttpResponseRedirect:
    """Clear or withdraw a link."""
    check_names(request, also=["act", "reason", "upstream", "downstream"])
    told = request.POST
    if told.get("act") == "withdraw":
        withdraw_link(principal=principal, link=row, reason=told.get("reason", ""))
        said = _("The link is withdrawn.")
    else:
        clear_link(
            principal=principal, link=row, reason=told.get("reason", ""), upstream=told.get("upstream", ""),
            downstream=told.get("downstream", ""),
        )  # fmt: skip
        said = _("The link is cleared: it holds at the versions that count now.")
    messages.success(request, said)
    return HttpResponseRedirect(reverse("admin:link", args=[row.pk]))
