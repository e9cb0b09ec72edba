"""Addresses of `requirements` below /api/v1/."""

from __future__ import annotations

from django.urls import path

from requirements.api import assessments, requirements, retirements, transitions

urlpatterns = [
    path("requirements", requirements.RequirementList.as_view(), name="requirements"),
    path("requirements/import", requirements.RequirementImport.as_view(), name="requirements-import"),
    path("requirements/lint", requirements.RequirementLint.as_view(), name="requirements-lint"),
    path(
        "requirements/<slug:key>/versions/<int:number>/transitions",
        transitions.RequirementTransitions.as_view(),
        name="requirement-transitions",
    ),
    path("retirements", retirements.Retirements.as_view(), name="retirements"),
    path(
        "retirements/<int:pk>/transitions",
        retirements.RetirementTransitions.as_view(),
        name="retirement-transitions",
    ),
    path("baselines", requirements.BaselineList.as_view(), name="baselines"),
    path("assessments", assessments.Assessments.as_view(), name="assessments"),
    path("checks", assessments.CheckList.as_view(), name="checks"),
]
