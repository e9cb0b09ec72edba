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
from evidence.models.work import MAX_ATTEMPTS, PATIENCE, LeasedWork

ACTOR: Final = "system:interpret"
ERROR_LENGTH: Final = 4000  # characters
LONGEST_LEASE: Final = 24 * 60 * 60  # seconds
MAX_PARTS: Final = 1_000  # of a run
REPORT: Final = ""  # the name of the part that puts all others together
PLAN: Final = 0  # in place of the id of a part
ENDED_WITH_RUN: Final = "the run was ended before it was measured"
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

# Whose key it is: a part's, by its id, the plan's, or NULL: nobody's, and then nothing is locked. Else the run is.
_HELD_WORK: Final = f"""
CREATE OR REPLACE FUNCTION tracebinder_held_probe_work(run bigint, lease_key text) RETURNS bigint
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    shown text := {_KEY_DIGEST.format(key="$2")};
BEGIN
    PERFORM FROM interpret_proberun AS ours WHERE ours.id = $1 AND (ours.lease_digest = shown OR EXISTS (
        SELECT FROM interpret_probepart AS part WHERE part.run_id = $1 AND part.lease_digest = shown));
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    PERFORM FROM interpret_proberun AS ours WHERE ours.id = $1 FOR UPDATE;
    RETURN (
        SELECT CASE ours.lease_digest WHEN shown THEN {PLAN} ELSE part.id END FROM interpret_proberun AS ours
        LEFT JOIN interpret_probepart AS part ON part.run_id = ours.id AND part.lease_digest = shown
        WHERE ours.id = $1 AND ours.state = '{_State.RUNNING}');
END $$;
"""  # noqa: S608  # composed of constants alone

# What the parts gave stands in the findings, or is of no use any more.
_END_RUN: Final = f"""
CREATE OR REPLACE FUNCTION tracebinder_end_probe_run(run bigint, work bigint, outcome text, why text)
RETURNS interpret_proberun LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    told text := left(why, {ERROR_LENGTH});
    ended_at timestamptz := clock_timestamp();
    ended interpret_proberun;
BEGIN
    UPDATE interpret_probepart AS part
    SET state = CASE WHEN part.id = work THEN outcome WHEN part.state = '{_State.DONE}' THEN part.state
            ELSE '{_State.FAILED}' END,
        error = CASE WHEN part.id = work THEN told WHEN part.state = '{_State.DONE}' THEN ''
            ELSE '{ENDED_WITH_RUN}' END,
        finished_at = coalesce(part.finished_at, ended_at), lease_until = NULL, lease_digest = '', measured = ''
    WHERE part.run_id = run;
    UPDATE interpret_proberun AS ours
    SET state = outcome, error = told, finished_at = ended_at, lease_until = NULL, lease_digest = ''
    WHERE ours.id = run
    RETURNING ours.* INTO ended;
    RETURN ended;
END $$;
"""  # noqa: S608  # composed of constants alone

# A run is held as long as one of its parts is; beat sends one that nobody holds again.
_HOLD_RUN: Final = f"""
CREATE OR REPLACE FUNCTION tracebinder_hold_probe_run(run bigint, why text) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE interpret_proberun AS ours SET error = why, lease_until = coalesce((
        SELECT max(part.lease_until) FROM interpret_probepart AS part
        WHERE part.run_id = ours.id AND part.state = '{_State.RUNNING}'), clock_timestamp())
    WHERE ours.id = run;
END $$;
"""  # noqa: S608  # composed of constants alone

# What is free of a run: its plan, where it has none yet; else a part, and the report once no part is left. Or NULL.
_FREE: Final = f"""
CREATE OR REPLACE FUNCTION tracebinder_free_probe_work(run bigint) RETURNS bigint
LANGUAGE sql SET search_path = public, pg_temp AS $$
    SELECT CASE
        WHEN ours.planned_at IS NOT NULL THEN (
            SELECT min(free.id) FROM interpret_probepart AS free WHERE free.run_id = ours.id
            AND (free.state = '{_State.QUEUED}'
                OR (free.state = '{_State.RUNNING}' AND free.lease_until < clock_timestamp()))
            AND (free.part <> '{REPORT}' OR NOT EXISTS (
                SELECT FROM interpret_probepart AS other
                WHERE other.run_id = ours.id AND other.part <> '{REPORT}' AND other.state <> '{_State.DONE}')))
        WHEN ours.attempts < {MAX_ATTEMPTS} AND (ours.state = '{_State.QUEUED}'
            OR ours.lease_until < clock_timestamp()) THEN {PLAN}
    END FROM interpret_proberun AS ours
    WHERE ours.id = run AND ours.state IN ('{_State.QUEUED}', '{_State.RUNNING}')
$$;
"""  # noqa: S608  # composed of constants alone

