"""The reasons that reviewers of a system give: a list of its own, in versions, each of one of the common kinds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db import transaction

from evidence import acts
from evidence.access import Principal
from evidence.digests import digest_of
from evidence.errors import Fault, InvalidInput
from evidence.limits import check_count
from evidence.locks import Lock, hold
from evidence.models import ArtefactKind, ArtefactVersion, ReasonCode, Registration, System
from evidence.nearest import hint_at, nearest_name
from evidence.selectors.review_reasons import REASONS_KEY, reasons_of
from evidence.services.registry import ensure_version, record_registration
from evidence.worded import Worded, worded

_CODE: Final = re.compile(r"[a-z][a-z0-9_]{0,29}")
LONGEST: Final = 60  # code points of a reason's words: it stands on a button
LANGUAGES: Final = ("en", "zh_hans")


@dataclass(frozen=True, slots=True)
class ReasonDraft:
    """A reason that reviewers may give."""

    code: str  # "rate_not_current"
    kind: str  # a `ReasonCode`, by which rates are reported over all systems
    words: Mapping[str, str]  # by language; English at least

    def plain(self) -> dict[str, Any]:
        """Return it as a version keeps it."""
        return {"code": self.code, "kind": self.kind, "words": dict(self.words)}


@transaction.atomic
def set_reasons(
    *, principal: Principal, system: System, reasons: Sequence[ReasonDraft], label: str = ""
) -> ArtefactVersion:
    """Give the reviewers of a system a list of reasons of its own; the one in force, sent again, is answered with that.

    What was said by an earlier version stays what it was: each review names the version its reason is of.

    Args:
        label: what its owners call the version; empty: its number.

    Raises:
        AccessDenied, NotFound: as `acts.check_can_set_reasons` does.
        InvalidInput: no reason, a code that is none or stands twice, a kind that nobody knows, or no words.
    """
    acts.check_can_set_reasons(principal, system)
    check_count(len(reasons), "REVIEW_MAX_REASONS", worded("The reasons of a list"))
    faults = list(_faults(reasons))
    if faults:
        raise InvalidInput(faults=faults)
    listed = [reason.plain() for reason in reasons]
    hold(Lock.REASONS, system.pk)
    current = reasons_of(system)
    if current is not None and current.version.metadata["reasons"] == listed:
        return current.version
    # What it follows is part of it: a list of before, set again, is a version of its own and the newest.
    follows = current.version.digest if current is not None else ""
    version = ensure_version(
        system=system, kind=ArtefactKind.REASONS, key=REASONS_KEY, label=label, actor=principal.actor,
        digest=digest_of({"reasons": listed, "follows": follows}), metadata={"reasons": listed, "follows": follows},
    )  # fmt: skip
    record_registration(version=version, actor=principal.actor, basis=Registration.Basis.ACT)
    return version


def _faults(reasons: Sequence[ReasonDraft]) -> Iterator[Fault]:
    """Say of each reason what is wrong with it."""
    if not reasons:
        yield Fault("body", "reasons", "empty", worded("reasons: name at least one"))
    kinds = [kind for kind in ReasonCode.values if kind]
    seen: set[str] = set()
    for index, reason in enumerate(reasons):
        if not _CODE.fullmatch(reason.code):
            yield _fault(
                index,
                "code",
                "malformed",
                worded("small letters, digits and _, from a letter on, at most 30"),
            )
        elif reason.code in seen:
            yield _fault(index, "code", "twice", worded("%(code)s stands above, too", code=reason.code))
        elif reason.code in kinds and reason.code != reason.kind:
            yield _fault(
                index,
                "code",
                "taken",
                worded("%(code)s is a kind of its own: use another code", code=reason.code),
            )
        if reason.kind not in kinds:
            hint = hint_at(nearest_name(reason.kind, kinds))
            yield _fault(
                index,
                "kind",
                "unknown",
                worded("no kind %(kind)s; %(hint)s", kind=repr(reason.kind), hint=hint),
            )
        yield from _word_faults(index, reason.words)
        seen.add(reason.code)


def _word_faults(index: int, words: Mapping[str, str]) -> Iterator[Fault]:
    for language in words:
        if language not in LANGUAGES:
            yield _fault(
                index,
                "words",
                "language",
                worded(
                    "%(language)s is none of %(languages)s",
                    language=repr(language),
                    languages=", ".join(LANGUAGES),
                ),
            )
    if not words.get("en", "").strip():
        yield _fault(index, "words", "missing", worded("say it in English (en) at least"))
    if any(len(said) > LONGEST for said in words.values()):
        yield _fault(
            index, "words", "long", worded("at most %(most)s characters: it stands on a button", most=LONGEST)
        )


def _fault(index: int, field: str, code: str, why: Worded) -> Fault:
    place = f"reasons[{index}].{field}"
    return Fault("body", place, code, worded("%(path)s: %(fault)s", path=place, fault=why))
