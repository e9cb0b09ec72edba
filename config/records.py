"""All records: every noun a person may see, behind the five of their role."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext as _

from evidence.access import Principal
from evidence.pages.frame import Page, page_view


@page_view()
def all_records(request: HttpRequest, principal: Principal) -> Page:
    """Show the nouns by section; the site narrows them to what the person's roles show."""
    del principal
    return Page("pages/records.html", _("All records"), {"app_list": admin.site.get_app_list(request)})
