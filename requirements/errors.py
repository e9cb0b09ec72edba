"""The errors of `requirements`: a stable code, an HTTP status, and a sentence that says what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from requirements.services.importing.contracts import ImportPlan
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

    def __init__(self, message: str, plan: ImportPlan) -> None:
        super().__init__(message)
        self.plan = plan

    def members(self) -> dict[str, object]:
        """What the problem document carries beside its detail: the digest of the plan as it is now, and its counts."""
        return {"plan_digest": self.plan.digest, "counts": self.plan.counts()}


class TransitionNotAllowed(RequirementsError):
    """The version's state does not lead to the state asked for."""

    code = "transition_not_allowed"
    http_status = 409
    title = "This state does not lead there"


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
