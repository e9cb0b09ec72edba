"""Gate decisions on the release, passes and failures alike, and the waivers granted for it."""

from __future__ import annotations

from collections.abc import Iterator

from evidence.binder.files import BinderFile, json_file, json_lines_file
from evidence.models import GateDecision, Waiver
from evidence.selectors.binder.scope import BinderScope, moment, plain, read_by_keyset
from evidence.selectors.gates import standing_of


def gate_files(scope: BinderScope) -> Iterator[BinderFile]:
    """Yield one file a decision, and the list of waivers."""
    decisions = GateDecision.objects.filter(
        scope.as_of.knew("decided_at"), system=scope.system, release=scope.release
    )
    decisions = decisions.select_related("gate_version__artefact", "gate_version__registration", "release")
    decisions = decisions.prefetch_related("gate_version__gate_transitions")
    for decision in read_by_keyset(decisions):
        yield json_file(
            f"gates/{decision.pk}.json",
            _decision(decision),
            title=f"Decision of gate {decision.gate_version.artefact.key} / 关卡决定",
            schema="gate-decision",
        )
    yield json_lines_file(
        "gates/waivers.jsonl", lambda: _waivers(scope), title="Waivers / 豁免", population="waivers"
    )


def _decision(decision: GateDecision) -> dict[str, object]:
    return {
        "id": str(decision.pk),
        "gate": decision.gate_version.artefact.key,
        "gateVersion": decision.gate_version.number,
        "gateDigest": decision.gate_version.digest,
        **_approval(decision),
        "release": decision.release.name,
        "asOf": moment(decision.as_of),
        "verdict": decision.verdict,
        "reasons": plain(decision.reasons),
        "inputs": plain(decision.inputs),
        "inputsDigest": decision.inputs_digest,
        "codeVersion": decision.code_version,
        "decidedAt": moment(decision.decided_at),
        "decidedBy": decision.decided_by,
    }


def _approval(decision: GateDecision) -> dict[str, object]:
    """Return since when the version that decided does, who proposed it, and who approved it: nobody, if adopted."""
    standing = standing_of(decision.gate_version)
    if standing is None:
        return {}
    return {
        "gateState": standing.state.value,
        "gateSince": moment(standing.since),
        "gateProposals": [{"by": proposer} for proposer in standing.proposed_by],
        "gateApprovedBy": standing.approved_by,
    }


def _waivers(scope: BinderScope) -> Iterator[dict[str, object]]:
    rows = Waiver.objects.filter(scope.as_of.knew("created_at"), system=scope.system, release=scope.release)
    for waiver in read_by_keyset(rows):
        yield {
            "id": str(waiver.pk),
            "criterion": waiver.criterion_ref,
            "reason": waiver.reason,
            "requestedBy": waiver.requested_by,
            "approvedBy": waiver.approved_by,
            "grantedAt": moment(waiver.created_at),
            "expiresAt": moment(waiver.expires_at),
        }
