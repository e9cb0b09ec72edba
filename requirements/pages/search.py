"""Requirements, as the search over everything finds them."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from evidence.pages.search.asked import Asked
from evidence.pages.search.groups import Group, by_its_list
from requirements.models import RequirementVersion


def find_requirements(request: HttpRequest, asked: Asked) -> Group | None:
    """By key, by a key of another tool, by words of their statement, or by who proposed them."""
    return by_its_list(request, asked, title=_("Requirements"), model=RequirementVersion)
