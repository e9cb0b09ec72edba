"""What a probe worker may do in the database: claim a run, end it with what it found, or give it back. Nothing else.

Its role holds no right on any table. These functions run as the owner; each sets the actor, the time, the system and
the verb of the events it writes, so that a worker can say nothing in another's name. A claim answers with what the run
asks and with a key; whoever shows no key, or that of another attempt, changes nothing. Why so:
docs/decisions/0032-what-a-probe-worker-may.md.
"""

from __future__ import annotations

from typing import Final

from evidence.event_rules import AS_OWNER
from evidence.locks import Lock
from evidence.models.work import MAX_ATTEMPTS, LeasedWork

ACTOR: Final = "system:interpret"
ERROR_LENGTH: Final = 4000  # characters
LONGEST_LEASE: Final = 24 * 60 * 60  # seconds
TABLES: Final = frozenset({"interpret_proberun", "interpret_finding"})  # which must be there first

_State = LeasedWork.State
_KEY_DIGEST: Final = "encode(sha256(convert_to({key}, 'UTF8')), 'hex')"

_RECORD_EVENT: Final = f"""
CREATE OR REPLACE FUNCTION tracebinder_record_probe_event(
    run bigint, verb text, kind text, key bigint, digest text, details text
) RETURNS void LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    owner bigint;
BEGIN
    SELECT spec.system_id INTO STRICT owner FROM interpret_proberun AS attempt
    JOIN interpret_probespec AS spec ON spec.id = attempt.spec_id WHERE attempt.id = run;
    PERFORM tracebinder_record_event(owner, '{ACTOR}', verb, kind, key::text, digest, details);
END $$;
"""  # noqa: S608  # composed of constants alone

_RECORD_RUN_EVENT: Final = """
CREATE OR REPLACE FUNCTION tracebinder_record_run_event(run bigint, verb text, details text) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    asked text;
    attempt integer;
BEGIN
    SELECT version.digest, ours.attempts INTO STRICT asked, attempt FROM interpret_proberun AS ours
    JOIN interpret_probespec AS spec ON spec.id = ours.spec_id
    JOIN evidence_artefactversion AS version ON version.id = spec.artefact_version_id WHERE ours.id = run;
    PERFORM tracebinder_record_probe_event(
        run, verb, 'interpret.ProbeRun', run, asked, format('{"attempt":%s,%s}', attempt, details));
END $$;
"""

_END_ATTEMPT: Final = f"""
CREATE OR REPLACE FUNCTION tracebinder_end_probe_attempt(
    run bigint, lease_key text, outcome text, why text, OUT attempt interpret_proberun
) LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE interpret_proberun AS ended
    SET state = outcome, error = left(why, {ERROR_LENGTH}), finished_at = clock_timestamp(), lease_until = NULL,
        lease_digest = ''
    WHERE ended.id = run AND ended.state = '{_State.RUNNING}'
    AND ended.lease_digest = {_KEY_DIGEST.format(key="lease_key")}
    RETURNING ended.* INTO attempt;
END $$;
"""  # noqa: S608  # composed of constants alone

_CLAIM: Final = f"""
CREATE OR REPLACE FUNCTION tracebinder_claim_probe_run(run bigint, worker text, lease_seconds integer)
RETURNS TABLE (
    lease_key text, attempt integer, probe text, parameters jsonb, seed bigint, model_digest text,
    specification_digest text, dataset_digest text, dataset_blob text, dataset_removed_at timestamptz
) {AS_OWNER} AS $$
#variable_conflict use_column
DECLARE
    new_key text := gen_random_uuid()::text;
    taken_at timestamptz := clock_timestamp();
    taken interpret_proberun;
BEGIN
    UPDATE interpret_proberun AS claimed
    SET state = '{_State.RUNNING}', attempts = claimed.attempts + 1, worker = left($2, 200), started_at = taken_at,
        lease_until = taken_at + make_interval(secs => least(greatest($3, 1), {LONGEST_LEASE})),
        lease_digest = {_KEY_DIGEST.format(key="new_key")}
    WHERE claimed.id = $1 AND claimed.attempts < {MAX_ATTEMPTS} AND (claimed.state = '{_State.QUEUED}'
        OR (claimed.state = '{_State.RUNNING}' AND claimed.lease_until < taken_at))
    RETURNING claimed.* INTO taken;
    IF taken.id IS NULL THEN
        RETURN;
    END IF;
    PERFORM tracebinder_record_run_event(taken.id, 'probe_run.started', format('"worker":%s', to_json(taken.worker)));
    RETURN QUERY
    SELECT new_key, taken.attempts::integer, spec.probe::text, spec.parameters, spec.seed, model.digest::text,
        asked.digest::text, dataset.digest::text, dataset.blob_id::text, removal.created_at
    FROM interpret_probespec AS spec
    JOIN evidence_artefactversion AS model ON model.id = spec.model_version_id
    JOIN evidence_artefactversion AS asked ON asked.id = spec.artefact_version_id
    LEFT JOIN evidence_artefactversion AS dataset ON dataset.id = spec.dataset_version_id
    LEFT JOIN evidence_blobremoval AS removal ON removal.blob_id = dataset.blob_id
    WHERE spec.id = taken.spec_id;
END $$;
"""  # noqa: S608  # composed of constants alone

