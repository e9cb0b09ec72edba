"""`config` is an app for its management commands and templates, and the last to hear of a migration."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig, apps
from django.contrib.admin.apps import SimpleAdminConfig
from django.contrib.admin.checks import check_admin_app, check_dependencies
from django.core import checks
from django.db import connections
from django.db.models.signals import post_migrate

from config.database_role import watch_connections


class TracebinderAdminConfig(SimpleAdminConfig):
    """Django's admin with our site in place of its own. Its pages are loaded with the addresses (`config.urls`).

    A worker or command that needs no address loads none of them.
    """

    default_site = "config.admin.TracebinderAdminSite"

    def ready(self) -> None:
        """Register Django's checks of the admin, which look at the pages that are loaded: so load them first."""
        checks.register(check_dependencies, checks.Tags.admin)
        checks.register(_check_pages, checks.Tags.admin)


def _check_pages(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[checks.CheckMessage]:
    importlib.import_module("config.urls")
    return check_admin_app(app_configs)


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
