"""Is the database of this version, of an older or of a newer one: told by the migrations it has and the code knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.db import connections
from django.db.migrations.loader import MigrationLoader

# What another app has left behind says nothing of us.
_OURS: Final = ("evidence", "requirements", "interpret")


@dataclass(frozen=True, slots=True)
class SchemaAge:
    """What the database lacks, and what it has that this code does not know. Both at once: of another branch."""

    n_missing: int  # migrations
    unknown: tuple[str, ...]  # migrations, as `app.name`


def read_schema_age(using: str) -> SchemaAge:
    """Compare what is applied with what the code knows."""
    loader = MigrationLoader(connections[using])
    replaced = {old for one in loader.disk_migrations.values() for old in one.replaces}
    known = loader.disk_migrations.keys() | replaced
    unknown = sorted(pair for pair in loader.applied_migrations if pair[0] in _OURS and pair not in known)
    return SchemaAge(
        n_missing=sum(node not in loader.applied_migrations for node in loader.graph.nodes),
        unknown=tuple(f"{app}.{name}" for app, name in unknown),
    )
