"""What the database role of probe workers can do: carry out runs, and nothing else, statement by statement."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from django.db.backends.signals import connection_created
from django.utils import timezone
from psycopg import errors, sql

from evidence.digests import canonical_json, sha256_hex
from evidence.disposal_rules import private_functions
from evidence.errors import BlobErased, BlobMissing
from evidence.models import AuditEvent, AuditPayload, BlobRemoval, Disposal
from evidence.probe_rules import ACTOR, LONGEST_LEASE, STEPS
from evidence.services import audit, log
from evidence.services.blobs import blob_path
from interpret.errors import ProbeError
from interpret.models import Finding, ProbePart, ProbeRun
from interpret.services.claims import ClaimedRun
from interpret.services.findings import digest_of_finding, findings_of_result
from interpret.services.queueing import queue_probe_run
from interpret.tasks import run_probe
from interpret.verdicts import History, judge
from tests.evidence.test_log_api import publish
from tests.factories import World, acting
from tests.interpret.conftest import INPUTS, StandInProbe
from tests.interpret.measurements import make_result

pytestmark = [pytest.mark.usefixtures("sent"), pytest.mark.django_db(transaction=True)]

CLAIM = "SELECT * FROM tracebinder_claim_probe_work(%s, %s, %s)"
PLAN = "SELECT tracebinder_plan_probe_run(%s, %s, %s)"
FINISH_PART = "SELECT tracebinder_finish_probe_part(%s, %s, %s)"
HISTORY = "SELECT runs_before, found_before FROM tracebinder_probe_history(%s, %s)"
FINISH = "SELECT tracebinder_finish_probe_run(%s, %s, %s, %s)"
FAIL = "SELECT tracebinder_fail_probe_run(%s, %s, %s)"
PUT_BACK = "SELECT tracebinder_put_back_probe_run(%s, %s, %s)"


@pytest.fixture
def run(world: World) -> ProbeRun:
    return queue_probe_run(
        release=world.release, probe="entropy.next_token", principal=acting(), seed=7, inputs=INPUTS
    )


@pytest.fixture
def worker() -> Iterator[psycopg.Connection[Any]]:
    """A connection of its own, with the role of probe workers."""
    with psycopg.connect(**connection.get_connection_params(), autocommit=True) as own:
        own.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(settings.INTERPRET_ROLE)))
        yield own


def ask(worker: psycopg.Connection[Any], statement: str, *values: Any) -> Any:
    return worker.execute(statement, values).fetchone()


def claim(worker: psycopg.Connection[Any], run: ProbeRun, seconds: int = 60) -> ClaimedRun:
    """Claim what is free of a run, as `claims.claim_run` does."""
    key, attempt, part, *history, probe, parameters, seed, model, asked, dataset, _, _ = ask(
        worker, CLAIM, run.pk, "w", seconds
    )
    if part is None:
        history = ask(worker, HISTORY, run.pk, key)
    return ClaimedRun(
        run.pk, key, attempt, part, probe, parameters, seed, model, asked, dataset or "", "", None,
        History(*history),
    )  # fmt: skip


def claim_report(worker: psycopg.Connection[Any], run: ProbeRun, *parts: str) -> ClaimedRun:
    """Plan a run, measure its parts and claim what puts them together."""
    assert ask(worker, PLAN, run.pk, claim(worker, run).key, list(parts or ["all"])) == (True,)
    while (work := claim(worker, run)).part:
        assert ask(worker, FINISH_PART, run.pk, work.key, json.dumps({"part": work.part})) == (True,)
    return work


def found_by(claimed: ClaimedRun, **changes: Any) -> str:
    result = make_result()
    verdicts = [judge(measurement) for measurement in result.measurements]
    return json.dumps([{**finding, **changes} for finding in findings_of_result(claimed, result, verdicts)])


def reload(run: ProbeRun) -> ProbeRun:
    return ProbeRun.objects.get(pk=run.pk)


@contextmanager
def as_probe_role() -> Iterator[None]:
    """Within the block the product's own connections, new ones too, have the role of probe workers."""

    def act(sender: object, connection: Any, **_: object) -> None:
        del sender
        connection.cursor().execute(f'SET ROLE "{settings.INTERPRET_ROLE}"')

    connection.close()
    connection_created.connect(act)
    yield
    connection_created.disconnect(act)
    connection.close()


