"""Random worlds to erase somebody from: traces that share values, bodies and words, and copies of what they said."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.utils import timezone
from hypothesis import strategies as st

from evidence.access import Principal, principal_of_token
from evidence.models import AccessToken, ReviewTask, Scope, Trace
from evidence.services import assembly, evals, ingest, reviews
from evidence.services.blobs import read_blob
from evidence.services.disposal import holds
from evidence.services.disposal.blob_removal import what_is_left
from interpret.services.prompts import collect_answer_prompts, store_inputs
from tests.evidence.eval_files import eval_file, post
from tests.evidence.otlp_bodies import JSON, PROTOBUF, START_NS, make_request, make_span, to_otlp_json
from tests.evidence.test_otlp_logs import EVENT, make_logs
from tests.factories import ACTOR, World, acting
from tests.invariants.walk import our_models

DAY_NS = 86_400_000_000_000
ODD = ["", ' says "no"', "\nand <more> & more", " 月薪 é", " back\\slash"]  # each is escaped somewhere


def read_what_is_left(digest: str) -> bytes:
    """Return the bytes of a blob, without what erasures took out of it."""
    return read_blob(what_is_left(digest))


@dataclass(frozen=True)
class Told:
    """One trace: what only it says, and what it shares."""

    number: int
    odd: str
    value: int | None  # which large value it carries; several may carry one
    body: int  # which request it came in
    as_json: bool
    held: bool
    subject: bool

    @property
    def trace_id(self) -> UUID:
        return UUID(int=0xA000 + self.number)

    @property
    def secret(self) -> str:
        """What no other trace says: in question and answer, and in attributes nobody reads."""
        return f"Person number {self.number} earns {41_000 + self.number}{self.odd}"

    @property
    def hidden(self) -> str:
        return f"hidden-{self.number}-hidden"


@dataclass(frozen=True)
class Plot:
    """A world: its traces, and which of them were copied where."""

    traces: list[Told]
    sampled: list[int] = field(default_factory=list)  # by trace id
    quoted: list[int] = field(default_factory=list)  # by words, in samples of no trace
    rejected: list[int] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)
    reviewed: list[int] = field(default_factory=list)
    evaluated: list[int] = field(default_factory=list)  # in events of one logs request
    overheard: list[int] = field(
        default_factory=list
    )  # by words, in events of no trace, and in refused spans
    dataset: bool = False
    resent: bool = False

    @property
    def subject(self) -> Told:
        return next(one for one in self.traces if one.subject)


@st.composite
def plots(draw: st.DrawFn) -> Plot:
    """Draw a world of two to four traces, the first of them the subject's."""
    n = draw(st.integers(2, 4))
    as_json = {body: draw(st.booleans()) for body in range(2)}
    traces = []
    for number in range(n):
        body = draw(st.integers(0, 1))
        traces.append(
            Told(
                number,
                odd=draw(st.sampled_from(ODD)),
                value=draw(st.sampled_from([None, 0, 1])),
                body=body,
                as_json=as_json[body],
                held=number > 0 and draw(st.booleans()),
                subject=number == 0,
            )
        )
    some = st.lists(st.integers(0, n - 1), unique=True, max_size=n)
    return Plot(
        traces,
        sampled=draw(some),
        quoted=draw(some),
        rejected=draw(some),
        refused=draw(some),
        reviewed=draw(some),
        evaluated=draw(some),
        overheard=draw(some),
        dataset=draw(st.booleans()),
        resent=draw(st.booleans()),
    )


VALUE_LIMIT = 1_000  # bytes; smaller than ours, so that worlds are made fast


def large_value(number: int) -> str:
    return f"Large value {number}, in a blob. " * 100


def make_it(plot: Plot, world: World) -> None:
    """Make the world through the services."""
    world.token(Scope.INGEST)
    for body in sorted({one.body for one in plot.traces}):
        _send([one for one in plot.traces if one.body == body])
    if plot.resent:  # in another order, so that it is another body
        _send(list(reversed(plot.traces)))
    assembly.assemble_due_traces(limit=20, now=timezone.now() + timedelta(minutes=1))
    _send_events(plot)
    for number in plot.reviewed:
        _review(plot.traces[number], world)
    _push_evals(plot, world)
    if plot.dataset:
        store_inputs(release=world.release, inputs=collect_answer_prompts(world.release), actor=ACTOR)
    for one in plot.traces:
        if one.held:
            start = Trace.objects.get(trace_id=one.trace_id).started_at
            holds.place_hold(
                system=world.system, reason="lawsuit", period_from=start, period_to=start + timedelta(hours=1),
                principal=acting(),
            )  # fmt: skip


def _send(traces: list[Told]) -> None:
    request = make_request(*(_span(one) for one in traces))
    as_json = traces[0].as_json
    body = to_otlp_json(request) if as_json else request.SerializeToString()
    ingest.ingest_traces(
        body=body,
        content_type=JSON if as_json else PROTOBUF,
        content_encoding="",
        principal=_sender(),
    )


def _send_events(plot: Plot) -> None:
    """Send evaluations of traces, and of none; and spans without an id, which are refused."""
    events = [_event(plot.traces[number], plot.traces[number].hidden) for number in plot.evaluated]
    events += [_event(None, plot.traces[number].secret) for number in plot.overheard]
    if events:
        ingest.ingest_logs(
            body=make_logs(*events), content_type=JSON, content_encoding="", principal=_sender()
        )
    spans = [
        make_span(trace_id=b"", attributes={"said": plot.traces[number].secret}) for number in plot.overheard
    ]
    if spans:
        ingest.ingest_traces(
            body=make_request(*spans).SerializeToString(),
            content_type=PROTOBUF,
            content_encoding="",
            principal=_sender(),
        )


