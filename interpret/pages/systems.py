"""Which system a page of `interpret` is about, of those that a person sees the inside of."""

from __future__ import annotations

from django.http import HttpRequest

from evidence.access import Principal, find_system, member_systems, visible_to
from evidence.errors import NotFound
from evidence.models import System
from evidence.worded import worded
from interpret.models import Finding


def systems_of(principal: Principal) -> list[System]:
    """Return the systems whose inside a person may see.

    Raises:
        NotFound: they see the inside of none: to them there are no such pages.
    """
    if not principal.sees_internals:
        raise NotFound(worded("There is nothing here, or it belongs to a system you are not a member of."))
    return list(member_systems(principal))


def chosen_system(request: HttpRequest, principal: Principal, systems: list[System]) -> System:
    """Return the system that is asked for; otherwise the one with the newest finding, or the first.

    Raises:
        NotFound: there is no such system for them, or none at all.
    """
    if asked := request.GET.get("system"):
        return find_system(principal, asked)
    newest = (
        visible_to(Finding.objects.order_by("-pk"), principal).select_related("run__spec__system").first()
    )
    system = newest.run.spec.system if newest else next(iter(systems), None)
    if system is None:
        raise NotFound(worded("You are a member of no system yet."))
    return system
