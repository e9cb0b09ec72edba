"""How many quotes with another word are found, and how many with a slip: `python -m bench.wording`.

Each word of each sentence of the examples' documents is replaced by another word of its document, left out, or given
one before it; little words are left out, and long ones lose, double or swap a letter. What looks like a slip and is
none is asked as well: a real word one letter apart (`APART`, each in place of a word of a document), `-ed` for
`-ing`, and a name without one of its letters. Seeded, so that two checkers are asked the same.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from evidence.citations.difference import Word, cut_words
from evidence.citations.normalise import is_cjk, normalise
from evidence.citations.verdict import BEFORE_WORDS, CHECKER_VERSION, FOUND, Source, check_citation
from evidence.citations.wording import are_two_words
from evidence.citations.words import read_words
from evidence.digests import sha256_hex

DOCUMENTS: Final = "examples/*/documents/*.md"
CHANGED: Final = (
    "another word",
    "a word left out",
    "a word added",
    "a slip that is a word",
)  # nothing of them may be found
LIKE_SLIPS: Final = ("a real word one letter apart", "-ed for -ing", "a letter of a name left out")
"""What says something else and looks like a slip or a form: how many pass is told. The other kinds are slips."""

APART: Final = tuple(
    pair.split("/")
    for pair in (
        "investor/inventor", "chargeable/changeable", "confirm/conform", "dividend/divided",
        "deferred/deterred", "repealed/repeated", "charged/changed", "insured/injured", "ensured/insured",
        "contract/contact", "adopted/adapted", "casual/causal", "complement/compliment",
        "deceased/decreased", "depositary/depository", "granted/grafted", "interned/interred",
        "leading/lending", "leader/lender", "marital/martial", "material/maternal", "mediation/meditation",
        "prescribed/proscribed", "quality/equality", "recent/resent", "signed/singed",
        "stationary/stationery", "statue/statute", "united/untied", "waived/waved", "waiver/waver",
        "lasting/listing", "patents/patients", "posting/pasting", "morality/mortality", "exercise/exorcise",
        "expand/expend", "commend/command", "collusion/collision", "assured/assumed", "rational/national",
        "founder/funder", "founded/funded", "detained/retained", "reception/deception",
        "simulated/stimulated", "renting/resting", "ranking/banking", "trustee/trusted",
        "refereed/referred", "interstate/intestate", "discreet/discrete", "ordnance/ordinance",
        "election/erection", "bonded/boned", "filing/filling", "staring/starting",
    )
)  # fmt: skip
VERSIONS: Final = (BEFORE_WORDS[-1], CHECKER_VERSION)
_SENTENCE: Final = re.compile(r"[^.\n]{50,300}\.|[^。\n]{15,300}。")
_LITTLE: Final = frozenset(read_words("little"))
_LONG: Final = 6  # letters of a word that a slip is tried on
_TRIED: Final = 3  # words of a sentence in whose place a pair is put


def measure(seed: int) -> Counter[tuple[str, str]]:
    """Return how many quotes there were of each kind (`n`), and how many of them each version found."""
    chance, other = random.Random(seed), random.Random(seed)
    counts: Counter[tuple[str, str]] = Counter()
    for path in sorted(Path().glob(DOCUMENTS)):
        text = path.read_text(encoding="utf-8")
        source = _source(path.name, text)
        vocabulary = sorted({word.key for word in _content(text)})
        for sentence in (found.group().strip() for found in _SENTENCE.finditer(text)):
            for kind, quote in (
                *_changed(sentence, vocabulary, chance),
                *_slipped(sentence, chance),
                *_like_a_slip(sentence, other),
            ):
                _count(counts, kind, quote, source)
            for ours, theirs in _apart(sentence, other):
                _count(counts, LIKE_SLIPS[0], ours, _source(path.name, text.replace(sentence, theirs)))
    return counts


def _source(name: str, text: str) -> Source:
    return Source.of(document_id=name, digest=sha256_hex(text.encode()), text=text)


def _count(counts: Counter[tuple[str, str]], kind: str, quote: str, source: Source) -> None:
    if normalise(quote).text in source.normalised.text:
        return  # it stands there
    counts[kind, "n"] += 1
    for version in VERSIONS:
        counts[kind, version] += check_citation(quote=quote, source=source, version=version).verdict in FOUND


def _content(text: str) -> list[Word]:
    return [word for word in cut_words(text) if word.key.isalpha() and word.key.lower() not in _LITTLE]


def _changed(sentence: str, vocabulary: list[str], chance: random.Random) -> Iterator[tuple[str, str]]:
    """Yield what another document would say."""
    words = _content(sentence)
    for place, word in enumerate(words):
        before, after = sentence[: word.start], sentence[word.end :]
        yield "another word", before + chance.choice(vocabulary) + after
        if 0 < place < len(words) - 1:  # what is left out at an end is a shorter quote
            yield "a word left out", before + after
            space = "" if is_cjk(word.key[0]) else " "
            yield "a word added", before + chance.choice(vocabulary) + space + word.key + after


def _slipped(sentence: str, chance: random.Random) -> Iterator[tuple[str, str]]:
    """Yield what the same document says, with a slip."""
    for word in cut_words(sentence):
        before, key, after = sentence[: word.start], word.key, sentence[word.end :]
        if key.lower() in _LITTLE:
            yield "a little word left out", before + after.lstrip()
        elif key.isalpha() and len(key) >= _LONG and not is_cjk(key[0]):
            place = chance.randrange(1, len(key) - 2)
            letter, rest = key[place], key[place + 1 :]
            lost = key[:place] + rest
            yield (
                "a slip that is a word" if are_two_words(key.lower(), lost.lower()) else "a letter lost",
                before + lost + after,
            )
            yield "a letter doubled", before + key[:place] + 2 * letter + rest + after
            yield "two letters swapped", before + key[:place] + rest[0] + letter + rest[1:] + after


def _like_a_slip(sentence: str, chance: random.Random) -> Iterator[tuple[str, str]]:
    """Yield what another document may say, though it looks like a form of the word or a slip."""
    for word in cut_words(sentence):
        before, key, after = sentence[: word.start], word.key, sentence[word.end :]
        if not (key.isascii() and key.isalpha() and len(key) >= _LONG):
            continue
        if key.endswith("ed"):
            yield LIKE_SLIPS[1], before + key[:-2] + "ing" + after
        if key[0].isupper() and key[1:].islower() and word.start > 0:
            place = chance.randrange(1, len(key) - 1)
            yield LIKE_SLIPS[2], before + key[:place] + key[place + 1 :] + after


def _apart(sentence: str, chance: random.Random) -> Iterator[tuple[str, str]]:
    """Yield a sentence twice, with one and with the other word of a pair in place of a word of its own."""
    words = _content(sentence) if sentence.isascii() else []
    for word in chance.sample(words, min(_TRIED, len(words))):
        ours, theirs = chance.sample(chance.choice(APART), 2)
        before, after = sentence[: word.start], sentence[word.end :]
        yield before + ours + after, before + theirs + after


if __name__ == "__main__":
    measured = measure(seed=7)
    for kind in dict.fromkeys(kind for kind, _ in measured):
        found = ", ".join(f"{measured[kind, version]} by {version}" for version in VERSIONS)
        print(f"{kind}: of {measured[kind, 'n']} found {found}")
