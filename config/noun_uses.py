"""Which files write a noun and which read it, told from the sources and never from what they do when run.

A *write* is an ORM call that inserts, changes or deletes, on a model, a queryset, a related manager or a variable that
holds one; or SQL that does so with a table. A *read* is an import of the model, or SQL that names its table. A write
whose model cannot be told is listed by itself, and a test demands that there is none: what the page does not say would
otherwise read as "nobody".
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, TypeGuard, cast

from django.apps import apps
from django.conf import settings
from django.db.models import ForeignObjectRel, Model

from evidence.models import StoredModel

OUR_APPS: Final = ("evidence", "requirements", "interpret")
_DECLARE: Final = frozenset({"models", "migrations"})  # folders that say what there is, and use nothing
_WRITES: Final = frozenset(
    {
        "create",
        "get_or_create",
        "update_or_create",
        "bulk_create",
        "bulk_update",
        "insert_as_arrays",
        "insert_unless_there",
        "save",
    }
)
_OTHERS: Final = ""  # the label of all models that are not ours
_SQL_WRITE: Final = re.compile(r"\b(?:INSERT\s+INTO|UPDATE|DELETE\s+FROM|COPY)\s+(\w+)")
_SQL_READ: Final = re.compile(r"\b(?:FROM|JOIN)\s+(\w+)")


class _MethodCall(ast.Call):
    """A call whose function is an attribute of something; for type checking alone."""

    func: ast.Attribute


_Known = dict[str, type[Model] | None]
"""What a name stands for: rows of a model of ours, or None for what is none: something of another package."""


@dataclass(frozen=True, slots=True)
class Uses:
    """Files by the label of the model they write or read, as paths from the root of the repository."""

    writers: Mapping[str, frozenset[str]]
    readers: Mapping[str, frozenset[str]]  # without those that write it too
    untold: tuple[str, ...]  # writes whose model cannot be told: "file:line"


def our_models() -> list[type[StoredModel]]:
    """Return our models, app by app, in the order of their names."""
    found = [model for app in OUR_APPS for model in apps.get_app_config(app).get_models()]
    found.sort(key=lambda model: (OUR_APPS.index(model._meta.app_label), model.__name__))
    return cast("list[type[StoredModel]]", found)  # tests/invariants holds that each is one


@cache
def read_uses() -> Uses:
    """Return who writes and who reads each of our models, in the whole product: read once, which takes seconds."""
    base: Path = settings.BASE_DIR
    files = (path for app in (*OUR_APPS, "config") for path in sorted((base / app).rglob("*.py")))
    return uses_in(
        (str(path.relative_to(base)), path.read_text(encoding="utf-8"))
        for path in files
        if not _DECLARE & set(path.relative_to(base).parts)
    )


def uses_in(sources: Iterable[tuple[str, str]]) -> Uses:
    """Return who writes and who reads, among files given as (path, text)."""
    writers: dict[str, set[str]] = defaultdict(set)
    readers: dict[str, set[str]] = defaultdict(set)
    untold = []
    for path, text in sources:
        nodes = list(ast.walk(ast.parse(text)))
        named = _models_imported(nodes)
        for model in (*named.values(), *_in_sql(nodes, _SQL_READ)):
            readers[model._meta.label].add(path)
        for call, known in _writes_in(nodes, named):
            try:
                written = _model_at(call.func.value, known)
            except KeyError:
                untold.append(f"{path}:{call.lineno}")
            else:
                writers[written._meta.label if written else _OTHERS].add(path)
        for model in _in_sql(nodes, _SQL_WRITE):
            writers[model._meta.label].add(path)
    writers.pop(_OTHERS, None)
    return Uses(
        writers={label: frozenset(paths) for label, paths in writers.items()},
        readers={label: frozenset(paths - writers.get(label, set())) for label, paths in readers.items()},
        untold=tuple(untold),
    )


def _models_imported(nodes: Sequence[ast.AST]) -> dict[str, type[Model]]:
    """Return the models of ours that a module imports, by the name it gives them."""
    ours = {(model._meta.app_label, model.__name__): model for model in our_models()}
    return {
        alias.asname or alias.name: ours[app, alias.name]
        for node in nodes
        if isinstance(node, ast.ImportFrom) and node.module
        for app, _, place in [node.module.partition(".")]
        for alias in node.names
        if place.split(".")[0] == "models" and (app, alias.name) in ours
    }


def _in_sql(nodes: Sequence[ast.AST], pattern: re.Pattern[str]) -> Iterator[type[Model]]:
    tables = {model._meta.db_table: model for model in our_models()}
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from (tables[table] for table in pattern.findall(node.value) if table in tables)


def _writes_in(
    nodes: Sequence[ast.AST], named: Mapping[str, type[Model]]
) -> Iterator[tuple[_MethodCall, _Known]]:
    """Yield each ORM write with what the names around it stand for."""
    # Most files have none, and to look into each function takes longer than all the rest.
    if not any(map(_is_write, nodes)):
        return
    imported: _Known = dict.fromkeys(_names_of_others(nodes)) | dict(named)
    for function in nodes:
        if isinstance(function, ast.FunctionDef):
            inside = list(ast.walk(function))
            if calls := [node for node in inside if _is_write(node)]:
                known = imported | _variables_of(function, inside, imported)
                yield from ((call, known) for call in calls)


def _is_write(node: ast.AST) -> TypeGuard[_MethodCall]:
    """Tell the ORM's `update`, `delete` and `save` from those of dictionaries, hashes and files by what they take."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    if node.func.attr == "update":
        return bool(node.keywords) and not node.args
    if node.func.attr == "delete":
        return not node.args and not node.keywords
    if node.func.attr == "save":
        return not node.args
    return node.func.attr in _WRITES