@pytest.mark.parametrize("fails", [False, True], ids=["done", "failed"])
def test_a_worker_needs_no_more(run: ProbeRun, probe: StandInProbe, *, fails: bool) -> None:
    def fail() -> Any:
        raise ProbeError("no tokens")

    probe.result = fail if fails else probe.result
    with as_probe_role(), pytest.raises(ProbeError) if fails else nullcontext():
        run_probe(run.pk)
    assert reload(run).state == ("failed" if fails else "done")
    assert probe.asked[0].inputs == INPUTS
    assert Finding.objects.count() == int(not fails)


def test_two_workers_that_begin_at_once_follow_each_other(
    world: World, run: ProbeRun, worker: psycopg.Connection[Any]
) -> None:
    beside = queue_probe_run(release=world.release, probe="induction.heads", principal=acting(), seed=8)
    with psycopg.connect(**connection.get_connection_params()) as other:
        other.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(settings.INTERPRET_ROLE)))
        assert claim(other, beside).history == History(0, 0)  # and it has not committed yet
        key = ask(worker, CLAIM, run.pk, "w", 60)[0]
        worker.execute("SET lock_timeout = '50ms'")
        with pytest.raises(errors.LockNotAvailable):
            ask(worker, HISTORY, run.pk, key)
        other.commit()
    assert ask(worker, HISTORY, run.pk, key) == (1, 0)
    assert ask(worker, HISTORY, run.pk, key) == (1, 0)
    assert ask(worker, HISTORY, run.pk, "another attempt's") == (None, None)


@pytest.mark.parametrize("removed", [False, True], ids=["lost", "removed"])
def test_prompts_that_were_removed_are_told_from_prompts_that_were_lost(
    run: ProbeRun, probe: StandInProbe, *, removed: bool
) -> None:
    dataset = run.spec.dataset_version
    assert dataset is not None
    assert dataset.blob is not None
    blob_path(dataset.blob.digest).unlink()
    if removed:
        now = timezone.now()
        disposal = Disposal.objects.create(
            kind="spans", subject="s", period_from=now, period_to=now, n_items=0, digest="0" * 64, reason="r",
            disposed_by=ACTOR, disposed_at=now,
        )  # fmt: skip
        BlobRemoval.objects.create(blob=dataset.blob, disposal=disposal, removed_by=ACTOR)
    with as_probe_role(), pytest.raises(BlobErased if removed else BlobMissing):
        run_probe(run.pk)
    assert probe.asked == []


def test_it_has_no_right_on_any_table(run: ProbeRun, worker: psycopg.Connection[Any]) -> None:
    del run
    relations = worker.execute(
        "SELECT relname, relkind = 'S' FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        " AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND relname <> 'django_migrations'"
    ).fetchall()
    assert len(relations) > 80
    for name, is_sequence in relations:
        statements = ["SELECT * FROM {} LIMIT 1"]
        if not is_sequence:
            statements += ["INSERT INTO {} DEFAULT VALUES", "DELETE FROM {}", "TRUNCATE {}"]
        for statement in statements:
            with pytest.raises(errors.InsufficientPrivilege):
                worker.execute(sql.SQL(statement).format(sql.Identifier(name)))


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT payload FROM evidence_auditpayload",
        "SELECT entry FROM evidence_auditevent",
        "SELECT lease_digest FROM interpret_proberun",
        "SELECT answer FROM evidence_trace",
        "UPDATE interpret_proberun SET state = 'done'",
        "UPDATE interpret_proberun SET lease_until = now() + interval '1 year' WHERE id = 1",
        "INSERT INTO interpret_finding (run_id, ordinal) VALUES (1, 1)",
        "INSERT INTO evidence_auditevent (actor, verb) VALUES ('person:abc', 'requirement.approved')",
        "SELECT tracebinder_drop_span_partition('2020-01-01', 'system:interpret', 'x')",
        "SELECT tracebinder_erase_trace(1, gen_random_uuid(), 'x', 'system:interpret')",
        "SELECT tracebinder_record_probe_event(1, 'review.recorded', 'evidence.Review', 1, '', '')",
        "SELECT tracebinder_record_run_event(1, 'probe_run.finished', '')",
        "SELECT tracebinder_end_probe_run(1, 1, 'done', '')",
        "SELECT * FROM tracebinder_rows_of(1, gen_random_uuid())",
        "CREATE TABLE public.mine (id int)",
        "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "ALTER FUNCTION tracebinder_fail_probe_run(bigint, text, text) SECURITY INVOKER",
        "ALTER TABLE evidence_auditevent DISABLE TRIGGER ALL",
    ],
)
def test_a_statement_that_is_not_its_own_is_refused(worker: psycopg.Connection[Any], statement: str) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        worker.execute(statement)


