"""The errors of `requirements`: a stable code, an HTTP status, and a sentence that says what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from evidence.errors import Fault

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
        super().__init__("; ".join(fault.message for fault in faults))
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
    """A baseline of this name is frozen with other members."""

    code = "conflicting_baseline"
    http_status = 409
    title = "A baseline of this name has other members"


class UnknownCheck(RequirementsError):
    """No check is registered under this name."""

    code = "unknown_check"
    http_status = 422
    title = "Unknown check"

    def __init__(self, message: str, nearest: str | None) -> None:
        super().__init__(message)
        self.nearest = nearest
