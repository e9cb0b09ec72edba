"""How PostgreSQL binds each transaction's rows to the log: by one event that carries the Merkle root of their digests.

After each INSERT into an append-only table a trigger computes the leaves of the new rows (`evidence.row_schemas`) and
keeps them for the transaction. When it commits, the sorted leaves become the root of a tree (RFC 9162), and one event
of the verb `rows.bound` is inserted with it: how many rows, and as whom the transaction acted. Nobody has to remember
it, COPY and bulk inserts included, and a savepoint that is undone takes its leaves with it.

Whoever owns the tables can switch the triggers off, or insert as anybody. Then rows stand without an event, an event
without its rows, or the event says who wrote it: `evidence.services.log.rows` finds each.
Why it is so: docs/decisions/0034-every-row-in-the-log.md.
"""

# ruff: noqa: S608  # SQL composed of constants of this project; nobody's input is in it

from __future__ import annotations

from typing import Final

from django.db import models

from evidence.models import AuditEvent, OpenBinding
from evidence.models.base import AppendOnlyModel
from evidence.row_schemas import bound_models, schema_of

BOUND_VERB: Final = "rows.bound"
BOUND_TYPE: Final = "database.transaction"
BINDER_ACTOR: Final = "system:database"
BIND_TRIGGER: Final = "tracebinder_bind"
CLOSE_TRIGGER: Final = "tracebinder_close_binding"
CLOSE_FUNCTION: Final = "tracebinder_close_binding"

_KEPT: Final = "tracebinder.leaves"  # a setting of the transaction: hexadecimal, 64 characters a row

# With the owner's rights, because whoever inserts a row has none on the log's own tables.
_KEEP: Final = f"""
CREATE OR REPLACE FUNCTION tracebinder_keep_leaves(leaves text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    kept text := coalesce(current_setting('{_KEPT}', true), '');
BEGIN
    IF leaves IS NULL THEN
        RETURN;
    END IF;
    PERFORM set_config('{_KEPT}', kept || leaves, true);
    IF kept = '' THEN
        INSERT INTO evidence_openbinding (xact_id) VALUES (tracebinder_xact_id());
    END IF;
END $$;
"""

# The pairs of a level become the level above; a leaf without a partner goes up as it is, which is RFC 9162's tree.
_CLOSE: Final = f"""
CREATE OR REPLACE FUNCTION {CLOSE_FUNCTION}() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    level bytea := decode(current_setting('{_KEPT}', true), 'hex');
    n int := length(level) / 32;
    event uuid := gen_random_uuid();
    happened timestamptz := clock_timestamp();
    bound text := NEW.xact_id || ':' || n || ':' || coalesce(nullif(current_setting('role'), 'none'), session_user);
    root text;
BEGIN
    SELECT string_agg(leaf, ''::bytea ORDER BY leaf) INTO level FROM (
        SELECT substring(level FROM 32 * place + 1 FOR 32) AS leaf FROM generate_series(0, n - 1) AS place) AS sorted;
    WHILE length(level) > 32 LOOP
        SELECT string_agg(CASE WHEN length(pair) = 64 THEN sha256('\\x01'::bytea || pair) ELSE pair END, ''::bytea
                          ORDER BY place)
        INTO level FROM (
            SELECT place, substring(level FROM 64 * place + 1 FOR 64) AS pair
            FROM generate_series(0, (length(level) / 32 - 1) / 2) AS place) AS pairs;
    END LOOP;
    root := encode(level, 'hex');
    INSERT INTO evidence_auditevent (event_uuid, actor, verb, object_type, object_id, object_digest,
        payload_commitment, entry, occurred_at)
    VALUES (event, '{BINDER_ACTOR}', '{BOUND_VERB}', '{BOUND_TYPE}', bound, root, '', convert_to(concat(
        '{{"actor":"{BINDER_ACTOR}","event":"', event, '","object":{{"digest":"', root, '","id":', to_json(bound),
        ',"type":"{BOUND_TYPE}"}},"occurred_at":"',
        to_char(happened AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"'),
        '","payload_commitment":"","system":null,"verb":"{BOUND_VERB}"}}'), 'UTF8'), happened);
    DELETE FROM evidence_openbinding WHERE xact_id = NEW.xact_id;
    PERFORM set_config('{_KEPT}', '', true);
    RETURN NULL;
END $$;
"""


def binding_functions() -> dict[str, str]:
    """Return, by signature, the functions that compute the leaves of new rows: one a table."""
    return {f"{bind_function(model)}()": _bind_sql(model) for model in bound_models()}


def keeping_functions() -> dict[str, str]:
    """Return, by signature, the functions that keep leaves and bind them, with the rights of the owner."""
    return {"tracebinder_keep_leaves(text)": _KEEP, f"{CLOSE_FUNCTION}()": _CLOSE}


def bind_function(model: type[models.Model]) -> str:
    """Return the name of the function that keeps the leaves of a table's new rows."""
    return f"tracebinder_bind_{model._meta.db_table}"


def is_bound(model: type[models.Model]) -> bool:
    """Whether the rows of a model are in the log by their digest."""
    return model in set(bound_models())


def closes_bindings(model: type[models.Model]) -> bool:
    """Whether a row of this model, inserted once a transaction, has the binding made when that commits."""
    return model is OpenBinding


def _bind_sql(model: type[AppendOnlyModel]) -> str:
    of_others = f" WHERE verb <> '{BOUND_VERB}'" if model is AuditEvent else ""
    return f"""
CREATE OR REPLACE FUNCTION {bind_function(model)}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM tracebinder_keep_leaves((
        SELECT string_agg(encode({schema_of(model).leaf_sql("added")}, 'hex'), '') FROM added{of_others}));
    RETURN NULL;
END $$;
"""
