"""Why a binder was not verified. Each class is one exit code of `tracebinder verify`."""

from __future__ import annotations

from typing import ClassVar

from tracebinder.errors import TracebinderError


class VerifyError(TracebinderError):
    """One thing found wrong.

    Attributes:
        member: the file of the binder it was found in, without the top folder; empty when it is the whole.
        exit_code: what the command exits with.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, detail: str, *, member: str = "") -> None:
        super().__init__(f"{member}: {detail}" if member else detail)
        self.detail = detail
        self.member = member


class BinderFailed(VerifyError):
    """Something is not so: a digest, a signature, a proof, a count or a rule does not hold."""

    exit_code = 1


class BinderMalformed(VerifyError):
    """The binder cannot be read as the format demands, or could be read in two ways."""

    exit_code = 2


class TrustNotMet(VerifyError):
    """The binder may be sound, but not enough of those the trust file names vouch for it."""

    exit_code = 3


class BinderUnverifiable(VerifyError):
    """The binder is written in a newer format than this verifier knows."""

    exit_code = 4


def refuse_unless(is_met: bool, detail: str) -> None:  # noqa: FBT001  # reads as a sentence
    """Say that what the trust file demands is not met.

    Raises:
        TrustNotMet: it is not.
    """
    if not is_met:
        raise TrustNotMet(detail)
