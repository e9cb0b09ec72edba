"""`config` is an app for its management commands and templates, and the last to hear of a migration."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig, apps
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.apps import SimpleAdminConfig
from django.db import connections
from django.db.models.signals import post_migrate

from config.database_role import watch_connections


class TracebinderAdminConfig(SimpleAdminConfig):
    """Django's admin with our site in place of its own. A worker loads no pages before it needs an address."""

    default_site = "config.admin.TracebinderAdminSite"

    def ready(self) -> None:
        super().ready()
        if settings.PROCESS not in settings.WORKERS:
            admin.autodiscover()


class ConfigConfig(AppConfig):
    name = "config"

    def ready(self) -> None:
        """Have connections and sign-ins watched; after every migration, make the groups hold their permissions."""
        from config.sign_in.sessions import watch_sign_ins  # noqa: PLC0415  # models are not loaded when this file is

        watch_connections()
        watch_sign_ins()
        last = apps.get_app_config("interpret")  # the last with models: all permissions exist by then
        post_migrate.connect(_ensure_groups, sender=last, dispatch_uid="config.groups")


def _ensure_groups(using: str, **_: Any) -> None:
    from django.contrib.auth.models import Permission  # noqa: PLC0415  # models are not loaded when this file is
    from django.db.migrations.executor import MigrationExecutor  # noqa: PLC0415  # likewise

    from evidence.roles import ensure_groups  # noqa: PLC0415  # likewise

    try:
        ensure_groups()
    except Permission.DoesNotExist:
        executor = MigrationExecutor(connections[using])
        if not executor.migration_plan(executor.loader.graph.leaf_nodes()):
            raise
        # `migrate` was asked for an earlier state, in which what the permission is for is not there yet
