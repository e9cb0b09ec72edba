"""Stored facts for assessments: traces as the assembler leaves them, and requirements as a file brings them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from textwrap import dedent
from typing import Any

from django.db import transaction
from django.utils import timezone

from evidence.digests import sha256_hex
from evidence.models import (
    ArtefactVersion,
    Citation,
    Claim,
    GateDecision,
    PolicyCheck,
    Release,
    Trace,
    TraceFacts,
    TraceVersion,
)
from evidence.services import audit
from evidence.services.gates import decide_gate, replay_gate_decision
from requirements.models import (
    AcceptanceCriterion,
    RequirementTransition,
    RequirementVersion,
    RetirementRequest,
)
from requirements.selectors.requirements import state_of
from requirements.selectors.wording import warning_names
from requirements.services.requirements import import_requirements, save_requirement
from requirements.services.retirements import ask_retirement, settle_retirement
from requirements.services.transitions import WhatWasRead, transition_requirement
from requirements.yaml_import import parse_requirement_file
from tests.factories import World, acting
from tests.kept_scenes import kept_on_a_world

AUTHOR, APPROVER = "user:ana", "user:bob"

STATEMENT = "Each answer must do what this criterion measures."
_FILE = """\
format: tracebinder.requirements/1
requirements:
  - key: {key}
    statement: Each answer must do what this criterion measures.
    risk_tier: high
    layer: product
    owner: {owner}
    review_every_days: 180
    criteria:
      - key: c
        check: {check}
        {comparator}: {threshold}
        min_n: {min_n}
        max_age_days: {max_age_days}
        parameters: {parameters}
        slices: {slices}
