"""Where the pages of probes, findings and dictionaries are."""

from __future__ import annotations

from urllib.parse import urlencode

from django.urls import reverse

from evidence.models import System
from interpret.models import Dictionary, ProbeRun


def findings_url(system: System, **narrowed: str) -> str:
    """Return the address of a system's findings, narrowed: `findings_url(system, release="2026-11")`."""
    return f"{reverse('admin:findings')}?{urlencode({'system': system.key, **narrowed})}"


def ledger_url(system: System, model_digest: str) -> str:
    """Return the address of everything that a system had tried on a model."""
    return f"{reverse('admin:tried')}?{urlencode({'system': system.key, 'model': model_digest})}"


def dictionary_url(dictionary: Dictionary) -> str:
    """Return the address of a dictionary's page."""
    return reverse("admin:dictionary", args=[dictionary.pk])


def run_url(run: ProbeRun) -> str:
    """Return the address of the page that shows how far a run is."""
    return reverse("admin:probe_run", args=[run.pk])


def ask_url(system: System, **chosen: str) -> str:
    """Return the address where a probe is asked for, with what is chosen already: `ask_url(system, release="r1")`."""
    return f"{reverse('admin:ask_probe')}?{urlencode({'system': system.key, **chosen})}"


def ask_again_url(run: ProbeRun) -> str:
    """Return the address of the form as it was filled in for a run."""
    spec = run.spec
    return ask_url(spec.system, release=run.release.name, probe=spec.probe, like=str(run.pk))
