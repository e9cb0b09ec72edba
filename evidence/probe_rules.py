"""What a probe worker may do in the database: claim work of a run, end it with what it gave, or give it back.

Its role holds no right on any table. These functions run as the owner; each sets the actor, the time, the system and
the verb of the events it writes, so that a worker can say nothing in another's name. A claim answers with what the run
asks and with a key; whoever shows no key, or that of another attempt, changes nothing. Why so:
docs/decisions/0032-what-a-probe-worker-may.md.

Whoever claims a run first plans it: names its parts. Each part is claimed by itself, by whatever worker is free, and
once all are measured, so is the report, a row like a part's without a name. Each function locks the run before its
parts, so what workers of one run do follows each other. Why so: docs/decisions/0075-a-run-shared-by-workers.md.
"""

from __future__ import annotations

from typing import Final

from evidence.event_rules import AS_OWNER
from evidence.locks import Lock
from evidence.models.work import MAX_ATTEMPTS, LeasedWork

ACTOR: Final = "system:interpret"
ERROR_LENGTH: Final = 4000  # characters
LONGEST_LEASE: Final = 24 * 60 * 60  # seconds
MAX_PARTS: Final = 10_000  # of a run
REPORT: Final = ""  # the name of the part that puts all others together
PLAN: Final = 0  # in place of the id of a part
TABLES: Final = frozenset(
    {"interpret_proberun", "interpret_probepart", "interpret_finding"}
)  # which must be there first

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

# Whose key it is: a part's, by its id, the plan's, or NULL: nobody's. Whoever asks has locked the run.
_HELD_WORK: Final = f"""
CREATE OR REPLACE FUNCTION tracebinder_held_probe_work(run bigint, lease_key text) RETURNS bigint
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    ours interpret_proberun;
BEGIN
    SELECT held.* INTO ours FROM interpret_proberun AS held
    WHERE held.id = $1 AND held.state = '{_State.RUNNING}' FOR UPDATE;
    IF ours.lease_digest = {_KEY_DIGEST.format(key="$2")} THEN
        RETURN {PLAN};
    END IF;
    RETURN (SELECT held.id FROM interpret_probepart AS held WHERE held.run_id = ours.id
        AND held.state = '{_State.RUNNING}' AND held.lease_digest = {_KEY_DIGEST.format(key="$2")});
END $$;
"""  # noqa: S608  # composed of constants alone

_END_ATTEMPT: Final = f"""
CREATE OR REPLACE FUNCTION tracebinder_end_probe_attempt(
    run bigint, lease_key text, outcome text, why text, OUT attempt interpret_proberun
) LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    work bigint := tracebinder_held_probe_work(run, lease_key);
    ended_at timestamptz := clock_timestamp();
BEGIN
    UPDATE interpret_probepart AS ended
    SET state = outcome, error = left(why, {ERROR_LENGTH}), finished_at = ended_at, lease_until = NULL,
        lease_digest = ''
    WHERE ended.id = work;
    UPDATE interpret_proberun AS ended
    SET state = outcome, error = left(why, {ERROR_LENGTH}), finished_at = ended_at, lease_until = NULL,
        lease_digest = ''
    WHERE ended.id = run AND work IS NOT NULL
    RETURNING ended.* INTO attempt;
END $$;
"""  # noqa: S608  # composed of constants alone

# A run is held as long as one of its parts is; beat sends one that nobody holds again.
_HOLD_RUN: Final = f"""
CREATE OR REPLACE FUNCTION tracebinder_hold_probe_run(run bigint) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE interpret_proberun AS ours SET lease_until = coalesce((
        SELECT max(part.lease_until) FROM interpret_probepart AS part
        WHERE part.run_id = ours.id AND part.state = '{_State.RUNNING}'), clock_timestamp())
    WHERE ours.id = run;
END $$;
"""  # noqa: S608  # composed of constants alone

