"""Addresses of `evidence` below /api/v1/ that only read or register."""

from __future__ import annotations

from django.urls import path

from evidence.api import binders, indexes, records, releases, reviews, traces

urlpatterns = [
    path("releases", releases.ReleaseCreate.as_view(), name="releases"),
    path("deployments", releases.Deployments.as_view(), name="deployments"),
    path("traces", traces.TraceList.as_view(), name="traces"),
    path("traces/<str:trace_id>", traces.TraceDetail.as_view(), name="trace"),
    path("traces/<str:trace_id>/spans", traces.SpanList.as_view(), name="trace-spans"),
    path("spans", traces.SpanSearch.as_view(), name="spans"),
    path("claims", traces.ClaimList.as_view(), name="claims"),
    path("index-diff", indexes.IndexDiffDetail.as_view(), name="index-diff"),
    path("reviews", reviews.Reviews.as_view(), name="reviews"),
    path("batches", records.BatchList.as_view(), name="batches"),
    path("rejects", records.RejectList.as_view(), name="rejects"),
    path("versions", records.VersionList.as_view(), name="versions"),
    path("citations", records.CitationList.as_view(), name="citations"),
    path("evidence", records.EvidenceList.as_view(), name="evidence"),
    path("audit-events", records.AuditEventList.as_view(), name="audit-events"),
    path("binders", binders.BinderCreate.as_view(), name="binders"),
    path("binders/<uuid:binder_id>", binders.BinderDetail.as_view(), name="binder"),
    path("binders/<uuid:binder_id>/download", binders.BinderDownload.as_view(), name="binder-download"),
    path("binders/<uuid:binder_id>/sidecar", binders.BinderSidecar.as_view(), name="binder-sidecar"),
    path("trust", binders.TrustDetail.as_view(), name="trust"),
]
