"""A plan as the API and the command line show it."""

from __future__ import annotations

from collections.abc import Mapping

from requirements.comparing import changes_between
from requirements.drafts import RequirementDraft
from requirements.selectors.wording import drafts_by_version
from requirements.services.importing.contracts import Act, ImportPlan, Step


def told_plan(plan: ImportPlan) -> dict[str, object]:
    """Return a plan with, of each requirement that would have another wording, what differs, word by word."""
    before = drafts_by_version(
        [step.standing.version for step in plan.steps if step.is_new_version and step.standing is not None]
    )
    return {
        "plan_digest": plan.digest,
        "applicable": not plan.conflicts,
        "counts": plan.counts(),
        "requirements": [_told_step(step, before) for step in plan.steps],
        "conflicts": [conflict.problem.as_dict() for conflict in plan.conflicts],
        "warnings": [warning.as_dict() for file in plan.files for warning in file.warnings],
    }


def _told_step(step: Step, before: Mapping[int, RequirementDraft]) -> dict[str, object]:
    standing = step.standing
    earlier = before.get(standing.version.pk) if standing is not None else None
    changes = changes_between(earlier, step.draft) if earlier is not None and step.draft is not None else []
    return {
        "key": step.key,
        "change": step.act.value,
        "file": step.file,
        "line": step.line,
        "came_from": str(step.origin) if step.origin is not None else None,
        "number": standing.version.number if standing is not None else None,
        "state": standing.state.value if standing is not None else None,
        "changes": [
            {
                "path": change.path,
                "before": change.before,
                "after": change.after,
                "words": [{"op": words.op, "text": words.text} for words in change.words()],
            }
            for change in changes
        ],
        "ask": _asked(step),
    }


def _asked(step: Step) -> str:
    if step.act is Act.DROPPED and not step.was_retired:
        return f"retire? {step.file} holds {step.key} no longer: have an approver retire it, or put it back"
    if step.held_elsewhere:
        return f"{step.origin} says the same and keeps it: name it as moved, or take it out here"
    return ""
