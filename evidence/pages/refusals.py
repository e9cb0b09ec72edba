"""What a page says of an error: its kind and its sentence in the reader's language, where they are marked for it.

Errors are raised, answered by the API, logged and stored in English. A sentence that nobody has translated stands as it
is, marked as English for screen readers, after the title of its kind, which each has in every language.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, Final, NamedTuple

from django.utils.html import conditional_escape, escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext

from evidence.pages.refusal_words import REFUSAL_WORDS
from evidence.worded import Coded, Quoted, Worded, sentence_of

_WRITTEN_IN: Final = "en"  # what nobody translated
_ENGLISH: Final = '<span lang="en">'
_VALUE: Final = re.compile(r"%\(\w+\)[a-z]")  # of a template
_LETTER: Final = re.compile(r"[A-Za-z]{2}")
_CHINESE: Final = re.compile(r"[\u3400-\u9fff]")


def is_english() -> bool:
    """Whether the page is in the language in which sentences are stored."""
    return (get_language() or _WRITTEN_IN).split("-")[0] == _WRITTEN_IN


def refusal(exc: Any) -> SafeString:
    """Return all that is said of an error: "Not permitted. This is an operator's to do: ask one."."""
    stop = ". " if is_english() else "。"
    return format_html("{}{}{}", refusal_title(exc), stop, refusal_detail(exc))


def refusal_title(exc: Any) -> str:
    """Return what kind of error it is."""
    return gettext(exc.title)


def refusal_detail(exc: Any) -> SafeString | str:
    """Return what happened, and what to do."""
    return in_language(sentence_of(exc))


def refusal_text(exc: Any) -> str:
    """Return what happened, and what to do, where no markup can be."""
    return text_in_language(sentence_of(exc))


def title_in_language(code: str, title: str) -> str:
    """Return what a page that is a refusal is called: some codes have a title of their own there."""
    words = REFUSAL_WORDS.get(code)
    return str(words.title) if words else gettext(title)


def text_in_language(text: str) -> str:
    """Return a sentence in the reader's language, where no markup can be."""
    return _say(text).text


def said_and_language(text: str) -> tuple[str, str]:
    """Return a sentence in the reader's language, and the language that it is in: empty where it is the page's.

    Of one in the page's language, what is English within it is marked.
    """
    if is_english() or text_in_language(text) != text:
        return in_language(text), ""
    return text, _WRITTEN_IN


def in_language(text: str) -> SafeString | str:
    """Return a sentence in the reader's language; what of it is in no other than English is marked as English.

    So are a sentence that stands in another, and what others said, where nobody translated them. A name is not, or
    another value that is no sentence: it is in no language.
    """
    if not text:
        return text
    said = _say(text)
    is_marked = _ENGLISH in said.markup and not is_english()  # what holds no mark is no markup
    return said.markup if is_marked else said.text


class _Said(NamedTuple):
    """A sentence in the reader's language."""

    text: str
    markup: SafeString  # with what of it is English marked, where the reader's language is another


def _say(text: str) -> _Said:
    """Say a sentence, and each that it is made of: a stored one is a template of its own, without values."""
    template, values = (text.template, text.values) if isinstance(text, Worded) else (text, {})
    translated = gettext(template)
    parts = {name: _say_value(value) for name, value in values.items()}
    said = translated % {name: plain for name, (plain, _) in parts.items()} if parts else translated
    if said == text and _is_prose(text):
        return _Said(said, format_html(_ENGLISH + "{}</span>", text))
    if isinstance(text, Quoted) or not parts:
        return _Said(said, conditional_escape(said))
    marked = escape(translated) % {name: markup for name, (_, markup) in parts.items()}
    return _Said(said, mark_safe(marked))  # noqa: S308  # template and each value are escaped


def _say_value(value: object) -> tuple[object, object]:
    """Return a value as text and as markup; a number stays one, for its template to write."""
    match value:
        case Worded():
            return _say(value)
        case int() | float() | Decimal():
            return value, value
        case Coded() if not is_english():
            name = _name_of(value)
            return name, escape(name)
        case _:
            return value, escape(value)


def _is_prose(text: str) -> bool:
    """Whether somebody wrote it as a sentence, and not in Chinese: a library may know the reader's language."""
    own = text.template if isinstance(text, Worded) and not isinstance(text, Quoted) else text
    return bool(_LETTER.search(_VALUE.sub("", own))) and not _CHINESE.search(text)


def _name_of(code: Coded) -> str:
    from evidence.admin.frame.labels import choice_of  # noqa: PLC0415  # the admin's pages read this module

    return choice_of(code, code)
