"""The errors of `evidence`: each has a stable code, an HTTP status, and a sentence that says what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, Literal

from evidence.worded import Worded, answered, worded

MOST_FAULTS: Final = 50  # of one request that are told


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with what was sent."""

    part: Literal["body", "query", "path"]
    path: str  # e.g. "pins[0].kind"; empty: the whole part
    code: str  # stable, e.g. "unknown_field"
    message: Worded
    nearest: str | None = None  # the known name closest to the one written

    def __str__(self) -> str:
        return str(self.sentence)

    @property
    def sentence(self) -> Worded:
        """What is wrong, with its place where the message names none."""
        if not self.path or self.path in self.message:
            return self.message
        return worded("%(path)s: %(fault)s", path=self.path, fault=self.message)

    def as_dict(self) -> dict[str, str | None]:
        """Return the fault as a problem's `errors` lists it."""
        return {
            "in": self.part,
            "path": self.path,
            "code": self.code,
            "message": self.message,
            "nearest": self.nearest,
        }


class EvidenceError(Exception):
    """Something the caller can put right. `code` never changes once released."""

    code: ClassVar[str] = "evidence_error"
    http_status: ClassVar[int] = 400
    title: ClassVar[str] = "The request could not be carried out"


class AppendOnlyViolation(EvidenceError):
    """Somebody tried to change or delete what happened."""

    code = "append_only"
    http_status = 409
    title = "This record cannot be changed"

    def __init__(self, label: str) -> None:
        super().__init__(
            worded("%(label)s is append-only: add a row that names the old one instead.", label=label)
        )


class ClockBehind(EvidenceError):
    """This database numbers its transactions below those that its rows name."""

    code = "clock_behind"
    http_status = 503
    title = "The database was restored and not yet taken over"

    def __init__(self) -> None:
        super().__init__(
            worded(
                "This database was restored from a dump: its transactions are numbered anew. Run "
                "`manage.py migrate` once, which numbers them on from where the rows end.",
            )
        )


class ClockSetBack(EvidenceError):
    """The server's clock says an earlier time than what is on record: what was decided now would not see it."""

    code = "clock_set_back"
    http_status = 503
    title = "The server's clock was set back"
    retry_after: ClassVar[int] = 60  # seconds

    def __init__(self, seconds: float, tolerance: int) -> None:
        super().__init__(
            worded(
                "The server's clock is %(seconds)s seconds behind what is on record, more than the "
                "%(tolerance)s tolerated. Set it right. If it is right now and was ahead before, set "
                "TRACEBINDER_CLOCK_TOLERANCE to more than that: times then go on from the last one on "
                "record.",
                seconds=f"{seconds:,.0f}",
                tolerance=tolerance,
            )
        )


class NotFound(EvidenceError):
    """The object does not exist, or the caller may not know that it does."""

    code = "not_found"
    http_status = 404
    title = "Not found"


class AmbiguousTrace(EvidenceError):
    """Several of the caller's systems each have a trace of this id, and the request does not say which it means."""

    code = "ambiguous_trace"
    http_status = 409
    title = "Several systems have a trace of this id"


class AmbiguousConversation(EvidenceError):
    """Several of the caller's systems each have traces of this conversation or session, and none is named."""

    code = "ambiguous_conversation"
    http_status = 409
    title = "Several systems have traces of this conversation or session"


class ConversationTooLong(EvidenceError):
    """So many traces carry one id that it says nothing about what came after what."""

    code = "conversation_too_long"
    http_status = 422
    title = "Too many traces carry this id"


class ListTooLong(EvidenceError):
    """A list has more rows than are written into one file."""

    code = "list_too_long"
    http_status = 422
    title = "The list is too long for one file"

    def __init__(self, most: int) -> None:
        super().__init__(
            worded(
                "The list has more than %(most)s rows, which is what one file takes: narrow it by its "
                "filters, to a month say, and export it in parts. TRACEBINDER_LIST_EXPORT_MAX_ROWS "
                "changes the limit.",
                most=f"{most:,}",
            )
        )


class SearchTooWide(EvidenceError):
    """One step of a search met so many traces that it took too long."""

    code = "search_too_wide"
    http_status = 422
    title = "The search is too wide"

    def __init__(self) -> None:
        super().__init__(
            worded(
                "These words are common, and what else you ask for is rare among them: add a rarer "
                "word, or a shorter period.",
            )
        )


class AccessDenied(EvidenceError):
    """The caller is known and may not do this."""

    code = "access_denied"
    http_status = 403
    title = "Not permitted"


class ProofNeeded(Exception):
    """The caller may do this, once they have proved again who they are.

    No `EvidenceError`: pages catch those, and show them beside a form. Nothing in a form puts this right, so it goes up
    to `config.problems`, which leads a browser to the proof and back.
    """

    code: ClassVar[str] = "proof_needed"
    http_status: ClassVar[int] = 403
    title: ClassVar[str] = "Prove that it is you"


class NotYetSigned(EvidenceError):
    """A form that was kept over a proof is shown once more: the act of it was not asked for again.

    Pages catch it, as they catch a refusal, and show what was typed with it. No request that sends something gets it.
    """

    code = "not_yet_signed"
    http_status = 200
    title = "Nothing is signed yet"


class SecondFactorNeeded(EvidenceError):
    """This installation asks everybody for a second factor, and the person has set up none."""

    code = "second_factor_needed"
    http_status = 403
    title = "Set up a second factor"


