"""Addresses of `evidence` below /api/v1/."""

from __future__ import annotations

from django.urls import path

from evidence.api import (
    audit_events,
    binders,
    citations,
    deployments,
    erasures,
    eval_comparisons,
    evals,
    evidence_items,
    gates,
    indexes,
    ingest,
    log_proofs,
    people,
    readings,
    releases,
    retractions,
    reviews,
    versions,
    waivers,
)
from evidence.api.traces import conversations
from evidence.api.traces import views as traces

urlpatterns = [
    path("releases", releases.ReleaseCreate.as_view(), name="releases"),
    path("deployments", deployments.Deployments.as_view(), name="deployments"),
    path("deployments/rollbacks", deployments.Rollbacks.as_view(), name="rollbacks"),
    path("traces", traces.TraceList.as_view(), name="traces"),
    path("traces/<str:trace_id>", traces.TraceDetail.as_view(), name="trace"),
    path("traces/<str:trace_id>/spans", traces.SpanList.as_view(), name="trace-spans"),
    path("conversations", conversations.ConversationTraceList.as_view(), name="conversations"),
    path("spans", traces.SpanSearch.as_view(), name="spans"),
    path("claims", traces.ClaimList.as_view(), name="claims"),
    path("index-diff", indexes.IndexDiffDetail.as_view(), name="index-diff"),
    path("reviews", reviews.Reviews.as_view(), name="reviews"),
    path("batches", ingest.BatchList.as_view(), name="batches"),
    path("rejects", ingest.RejectList.as_view(), name="rejects"),
    path("versions", versions.VersionList.as_view(), name="versions"),
    path("versions/registrations", versions.RegistrationCreate.as_view(), name="registrations"),
    path("citations", citations.CitationList.as_view(), name="citations"),
    path("evidence", evidence_items.EvidenceList.as_view(), name="evidence"),
    path("erasures", erasures.ErasureList.as_view(), name="erasures"),
    path("erasures/<int:pk>/certificate", erasures.CertificateDetail.as_view(), name="erasure-certificate"),
    path("audit-events", audit_events.AuditEventList.as_view(), name="audit-events"),
    path("binders", binders.BinderCreate.as_view(), name="binders"),
    path("binders/<uuid:binder_id>", binders.BinderDetail.as_view(), name="binder"),
    path("binders/<uuid:binder_id>/download", binders.BinderDownload.as_view(), name="binder-download"),
    path("binders/<uuid:binder_id>/sidecar", binders.BinderSidecar.as_view(), name="binder-sidecar"),
    path("people", people.People.as_view(), name="people"),
    path("trust", binders.TrustDetail.as_view(), name="trust"),
    path("eval-runs", evals.EvalRuns.as_view(), name="eval-runs"),
    path("eval-runs/compare", eval_comparisons.EvalComparisonDetail.as_view(), name="eval-run-comparison"),
    path("eval-runs/<int:pk>", evals.EvalRunDetail.as_view(), name="eval-run"),
    path("retractions", retractions.RetractionRequests.as_view(), name="retractions"),
    path(
        "retractions/<int:pk>/transitions",
        retractions.RetractionTransitions.as_view(),
        name="retraction-transitions",
    ),
    path("gates", gates.Gates.as_view(), name="gates"),
    path(
        "gates/<str:gate>/versions/<int:number>/transitions",
        gates.GateTransitions.as_view(),
        name="gate-transitions",
    ),
    path("gates/<str:gate>/decisions", gates.GateDecide.as_view(), name="gate-decide"),
    path("gate-decisions", gates.GateDecisions.as_view(), name="gate-decisions"),
    path("gate-decisions/<int:pk>", gates.GateDecisionDetail.as_view(), name="gate-decision"),
    path("readings", readings.Readings.as_view(), name="readings"),
    path("readings/try", readings.ReadingTry.as_view(), name="reading-try"),
    path(
        "readings/<int:number>/transitions",
        readings.ReadingTransitions.as_view(),
        name="reading-transitions",
    ),
    path("waivers", waivers.Waivers.as_view(), name="waivers"),
    path("waiver-requests", waivers.WaiverRequests.as_view(), name="waiver-requests"),
    path(
        "waiver-requests/<int:pk>/transitions", waivers.WaiverTransitions.as_view(), name="waiver-transitions"
    ),
    path("log/entries", log_proofs.EntriesView.as_view(), name="log-disclosed-entries"),
    path("log/events/<uuid:event_uuid>", log_proofs.EventStateView.as_view(), name="log-event-state"),
    path(
        "log/events/<uuid:event_uuid>/proof",
        log_proofs.InclusionProofView.as_view(),
        name="log-inclusion-proof",
    ),
    path("log/consistency", log_proofs.ConsistencyProofView.as_view(), name="log-consistency-proof"),
]
