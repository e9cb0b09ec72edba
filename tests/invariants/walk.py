"""Everything there is, found by walking, so that new code is covered without being asked.

What an invariant does not reach yet stands in EXCEPTIONS with its reason, and nowhere else. The list may only
shrink: an entry that is no longer needed fails `test_exceptions.py`.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from celery import current_app
from django.apps import apps
from django.db import models
from django.urls import URLPattern, URLResolver, get_resolver

OUR_APPS: Final = ("evidence", "requirements", "interpret")
REPOSITORY: Final = Path(__file__).resolve().parents[2]

# (invariant, name) -> why it is not covered
EXCEPTIONS: Final[dict[tuple[str, str], str]] = {
    ("work-table", "evidence.Membership"): "who may see a system changes; each change is an audit event",
    ("work-table", "evidence.AccessToken"): "revocation is a change; each one is an audit event",
    ("work-table", "evidence.PendingTrace"): "a queue: rows go when the trace is assembled",
    (
        "work-table",
        "evidence.AuditPayload",
    ): "the erasable half of an event; the log holds a commitment to it",
    (
        "work-table",
        "interpret.ProbeRun",
    ): "a lease on a run; what it found is a Finding, which is append-only",
    (
        "no-system",
        "evidence.Blob",
    ): "bytes by digest are shared; who may read them is decided by what points there",
    ("no-system", "evidence.Leaf"): "the log is one for all systems and holds commitments only",
    (
        "no-audit-event",
        "evidence.services.log.sequence_events",
    ): "an event for each leaf would need a leaf, for ever",
    (
        "no-audit-event",
        "evidence.services.log.sign_checkpoint",
    ): "likewise; a checkpoint is its own signed record",
    ("no-system", "evidence.Tile"): "likewise",
    ("no-system", "evidence.Checkpoint"): "likewise",
}

_WRITES: Final = frozenset(
    {"create", "get_or_create", "update_or_create", "bulk_create", "save", "update", "delete", "copy"}
)


def our_models() -> list[type[models.Model]]:
    """Return every concrete model of our apps."""
    return [
        model for app in OUR_APPS for model in apps.get_app_config(app).get_models(include_auto_created=False)
    ]


def is_excepted(invariant: str, name: str) -> bool:
    """Whether a name stands in the list, under this invariant."""
    return (invariant, name) in EXCEPTIONS


@dataclass(frozen=True)
class Service:
    """A public function of a `services` module, and what it reaches within that module."""

    module: str
    name: str
    writes: bool
    audits: bool
    atomic: bool

    @property
    def label(self) -> str:
        """`module.function`."""
        return f"{self.module}.{self.name}"


def our_services() -> Iterator[Service]:
    """Yield every public function of every `services` module, read from its source."""
    for app in OUR_APPS:
        package = importlib.import_module(f"{app}.services")
        for info in pkgutil.iter_modules(package.__path__):
            yield from _services_of(f"{app}.services.{info.name}")


def our_urls() -> Iterator[tuple[str, Any]]:
    """Yield (route, view class or function) of every address outside the admin."""

    def descend(resolver: URLResolver, prefix: str) -> Iterator[tuple[str, Any]]:
        for entry in resolver.url_patterns:
            route = prefix + str(entry.pattern)
            if isinstance(entry, URLResolver):
                yield from descend(entry, route)
            elif isinstance(entry, URLPattern) and entry.callback is not None:
                yield (
                    route,
                    getattr(entry.callback, "cls", None)
                    or getattr(entry.callback, "view_class", entry.callback),
                )

    for route, view in descend(get_resolver(), ""):
        if not route.startswith("admin/"):
            yield route, view


def our_tasks() -> dict[str, Any]:
    """Return our Celery tasks by name."""
    current_app.loader.import_default_modules()
    return {name: task for name, task in current_app.tasks.items() if name.split(".")[0] in OUR_APPS}


def _services_of(module: str) -> Iterator[Service]:
    tree = ast.parse(Path(importlib.import_module(module).__file__ or "").read_text(encoding="utf-8"))
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    for name, node in functions.items():
        if name.startswith("_"):
            continue
        reached = _reached(name, functions)
        calls = [call for function in reached for call in _calls(functions[function])]
        yield Service(
            module=module,
            name=name,
            writes=any(call.split(".")[-1] in _WRITES and "." in call for call in calls),
            audits=any(call.endswith("audit.record") or call.startswith("audit.") for call in calls),
            atomic=any("atomic" in ast.unparse(functions[function]) for function in reached)
            or _is_atomic(node),
        )


def _reached(start: str, functions: dict[str, ast.FunctionDef]) -> set[str]:
    """Return the functions of the module that `start` calls, directly or not, itself included."""
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += [call for call in _calls(functions[name]) if call in functions]
    return seen


def _calls(function: ast.FunctionDef) -> list[str]:
    return [ast.unparse(node.func) for node in ast.walk(function) if isinstance(node, ast.Call)]


def _is_atomic(function: ast.FunctionDef) -> bool:
    return any("atomic" in ast.unparse(decorator) for decorator in function.decorator_list)
