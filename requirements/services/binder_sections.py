"""What `requirements` puts into a binder: each requirement with its criteria, as they stood at one instant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Final

from evidence.binder.files import BinderFile, RequirementStatus, json_file
from evidence.binder.paths import file_stem
from evidence.models import Waiver
from evidence.selectors.binder.citations import CITATIONS_PATH
from evidence.selectors.binder.evals import eval_run_path, eval_runs_in_scope
from evidence.selectors.binder.reviews import REVIEWS_PATH
from evidence.selectors.binder.scope import BinderScope, moment, plain
from evidence.selectors.binder.traces import TRACES_PATH
from requirements.checks import known_checks
from requirements.models import (
    AcceptanceCriterion,
    Assessment,
    RequirementState,
    RequirementTransition,
    RequirementVersion,
)
from requirements.selectors.requirements import approved_versions, find_baseline

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
        status = _status(document)
        yield json_file(
            f"requirements/{file_stem(version.requirement.key)}.json",
            {**document, "status": status},
            title=f"Requirement {version.requirement.key} / 要求",
            schema="requirement",
            status=status,
        )


def _versions(scope: BinderScope) -> Sequence[RequirementVersion]:
    if not scope.baseline:
        return approved_versions(scope.system, scope.as_of)
    members = find_baseline(scope.system, scope.baseline).members.select_related(
        "version__requirement", "version__artefact_version"
    )
    return [member.version for member in members.order_by("version__requirement__key", "version__number")]


def _requirement(scope: BinderScope, version: RequirementVersion) -> dict[str, object]:
    criteria = AcceptanceCriterion.objects.filter(version=version).select_related("artefact_version")
    state, approved_by = _state(scope, version)
    return {
        "key": version.requirement.key,
        "version": version.number,
        "digest": version.artefact_version.digest,
        "state": state,
        "statement": plain(version.statement),
        "rationale": version.rationale,
        "riskTier": version.risk_tier,
        "layer": version.layer,
        "owner": version.owner,
        "reviewEveryDays": version.review_every_days,
        "proposedBy": version.proposed_by,
        "approvedBy": approved_by,
        "asOf": moment(scope.as_of),
        "criteria": [_criterion(scope, criterion) for criterion in criteria.order_by("key")],
        "waivers": _waivers(scope, version),
    }


def _state(scope: BinderScope, version: RequirementVersion) -> tuple[str, str | None]:
    """Return the state at `as_of` and, where a person approved the version, who."""
    moves = RequirementTransition.objects.filter(version=version, at__lte=scope.as_of)
    last = moves.order_by("-at", "-pk").first()
    approval = moves.filter(to_state=RequirementState.APPROVED).order_by("-at", "-pk").first()
    return (last.to_state if last else RequirementState.DRAFT.value), (approval.by if approval else None)


def _criterion(scope: BinderScope, criterion: AcceptanceCriterion) -> dict[str, object]:
    assessment = (
        Assessment.objects.filter(
            criterion=criterion,
            release=scope.release,
            as_of__lte=scope.as_of,
            created_at__lte=scope.as_of,
        )
        .order_by("-as_of", "-pk")
        .first()
    )
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
        **_judged(scope, criterion, assessment),
    }


def _judged(
    scope: BinderScope, criterion: AcceptanceCriterion, assessment: Assessment | None
) -> dict[str, object]:
    if assessment is None:
        return {
            "verdict": Assessment.Verdict.NOT_ASSESSED.value,
            "reason": "never assessed for this release",
            "value": None,
            "low": None,
            "high": None,
            "n": 0,
        }
    verdict, reason = _verdict_now(scope, criterion, assessment)
    return {
        "verdict": verdict,
        "reason": reason,
        "value": assessment.value,
        "low": assessment.low,
        "high": assessment.high,
        "n": assessment.n,
        "assessedAsOf": moment(assessment.as_of),
        "observedFrom": moment(assessment.observed_from),
        "observedTo": moment(assessment.observed_to),
        "sliceResults": plain(assessment.slices),
        "inputs": plain(assessment.inputs),
        "inputsDigest": assessment.inputs_digest,
        "codeVersion": assessment.code_version,
    }


def _verdict_now(
    scope: BinderScope, criterion: AcceptanceCriterion, assessment: Assessment
) -> tuple[str, str]:
    """Return the stored verdict, unless what it rests on has become too old since: then it is stale."""
    if assessment.verdict != Assessment.Verdict.MET or criterion.max_age_days is None:
        return assessment.verdict, assessment.detail
    oldest = scope.as_of - timedelta(days=criterion.max_age_days)
    if assessment.observed_to is None or assessment.observed_to < oldest:
        detail = (
            f"older than {criterion.max_age_days} days at the time of this binder; then: {assessment.detail}"
        )
        return Assessment.Verdict.STALE.value, detail
    return assessment.verdict, assessment.detail


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


def _waivers(scope: BinderScope, version: RequirementVersion) -> list[dict[str, object]]:
    rows = Waiver.objects.filter(
        release=scope.release,
        criterion_ref__startswith=f"{version.requirement.key}/",
        created_at__lte=scope.as_of,
    )
    return [
        {
            "criterion": row.criterion_ref.partition("/")[2],
            "reason": row.reason,
            "requestedBy": row.requested_by,
            "approvedBy": row.approved_by,
            "grantedAt": moment(row.created_at),
            "expiresAt": moment(row.expires_at),
            "inForce": row.expires_at > scope.as_of,
        }
        for row in rows.order_by("pk")
    ]


def _status(document: dict[str, object]) -> RequirementStatus:
    """Return what follows from the criteria. The offline verifier works it out again by the same rules."""
    criteria, waivers = document["criteria"], document["waivers"]
    if document["state"] != RequirementState.APPROVED or not isinstance(criteria, list):
        return "notAssessed"
    verdicts = {str(criterion["key"]): str(criterion["verdict"]) for criterion in criteria}
    unmet = {key for key, verdict in verdicts.items() if verdict != Assessment.Verdict.MET}
    waived = {str(w["criterion"]) for w in waivers if w["inForce"]} if isinstance(waivers, list) else set()
    if verdicts and not unmet:
        return "satisfied"
    if unmet and unmet <= waived:
        return "waived"
    if Assessment.Verdict.NOT_MET in verdicts.values():
        return "notSatisfied"
    if set(verdicts.values()) <= {Assessment.Verdict.NOT_ASSESSED}:
        return "notAssessed"
    return "partial"
