"""Addresses below /v1/, fixed by OTLP/HTTP."""

from __future__ import annotations

from django.urls import path

from evidence.api.otlp import LogExport, TraceExport

urlpatterns = [
    path("traces", TraceExport.as_view(), name="otlp-traces"),
    path("logs", LogExport.as_view(), name="otlp-logs"),
]
