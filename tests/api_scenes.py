"""A request for each operation of the API, in a world that is made for it: what examples are taken down from.

What stores something is sent as `test_04` sends it, where it is repeated. What reads has a scene here, by the name of
its address: most read what one of those requests stored.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final
from unittest import mock

from rest_framework.test import APIClient

from evidence import clock
from evidence.log import tiles
from evidence.models import (
    AuditEvent,
    EvalRun,
    GateDecision,
    GoldDraw,
    GoldJudgement,
    Role,
    Scope,
    Trace,
)
from evidence.models import Binder as BinderRow
from evidence.services import registry
from evidence.services.assembly import assemble_due_traces
from evidence.services.disposal.erasure import erase_trace_payload
from interpret import registry as probes
from interpret.models import Dictionary, Feature, Finding, ProbeRun
from interpret.services.queueing import queue_probe_run
from interpret.tasks import run_probe
from requirements.models import Assessment
from requirements.services.assessment import assess
from requirements.services.baselines import freeze_baseline
from tests.evidence import binder_world
from tests.evidence.eval_files import eval_file, post
from tests.evidence.otlp_bodies import SPAN_ID, make_request, make_span, to_otlp_json
from tests.evidence.stored_spans import store_spans
from tests.evidence.test_assembly import spans_of
from tests.evidence.test_log_api import add_events, publish
from tests.factories import DOCUMENT_TEXT, World, acting, manifest, waive
from tests.interpret.conftest import StandInProbe, StandInSession
from tests.invariants.act_doors.answering import doubt
from tests.invariants.act_doors.gold import made as made_gold
from tests.invariants.act_doors.judging import desk_judged_run, disputed
from tests.invariants.act_doors.requirements import frozen, suspect_link
from tests.invariants.act_doors.sampling import drawn
from tests.invariants.test_04_acknowledged_is_durable import REPEATED, Sent, send, sender
from tests.requirements.builders import make_criterion, make_traces


@dataclass(frozen=True)
class Asked:
    """One request that reads something."""

    path: str
    query: Mapping[str, Any] = field(default_factory=dict)
    scope: Scope | str = Scope.READ  # of the token, or the role of the person who signs in


Scene = Callable[[World], Asked]


def answer_to(world: World, request: Sent | Asked) -> Any:
    """Send it, as whoever may."""
    if isinstance(request, Sent):
        return send(sender(world, request), request)
    client = APIClient()
    if isinstance(request.scope, Scope):
        client.credentials(**world.headers(request.scope))
    else:
        client.force_login(world.people[request.scope])
    return client.get(request.path, request.query)


def after(name: str, path: str | Callable[[], str], scope: Scope | str = Scope.READ, **query: str) -> Scene:
    """Return the scene of reading what the request of this name stored; `system` where the query names one."""

    def scene(world: World) -> Asked:
        answer = answer_to(world, REPEATED[name](world))
        assert answer.status_code in {200, 201}, answer.content
        return Asked(path if isinstance(path, str) else path(), query, scope)

    return scene


def there(prepare: Callable[[World], Any], path: str, scope: Scope | str = Scope.READ, **query: str) -> Scene:
    """Return the scene of reading what this prepares; `{0.pk}` in a path is of what it returns."""

    def scene(world: World) -> Asked:
        return Asked(path.format(prepare(world)), query, scope)

    return scene


def nothing(_: World) -> None:
    """What is there without anything that is prepared."""


def assembled(world: World) -> Trace:
    """A trace that was sealed from its spans."""
    trace_id = uuid.uuid4()
    store_spans(world.system, trace_id, spans_of(world))
    assert assemble_due_traces(limit=10) == 1
    return Trace.objects.get(trace_id=trace_id)


def in_conversation(world: World) -> Trace:
    """A trace that is a turn of a conversation."""
    trace_id = uuid.uuid4()
    store_spans(world.system, trace_id, spans_of(world, **{"gen_ai.conversation.id": "chat-41"}))
    assert assemble_due_traces(limit=10) == 1
    return Trace.objects.get(trace_id=trace_id)


def erased(world: World) -> Any:
    """The erasure of a trace."""
    report = erase_trace_payload(
        principal=acting(), system=world.system, trace_id=assembled(world).trace_id, reason="request 2026-17"
    )
    publish()
    return report.erasure


def two_runs(world: World) -> None:
    """A run, and one that is worse."""
    languages = [{"language": "en"}, {"language": "zh-Hans"}]
    post(world, eval_file([1.0] * 60, run_key="old", slices=languages))
    post(world, eval_file([1.0] * 36 + [1.0, 0.0] * 12, run_key="new", slices=languages))


def two_baselines(world: World) -> None:
    """A baseline, and one of later versions."""
    frozen(world)
    changed = make_criterion(world, min_n=12).version
    freeze_baseline(principal=acting("user:ana"), system=world.system, name="b2", versions=[changed])


def index_changed(world: World) -> Asked:
    """An index version and the next, in which one document is new and another reads otherwise."""
    earlier = world.release.pins.get(slot="index").version
    assembled(world)
    documents = [
        registry.DocumentSpec(
            document_id="DOC-1", title="Loans", language="en", text=f"{DOCUMENT_TEXT} Three months."
        ),
        registry.DocumentSpec(document_id="DOC-2", title="Fees", language="en", text="There is no fee."),
    ]
    pins = [
        registry.PinSpec(slot="index", kind="index", key=pin.key, label="2", documents=documents)
        if pin.slot == "index" else pin
        for pin in manifest(name="r2").pins
    ]  # fmt: skip
    told = registry.ReleaseManifest(name="r2", pins=pins)
    release = registry.register_release(system=world.system, manifest=told, principal=acting())
    later = release.pins.get(slot="index").version
    return Asked(
        "/api/v1/index-diff", {"system": world.system.key, "from": earlier.digest, "to": later.digest}
    )


def measured(world: World) -> Finding:
    """What a probe found, measured without a model."""
    run = queue_probe_run(release=world.release, probe="induction.heads", principal=acting())
    with (
        mock.patch.object(probes, "load", return_value=StandInProbe()),
        mock.patch.object(probes, "open_session", return_value=StandInSession()),
    ):
        run_probe(run.pk)
    found = ProbeRun.objects.get(pk=run.pk).findings.first()
    assert found is not None
    return found


def supporting(world: World) -> Any:
    """A finding that supports."""
    return binder_world.make_finding(world, Role.SUPPORTING)


def judged_gold(world: World) -> None:
    """A gold answer that was given to the reviewer, and what they said of it."""
    gold, reviewer = made_gold(world), world.people["reviewer"]
    draw = GoldDraw(
        system=world.system, reviewer=reviewer, number=1, gold=gold, among=[gold.pk], reviews_before=1, seed="0" * 64,
        every=1, created_at=clock.now(),
    )  # fmt: skip
    draw.save(force_insert=True)
    GoldJudgement.objects.create(
        draw=draw, task=gold.task, reviewer=reviewer, decision="approve", reason_code="", claims={}, machine_verdict={}
    )  # fmt: skip


def exported(world: World) -> BinderRow:
    """A binder of a small system."""
    return binder_world.export(binder_world.fill_lightly(world))


def an_event(_: World) -> AuditEvent:
    """The newest event, under a checkpoint."""
    publish()
    return AuditEvent.objects.filter(system__isnull=False).latest("pk")


def two_checkpoints(world: World) -> Asked:
    """Two signed trees, the second with more in it."""
    old = publish().size
    add_events(world, 1)
    return Asked("/api/v1/log/consistency", {"old": str(old), "new": str(publish().size)})


def a_bundle(_: World) -> Asked:
    """The entries of the log, as far as it is signed."""
    return Asked(f"/log/{tiles.Bundle(0, publish().size).path}", {}, "auditor")


def spans(world: World) -> Asked:
    """Spans of a trace, by their name."""
    assembled(world)
    times = {"since": "2027-01-15T00:00:00Z", "until": "2027-01-16T00:00:00Z"}
    return Asked("/api/v1/spans", {"system": world.system.key, **times})


def not_met(world: World) -> Assessment:
    """A criterion that an answer speaks against."""
    make_traces(world, 12, has_limitations=False)
    as_of = clock.read_moment()
    return assess(criterion=make_criterion(world), release=world.release, as_of=as_of, actor="user:ci")


def another_wording(world: World) -> None:
    """A link, and a version of its upper end that nobody has approved yet."""
    assert answer_to(world, REPEATED["links"](world)).status_code == 201
    make_criterion(world, key="up", min_n=12, approved=False)


def refused_span(world: World) -> Asked:
    """A batch in which one span has no id."""
    broken = make_request(make_span(), make_span(span_id=SPAN_ID[:3])).SerializeToString()
    answer_to(world, Sent("/v1/traces", broken, Scope.INGEST, "application/x-protobuf"))
    return Asked("/api/v1/rejects", {"system": world.system.key})


def traces_in_json(_: World) -> Sent:
    """Spans as an SDK sends them in JSON."""
    return Sent("/v1/traces", to_otlp_json(make_request(make_span())), Scope.INGEST)


def _first_feature() -> int:
    return Feature.objects.earliest("number").pk


SYSTEM: Final = "credit-assistant"

READ: Final[dict[str, Scene]] = {
    "traces": there(assembled, "/api/v1/traces", system=SYSTEM, release="r1"),
    "trace": there(assembled, "/api/v1/traces/{0.trace_id.hex}"),
    "trace-spans": there(assembled, "/api/v1/traces/{0.trace_id.hex}/spans"),
    "conversations": there(in_conversation, "/api/v1/conversations", conversation="chat-41"),
    "spans": spans,
    "claims": there(assembled, "/api/v1/claims", system=SYSTEM),
    "citations": there(assembled, "/api/v1/citations", system=SYSTEM),
    "index-diff": index_changed,
    "batches": after("otlp-traces", "/api/v1/batches", system=SYSTEM),
    "rejects": refused_span,
    "versions": there(nothing, "/api/v1/versions", system=SYSTEM, kind="model"),
    "people": there(nothing, "/api/v1/people"),
    "trust": there(an_event, "/api/v1/trust", Scope.BINDER),
    "audit-events": there(nothing, "/api/v1/audit-events"),
    "deployments": after("deployments", "/api/v1/deployments", system=SYSTEM, environment="prod"),
    "evidence": there(supporting, "/api/v1/evidence", "researcher"),
    "supporting-evidence": there(
        supporting, "/api/v1/supporting-evidence", "researcher", system=SYSTEM, release="r1"
    ),
    "defeaters": there(doubt, "/api/v1/defeaters", system=SYSTEM),
    "erasures": there(erased, "/api/v1/erasures"),
    "erasure-certificate": there(erased, "/api/v1/erasures/{0.pk}/certificate"),
    "review-reasons": after("review-reasons", "/api/v1/review-reasons", system=SYSTEM),
    "reviews": after("reviews", "/api/v1/reviews"),
    "review-tasks": there(disputed, "/api/v1/review-tasks", system=SYSTEM),
    "adjudications": after("adjudications", "/api/v1/adjudications", system=SYSTEM),
    "systems": there(nothing, "/api/v1/systems"),
    "releases": after("releases", "/api/v1/releases", system=SYSTEM),
    "binders": there(exported, "/api/v1/binders", Scope.BINDER, system=SYSTEM),
    "review-agreement": there(
        disputed, "/api/v1/review-agreement", "auditor",
        system=SYSTEM, period_from="2020-01-01T00:00:00Z", period_to="2999-01-01T00:00:00Z",
    ),
    "binder": there(exported, "/api/v1/binders/{0.binder_uuid}", Scope.BINDER),
    "binder-download": there(exported, "/api/v1/binders/{0.binder_uuid}/download", Scope.BINDER),
    "binder-sidecar": there(exported, "/api/v1/binders/{0.binder_uuid}/sidecar", Scope.BINDER),
    "eval-runs": after("eval-runs", "/api/v1/eval-runs", system=SYSTEM),
    "eval-run": after("eval-runs", lambda: f"/api/v1/eval-runs/{EvalRun.objects.get().pk}"),
    "eval-run-comparison": there(
        two_runs, "/api/v1/eval-runs/compare", system=SYSTEM, baseline="old", candidate="new", margin="0.05"
    ),
    "worst-samples": after("eval-runs", lambda: f"/api/v1/eval-runs/{EvalRun.objects.get().pk}/worst-samples"),
    "label-sheet": there(desk_judged_run, "/api/v1/eval-runs/{0.pk}/label-sheet", "reviewer"),
    "label-sets": after("label-sets", "/api/v1/label-sets", system=SYSTEM),
    "labels": after("label-sets", "/api/v1/labels", system=SYSTEM),
    "gold-answers": there(made_gold, "/api/v1/gold-answers", "auditor", system=SYSTEM),
    "gold-judgements": there(judged_gold, "/api/v1/gold-judgements", "auditor", system=SYSTEM),
    "gold-results": there(judged_gold, "/api/v1/gold-results", "auditor", system=SYSTEM),
    "retractions": after("retractions", "/api/v1/retractions", system=SYSTEM),
    "gates": after("gates", "/api/v1/gates", system=SYSTEM),
    "gate-decisions": after("gate-decide", "/api/v1/gate-decisions", system=SYSTEM),
    "gate-decision": after(
        "gate-decide", lambda: f"/api/v1/gate-decisions/{GateDecision.objects.get().pk}"
    ),
    "readings": after("readings", "/api/v1/readings", system=SYSTEM),
    "sampling-plans": there(drawn, "/api/v1/sampling-plans", "auditor", system=SYSTEM),
    "sampling-plan-results": there(drawn, "/api/v1/sampling-plans/{0.pk}/results", "auditor"),
    "sampling-plan-file": there(drawn, "/api/v1/sampling-plans/{0.pk}/file", "auditor"),
    "waivers": there(lambda world: waive(world, "r/c"), "/api/v1/waivers"),
    "waiver-requests": after("waiver-requests", "/api/v1/waiver-requests", system=SYSTEM),
    "log-disclosed-entries": there(an_event, "/api/v1/log/entries", begin="0", count="1"),
    "log-event-state": there(an_event, "/api/v1/log/events/{0.event_uuid}"),
    "log-inclusion-proof": there(an_event, "/api/v1/log/events/{0.event_uuid}/proof"),
    "log-consistency-proof": two_checkpoints,
    "log-checkpoint": there(an_event, "/log/checkpoint"),
    "log-tile": lambda _: Asked(f"/log/{tiles.Tile(0, 0, publish().size).path}"),
    "log-entries": a_bundle,
    "assessments": after("assessments", "/api/v1/assessments", system=SYSTEM),
    "assessment-observations": there(not_met, "/api/v1/assessments/{0.pk}/observations"),
    "baselines": after("baselines", "/api/v1/baselines"),
    "baseline-diff": there(two_baselines, "/api/v1/baselines/diff", system=SYSTEM, before="b", after="b2"),
    "checks": there(nothing, "/api/v1/checks"),
    "coverage": after("assessments", "/api/v1/coverage", system=SYSTEM, release="r1"),
    "coverage-csv": after("assessments", "/api/v1/coverage.csv", system=SYSTEM, release="r1"),
    "coverage-html": after("assessments", "/api/v1/coverage.html", system=SYSTEM, release="r1"),
    "impact": there(another_wording, "/api/v1/impact", system=SYSTEM, requirement="up", version="2"),
    "links": after("links", "/api/v1/links", system=SYSTEM),
    "link-standings": there(suspect_link, "/api/v1/links/standing", system=SYSTEM),
    "requirements": there(make_criterion, "/api/v1/requirements", system=SYSTEM),
    "requirements-by-release": after("assessments", "/api/v1/requirements/by-release", system=SYSTEM),
    "requirement-draft": there(make_criterion, "/api/v1/requirements/r/draft", system=SYSTEM),
    "requirements-export": after(
        "requirements-import", "/api/v1/requirements/export", system=SYSTEM, file="requirements.yaml"
    ),
    "requirements-imports": after("requirements-import-files", "/api/v1/requirements/imports", system=SYSTEM),
    "retirements": after("retirements", "/api/v1/retirements", system=SYSTEM),
    "dictionaries": after("dictionaries", "/api/v1/dictionaries", "researcher", system=SYSTEM),
    "dictionary": after(
        "dictionaries", lambda: f"/api/v1/dictionaries/{Dictionary.objects.get().pk}", "researcher"
    ),
    "features": after("dictionaries", "/api/v1/features", "researcher"),
    "feature": after("dictionaries", lambda: f"/api/v1/features/{_first_feature()}", "researcher"),
    "feature-labelling": after(
        "feature-labelling", lambda: f"/api/v1/features/{_first_feature()}/labels", "researcher"
    ),
    "feature-labels": after("feature-labelling", "/api/v1/feature-labels", "researcher"),
    "findings": there(measured, "/api/v1/findings", "researcher", system=SYSTEM),
    "finding": there(measured, "/api/v1/findings/{0.pk}", "researcher"),
    "probe-runs": after("probe-runs", "/api/v1/probe-runs", "researcher", system=SYSTEM),
    "probe-run": after(
        "probe-runs", lambda: f"/api/v1/probe-runs/{ProbeRun.objects.get().pk}", "researcher"
    ),
}  # fmt: skip

STORED: Final[dict[str, Callable[[World], Sent]]] = {
    **REPEATED,
    "eval-runs": lambda world: replace(REPEATED["eval-runs"](world), body=eval_file([1.0, 0.0])),
    "otlp-traces": traces_in_json,  # which can be read, as protobuf cannot
}
