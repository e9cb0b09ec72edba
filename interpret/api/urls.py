"""Addresses of `interpret` below /api/v1/."""

from __future__ import annotations

from django.urls import path

from interpret.api import dictionaries, findings, probe_runs

urlpatterns = [
    path("probe-runs", probe_runs.ProbeRuns.as_view(), name="probe-runs"),
    path("probe-runs/<int:pk>", probe_runs.ProbeRunDetail.as_view(), name="probe-run"),
    path("probe-runs/<int:pk>/cancel", probe_runs.ProbeRunCancellation.as_view(), name="probe-run-cancel"),
    path("probe-plans", probe_runs.ProbePlans.as_view(), name="probe-plans"),
    path("findings", findings.FindingList.as_view(), name="findings"),
    path("findings/<int:pk>", findings.FindingDetail.as_view(), name="finding"),
    path("dictionaries", dictionaries.Dictionaries.as_view(), name="dictionaries"),
    path("dictionaries/<int:pk>", dictionaries.DictionaryDetail.as_view(), name="dictionary"),
    path("features", dictionaries.FeatureList.as_view(), name="features"),
    path("features/<int:pk>", dictionaries.FeatureDetail.as_view(), name="feature"),
    path("features/<int:pk>/labels", dictionaries.FeatureLabelling.as_view(), name="feature-labelling"),
    path("feature-labels", dictionaries.FeatureLabelList.as_view(), name="feature-labels"),
]