# The plan, where the run is not planned yet; else a part, and the report once no part is left.
_TAKE: Final = f"""
CREATE OR REPLACE FUNCTION tracebinder_take_probe_work(
    run bigint, worker text, lease_seconds integer, new_key text
) RETURNS bigint LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    taken interpret_proberun;
    part bigint;
    taken_at timestamptz := clock_timestamp();
    until timestamptz := taken_at + make_interval(secs => least(greatest($3, 1), {LONGEST_LEASE}));
BEGIN
    SELECT ours.* INTO taken FROM interpret_proberun AS ours
    WHERE ours.id = $1 AND ours.state IN ('{_State.QUEUED}', '{_State.RUNNING}') FOR UPDATE;
    IF taken.planned_at IS NULL THEN
        UPDATE interpret_proberun AS claimed
        SET state = '{_State.RUNNING}', attempts = claimed.attempts + 1, worker = left($2, 200),
            started_at = taken_at, lease_until = until, lease_digest = {_KEY_DIGEST.format(key="$4")}
        WHERE claimed.id = taken.id AND claimed.attempts < {MAX_ATTEMPTS}
        AND (claimed.state = '{_State.QUEUED}' OR claimed.lease_until < taken_at)
        RETURNING claimed.* INTO taken;
        RETURN CASE WHEN taken.id IS NOT NULL THEN {PLAN} END;
    END IF;
    UPDATE interpret_probepart AS claimed
    SET state = '{_State.RUNNING}', attempts = claimed.attempts + 1, worker = left($2, 200),
        started_at = taken_at, lease_until = until, lease_digest = {_KEY_DIGEST.format(key="$4")}
    WHERE claimed.id = (
        SELECT free.id FROM interpret_probepart AS free WHERE free.run_id = taken.id
        AND free.attempts < {MAX_ATTEMPTS}
        AND (free.state = '{_State.QUEUED}' OR (free.state = '{_State.RUNNING}' AND free.lease_until < taken_at))
        AND (free.part <> '{REPORT}' OR NOT EXISTS (
            SELECT FROM interpret_probepart AS other
            WHERE other.run_id = taken.id AND other.part <> '{REPORT}' AND other.state <> '{_State.DONE}'))
        ORDER BY free.id LIMIT 1)
    RETURNING claimed.id INTO part;
    IF part IS NOT NULL THEN
        UPDATE interpret_proberun AS claimed
        SET state = '{_State.RUNNING}', worker = left($2, 200), started_at = taken_at WHERE claimed.id = taken.id;
        PERFORM tracebinder_hold_probe_run(taken.id);
    END IF;
    RETURN part;
END $$;
"""  # noqa: S608  # composed of constants alone

_GIVE_UP: Final = f"""
CREATE OR REPLACE FUNCTION tracebinder_give_up_probe_run(run bigint) RETURNS boolean
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    lost interpret_probepart;
    why text;
BEGIN
    SELECT part.* INTO lost FROM interpret_probepart AS part
    JOIN interpret_proberun AS ours ON ours.id = part.run_id AND ours.state = '{_State.RUNNING}'
    WHERE part.run_id = run AND part.state = '{_State.RUNNING}' AND part.lease_until < clock_timestamp()
    AND part.attempts >= {MAX_ATTEMPTS} ORDER BY part.id LIMIT 1;
    IF lost.id IS NULL THEN
        RETURN false;
    END IF;
    why := format('worker_lost: %s workers took %s and none of them finished it', lost.attempts,
        CASE lost.part WHEN '{REPORT}' THEN 'the report' ELSE format('the part %s', to_json(lost.part)) END);
    UPDATE interpret_probepart SET state = '{_State.FAILED}', error = why, finished_at = clock_timestamp(),
        lease_until = NULL, lease_digest = '' WHERE id = lost.id;
    UPDATE interpret_proberun SET state = '{_State.FAILED}', error = why, finished_at = clock_timestamp(),
        lease_until = NULL WHERE id = run;
    PERFORM tracebinder_record_run_event(run, 'probe_run.failed', format('"error":%s', to_json(why)));
    RETURN true;
END $$;
"""  # noqa: S608  # composed of constants alone