# Runs on one model are counted as they are first claimed; of those that ended before this was counted, all came before.
_HISTORY: Final = f"""
CREATE OR REPLACE FUNCTION tracebinder_probe_history(
    run bigint, lease_key text, OUT runs_before integer, OUT found_before integer
) {AS_OWNER} AS $$
#variable_conflict use_column
DECLARE
    owner bigint;
    model_digest text;
BEGIN
    SELECT spec.system_id, model.digest INTO owner, model_digest FROM interpret_proberun AS ours
    JOIN interpret_probespec AS spec ON spec.id = ours.spec_id
    JOIN evidence_artefactversion AS model ON model.id = spec.model_version_id
    WHERE ours.id = $1 AND ours.state = '{_State.RUNNING}' AND ours.lease_digest = {_KEY_DIGEST.format(key="$2")};
    IF owner IS NULL THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('{Lock.PROBE_HISTORY}'), hashtext(owner::text || model_digest));
    UPDATE interpret_proberun AS ours SET runs_before = counted.runs, found_before = counted.found
    FROM (
        SELECT greatest(
            1 + coalesce(max(other.runs_before), -1),
            count(DISTINCT other.id) FILTER (
                WHERE other.runs_before IS NULL AND other.state IN ('{_State.DONE}', '{_State.FAILED}')
            )
        ) AS runs, count(finding.id) FILTER (
            WHERE finding.status = 'supported' AND finding.verdict IS NOT NULL
        ) AS found
        FROM interpret_proberun AS other
        JOIN interpret_probespec AS spec ON spec.id = other.spec_id AND spec.system_id = owner
        JOIN evidence_artefactversion AS model ON model.id = spec.model_version_id AND model.digest = model_digest
        LEFT JOIN interpret_finding AS finding ON finding.run_id = other.id
        WHERE other.id <> $1
    ) AS counted WHERE ours.id = $1 AND ours.runs_before IS NULL;
    SELECT ours.runs_before, ours.found_before INTO runs_before, found_before
    FROM interpret_proberun AS ours WHERE ours.id = $1;
END $$;
"""  # noqa: S608  # composed of constants alone

# A finding is taken by the names of the table's columns; whose it is and when it was observed it does not say itself.
_FINISH: Final = f"""
CREATE OR REPLACE FUNCTION tracebinder_finish_probe_run(
    run bigint, lease_key text, findings jsonb, forward_passes bigint
) RETURNS boolean {AS_OWNER} AS $$
DECLARE
    ended interpret_proberun := tracebinder_end_probe_attempt(run, lease_key, '{_State.DONE}', '');
    said jsonb;
    finding interpret_finding;
BEGIN
    IF ended.id IS NULL THEN
        RETURN false;
    END IF;
    FOR said IN SELECT value FROM jsonb_array_elements(findings) LOOP
        finding := jsonb_populate_record(NULL::interpret_finding, said || jsonb_build_object(
            'id', nextval(pg_get_serial_sequence('interpret_finding', 'id')), 'run_id', ended.id,
            'observed_at', ended.started_at, 'xact_id', tracebinder_xact_id()));
        INSERT INTO interpret_finding VALUES (finding.*);
        PERFORM tracebinder_record_probe_event(
            ended.id, 'finding.recorded', 'interpret.Finding', finding.id, finding.digest, '');
    END LOOP;
    PERFORM tracebinder_record_run_event(ended.id, 'probe_run.finished', format(
        '"findings":%s,"forward_passes":%s', jsonb_array_length(findings), forward_passes));
    RETURN true;
END $$;
"""  # noqa: S608  # composed of constants alone

_FAIL: Final = f"""
CREATE OR REPLACE FUNCTION tracebinder_fail_probe_run(run bigint, lease_key text, error text)
RETURNS boolean {AS_OWNER} AS $$
DECLARE
    ended interpret_proberun := tracebinder_end_probe_attempt(run, lease_key, '{_State.FAILED}', error);
BEGIN
    IF ended.id IS NULL THEN
        RETURN false;
    END IF;
    PERFORM tracebinder_record_run_event(ended.id, 'probe_run.failed', format('"error":%s', to_json(ended.error)));
    RETURN true;
END $$;
"""

# What passes by itself: the attempt does not count.
_PUT_BACK: Final = f"""
CREATE OR REPLACE FUNCTION tracebinder_put_back_probe_run(run bigint, lease_key text, error text)
RETURNS boolean {AS_OWNER} AS $$
DECLARE
    ended interpret_proberun := tracebinder_end_probe_attempt(run, lease_key, '{_State.QUEUED}', error);
BEGIN
    IF ended.id IS NULL THEN
        RETURN false;
    END IF;
    PERFORM tracebinder_record_run_event(
        ended.id, 'probe_run.postponed', format('"error":%s', to_json(ended.error)));
    UPDATE interpret_proberun SET attempts = attempts - 1 WHERE id = ended.id;
    RETURN true;
END $$;
"""  # noqa: S608  # composed of constants alone

# In the order in which they can be made.
STEPS: Final = {  # which only those below call
    "tracebinder_record_probe_event(bigint, text, text, bigint, text, text)": _RECORD_EVENT,
    "tracebinder_record_run_event(bigint, text, text)": _RECORD_RUN_EVENT,
    "tracebinder_end_probe_attempt(bigint, text, text, text)": _END_ATTEMPT,
}
PROBE_FUNCTIONS: Final = {  # which a worker calls
    "tracebinder_claim_probe_run(bigint, text, integer)": _CLAIM,
    "tracebinder_probe_history(bigint, text)": _HISTORY,
    "tracebinder_finish_probe_run(bigint, text, jsonb, bigint)": _FINISH,
    "tracebinder_fail_probe_run(bigint, text, text)": _FAIL,
    "tracebinder_put_back_probe_run(bigint, text, text)": _PUT_BACK,
}
