"""Every address the web process answers."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from config import health

urlpatterns = [
    path("", RedirectView.as_view(url="/admin/")),
    path("admin/", admin.site.urls),
    path("v1/", include("evidence.api.otlp_urls")),
    path("log/", include("evidence.api.log_tiles")),
    path("api/v1/", include("evidence.api.urls")),
    path("api/v1/", include("requirements.api.urls")),
    path("api/v1/", include("interpret.api.urls")),
    path(
        "api/schema",
        SpectacularAPIView.as_view(permission_classes=[], authentication_classes=[]),
        name="schema",
    ),
    path(
        "api/docs",
        SpectacularSwaggerView.as_view(url_name="schema", permission_classes=[], authentication_classes=[]),
        name="docs",
    ),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
]

handler404 = "config.problems.not_found"
handler500 = "config.problems.server_error"
