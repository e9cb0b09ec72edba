"""The two ways content leaves an append-only store, as PostgreSQL lets them happen, and no third one.

Erasing a trace overwrites exactly the columns listed here with an erased form of the same type. The triggers of
those tables let such an UPDATE pass only in the transaction that wrote the trace's tombstone, and only if nothing
else in the row changes. That holds for the owner as well. Dropping a month of spans writes its disposal record
first. The runtime role has no right to do either by itself: it may call the two functions, which run as the owner,
refuse what a legal hold covers, and leave a record. Why it is so: docs/decisions/0008-erasure.md.
"""

# ruff: noqa: S608  # SQL composed of constants of this file, for functions and triggers; nobody's input is in it

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from django.db import models

from evidence.copy_rules import COPIED_INTO, copy_functions
from evidence.erasable import ERASABLE, OWN_ROWS, Erasable
from evidence.erased import ERASED_KEY, ERASED_TEXT
from evidence.locks import Lock
from evidence.models import Span
from evidence.models.base import ErasableModel
from evidence.partition_rules import MAKE_MONTH, STRAY_MONTHS
from evidence.row_schemas import BUCKET, schema_of

MIN_AGE_DAYS: Final = 31  # a month of spans is kept at least so long after its end, whatever the settings say
GUARD_FUNCTION: Final = "tracebinder_refuse_all_but_erasure"


# Strings and objects become a marker, lists become empty but for the codes of flags, and what was empty stays so.
_ERASED_FORM: Final = f"""
CREATE OR REPLACE FUNCTION tracebinder_erased(content jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT CASE
        WHEN content IN ('null', '""', '{{}}') THEN content
        WHEN jsonb_typeof(content) = 'array' THEN (
            SELECT coalesce(jsonb_agg(jsonb_build_object('code', item -> 'code', 'detail', '{ERASED_TEXT}'::text))
                            FILTER (WHERE jsonb_typeof(item) = 'object' AND item -> 'code' IS NOT NULL), '[]')
            FROM jsonb_array_elements(content) AS item)
        WHEN jsonb_typeof(content) = 'object' THEN '{{"{ERASED_KEY}": true}}'::jsonb
        ELSE '"{ERASED_TEXT}"'::jsonb
    END
$$;
"""

_GUARD: Final = f"""
CREATE OR REPLACE FUNCTION {GUARD_FUNCTION}() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
DECLARE
    being_erased boolean := false;
    commitment text;
    erased jsonb;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        EXECUTE format('SELECT EXISTS (SELECT FROM evidence_erasure AS tombstone
            WHERE tombstone.transaction_id = tracebinder_xact_id()
            AND ((tombstone.system_id, tombstone.trace_id) IN (%s)
                OR tombstone.copies -> %L @> to_jsonb(($1).id)))', TG_ARGV[0], TG_TABLE_NAME)
            INTO being_erased USING OLD;
    END IF;
    IF being_erased THEN
        erased := to_jsonb(OLD);
        FOR position IN 1 .. TG_NARGS - 1 LOOP
            erased := jsonb_set(
                erased, ARRAY[TG_ARGV[position]], tracebinder_erased(erased -> TG_ARGV[position]));
        END LOOP;
        IF erased ? 'payload_salt' THEN  -- the salt goes, and what it and the payload commit to stays
            EXECUTE 'SELECT tracebinder_commitment($1)' INTO commitment USING OLD;
            erased := erased || jsonb_build_object('payload_salt', NULL, 'payload_commitment', commitment);
        END IF;
        IF to_jsonb(NEW) = erased THEN
            RETURN NEW;
        END IF;
    END IF;
    -- A row from before rows were bound is given its salt when it is adopted, once.
    IF TG_OP = 'UPDATE' AND to_jsonb(OLD) @> '{{"payload_salt": null, "payload_commitment": null}}'
        AND to_jsonb(NEW) - 'payload_salt' = to_jsonb(OLD) - 'payload_salt' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% is append-only: % refused. Add a row that names the old one instead.',
        TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$;
"""

# Every function here and `place_hold` take this lock first, so that a hold is either seen or comes too late.
_TAKE_LOCK: Final = f"PERFORM pg_advisory_xact_lock(hashtext('{Lock.DISPOSAL}'))"

