"""What PostgreSQL lets nobody do with a token: rows and log entries call it by its prefix, for ever.

Nor does one that somebody else issued, and whose text they read, become one that its owner made; nor does it open for
another text for a while, or for more, or longer. So it keeps all but its end and its last use. Rows are compared as
JSON, because a database that is taken back to a version of before lacks some columns.
"""

from __future__ import annotations

from typing import Final

KEEP_TOKEN: Final = "tracebinder_keep_token"  # noqa: S105  # the function, and the trigger that calls it

_CHANGES: Final = ("revoked_at", "last_used_at", "last_used_for")  # and nothing else

KEEP_TOKEN_SQL: Final = f"""
CREATE OR REPLACE FUNCTION {KEEP_TOKEN}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR to_jsonb(OLD) - '{{{", ".join(_CHANGES)}}}'::text[]
        IS DISTINCT FROM to_jsonb(NEW) - '{{{", ".join(_CHANGES)}}}'::text[] THEN
        RAISE EXCEPTION 'a token keeps its text, its owner, who made it and what for: % refused. Revoke it instead.',
            TG_OP USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
"""
