"""The admin site: its name, and a front page that says what waits for the person."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.template.response import TemplateResponse


class TracebinderAdminSite(admin.AdminSite):
    """Django's admin, with our name and the person's own work first."""

    site_header = "Tracebinder"
    site_title = "Tracebinder"
    index_title = "Records"
    site_url = None
    enable_nav_sidebar = True
    index_template = "admin/tracebinder/index.html"

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        from evidence.admin.front_page import work_of  # noqa: PLC0415  # it registers with this very site

        return super().index(request, {"work": work_of(request)} | (extra_context or {}))
