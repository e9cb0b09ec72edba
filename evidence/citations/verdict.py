"""What a citation is worth: does the quote stand in the document it names?

The verdict is deterministic and lexical. It says whether the words are there, never whether they support the
claim: semantic similarity plays no part. The first rule that applies decides (`docs/reference/citations.md`
explains each):

1. `unresolvable`: the cited document, or its text in that index version, is not known.
2. `not_found`: the quote holds less than `MIN_QUOTE_WEIGHT`, so that finding it would mean nothing.
3. `verbatim`: it stands in the document character for character.
4. `normalised`: it stands there once both are normalised (`evidence.citations.normalise`).
5. `fuzzy`: the best alignment (rapidfuzz `partial_ratio_alignment`, Indel similarity) reaches
   `FUZZY_THRESHOLD`, and the passage has every number of the quote, the same negations (neither another `not`,
   nor `unable` for `able`) and the same words (`evidence.citations.wording`).
6. `misattributed`: rules 3 to 5 hold for another document that was retrieved or indexed.
7. `not_found`.

A match never begins or ends inside a number or a word, nor after the sign of a number: `5%` does not stand in `15%` nor
in `-5%`, `able` not in `unable`.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

from rapidfuzz import fuzz

from evidence.citations.cost import CheckBudget
from evidence.citations.edges import find_whole, is_cut_off, lacks_its_sign, widen
from evidence.citations.normalise import NormalisedText, is_cjk, measure, normalise
from evidence.citations.wording import Comparison, Differing
from evidence.digests import digest_of
from evidence.vocabulary import ChoiceEnum

CHECKER_VERSION: Final = "citation-check/3"
"""Changes with any change of a rule, a threshold or the normalisation; not where only the words of a reason do."""

_FIRST_VERSION: Final = "citation-check/1"
BEFORE_WORDS: Final = (_FIRST_VERSION, "citation-check/2")
"""Those that compared no words: a fuzzy passage could have `gold` for `cash`."""

CHECKER_VERSIONS: Final = (*BEFORE_WORDS, CHECKER_VERSION)
"""Those whose verdicts can be given again. The first took `unable to pay` for a fuzzy `able to pay`."""

FUZZY_THRESHOLD: Final = 90.0  # rapidfuzz partial ratio of the normalised texts, 0 to 100
MIN_QUOTE_WEIGHT: Final = 8  # see `quote_weight`: two short English words, or four Chinese characters
MIN_FUZZY_WEIGHT: Final = 24  # shorter quotes align with anything, so they must stand exactly
MAX_FUZZY_WORK: Final = 20_000_000_000  # characters of quote x quote x document: some tenths of a second
MAX_CANDIDATES: Final = 200  # other documents searched for a misattributed quote, in the order given
MAX_FUZZY_CANDIDATES: Final = 20  # of them, those where a fuzzy match is looked for too
MAX_TERMS: Final = 20  # numbers or words that a reason names; how many more there are, nobody reads
# A tenth of a quote: how far a passage that has more letters can reach beyond its alignment.
_SLACK: Final = 10
_LEAST_FOUND: Final = FUZZY_THRESHOLD - 0.001  # before it is rounded; elsewhere, nothing nearer is asked for
LOOKED_THROUGH: Final = 25_000
"""Characters of a normalised document before and after the passage that aligns best, among which one in the same words
is looked for: word by word takes long, and each near miss would take it again."""

_LONGEST_FOUND: Final = 200 / FUZZY_THRESHOLD - 1
"""Of a quote's length: a longer passage aligns with it under the threshold, even if it has all its letters."""

_INSIDE_A_WORD: Final = "it stands only inside a longer word or number"

_NUMBER: Final = re.compile(r"\d+(?:\.\d+)?")
_NEGATION: Final = re.compile(
    r"\b(?:not|no|never|cannot|without|unless|except|neither|nor|none|t(?<=n t))\b"
    r"|[不未无無非没沒勿]|禁止|除外|除非"
)
_LETTERS: Final = re.compile(r"[^\W\d_]+")
_NEGATING_PREFIXES: Final = ("un", "in", "im", "il", "ir", "non", "dis", "mis")
_SHORTEST_NEGATED: Final = 4  # letters of a word that a prefix turns round: `into` does not negate `to`


