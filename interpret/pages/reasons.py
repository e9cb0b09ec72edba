"""Reasons of a verdict in the reader's language, read from the codes that are stored with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from evidence.admin.frame.display import listed, listed_apart
from interpret.contracts import NullKind
from interpret.verdict_reasons import Reason, say

NULLS: Final[Mapping[str, StrOrPromise]] = {
    NullKind.DEAD_MODEL: _("a dead model"),
    NullKind.SHUFFLED_ORDER: _("another order"),
    NullKind.TEXT_ONLY: _("the text alone"),
}
# What a claim may lack, which reasons name by its code.
_MISSING: Final[Mapping[str, StrOrPromise]] = {**NULLS, "random_sets": _("random sets of as many parts")}
WORDS: Final = {  # as `interpret.verdict_reasons` has them, which a test holds these to
    "described": _("a number with its interval: nothing is claimed"),
    "lacks": _("lacks %(missing)s"),
    "few_clusters": _("%(clusters)s clusters of distinct texts: %(needed)s are needed"),
    "no_spread": _("no spread to judge by against %(nulls)s"),
    "within": _("less than %(smallest)s beyond %(nulls)s"),
    "may_be_elsewhere": _("another part may do the same, so nothing is shown to be absent"),
    "not_clear": _("the interval does not clear %(smallest)s against %(nulls)s"),
    "no_p_value": _("it has no p-value"),
    "q_above_level": _("the corrected q-value is %(q)s, above the level of %(level)s"),
    "few_random_sets": _("%(sets)s random sets of as many parts: %(needed)s are needed"),
    "random_sets_do_as_much": _("p = %(p)s over %(sets)s random sets of as many parts"),
    "beyond": _("more than %(smallest)s beyond %(nulls)s"),
    "opposite": _("a second seed says the opposite"),
}


@dataclass(frozen=True, slots=True)
class Said:
    """Reasons as a sentence; `language` is set where it is another than the page's."""

    words: str
    language: str = ""


def read_reasons(verdict: Mapping[str, Any], codes: str, english: str) -> Said:
    """Return the reasons under the key `codes`; what was stored before there were codes, in the English it is in."""
    told = verdict.get(codes)
    try:
        said = listed_apart(_say(each["code"], each["values"], each["nulls"]) for each in told or ())
    except (AttributeError, KeyError, TypeError, ValueError):  # of a later version, or not ours
        said = ""
    if said:
        return Said(said)
    stored = verdict.get(english)
    return Said(stored if isinstance(stored, str) else "", "en")


def _say(code: str, values: Mapping[str, str], nulls: Sequence[str]) -> str:
    """Return one reason as it is said, its lists separated as the reader writes them."""
    named = listed(NULLS.get(kind, kind) for kind in nulls)
    if "missing" in values:
        missing = values["missing"].split(", ")
        values = {**values, "missing": listed(_MISSING.get(code, code) for code in missing)}
    return say([Reason(code, values, (named,))], WORDS, {})
