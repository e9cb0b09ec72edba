"""The structure of an answer, read off what the model wrote: claims, quotes, citations and a decision.

Nothing is written for the model. A claim is a sentence of its answer. A citation is either the quote it gave
when asked for one, or the stretch of its own sentence that goes along with a retrieved passage; both are
recorded in its words, so a wrong quote is recorded wrong. The document is the one it names, existing or not; a
sentence that names none is held against the retrieved passage it shares most words with.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from examples.common.alignment import align
from examples.common.documents import Passage

_SENTENCE_END: Final = re.compile(r"[。！？；]+[”」]?|[.!?]+[\"”]?(?=\s|$)|\n+")
_INITIAL: Final = re.compile(r"(?:^|\W)[A-Z]$")  # the full stop of "M. Okafor" ends no sentence
_DOCUMENT_ID: Final = re.compile(r"(?<![A-Za-z0-9-])[A-Z]{2,}(?:-[A-Z0-9]+)+(?![A-Za-z0-9-])")
_NAME_FIRST: Final = re.compile(r"\[?(?P<name>[^\[\]\n]{2,60})\](?P<rest>.*)", re.DOTALL)
_QUOTED: Final = re.compile(r"[\"“「](.+?)(?:[\"”」]|$)", re.DOTALL)
_WORD: Final = re.compile(r"[A-Za-z0-9]+|[\u4e00-\u9fff]")
_DENIED: Final = re.compile(r"\b(?:not|never|cannot)\b(?:\W+\w+){0,2}\W*$|不(?:应|能|予|可)?$", re.IGNORECASE)
LEAST_WORDS: Final = 4  # a shorter sentence states nothing
LEAST_CHARACTERS: Final = 6  # the same for Chinese
LEAST_QUOTE: Final = 8  # characters


@dataclass(frozen=True, slots=True)
class Citation:
    """A document said to support a claim, and the words said to stand in it."""

    document: str  # as the model named it, or where its words come from
    quote: str  # in the model's words
    origin: str  # "asked": given as a quote; "own_words": a stretch of the claim itself


@dataclass(frozen=True, slots=True)
class Claim:
    """One sentence of the answer: [start, end) are code points of the answer."""

    text: str
    start: int
    end: int
    material: bool
    citations: tuple[Citation, ...] = ()


def split_claims(answer: str) -> list[Claim]:
    """Cut an answer into its sentences; fragments, headings and questions are claims that are not material."""
    claims = []
    start = 0
    for end in [*_sentence_ends(answer), len(answer)]:
        text = answer[start:end].strip()
        if text:
            first = answer.index(text, start)
            claims.append(Claim(text, first, first + len(text), _is_material(text)))
        start = end
    return claims


def cite(claims: Sequence[Claim], quote_text: str, passages: Sequence[Passage]) -> list[Claim]:
    """Attach to each material claim what it repeats of a passage, and to the closest one the quote given.

    Args:
        quote_text: what the model wrote when asked for a quote; empty where it was not asked.
        passages: what was retrieved, best first.
    """
    cited = [_cite_own_words(claim, passages) if claim.material else claim for claim in claims]
    material = [i for i, claim in enumerate(cited) if claim.material]
    quote = read_quote(quote_text, passages)
    if quote is None or not material:
        return cited
    closest = max(material, key=lambda i: share_of_words(quote.quote, cited[i].text))
    claim = cited[closest]
    if quote.quote not in {citation.quote for citation in claim.citations}:
        cited[closest] = replace(claim, citations=(quote, *claim.citations))
    return cited


def read_quote(text: str, passages: Sequence[Passage]) -> Citation | None:
    """Read a citation out of what the model wrote when asked for a document's name and a sentence of it.

    The document is the name in brackets it begins with, existing or not. The quote is what stands in quotation
    marks (closed or not), else the first line after the name, without the document's title. None where it named
    no document, or quoted nothing.
    """
    named = _NAME_FIRST.match(text)
    if named is None:
        return None
    rest = named.group("rest").strip()
    for title in {passage.document.title for passage in passages}:
        rest = rest.removeprefix(title).lstrip(":： ")
    marked = _QUOTED.search(rest)
    quote = (marked.group(1) if marked else rest.split("\n", 1)[0]).strip()
    return Citation(named.group("name").strip(), quote, "asked") if len(quote) >= LEAST_QUOTE else None


def read_decision(text: str, choices: Sequence[str]) -> str | None:
    """Return the one choice the text makes: a choice, or `not <choice>` where it is denied.

    None where it names no choice or more than one: an echo of the list decides nothing.
    """
    decisions = set()
    for choice in choices:
        match = _find_choice(text, choice)
        if match:
            denied = _DENIED.search(text[: match.start()])
            decisions.add(f"not {choice}" if denied else choice)
    return decisions.pop() if len(decisions) == 1 else None


def _find_choice(text: str, choice: str) -> re.Match[str] | None:
    """Find a choice or, in English, a form of it; a Chinese one that a list goes on after is an echo."""
    if choice[0] >= "\u4e00":
        return re.search(rf"{re.escape(choice)}(?!\s*[,，、或])", text)
    return re.search(rf"\b{re.escape(choice.removesuffix('e'))}", text, re.IGNORECASE)


def share_of_words(text: str, other: str) -> float:
    """Return the Jaccard index of the words (Chinese: characters) of two texts; 0 where either has none."""
    left, right = _words(text), _words(other)
    return len(left & right) / len(left | right) if left and right else 0.0


def _sentence_ends(answer: str) -> list[int]:
    return [
        match.end()
        for match in _SENTENCE_END.finditer(answer)
        if not (match.group() == "." and _INITIAL.search(answer[: match.start()]))
    ]


def _is_material(sentence: str) -> bool:
    if sentence.endswith((":", "：", "?", "？")):
        return False
    words = _WORD.findall(sentence)
    least = LEAST_CHARACTERS if any(word >= "\u4e00" for word in words) else LEAST_WORDS
    return len(words) >= least


def _cite_own_words(claim: Claim, passages: Sequence[Passage]) -> Claim:
    found = _longest_alignment(claim.text, passages)
    if found is None:
        return claim
    quote, passage = found
    return replace(
        claim, citations=(Citation(_named_document(claim.text) or passage.document.id, quote, "own_words"),)
    )


def _longest_alignment(text: str, passages: Sequence[Passage]) -> tuple[str, Passage] | None:
    """Return (stretch of `text`, passage) with most shared tokens; the better hit wins a tie."""
    best: tuple[int, str, Passage] | None = None
    for passage in passages:
        alignment = align(text, passage.text)
        if alignment and (best is None or alignment.shared > best[0]):
            best = (alignment.shared, text[alignment.start : alignment.end], passage)
    return None if best is None else best[1:]


def _named_document(text: str) -> str | None:
    match = _DOCUMENT_ID.search(text)
    return match.group() if match else None


def _words(text: str) -> set[str]:
    return {word.casefold() for word in _WORD.findall(text)}
