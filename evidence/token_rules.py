"""What PostgreSQL lets nobody do with a token: rows and log entries call it by its prefix, for ever.

Nor does one that somebody else issued, and whose text they read, become one that its owner made. That column is read as
JSON, because a database that is taken back to a version of before has none.
"""

from __future__ import annotations

from typing import Final

KEEP_TOKEN: Final = "tracebinder_keep_token"  # noqa: S105  # the function, and the trigger that calls it

KEEP_TOKEN_SQL: Final = f"""
CREATE OR REPLACE FUNCTION {KEEP_TOKEN}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR (OLD.id, OLD.prefix, OLD.owner_id) IS DISTINCT FROM (NEW.id, NEW.prefix, NEW.owner_id)
        OR to_jsonb(OLD) -> 'is_own' IS DISTINCT FROM to_jsonb(NEW) -> 'is_own' THEN
        RAISE EXCEPTION 'a token keeps its prefix, its owner and who made it: % refused. Revoke it instead.', TG_OP
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
"""