class Verdict(ChoiceEnum):
    """The worth of one citation, from best to worst."""

    VERBATIM = "verbatim"
    NORMALISED = "normalised"  # apart from case, width, punctuation, numerals
    FUZZY = "fuzzy"  # aligned above the threshold
    MISATTRIBUTED = "misattributed"  # stands in another document, named by `found_in`
    NOT_FOUND = "not_found"
    UNRESOLVABLE = "unresolvable"  # document or its version unknown: nothing to check against


FOUND: Final = frozenset({Verdict.VERBATIM, Verdict.NORMALISED, Verdict.FUZZY})
"""Verdicts that say the quote stands in the document it names."""


class Reason(ChoiceEnum):
    """Why a verdict is what it is, in a form to filter and translate by; `CitationVerdict.detail` says it in full."""

    SAME_WORDS = "same_words"
    SAME_ONCE_NORMALISED = "same_once_normalised"
    ALIGNED = "aligned"  # not the same words, and near enough
    IN_ANOTHER_DOCUMENT = "in_another_document"
    DOCUMENT_UNKNOWN = "document_unknown"
    QUOTE_TOO_SHORT = "quote_too_short"  # finding it would mean nothing
    NUMBER_DIFFERS = "number_differs"
    NEGATION_DIFFERS = "negation_differs"
    WORD_DIFFERS = "word_differs"
    CUTS_A_WORD = "cuts_a_word"  # it stands only inside a longer word or number
    ALIGNMENT_TOO_LOW = "alignment_too_low"
    TOO_SHORT_TO_ALIGN = "too_short_to_align"  # it must stand exactly, and does not
    TOO_LONG_TO_ALIGN = "too_long_to_align"
    NOTHING_ALIGNS = "nothing_aligns"


VERDICT_OF: Final[Mapping[Reason, Verdict]] = dict.fromkeys(Reason, Verdict.NOT_FOUND) | {
    Reason.SAME_WORDS: Verdict.VERBATIM,
    Reason.SAME_ONCE_NORMALISED: Verdict.NORMALISED,
    Reason.ALIGNED: Verdict.FUZZY,
    Reason.IN_ANOTHER_DOCUMENT: Verdict.MISATTRIBUTED,
    Reason.DOCUMENT_UNKNOWN: Verdict.UNRESOLVABLE,
}
"""The one verdict that each reason is a reason for."""


class Source:
    """One document text of one index version, read and normalised on first use and kept for many quotes.

    `digest` is the SHA-256 of the text as registered; it stands for the text in `inputs_digest`.
    """

    def __init__(self, *, document_id: str, digest: str, load: Callable[[], str]) -> None:
        self.document_id = document_id
        self.digest = digest
        self._load = load

    @classmethod
    def of(cls, *, document_id: str, digest: str, text: str) -> Source:
        """Return the source of a text at hand."""
        return cls(document_id=document_id, digest=digest, load=lambda: text)

    @cached_property
    def text(self) -> str:
        """The text as registered."""
        return self._load()

    @cached_property
    def cost(self) -> int:
        """Characters that a check of it deals with: more than it has, where one stands for a whole phrase."""
        return measure(self.text)

    @cached_property
    def normalised(self) -> NormalisedText:
        """The comparable form of the text."""
        return normalise(self.text)