def test_no_function_of_others_is_open_to_it(worker: psycopg.Connection[Any]) -> None:
    for signature in {**private_functions(), **STEPS}:
        assert ask(worker, "SELECT has_function_privilege(%s, 'EXECUTE')", signature) == (False,), signature


def test_a_run_without_its_key_is_left_as_it_is(
    world: World, run: ProbeRun, worker: psycopg.Connection[Any]
) -> None:
    other = queue_probe_run(release=world.release, probe="induction.heads", principal=acting())
    queued = queue_probe_run(release=world.release, probe="induction.heads", principal=acting(), seed=9)
    mine, theirs = claim_report(worker, run), claim_report(worker, other)
    before = (list(ProbeRun.objects.order_by("pk").values()), AuditEvent.objects.count())
    for target, key in [
        (other.pk, mine.key), (other.pk, ""), (other.pk, None), (queued.pk, mine.key), (queued.pk, ""), (0, ""),
    ]:  # fmt: skip
        assert ask(worker, FINISH, target, key, found_by(mine), 1) == (False,)
        assert ask(worker, FAIL, target, key, "mine now") == (False,)
        assert ask(worker, PUT_BACK, target, key, "mine now") == (False,)
        assert ask(worker, PLAN, target, key, ["mine now"]) == (False,)
        assert ask(worker, FINISH_PART, target, key, "{}") == (False,)
    assert (list(ProbeRun.objects.order_by("pk").values()), AuditEvent.objects.count()) == before
    assert ask(worker, FINISH, other.pk, theirs.key, found_by(theirs), 1) == (True,)
    assert not Finding.objects.exclude(run=other).exists()


def test_a_run_that_is_held_or_over_cannot_be_claimed(run: ProbeRun, worker: psycopg.Connection[Any]) -> None:
    mine = claim_report(worker, run)
    assert ask(worker, CLAIM, run.pk, "another", 60) is None
    assert ask(worker, FAIL, run.pk, mine.key, "no") == (True,)
    assert ask(worker, CLAIM, run.pk, "another", 60) is None
    assert ask(worker, FINISH, run.pk, mine.key, found_by(mine), 1) == (False,), "its key has ended with it"


def test_a_lease_that_is_over_goes_to_the_next_and_its_key_opens_nothing(
    run: ProbeRun, worker: psycopg.Connection[Any]
) -> None:
    late = claim_report(worker, run)
    ProbePart.objects.filter(run=run).update(lease_until=timezone.now() - timedelta(seconds=1))
    assert claim(worker, run).attempt == 2
    assert ask(worker, FINISH, run.pk, late.key, found_by(late), 1) == (False,)


def test_whoever_shows_no_key_or_finds_nothing_free_locks_nothing(
    run: ProbeRun, worker: psycopg.Connection[Any]
) -> None:
    assert ask(worker, PLAN, run.pk, claim(worker, run).key, ["all"]) == (True,)
    mine = claim(worker, run)
    with psycopg.connect(**connection.get_connection_params()) as other:
        other.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(settings.INTERPRET_ROLE)))
        assert ask(other, FAIL, run.pk, "no key", "mine now") == (False,)
        assert ask(other, CLAIM, run.pk, "another", 60) is None
        worker.execute("SET lock_timeout = '50ms'")  # the other has not committed
        assert ask(worker, FINISH_PART, run.pk, mine.key, json.dumps({"part": "all"})) == (True,)


