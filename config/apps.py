"""`config` is an app for its management commands and templates, and the last to hear of a migration."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig, apps
from django.contrib.admin.apps import AdminConfig
from django.db.models.signals import post_migrate


class TracebinderAdminConfig(AdminConfig):
    """Django's admin with our site in place of its own."""

    default_site = "config.admin.TracebinderAdminSite"


class ConfigConfig(AppConfig):
    name = "config"

    def ready(self) -> None:
        """After every migration, make the groups hold the permissions of the role table."""
        last = apps.get_app_config("interpret")  # the last with models: all permissions exist by then
        post_migrate.connect(_ensure_groups, sender=last, dispatch_uid="config.groups")


def _ensure_groups(**_: Any) -> None:
    from evidence.roles import ensure_groups  # noqa: PLC0415  # models are not loaded when this file is

    ensure_groups()
