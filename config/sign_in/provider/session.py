"""What of a session hangs on the provider: whether it may go on, and whether a second factor was shown."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.sessions.backends.base import SessionBase

from evidence import session_marks
from evidence.services.people.sign_in_bindings import find_binding, opens


def demands_two_factors() -> bool:
    """Whether whoever comes from the provider has shown a second factor there: the settings demand that it says so."""
    return bool(settings.OIDC_ACR or settings.OIDC_AMR)


def still_holds(session: SessionBase, person: User) -> bool:
    """Whether a session that began at the provider may go on: whoever it was bound to is this person still."""
    binding = find_binding(person)
    return (
        binding is not None
        and binding.pk == session_marks.binding_of(session)
        and binding.issuer == settings.OIDC_ISSUER
        and opens(binding, person)
    )
