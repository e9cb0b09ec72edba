"""What was written of a dictionary's features, read back: every field is there and of its type, or it is refused.

Free of torch: the web reads it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, NamedTuple, Self

from interpret.dictionaries.looks import chance_of
from interpret.errors import DictionaryUnreadable

FORMAT: Final = "dictionary-features/1"


class Answer(NamedTuple):
    """How well a feature tells a concept's words from all others, as areas under the curve in [0, 1].

    Attributes:
        chosen: on the words a label may be chosen by.
        held_out: on the other words, by which a label is judged; `low` and `high` are its 95 % interval over words.
        random: mean over directions that were drawn, each cut off so that it fires as often as the feature.
        random_largest: of those, the largest.
    """

    chosen: float
    held_out: float
    low: float
    high: float
    random: float
    random_largest: float

    def judged(self) -> dict[str, float]:
        """Return what no label was chosen by, by its names."""
        names = ("held_out", "low", "high", "random", "random_largest")
        return dict(zip(names, self[1:], strict=True))

    def chance(self, bag_of_tokens: float, words: int) -> float:
        """Return the chance that a feature worth no more than it is held against does as well on so many words.

        It is held against what is drawn comes to at best, and the words' own tokens.
        """
        return chance_of(self.held_out, self.low, max(self.random_largest, bag_of_tokens), words)


@dataclass(frozen=True, slots=True)
class Example:
    """A token on which a feature fires, in its text."""

    quantile: float  # of the feature's values where it fires: 1 is the largest
    value: float
    text: int  # number of the text it stands in
    before: str
    token: str
    after: str

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class DescribedFeature:
    """One feature that fires.

    Attributes:
        density: share of the tokens on which it fires, in (0, 1].
        in_texts: of how many texts.
        raises, lowers: tokens whose logits its direction raises and lowers most, by the unembedding alone.
        answers: one a concept, in the concepts' order.
    """

    number: int
    density: float
    in_texts: int
    largest: float
    examples: tuple[Example, ...]
    raises: tuple[str, ...]
    lowers: tuple[str, ...]
    answers: tuple[Answer, ...]

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        plain = {name: getattr(self, name) for name in self.__slots__}
        shown = [example.as_json() for example in self.examples]
        return {**plain, "examples": shown, "answers": [list(answer) for answer in self.answers]}


@dataclass(frozen=True, slots=True)
class Concepts:
    """The labelled words that features were held against.

    Attributes:
        words: of each concept in one half.
        random: how many directions were drawn.
        bag_of_tokens: for each concept, how well the words' own tokens tell it on the words labels are judged by.
    """

    version: str
    names: tuple[str, ...]
    words: int
    templates: int
    random: int
    bag_of_tokens: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Described:
    """What the features of a dictionary do on texts that were held out; those that fire nowhere are only counted."""

    dictionary: str  # its digest
    tokens: int  # ordinary ones
    texts: int
    features: int  # that the dictionary has
    concepts: Concepts
    described: tuple[DescribedFeature, ...]

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values: plain ones, whose digest is taken many times as fast as that of named tuples."""
        plain = {name: getattr(self, name) for name in self.__slots__}
        return {
            **plain,
            "concepts": asdict(self.concepts),
            "described": [each.as_json() for each in self.described],
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Self:
        """Read what `interpret.dictionaries.features.describe` gave.

        Raises:
            DictionaryUnreadable: it is of another format, a field lacks or is not known, or a value cannot be.
        """
        if told.get("format") != FORMAT:
            raise DictionaryUnreadable(
                f"its features are written as {told.get('format')!r}, not as {FORMAT!r}"
            )
        try:
            given = {name: value for name, value in told.items() if name != "format"}
            named = _with_tuples(given.pop("concepts"), "names", "bag_of_tokens")
            concepts = Concepts(**{**named, "bag_of_tokens": tuple(map(float, named["bag_of_tokens"]))})
            rows = tuple(_feature(each, len(concepts.names)) for each in given.pop("described"))
            found = cls(**given, concepts=concepts, described=rows)
            _check_types(found)
        except (TypeError, ValueError, KeyError, AttributeError) as exc:
            raise DictionaryUnreadable(f"its features cannot be read: {exc}") from exc
        _check(found)
        return found


def _feature(told: Mapping[str, Any], concepts: int) -> DescribedFeature:
    given = _with_tuples(told, "raises", "lowers")
    answers = tuple(Answer(*map(float, each)) for each in given.pop("answers"))
    if len(answers) != concepts:
        raise ValueError(f"feature {told['number']} has {len(answers)} answers for {concepts} concepts")
    examples = tuple(Example(**each) for each in given.pop("examples"))
    return DescribedFeature(**given, answers=answers, examples=examples)


def _with_tuples(told: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Return it with its lists as tuples; a text is no list of letters."""
    if wrong := [name for name in names if not isinstance(told[name], list)]:
        raise TypeError(f"{', '.join(wrong)}: a list is needed")
    return {**told, **{name: tuple(told[name]) for name in names}}


_WHOLE: Final = frozenset({
    "tokens", "texts", "features", "words", "templates", "random", "number", "in_texts", "text",
})  # fmt: skip
_REAL: Final = frozenset({"density", "largest", "quantile", "value"})


def _check_types(found: Described) -> None:
    """Refuse what is no number, or no text, where there should be one.

    Raises:
        TypeError, ValueError: naming the field.
    """
    concepts = found.concepts
    records: list[Any] = [found, concepts, *found.described]
    records += [example for each in found.described for example in each.examples]
    for record in records:
        for each in fields(record):
            value = getattr(record, each.name)
            kinds = int if each.name in _WHOLE else (int, float)
            if each.name in _WHOLE | _REAL and (isinstance(value, bool) or not isinstance(value, kinds)):
                raise TypeError(f"{each.name} is {value!r}, which is no number of its kind")
            if each.name in _WHOLE and value < 0:
                raise ValueError(f"{each.name} is {value}")
            if each.name in _REAL and not math.isfinite(value):
                raise ValueError(f"{each.name} is {value}")
    if not all(isinstance(text, str) for text in (found.dictionary, concepts.version, *concepts.names)):
        raise TypeError("a name is no text")


def _check(found: Described) -> None:
    """Refuse numbers that cannot be, and features that stand twice or are not the dictionary's."""
    numbers = [each.number for each in found.described]
    areas = [area for each in found.described for answer in each.answers for area in answer]
    if len(set(numbers)) != len(numbers) or not all(0 <= each < found.features for each in numbers):
        raise DictionaryUnreadable("its features stand twice, or are none of the dictionary's")
    if not all(math.isfinite(area) and 0 <= area <= 1 for area in [*areas, *found.concepts.bag_of_tokens]):
        raise DictionaryUnreadable("an area under a curve is not between 0 and 1")
    if not all(0 < each.density <= 1 for each in found.described):
        raise DictionaryUnreadable("a feature fires on no token, or on more than all")
    if len(found.concepts.names) != len(found.concepts.bag_of_tokens):
        raise DictionaryUnreadable("its concepts and what their tokens tell are not as many")
    if not all(_are_texts(each) for each in found.described):
        raise DictionaryUnreadable("an example, or a token that is raised or lowered, is no text")


def _are_texts(each: DescribedFeature) -> bool:
    shown: Sequence[object] = [
        *each.raises, *each.lowers,
        *(part for example in each.examples for part in (example.before, example.token, example.after)),
    ]  # fmt: skip
    return all(isinstance(text, str) and "\0" not in text for text in shown)  # PostgreSQL keeps no NUL
