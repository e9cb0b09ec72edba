"""What a page says of an error: its kind and its sentence in the reader's language, where they are marked for it.

Errors are raised, answered by the API, logged and stored in English. A sentence that nobody has translated stands as it
is, marked as English for screen readers, after the title of its kind, which each has in every language.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, Final

from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext

from evidence.pages.refusal_words import REFUSAL_WORDS
from evidence.worded import Coded, Quoted, Worded, sentence_of

_WRITTEN_IN: Final = "en"  # what nobody translated
_ENGLISH: Final = '<span lang="en">'
_VALUE: Final = re.compile(r"%\(\w+\)[a-z]")  # of a template
_LETTER: Final = re.compile(r"[A-Za-z]{2}")
_CHINESE: Final = re.compile(r"[\u3400-\u9fff]")


def refusal(exc: Any) -> SafeString:
    """Return all that is said of an error: "Not permitted. This is an operator's to do: ask one."."""
    stop = ". " if _is_english() else "。"
    return format_html("{}{}{}", refusal_title(exc), stop, refusal_detail(exc))


def refusal_title(exc: Any) -> str:
    """Return what kind of error it is."""
    return gettext(exc.title)


def refusal_detail(exc: Any) -> SafeString | str:
    """Return what happened, and what to do."""
    return in_language(sentence_of(exc))


def refusal_text(exc: Any) -> str:
    """Return what happened, and what to do, where no markup can be."""
    return _say(sentence_of(exc))


def title_in_language(code: str, title: str) -> str:
    """Return what a page that is a refusal is called: some codes have a title of their own there."""
    words = REFUSAL_WORDS.get(code)
    return str(words.title) if words else gettext(title)


def text_in_language(text: str) -> str:
    """Return a sentence in the reader's language, where no markup can be."""
    return _say(text)


def said_and_language(text: str) -> tuple[str, str]:
    """Return a sentence in the reader's language, and the language that it is in: empty where it is the page's.

    Of one in the page's language, what is English within it is marked.
    """
    if _is_english() or _say(text) != text:
        return in_language(text), ""
    return text, _WRITTEN_IN


def in_language(text: str) -> SafeString | str:
    """Return a sentence in the reader's language; what of it is in no other than English is marked as English.

    So are a sentence that stands in another, and what others said, where nobody translated them. A name is not, or
    another value that is no sentence: it is in no language.
    """
    if not text or _is_english():
        return _say(text) if text else text
    marked = _say_marked(text)
    return marked if _ENGLISH in marked else _say(text)  # what holds no mark is no markup


def _say(text: str) -> str:
    if not isinstance(text, Worded):
        return gettext(text)  # stored: where it has no values, it is a template of its own
    template = _template_of(text)
    values = {name: _say_value(value) for name, value in text.values.items()}
    return template % values if values else template


def _template_of(text: Worded) -> str:
    """Return the template in the reader's language: of the empty one a catalogue has its heading."""
    return gettext(text.template) if text.template else ""


def _say_marked(text: str) -> SafeString:
    """Return a sentence in the reader's language as markup."""
    said = _say(text)
    if said == text and _is_prose(text):
        return format_html(_ENGLISH + "{}</span>", text)
    if not isinstance(text, Worded) or isinstance(text, Quoted) or not text.values:
        return format_html("{}", said)
    values = {name: _say_value_marked(value) for name, value in text.values.items()}
    return mark_safe(escape(_template_of(text)) % values)  # noqa: S308  # template and each value are escaped


def _say_value_marked(value: object) -> object:
    if isinstance(value, Worded):
        return _say_marked(value)
    return value if isinstance(value, int | float | Decimal) else escape(_say_value(value))


def _is_prose(text: str) -> bool:
    """Whether somebody wrote it as a sentence, and not in Chinese: a library may know the reader's language."""
    own = text.template if isinstance(text, Worded) and not isinstance(text, Quoted) else text
    return bool(_LETTER.search(_VALUE.sub("", own))) and not _CHINESE.search(text)


def _say_value(value: object) -> object:
    if isinstance(value, Coded):
        return value if _is_english() else _name_of(value)
    return _say(value) if isinstance(value, Worded) else value


def _name_of(code: Coded) -> str:
    from evidence.admin.frame.labels import choice_of  # noqa: PLC0415  # the admin's pages read this module

    return choice_of(code, code)


def _is_english() -> bool:
    return (get_language() or "en").split("-")[0] == "en"
