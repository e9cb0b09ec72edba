"""Nouns that are found as their own lists find them."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from evidence.models import ArtefactVersion, Binder, EvalRun, Release, Review, System
from evidence.pages.search.asked import Asked
from evidence.pages.search.groups import Group, by_its_list


def find_releases(request: HttpRequest, asked: Asked) -> Group | None:
    """By name, or by how the digest begins."""
    return by_its_list(request, asked, title=_("Releases"), model=Release)


def find_systems(request: HttpRequest, asked: Asked) -> Group | None:
    """By key or name."""
    return by_its_list(request, asked, title=_("Systems"), model=System)


def find_versions(request: HttpRequest, asked: Asked) -> Group | None:
    """By label, by the key of what they are versions of, or by digest."""
    return by_its_list(request, asked, title=_("Versions"), model=ArtefactVersion)


def find_eval_runs(request: HttpRequest, asked: Asked) -> Group | None:
    """By the runner's own key, or by commit."""
    return by_its_list(request, asked, title=_("Eval runs"), model=EvalRun)


def find_reviews(request: HttpRequest, asked: Asked) -> Group | None:
    """By who gave them: of what this person may read of them now."""
    return by_its_list(request, asked, title=_("Reviews"), model=Review)


def find_binders(request: HttpRequest, asked: Asked) -> Group | None:
    """By file name, or by how the digest begins."""
    return by_its_list(request, asked, title=_("Binders"), model=Binder)


def find_people(request: HttpRequest, asked: Asked) -> Group | None:
    """By name or mail, of those whom this person may know of."""
    return by_its_list(request, asked, title=_("People"), model=User)