_HELD: Final = """
    EXISTS (
        SELECT FROM evidence_legalhold AS hold
        WHERE hold.system_id = kept.system_id AND kept.started_at >= hold.period_from
        AND (hold.period_to IS NULL OR kept.started_at < hold.period_to)
        AND NOT EXISTS (SELECT FROM evidence_legalholdrelease AS release WHERE release.hold_id = hold.id))
"""

_DROP_MONTH: Final = f"""
CREATE OR REPLACE FUNCTION tracebinder_drop_span_partition(month date, actor text, reason text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    first_day date := date_trunc('month', month)::date;
    lower_bound timestamptz := first_day::timestamp AT TIME ZONE 'UTC';
    upper_bound timestamptz := (first_day + interval '1 month')::timestamp AT TIME ZONE 'UTC';
    partition_name text := 'evidence_span_' || to_char(first_day, 'YYYY_MM');
    held boolean;
    record_id bigint;
BEGIN
    IF upper_bound > now() - interval '{MIN_AGE_DAYS} days' THEN
        RAISE EXCEPTION '% is kept: it ended less than {MIN_AGE_DAYS} days ago', partition_name
            USING ERRCODE = 'restrict_violation';
    END IF;
    PERFORM set_config('lock_timeout', '5s', true);  -- ingest must not queue up behind a long reader
    {_TAKE_LOCK};
    EXECUTE format('LOCK TABLE public.%I IN SHARE MODE', partition_name);
    EXECUTE format('SELECT EXISTS (SELECT FROM public.%I AS kept WHERE {_HELD})', partition_name) INTO held;
    IF held THEN
        RAISE EXCEPTION '% is kept: it holds spans under a legal hold', partition_name
            USING ERRCODE = 'restrict_violation';
    END IF;
    EXECUTE format('
        INSERT INTO evidence_disposal (kind, subject, period_from, period_to, n_items, digest, reason, disposed_by,
            disposed_at)
        SELECT ''spans'', %L, %L, %L, coalesce(sum(hourly.n), 0),
            encode(sha256(convert_to(coalesce(string_agg(hourly.digest, '','' ORDER BY hourly.hour), ''''),
                ''UTF8'')), ''hex''), %L, %L, now()
        FROM (
            SELECT date_trunc(''hour'', started_at, ''UTC'') AS hour, count(*) AS n,
                encode(sha256(convert_to(string_agg(digest, '','' ORDER BY digest COLLATE "C"), ''UTF8'')), ''hex'')
                    AS digest
            FROM public.%I GROUP BY 1
        ) AS hourly
        RETURNING id', partition_name, lower_bound, upper_bound, reason, actor, partition_name) INTO record_id;
    -- What bound them is still in the log, and stays provable: with the leaves of what is gone.
    EXECUTE format('
        INSERT INTO evidence_disposedrows (disposal_id, bound_in, bucket, leaves)
        SELECT %L::bigint, one.xact_id, one.id / {BUCKET}, string_agg({{leaf}}, ''''::bytea ORDER BY one.id)
        FROM public.%I AS one GROUP BY 2, 3', record_id, partition_name);
    EXECUTE format('DROP TABLE public.%I', partition_name);
    RETURN record_id;
END $$;
"""


def guard_functions() -> dict[str, str]:
    """Return, by signature, what must be there before the triggers can name it."""
    return {"tracebinder_erased(jsonb)": _ERASED_FORM, f"{GUARD_FUNCTION}()": _GUARD}


def commitment_functions(tables: Collection[str]) -> dict[str, str]:
    """Return, by signature, what a row's payload commits to, for each of these tables whose rows carry a salt."""
    return {
        f"tracebinder_commitment({model._meta.db_table})": f"""
CREATE OR REPLACE FUNCTION tracebinder_commitment(one {model._meta.db_table}) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN {schema_of(model).commitment_sql("one")};
END $$;
"""
        for model in (each.model for each in ERASABLE)
        if issubclass(model, ErasableModel) and model._meta.db_table in tables
    }