_CLAIM: Final = f"""
CREATE OR REPLACE FUNCTION tracebinder_claim_probe_work(run bigint, worker text, lease_seconds integer)
RETURNS TABLE (
    lease_key text, attempt integer, part text, measured jsonb, runs_before integer, found_before integer,
    probe text, parameters jsonb, seed bigint, model_digest text, specification_digest text, dataset_digest text,
    dataset_blob text, dataset_removed_at timestamptz
) {AS_OWNER} AS $$
#variable_conflict use_column
DECLARE
    new_key text := gen_random_uuid()::text;
    taken bigint := tracebinder_take_probe_work($1, $2, $3, new_key);
    ours interpret_proberun;
    work interpret_probepart;
    gave jsonb;
BEGIN
    IF taken IS NULL THEN
        PERFORM tracebinder_give_up_probe_run($1);
        RETURN;
    END IF;
    SELECT run.* INTO ours FROM interpret_proberun AS run WHERE run.id = $1;
    SELECT part.* INTO work FROM interpret_probepart AS part WHERE part.id = taken;
    IF taken = {PLAN} THEN
        PERFORM tracebinder_record_run_event(
            ours.id, 'probe_run.started', format('"worker":%s', to_json(ours.worker)));
    ELSIF work.part = '{REPORT}' THEN
        SELECT jsonb_agg(done.measured ORDER BY done.id) INTO gave FROM interpret_probepart AS done
        WHERE done.run_id = ours.id AND done.part <> '{REPORT}';
    END IF;
    RETURN QUERY
    SELECT new_key, coalesce(work.attempts, ours.attempts)::integer, work.part::text, gave, ours.runs_before::integer,
        ours.found_before::integer, spec.probe::text, spec.parameters, spec.seed, model.digest::text,
        asked.digest::text, dataset.digest::text, dataset.blob_id::text, removal.created_at
    FROM interpret_probespec AS spec
    JOIN evidence_artefactversion AS model ON model.id = spec.model_version_id
    JOIN evidence_artefactversion AS asked ON asked.id = spec.artefact_version_id
    LEFT JOIN evidence_artefactversion AS dataset ON dataset.id = spec.dataset_version_id
    LEFT JOIN evidence_blobremoval AS removal ON removal.blob_id = dataset.blob_id
    WHERE spec.id = ours.spec_id;
END $$;
"""  # noqa: S608  # composed of constants alone

# From here on each part has attempts of its own; what it took to plan counts no more.
_PLAN: Final = f"""
CREATE OR REPLACE FUNCTION tracebinder_plan_probe_run(run bigint, lease_key text, parts text[]) RETURNS boolean
{AS_OWNER} AS $$
BEGIN
    IF tracebinder_held_probe_work(run, lease_key) IS DISTINCT FROM {PLAN} THEN
        RETURN false;
    END IF;
    IF coalesce(cardinality(parts), 0) NOT BETWEEN 1 AND {MAX_PARTS} OR '{REPORT}' = ANY(parts) THEN
        RAISE EXCEPTION 'a run has 1 to {MAX_PARTS} parts, each with a name' USING ERRCODE = 'check_violation';
    END IF;
    INSERT INTO interpret_probepart (run_id, part, state, attempts, worker, error, lease_digest, queued_at)
    SELECT run, name, '{_State.QUEUED}', 0, '', '', '', clock_timestamp()
    FROM unnest(parts || '{REPORT}'::text) WITH ORDINALITY AS planned (name, place) ORDER BY place;
    UPDATE interpret_proberun SET planned_at = clock_timestamp(), attempts = 1, lease_digest = '' WHERE id = run;
    PERFORM tracebinder_hold_probe_run(run);
    RETURN true;
END $$;
"""  # noqa: S608  # composed of constants alone