def _event(one: Told | None, explanation: str) -> dict[str, Any]:
    said = {"key": "gen_ai.evaluation.explanation", "value": {"stringValue": explanation}}
    kept = [each for each in EVENT["attributes"] if each["key"] != said["key"]]
    event = {**EVENT, "attributes": [*kept, said]}
    event.pop("traceId", None)
    event.pop("spanId", None)
    return {**event, "traceId": one.trace_id.hex} if one else event


def _sender() -> Principal:
    return principal_of_token(AccessToken.objects.get())


def _span(one: Told) -> Any:
    said = {
        "gen_ai.operation.name": "invoke_agent", "tracebinder.release": "r1", "tracebinder.question": one.secret,
        "tracebinder.answer": f"Answer: {one.secret}", "note": one.hidden,
    }  # fmt: skip
    if one.value is not None:
        said["statement"] = large_value(one.value)
    start = START_NS + one.number * DAY_NS
    return make_span(
        trace_id=one.trace_id.bytes, span_id=(one.number + 1).to_bytes(8, "big"), parent_span_id=b"",
        attributes=said, start_time_unix_nano=start, end_time_unix_nano=start + 1,
    )  # fmt: skip


def _review(one: Told, world: World) -> None:
    trace = Trace.objects.get(trace_id=one.trace_id)
    if ReviewTask.objects.filter(trace=trace).exists():
        reviews.record_review(
            trace=trace, principal=world.principal("reviewer"), decision="override", reason_code="wrong_fact",
            rationale=f"It says {one.secret}", corrected_answer=f"Better: {one.secret}",
        )  # fmt: skip


def _push_evals(plot: Plot, world: World) -> None:
    document = json.loads(eval_file([1.0, 0.0]))
    model = document["samples"][0]
    for number in plot.sampled:
        one = plot.traces[number]
        sample = {**model, "id": f"of-{number}", "trace_id": one.trace_id.hex, "output": one.hidden}
        document["samples"].append(sample)
    for number in plot.quoted:
        document["samples"].append(
            {**model, "id": f"quotes-{number}", "input": f"Asked: {plot.traces[number].secret}"}
        )
    for number in plot.rejected:
        said = {"id": f"bad-{number}", "input": plot.traces[number].secret, "scores": {}, "unknown": number}
        document["samples"].append(said)
    post(world, json.dumps(document).encode())
    if plot.refused:
        notes = {str(number): plot.traces[number].secret for number in plot.refused}
        try:
            post(world, eval_file(run_key=7, notes=notes))
        except evals.EvalFileRefused:
            return
        raise AssertionError("a file with a broken head was taken")


def find_content(needle: str) -> list[str]:
    """Return the tables and blobs that hold a text, in whatever way JSON escapes it."""
    once = {json.dumps(needle, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)}
    forms = {needle, *once, *(json.dumps(form)[1:-1] for form in once)}
    found = []
    with connection.cursor() as cursor:
        for model in our_models():
            table = model._meta.db_table
            cursor.execute(f"SELECT t::text FROM {table} t")
            rows = [row for (row,) in cursor.fetchall()]
            # A row is written with its quotes doubled and its backslashes too.
            plain = [row.replace('""', '"').replace("\\\\", "\\") for row in rows]
            found += [table for row in (*rows, *plain) if any(form in row for form in forms)]
        cursor.execute("SELECT payload FROM evidence_auditpayload")
        payloads = [bytes(payload).decode() for (payload,) in cursor.fetchall()]
        found += ["a payload" for payload in payloads if any(form in payload for form in forms)]
    for path in settings.BLOB_ROOT.rglob("*"):
        if path.is_file() and any(form.encode() in path.read_bytes() for form in forms):
            found.append(f"blob {path.name}")
    return sorted(set(found))


def rows_of_others(subject: UUID) -> dict[str, list[str]]:
    """Return every row of the other traces, as PostgreSQL writes it, and every eval sample and refusal."""
    asked = {
        "evidence_span": "t.trace_id <> %s", "evidence_trace": "t.trace_id <> %s",
        "evidence_claim": "t.trace_id IN (SELECT id FROM evidence_trace WHERE trace_id <> %s)",
        "evidence_review": "t.task_id IN (SELECT k.id FROM evidence_reviewtask k JOIN evidence_trace r ON"
        " r.id = k.trace_id WHERE r.trace_id <> %s)",
        "evidence_evalsample": "t.trace_id IS DISTINCT FROM %s", "evidence_reject": "%s IS NOT NULL",
        "evidence_ingestbatch": "%s IS NOT NULL", "evidence_evalrun": "%s IS NOT NULL",
        "evidence_evalscore": "%s IS NOT NULL", "evidence_citation": "%s IS NOT NULL",
        "evidence_artefactversion": "%s IS NOT NULL", "evidence_legalhold": "%s IS NOT NULL",
    }  # fmt: skip
    kept = {}
    with connection.cursor() as cursor:
        for table, condition in asked.items():
            cursor.execute(f"SELECT t::text FROM {table} t WHERE {condition} ORDER BY t::text", [subject])
            kept[table] = [row for (row,) in cursor.fetchall()]
    return kept
