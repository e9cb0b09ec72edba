"""The rules of the database as they stand now: triggers, functions, rights, roles, and what the tables look like.

They bind each row and keep it as it is, so whoever switches one off leaves rows that the log does not know. Compared is
what the catalogues say with what this version of the code makes, by the same code that `migrate` puts it right with.
What was changed and put back since is not seen by this: the rows that were written meanwhile are, by the log.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from django.apps import apps
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS
from django.db.migrations.recorder import MigrationRecorder

from evidence.models import Span
from evidence.schema_age import read_schema_age
from evidence.stranger_catalogue import Ours, find_strangers
from evidence.structure_rules import NotCompared, compare_structure
from evidence.table_rules import Difference, find_differences, roles, wanted_functions, wanted_triggers

_MIGRATIONS: Final = MigrationRecorder.Migration._meta.db_table
_LONGEST: Final = 90  # characters of a statement that a sentence has


@dataclass(frozen=True, slots=True)
class RuleReport:
    """What a comparison of the rules found."""

    compared: int = 0  # triggers, functions, and parts of tables
    faults: tuple[str, ...] = ()  # a sentence each


def check_rules() -> RuleReport:
    """Compare the rules of the database with those of this version."""
    age = read_schema_age(DEFAULT_DB_ALIAS)
    if age.n_missing or age.unknown:
        version = f"it lacks {age.n_missing} migrations" if age.n_missing else f"it has {age.unknown[-1]}"
        return RuleReport(
            0, (f"The rules of the database cannot be compared: {version}, so it is of another version.",)
        )
    triggers = wanted_triggers(DEFAULT_DB_ALIAS)
    faults = [f"Rule of {one.subject}: {_explain(one)}." for one in find_differences(DEFAULT_DB_ALIAS)]
    strangers = find_strangers(DEFAULT_DB_ALIAS, _ours(triggers))
    faults += (f"Beside the rules: {told}." for told in strangers)
    try:
        n_parts, differing = compare_structure(DEFAULT_DB_ALIAS)
    except NotCompared as exc:
        n_parts, differing = 0, [f"their columns, constraints and indexes were not compared: {exc}"]
    faults += (f"Rules of the tables: {told}." for told in differing)
    return RuleReport(len(triggers) + len(wanted_functions()) + n_parts, tuple(faults))


def _ours(triggers: Iterable[tuple[str, str]]) -> Ours:
    return Ours(
        tables=[_MIGRATIONS, *(model._meta.db_table for model in apps.get_models(include_auto_created=True))],
        parted=Span._meta.db_table,
        triggers=[f"{table}.{name}" for table, name in triggers],
        functions=wanted_functions(),
        groups=roles(),
        logins=settings.DATABASE_LOGINS,
    )


def _explain(difference: Difference) -> str:
    """Return what `migrate` would do about a difference: the first line of each statement."""
    lines = [" ".join(one.strip().split("$$")[0].split()) for one in difference.statements]
    return "`migrate` would " + "; ".join(
        line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…" for line in lines
    )
