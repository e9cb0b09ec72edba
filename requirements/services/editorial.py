"""Refusing what is called editorial and is not, with what changed."""

from __future__ import annotations

from evidence.errors import Fault
from evidence.worded import SEMICOLON, joined, worded
from requirements.drafts import RequirementDraft
from requirements.editorial import find_substantive
from requirements.errors import NotEditorial


def check_editorial(before: RequirementDraft | None, after: RequirementDraft) -> None:
    """See that a content differs from the one it replaces by no more than a second person may call editorial.

    Raises:
        NotEditorial: with each thing that changed; or it replaces none.
    """
    if before is None:
        raise NotEditorial(
            worded(
                "%(after_key)s has no earlier version: the first one is substantive, whatever it says.",
                after_key=after.key,
            )
        )
    found = find_substantive(before, after)
    if found:
        told = joined(
            (worded("%(path)s: %(fault)s", path=each.where, fault=each.message) for each in found),
            SEMICOLON,
        )
        raise NotEditorial(
            worded(
                "%(told)s. Propose the change as substantive: what links to it is looked at again.", told=told
            ),
            [Fault("body", each.where, each.code, each.message) for each in found],
        )