def _variables_of(function: ast.FunctionDef, inside: Sequence[ast.AST], imported: _Known) -> _Known:
    """Return what the arguments and variables of a function hold, as far as annotations and assignments say it."""
    variables: _Known = {}
    for argument in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs):
        held = [imported[name] for name in _names_in(argument.annotation) if name in imported]
        if held:
            variables[argument.arg] = next((model for model in held if model), None)
    for node in inside:
        match node:
            case ast.Assign(targets=[target], value=value) | ast.For(target=target, iter=value):
                first = target.elts[0] if isinstance(target, ast.Tuple) else target
                if isinstance(first, ast.Name):
                    with suppress(KeyError):  # it holds something that is neither a row nor imported
                        variables[first.id] = _model_at(value, imported | variables)
            case _:
                pass
    return variables


def _model_at(expression: ast.expr, known: _Known) -> type[Model] | None:
    """Return the model whose rows an expression stands for: of `run.samples.filter(…)`, that of the samples.

    Returns None where they are no rows of ours.

    Raises:
        KeyError: it cannot be told.
    """
    match expression:
        case ast.Name(id=name):
            return known[name]
        case ast.Attribute(value=value, attr=attribute):
            owner = _model_at(value, known)
            return None if owner is None else _related(owner, attribute)
        case ast.Call(func=inner) | ast.Subscript(value=inner):
            return _model_at(inner, known)
        case _:
            raise KeyError(ast.unparse(expression))


def _related(owner: type[Model], attribute: str) -> type[Model] | None:
    """Return the model an attribute of a row leads to; the row's own where it is a method or a manager."""
    for field in owner._meta.get_fields():
        accessor = field.get_accessor_name() if isinstance(field, ForeignObjectRel) else field.name
        if accessor == attribute and isinstance(field.related_model, type):
            return field.related_model if field.related_model in our_models() else None
    return owner


def _names_of_others(nodes: Sequence[ast.AST]) -> set[str]:
    """Return the names a module imports from packages that are not ours. What ours return may be rows."""
    return {
        alias.asname or alias.name.split(".")[0]
        for node in nodes
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
        if (getattr(node, "module", None) or alias.name).split(".")[0] not in {*OUR_APPS, "config"}
    }


def _names_in(annotation: ast.expr | None) -> list[str]:
    return [node.id for node in ast.walk(annotation) if isinstance(node, ast.Name)] if annotation else []