def test_a_plan_counts_what_was_tried_before_whether_or_not_its_worker_asked(
    run: ProbeRun, worker: psycopg.Connection[Any]
) -> None:
    key = ask(worker, CLAIM, run.pk, "w", 60)[0]
    assert ask(worker, PLAN, run.pk, key, ["all"]) == (True,)
    assert (reload(run).runs_before, reload(run).found_before) == (0, 0)


def test_a_part_is_finished_under_its_own_name(run: ProbeRun, worker: psycopg.Connection[Any]) -> None:
    assert ask(worker, PLAN, run.pk, claim(worker, run).key, ["one", "two"]) == (True,)
    key = claim(worker, run).key
    for told in ('{"part": "two"}', "{}", "null"):
        assert ask(worker, FINISH_PART, run.pk, key, told) == (False,)
    assert ask(worker, FINISH_PART, run.pk, key, '{"part": "one"}') == (True,)


@pytest.mark.parametrize("seconds", [2**31 - 1, -5])
def test_no_lease_lasts_for_ever(run: ProbeRun, worker: psycopg.Connection[Any], seconds: int) -> None:
    claim(worker, run, seconds)
    until = reload(run).lease_until
    assert until is not None
    assert until - timezone.now() <= timedelta(seconds=LONGEST_LEASE)


def test_a_finding_does_not_say_whose_it_is_or_when_it_was(
    world: World, run: ProbeRun, worker: psycopg.Connection[Any]
) -> None:
    other = queue_probe_run(release=world.release, probe="induction.heads", principal=acting())
    mine = claim_report(worker, run)
    lies = {
        "id": 1,
        "run_id": other.pk,
        "observed_at": "2020-01-01T00:00:00Z",
        "xact_id": 1,
        "actor": "person:a",
    }
    assert ask(worker, FINISH, run.pk, mine.key, found_by(mine, **lies), 1) == (True,)
    finding = Finding.objects.get()
    assert (finding.run_id, finding.observed_at) == (run.pk, run.parts.earliest("pk").started_at)
    assert finding.xact_id == AuditEvent.objects.get(verb="finding.recorded").xact_id != 1
    assert digest_of_finding(finding) == finding.digest


def test_what_it_writes_is_logged_in_its_own_name_as_the_services_would(
    world: World, run: ProbeRun, worker: psycopg.Connection[Any]
) -> None:
    before = AuditEvent.objects.latest("pk").pk
    error = 'say "no"\\ \b\f\n\r\t\x1f\x7f/é漢😀</script>'
    assert ask(worker, PUT_BACK, run.pk, claim(worker, run).key, error) == (True,)
    mine = claim_report(worker, run)
    assert ask(worker, FINISH, run.pk, mine.key, found_by(mine), 12) == (True,)
    events = AuditEvent.objects.filter(pk__gt=before).exclude(verb="rows.bound").order_by("pk")
    assert [event.verb for event in events] == [
        "probe_run.started", "probe_run.postponed", "probe_run.started", "finding.recorded", "probe_run.finished",
    ]  # fmt: skip
    said = []
    for event in events:
        assert (event.actor, event.system) == (ACTOR, world.system)
        assert bytes(event.entry) == audit._entry(event, event.system)
        if (held := AuditPayload.objects.filter(event=event).first()) is not None:
            body = bytes(held.payload)
            assert len(held.salt) == 32
            assert event.payload_commitment == sha256_hex(b"\x00" + bytes(held.salt) + body)
            said.append(body)
    assert said[1] == canonical_json({"attempt": 1, "error": error})
    assert said[3] == canonical_json({"attempt": 1, "findings": 1, "forward_passes": 12})
    publish()
    assert log.check_log().faults == []


def test_a_table_of_its_own_stands_in_for_none(run: ProbeRun, worker: psycopg.Connection[Any]) -> None:
    worker.execute("CREATE TEMP TABLE interpret_proberun (id bigint, state text, lease_digest text)")
    worker.execute(
        "INSERT INTO interpret_proberun VALUES (%s, 'running', encode(sha256('k'), 'hex'))", [run.pk]
    )
    assert ask(worker, FAIL, run.pk, "k", "no") == (False,)
    assert reload(run).state == ProbeRun.State.QUEUED
