"""Where a trace's words lie in rows that are not its own, as PostgreSQL finds them.

Samples without a trace, refused samples and refused files hold copies of what somebody asked and was told. They are
found by the trace's id, and by its words: question, answer, claims and corrected answers of some length that no other
trace has. The function that erases decides by this which rows beside the trace's own it may overwrite; nobody can name
it others. A plan asks the same (docs/decisions/0022-exact-erasure.md).
"""

# ruff: noqa: S608  # SQL composed of constants of this file; nobody's input is in it

from __future__ import annotations

from typing import Final

MIN_WORDS: Final = 12  # characters: a shorter text is found in too much that is somebody else's
COPIED_INTO: Final = ("evidence_reject", "evidence_evalsample")

_OWN: Final = "system_id = erased_system AND trace_id = erased_trace"

# PL/pgSQL, and not SQL, because that is checked when it runs: these are made beside older schemas, too.
# Words with the first other trace that has them too. `gone` are traces that are erased before this one.
_WORDS: Final = f"""
CREATE OR REPLACE FUNCTION tracebinder_words_of(erased_system bigint, erased_trace uuid, gone uuid[])
RETURNS TABLE (words text, shared_with uuid) LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY WITH own AS (SELECT id, question, answer, exchanges FROM evidence_trace WHERE {_OWN}),
    said AS (
        SELECT question AS words FROM own UNION SELECT answer FROM own
        UNION SELECT told #>> '{{}}' FROM own, jsonb_path_query(exchanges, '$[*].*.**.text') AS told
        UNION SELECT text FROM evidence_claim WHERE trace_id IN (SELECT id FROM own)
        UNION SELECT review.corrected_answer FROM evidence_review AS review
            JOIN evidence_reviewtask AS task ON task.id = review.task_id WHERE task.trace_id IN (SELECT id FROM own)
        UNION SELECT settled.corrected_answer FROM evidence_adjudication AS settled
            JOIN evidence_reviewtask AS task ON task.id = settled.task_id WHERE task.trace_id IN (SELECT id FROM own))
    SELECT said.words, (
        SELECT other.trace_id FROM evidence_trace AS other
        WHERE (other.system_id, other.trace_id) <> (erased_system, erased_trace) AND other.trace_id <> ALL(gone)
            AND (strpos(other.question, said.words) > 0 OR strpos(other.answer, said.words) > 0)
        ORDER BY other.id LIMIT 1)
    FROM said WHERE length(said.words) >= {MIN_WORDS} AND said.words <> '[erased]';
END $$;
"""

# `kept_for`: the row stays, because it is that trace's own, or says no word that this trace does not say as well.
_COPIES: Final = """
CREATE OR REPLACE FUNCTION tracebinder_copies_of(erased_system bigint, erased_trace uuid, gone uuid[])
RETURNS TABLE (table_name text, row_id bigint, kept_for uuid) LANGUAGE plpgsql STABLE
SET search_path = public, pg_temp AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY WITH words AS MATERIALIZED (
        SELECT words AS plain, substr(to_jsonb(words)::text, 2, length(to_jsonb(words)::text) - 2) AS escaped,
            shared_with
        FROM tracebinder_words_of(erased_system, erased_trace, gone)),
    elsewhere AS (
        SELECT 'evidence_reject' AS table_name, id AS row_id,
            CASE WHEN trace_id ~ '^[0-9a-f]{32}$' THEN trace_id::uuid END AS owner,
            coalesce(item::text, '') || chr(10) || detail AS content
        FROM evidence_reject WHERE system_id = erased_system
            OR (system_id IS NULL AND batch_id IN (
                SELECT id FROM evidence_ingestbatch WHERE erased_system = ANY(system_ids)))
        UNION ALL SELECT 'evidence_evalsample', sample.id, sample.trace_id,
            concat_ws(chr(10), sample.explanation, sample.input, sample.output, sample.target)
        FROM evidence_evalsample AS sample JOIN evidence_evalrun AS run ON run.id = sample.run_id
        WHERE run.system_id = erased_system
        UNION ALL SELECT 'evidence_review', review.id, trace.trace_id,
            concat_ws(chr(10), review.rationale, review.corrected_answer)
        FROM evidence_review AS review JOIN evidence_reviewtask AS task ON task.id = review.task_id
            JOIN evidence_trace AS trace ON trace.id = task.trace_id WHERE trace.system_id = erased_system
        UNION ALL SELECT 'evidence_adjudication', judged.id, trace.trace_id,
            concat_ws(chr(10), judged.rationale, judged.corrected_answer)
        FROM evidence_adjudication AS judged JOIN evidence_reviewtask AS task ON task.id = judged.task_id
            JOIN evidence_trace AS trace ON trace.id = task.trace_id WHERE trace.system_id = erased_system),
    found AS (
        SELECT elsewhere.table_name, elsewhere.row_id, elsewhere.owner, words.shared_with
        FROM elsewhere JOIN words ON strpos(content, words.plain) > 0 OR strpos(content, words.escaped) > 0
        WHERE owner IS DISTINCT FROM erased_trace AND NOT coalesce(owner = ANY(gone), false)
        UNION ALL SELECT table_name, row_id, NULL, NULL FROM elsewhere
        WHERE owner IS NULL AND lower(content) LIKE ANY(ARRAY[
            '%' || erased_trace::text || '%', '%' || replace(erased_trace::text, '-', '') || '%']))
    SELECT table_name, row_id, CASE
        WHEN bool_or(owner IS NULL AND shared_with IS NULL) THEN NULL
        ELSE coalesce((array_agg(owner ORDER BY owner))[1], (array_agg(shared_with ORDER BY shared_with))[1]) END
    FROM found WHERE owner IS NULL OR shared_with IS NULL
    GROUP BY table_name, row_id ORDER BY table_name, row_id;
END $$;
"""


def copy_functions() -> dict[str, str]:
    """Return, by signature, the functions that find copies. They read with the rights of whoever asks."""
    return {
        "tracebinder_words_of(bigint, uuid, uuid[])": _WORDS,
        "tracebinder_copies_of(bigint, uuid, uuid[])": _COPIES,
    }
