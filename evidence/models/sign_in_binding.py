"""Who a person is to the provider of single sign-on."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from evidence.models.base import DIGEST_LENGTH, MEMBERS, AppendOnlyModel, actor_field

ISSUER_LENGTH = 255  # characters of a provider's address


class SignInBinding(AppendOnlyModel):
    """From here on a person signs in as this subject of this provider, or, with no subject, as none any more.

    Of a person's rows the last one counts. The subject is kept as a digest: to tell whether somebody is it takes no
    more, and a row that stays for ever then names nobody.
    """

    SYSTEM_PATH = MEMBERS
    PII = "actor"
    EVENT_PATH = ""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="sign_in_bindings"
    )
    issuer = models.CharField(max_length=ISSUER_LENGTH)  # `iss` of the provider
    # SHA-256 of issuer and `sub` (`evidence.services.people.sign_in_bindings`); empty: bound to nobody.
    subject_digest = models.CharField(max_length=DIGEST_LENGTH, blank=True)
    bound_by = actor_field()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["subject_digest"], name="evidence_signinbinding_subject")]

    def __str__(self) -> str:
        return f"sign-in binding {self.pk}"
