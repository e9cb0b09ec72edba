"""What a page says of an error: its kind and its sentence in the reader's language, where they are marked for it.

Errors are raised, answered by the API, logged and stored in English. A sentence that nobody has translated stands as it
is, marked as English for screen readers, after the title of its kind, which each has in every language.
"""

from __future__ import annotations

from typing import Any, Final

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext

from evidence.pages.refusal_words import REFUSAL_WORDS
from evidence.worded import Coded, Worded, sentence_of

_WRITTEN_IN: Final = "en"  # what nobody translated


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
    """Return a sentence in the reader's language, and the language that it is in: empty where it is the page's."""
    said = _say(text)
    return said, "" if _is_english() or said != text else _WRITTEN_IN


def in_language(text: str) -> SafeString | str:
    """Return a sentence in the reader's language; marked as English where it is in no other."""
    said = _say(text) if text else text
    if not text or _is_english():
        return said
    return format_html('<span lang="en">{}</span>', text) if said == text else said


def _say(text: str) -> str:
    if not isinstance(text, Worded):
        return gettext(text)  # stored: where it has no values, it is a template of its own
    template = (
        gettext(text.template) if text.template else ""
    )  # of the empty text a catalogue has its heading
    values = {name: _say_value(value) for name, value in text.values.items()}
    return template % values if values else template


def _say_value(value: object) -> object:
    if isinstance(value, Coded):
        return value if _is_english() else _name_of(value)
    return _say(value) if isinstance(value, Worded) else value


def _name_of(code: Coded) -> str:
    from evidence.admin.frame.labels import choice_of  # noqa: PLC0415  # the admin's pages read this module

    return choice_of(code, code)


def _is_english() -> bool:
    return (get_language() or "en").split("-")[0] == "en"
