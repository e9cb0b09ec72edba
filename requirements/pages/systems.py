"""Which system a page of `requirements` is about, of those that a person is a member of."""

from __future__ import annotations

from django.http import HttpRequest

from evidence.access import Principal, find_system, member_systems
from evidence.errors import NotFound
from evidence.models import System
from evidence.worded import worded


def chosen_system(request: HttpRequest, principal: Principal) -> tuple[System, list[System]]:
    """Return the system that is asked for, or else the first, and all there are to choose from.

    Raises:
        NotFound: there is no such system for them, or none at all.
    """
    systems = list(member_systems(principal))
    asked = request.POST.get("system") or request.GET.get("system")
    system = find_system(principal, asked) if asked else next(iter(systems), None)
    if system is None:
        raise NotFound(worded("You are a member of no system yet."))
    return system, systems