def reading_functions() -> dict[str, str]:
    """Return, by signature, what a plan of an erasure asks, with the rights of whoever asks it."""
    return {**copy_functions(), "tracebinder_rows_of(bigint, uuid)": _rows_sql()}


def guard_arguments(model: type[models.Model]) -> tuple[str, ...] | None:
    """Return what the trigger of a table whose payload can be erased says to the guard; None for any other."""
    found = next((one for one in ERASABLE if one.model is model), None)
    return None if found is None else (found.trace_of, *found.columns)


def private_functions() -> dict[str, str]:
    """Return, by signature, the functions that only the runtime role may call."""
    return {
        "tracebinder_make_span_partition(date)": MAKE_MONTH,
        "tracebinder_stray_months(timestamptz)": STRAY_MONTHS,
        "tracebinder_drop_span_partition(date, text, text)": _drop_month_sql(),
        "tracebinder_erase_trace(bigint, uuid, text, text)": _erase_sql(),
    }


def _drop_month_sql() -> str:
    """Return the function that drops a month; the SQL of the leaf stands in a text that is formatted in turn."""
    leaf = schema_of(Span).leaf_sql("one").replace("'", "''").replace("%", "%%")
    return _DROP_MONTH.replace("{leaf}", leaf)


def _rows_sql() -> str:
    """Return the function that counts the rows of a trace, by table: for a plan."""
    counts = " UNION ALL ".join(
        f"SELECT '{one.model._meta.db_table}'::text, count(*) FROM {one.model._meta.db_table} WHERE {one.rows}"
        for one in ERASABLE
    )
    return f"""
CREATE OR REPLACE FUNCTION tracebinder_rows_of(erased_system bigint, erased_trace uuid)
RETURNS TABLE (table_name text, n bigint) LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY {counts};
END $$;
"""


def _erase_sql() -> str:
    updates = "\n".join(f"    {_update_sql(one)};" for one in ERASABLE)
    return f"""
CREATE OR REPLACE FUNCTION tracebinder_erase_trace(erased_system bigint, erased_trace uuid, reason text, actor text)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE
    record_id bigint;
    found jsonb;
BEGIN
    {_TAKE_LOCK};
    IF EXISTS (
        SELECT FROM (
            SELECT system_id, started_at FROM evidence_span WHERE {OWN_ROWS}
            UNION ALL SELECT system_id, started_at FROM evidence_trace WHERE {OWN_ROWS}
        ) AS kept WHERE {_HELD}
    ) THEN
        RAISE EXCEPTION 'trace % is kept: it is under a legal hold', erased_trace
            USING ERRCODE = 'restrict_violation';
    END IF;
    SELECT coalesce(jsonb_object_agg(table_name, row_ids), '{{}}') INTO found FROM (
        SELECT table_name, jsonb_agg(row_id ORDER BY row_id) AS row_ids
        FROM tracebinder_copies_of(erased_system, erased_trace, '{{}}') WHERE kept_for IS NULL GROUP BY table_name
    ) AS copied;
    INSERT INTO evidence_erasure (system_id, trace_id, reason, erased_by, n_spans, copies, transaction_id, erased_at)
    SELECT erased_system, erased_trace, $3, $4, count(*), found, tracebinder_xact_id(), now()
    FROM evidence_span WHERE {OWN_ROWS}
    RETURNING id INTO record_id;
{updates}
    RETURN record_id;
END $$;
"""


def _update_sql(one: Erasable) -> str:
    """Return the UPDATE that puts each payload column of the trace's rows into its erased form."""
    changes = []
    for column in one.columns:
        is_json = isinstance(one.model._meta.get_field(column), models.JSONField)
        erased = f"tracebinder_erased(to_jsonb({column}))"
        changes.append(f"{column} = {erased}" + ("" if is_json else " #>> '{}'"))
    table, rows = one.model._meta.db_table, one.rows
    if issubclass(one.model, ErasableModel):
        changes += [f"payload_commitment = tracebinder_commitment({table}.*)", "payload_salt = NULL"]
    if table in COPIED_INTO:
        rows = f"({rows}) OR id IN (SELECT jsonb_array_elements_text(found -> '{table}')::bigint)"
    return f"UPDATE {table} SET {', '.join(changes)} WHERE {rows}"
