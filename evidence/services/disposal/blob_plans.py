"""What an erasure does with one blob: it goes, or it stays, or nobody can say."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeVar, cast

from evidence.models import BlobRemoval
from evidence.services.blobs import what_is_left
from evidence.worded import Worded, worded

# Takes what is left of a blob (bytes, media type) and returns its digest; whether it keeps them is its own affair.
Keep = Callable[[bytes, str], str]
_T = TypeVar("_T")


class Role(StrEnum):
    """What a blob holds."""

    BODY = "body"  # a request, as it was sent
    VALUE = "value"  # of an attribute, too large for a row
    EVAL_FILE = "eval file"
    REFUSED_FILE = "refused file"
    DATASET = "dataset"  # prompts that were copied from traces


_ROLE_WORDS: Final[dict[Role, Worded]] = {
    Role.BODY: worded("body"),
    Role.VALUE: worded("value"),
    Role.EVAL_FILE: worded("eval file"),
    Role.REFUSED_FILE: worded("refused file"),
    Role.DATASET: worded("dataset"),
}


def called(role: Role, digest: str) -> Worded:
    """Return what a blob is called in a plan: "value 3f…"."""
    return worded("%(role)s %(digest)s", role=_ROLE_WORDS[role], digest=digest)


@dataclass(frozen=True, slots=True)
class BlobPlan:
    """A blob that goes."""

    role: Role
    digest: str
    remainder: str = ""  # digest of what is left of it; empty: nothing
    # Items of others that go as well, because it cannot be taken apart; 1 for a file, which is not read by items.
    others: int = 0

    @property
    def called(self) -> Worded:
        return called(self.role, self.digest)


@dataclass(frozen=True, slots=True)
class Stay:
    """Something that holds the subject's content, or bytes it was sent in, and stays."""

    what: str  # "value 3f…", "evidence.Review 5": no content
    why: Worded  # "shared with trace …"


@dataclass(frozen=True, slots=True)
class Unread:
    """A blob that nobody here can look into, so that nobody can say whether the subject is in it."""

    what: str  # "eval file 3f…"


Found = BlobPlan | Stay | Unread


class Looks:
    """What was found in blobs, so that a plan that is drawn up again looks into none a second time.

    An act draws its plan up before it takes its locks, and again under them. Meanwhile no blob says anything else, for
    it is known by its digest, but something else may be asked of it: so the question is a part of what is kept.
    """

    def __init__(self, keep: Keep) -> None:
        self.keep = keep
        self._found: dict[tuple[str, Hashable], Any] = {}

    def once(self, digest: str, question: Hashable, look: Callable[[], _T]) -> _T:
        """Return the answer to a question about a blob, found by looking where it was not asked before."""
        if (digest, question) not in self._found:
            self._found[digest, question] = look()
        return cast("_T", self._found[digest, question])


def remainder_of(digest: str) -> str:
    """Return the digest of what is left of a blob, given that of what was cut out of it.

    Where the very same bytes were removed before, it is what is left of those; empty: nothing.
    """
    if not BlobRemoval.objects.filter(pk=digest).exists():
        return digest
    rest = what_is_left(digest)
    return "" if BlobRemoval.objects.filter(pk=rest).exists() else rest
