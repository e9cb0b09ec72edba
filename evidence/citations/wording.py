"""Whether a passage says a quote in the same words: what a near match must have besides the same letters.

Of letters, `increase` and `decrease` are alike to 0.75, and a sentence with one of them for the other to 0.95. So the
words are compared one by one, in their order, as `evidence.citations.difference` cuts them. Two words are the same
where they are written the same, or where one of these holds:

- they are of one row of `words/exchanged.txt`: `is` and `are`, but not `is` and `was`;
- they are inflected forms of one word, by an ending (`_bases`): `repay`, `repays`, `repaying`; never `payer` and
  `payee`, nor `owed` and `owing`;
- they are written together here and apart there: `on line`, `online`;
- one is a slip of one letter of the other (`_is_slip`): not another word, nor one that the document has elsewhere.

Those of `words/little.txt`, and signs that only decorate, may be left out or added. What an ellipsis in the quote
stands for may be anything.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from rapidfuzz.distance import OSA, Levenshtein

from evidence.citations.difference import Word, cut_words
from evidence.citations.normalise import is_cjk, normalise
from evidence.citations.words import read_rows, read_words

_LITTLE: Final = frozenset(read_words("little"))
_LETTERED: Final = frozenset(read_words("lettered"))
_WITH_S: Final = frozenset({"class", "group", "regulation", "series"})  # after which an `s` is a name
_UNBENDING: Final = frozenset(read_words("unbending"))
_OTHER_WORDS: Final = frozenset(read_words("one_letter_apart"))
_FIRST_OF: Final = {word: row[0] for row in read_rows("exchanged") for word in row}
_SHORTEST_BASE: Final = 3  # letters that inflected forms of one word share
# Letters of a stem whose double f, l, s or z is of its ending: `cancell`, not `fill`.
_SHORTEST_DOUBLED: Final = 6
_PREFIXES: Final = ("", "un", "re")
_SUFFIXES: Final = (
    "",
    *["able", "ible", "or", "er", "ers", "ors", "ion", "ions", "ment", "ments", "ly", "ness"],
)
_BRITISH: Final = re.compile(
    r"[iy]s(?=(?:e|ed|es|er|ers|ing|able|ation|ations)$)|our(?=(?:s|ed|ing|able|al|ite)?$)"
)
_MARKS_OF_LINES: Final = ">#"
_ARROWS: Final = frozenset(map(chr, range(0x2190, 0x2200)))
_SHORTEST_SLIPPED: Final = 6  # letters of the longer one; of shorter ones a letter makes too many words
_ELLIPSIS: Final = re.compile(r"[.。．](?:\s?[.。．]){2,}|[…⋯]+")
# Of comparing, for each word of both texts: those that repeat themselves would take any number.
_STEPS_A_WORD: Final = 4
# Words back from a letter to what it tells apart, over numbers and letters: Article 6(1)(a).
_MOST_NUMBERED: Final = 4
_EDGE: Final = 50  # words at either end of a quote by which the passage is told from what stands around it
_MOST_PAIRED: Final = 50  # words of a run that differs among which the same in another form is looked for


@dataclass(frozen=True, slots=True)
class _Words:
    """The words of a normalised text that count, and where they stand in it.

    `froms[i]` is where the little words right before a word begin, `tos[i]` where those right after it end.
    """

    keys: list[str]
    starts: list[int]
    ends: list[int]
    froms: list[int]
    tos: list[int]


@dataclass(slots=True)
class _Steps:
    left: int  # how many words may still be compared


@dataclass(frozen=True, slots=True)
class Differing:
    """Words that only the quote has, words that only the passage has, and words that both have in another order.

    As they read when normalised. Where there are none the words are the same, in another order or parted otherwise.
    """

    quote: tuple[str, ...]
    passage: tuple[str, ...]
    moved: tuple[str, ...]


class Comparison:
    """A quote and the normalised text of a document, word by word."""

    def __init__(self, quote: str, document: str) -> None:
        """Cut the quote into words.

        Args:
            quote: as the answer has it, with its ellipses.
            document: normalised.
        """
        texts = [normalise(part).text for part in _ELLIPSIS.split(quote)]
        read = [(text, part) for text in texts if (part := _read(text)).keys]
        self._parts = [part for _, part in read]
        # How many little words the quote begins and ends with.
        self._leading = _count_words(read[0][0][: read[0][1].starts[0]]) if read else 0
        self._trailing = _count_words(read[-1][0][read[-1][1].ends[-1] :]) if read else 0
        self._n_words = sum(len(part.keys) for part in self._parts)
        self._document = document
        self._alike: dict[tuple[str, str], bool] = {}
        self._known: dict[str, bool] = {}  # words of the quote that the document has by themselves

    def find(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Yield where the document has the quote in the same words, as ranges of its normalised text.

        It is looked through from `start` to before `end`, for as long as that takes a number of steps that grows with
        the length of both texts.
        """
        if not self._parts:
            return
        theirs = _read(self._document[start:end])
        steps = _Steps(_STEPS_A_WORD * (len(theirs.keys) + self._n_words))
        for place in range(len(theirs.keys)):
            last = self._follow(theirs.keys, place, steps)
            if last is not None:
                yield self._range(theirs, start, (place, last))
            if steps.left < 0:
                return

    def tell(self, start: int, end: int) -> Differing:
        """Say which words differ between the quote and the passage most like it from `start` to before `end`."""
        ours = [key for part in self._parts for key in part.keys]
        theirs = _cut_to(ours, _read(self._document[start:end]).keys)
        gaps = set(itertools.accumulate(len(part.keys) for part in self._parts))
        only_ours: list[str] = []
        only_theirs: list[str] = []
        for run in _differing_runs(ours, theirs):
            if run.left == run.right and run.left in gaps:
                continue
            left, right = self._unpaired(ours[run.left : run.right], theirs[run.first : run.last])
            only_ours += _joined(left)
            only_theirs += _joined(right)
        moved = set(only_ours) & set(only_theirs)
        return Differing(
            quote=tuple(dict.fromkeys(word for word in only_ours if word not in moved)),
            passage=tuple(dict.fromkeys(word for word in only_theirs if word not in moved)),
            moved=tuple(dict.fromkeys(word for word in only_ours if word in moved)),
        )

    def _range(self, theirs: _Words, origin: int, words: tuple[int, int]) -> tuple[int, int]:
        """Return where words stand, with as many of the little ones around them as the quote has at that end.

        Args:
            theirs: of the document from `origin` on.
            words: from the first to before the last.
        """
        first, last = words[0], words[1] - 1
        start, end = origin + theirs.starts[first], origin + theirs.ends[last]
        before = list(cut_words(self._document[origin + theirs.froms[first] : start]))
        after = list(cut_words(self._document[end : origin + theirs.tos[last]]))
        if self._leading and before:
            start = origin + theirs.froms[first] + before[-self._leading :][0].start
        if self._trailing and after:
            end += after[: self._trailing][-1].end
        return start, end

    def _follow(self, theirs: Sequence[str], place: int, steps: _Steps) -> int | None:
        """Return after which word the quote ends, if it begins at `place`; None where it does not stand there."""
        end = self._follow_part(self._parts[0].keys, theirs, place, steps)
        for part in self._parts[1:]:
            if end is None:
                return None
            starts = range(end, min(end + self._n_words, len(theirs)))  # an ellipsis stands for no more words
            ends = (self._follow_part(part.keys, theirs, start, steps) for start in starts if steps.left >= 0)
            end = next((one for one in ends if one is not None), None)
        return end

    def _follow_part(
        self, ours: Sequence[str], theirs: Sequence[str], place: int, steps: _Steps
    ) -> int | None:
        """Return after which word one part of the quote ends, if it begins at `place`."""
        done = 0
        while done < len(ours):
            steps.left -= 1
            if place >= len(theirs):
                return None
            word, other = ours[done], theirs[place]
            if word == other:
                done, place = done + 1, place + 1
            elif word[0] == other[0] and _join(ours, done) == other:
                done, place = done + 2, place + 1
            elif word[0] == other[0] and word == _join(theirs, place):
                done, place = done + 1, place + 2
            elif self._is_same(word, other):
                done, place = done + 1, place + 1
            else:
                return None
        return place

    def _is_same(self, ours: str, theirs: str) -> bool:
        pair = ours, theirs
        if pair not in self._alike:
            self._alike[pair] = _are_forms(ours, theirs) or (
                _is_slip(ours, theirs) and not self._has_word(ours)
            )
        return self._alike[pair]

    def _has_word(self, word: str) -> bool:
        if word not in self._known:
            self._known[word] = _stands_alone(word, self._document)
        return self._known[word]

    def _unpaired(self, ours: list[str], theirs: list[str]) -> tuple[list[str], list[str]]:
        """Return the words of either run that the other does not have in any form."""
        if "".join(ours) == "".join(theirs):
            return [], []
        left, right = ours[:_MOST_PAIRED], theirs[:_MOST_PAIRED]
        for word in ours[:_MOST_PAIRED]:
            other = next((one for one in right if word == one or self._is_same(word, one)), None)
            if other is not None:
                left.remove(word)
                right.remove(other)
        return left, right


