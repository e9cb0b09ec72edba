"""What PostgreSQL lets nobody do with a token: rows and log entries call it by its prefix, for ever."""

from __future__ import annotations

from typing import Final

KEEP_TOKEN: Final = "tracebinder_keep_token"  # noqa: S105  # the function, and the trigger that calls it

KEEP_TOKEN_SQL: Final = f"""
CREATE OR REPLACE FUNCTION {KEEP_TOKEN}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR (OLD.id, OLD.prefix, OLD.owner_id) IS DISTINCT FROM (NEW.id, NEW.prefix, NEW.owner_id) THEN
        RAISE EXCEPTION 'a token stays on record with its prefix and owner: % refused. Revoke it instead.', TG_OP
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
"""
