"""What an erasure does with one blob: it goes, or it stays, or nobody can say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from evidence.digests import sha256_hex
from evidence.models import BlobRemoval
from evidence.services.blobs import what_is_left

# Takes what is left of a blob (bytes, media type) and returns its digest; whether it keeps them is its own affair.
Keep = Callable[[bytes, str], str]


class Role(StrEnum):
    """What a blob holds."""

    BODY = "body"  # a request, as it was sent
    VALUE = "value"  # of an attribute, too large for a row
    EVAL_FILE = "eval file"
    REFUSED_FILE = "refused file"
    DATASET = "dataset"  # prompts that were copied from traces


@dataclass(frozen=True, slots=True)
class BlobPlan:
    """A blob that goes."""

    role: Role
    digest: str
    remainder: str = ""  # digest of what is left of it; empty: nothing
    # Items of others that go as well, because it cannot be taken apart; 1 for a file, which is not read by items.
    others: int = 0


@dataclass(frozen=True, slots=True)
class Stay:
    """Something that holds the subject's content, or bytes it was sent in, and stays."""

    what: str  # "value 3f…", "evidence.Review 5": no content
    why: str  # "shared with trace …"


@dataclass(frozen=True, slots=True)
class Unread:
    """A blob that nobody here can look into, so that nobody can say whether the subject is in it."""

    what: str  # "eval file 3f…"


Found = BlobPlan | Stay | Unread


def keep_left(left: bytes, media_type: str, keep: Keep) -> str:
    """Keep what is left of a blob, unless the very same bytes were removed before: then what is left of those."""
    digest = sha256_hex(left)
    if not BlobRemoval.objects.filter(pk=digest).exists():
        return keep(left, media_type)
    rest = what_is_left(digest)
    return "" if BlobRemoval.objects.filter(pk=rest).exists() else rest