# A part that has ended its workers too often ends the run, whatever else of it is free.
_GIVE_UP: Final = f"""
CREATE OR REPLACE FUNCTION tracebinder_give_up_probe_run(run bigint) RETURNS boolean
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    lost interpret_probepart;
    why text;
BEGIN
    SELECT part.* INTO lost FROM interpret_probepart AS part
    WHERE part.run_id = run AND part.state = '{_State.RUNNING}' AND part.lease_until < clock_timestamp()
    AND part.attempts >= {MAX_ATTEMPTS} ORDER BY part.id LIMIT 1;
    IF lost.id IS NULL THEN
        RETURN false;
    END IF;
    why := format('worker_lost: %s workers took %s and none of them finished it', lost.attempts,
        CASE lost.part WHEN '{REPORT}' THEN 'the report' ELSE format('the part %s', to_json(lost.part)) END);
    PERFORM tracebinder_end_probe_run(run, lost.id, '{_State.FAILED}', why);
    PERFORM tracebinder_record_run_event(run, 'probe_run.failed', format('"error":%s', to_json(why)));
    RETURN true;
END $$;
"""  # noqa: S608  # composed of constants alone

# A worker that finds nothing free locks nothing.
_TAKE: Final = f"""
CREATE OR REPLACE FUNCTION tracebinder_take_probe_work(
    run bigint, worker text, lease_seconds integer, new_key text
) RETURNS bigint LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    work bigint := tracebinder_free_probe_work($1);
    taken_at timestamptz;
    until timestamptz;
BEGIN
    IF work IS NULL THEN
        RETURN NULL;
    END IF;
    PERFORM FROM interpret_proberun AS ours WHERE ours.id = $1 FOR UPDATE;
    work := tracebinder_free_probe_work($1);
    IF work IS NULL OR tracebinder_give_up_probe_run($1) THEN
        RETURN NULL;
    END IF;
    taken_at := clock_timestamp();
    until := taken_at + make_interval(secs => least(greatest($3, 1), {LONGEST_LEASE}));
    IF work = {PLAN} THEN
        UPDATE interpret_proberun AS claimed
        SET state = '{_State.RUNNING}', attempts = claimed.attempts + 1, worker = left($2, 200),
            started_at = taken_at, lease_until = until, lease_digest = {_KEY_DIGEST.format(key="$4")}
        WHERE claimed.id = $1;
    ELSE
        UPDATE interpret_probepart AS claimed
        SET state = '{_State.RUNNING}', attempts = claimed.attempts + 1, worker = left($2, 200),
            started_at = taken_at, lease_until = until, lease_digest = {_KEY_DIGEST.format(key="$4")}
        WHERE claimed.id = work;
        UPDATE interpret_proberun AS ours SET worker = left($2, 200), sent_at = NULL WHERE ours.id = $1;
        PERFORM tracebinder_hold_probe_run($1, '');
    END IF;
    RETURN work;
END $$;
"""  # noqa: S608  # composed of constants alone

_CLAIM: Final = f"""
CREATE OR REPLACE FUNCTION tracebinder_claim_probe_work(run bigint, worker text, lease_seconds integer)
RETURNS TABLE (
    lease_key text, attempt integer, part text, runs_before integer, found_before integer, probe text,
    parameters jsonb, seed bigint, model_digest text, specification_digest text, dataset_digest text,
    dataset_blob text, dataset_removed_at timestamptz
) {AS_OWNER} AS $$
#variable_conflict use_column
DECLARE
    new_key text := gen_random_uuid()::text;
    taken bigint := tracebinder_take_probe_work($1, $2, $3, new_key);
    ours interpret_proberun;
    work interpret_probepart;
BEGIN
    IF taken IS NULL THEN
        RETURN;
    END IF;
    SELECT run.* INTO ours FROM interpret_proberun AS run WHERE run.id = $1;
    SELECT part.* INTO work FROM interpret_probepart AS part WHERE part.id = taken;
    IF taken = {PLAN} THEN
        PERFORM tracebinder_record_run_event(
            ours.id, 'probe_run.started', format('"worker":%s', to_json(ours.worker)));
    END IF;
    RETURN QUERY
    SELECT new_key, coalesce(work.attempts, ours.attempts)::integer, work.part::text, ours.runs_before::integer,
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
    INSERT INTO interpret_probepart (run_id, part, state, attempts, worker, error, lease_digest, measured, queued_at)
    SELECT run, name, '{_State.QUEUED}', 0, '', '', '', '', clock_timestamp()
    FROM unnest(parts || '{REPORT}'::text) WITH ORDINALITY AS planned (name, place) ORDER BY place;
    PERFORM tracebinder_probe_history(run, lease_key);
    UPDATE interpret_proberun SET planned_at = clock_timestamp(), attempts = 1, lease_digest = '' WHERE id = run;
    PERFORM tracebinder_hold_probe_run(run, '');
    RETURN true;
END $$;
"""  # noqa: S608  # composed of constants alone

