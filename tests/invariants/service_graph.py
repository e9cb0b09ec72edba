"""Which service writes, in which transaction, and whether an audit event is written in the same one.

Read from the sources of every module below each app's `services`, however deep, and never from what they do when
run: a branch that no test takes is judged like any other. The rules:

* a *write* is an ORM call that inserts, changes or deletes rows, a COPY, or SQL that does; SQL whose text cannot be
  found in the sources counts as a write. A function of `evidence.probe_rules` is none: it is a region of its own, with
  its events, which `tests/interpret/test_probe_role.py` shows;
* a *region* is what one outermost `transaction.atomic` covers: a decorated function, or a `with` block, with all it
  calls;
* a door (a public function that something outside the services calls, or nothing at all) must write inside
  regions only, and each region that writes must also write an audit event.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

_ORM_WRITES: Final = frozenset(
    {
        "create", "get_or_create", "update_or_create", "bulk_create", "bulk_update", "save", "insert_as_arrays",
    }
)  # fmt: skip
_SQL_WRITES: Final = re.compile(
    r"\b(INSERT\s+INTO|UPDATE|DELETE\s+FROM|TRUNCATE|COPY|tracebinder_(drop|erase)\w*)\b", re.IGNORECASE
)
_AUDIT: Final = tuple(f"evidence.services.audit.{name}" for name in ("record", "record_about", "record_many"))


@dataclass(slots=True)
class _Block:
    """A stretch of code in one region, or in none."""

    calls: set[str] = field(default_factory=set)  # labels of other nodes
    writes: list[str] = field(default_factory=list)  # as they stand in the source


@dataclass(slots=True)
class _Node:
    """One function or class of a services module, and what stands in it."""

    decorated: bool  # all of it is one region
    outside: _Block = field(default_factory=_Block)
    inside: list[_Block] = field(default_factory=list)  # one for each `with transaction.atomic()`

    @property
    def blocks(self) -> list[_Block]:
        """All of it."""
        return [self.outside, *self.inside]

    @property
    def calls(self) -> set[str]:
        """Everything it calls or hands on by name."""
        return {label for block in self.blocks for label in block.calls}


@dataclass(frozen=True)
class Service:
    """A public function of a services module, judged with all that it calls."""

    label: str  # "evidence.services.reviews.record_review"
    writes: bool
    faults: tuple[str, ...]  # what is written outside a transaction, or without an event


class ServiceGraph:
    """The services of some apps: `services()` judges every public function."""

    def __init__(
        self, packages: Iterable[str], outside: Iterable[Path], judged_alone: Iterable[str] = ()
    ) -> None:
        """Read the sources.

        Args:
            packages: dotted names of the `services` packages.
            outside: source files of everything else, whose uses make a service a door.
            judged_alone: labels whose faults are theirs and not those of what calls them. The recorder of audit
                events is one by nature: it refuses by itself to write outside a transaction.
        """
        self._judged_alone = {*judged_alone, *_AUDIT}
        self.modules = {name: _source(name) for package in packages for name in _modules_of(package)}
        self._trees = {name: ast.parse(text) for name, text in self.modules.items()}
        self._names = {name: _names_in(name, tree) for name, tree in self._trees.items()}
        self._nodes: dict[str, _Node] = {}
        for module, tree in self._trees.items():
            for item in tree.body:
                if isinstance(item, ast.FunctionDef | ast.ClassDef):
                    self._nodes[f"{module}.{item.name}"] = self._read(module, item)
        self._doors = self._used_in(outside)

    @cached_property
    def _callers(self) -> dict[str, set[str]]:
        callers: dict[str, set[str]] = {}
        for label, node in self._nodes.items():
            for called in node.calls:
                callers.setdefault(called, set()).add(label)
        return callers

    def services(self) -> list[Service]:
        """Return every public function, in order of its label."""
        return self._judge(self._nodes)

    def services_of(self, package: str) -> list[Service]:
        """Return the public functions of one package."""
        return self._judge(label for label in self._nodes if label.startswith(f"{package}."))

    def _judge(self, labels: Iterable[str]) -> list[Service]:
        return [
            Service(label, bool(self._writes_below([label])), tuple(dict.fromkeys(self._faults(label))))
            for label in sorted(set(labels) - set(_AUDIT))
            if not label.rsplit(".", 1)[1].startswith("_")
        ]

    def _faults(self, label: str, seen: frozenset[str] = frozenset()) -> Iterator[str]:
        """Yield what is wrong with a function, unless all that calls it puts it right."""
        found = list(dict.fromkeys(self._own_faults(label, frozenset())))
        callers = self._callers.get(label, set()) - seen - {label}
        if label in self._doors or label in self._judged_alone or not callers:
            yield from found
        elif found:
            for caller in sorted(callers - self._judged_alone):
                yield from self._faults(caller, seen | {label})

    def _own_faults(self, label: str, seen: frozenset[str]) -> Iterator[str]:
        node = self._nodes[label]
        if node.decorated:
            yield from self._region_faults(label, node.blocks)
            return
        for block in node.inside:
            yield from self._region_faults(label, [block])
        for write in node.outside.writes:
            yield f"{label}: {write} outside a transaction"
        for called in sorted(node.outside.calls - seen - {label} - self._judged_alone):
            yield from self._own_faults(called, seen | {label})

    def _region_faults(self, label: str, blocks: list[_Block]) -> Iterator[str]:
        starts = {called for block in blocks for called in block.calls}
        writes = [write for block in blocks for write in block.writes] or self._writes_below(
            starts - self._judged_alone
        )
        if writes and not any(reached in _AUDIT for reached in self._reach(starts)):
            yield f"{label}: {writes[0]} without an audit event in the same transaction"

    def _writes_below(self, starts: Iterable[str]) -> list[str]:
        labels = [label for label in sorted(self._reach(starts)) if label not in _AUDIT]
        reached = [self._nodes[label] for label in labels]
        return [write for node in reached for block in node.blocks for write in block.writes]

    def _reach(self, starts: Iterable[str]) -> set[str]:
        seen: set[str] = set()
        waiting = list(starts)
        while waiting:
            label = waiting.pop()
            if label not in seen:
                seen.add(label)
                waiting += self._nodes[label].calls
        return seen

    def _read(self, module: str, item: ast.FunctionDef | ast.ClassDef) -> _Node:
        decorators = [ast.unparse(each).partition("(")[0] for each in item.decorator_list]
        node = _Node(decorated="transaction.atomic" in decorators)
        self._read_into(node, node.outside, module, item.body)
        return node

    def _read_into(self, node: _Node, block: _Block, module: str, body: Iterable[ast.AST]) -> None:
        for child in body:
            if block is node.outside and isinstance(child, ast.With) and _opens_region(child):
                node.inside.append(_Block())
                self._read_into(node, node.inside[-1], module, child.body)
                continue
            self._note(block, module, child)
            self._read_into(node, block, module, ast.iter_child_nodes(child))

    def _note(self, block: _Block, module: str, node: ast.AST) -> None:
        if isinstance(node, ast.Name | ast.Attribute):
            target = self._resolve(module, ast.unparse(node))
            if target in self._labels:
                block.calls.add(target)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner, method = ast.unparse(node.func.value), node.func.attr
            if _is_orm_write(node, method) or (
                method == "execute" and self._sql_writes(module, node.args[0])
            ):
                block.writes.append(f"{owner.split('(')[0]}.{method}()")

    @cached_property
    def _labels(self) -> frozenset[str]:
        return frozenset(
            f"{module}.{item.name}"
            for module, tree in self._trees.items()
            for item in tree.body
            if isinstance(item, ast.FunctionDef | ast.ClassDef)
        )

    def _resolve(self, module: str, name: str) -> str:
        """Return the label a name in a module stands for, through what packages pass on."""
        head, _, rest = name.partition(".")
        target = self._names[module].get(head)
        if target is None:
            return ""
        full = f"{target}.{rest}" if rest else target
        return self._follow(full)

    def _follow(self, full: str) -> str:
        for _ in range(8):
            if full in self._labels:
                return full
            owner, _, last = full.rpartition(".")
            passed_on = self._names.get(owner, {}).get(last)
            if passed_on is None or passed_on == full:
                return full
            full = passed_on
        return full

    def _sql_writes(self, module: str, argument: ast.expr) -> bool:
        """Whether the text given to `execute` may write; what cannot be found is taken to."""
        text = self._text_of(module, argument)
        return text is None or bool(_SQL_WRITES.search(text))

    def _text_of(self, module: str, argument: ast.expr) -> str | None:
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            return argument.value
        if isinstance(argument, ast.JoinedStr):
            return ast.unparse(argument)
        if not isinstance(argument, ast.Name):
            return None
        target = self._names[module].get(argument.id, f"{module}.{argument.id}")
        owner, _, name = target.rpartition(".")
        tree = self._trees.get(owner) or ast.parse(_source(owner))
        for item in tree.body:
            named = item.targets[0] if isinstance(item, ast.Assign) else getattr(item, "target", None)
            if isinstance(named, ast.Name) and named.id == name:
                value = item.value  # type: ignore[attr-defined]  # both kinds of assignment have one
                return ast.unparse(value) if value is not None else None
        return None

    def _used_in(self, files: Iterable[Path]) -> set[str]:
        """Return the services that other code names: the doors, which nothing else stands in front of."""
        found: set[str] = set()
        for path in files:
            tree = ast.parse(path.read_text(encoding="utf-8"))
            names = _names_in("", tree)
            for node in ast.walk(tree):
                if isinstance(node, ast.Name | ast.Attribute):
                    head, _, rest = ast.unparse(node).partition(".")
                    if target := names.get(head):
                        found.add(self._follow(f"{target}.{rest}" if rest else target))
        return found & self._labels


def _opens_region(block: ast.With) -> bool:
    return any(ast.unparse(each.context_expr).startswith("transaction.atomic(") for each in block.items)


def _is_orm_write(call: ast.Call, method: str) -> bool:
    """Tell the ORM's `update`, `delete` and a cursor's `copy` from those of dictionaries and sets by what they take."""
    if method == "update":
        return bool(call.keywords) and not call.args
    if method == "delete":
        return not call.args and not call.keywords
    return method in _ORM_WRITES or (method == "copy" and bool(call.args))


def _modules_of(package: str) -> Iterator[str]:
    root = importlib.import_module(package)
    yield package
    for info in pkgutil.walk_packages(root.__path__, f"{package}."):
        yield info.name


def _source(module: str) -> str:
    return Path(importlib.import_module(module).__file__ or "").read_text(encoding="utf-8")


def _names_in(module: str, tree: ast.Module) -> dict[str, str]:
    """Return what each imported or defined name of a module stands for, dotted."""
    names = {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }
    defined = (item for item in tree.body if isinstance(item, ast.FunctionDef | ast.ClassDef))
    return names | {item.name: f"{module}.{item.name}" for item in defined}
