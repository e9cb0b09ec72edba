"""What two operators decide together: a role, or the sight of a system, that neither gives alone."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from evidence.models.base import KEY_LENGTH, MEMBERS, AppendOnlyModel, actor_field
from evidence.models.system import System


class AccessProposal(AppendOnlyModel):
    """One operator proposes that a person gets a role, or that somebody who has such a role sees another system."""

    SYSTEM_PATH = MEMBERS
    PII = "actor"
    EVENT_PATH = ""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="access_proposals"
    )
    role = models.CharField(max_length=KEY_LENGTH, blank=True)  # a key of `evidence.roles.ROLES`
    system = models.ForeignKey(System, on_delete=models.PROTECT, null=True, related_name="access_proposals")
    proposed_by = actor_field()
    expires_at = models.DateTimeField()  # confirmed by then, or never
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(role="", system__isnull=False) | (~Q(role="") & Q(system__isnull=True)),
                name="evidence_accessproposal_role_or_system",
            )
        ]

    def __str__(self) -> str:
        return f"proposal {self.pk}: {self.role or self.system}"


class AccessConfirmation(AppendOnlyModel):
    """Another operator confirmed a proposal, which was carried out with this row."""

    SYSTEM_PATH = f"proposal__{MEMBERS}"
    PII = "actor"
    EVENT_PATH = ""

    proposal = models.OneToOneField(AccessProposal, on_delete=models.PROTECT, related_name="confirmation")
    confirmed_by = actor_field()
    created_at = models.DateTimeField(auto_now_add=True)