class TooManyAttempts(EvidenceError):
    """Somebody failed to sign in too often, from here or in this name."""

    code = "too_many_attempts"
    http_status = 429
    title = "Too many attempts to sign in"

    def __init__(self, seconds: int) -> None:
        super().__init__(
            worded("Too many attempts failed. Try again in %(seconds)s seconds.", seconds=seconds)
        )
        self.retry_after = seconds


class ProviderRefused(EvidenceError):
    """What came back from the provider of single sign-on does not say who this is, or it is nobody who may come in."""

    code = "provider_refused"
    http_status = 403
    title = "Not signed in"

    def __init__(self, reason: str, message: str, subject: str = "") -> None:
        super().__init__(message)
        self.reason = reason  # a stable word, for the record
        self.subject = subject  # whom the provider named, once that is known for sure


class HeldElsewhere(EvidenceError):
    """Another transaction holds what was to be changed, and did not let go of it in time."""

    code = "held_elsewhere"
    http_status = 503
    title = "Somebody else is changing this"
    retry_after: ClassVar[int] = 5  # seconds


class ProviderAway(EvidenceError):
    """The provider of single sign-on does not answer as its settings say, so nobody can sign in by it now."""

    code = "provider_away"
    http_status = 503
    title = "The provider of single sign-on does not answer"
    retry_after: ClassVar[int] = 10  # seconds
    reason: ClassVar[str] = "provider_away"  # for the record, where somebody came back from it
    subject: ClassVar[str] = ""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status  # HTTP status of what it answered; 0: nothing


class ConflictingContent(EvidenceError):
    """The same key came again with other content."""

    code = "conflicting_content"
    http_status = 409
    title = "Conflicts with what is stored"


class GateNotApproved(EvidenceError):
    """A gate has versions and nobody approved one: it decides nothing, and lets nothing through."""

    code = "gate_not_approved"
    http_status = 409
    title = "No version of this gate is approved"


class PromotionRefused(EvidenceError):
    """A gate protects the environment and does not let this release in now."""

    code = "promotion_refused"
    http_status = 409
    title = "A gate does not let this release go there"

    def __init__(self, message: str, gates: Sequence[Mapping[str, object]] = ()) -> None:
        super().__init__(message)
        self.gates = tuple(gates)

    def members(self) -> dict[str, object]:
        """What the problem document carries beside its detail: each gate that refuses, why, and what is unmet."""
        return {"gates": [dict(gate) for gate in self.gates]}


class RollbackRefused(EvidenceError):
    """Nothing that a gate let into the environment before would be gone back to."""

    code = "rollback_refused"
    http_status = 409
    title = "This is no way back"


def _first_of(faults: Sequence[Fault]) -> str:
    """Return the sentence of several faults: that of the first, and how many more there are."""
    if len(faults) < 2:
        return faults[0].sentence if faults else ""
    first, more = faults[0].sentence, len(faults) - 1
    return answered(
        f"{first} ({more} more; `errors` lists each)",
        worded("%(fault)s (%(more)s more)", fault=first, more=more),
    )


class InvalidInput(EvidenceError):
    """The input was understood and is not acceptable."""

    code = "invalid_input"
    http_status = 422
    title = "Invalid input"

    def __init__(self, message: str = "", *, faults: Sequence[Fault] = ()) -> None:
        super().__init__(message or _first_of(faults) or self.title)
        self.faults = tuple(faults)

    def members(self) -> dict[str, object]:
        """What the problem document carries beside its detail: each fault, with its place."""
        return {"errors": [fault.as_dict() for fault in self.faults]} if self.faults else {}


class PeriodTooFull(InvalidInput):
    """A period holds more than is counted at once: a page that takes one by default asks for a shorter one."""

    code = "period_too_full"
    title = "The period holds more than is counted at once"

    def __init__(self, most: int, what: Worded) -> None:
        super().__init__(
            worded(
                "The period holds more than %(most)s %(what)s: take a shorter one.",
                most=f"{most:,}",
                what=what,
            )
        )
        self.most = most


class LeaseLost(EvidenceError):
    """Work took longer than its lease and another worker has it now: what this one made is dropped."""

    code = "lease_lost"
    http_status = 409
    title = "Another worker has taken the work"


class BlobMissing(EvidenceError):
    """A blob is recorded but its bytes are not in the store."""

    code = "blob_missing"
    http_status = 500
    title = "Stored bytes are missing"


class BlobStoreAway(EvidenceError):
    """The blob store cannot be read or written now: the disk is full, or the store is not reached."""

    code = "blob_store_away"
    http_status = 503
    title = "The blob store cannot be reached"
    retry_after: ClassVar[int] = 5  # seconds


class BlobErased(EvidenceError):
    """The bytes were taken away by retention or by an erasure. That they were there stays on record."""

    code = "blob_erased"
    http_status = 410
    title = "The bytes were removed"


class NotVerifiedHere(EvidenceError):
    """A binder is too large, or takes too long, to be verified by the web process."""

    code = "not_verified_here"
    http_status = 503
    title = "Not verified here"


class PlanOvertaken(EvidenceError):
    """An erasure was asked for as planned, and something else stays by now: plan it again."""

    code = "erasure_plan_overtaken"
    http_status = 409
    title = "The plan of the erasure is out of date"


class LegalHoldInForce(EvidenceError):
    """What somebody wants erased must be kept."""

    code = "legal_hold"
    http_status = 409
    title = "A legal hold is in force"


class DigestMismatch(EvidenceError):
    """Bytes do not have the digest they were stored under."""

    code = "digest_mismatch"
    http_status = 500
    title = "Stored bytes are not what was stored"
