"""The admin's way of showing verdicts and values, for templates."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.safestring import SafeString

from evidence.admin.frame import display

register = template.Library()


@register.simple_tag
def badge(word: str, text: str = "") -> SafeString:
    """Show a verdict as sign, words and colour."""
    return display.badge(word, text)


@register.simple_tag
def sign(tone: str) -> str:
    """Return the sign that goes with a tone."""
    return display.SIGNS.get(tone, "")


@register.simple_tag(name="json")
def json_value(value: Any) -> SafeString:
    """Show a JSON value, indented."""
    return display.pretty_json(value)


@register.filter
def words(code: str) -> str:
    """Return a code as words: `wrong_fact` as "wrong fact"."""
    return str(code).replace("_", " ")
