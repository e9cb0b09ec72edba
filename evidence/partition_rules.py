"""The functions that make months of the span table, with the rights of its owner.

The runtime role may not create tables, yet beat must make next month's partition. What a sender dates in a month that
has none lies in the default partition, which retention never drops: one such span would keep its month from ever
getting a partition, and so out of retention for every system. So the spans of a month move into its partition when it
is made. A span is the same row before and after; the guard against DELETE is lifted for the default partition alone,
in the transaction that holds a lock on it.
"""

from __future__ import annotations

from typing import Final

from evidence.locks import Lock

MAKE_MONTH: Final = f"""
CREATE OR REPLACE FUNCTION tracebinder_make_span_partition(month date) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    first_day date := date_trunc('month', month)::date;
    lower_bound timestamptz := first_day::timestamp AT TIME ZONE 'UTC';
    upper_bound timestamptz := (first_day + interval '1 month')::timestamp AT TIME ZONE 'UTC';
    partition_name text := 'evidence_span_' || to_char(first_day, 'YYYY_MM');
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('{Lock.SPAN_PARTITION}'));
    IF to_regclass('public.' || partition_name) IS NOT NULL THEN
        RETURN 'present';
    END IF;
    PERFORM set_config('lock_timeout', '5s', true);  -- ingest must not queue up behind a long reader
    LOCK TABLE ONLY evidence_span_default IN ACCESS EXCLUSIVE MODE;
    IF NOT EXISTS (
        SELECT FROM evidence_span_default WHERE started_at >= lower_bound AND started_at < upper_bound
    ) THEN
        EXECUTE format('CREATE TABLE public.%I PARTITION OF public.evidence_span FOR VALUES FROM (%L) TO (%L)',
                       partition_name, lower_bound, upper_bound);
        RETURN 'made';
    END IF;
    EXECUTE format('CREATE TABLE public.%I (LIKE public.evidence_span INCLUDING DEFAULTS INCLUDING STORAGE
                   INCLUDING COMPRESSION INCLUDING CONSTRAINTS)', partition_name);
    EXECUTE format('INSERT INTO public.%I SELECT * FROM public.evidence_span_default
                   WHERE started_at >= %L AND started_at < %L', partition_name, lower_bound, upper_bound);
    ALTER TABLE evidence_span_default DISABLE TRIGGER USER;
    DELETE FROM evidence_span_default WHERE started_at >= lower_bound AND started_at < upper_bound;
    ALTER TABLE evidence_span_default ENABLE TRIGGER USER;
    EXECUTE format('ALTER TABLE public.evidence_span ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)',
                   partition_name, lower_bound, upper_bound);
    RETURN 'moved';
END $$;
"""  # noqa: S608  # composed of a lock's name alone

STRAY_MONTHS: Final = """
CREATE OR REPLACE FUNCTION tracebinder_stray_months(until timestamptz) RETURNS SETOF date
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT DISTINCT date_trunc('month', started_at, 'UTC')::date FROM evidence_span_default
    WHERE started_at < until ORDER BY 1
$$;
"""
