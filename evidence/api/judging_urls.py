"""Addresses of `evidence` below /api/v1/ that judge: evals, gates, waivers."""

from __future__ import annotations

from django.urls import path

from evidence.api import evals, gates

urlpatterns = [
    path("eval-runs", evals.EvalRuns.as_view(), name="eval-runs"),
    path("eval-runs/<int:pk>", evals.EvalRunDetail.as_view(), name="eval-run"),
    path("eval-runs/<int:pk>/retraction", evals.EvalRunRetract.as_view(), name="eval-run-retraction"),
    path("gates", gates.GateDefine.as_view(), name="gates"),
    path("gates/<str:gate>/decisions", gates.GateDecide.as_view(), name="gate-decide"),
    path("gate-decisions", gates.GateDecisions.as_view(), name="gate-decisions"),
    path("gate-decisions/<int:pk>", gates.GateDecisionDetail.as_view(), name="gate-decision"),
    path("waivers", gates.Waivers.as_view(), name="waivers"),
]
