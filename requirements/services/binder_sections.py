"""What `requirements` puts into a binder: each requirement with its criteria, as they stood at one instant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from evidence.binder.files import BinderFile, json_file
from evidence.binder.paths import file_stem
from evidence.models import Waiver
from evidence.selectors.binder.citations import CITATIONS_PATH
from evidence.selectors.binder.evals import eval_run_path, eval_runs_in_scope
from evidence.selectors.binder.reviews import REVIEWS_PATH
from evidence.selectors.binder.scope import BinderScope, moment, plain
from evidence.selectors.binder.traces import TRACES_PATH
from evidence.selectors.gates import find_reason
from evidence.selectors.waivers import covers, is_in_force
from evidence.vocabulary import CriterionVerdict
from requirements.checks import known_checks
from requirements.models import (
    AcceptanceCriterion,
    Assessment,
    RequirementState,
    RequirementTransition,
    RequirementVersion,
)
from requirements.selectors.requirements import approved_versions, baseline_versions
from requirements.services.binder_documents import (
    CriterionDocument,
    Judged,
    Missing,
    RequirementDocument,
    WaiverDocument,
)
from requirements.verdicts import Judgement, judge_later, status_of

# Where the binder holds what a check counts. A noun that is not here is packed with its trace.
_PATHS: Final = {"Citation": CITATIONS_PATH, "Review": REVIEWS_PATH}
_EVAL_NOUNS: Final = frozenset({"EvalRun", "EvalSample"})


def requirement_sections(scope: BinderScope) -> Iterator[BinderFile]:
    """Yield one file a requirement: those of the baseline, or those approved at `as_of` where none is named.

    Raises:
        RequirementNotFound: the system has no such baseline.
    """
    for version in _versions(scope):
        document = _requirement(scope, version)
        yield json_file(
            f"requirements/{file_stem(document['key'])}.json",
            document,
            title=f"Requirement {document['key']} / 要求",
            schema="requirement",
            status=document["status"],
        )


def _versions(scope: BinderScope) -> Sequence[RequirementVersion]:
    if not scope.baseline:
        return approved_versions(scope.system, scope.as_of)
    return baseline_versions(scope.system, scope.baseline, scope.as_of)


def _requirement(scope: BinderScope, version: RequirementVersion) -> RequirementDocument:
    listed = AcceptanceCriterion.objects.filter(version=version).select_related("artefact_version")
    criteria = [_criterion(scope, criterion) for criterion in listed.order_by("key")]
    waivers = _waivers(scope, version, {each["key"]: each for each in criteria})
    state, approved_by = _state(scope, version)
    return {
        "key": version.requirement.key,
        "version": version.number,
        "digest": version.artefact_version.digest,
        "state": state.value,
        "statement": plain(version.statement),
        "rationale": version.rationale,
        "riskTier": version.risk_tier,
        "layer": version.layer,
        "owner": version.owner,
        "reviewEveryDays": version.review_every_days,
        "proposedBy": version.proposed_by,
        "approvedBy": approved_by,
        "asOf": moment(scope.as_of.at),
        "criteria": criteria,
        "waivers": waivers,
        "status": status_of(
            {criterion["key"]: CriterionVerdict(criterion["verdict"]) for criterion in criteria},
            waived={waiver["criterion"] for waiver in waivers if waiver["inForce"]},
            approved=state is RequirementState.APPROVED,
        ),
    }


def _state(scope: BinderScope, version: RequirementVersion) -> tuple[RequirementState, str | None]:
    """Return the state at `as_of` and, where a person approved the version, who."""
    moves = RequirementTransition.objects.filter(scope.as_of.knew("at"), version=version)
    last = moves.order_by("-at", "-pk").first()
    approval = moves.filter(to_state=RequirementState.APPROVED).order_by("-at", "-pk").first()
    state = RequirementState(last.to_state) if last else RequirementState.DRAFT
    return state, (approval.by if approval else None)


def _criterion(scope: BinderScope, criterion: AcceptanceCriterion) -> CriterionDocument:
    return {
        "key": criterion.key,
        "digest": criterion.artefact_version.digest,
        "check": criterion.check_name,
        "parameters": plain(criterion.parameters),
        "comparator": criterion.comparator,
        "threshold": criterion.threshold,
        "unit": criterion.unit,
        "minN": criterion.min_n,
        "maxAgeDays": criterion.max_age_days,
        "confidence": criterion.bound_confidence,
        "slices": plain(criterion.slices),
        "evidence": _evidence_paths(scope, criterion),
        **_judged(scope, criterion),
    }


def _judged(scope: BinderScope, criterion: AcceptanceCriterion) -> Judged:
    known = Assessment.objects.filter(
        scope.as_of.knew("created_at"), criterion=criterion, release=scope.release, as_of__lte=scope.as_of.at
    )
    last = known.order_by("-as_of", "-pk").first()
    if last is None:
        return {
            "verdict": CriterionVerdict.NOT_ASSESSED.value,
            "reason": "never assessed for this release",
            "value": None,
            "low": None,
            "high": None,
            "n": 0,
        }
    judgement = judge_later(
        Judgement(CriterionVerdict(last.verdict), last.detail),
        observed_to=last.observed_to,
        max_age_days=criterion.max_age_days,
        as_of=scope.as_of.at,
    )
    whole, *parts = [_missing(part) for part in last.inputs.get("measured", [])] or [{}]
    return {
        "verdict": judgement.verdict.value,
        "reason": judgement.detail,
        "value": last.value,
        "low": last.low,
        "high": last.high,
        "n": last.n,
        **whole,
        "assessedAsOf": moment(last.as_of),
        "observedFrom": moment(last.observed_from),
        "observedTo": moment(last.observed_to),
        "sliceResults": plain([{**shown, **part} for shown, part in zip(last.slices, parts, strict=True)]),
        "inputs": plain(last.inputs),
        "inputsDigest": last.inputs_digest,
        "codeVersion": last.code_version,
    }


def _missing(part: Mapping[str, Any]) -> Missing:
    """Return how much of the whole or of a slice is missing, set aside or without a value; nothing where none is."""
    inputs = part["recent"]["inputs"]
    n = sum(sum(inputs.get(name, {}).values()) for name in ("set_aside", "missing"))
    return {"missing": n} if n else {}


def _evidence_paths(scope: BinderScope, criterion: AcceptanceCriterion) -> list[str]:
    check = known_checks().get(criterion.check_name)
    if check is None:
        return []
    if _EVAL_NOUNS & set(check.reads):
        suite = criterion.parameters.get("suite")
        key = suite.get("key") if isinstance(suite, dict) else None
        runs = eval_runs_in_scope(scope).filter(suite__artefact__key=key).order_by("pk")
        return [eval_run_path(run) for run in runs]
    return sorted({TRACES_PATH, *(_PATHS[noun] for noun in check.reads if noun in _PATHS)})


def _waivers(
    scope: BinderScope, version: RequirementVersion, criteria: Mapping[str, CriterionDocument]
) -> list[WaiverDocument]:
    """Return the waivers of the criteria of a requirement version that cover what each came to, by key."""
    rows = Waiver.objects.filter(
        scope.as_of.knew("created_at"),
        release=scope.release,
        criterion_ref__in=[f"{version.requirement.key}/{criterion}" for criterion in criteria],
    ).select_related("request__decision")
    return [
        {
            "criterion": row.criterion_ref.partition("/")[2],
            "reason": row.reason,
            "requestedBy": row.requested_by,
            "approvedBy": row.approved_by,
            "grantedAt": moment(row.created_at),
            "expiresAt": moment(row.expires_at),
            "inForce": is_in_force(row, scope.as_of.at),
        }
        for row in rows.order_by("pk")
        if covers(row.request, _told(scope, version, criteria[row.criterion_ref.partition("/")[2]]))
    ]


def _told(scope: BinderScope, version: RequirementVersion, criterion: CriterionDocument) -> Mapping[str, Any]:
    """Return what a decision said of a criterion when it came to this; where none did, its verdict."""
    told = find_reason(
        scope.release,
        criterion_ref=f"{version.requirement.key}/{criterion['key']}",
        inputs_digest=criterion.get("inputsDigest", ""),
        as_of=scope.as_of,
    )
    if told is not None and told["verdict"] == criterion["verdict"]:
        return told
    return {"requirement": str(version), "verdict": criterion["verdict"]}
