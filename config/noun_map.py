"""The noun map: every stored noun, whose it is, what of it may change, who writes it and who reads it.

Written from the models, the tables of rights and of roles, and the sources, so that none of it can tell an old story.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Final, cast

from django.conf import settings
from django.db.models import Model

from config.noun_uses import Uses, our_models, read_uses
from evidence.erasable import ERASABLE
from evidence.models import StoredModel
from evidence.roles import roles_that_see
from evidence.table_rules import is_append_only, log_rights, runtime_rights

_HEAD: Final = """# The noun map

Every stored noun. `config/noun_map.py` writes this page from the models, the rights of `evidence/table_rules.py`, the
roles of `evidence/roles.py` and the sources, and a test compares the two. The words are in the [glossary](glossary.md).

- **system**: the lookup from a row to its system, through which every query is narrowed (`evidence/access.py`).
- **PII**: `none`, `actor` (who did it), `payload` (what a customer, a reviewer or a model wrote).
- **rows**: *append-only* rows are inserted and never changed; a *work row* may be, for the reason it gives
  ([decision 0010](../decisions/0010-work-rows.md)).
- **erasable**: the columns that an erasure overwrites ([decision 0008](../decisions/0008-erasure.md)).
- **web and workers**: what their role of the database may do with the table. That of probe workers may do nothing with
  any of them ([decision 0032](../decisions/0032-what-a-probe-worker-may.md)).
- **people**: the roles whose people may see the rows of their systems in the admin. What speaks of a model's inside is
  left out for whoever may not see internals.
- **written in**: files with a statement that inserts, changes or deletes. **read in**: other files that import the
  model or name its table; a folder stands for its files. Rows reached through another row are not counted.
"""


def render_nouns() -> str:
    """Return docs/reference/nouns.md."""
    uses = read_uses()
    lines = [_HEAD]
    for app, models in groupby(our_models(), key=lambda model: model._meta.app_label):
        nouns = list(models)
        lines += [f"## {app}", "", "| noun | means | system | PII | rows |", "|---|---|---|---|---|"]
        lines += [_row(model) for model in nouns]
        lines += [""]
        for model in nouns:
            lines += [*_noun(model, uses), ""]
    return "\n".join([*lines, *_pairs()]) + "\n"


def _row(model: type[StoredModel]) -> str:
    rows = "append-only" if is_append_only(model) else "work row"
    system = f"`{model.SYSTEM_PATH}`" if model.SYSTEM_PATH else "none"
    name = model.__name__
    return f"| [{name}](#{name.lower()}) | {_paragraphs(model)[0]} | {system} | {model.PII} | {rows} |"


def _noun(model: type[StoredModel], uses: Uses) -> Iterator[str]:
    """Yield the section of one noun."""
    label = model._meta.label
    yield from (f"### {model.__name__}", "")
    yield from ("\n\n".join(_paragraphs(model)), "")
    yield f"- declared in `{_path_of(model)}`, stored in `{model._meta.db_table}`"
    yield f"- system: `{model.SYSTEM_PATH}`" if model.SYSTEM_PATH else f"- system: none; {model.NO_SYSTEM}"
    yield f"- PII: {model.PII}"
    yield "- rows: append-only" if is_append_only(model) else f"- rows: work row; {model.WORK_ROW}"
    yield from (f"- erasable: {_code(one.columns)}" for one in ERASABLE if one.model is model)
    yield f"- web and workers: {runtime_rights(model)}; log worker: {log_rights(model) or 'nothing'}"
    yield f"- people: {', '.join(roles_that_see(model)) or 'nobody'}"
    yield f"- written in: {_code(sorted(uses.writers.get(label, ()))) or 'nothing yet'}"
    yield f"- read in: {_code(_rooms(uses.readers.get(label, ()))) or 'nothing else'}"


def _pairs() -> Iterator[str]:
    """Yield the section of the tables that Django makes for many-to-many fields; they have no model of their own."""
    yield from (
        "## Tables of pairs",
        "",
        "Changed with the row they belong to; the runtime role may do so.",
        "",
    )
    for model in our_models():
        for field in model._meta.many_to_many:
            table = cast("type[Model]", field.remote_field.through)._meta.db_table
            yield f"- `{table}`: `{field.name}` of [{model.__name__}](#{model.__name__.lower()})"


def _paragraphs(model: type[Model]) -> list[str]:
    """Return the paragraphs of a model's docstring, each on one line."""
    text = inspect.cleandoc(model.__doc__ or "")
    return [" ".join(paragraph.split()) for paragraph in text.split("\n\n")]


def _path_of(model: type[Model]) -> str:
    base: Path = settings.BASE_DIR
    return str(Path(inspect.getfile(model)).relative_to(base))


def _rooms(paths: Iterable[str]) -> list[str]:
    """Return the files with each folder of a noun (`evidence/services/assembly/`) in place of the files in it."""
    parts = [path.split("/") for path in paths]
    return sorted({"/".join(each[:3]) + "/" if len(each) > 3 else "/".join(each) for each in parts})


def _code(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
