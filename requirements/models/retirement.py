"""Retirements: somebody asks that a requirement version no longer holds, and another person grants it."""

from __future__ import annotations

from django.db import models

from evidence.models.base import AppendOnlyModel, Dismissal, actor_field
from requirements.models.requirement import RequirementTransition, RequirementVersion


class RetirementRequest(AppendOnlyModel):
    """Somebody asks that a version is retired: who, and why. Until another person confirms it, the version stands.

    It is about the version in the state it was in: once the version is moved on, the request is outdated.
    """

    SYSTEM_PATH = "version__requirement__system"
    PII = "actor"
    EVENT_PATH = ""

    version = models.ForeignKey(
        RequirementVersion, on_delete=models.PROTECT, related_name="retirement_requests"
    )
    # The last of the version's transitions when this was asked.
    standing = models.ForeignKey(RequirementTransition, on_delete=models.PROTECT, related_name="+")
    reason = models.TextField()
    requested_by = actor_field()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"retirement of {self.version}"


class RetirementDismissal(Dismissal):
    """A requested retirement was declined by another person, or withdrawn by whoever asked: the version stands."""

    SYSTEM_PATH = "request__version__requirement__system"
    PII = "actor"
    EVENT_PATH = "request"

    request = models.OneToOneField(RetirementRequest, on_delete=models.PROTECT, related_name="dismissal")