@dataclass(frozen=True, slots=True)
class _Run:
    """Words `[left, right)` of one list that have no equal in the other, where that has `[first, last)`."""

    left: int
    right: int
    first: int
    last: int


def _join(words: Sequence[str], place: int) -> str:
    """Return two words as one; a letter after a word is a name, and no part of it: `Regulation S`."""
    return "".join(words[place : place + 2]) if place + 1 < len(words) and len(words[place + 1]) > 1 else ""


def _count_words(text: str) -> int:
    return sum(1 for _ in cut_words(text))


def _stands_alone(word: str, text: str) -> bool:
    """Return whether a text has a word that is no part of a longer one."""
    start = text.find(word)
    while start >= 0:
        around = text[max(start - 1, 0) : start] + text[start + len(word) : start + len(word) + 1]
        if not any(char.isalnum() or char == "_" for char in around):
            return True
        start = text.find(word, start + 1)
    return False


def _cut_to(ours: list[str], theirs: list[str]) -> list[str]:
    """Return `theirs` without the words before and after that have nothing to do with where `ours` begins and ends."""
    size = _EDGE if len(ours) > _EDGE else max(len(ours), len(theirs))
    spare = max(len(theirs) - len(ours), 0) + 1
    starts = range(min(spare, len(theirs)))
    start = min(
        starts, key=lambda one: Levenshtein.distance(ours[:size], theirs[one : one + size]), default=0
    )
    theirs = theirs[start:]
    ends = range(len(theirs), max(len(theirs) - spare, 0), -1)
    end = min(
        ends, key=lambda one: Levenshtein.distance(ours[-size:], theirs[max(one - size, 0) : one]), default=0
    )
    return theirs[:end]


