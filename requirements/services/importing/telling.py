"""A plan as the API and the command line show it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from requirements.comparing import changes_between
from requirements.drafts import RequirementDraft
from requirements.selectors.ends import name_of_end
from requirements.selectors.links import Suspicion
from requirements.selectors.wording import drafts_by_version
from requirements.services.importing.consequences import Consequences, DroppedLink, SuspectLink
from requirements.services.importing.contracts import Act, ImportPlan, Step
from requirements.yaml_import.contracts import LinkDraft


def told_plan(plan: ImportPlan, then: Consequences) -> dict[str, object]:
    """Return a plan with what it leads to and, of each requirement with another wording, what differs, word by word."""
    before = drafts_by_version(
        [step.standing.version for step in plan.steps if step.is_new_version and step.standing is not None]
    )
    return {
        "plan_digest": plan.digest,
        "applicable": not (plan.conflicts or then.problems),
        "counts": plan.counts(),
        "summary": _summary(then),
        "requirements": [_told_step(step, before) for step in plan.steps],
        "links_suspect": [_told_suspect(each) for each in then.suspect],
        "links_added": [_told_added(each) for each in then.added],
        "links_dropped": told_dropped(then.dropped),
        "criteria": [
            {
                "name": each.name,
                "check_name": each.check,
                "suite": each.suite,
                "change": each.change,
                "verdict": each.verdict,
            }
            for each in then.criteria
        ],
        "conflicts": [
            *(conflict.problem.as_dict() for conflict in plan.conflicts),
            *(problem.as_dict() for problem in then.problems),
        ],
        "warnings": [warning.as_dict() for file in plan.files for warning in file.warnings],
    }


def told_dropped(links: Iterable[DroppedLink]) -> list[dict[str, object]]:
    """Return the links that files name no longer, each with who may do what about it."""
    return [
        {
            "id": each.link.link_id,
            "name": f"{name_of_end(*each.link.upstream)}>{name_of_end(*each.link.downstream)}",
            "kind": each.link.kind,
            "file": each.file,
            "ask": (
                f"withdraw? {each.file} names it no longer, and it stays: have an approver who did not make it "
                f"withdraw it with a reason (POST /api/v1/links/{each.link.link_id}/withdraw, or its page), or put it "
                "back"
            ),
        }
        for each in links
    ]


def _summary(then: Consequences) -> str:
    direct = sum(each.standing.suspicion is Suspicion.DIRECT for each in then.suspect)
    return (
        f"{len(then.suspect)} links become suspect ({direct} because an end moves), {len(then.added)} are added, "
        f"{len(then.dropped)} are named no longer; {len(then.criteria)} criteria are assessed anew"
    )


def _told_suspect(link: SuspectLink) -> dict[str, object]:
    standing = link.standing
    return {
        "id": standing.link_id,
        "name": standing.name,
        "kind": standing.stored.kind,
        "suspicion": standing.suspicion.value,
        "because": list(standing.because),
        "after": link.after.value,
    }


def _told_added(draft: LinkDraft) -> dict[str, object]:
    return {
        "name": f"{name_of_end(*draft.upstream)}>{name_of_end(*draft.downstream)}",
        "kind": draft.kind,
        "file": draft.file,
        "line": draft.line,
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
