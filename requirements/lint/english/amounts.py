"""Rule `no_number` in English: a quantity, time or rate without one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from requirements.lint.english.measures import Measures
from requirements.lint.english.quality import is_predicate
from requirements.lint.english.reading import Phrases, Sentence
from requirements.lint.english.words import AMOUNT_ADVERBS, BOUNDARIES, DETERMINERS, UNSAID, word_set

# A time or a frequency that nobody could measure against.
_TIMES: Final = (
    word_set(
        """
    quickly fast promptly rapidly rapid swiftly swift speedily speedy soon shortly immediately instantly
    instantaneously instantaneous timely regularly periodically frequently often occasionally sometimes rarely
    seldom asap near-instant near-instantly sporadically constantly briefly lately recently near-real-time
    subsecond-ish recent infrequently hastily momentarily
    """
    )
    | AMOUNT_ADVERBS
)
_AMOUNTS: Final = word_set(
    "many few numerous various several multiple most mostly plenty lots enough some-of"
)
_PHRASES: Final = Phrases.of(
    """
    in real time; in real-time; near real time; near real-time; real time; real-time; without delay;
    without undue delay; without any delay; without unnecessary delay; without unreasonable delay;
    with minimal delay; with minimum delay; as soon as possible; as soon as practicable; as soon as reasonably;
    as quickly as; as fast as; as early as possible; as few as; in good time; in due time; in due course;
    in a timely manner; in time; on time; at short notice; at regular intervals; at appropriate intervals;
    at suitable intervals; on a regular basis; at intervals; from time to time; every so often; up to date;
    up-to-date; some time; a while; a short time; a short while; short time; long time; long period;
    longer period; short period; brief period; limited time; limited period; extended period; sufficient time;
    a lot of; lots of; a number of; a large number; a high number; a small number; a low number;
    a great number; a limited number; a sufficient number; a certain number; an adequate number; large numbers;
    high numbers; a large share; a high share; a small share; a high proportion; a large proportion;
    a small proportion; a high percentage; a low percentage; a small percentage; a large percentage;
    a certain percentage; large amounts; large volumes; a large amount; a large volume; high volumes;
    high volume; a majority; the majority; vast majority; great majority; nearly all; almost all;
    almost always; nearly always; almost never; hardly ever; hardly any; a few; quite a few; very few; most of;
    many of; large parts; a great deal; too many; too much; too few; too often; too long; too large; too small;
    too slow; too late; too old; too high; too low; too short; too big; too frequently; too early; for long;
    long enough; right away; straight away; at once; soon after; shortly before; shortly after; long before;
    heavy load; high load; peak load; normal load; minimum of time; a minimum of effort; at peak times;
    to a minimum; to the minimum; as short as possible; as low as possible; as small as possible;
    at all hours; at most times; at most hours; well in advance; in advance; early enough; high speed;
    top speed; at scale; around the clock at; some of the; a couple of; dozens of; hundreds of; thousands of;
    millions of; a handful of; a range of; a wide range; a variety of; a wide variety; a high degree;
    to a large extent; more than usual; less than usual; over time; long-term; as many; as short as; as low as;
    as high as; as small as; as large as; as long as possible; a reasonable time; reasonable time;
    a reasonable period; reasonable period; acceptable time; appropriate time; a reasonable number;
    an acceptable number; an appropriate number; most answers; once in a while
    """
)
_TERMS: Final = Phrases.of(
    """
    real-time gross; real time gross; real-time payment; real-time payments; instant payment; instant payments;
    instant messaging; instant messenger; fast lane; fast food; fast track; fast-track; fast ferry;
    fast forward; hold fast; rapid test; rapid response team; most recent; most recently; most favourable;
    most favoured; many-to-many; one-to-many; various artists; multiple choice; multiple sclerosis;
    multiple myeloma; long-term care; long-term disability; low-code; short code; large print; small print;
    high season; low season; high water; low water; high tide; low tide; high court; high street; large type;
    small claims; high risk; low risk; high-risk; old age; at most; at the most; the most senior; breakfast;
    days old; hours old; years old; weeks old; months old; minutes old; seconds old; day old; year old;
    arrived at once; high blood; low blood; high voltage; low voltage; small business; small businesses;
    large enterprise; short selling; short sale; short position; long position; short name; short form;
    long form; short message service; high priority; low priority; high contrast; high school; high seas;
    fast fourier; in advance of the; old password; old address; old value; old version; old account; old name;
    old card; old key; small letters; small caps; real-time clock; soon to be
    """
)
_RELATIVE: Final = word_set(
    """
    high higher low lower large larger small smaller big bigger short shorter long longer great greater heavy
    minimal limited excessive considerable substantial huge vast tiny negligible good strong slow slower faster
    quick quicker brief rare less fewer frequent regular prompt timely minimum maximum old ample scarce instant
    light marginal significant insignificant extensive lengthy massive moderate older newer recent soon early
    late
    """
)
_MEASURABLE: Final = word_set(
    """
    accuracy precision recall availability rate rates latency latencies throughput load loads volume volumes
    number numbers amount amounts share shares proportion percentage confidence scores time times delay delays
    cost costs error errors speed speeds frequency degree traffic demand coverage capacity concurrency
    resolution bandwidth memory usage consumption files file attachments attachment documents dataset datasets
    answers answer responses response sentences sentence period periods interval intervals waiting uptime
    downtime probability similarity correlation agreement fidelity sensitivity specificity positives negatives
    hit quantity quantities sample samples majority turnaround reaction overhead effort loss losses deviation
    deviations discrepancy drift timeouts timeout queue queues wait waits extent range batches batch
    transactions payments deposits withdrawals transfers customers users bookings requests queries circulars
    data records changes messages reminders pauses summaries summary reply replies texts text notice retention
    distance performance outages interruptions breaks questions gap gaps size sizes logs entries backups
    versions
    """
)
_CHANGES: Final = word_set(
    """
    reduce reduces reducing increase increases decrease decreases improve improves shorten shortens accelerate
    speed-up minimise minimize minimises minimizes maximise maximize lower raise boost cut limit curb
    """
)
_CHANGED: Final = word_set("reduced increased decreased improved shortened accelerated minimised minimized")
_BEFORE_CHANGES: Final = frozenset(
    {
        "must",
        "shall",
        "should",
        "may",
        "can",
        "will",
        "to",
        "and",
        "not",
        "never",
        "could",
        "help",
        "helps",
        "also",
        ",",
    }
)
_CHANGE_NEEDS_NOUN: Final = frozenset({"lower", "raise", "cut", "limit", "boost", "curb"})


def unnumbered(sentence: Sentence, begin: int, end: int, measures: Measures) -> Iterator[tuple[int, int]]:
    """Yield the places of quantities without a number among the tokens from `begin` to before `end`."""
    lows = sentence.lows
    places = [index for index in range(begin, end) if lows[index] in _TELLING]
    for index in places:
        hit = _NEAR.at(lows, index)
        if hit and index + hit[0] < end and sentence.tokens[index + hit[0]].is_number:
            yield index, index + hit[0] + 1
    if measures.any:
        return
    behind = begin
    for index in places:
        if index < behind:
            continue
        term = _TERMS.at(lows, index)
        phrase = _PHRASES.at(lows, index)
        if term is not None and (phrase is None or phrase[0] <= term[0]):
            behind = index + term[0]
        elif phrase is not None:
            yield index, index + phrase[0]
            behind = index + phrase[0]
        elif _is_unnumbered(sentence, index):
            yield index, index + 1


_NEAR: Final = Phrases.of(
    """
    close to; near to; nearly; almost; around; approximately; roughly; next to; in the order of
    """
)
_AMOUNT_NOUNS: Final = word_set(
    "number amount quantity share proportion percentage fraction portion period variety selection"
)
# With any other word nothing begins that is told here, and no term.
_TELLING: Final = (
    _NEAR.beginnings | _TERMS.beginnings | _PHRASES.beginnings | _TIMES | _AMOUNTS | _AMOUNT_NOUNS | UNSAID
    | _RELATIVE | _CHANGED | _CHANGES | {"long", "little"}
)  # fmt: skip


def _is_unnumbered(sentence: Sentence, index: int) -> bool:
    lows = sentence.lows
    low = lows[index]
    following = lows[index + 1] if index + 1 < len(lows) else ""
    if sentence.is_name(index) and index:
        return False
    if low in _TIMES:
        return low not in ("often", "soon") or lows[index - 1] not in ("how", "as")
    if low in _AMOUNTS:
        return _is_amount(lows, index)
    return _is_unsaid(lows, index, following) or _is_relative(lows, index, following)


def _is_unsaid(lows: Sequence[str], index: int, following: str) -> bool:
    """Whether an amount is left to somebody: "a number of", "the agreed threshold", "sufficient time"."""
    low = lows[index]
    if low in _AMOUNT_NOUNS:
        return following == "of" and _is_any(lows, index)
    if low in UNSAID and following in BOUNDARIES:
        after = lows[index + 2] if index + 2 < len(lows) else ""
        if low == "sufficient":
            return following not in ("level", "levels", "margin")
        return after not in ("in", "of", "by", "for")  # "the level set in section 4"
    return False


def _is_relative(lows: Sequence[str], index: int, following: str) -> bool:
    """Whether it is more or less of something, and not how much."""
    low = lows[index]
    if low == "long" and following in ("", ".", ","):
        return True
    if low == "little" and following in (*_MEASURABLE, "", ".", ","):
        return True
    if low in _RELATIVE and following != "than":
        return (low not in _RATHER_VAGUE and is_predicate(lows, index)) or _before_measurable(lows, index)
    if low in _CHANGED:
        return is_predicate(lows, index) and following != "as"
    return low in _CHANGES and _changes_an_amount(lows, index)


_RATHER_VAGUE: Final = frozenset(
    {"good", "strong", "great", "light", "regular", "early", "late", "ample", "recent", "heavy"}
)


def _is_any(lows: Sequence[str], index: int) -> bool:
    """Whether it is some amount that nobody says: "a moderate number of", "a period of", not "the number of"."""
    for place in range(index - 1, max(-1, index - 4), -1):
        if lows[place] in ("a", "an", "some"):
            return True
        if (
            lows[place] in DETERMINERS
            or not lows[place].isalpha()
            or lows[place] in ("maximum", "minimum", "total")
        ):
            return False
    return False


def _is_amount(lows: Sequence[str], index: int) -> bool:
    low = lows[index]
    before = lows[index - 1] if index else ""
    following = lows[index + 1] if index + 1 < len(lows) else ""
    if low == "most":
        if before == "at":
            return following in ("times", "hours", "branches", "sites")
        return (following.endswith("s") or following == "of") and before != "the"
    if low in ("many", "few") and before in ("how", "as", "the"):
        return before == "the" and low == "few"
    if low == "enough":
        return following.isalpha() and following not in ("to", "for")
    return True


def _before_measurable(lows: Sequence[str], index: int) -> bool:
    """Whether a relative word grades something that can be counted: "high hit rate", "short answers"."""
    for place in range(index + 1, min(index + 4, len(lows))):
        low = lows[place]
        if low in _MEASURABLE:
            return True
        if not low.isalpha() or low in DETERMINERS or low in ("of", "and", "or", "in", "for", "to", "risk"):
            return False
    return False


def _changes_an_amount(lows: Sequence[str], index: int) -> bool:
    low = lows[index]
    before = lows[index - 1] if index else ""
    if before not in _BEFORE_CHANGES and not before.endswith("ly"):
        return False  # "each rate or limit": a noun
    reach = lows[index + 1 : index + 7]
    if any(word in ("by", "to", "from") for word in reach[2:]) and low in _CHANGE_NEEDS_NOUN:
        return False
    if low in _CHANGE_NEEDS_NOUN or low.startswith(("minimi", "maximi")):
        return any(word in _MEASURABLE for word in reach[:4])
    return True
