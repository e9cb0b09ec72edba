from __future__ import annotations

from django.apps import AppConfig
from django.conf import settings


class InterpretConfig(AppConfig):
    """What the inside says: supporting evidence, never alone."""

    name = "interpret"

    def ready(self) -> None:
        """Take in the probes that the installation adds."""
        from interpret import registry  # noqa: PLC0415  # a probe of others may ask for the settings

        for path in settings.MORE_PROBES:
            registry.add(path)
