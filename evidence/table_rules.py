"""What PostgreSQL lets each role do with each table.

An `AppendOnlyModel` gets a trigger that refuses UPDATE and DELETE to everybody, its owner included (on tables with
payload of traces, everything but an erasure: `evidence.disposal_rules`), and the runtime role is granted SELECT and
INSERT on it. Any other table is a work table: the runtime role may also UPDATE and DELETE. Nobody but the owner may
TRUNCATE. The interpret role gets what `settings` lists, and no more.

It runs after every migration and walks all models, so a new table is covered unasked. (A statement-level TRUNCATE
trigger would also stop the test runner's flush; withholding the right does the same for the runtime role.)
"""

from __future__ import annotations

from typing import Any, Final

from django.apps import AppConfig
from django.conf import settings
from django.db import connections, models
from django.db.backends.utils import CursorWrapper

from evidence.disposal_rules import disposal_sql, guard_call, guard_sql
from evidence.models import Span
from evidence.models.base import AppendOnlyModel

TRIGGER_NAME: Final = "tracebinder_append_only"
FUNCTION_NAME: Final = "tracebinder_refuse_change"

# What a probe worker needs to read its specification and to say what it found. Telemetry isolation (invariant 8):
# it reads no trace, claim, review or requirement, and inserts nothing but findings and their audit events.
INTERPRET_GRANTS: Final = {
    "interpret_probespec": "SELECT",
    "interpret_proberun": "SELECT, UPDATE",
    "interpret_finding": "SELECT, INSERT",
    "evidence_artefact": "SELECT",
    "evidence_artefactversion": "SELECT",
    "evidence_release": "SELECT",
    "evidence_releasepin": "SELECT",
    "evidence_system": "SELECT",
    "evidence_blobremoval": "SELECT",  # to tell prompts that were erased from prompts that were lost
    "evidence_auditevent": "SELECT, INSERT",
    "evidence_auditpayload": "SELECT, INSERT",
}

_REFUSE_CHANGE = f"""
CREATE OR REPLACE FUNCTION {FUNCTION_NAME}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused. Add a row that names the old one instead.',
        TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$;
"""


def apply_table_rules(sender: AppConfig, using: str, **_: Any) -> None:
    """Put the trigger and the grants of every table of one app in place. Safe to repeat."""
    connection = connections[using]
    quote = connection.ops.quote_name
    runtime, interpret = quote(settings.RUNTIME_ROLE), quote(settings.INTERPRET_ROLE)
    present = set(connection.introspection.table_names())
    with connection.cursor() as cursor:
        for role in (settings.RUNTIME_ROLE, settings.INTERPRET_ROLE):
            _ensure_role(cursor, role)
        for statement in (_REFUSE_CHANGE, *guard_sql()):
            cursor.execute(statement)
        cursor.execute(f"GRANT USAGE ON SCHEMA public TO {runtime}, {interpret}")
        if "django_migrations" in present:
            cursor.execute(f"GRANT SELECT ON django_migrations TO {runtime}, {interpret}")
        for model in sender.get_models(include_auto_created=True):
            table = model._meta.db_table
            if table not in present or model._meta.proxy:
                continue
            name = quote(table)
            cursor.execute(f"REVOKE ALL ON {name} FROM {runtime}, {interpret}")
            if is_append_only(model):
                cursor.execute(_trigger_sql(name, guard_call(model) or f"{FUNCTION_NAME}()"))
            if model is Span:
                for statement in disposal_sql(runtime):
                    cursor.execute(statement)
            cursor.execute(f"GRANT {runtime_rights(model)} ON {name} TO {runtime}")
            if rights := interpret_rights(model):
                cursor.execute(f"GRANT {rights} ON {name} TO {interpret}")


def runtime_rights(model: type[models.Model]) -> str:
    """Return what web and workers may do with a table, as GRANT writes it."""
    return "SELECT, INSERT" if is_append_only(model) else "SELECT, INSERT, UPDATE, DELETE"


def interpret_rights(model: type[models.Model]) -> str:
    """Return what a probe worker may do with a table, as GRANT writes it; empty for nothing."""
    return INTERPRET_GRANTS.get(model._meta.db_table, "")


def is_append_only(model: type[models.Model]) -> bool:
    """Whether rows of this model may only be inserted."""
    return issubclass(model, AppendOnlyModel)


def _trigger_sql(table: str, call: str) -> str:
    return (
        f"CREATE OR REPLACE TRIGGER {TRIGGER_NAME} BEFORE UPDATE OR DELETE ON {table} "
        f"FOR EACH ROW EXECUTE FUNCTION {call}"
    )


def _ensure_role(cursor: CursorWrapper, role: str) -> None:
    """Create a group role where it is missing, and let the owner act as it (the tests do)."""
    cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
    if cursor.fetchone() is None:
        cursor.execute(f'CREATE ROLE "{role}" NOLOGIN')
        cursor.execute(f'GRANT "{role}" TO CURRENT_USER')
