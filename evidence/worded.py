"""Sentences that are told in English, and by pages in their reader's language.

What a service refuses is answered by the API, logged and stored in English. A sentence of `worded` is that English, and
keeps the template that it was made of, by which `evidence.pages.refusals` says it in another language.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import reduce
from typing import Final


class Worded(str):
    """An English sentence with its template."""

    __slots__ = ("template", "values")

    template: str  # as the catalogues of translations have it
    values: Mapping[str, object]


class Coded(str):
    """A code of a fixed vocabulary, as a state or a kind: a page says what it is called there."""

    __slots__ = ()


class Quoted(Worded):
    """What others said, in their words. A page marks it as English, and no name that stands in a sentence."""

    __slots__ = ()


def worded(template: str, **values: object) -> Worded:
    """Return a sentence.

    Args:
        template: the sentence, with each value by its name: "%(name)s"; without values, the sentence itself. As the
            argument of `worded` it is marked for translation.
        values: what is told of; one that is `worded` itself, or `Coded`, is said in the reader's language, too.
    """
    sentence = Worded(template % values if values else template)
    sentence.template, sentence.values = template, values
    return sentence


def sentence_of(exc: BaseException) -> Worded:
    """Return the sentence of an error, with its template where it has one."""
    first = exc.args[0] if len(exc.args) == 1 else None
    return first if isinstance(first, Worded) else _of_itself(str(exc))


COMMA: Final = worded(", ")
SEMICOLON: Final = worded("; ")


def answered(text: str, on_pages: Worded) -> Worded:
    """Return what the API answers, which names a member of the answer, where pages say something else."""
    sentence = Worded(text)
    sentence.template, sentence.values = on_pages.template, on_pages.values
    return sentence


def joined(parts: Iterable[str], between: str = COMMA) -> Worded:
    """Return texts one after another, each of them still said in the reader's language where it can be.

    Args:
        between: what stands between two of them; one that is `worded` is said in that language, too.
    """
    listed = list(parts)
    names = [f"part_{number}" for number in range(len(listed))]
    sentence = Worded(between.join(listed))
    sentence.template = "%(between)s".join(f"%({name})s" for name in names)
    sentence.values = {**dict(zip(names, listed, strict=True)), "between": between}
    return sentence


def joined_by_and(parts: Iterable[str]) -> Worded:
    """Return texts with "and" between them, likewise: Chinese has no spaces around it."""
    listed = list(parts)
    return reduce(
        lambda before, part: worded("%(before)s and %(part)s", before=before, part=part),
        listed[1:],
        joined(listed[:1]),
    )


def _of_itself(text: str) -> Worded:
    """Return a sentence that nobody took apart: where a catalogue has it as it stands, it is said by that."""
    sentence = Worded(text)
    sentence.template, sentence.values = text, {}
    return sentence


def quoted(text: str) -> Quoted:
    """Return what others said, as a library or a program: it stays in their words in every language."""
    sentence = Quoted(text)
    sentence.template, sentence.values = "%(text)s", {"text": text}
    return sentence