# As text: what was measured is put together as it was, to the last digit.
_FINISH_PART: Final = f"""
CREATE OR REPLACE FUNCTION tracebinder_finish_probe_part(run bigint, lease_key text, measured text) RETURNS boolean
{AS_OWNER} AS $$
#variable_conflict use_column
DECLARE
    work bigint := tracebinder_held_probe_work($1, $2);
BEGIN
    UPDATE interpret_probepart AS part
    SET state = '{_State.DONE}', measured = $3, error = '', finished_at = clock_timestamp(), lease_until = NULL,
        lease_digest = ''
    WHERE part.id = work AND part.part <> '{REPORT}' AND part.part = ($3::json)->>'part';
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM tracebinder_hold_probe_run($1, '');
    RETURN true;
END $$;
"""  # noqa: S608  # composed of constants alone

_MEASURED: Final = f"""
CREATE OR REPLACE FUNCTION tracebinder_measured_probe_parts(run bigint, lease_key text) RETURNS SETOF text
{AS_OWNER} AS $$
DECLARE
    work bigint := tracebinder_held_probe_work(run, lease_key);
BEGIN
    RETURN QUERY SELECT done.measured FROM interpret_probepart AS done
    JOIN interpret_probepart AS report ON report.id = work AND report.part = '{REPORT}'
    WHERE done.run_id = run AND done.part <> '{REPORT}' ORDER BY done.id;
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
    ended := tracebinder_end_probe_run(run, work, '{_State.DONE}', '');
    SELECT min(part.started_at) INTO observed FROM interpret_probepart AS part WHERE part.run_id = run;
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
    work bigint := tracebinder_held_probe_work(run, lease_key);
    ended interpret_proberun;
BEGIN
    IF work IS NULL THEN
        RETURN false;
    END IF;
    ended := tracebinder_end_probe_run(run, work, '{_State.FAILED}', error);
    PERFORM tracebinder_record_run_event(ended.id, 'probe_run.failed', format('"error":%s', to_json(ended.error)));
    RETURN true;
END $$;
"""

# What passes by itself: the attempt does not count. What has not passed after a day ends the run.
_PUT_BACK: Final = f"""
CREATE OR REPLACE FUNCTION tracebinder_put_back_probe_run(run bigint, lease_key text, error text)
RETURNS boolean {AS_OWNER} AS $$
DECLARE
    why text := left($3, {ERROR_LENGTH});
    work bigint := tracebinder_held_probe_work($1, $2);
    put_back_at timestamptz := clock_timestamp();
    since timestamptz;
BEGIN
    IF work IS NULL THEN
        RETURN false;
    END IF;
    SELECT part.postponed_at INTO since FROM interpret_probepart AS part WHERE part.id = work;
    IF since < put_back_at - make_interval(secs => {PATIENCE.total_seconds():.0f}) THEN
        RETURN tracebinder_fail_probe_run($1, $2, why);
    END IF;
    IF since IS NULL THEN
        PERFORM tracebinder_record_run_event($1, 'probe_run.postponed', format('"error":%s', to_json(why)));
    END IF;
    IF work = {PLAN} THEN
        UPDATE interpret_proberun AS ours SET state = '{_State.QUEUED}', attempts = ours.attempts - 1, error = why,
            finished_at = put_back_at, lease_until = NULL, lease_digest = ''
        WHERE ours.id = $1;
        RETURN true;
    END IF;
    UPDATE interpret_probepart AS part
    SET state = '{_State.QUEUED}', attempts = part.attempts - 1, error = why, lease_until = NULL, lease_digest = '',
        postponed_at = coalesce(since, put_back_at)
    WHERE part.id = work;
    PERFORM tracebinder_hold_probe_run($1, why);
    RETURN true;
END $$;
"""  # noqa: S608  # composed of constants alone

# In the order in which they can be made.
STEPS: Final = {  # which only those below call
    "tracebinder_record_probe_event(bigint, text, text, bigint, text, text)": _RECORD_EVENT,
    "tracebinder_record_run_event(bigint, text, text)": _RECORD_RUN_EVENT,
    "tracebinder_held_probe_work(bigint, text)": _HELD_WORK,
    "tracebinder_end_probe_run(bigint, bigint, text, text)": _END_RUN,
    "tracebinder_hold_probe_run(bigint, text)": _HOLD_RUN,
    "tracebinder_free_probe_work(bigint)": _FREE,
    "tracebinder_give_up_probe_run(bigint)": _GIVE_UP,
    "tracebinder_take_probe_work(bigint, text, integer, text)": _TAKE,
}
PROBE_FUNCTIONS: Final = {  # which a worker calls
    "tracebinder_claim_probe_work(bigint, text, integer)": _CLAIM,
    "tracebinder_probe_history(bigint, text)": _HISTORY,
    "tracebinder_plan_probe_run(bigint, text, text[])": _PLAN,
    "tracebinder_finish_probe_part(bigint, text, text)": _FINISH_PART,
    "tracebinder_measured_probe_parts(bigint, text)": _MEASURED,
    "tracebinder_finish_probe_run(bigint, text, jsonb, bigint)": _FINISH,
    "tracebinder_fail_probe_run(bigint, text, text)": _FAIL,
    "tracebinder_put_back_probe_run(bigint, text, text)": _PUT_BACK,
}
