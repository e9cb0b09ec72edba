"""Audit events that the database itself writes, for roles that may insert none: it sets who did what.

`evidence.probe_rules` has those of probe workers. Here is what all of them share, and the acts of the log worker. Its
role may read events and insert none (`evidence.table_rules`), so that whoever takes that process says nothing in
another's name. What somebody at the machine has it do on purpose goes on record by a function.
"""

from __future__ import annotations

from typing import Final

LOG_KEY_ROTATED: Final = "log_key.rotated"
LOG_RESUMED: Final = "log.resumed"
ACTOR: Final = "system:command-line"  # whom `evidence.access.principal_of_command_line` returns
AS_OWNER: Final = "LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp"

# Bytes as `evidence.services.audit` makes them: RFC 8785, whose escapes of these texts `to_json` has, too.
_RECORD_EVENT: Final = """
CREATE OR REPLACE FUNCTION tracebinder_record_event(
    owner bigint, actor text, verb text, kind text, key text, digest text, details text
) RETURNS uuid LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    number uuid := gen_random_uuid();
    happened timestamptz := clock_timestamp();
    salt bytea := sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));
    commitment text := '';
    named text := (SELECT system.key FROM evidence_system AS system WHERE system.id = owner);
    event bigint;
BEGIN
    IF details <> '' THEN
        commitment := encode(sha256('\\x00'::bytea || salt || convert_to(details, 'UTF8')), 'hex');
    END IF;
    INSERT INTO evidence_auditevent (event_uuid, system_id, actor, verb, object_type, object_id, object_digest,
        payload_commitment, occurred_at, entry)
    VALUES (number, owner, actor, verb, kind, key, digest, commitment, happened, convert_to(format(
        '{"actor":%s,"event":%s,"object":{"digest":%s,"id":%s,"type":%s},"occurred_at":%s,'
        '"payload_commitment":%s,"system":%s,"verb":%s}', to_json(actor), to_json(number), to_json(digest),
        to_json(key), to_json(kind), to_json(replace(
            to_char(happened AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), '.000000', '') || '+00:00'),
        to_json(commitment), coalesce(to_json(named), 'null'), to_json(verb)), 'UTF8'))
    RETURNING id INTO event;
    IF details <> '' THEN
        INSERT INTO evidence_auditpayload (event_id, salt, payload)
        VALUES (event, salt, convert_to(details, 'UTF8'));
    END IF;
    RETURN number;
END $$;
"""

_RECORD_LOG_ACT: Final = f"""
CREATE OR REPLACE FUNCTION tracebinder_record_log_act(verb text, kind text, key bigint, digest text, details text)
RETURNS uuid {AS_OWNER} AS $$
BEGIN
    IF verb NOT IN ('{LOG_KEY_ROTATED}', '{LOG_RESUMED}') OR kind NOT IN ('evidence.Checkpoint', 'evidence.AuditEvent')
    THEN
        RAISE EXCEPTION 'no act of the log worker: % of %', verb, kind USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN tracebinder_record_event(NULL, '{ACTOR}', verb, kind, key::text, digest, details);
END $$;
"""

# In the order in which they can be made.
STEPS: Final = {  # which only functions call
    "tracebinder_record_event(bigint, text, text, text, text, text, text)": _RECORD_EVENT,
}
LOG_FUNCTIONS: Final = {  # which the log worker calls
    "tracebinder_record_log_act(text, text, bigint, text, text)": _RECORD_LOG_ACT,
}