"""


def requirement_file(**over: Any) -> bytes:
    """Return a file with one requirement and one criterion."""
    values = {
        "key": "r",
        "owner": "product-owner",
        "check": "answers.confidence_and_limits",
        "comparator": "at_least",
        # What 14 without a failure show: of a run, and of traces at all looks together.
        "threshold": 0.8 if over.get("check") == "evals.metric" else 0.7,
        "min_n": 11,
        "max_age_days": 90,
        "parameters": "{}",
        "slices": "[]",
        **over,
    }
    return _FILE.format(**values).encode()


def requirement_text(**over: Any) -> str:
    """Return that requirement alone, as a text: the entry of the file without its dash."""
    _, _, entry = requirement_file(**over).decode().partition("requirements:\n")
    return dedent(entry.replace("- ", "  ", 1))


def read(version: RequirementVersion, *, state: str = "", warnings: bool = False) -> WhatWasRead:
    """Return what somebody read who looks at a version now, by default in the state that it is in.

    Args:
        warnings: whether they ticked each warning of the linter.
    """
    ticked = tuple(warning_names(version)) if warnings else ()
    return WhatWasRead(version.artefact_version.digest, state or state_of(version).value, ticked)


def move(
    version: RequirementVersion, to_state: str, by: str, reason: str = "", **over: Any
) -> RequirementTransition:
    """Have somebody who reads a version as it stands take a step with it."""
    over.setdefault("read", read(version, warnings=to_state == "approved"))
    return transition_requirement(
        version=version, to_state=to_state, principal=acting(by), reason=reason, **over
    )


def approve(version: RequirementVersion, **over: Any) -> None:
    """Take a version through review, by two people."""
    move(version, "in_review", AUTHOR)
    move(version, "approved", APPROVER, **over)


def ask_to_retire(version: RequirementVersion, by: str = AUTHOR, reason: str = "over") -> RetirementRequest:
    """Have somebody ask for the retirement of a version as it stands."""
    return ask_retirement(version=version, principal=acting(by), reason=reason, read=read(version))


def retire(version: RequirementVersion) -> None:
    """Retire a version, by two people."""
    settle_retirement(request=ask_to_retire(version), to_state="confirmed", principal=acting(APPROVER))


@kept_on_a_world
def make_criterion(world: World, *, approved: bool = True, **over: Any) -> AcceptanceCriterion:
    """Import one requirement with one criterion."""
    result = import_requirements(
        system=world.system,
        source=requirement_file(**over),
        file_name=f"{over.get('key', 'r')}.yaml",  # a file of its own: it would drop those of before
        principal=acting(AUTHOR),
    )
    version = result.requirements[0].version
    if approved:
        approve(version)
    criterion: AcceptanceCriterion = version.criteria.get()
    return criterion


def reworded(world: World, statement: str, *, change: str = "") -> RequirementVersion:
    """Save the requirement of `requirement_file` in other words, as YAML has them."""
    source = requirement_file().replace(STATEMENT.encode(), statement.encode())
    (draft,) = parse_requirement_file(source, "r.yaml").requirements
    version, _ = save_requirement(principal=acting(AUTHOR), system=world.system, draft=draft, change=change)
    return version


def make_trace(world: World, **told: Any) -> Trace:
    """Insert one sealed trace, as `make_traces` does.

    Args:
        trace_id: the one it has; by default, one of its own.
        revision: which of the trace it is.
    """
    (trace,) = make_traces(world, 1, **told)
    return trace


@transaction.atomic
def make_traces(
    world: World,
    n: int,
    *,
    release: Release | None = None,
    age: timedelta = timedelta(hours=1),
    versions: dict[str, ArtefactVersion] | None = None,
    claims: Sequence[tuple[str, float]] = (),
    policy: Sequence[str] = (),
    trace_id: uuid.UUID | None = None,
    **told: Any,
) -> list[Trace]:
    """Insert sealed traces that say the same, with their facts and, as the assembler does, each with its event.

    Args:
        claims: material claims of each, every one with the (verdict, score) of its only citation.
        policy: rules that decided.
        told: columns of the traces, and facts.
    """
    release = release or world.release
    ended: datetime = timezone.now() - age
    columns = {name: told.pop(name) for name in _TOLD_OF_A_TRACE & told.keys()}
    traces = [_unsaved_trace(world, release, ended, trace_id or uuid.uuid4(), **columns) for _ in range(n)]
    Trace.objects.insert_as_arrays(traces)
    if versions is None:
        versions = {pin.slot: pin.version for pin in release.pins.select_related("version")}
    TraceVersion.objects.insert_as_arrays(
        [
            TraceVersion(trace=trace, slot=slot, version=version)
            for trace in traces
            for slot, version in versions.items()
        ]
    )
    _make_claims(traces, claims)
    PolicyCheck.objects.insert_as_arrays(
        [
            PolicyCheck(trace=trace, span_id="0" * 16, rule=rule, decision="allow")
            for trace in traces
            for rule in policy
        ]
    )
    _make_facts(traces, {"n_policy_checks": len(policy), **told})
    audit.record_many(
        verb="trace.sealed",
        actor="system:test",
        changes=[audit.Change(trace, world.system, trace.digest) for trace in traces],
    )
    return traces


_TOLD_OF_A_TRACE = {"language", "risk_tier", "revision", "status"}


def _unsaved_trace(
    world: World, release: Release, ended: datetime, trace_id: uuid.UUID, *, revision: int = 1, **columns: str
) -> Trace:
    return Trace(
        system=world.system,
        trace_id=trace_id,
        revision=revision,
        digest=sha256_hex(f"{trace_id}/{revision}".encode()),
        name="invoke_agent",
        release=release,
        started_at=ended - timedelta(seconds=1),
        ended_at=ended,
        span_count=1,
        assembler_version="test",
        sealed_at=ended + timedelta(seconds=2),
        **{"status": "complete", "language": "en", "risk_tier": "high", **columns},
    )


def _make_claims(traces: Sequence[Trace], claims: Sequence[tuple[str, float]]) -> None:
    made = [
        Claim(
            trace=trace, ordinal=ordinal, text="t", start=0, end=1, material=True, origin="declared",
            extractor_version="test",
        )
        for trace in traces
        for ordinal in range(len(claims))
    ]  # fmt: skip
    Claim.objects.insert_as_arrays(made)
    Citation.objects.insert_as_arrays(
        [
            Citation(
                claim=claim, ordinal=0, document_ref="DOC-1", quote="q", verdict=verdict, score=score, threshold=0.8,
                checker_version="test", inputs_digest="0" * 64,
            )
            for claim, (verdict, score) in zip(made, [*claims] * len(traces), strict=True)
        ]
    )  # fmt: skip


def _make_facts(traces: Sequence[Trace], facts: Mapping[str, Any]) -> None:
    counts = dict.fromkeys(
        [
            "n_claims", "n_material", "n_material_cited", "n_material_supported", "n_citations", "n_citations_found",
            "n_policy_denied", "n_policy_escalated", "n_unregistered_versions",
        ],
        0,
    )  # fmt: skip
    flags = dict.fromkeys(
        [
            "has_prompt", "has_sources", "has_tools", "has_confidence", "has_limitations", "has_model_version",
            "has_prompt_version", "has_index_version",
        ],
        True,
    )  # fmt: skip
    TraceFacts.objects.insert_as_arrays(
        [TraceFacts(trace=trace, **{**counts, **flags, **facts}) for trace in traces]
    )


def decide(world: World, release: Release | None = None, **bound: Any) -> GateDecision:
    """Ask the gate "release" about a release, the world's where none is named, and see that it says so again."""
    decision = decide_gate(
        principal=acting("token:ci"),
        system=world.system,
        gate="release",
        release=release or world.release,
        **bound,
    )
    assert replay_gate_decision(decision).agrees
    return decision


def reason_of(world: World, **bound: Any) -> dict[str, Any]:
    """Ask the gate, and return what it says of its first criterion, with the verdict."""
    decision = decide(world, **bound)
    return {"decision": decision.verdict, **decision.reasons[0]}