def _differing_runs(ours: list[str], theirs: list[str]) -> Iterator[_Run]:
    """Yield the runs between the words that both have in the same order."""
    steps = Levenshtein.opcodes(ours, theirs)
    for is_same, group in itertools.groupby(steps, key=lambda step: step.tag == "equal"):
        run = list(group)
        if not is_same:
            yield _Run(run[0].src_start, run[-1].src_end, run[0].dest_start, run[-1].dest_end)


def _joined(words: list[str]) -> list[str]:
    """Return words with the Chinese characters that stand together as one: nobody reads 必 and 须 apart."""
    joined: list[str] = []
    for word in words:
        if joined and is_cjk(word[0]) and is_cjk(joined[-1][-1]):
            joined[-1] += word
        else:
            joined.append(word)
    return joined


def _read(text: str) -> _Words:
    """Return the words of a normalised text that count."""
    words = list(_with_endings(cut_words(text)))
    found = _Words([], [], [], [], [])
    since = -1  # where the little words begin that nothing has followed yet
    for place, word in enumerate(words):
        if _is_little(words, place):
            since = word.start if since < 0 else since
            if found.tos:
                found.tos[-1] = word.end
            continue
        found.keys.append(word.key)
        found.starts.append(word.start)
        found.ends.append(word.end)
        found.froms.append(word.start if since < 0 else since)
        found.tos.append(word.end)
        since = -1
    return found


def _with_endings(words: Iterator[Word]) -> Iterator[Word]:
    """Yield words, each with the `s` that an apostrophe parted from it, and no sign that only decorates."""
    last: Word | None = None
    cut = list(words)
    for word, after in itertools.zip_longest(cut, cut[1:]):
        if _is_decoration(word.key, after):
            continue
        if last and word.key == "s" and _has_ending(last.key, after):
            last = Word(last.key + "s", last.start, word.end)
            continue
        if last:
            yield last
        last = word
    if last:
        yield last


def _is_decoration(sign: str, after: Word | None) -> bool:
    """Return whether a sign says nothing: a bullet, `®`, an arrow, or `>` and `#` that begin a line."""
    if sign in _MARKS_OF_LINES:
        return after is None or not after.key[0].isdigit()
    return unicodedata.category(sign[0]) == "So" or sign[0] in _ARROWS


