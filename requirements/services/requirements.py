"""Requirements and their versions, saved one by one. Files of them: `requirements.services.importing`."""

from __future__ import annotations

from django.db import transaction

from evidence.access import Principal
from evidence.errors import Fault, InvalidInput
from evidence.locks import Lock, hold
from evidence.models import System
from evidence.worded import worded
from requirements import acts
from requirements.drafts import RequirementDraft
from requirements.models import Change, RequirementVersion
from requirements.selectors.standing import find_concerned, holders_of_external_ids, standing_of
from requirements.selectors.wording import draft_of
from requirements.services.drafting import NewDraft, store_drafts
from requirements.services.editorial import check_editorial
from requirements.services.importing import ImportedRequirement, ImportResult, import_requirements

__all__ = ["ImportResult", "ImportedRequirement", "import_requirements", "save_requirement"]


@transaction.atomic
def save_requirement(
    *, principal: Principal, system: System, draft: RequirementDraft, change: str = ""
) -> tuple[RequirementVersion, bool]:
    """Store a requirement as a new version in draft, unless its newest version says the same and is not retired.

    Going back to an earlier wording is a change too, and gets a number of its own: each version's digest
    covers the digest of the one it replaces.

    Args:
        change: what the author says the change is, `editorial` or `substantive`; empty: nothing yet. It can be said
            when the version is proposed, too.

    Returns:
        The newest version, and whether it is new.

    Raises:
        AccessDenied, NotFound: as `acts.check_can_import_requirements` does.
        NotEditorial: it is said to be editorial, and is not.
        InvalidInput: another requirement's key differs from this one's in capitals only, or has its external id.
    """
    acts.check_can_import_requirements(principal, system)
    hold(Lock.REQUIREMENT_KEY, system.pk)
    concerned = find_concerned(system, keys=[draft.key], files=[])
    known = standing_of(list(concerned))
    standing, digest = known.get(draft.key), draft.digest
    if standing is not None and standing.says(digest):
        return standing.version, False
    if standing is None and known:
        told = worded(
            "%(other)s is there, and differs from %(key)s in capitals only",
            other=next(iter(known)),
            key=draft.key,
        )
        raise InvalidInput(faults=[Fault("body", "key", "key_differs_in_case", told, next(iter(known)))])
    holder = holders_of_external_ids(system, [draft.external_id]).get(draft.external_id, draft.key)
    if holder != draft.key:
        told = worded(
            "the external_id %(external_id)s is %(other)s's: no two requirements have the same",
            external_id=repr(draft.external_id),
            other=holder,
        )
        raise InvalidInput(faults=[Fault("body", "external_id", "duplicate_external_id", told)])
    if change == Change.EDITORIAL:
        check_editorial(draft_of(standing.version) if standing else None, draft)
    (version,) = store_drafts(
        system=system, actor=principal.actor, drafts=[NewDraft(draft, digest, standing, change)]
    )
    return version, True
