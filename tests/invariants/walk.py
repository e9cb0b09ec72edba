"""Everything there is, found by walking, so that new code is covered without being asked.

What an invariant does not reach yet stands in EXCEPTIONS with its reason, and nowhere else. The list may only
shrink: an entry that is no longer needed fails `test_exceptions.py`.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
from collections.abc import Iterable, Iterator
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
    ("no-system", "evidence.Disposal"): "a month of spans, or of bodies, is that of every system",
    (
        "no-system",
        "evidence.BlobRemoval",
    ): "as the blob it removes, it holds a digest and belongs to its cause",
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
    """A function of a `services` module, and what it does by itself or by what it calls in any of them."""

    module: str
    name: str
    writes: bool
    recorded: bool  # its writes commit with an audit event, here or in everything that calls it

    @property
    def label(self) -> str:
        """`module.function`."""
        return f"{self.module}.{self.name}"


def our_services() -> list[Service]:
    """Return every public function of every `services` module, judged over the call graph of all of them."""
    graph = _CallGraph(
        f"{app}.services.{info.name}"
        for app in OUR_APPS
        for info in pkgutil.iter_modules(importlib.import_module(f"{app}.services").__path__)
    )
    return [
        Service(*label.rsplit(".", 1), writes=graph.writes(label), recorded=graph.recorded(label))
        for label in sorted(graph.functions)
        if not label.rsplit(".", 1)[1].startswith("_")
    ]


def our_views() -> dict[str, Any]:
    """Return every named view outside the admin, by its name."""
    return {name: view for _, name, view in _addresses() if name}


def our_urls() -> Iterator[tuple[str, Any]]:
    """Yield (route, view class or function) of every address outside the admin."""
    for route, _, view in _addresses():
        yield route, view


def _addresses() -> Iterator[tuple[str, str | None, Any]]:
    """Yield (route, name, view) of every address outside the admin."""

    def descend(resolver: URLResolver, prefix: str) -> Iterator[tuple[str, str | None, Any]]:
        for entry in resolver.url_patterns:
            route = prefix + str(entry.pattern)
            if isinstance(entry, URLResolver):
                yield from descend(entry, route)
            elif isinstance(entry, URLPattern) and entry.callback is not None:
                view = entry.callback
                yield route, entry.name, getattr(view, "cls", None) or getattr(view, "view_class", view)

    for route, name, view in descend(get_resolver(), ""):
        if not route.startswith("admin/"):
            yield route, name, view


def our_tasks() -> dict[str, Any]:
    """Return our Celery tasks by name."""
    current_app.loader.import_default_modules()
    return {name: task for name, task in current_app.tasks.items() if name.split(".")[0] in OUR_APPS}


class _CallGraph:
    """Which function of the services calls which, read from their sources."""

    def __init__(self, modules: Iterable[str]) -> None:
        self.functions: dict[str, ast.FunctionDef] = {}
        self._names: dict[str, dict[str, str]] = {}  # module -> name in it -> what the name stands for
        for module in modules:
            tree = ast.parse(Path(importlib.import_module(module).__file__ or "").read_text(encoding="utf-8"))
            names = self._names[module] = _imported_names(tree)
            for node in tree.body:
                if isinstance(node, ast.FunctionDef):
                    self.functions[f"{module}.{node.name}"] = node
                    names[node.name] = f"{module}.{node.name}"
        self._calls = {
            label: _services_named_in(node, self._names[label.rsplit(".", 1)[0]])
            for label, node in self.functions.items()
        }
        self._entry_points = _services_called_from_outside()

    def writes(self, label: str) -> bool:
        """Whether the function inserts, changes or deletes rows, itself or further down."""
        return any(
            call.split(".")[-1] in _WRITES and "." in call
            for reached in self._reach(label)
            for call in self._raw(reached)
        )

    def recorded(self, label: str, seen: frozenset[str] = frozenset()) -> bool:
        """Whether its writes commit with an event: its own, or that of everything that calls it."""
        reach = self._reach(label)
        audits = any(reached.startswith("evidence.services.audit.record") for reached in reach)
        atomic = any(
            "atomic" in ast.unparse(self.functions[reached]) for reached in reach if reached in self.functions
        )
        if audits and atomic:
            return True
        if label in self._entry_points:
            return False
        callers = {caller for caller, called in self._calls.items() if label in called} - seen - {label}
        return bool(callers) and all(self.recorded(caller, seen | {label}) for caller in callers)

    def _reach(self, start: str) -> set[str]:
        seen: set[str] = set()
        waiting = [start]
        while waiting:
            label = waiting.pop()
            if label not in seen:
                seen.add(label)
                waiting += self._calls.get(label, ())
        return seen

    def _raw(self, label: str) -> list[str]:
        node = self.functions.get(label)
        calls = ast.walk(node) if node is not None else ()
        return [ast.unparse(call.func) for call in calls if isinstance(call, ast.Call)]


def _services_named_in(tree: ast.AST, names: dict[str, str]) -> set[str]:
    """What the code calls, or hands on by name, as far as it is a function of a services module."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute):
            head, _, rest = ast.unparse(node).partition(".")
            target = names.get(head)
            if target is not None:
                found.add(f"{target}.{rest}" if rest else target)
    return {target for target in found if ".services." in target}


def _services_called_from_outside() -> set[str]:
    """What views, tasks, commands and admin call: the doors, which nothing else stands in front of."""
    found: set[str] = set()
    for app in (*OUR_APPS, "config"):
        for path in (REPOSITORY / app).rglob("*.py"):
            if "services" not in path.parts and "migrations" not in path.parts:
                tree = ast.parse(path.read_text(encoding="utf-8"))
                found |= _services_named_in(tree, _imported_names(tree))
    return found


def _imported_names(tree: ast.Module) -> dict[str, str]:
    return {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }
