"""What a citation is worth: does the quote stand in the document it names?

The verdict is deterministic and lexical. It says whether the words are there, never whether they support the
claim: semantic similarity plays no part. The first rule that applies decides (`docs/reference/citations.md`
explains each):

1. `unresolvable`: the cited document, or its text in that index version, is not known.
2. `not_found`: the quote holds less than `MIN_QUOTE_WEIGHT`, so that finding it would mean nothing.
3. `verbatim`: it stands in the document character for character.
4. `normalised`: it stands there once both are normalised (`evidence.citations.normalise`).
5. `fuzzy`: the best alignment (rapidfuzz `partial_ratio_alignment`, Indel similarity) reaches
   `FUZZY_THRESHOLD`, and the aligned passage has every number of the quote and the same negations.
6. `misattributed`: rules 3 to 5 hold for another document that was retrieved or indexed.
7. `not_found`.

A match never begins or ends inside a number or a word: `5%` does not stand in `15%`, `able` not in `unable`.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from rapidfuzz import fuzz

from evidence.citations.cost import CheckBudget
from evidence.citations.normalise import NormalisedText, is_cjk, measure, normalise
from evidence.digests import digest_of
from evidence.vocabulary import ChoiceEnum

CHECKER_VERSION: Final = "citation-check/1"
"""Changes with any change of a rule, a threshold or the normalisation."""

FUZZY_THRESHOLD: Final = 90.0  # rapidfuzz partial ratio of the normalised texts, 0 to 100
MIN_QUOTE_WEIGHT: Final = 8  # see `quote_weight`: two short English words, or four Chinese characters
MIN_FUZZY_WEIGHT: Final = 24  # shorter quotes align with anything, so they must stand exactly
MAX_FUZZY_WORK: Final = 20_000_000_000  # characters of quote x quote x document: some tenths of a second
MAX_CANDIDATES: Final = 200  # other documents searched for a misattributed quote, in the order given
MAX_FUZZY_CANDIDATES: Final = 20  # of them, those where a fuzzy match is looked for too
_MAX_OCCURRENCES: Final = 1_000  # places looked at in one document for one that cuts no word

_NUMBER: Final = re.compile(r"\d+(?:\.\d+)?")
_NEGATION: Final = re.compile(
    r"\b(?:not|no|never|cannot|without|unless|except|neither|nor|none|t(?<=n t))\b"
    r"|[不未无無非没沒勿]|禁止|除外|除非"
)


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
class CitationVerdict:
    """The verdict on one citation.

    `start` and `end` are code points of the original text of the document it was found in (`end` exclusive),
    None where it was not found. `score` is 0 to 100: 100 for verbatim and normalised, the alignment for
    fuzzy, the best alignment seen for not_found. `found_in` is the other document of a misattributed quote.
    `reason` says in words why the verdict is not better.
    """

    verdict: Verdict
    score: float
    start: int | None
    end: int | None
    found_in: str | None
    reason: str
    checker_version: str
    inputs_digest: str


@dataclass(frozen=True, slots=True)
class _Match:
    verdict: Verdict
    score: float
    start: int | None = None
    end: int | None = None
    reason: str = ""


def check_citation(
    *,
    quote: str,
    source: Source | None,
    candidates: Sequence[Source] = (),
    hint: int | None = None,
    checks: CheckBudget | None = None,
) -> CitationVerdict:
    """Return what a citation is worth.

    Args:
        quote: the words the answer says it took from the document.
        source: the document it names; None where document or index version is unknown.
        candidates: other documents to search where `source` does not hold the quote, likeliest first.
        hint: where the answer says the quote begins. It chooses among several places and never decides the
            verdict; where the quote does not stand at it character for character it counts as not given.
        checks: what is left for this check and others; None for as much as it takes.

    Raises:
        CheckTooCostly: that is not enough. There is no verdict then, never a worse one.
    """
    others = [one for one in candidates if source and one.document_id != source.document_id]
    others = others[:MAX_CANDIDATES]
    if source is None or hint is None or not source.text.startswith(quote.strip(), hint):
        hint = None
    digest = digest_citation_inputs(quote=quote, source=source, candidates=others, hint=hint)
    match, found_in = _decide(quote, source, others, hint, checks or CheckBudget(math.inf))
    return CitationVerdict(
        verdict=match.verdict,
        score=match.score,
        start=match.start,
        end=match.end,
        found_in=found_in,
        reason=match.reason,
        checker_version=CHECKER_VERSION,
        inputs_digest=digest,
    )


def digest_citation_inputs(
    *, quote: str, source: Source | None, candidates: Iterable[Source], hint: int | None
) -> str:
    """Return the SHA-256 over everything a verdict depends on: same digest and version, same verdict."""
    return digest_of(
        {
            "checker_version": CHECKER_VERSION,
            "quote": quote.encode("utf-8", "backslashreplace").decode(),
            "source": None if source is None else [source.document_id, source.digest],
            "candidates": [[one.document_id, one.digest] for one in candidates],
            "hint": hint,
        }
    )


def quote_weight(normalised: str) -> int:
    """Return how much a normalised quote holds: 2 a Chinese character, 1 any other letter or digit."""
    return sum(2 if is_cjk(char) else 1 for char in normalised if char.isalnum())


def _decide(
    quote: str, source: Source | None, others: Sequence[Source], hint: int | None, checks: CheckBudget
) -> tuple[_Match, str | None]:
    if source is None:
        return _Match(
            Verdict.UNRESOLVABLE, 0.0, reason="the cited document or its index version is not known"
        ), None
    checks.charge_reading(measure(quote))
    needle = normalise(quote).text
    if quote_weight(needle) < MIN_QUOTE_WEIGHT:
        return _Match(Verdict.NOT_FOUND, 0.0, reason="the quote is too short to be found anywhere"), None
    match = _search(quote, needle, source, hint, checks, fuzzy=True)
    if match.verdict in FOUND:
        return match, None
    for rank, other in enumerate(others):
        elsewhere = _search(quote, needle, other, None, checks, fuzzy=rank < MAX_FUZZY_CANDIDATES)
        if elsewhere.verdict in FOUND:
            reason = f"{elsewhere.verdict} in another document"
            found = _Match(Verdict.MISATTRIBUTED, elsewhere.score, elsewhere.start, elsewhere.end, reason)
            return found, other.document_id
    return match, None


def _search(
    quote: str, needle: str, source: Source, hint: int | None, checks: CheckBudget, *, fuzzy: bool
) -> _Match:
    """Look for a quote in one document: verbatim, then normalised, then fuzzy where that is asked for."""
    checks.charge_search(document=(source.document_id, source.digest), characters=source.cost)
    wanted = quote.strip()
    places = [(start, start + len(wanted)) for start in _occurrences(wanted, source.text)]
    if places:
        return _Match(Verdict.VERBATIM, 100.0, *_choose(places, hint))
    form = source.normalised
    places = [form.original_range(start, start + len(needle)) for start in _occurrences(needle, form.text)]
    if places:
        return _Match(Verdict.NORMALISED, 100.0, *places[0], "found after normalisation")
    return _align(needle, form, checks) if fuzzy else _Match(Verdict.NOT_FOUND, 0.0, reason="no exact match")


def _occurrences(needle: str, text: str) -> Iterator[int]:
    """Yield where `needle` stands in `text` without cutting a word or a number in two."""
    start = text.find(needle)
    for _ in range(_MAX_OCCURRENCES):
        if start < 0:
            return
        end = start + len(needle)
        if not _cuts(text, start) and not _cuts(text, end):
            yield start
        start = text.find(needle, start + 1)


def _cuts(text: str, position: int) -> bool:
    """Return whether a boundary at `position` would fall inside a word or a number."""
    if position <= 0 or position >= len(text):
        return False
    before, after = text[position - 1], text[position]
    if before.isdigit() and after.isdigit():
        return True
    if after in ".," and before.isdigit():  # 5 | .25
        return position + 1 < len(text) and text[position + 1].isdigit()
    if before in ".," and after.isdigit():  # 5. | 25
        return position >= 2 and text[position - 2].isdigit()
    if before in "-−–" and after.isdigit():  # a minus sign, not a hyphen
        return position < 2 or not _is_word(text[position - 2])
    return _is_word(before) and _is_word(after)


def _is_word(char: str) -> bool:
    return char.isalnum() and not is_cjk(char)


def _choose(places: Sequence[tuple[int, int]], hint: int | None) -> tuple[int, int]:
    """Return the place that begins at `hint`, else the first."""
    return next((place for place in places if place[0] == hint), places[0])


def _align(needle: str, form: NormalisedText, checks: CheckBudget) -> _Match:
    if quote_weight(needle) < MIN_FUZZY_WEIGHT or len(form.text) < len(needle) // 2:
        return _Match(Verdict.NOT_FOUND, 0.0, reason="no exact match, and too short for a fuzzy one")
    if len(needle) ** 2 * len(form.text) > MAX_FUZZY_WORK:
        return _Match(Verdict.NOT_FOUND, 0.0, reason="no exact match, and too long for a fuzzy one")
    checks.charge_alignment(quote=len(needle), document=len(form.text))
    alignment = fuzz.partial_ratio_alignment(needle, form.text)
    if alignment is None or alignment.dest_end <= alignment.dest_start:
        return _Match(Verdict.NOT_FOUND, 0.0, reason="nothing aligns")
    score = round(alignment.score, 4)
    if score < FUZZY_THRESHOLD:
        return _Match(Verdict.NOT_FOUND, score, reason=f"best alignment {score} is under {FUZZY_THRESHOLD}")
    start, end = _widen(form.text, alignment.dest_start, alignment.dest_end)
    objection = _objection(needle, form.text[start:end])
    if objection:
        return _Match(Verdict.NOT_FOUND, score, reason=objection)
    return _Match(Verdict.FUZZY, score, *form.original_range(start, end), f"alignment {score}")


def _widen(text: str, start: int, end: int) -> tuple[int, int]:
    """Move both ends of an aligned passage outwards to whole words and numbers, and off spaces."""
    while start > 0 and _cuts(text, start):
        start -= 1
    while end < len(text) and _cuts(text, end):
        end += 1
    passage = text[start:end]
    return start + len(passage) - len(passage.lstrip()), end - (len(passage) - len(passage.rstrip()))


def _objection(quote: str, passage: str) -> str:
    """Return why a passage that reads alike does not say the same: another number or another negation."""
    missing = Counter(_NUMBER.findall(quote)) - Counter(_NUMBER.findall(passage))
    if missing:
        return f"numbers that the passage does not have: {', '.join(sorted(missing))}"
    if Counter(_NEGATION.findall(quote)) != Counter(_NEGATION.findall(passage)):
        return "the passage negates something that the quote does not, or the other way round"
    return ""