def _has_ending(key: str, after: Word | None) -> bool:
    """Return whether an `s` after a word is its ending, and no name: as in `Regulation S` and `of S&P`."""
    return _is_spelt(key) and key not in _LITTLE | _WITH_S and (after is None or after.key != "&")


def _is_little(words: Sequence[Word], place: int) -> bool:
    """Return whether a word may be left out or added."""
    key = words[place].key
    return key in _LITTLE and not (key == "a" and _is_name(words, place))


def _is_name(words: Sequence[Word], place: int) -> bool:
    """Return whether a letter tells one thing from another, as in `Class A`, `Article 6(1)(a)` and `A 股`."""
    if any(is_cjk(one.key[0]) for one in (*words[max(place - 1, 0) : place], *words[place + 1 : place + 2])):
        return True
    if place and words[place - 1].key[-1].isdigit():
        return True
    before = [one.key for one in reversed(words[max(place - _MOST_NUMBERED, 0) : place])]
    told = next((key for key in before if not (key[0].isdigit() or (len(key) == 1 and key.isalpha()))), "")
    return _tells_by_letters(told)


def _tells_by_letters(key: str) -> bool:
    return key in _LETTERED or key.removesuffix("s") in _LETTERED


def _is_spelt(key: str) -> bool:
    """Return whether a word is one of letters, and not a number, a sign or a Chinese character."""
    return key.isalpha() and not is_cjk(key[0])


def _are_forms(ours: str, theirs: str) -> bool:
    """Return whether two words that are written in two ways are one word, by exchange or by inflection."""
    if ours in _FIRST_OF or theirs in _FIRST_OF:
        return _FIRST_OF.get(ours) == _FIRST_OF.get(theirs)
    if not _is_spelt(ours) or not _is_spelt(theirs):
        return False
    of_ours, of_theirs = _bases(ours), _bases(theirs)
    if ours in of_theirs or theirs in of_ours:
        return True
    # `pays` and `paying`; but who is owed is not who is owing, and no bank is planing that is planning.
    return ours.endswith("s") != theirs.endswith("s") and not of_ours.isdisjoint(of_theirs)


def _bases(word: str) -> frozenset[str]:
    """Return what a word may be an inflected form of: `rated` of `rate`, and for all we know of `rat`."""
    found = {word}
    if word.endswith("s") and not word.endswith("ss"):
        found.add(word[:-1])
        if word.endswith(("ses", "xes", "zes", "ches", "shes", "oes")):
            found.add(word[:-2])
        if word.endswith("ies"):
            found.add(word[:-3] + "y")
    for ending in ("ed", "ing"):
        if word.endswith(ending):
            stem = word.removesuffix(ending)
            found |= {stem, stem + "e"}
            if stem[-1:] == stem[-2:-1] and (stem[-1:] not in "flsz" or len(stem) >= _SHORTEST_DOUBLED):
                found.add(stem[:-1])
    if word.endswith("ied"):
        found.add(word[:-3] + "y")
    return frozenset(one for one in found if len(one) >= _SHORTEST_BASE) - _UNBENDING


def _is_slip(ours: str, theirs: str) -> bool:
    """Return whether one letter left out, added, exchanged or swapped with its neighbour makes one word the other."""
    return (
        max(len(ours), len(theirs)) >= _SHORTEST_SLIPPED
        and all(word.isascii() and word.isalpha() for word in (ours, theirs))
        and (ours[0], ours[-1]) == (theirs[0], theirs[-1])
        and OSA.distance(ours, theirs, score_cutoff=1) == 1
        and (_spelling(ours) == _spelling(theirs) or not are_two_words(ours, theirs))
    )


def are_two_words(ours: str, theirs: str) -> bool:
    """Return whether both are known as words that a letter parts, in any of their forms."""
    if not _bases(ours).isdisjoint(_bases(theirs)):  # as `refered`, a slip, and `planing`, which is none
        return {ours, theirs} <= _OTHER_WORDS
    return _is_other_word(ours) and _is_other_word(theirs)


def _is_other_word(word: str) -> bool:
    stems = {word.removeprefix(prefix).removesuffix(suffix) for prefix in _PREFIXES for suffix in _SUFFIXES}
    return not _OTHER_WORDS.isdisjoint(stems | _bases(word))


def _spelling(word: str) -> str:
    """Return a word as Americans spell it."""
    return _BRITISH.sub(lambda found: found.group().replace("s", "z", 1).replace("our", "or", 1), word)
