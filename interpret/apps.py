from __future__ import annotations

from django.apps import AppConfig


class InterpretConfig(AppConfig):
    """What the inside says: supporting evidence, never alone."""

    name = "interpret"
