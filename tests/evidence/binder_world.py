"""A system with something in every section of a binder, made by the services, and its binder verified offline."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.utils import timezone

from evidence import clock
from evidence.models import Binder, Evidence, Layer, Role, Trace
from evidence.selectors.binder.scope import AskedScope
from evidence.services import binders, deployments, evals, gates, items, reviews
from evidence.services.assembly import assemble_due_traces
from evidence.services.blobs import blob_path
from evidence.services.keys.trust import describe_trust
from evidence.services.labels import LabelDraft, record_labels
from requirements.services.assessment import assess_release
from requirements.services.requirements import import_requirements
from tests.client.both import verify_with_both
from tests.evidence.stored_spans import store_spans
from tests.evidence.test_assembly import spans_of
from tests.factories import World, acting, define_gate
from tests.requirements.builders import APPROVER, approve, make_trace, requirement_file
from tracebinder.verify import Report

PERIOD = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC))
SECRET = "head 17.3 of layer 4"  # what only those may see who may see internals


@dataclass(frozen=True)
class Filled:
    """The world, its assembled trace, and a time by which all of it was recorded."""

    world: World
    trace: Trace
    as_of: datetime


def fill(world: World) -> Filled:
    """Record traces, a review, an eval run, requirements met and not met, a decision, a deployment, evidence items."""
    trace_id = uuid4()
    store_spans(world.system, trace_id, spans_of(world))
    assert assemble_due_traces(limit=10) == 1
    trace = Trace.objects.get(trace_id=trace_id)
    for _ in range(20):
        make_trace(world)
    reviews.record_review(
        trace=trace,
        principal=world.principal("reviewer"),
        decision="reject",
        reason_code="wrong_citation",
        rationale="引用的条款已失效",
    )
    run = evals.record_eval_run(
        system=world.system, raw=eval_file(), format_name="native", principal=acting(), release="r1"
    ).run
    said = [LabelDraft("s0", "grounded", 1.0), LabelDraft("s1", "grounded", None)]
    record_labels(principal=world.principal("reviewer"), run=run, labels=said)
    _assess(world)
    for role in (Role.SUPPORTING, Role.COUNTER):
        make_finding(world, role)
    return Filled(world, trace, timezone.now())


def fill_lightly(world: World) -> Filled:
    """Record one trace and one finding: enough for what does not depend on the rest."""
    trace = make_trace(world, claims=[("not_found", 0.1)])
    make_finding(world, Role.COUNTER)
    return Filled(world, trace, timezone.now())


def eval_file() -> bytes:
    """Return a small native eval file."""
    measured = {"status": "scored", "value": 1.0, "explanation": "quoted"}
    samples = [
        {"id": f"s{n}", "slice": {"language": "zh-Hans"}, "input": "利率？", "output": "7.9%", "target": None,
         "trace_id": None, "scores": {"grounded": measured}}
        for n in range(3)
    ]  # fmt: skip
    now = timezone.now() - timedelta(hours=1)
    head = {
        "format": "tracebinder.eval/1",
        "run_key": "ci/41",
        "system": "credit-assistant",
        "release": "r1",
        "suite": {"key": "behaviour", "label": "1", "digest": "a" * 64},
        "evaluator": {"key": "groundedness", "label": "1", "digest": "b" * 64},
        "judge": {"key": "llm", "label": "1", "digest": "9" * 64},
        "dataset": {"key": "tasks", "label": "1", "digest": "c" * 64},
        "model": {"key": "smol", "digest": "d" * 64},
        "status": "success",
        "observed_from": now.isoformat(),
        "observed_to": now.isoformat(),
        "collected_at": now.isoformat(),
        "commit": "4b1d46ee",
        "metrics": {"grounded": {"kind": "proportion", "direction": "higher", "unit": "share"}},
    }
    return json.dumps({**head, "samples": samples}).encode()


def make_finding(world: World, role: Role, number: int = 1, owner: str = "") -> Evidence:
    """Put a finding forward, with internals in its summary that no binder may show.

    Args:
        owner: who asked for it; empty: somebody who is none of the world's people.
    """
    now = timezone.now()
    draft = items.ItemDraft(
        layer=Layer.MECHANISTIC,
        role=role,
        kind="finding",
        title="Induction heads: induction score",
        source=f"interpret.Finding:{role}{number}",
        digest="e" * 64,
        owner=owner or acting().actor,
        review_every_days=90,
        observed_from=now,
        observed_to=now,
        collected_at=now,
        summary={
            "statistic": "induction score", "unit": "share", "value": 0.41, "low": 0.37, "high": 0.45,
            "confidence": 0.95, "n": 64, "status": "supported", "claim": "descriptive",
            "baseline": {"what": "uniform attention", "value": 0.1, "low": 0.1, "high": 0.1, "n": 64},
            "null": {"what": "random twin", "value": 0.02, "low": 0.0, "high": 0.05, "n": 64}, "control": None,
            "does_not_show": "that any answer was copied", "languages": ["en"], "model_digest": "f" * 64,
            "probe_version": "1", "supports": SECRET, "features": [17, 3],
        },
    )  # fmt: skip
    return items.put_forward(draft=draft, release=world.release, slots=["model"], actor="system:test")


def export(filled: Filled, **changes: Any) -> Binder:
    """Export the binder of everything."""
    asked: dict[str, Any] = {
        "system": filled.world.system,
        "release": filled.world.release,
        "baseline": "",
        "period_from": PERIOD[0],
        "period_to": PERIOD[1],
        "as_of": filled.as_of,
        **changes,
    }
    return binders.export_binder(principal=acting(), asked=AskedScope(**asked))


def archive_of(binder: Binder) -> bytes:
    """Return the ZIP."""
    return blob_path(binder.archive_id).read_bytes()


def verify(
    folder: Path, archive: bytes, sidecar: str | None = None, trusted: dict[str, object] | None = None,
    now: datetime | None = None,
) -> Report:  # fmt: skip
    """Verify a ZIP as somebody else would, with both verifiers, by default with this server's trust file."""
    path = folder / "received.zip"
    path.write_bytes(archive)
    beside = None
    if sidecar is not None:
        beside = folder / "received.zip.intoto.jsonl"
        beside.write_text(sidecar)
    # The server's own words demand the sidecar that it gives, and a log that was signed by `as_of`: tests look at what
    # holds without, and `test_trust_demands` at what they demand.
    trusted = trusted or {
        **describe_trust(),
        "requireSidecar": sidecar is not None,
        "requireAuditSlice": False,
    }
    return verify_with_both(path, trust=trusted, sidecar=beside, now=now)


def _assess(world: World) -> None:
    versions = []
    for key, threshold in (("states-limits", 0.7), ("never-limits", 0.8)):
        check = "answers.confidence_and_limits" if key == "states-limits" else "citations.material_supported"
        source = requirement_file(key=key, check=check, threshold=threshold, slices='[{"language": "en"}]')
        result = import_requirements(
            system=world.system, source=source, file_name="r.yaml", principal=acting("user:ana")
        )
        versions.append(result.requirements[0].version)
        approve(versions[-1])
    assess_release(
        release=world.release, versions=versions, as_of=clock.read_moment(), principal=acting(APPROVER)
    )
    reference = gates.CriterionReference(requirement="states-limits")
    define_gate(
        system=world.system,
        key="release",
        references=[reference],
        principal=acting(),
        protects=["production"],
    )
    gates.decide_gate(system=world.system, gate="release", release=world.release, principal=acting())
    deployments.record_deployment(
        system=world.system,
        environment="production",
        release=world.release,
        effective_from=timezone.now(),
        principal=acting(),
    )
