"""Every address the web process answers."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import include, path

from config import api_docs, health
from config.read_only import read_only


@read_only
def home(request: HttpRequest) -> HttpResponseRedirect:
    """Lead people to the admin."""
    del request
    return HttpResponseRedirect("/admin/")


admin.autodiscover()
urlpatterns = [
    path("", home),
    path("admin/", admin.site.urls),
    path("v1/", include("evidence.api.otlp_urls")),
    path("log/", include("evidence.api.log_tiles")),
    path("api/v1/", include("evidence.api.urls")),
    path("api/v1/", include("requirements.api.urls")),
    path("api/v1/", include("interpret.api.urls")),
    path("api/schema", api_docs.SchemaView.as_view(), name="schema"),
    path("api/docs", api_docs.show_docs, name="docs"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
]

handler400 = "config.problems.bad_request"
handler403 = "config.problems.permission_denied"
handler404 = "config.problems.not_found"
handler500 = "config.problems.server_error"