@dataclass(frozen=True, slots=True)
class Passage:
    """A run `[start, end)` of a document as registered, in code points, with its words."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class CitationVerdict:
    """The verdict on one citation.

    `start` and `end` are code points of the original text of the document it was found in (`end` exclusive),
    None where it was not found. `score` is 0 to 100: 100 for verbatim and normalised, the alignment for
    fuzzy, the best alignment seen for not_found. `found_in` is the other document of a misattributed quote.
    `reason` says why the verdict is not better, `detail` the same in words with the figures, and `terms` which numbers
    of the quote the passage lacks, which words make one text the opposite of the other, or which only one of them has.

    `nearest` is the passage of the document the citation names that is most like the quote, None where nothing was
    like it or the document is not known: what a word diff shows (`evidence.citations.difference`).
    """

    verdict: Verdict
    score: float
    start: int | None
    end: int | None
    found_in: str | None
    reason: Reason
    detail: str
    terms: tuple[str, ...]
    nearest: Passage | None
    checker_version: str
    inputs_digest: str


@dataclass(frozen=True, slots=True)
class _Match:
    """What one document gives for a quote; `place` is where it stands, or where what is most like it does."""

    verdict: Verdict
    score: float
    reason: Reason
    detail: str = ""
    place: tuple[int, int] | None = None
    found_in: str | None = None  # the document, where it is not the one the citation names
    terms: tuple[str, ...] = ()  # what of the texts the reason is about


@dataclass(frozen=True, slots=True)
class _Objection:
    """Why a passage that reads alike does not say the same."""

    reason: Reason
    detail: str
    terms: tuple[str, ...]


def _not_found(
    reason: Reason, detail: str, score: float = 0.0, place: tuple[int, int] | None = None
) -> _Match:
    return _Match(Verdict.NOT_FOUND, score, reason, detail, place)


def check_citation(
    *,
    quote: str,
    source: Source | None,
    candidates: Sequence[Source] = (),
    hint: int | None = None,
    checks: CheckBudget | None = None,
    version: str = CHECKER_VERSION,
) -> CitationVerdict:
    """Return what a citation is worth.

    Args:
        quote: the words the answer says it took from the document.
        source: the document it names; None where document or index version is unknown.
        candidates: other documents to search where `source` does not hold the quote, likeliest first.
        hint: where the answer says the quote begins. It chooses among several places and never decides the
            verdict; where the quote does not stand at it character for character it counts as not given.
        checks: what is left for this check and others; None for as much as it takes.
        version: one of `CHECKER_VERSIONS`, to give a stored verdict again.

    Raises:
        CheckTooCostly: what is left is not enough. There is no verdict then, never a worse one.
        ValueError: the rules of that version are not kept.
    """
    if version not in CHECKER_VERSIONS:
        raise ValueError(f"citations are checked by one of {', '.join(CHECKER_VERSIONS)}, not by {version}")
    others = [one for one in candidates if source and one.document_id != source.document_id]
    others = others[:MAX_CANDIDATES]
    if source is None or hint is None or not source.text.startswith(quote.strip(), hint):
        hint = None
    search = _Search(quote, hint, checks or CheckBudget(math.inf), version)
    own, elsewhere = search.decide(source, others)
    match = elsewhere or own
    stands = match.verdict in FOUND or elsewhere is not None
    return CitationVerdict(
        verdict=match.verdict,
        score=match.score,
        start=match.place[0] if match.place and stands else None,
        end=match.place[1] if match.place and stands else None,
        found_in=match.found_in,
        reason=match.reason,
        detail=match.detail,
        terms=match.terms,
        nearest=_passage(source, own.place),
        checker_version=version,
        inputs_digest=digest_citation_inputs(
            quote=quote, source=source, candidates=others, hint=hint, version=version
        ),
    )


def _passage(source: Source | None, place: tuple[int, int] | None) -> Passage | None:
    return None if source is None or place is None else Passage(*place, source.text[slice(*place)])


def digest_citation_inputs(
    *,
    quote: str,
    source: Source | None,
    candidates: Iterable[Source],
    hint: int | None,
    version: str = CHECKER_VERSION,
) -> str:
    """Return the SHA-256 over everything a verdict depends on: same digest and version, same verdict."""
    return digest_of(
        {
            "checker_version": version,
            "quote": quote.encode("utf-8", "backslashreplace").decode(),
            "source": None if source is None else [source.document_id, source.digest],
            "candidates": [[one.document_id, one.digest] for one in candidates],
            "hint": hint,
        }
    )


def quote_weight(normalised: str) -> int:
    """Return how much a normalised quote holds: 2 a Chinese character, 1 any other letter or digit."""
    return sum(2 if is_cjk(char) else 1 for char in normalised if char.isalnum())


class _Search:
    """The search for one quote through one document after the other."""

    def __init__(self, quote: str, hint: int | None, checks: CheckBudget, version: str) -> None:
        self._quote = quote
        self._hint = hint
        self._checks = checks
        self._version = version
        self._weight = 0  # of the quote, once it is normalised

    def decide(self, source: Source | None, others: Sequence[Source]) -> tuple[_Match, _Match | None]:
        """Return what the cited document gives and, where another has the quote instead, what that gives."""
        if source is None:
            detail = "the cited document or its index version is not known"
            return _Match(Verdict.UNRESOLVABLE, 0.0, Reason.DOCUMENT_UNKNOWN, detail), None
        self._checks.charge_reading(measure(self._quote))
        needle = normalise(self._quote).text
        self._weight = quote_weight(needle)
        if self._weight < MIN_QUOTE_WEIGHT:
            return _not_found(Reason.QUOTE_TOO_SHORT, "the quote is too short to be found anywhere"), None
        own = self._search(needle, source, self._hint, fuzzy=True)
        if own.verdict in FOUND:
            return own, None
        for rank, other in enumerate(others):
            there = self._search(needle, other, None, fuzzy=rank < MAX_FUZZY_CANDIDATES, least=_LEAST_FOUND)
            if there.verdict in FOUND:
                return own, replace(
                    there,
                    verdict=Verdict.MISATTRIBUTED,
                    reason=Reason.IN_ANOTHER_DOCUMENT,
                    detail=f"{there.verdict} in another document",
                    found_in=other.document_id,
                )
        return own, None

    def _search(
        self, needle: str, source: Source, hint: int | None, *, fuzzy: bool, least: float = 0.0
    ) -> _Match:
        """Look for the quote in one document: verbatim, then normalised, then fuzzy where that is asked for.

        Args:
            least: the score of an alignment that is worth knowing of.
        """
        self._checks.charge_search(document=(source.document_id, source.digest), characters=source.cost)
        wanted = self._quote.strip()
        places = [(start, start + len(wanted)) for start in self._occurrences(wanted, source.text)]
        if places:
            return _Match(Verdict.VERBATIM, 100.0, Reason.SAME_WORDS, place=_choose(places, hint))
        form = source.normalised
        start = next(self._occurrences(needle, form.text), None)
        if start is not None:
            place = form.original_range(start, start + len(needle))
            detail = "found after normalisation"
            return _Match(Verdict.NORMALISED, 100.0, Reason.SAME_ONCE_NORMALISED, detail, place)
        if not fuzzy:
            return _not_found(Reason.NOTHING_ALIGNS, "no exact match")
        return self._align(needle, form, least)

    def _occurrences(self, needle: str, text: str) -> Iterator[int]:
        """Yield where `needle` stands by itself: not as a part of a word, nor of one that `non-` turns round."""
        for start in find_whole(needle, text):
            is_refused = self._version != _FIRST_VERSION and _is_turned_round(text, start)
            if self._version not in BEFORE_WORDS:
                is_refused = is_refused or lacks_its_sign(text, start)
            if not is_refused:
                yield start

    def _align(self, needle: str, form: NormalisedText, least: float) -> _Match:
        """Look for the passage most like the quote, and say why that is not it."""
        if self._weight < MIN_FUZZY_WEIGHT or len(form.text) < len(needle) // 2:
            return _cut_by_a_word(needle, form) or _not_found(
                Reason.TOO_SHORT_TO_ALIGN, "no exact match, and too short for a fuzzy one"
            )
        if len(needle) ** 2 * len(form.text) > MAX_FUZZY_WORK:
            return _cut_by_a_word(needle, form) or _not_found(
                Reason.TOO_LONG_TO_ALIGN, "no exact match, and too long for a fuzzy one"
            )
        self._checks.charge_alignment(quote=len(needle), document=len(form.text))
        alignment = fuzz.partial_ratio_alignment(needle, form.text, score_cutoff=least)
        if alignment is None or alignment.dest_end <= alignment.dest_start:
            return _not_found(Reason.NOTHING_ALIGNS, "nothing aligns")
        score = round(alignment.score, 4)
        start, end = widen(form.text, alignment.dest_start, alignment.dest_end)
        if self._version != _FIRST_VERSION and _is_turned_round(form.text, start):
            start -= len("non ")
        if score < FUZZY_THRESHOLD:
            detail = f"best alignment {score} is under {FUZZY_THRESHOLD}"
            return _not_found(Reason.ALIGNMENT_TOO_LOW, detail, score, _place(form, start, end))
        return self._judge(needle, form, (start, end), score)

    def _judge(self, needle: str, form: NormalisedText, aligned: tuple[int, int], score: float) -> _Match:
        """Say whether the passage that reads most like the quote says the same, or another that reads alike does."""
        if self._version in BEFORE_WORDS:
            objection = _objection(needle, form.text[slice(*aligned)], self._version)
            return _judged(objection, score, _place(form, *aligned))
        text, comparison = form.text, Comparison(self._quote, form.text)
        near = _around(text, aligned, len(needle))
        far = widen(text, max(aligned[0] - LOOKED_THROUGH, 0), min(aligned[1] + LOOKED_THROUGH, len(text)))
        stretched: tuple[int, int] | None = None
        is_cut = needle in text
        for region in dict.fromkeys((near, far)):
            for place in self._same_words(needle, text, comparison, region):
                if is_cut_off(text, *place):
                    is_cut = is_cut or region == near
                elif place[1] - place[0] > len(needle) * _LONGEST_FOUND:
                    stretched = stretched or place
                else:
                    there = score if region == near else self._score(needle, text, place)
                    if there >= FUZZY_THRESHOLD:
                        return _judged(None, there, _place(form, *place))
        objection = _objection(needle, text[slice(*aligned)], self._version)
        if objection is None and is_cut:
            objection = _Objection(Reason.CUTS_A_WORD, _INSIDE_A_WORD, ())
        if objection is None and stretched:
            there = round(fuzz.ratio(needle, text[slice(*stretched)]), 4)
            detail = f"with what its ellipses stand for the quote aligns to {there}, under {FUZZY_THRESHOLD}"
            return _not_found(Reason.ALIGNMENT_TOO_LOW, detail, there, _place(form, *stretched))
        objection = objection or _object_to_words(comparison.tell(*near))
        return _judged(objection, score, _place(form, *aligned))

    def _same_words(
        self, needle: str, text: str, comparison: Comparison, region: tuple[int, int]
    ) -> Iterator[tuple[int, int]]:
        """Yield where a region has the quote in the same words, and neither negated nor with other numbers."""
        self._checks.charge_comparison(quote=len(needle), text=region[1] - region[0])
        for start, end in comparison.find(*region):
            if not (_is_turned_round(text, start) or _objection(needle, text[start:end], self._version)):
                yield start, end

    def _score(self, needle: str, text: str, place: tuple[int, int]) -> float:
        """Return how far a passage agrees with a quote, as the alignment of it would tell."""
        passage = text[slice(*_around(text, place, len(needle)))]
        self._checks.charge_alignment(quote=len(needle), document=len(passage))
        return round(fuzz.partial_ratio(needle, passage), 4)


def _place(form: NormalisedText, start: int, end: int) -> tuple[int, int] | None:
    return form.original_range(start, end) if start < end else None


def _around(text: str, place: tuple[int, int], length: int) -> tuple[int, int]:
    """Return a place with as much around it as a passage can reach beyond the alignment of a quote of this length."""
    slack = length // _SLACK + 1
    return widen(text, max(place[0] - slack, 0), min(place[1] + slack, len(text)))


def _judged(objection: _Objection | None, score: float, place: tuple[int, int] | None) -> _Match:
    if objection is None:
        return _Match(Verdict.FUZZY, score, Reason.ALIGNED, f"alignment {score}", place)
    return replace(_not_found(objection.reason, objection.detail, score, place), terms=objection.terms)


def _cut_by_a_word(needle: str, form: NormalisedText) -> _Match | None:
    """Return that a quote stands inside a longer word or number, and the whole of that; None where it does not."""
    start = form.text.find(needle)
    if start < 0:
        return None
    left, right = widen(form.text, start, start + len(needle))
    left -= len("non ") if _is_turned_round(form.text, left) else 0
    place = form.original_range(left, right)
    return _not_found(Reason.CUTS_A_WORD, _INSIDE_A_WORD, place=place)


def _is_turned_round(text: str, start: int) -> bool:
    return start >= len("non ") and text[start - len("non ") : start].lower() in {"non ", "non-"}


def _choose(places: Sequence[tuple[int, int]], hint: int | None) -> tuple[int, int]:
    """Return the place that begins at `hint`, else the first."""
    return next((place for place in places if place[0] == hint), places[0])


def _objection(quote: str, passage: str, version: str) -> _Objection | None:
    """Return why a passage that reads alike does not say the same: another number or another negation."""
    missing = Counter(_NUMBER.findall(quote)) - Counter(_NUMBER.findall(passage))
    if missing:
        numbers = tuple(sorted(missing))
        detail = f"numbers that the passage does not have: {', '.join(numbers)}"
        return _Objection(Reason.NUMBER_DIFFERS, detail, numbers[:MAX_TERMS])
    opposite = None if version == _FIRST_VERSION else _find_opposite(quote, passage)
    if opposite:
        return opposite
    ours, theirs = Counter(_NEGATION.findall(quote)), Counter(_NEGATION.findall(passage))
    if ours != theirs:
        detail = "the passage negates something that the quote does not, or the other way round"
        negations = sorted((ours - theirs) + (theirs - ours))
        terms = tuple("n't" if word == "t" else word for word in negations)
        return _Objection(Reason.NEGATION_DIFFERS, detail, terms[:MAX_TERMS])
    return None


def _find_opposite(quote: str, passage: str) -> _Objection | None:
    """Say which word of one text the other has turned round, as `unable` is of `able`; None where there is none."""
    ours, theirs = Counter(_LETTERS.findall(quote)), Counter(_LETTERS.findall(passage))
    only_ours, only_theirs = ours - theirs, theirs - ours
    for plain, negated in ((only_ours, only_theirs), (only_theirs, only_ours)):
        if "non" in negated:
            return _Objection(Reason.NEGATION_DIFFERS, "one says non, the other does not", ("non",))
        turned = (
            (word, prefix + word)
            for word in sorted(plain)
            for prefix in _NEGATING_PREFIXES
            if len(word) >= _SHORTEST_NEGATED and prefix + word in negated
        )
        if found := next(turned, None):
            return _Objection(Reason.NEGATION_DIFFERS, f"one says {found[0]}, the other {found[1]}", found)
    return None


def _object_to_words(differing: Differing) -> _Objection:
    """Return that quote and passage are not in the same words, and which are not, or which stand in another order."""
    told = "; ".join(
        f"{what} {', '.join(words[:MAX_TERMS])}"
        for what, words in (
            ("only the quote has", differing.quote),
            ("only the passage has", differing.passage),
            ("in another order:", differing.moved),
        )
        if words
    )
    detail = told or "the same words in another order or otherwise parted"
    terms = tuple(dict.fromkeys((*differing.quote, *differing.passage, *differing.moved)))
    return _Objection(Reason.WORD_DIFFERS, detail, terms[:MAX_TERMS])
