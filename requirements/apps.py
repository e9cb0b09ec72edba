from __future__ import annotations

from django.apps import AppConfig


class RequirementsConfig(AppConfig):
    """What must hold."""

    name = "requirements"
