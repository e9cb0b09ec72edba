"""Addresses of `requirements` below /api/v1/."""

from __future__ import annotations

from django.urls import path

from requirements.api import (
    assessments,
    baselines,
    by_release,
    coverage,
    drafts,
    impact,
    imports,
    links,
    requirements,
    retirements,
    transitions,
)

urlpatterns = [
    path("requirements", requirements.RequirementList.as_view(), name="requirements"),
    path(
        "requirements/by-release", by_release.RequirementsByRelease.as_view(), name="requirements-by-release"
    ),
    path("requirements/import", imports.RequirementImport.as_view(), name="requirements-import"),
    path(
        "requirements/import-files",
        imports.RequirementFilesImport.as_view(),
        name="requirements-import-files",
    ),
    path("requirements/imports", imports.SourceFileImportList.as_view(), name="requirements-imports"),
    path("requirements/export", imports.RequirementExport.as_view(), name="requirements-export"),
    path("requirements/check", drafts.RequirementCheck.as_view(), name="requirements-check"),
    path("requirements/drafts", drafts.RequirementDrafts.as_view(), name="requirements-drafts"),
    path("requirements/<str:key>/draft", drafts.RequirementDraft.as_view(), name="requirement-draft"),
    path("requirements/lint", requirements.RequirementLint.as_view(), name="requirements-lint"),
    path(
        "requirements/<str:key>/versions/<int:number>/transitions",
        transitions.RequirementTransitions.as_view(),
        name="requirement-transitions",
    ),
    path("retirements", retirements.Retirements.as_view(), name="retirements"),
    path(
        "retirements/<int:pk>/transitions",
        retirements.RetirementTransitions.as_view(),
        name="retirement-transitions",
    ),
    path("baselines", baselines.Baselines.as_view(), name="baselines"),
    path("baselines/diff", baselines.BaselineDiff.as_view(), name="baseline-diff"),
    path("baselines/<slug:name>/sign-offs", baselines.BaselineSignOffs.as_view(), name="baseline-sign-offs"),
    path("links", links.Links.as_view(), name="links"),
    path("links/standing", links.LinkStandings.as_view(), name="link-standings"),
    path("links/<int:link_id>/clear", links.LinkClearance.as_view(), name="link-clear"),
    path("links/<int:link_id>/withdraw", links.LinkWithdrawal.as_view(), name="link-withdraw"),
    path("coverage", coverage.CoverageView.as_view(), name="coverage"),
    path("coverage.csv", coverage.CoverageCsv.as_view(), name="coverage-csv"),
    path("coverage.html", coverage.CoverageHtml.as_view(), name="coverage-html"),
    path("impact", impact.ImpactView.as_view(), name="impact"),
    path("assessments", assessments.Assessments.as_view(), name="assessments"),
    path(
        "assessments/<int:pk>/observations",
        assessments.AssessmentObservations.as_view(),
        name="assessment-observations",
    ),
    path("checks", assessments.CheckList.as_view(), name="checks"),
]
