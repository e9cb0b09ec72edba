"""Where the pages of findings and dictionaries are."""

from __future__ import annotations

from urllib.parse import urlencode

from django.urls import reverse

from evidence.models import System
from interpret.models import Dictionary


def findings_url(system: System, **narrowed: str) -> str:
    """Return the address of a system's findings, narrowed: `findings_url(system, release="2026-11")`."""
    return f"{reverse('admin:findings')}?{urlencode({'system': system.key, **narrowed})}"


def ledger_url(system: System, model_digest: str) -> str:
    """Return the address of everything that a system had tried on a model."""
    return f"{reverse('admin:tried')}?{urlencode({'system': system.key, 'model': model_digest})}"


def dictionary_url(dictionary: Dictionary) -> str:
    """Return the address of a dictionary's page."""
    return reverse("admin:dictionary", args=[dictionary.pk])