_FINISH_PART: Final = f"""
CREATE OR REPLACE FUNCTION tracebinder_finish_probe_part(run bigint, lease_key text, measured jsonb) RETURNS boolean
{AS_OWNER} AS $$
#variable_conflict use_column
DECLARE
    work bigint := tracebinder_held_probe_work($1, $2);
BEGIN
    UPDATE interpret_probepart AS part
    SET state = '{_State.DONE}', measured = $3, error = '', finished_at = clock_timestamp(), lease_until = NULL,
        lease_digest = ''
    WHERE part.id = work AND part.part <> '{REPORT}';
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM tracebinder_hold_probe_run($1);
    RETURN true;
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
    work bigint := tracebinder_held_probe_work(run, lease_key);
    ended interpret_proberun;
    observed timestamptz;
    said jsonb;
    finding interpret_finding;
BEGIN
    IF NOT EXISTS (SELECT FROM interpret_probepart AS part WHERE part.id = work AND part.part = '{REPORT}') THEN
        RETURN false;
    END IF;
    ended := tracebinder_end_probe_attempt(run, lease_key, '{_State.DONE}', '');
    SELECT min(part.started_at) INTO observed FROM interpret_probepart AS part WHERE part.run_id = run;
    UPDATE interpret_probepart SET measured = NULL WHERE run_id = run;
    FOR said IN SELECT value FROM jsonb_array_elements(findings) LOOP
        finding := jsonb_populate_record(NULL::interpret_finding, said || jsonb_build_object(
            'id', nextval(pg_get_serial_sequence('interpret_finding', 'id')), 'run_id', ended.id,
            'observed_at', observed, 'xact_id', tracebinder_xact_id()));
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

# What passes by itself: the attempt does not count. A run whose other parts are being measured goes on.
_PUT_BACK: Final = f"""
CREATE OR REPLACE FUNCTION tracebinder_put_back_probe_run(run bigint, lease_key text, error text)
RETURNS boolean {AS_OWNER} AS $$
DECLARE
    why text := left($3, {ERROR_LENGTH});
    work bigint := tracebinder_held_probe_work($1, $2);
    is_measured boolean;
BEGIN
    IF work IS NULL THEN
        RETURN false;
    END IF;
    PERFORM tracebinder_record_run_event($1, 'probe_run.postponed', format('"error":%s', to_json(why)));
    UPDATE interpret_probepart AS part
    SET state = '{_State.QUEUED}', attempts = part.attempts - 1, error = why, lease_until = NULL, lease_digest = ''
    WHERE part.id = work;
    is_measured := EXISTS (
        SELECT FROM interpret_probepart AS part WHERE part.run_id = $1 AND part.state = '{_State.RUNNING}');
    UPDATE interpret_proberun AS ours
    SET state = CASE WHEN is_measured THEN '{_State.RUNNING}' ELSE '{_State.QUEUED}' END, error = why,
        attempts = ours.attempts - (work = {PLAN})::integer, finished_at = clock_timestamp(), lease_digest = ''
    WHERE ours.id = $1;
    PERFORM tracebinder_hold_probe_run($1);
    RETURN true;
END $$;
"""  # noqa: S608  # composed of constants alone

# In the order in which they can be made.
STEPS: Final = {  # which only those below call
    "tracebinder_record_probe_event(bigint, text, text, bigint, text, text)": _RECORD_EVENT,
    "tracebinder_record_run_event(bigint, text, text)": _RECORD_RUN_EVENT,
    "tracebinder_held_probe_work(bigint, text)": _HELD_WORK,
    "tracebinder_end_probe_attempt(bigint, text, text, text)": _END_ATTEMPT,
    "tracebinder_hold_probe_run(bigint)": _HOLD_RUN,
    "tracebinder_take_probe_work(bigint, text, integer, text)": _TAKE,
    "tracebinder_give_up_probe_run(bigint)": _GIVE_UP,
}
PROBE_FUNCTIONS: Final = {  # which a worker calls
    "tracebinder_claim_probe_work(bigint, text, integer)": _CLAIM,
    "tracebinder_probe_history(bigint, text)": _HISTORY,
    "tracebinder_plan_probe_run(bigint, text, text[])": _PLAN,
    "tracebinder_finish_probe_part(bigint, text, jsonb)": _FINISH_PART,
    "tracebinder_finish_probe_run(bigint, text, jsonb, bigint)": _FINISH,
    "tracebinder_fail_probe_run(bigint, text, text)": _FAIL,
    "tracebinder_put_back_probe_run(bigint, text, text)": _PUT_BACK,
}
