"""Every address of the server, filled in with the keys of a tenant."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Model

from evidence.models import AuditEvent, Binder, EvalRun, GateDecision, Trace
from interpret.models import Finding, ProbeRun
from tests.attack.tenants import Tenant
from tests.fuzz.test_admin import addresses as admin_routes
from tests.invariants.walk import SAYS_NOTHING_STORED, our_urls

_BLANK: Final = re.compile(r"\(\?P<\w+>[^)]*\)|<(?:\w+:)?(\w+)>")
# What ends the session of whoever asks: their further requests would be a stranger's.
_ENDS_A_SESSION: Final = ("admin/logout/",)
_OF_A_MODEL: Final = {
    "api/v1/eval-runs": EvalRun,
    "api/v1/gate-decisions": GateDecision,
    "api/v1/probe-runs": ProbeRun,
    "api/v1/findings": Finding,
}

_BY_UUID: Final[dict[str, tuple[type[Model], str]]] = {
    "trace_id": (Trace, "trace_id"),
    "binder_id": (Binder, "binder_uuid"),
    "event_uuid": (AuditEvent, "event_uuid"),
}


def addresses_of(tenant: Tenant) -> Iterator[str]:
    """Yield the path of every address, with this tenant's rows in it; lists also as asked for by its name."""
    for route in (*(route for route, _ in our_urls()), *admin_routes()):
        if route in {*_ENDS_A_SESSION, SAYS_NOTHING_STORED}:
            continue
        yield "/" + fill_in(route, tenant)
        if route.startswith("api/v1/") and "<" not in route:
            yield f"/{route}?system={tenant.world.system.key}"


def fill_in(route: str, tenant: Tenant) -> str:
    """Return a route with a row of a tenant in each blank."""
    return _BLANK.sub(lambda blank: _value(route, blank[1] or "", tenant), route)


def _value(route: str, name: str, tenant: Tenant) -> str:
    if route.startswith("admin/"):
        return _key_in_admin(route, tenant)
    if name in _BY_UUID:
        model, column = _BY_UUID[name]
        found = model._default_manager.filter(pk=tenant.first(model)).values_list(column, flat=True).first()
        return str(found)
    if name == "pk":
        models = [model for prefix, model in _OF_A_MODEL.items() if route.startswith(prefix)]
        return tenant.first(models[0]) if models else "1"
    return {"gate": "g", "key": "states-limits", "number": "1", "level": "0", "rest": "000"}.get(name, "1")


def _key_in_admin(route: str, tenant: Tenant) -> str:
    if "app_label" in route:
        return "evidence"
    found = re.match(r"admin/(\w+)/(\w+)/", route)
    models: list[type[Model]] = [*admin.site._registry, User]
    for model in models:
        if found and model._meta.label_lower == f"{found[1]}.{found[2]}":
            return tenant.first(model)
    return "1"
