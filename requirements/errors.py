"""The errors of `requirements`: a stable code, an HTTP status, and a sentence that says what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from evidence.errors import Fault
from evidence.worded import SEMICOLON, joined

if TYPE_CHECKING:
    from requirements.yaml_import.contracts import FileProblem


class RequirementsError(Exception):
    """Something the caller can put right. `code` never changes once released."""

    code: ClassVar[str] = "requirements_error"
    http_status: ClassVar[int] = 400
    title: ClassVar[str] = "The request could not be carried out"


class RequirementNotFound(RequirementsError):
    """No such requirement, version, criterion or baseline in the systems the caller may see."""

    code = "requirement_not_found"
    http_status = 404
    title = "No such requirement"


class RequirementFileInvalid(RequirementsError):
    """A requirement file has faults; all of them are listed and nothing of it was stored."""

    code = "requirement_file_invalid"
    http_status = 422
    title = "The requirement file has faults; nothing was stored"

    def __init__(self, problems: list[FileProblem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems

    def members(self) -> dict[str, object]:
        """What the problem document carries beside its detail: each fault, with file, line, nearest name."""
        return {"errors": [problem.as_dict() for problem in self.problems]}


class KeyOfAnotherFile(RequirementsError):
    """A requirement is another file's, or its key or external id clashes with another's; nothing was stored."""

    code = "key_of_another_file"
    http_status = 409
    title = "A requirement belongs to another file; nothing was stored"

    def __init__(self, problems: list[FileProblem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems[:20]))
        self.problems = problems

    def members(self) -> dict[str, object]:
        """What the problem document carries beside its detail: each clash, with file and line."""
        return {"errors": [problem.as_dict() for problem in self.problems]}


class ImportPlanMoved(RequirementsError):
    """What an import would do is no longer what was planned; nothing was stored."""

    code = "import_plan_moved"
    http_status = 409
    title = "The plan is another by now; nothing was stored"

    def __init__(self, message: str, plan: Mapping[str, object]) -> None:
        super().__init__(message)
        self.plan = plan

    def members(self) -> dict[str, object]:
        """What the problem document carries beside its detail: the plan as it is now, as the API shows one."""
        return {"plan": dict(self.plan)}


class TransitionNotAllowed(RequirementsError):
    """The version's state does not lead to the state asked for."""

    code = "transition_not_allowed"
    http_status = 409
    title = "This state does not lead there"


class DecisionOutdated(RequirementsError):
    """What was decided on is not what stands: another text, or another state; nothing was stored."""

    code = "decision_outdated"
    http_status = 409
    title = "This is not what stands by now"

    def __init__(self, message: str, standing: Mapping[str, object], newest: Mapping[str, object]) -> None:
        super().__init__(message)
        self.standing, self.newest = standing, newest

    def members(self) -> dict[str, object]:
        """What the problem document carries beside its detail: how the version stands, and the newest one's text."""
        return {"standing": dict(self.standing), "newest": dict(self.newest)}


class DraftOutdated(DecisionOutdated):
    """A draft was written against another version, or another state, than the one that stands; nothing was stored."""

    code = "draft_outdated"
    title = "Somebody changed this meanwhile"


class DecidedBefore(DecisionOutdated):
    """Somebody else took this step first, or the same person with another reason; nothing was added."""

    code = "decided_before"
    title = "This was decided before"


class NewerVersionAhead(DecisionOutdated):
    """An older version is not approved while a newer one is in review or approved."""

    code = "newer_version_ahead"
    title = "A newer version is ahead of this one"


class NotEditorial(RequirementsError):
    """A change marked as editorial touches numbers, modals, negations, criteria, risk tier or layer."""

    code = "not_editorial"
    http_status = 422
    title = "This change is not editorial"

    def __init__(self, message: str, faults: Sequence[Fault] = ()) -> None:
        super().__init__(message)
        self.faults = tuple(faults)

    def members(self) -> dict[str, object]:
        """What the problem document carries beside its detail: each thing that changed, with its place."""
        return {"errors": [fault.as_dict() for fault in self.faults]}


class WarningsUnread(RequirementsError):
    """An approval does not name each open warning of the linter, or names one that there is not."""

    code = "warnings_unread"
    http_status = 422
    title = "Each warning of the linter is read before a version is approved"

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(joined((fault.message for fault in faults), SEMICOLON))
        self.faults = tuple(faults)

    def members(self) -> dict[str, object]:
        """What the problem document carries beside its detail: each warning that is missing or unknown."""
        return {"errors": [fault.as_dict() for fault in self.faults]}


class SelfApproval(RequirementsError):
    """Nobody approves what they proposed."""

    code = "self_approval"
    http_status = 403
    title = "A second person must approve this"


class ConflictingBaseline(RequirementsError):
    """A baseline of this name is frozen with other members: which are missing, new or of another version, it says."""

    code = "conflicting_baseline"
    http_status = 409
    title = "A baseline of this name has other members"


class LinkNotFound(RequirementsError):
    """No such link in the systems the caller may see."""

    code = "link_not_found"
    http_status = 404
    title = "No such link"


class LinkNotAllowed(RequirementsError):
    """A link of this kind does not lead between these ends, or it would close a cycle."""

    code = "link_not_allowed"
    http_status = 422
    title = "No such link can be made"

    def __init__(self, message: str, cycle: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.cycle = cycle  # keys, the first again at the end


class LinkNotSuspect(RequirementsError):
    """There is nothing to clear: no end of the link moved, or somebody cleared it before."""

    code = "link_not_suspect"
    http_status = 409
    title = "There is nothing to clear on this link"


class LinkMoved(RequirementsError):
    """An end of the link is at another version than the one that was looked at."""

    code = "link_moved"
    http_status = 409
    title = "An end of the link moved meanwhile"


class LinkWithdrawn(RequirementsError):
    """The link was withdrawn, so that nothing is said of its ends any more."""

    code = "link_withdrawn"
    http_status = 409
    title = "The link was withdrawn"


class SelfClearance(RequirementsError):
    """Nobody clears a link of what they changed themselves, or withdraws one that they made."""

    code = "self_clearance"
    http_status = 403
    title = "A second person must look at this link"


class SelfSignOff(RequirementsError):
    """Nobody signs off a baseline that they froze."""

    code = "self_sign_off"
    http_status = 403
    title = "A second person must sign this baseline off"


class BaselineMoved(RequirementsError):
    """The baseline was read with another digest than it has."""

    code = "baseline_moved"
    http_status = 409
    title = "This is not the baseline that was read"


class UnknownCheck(RequirementsError):
    """No check is registered under this name."""

    code = "unknown_check"
    http_status = 422
    title = "Unknown check"

    def __init__(self, message: str, nearest: str | None) -> None:
        super().__init__(message)
        self.nearest = nearest
