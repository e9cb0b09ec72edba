"""What is said of a claim and its citations, in the reader's language: how many hold, and why one does or does not."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_DOWN, Decimal
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_stubs_ext import StrOrPromise

from evidence.citations.verdict import BEFORE_WORDS, Reason
from evidence.models import Citation

SENTENCES: Final[Mapping[str, StrOrPromise]] = {
    Reason.SAME_WORDS: gettext_lazy("The quote stands in the document, character for character."),
    Reason.SAME_ONCE_NORMALISED: gettext_lazy(
        "The quote stands in the document apart from case, width, punctuation or the way numbers are written."
    ),
    Reason.ALIGNED: gettext_lazy(
        "The passage agrees with the quote to %(score)s, found from %(least)s, in the same words and numbers."
    ),
    Reason.IN_ANOTHER_DOCUMENT: gettext_lazy(
        "The quote stands in another document than the one it cites, and agrees with it to %(score)s."
    ),
    Reason.DOCUMENT_UNKNOWN: gettext_lazy("The cited document, or the version of its index, is not known."),
    Reason.QUOTE_TOO_SHORT: gettext_lazy("The quote is too short: finding it would mean nothing."),
    Reason.NUMBER_DIFFERS: gettext_lazy(
        "The letters agree to %(score)s, but the passage does not have each number of the quote."
    ),
    Reason.NEGATION_DIFFERS: gettext_lazy(
        "The letters agree to %(score)s, but one of the two texts is negated and the other is not."
    ),
    Reason.WORD_DIFFERS: gettext_lazy(
        "The letters agree to %(score)s, but the words differ, or stand in another order or otherwise parted."
    ),
    Reason.CUTS_A_WORD: gettext_lazy("The quote stands there only inside a longer word or number."),
    Reason.ALIGNMENT_TOO_LOW: gettext_lazy(
        "The nearest passage agrees with the quote to %(score)s, and counts as found from %(least)s."
    ),
    Reason.TOO_SHORT_TO_ALIGN: gettext_lazy(
        "The quote does not stand there exactly, and is too short for a near match to mean anything."
    ),
    Reason.TOO_LONG_TO_ALIGN: gettext_lazy(
        "The quote does not stand there exactly, and is too long to look for a near match."
    ),
    Reason.NOTHING_ALIGNS: gettext_lazy("Nothing in the document is like the quote."),
}
# Of a checker that compared no words.
_ALIGNED_BEFORE: Final = gettext_lazy(
    "The passage agrees with the quote to %(score)s, found from %(least)s, and has its numbers and negations."
)
# Where numbers or words are known that it is about: an erasure takes them.
_NAMING: Final[Mapping[str, StrOrPromise]] = {
    Reason.NUMBER_DIFFERS: gettext_lazy(
        "The letters agree to %(score)s, but the passage does not have each number of the quote: %(terms)s."
    ),
    Reason.NEGATION_DIFFERS: gettext_lazy(
        "The letters agree to %(score)s, but one of the two texts is negated and the other is not: %(terms)s."
    ),
    Reason.WORD_DIFFERS: gettext_lazy(
        "The letters agree to %(score)s, but one text has words that the other has not, or not there: %(terms)s."
    ),
}


def say_why(citation: Citation) -> str:
    """Say why the verdict on a citation is what it is, with the numbers or words it is about where they are known."""
    if citation.reason is None:
        return _("This was checked before verdicts kept their reason.")
    naming = _NAMING.get(citation.reason) if citation.reason_terms else None
    if citation.reason == Reason.ALIGNED and citation.checker_version in BEFORE_WORDS:
        naming = _ALIGNED_BEFORE
    return str(naming or SENTENCES[citation.reason]) % {
        "score": show_score(citation.score),
        "least": show_score(citation.threshold),
        "terms": _(", ").join(citation.reason_terms or ()),
    }


def show_score(score: float) -> str:
    """Return an alignment with two digits, cut and not rounded: 1.00 is said of nothing that is less."""
    return str(Decimal(str(score)).quantize(Decimal("0.01"), ROUND_DOWN))


def say_standing(*, n_found: int, n_citations: int, material: bool) -> str:
    """Say how a claim is backed: `1 of 2` where a citation of it was found and another was not."""
    if 0 < n_found < n_citations:
        return _("%(found)d of %(all)d citations found in their sources") % {
            "found": n_found,
            "all": n_citations,
        }
    if n_found:
        return _("cited, found in its source")
    if n_citations:
        return _("cited, not found in its source")
    return _("no citation") if material else _("no citation, not material")
