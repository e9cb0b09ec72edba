"""Systems, who is a member of them, and the tokens their members own."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

from evidence.models.base import (
    KEY_LENGTH,
    LABEL_LENGTH,
    TOKEN_PREFIX_LENGTH,
    AppendOnlyModel,
    StoredModel,
    digest_field,
)
from evidence.vocabulary import RiskTier


class System(AppendOnlyModel):
    """One AI system under governance: everything stored belongs to one."""

    SYSTEM_PATH = "pk"
    PII = "actor"
    EVENT_PATH = ""

    key = models.SlugField(max_length=KEY_LENGTH, unique=True)  # equals the OpenTelemetry service.name
    name = models.CharField(max_length=LABEL_LENGTH)
    risk_tier = models.CharField(max_length=10, choices=RiskTier.choices())
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="owned_systems"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["key"]

    def __str__(self) -> str:
        return self.key


class Membership(StoredModel):
    """A person may see the records of a system. What they may do there is said by their groups."""

    SYSTEM_PATH = "system"
    PII = "actor"
    WORK_ROW = "who may see a system changes; each change is an audit event"

    system = models.ForeignKey(System, on_delete=models.PROTECT, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["system", "user"], name="evidence_membership_once")]


class Scope(models.TextChoices):
    """What a token may do. One token holds few of these."""

    INGEST = "ingest"
    PUSH_EVAL = "push_eval"
    GATE = "gate"
    READ = "read"
    PROBE = "probe"
    REVIEW = "review"
    BINDER = "binder"
    IMPORT = "import"
    ERASURES = "erasures"  # that and how traces were erased; no content


class AccessToken(StoredModel):
    """A key, of a machine or of a person's own: stored as a digest, scoped, expiring, owned by a person, shown once."""

    SYSTEM_PATH = "systems"
    PII = "actor"
    WORK_ROW = "revocation is a change, and an audit event; so is, without one, that it was used"

    # Hexadecimal; public, names the token in audit events.
    prefix = models.CharField(max_length=TOKEN_PREFIX_LENGTH, unique=True)
    secret_digest = digest_field()  # of the whole token text
    name = models.CharField(max_length=KEY_LENGTH)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="access_tokens"
    )
    scopes = ArrayField(models.CharField(max_length=20, choices=Scope.choices))
    systems = models.ManyToManyField(System, related_name="access_tokens")
    created_at = models.DateTimeField(auto_now_add=True)
    # Whether its owner made it for themselves: nobody else ever read its text, so it may judge for them.
    is_own = models.BooleanField(default=False, db_default=False)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    # To the minute, and noted now and then (`evidence.services.people.token_uses`); None: no use was noted.
    last_used_at = models.DateTimeField(null=True)
    # The request that was noted then, as method and address of the API: "POST /v1/traces".
    last_used_for = models.CharField(max_length=LABEL_LENGTH, blank=True, default="", db_default="")

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix})"
