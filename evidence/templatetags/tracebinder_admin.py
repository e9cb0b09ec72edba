"""The admin's way of showing verdicts and values, for templates."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import template
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django_stubs_ext import StrOrPromise

from evidence import drawings
from evidence.admin.frame import display, labels, moments
from evidence.admin.frame.columns import choice_in_words, holds_numbers
from evidence.admin.frame.csv_export import address_of_export
from evidence.admin.frame.headings import column_named, heading_of, nouns_of
from evidence.admin.frame.record_names import name_of
from evidence.admin.frame.units import unit_in_words
from evidence.admin.frame.words import in_words
from evidence.admin.review.reason import reason_in_words
from evidence.figures import in_figures
from evidence.models import Review
from evidence.pages import refusals
from evidence.selectors.counting import told_count

register = template.Library()
register.filter("listed", display.listed)
register.filter("listed_apart", display.listed_apart)


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


@register.simple_tag
def comma() -> str:
    """Return what separates two of several in the reader's language."""
    return gettext(", ")


@register.simple_tag
def semicolon() -> str:
    """Return what separates two of several that have commas in them."""
    return gettext("; ")


@register.simple_tag
def icon(name: str) -> SafeString:
    """Show a sign of `evidence.drawings.ICONS`; the words stand beside it."""
    return display.drawing(drawings.icon(name))


@register.filter
def measured(judged: Any) -> str:
    """Return what was measured of a criterion with its interval and n, of whatever has these columns."""
    return display.figure(
        value=judged.value, unit=judged.unit, low=judged.low, high=judged.high, n=judged.n,
        bound_confidence=judged.bound_confidence, threshold=judged.threshold,
    )  # fmt: skip


@register.filter
def reason(review: Review) -> str:
    """Return why a reviewer decided so, in words; empty where no reason was given."""
    return reason_in_words(review)


@register.filter
def words(code: str) -> StrOrPromise:
    """Return a code as words, in the reader's language: `wrong_fact` as "wrong fact"."""
    return in_words(str(code))


@register.filter
def ago(moment: datetime | None) -> SafeString | str:
    """Return a time as far from now as it is: "3 hours ago"."""
    return moments.ago(moment)


@register.filter
def due(moment: datetime) -> SafeString:
    """Return when something open is due: "due in 2 days", "3 hours late"."""
    return moments.due(moment)


@register.filter
def counted(n: float | str) -> str:
    """Return a count as people read it, in either language: `10,000`; empty where there is none."""
    return n if isinstance(n, str) else f"{round(n):,}"


@register.filter
def figured(value: float | None, digits: int = 4) -> str:
    """Return a number as people read it; empty: there is none."""
    return "" if value is None else in_figures(value, digits)


@register.filter
def sentence(text: str) -> SafeString | str:
    """Return a sentence of an error in the reader's language, as far as it is known there."""
    return refusals.in_language(text)


@register.filter
def told(count: int) -> str:
    """Return a count as it is shown: of what is counted up to some only, "500+"."""
    return told_count(count)


@register.filter
def named(record: Any) -> str:
    """Return what a record is called, in the reader's language."""
    return name_of(record)


@register.filter
def unit(name: str) -> str:
    """Return a unit in the reader's language."""
    return unit_in_words(name)


@register.filter
def heading(label: Any) -> str:
    """Return what a column of a list is called, in the reader's language; the box that chooses all rows stays one."""
    return label if isinstance(label, SafeString) else heading_of(label)


@register.filter
def column_name(label: Any) -> str:
    """Return what a column is called within a sentence, in the reader's language."""
    return column_named(label)


@register.filter
def nouns(label: Any) -> str:
    """Return what the rows of a list are called, in the reader's language."""
    return nouns_of(label)


@register.filter
def noun(options: Any) -> str:
    """Return what one row of a model is called, in the reader's language."""
    return labels.noun_of(options)


@register.filter
def label(text: Any) -> str:
    """Return what a column or an app is called on the page of a record, in the reader's language."""
    return labels.label_of(text)


@register.filter
def way_on(text: str) -> StrOrPromise:
    """Return what a link along the chain says, in the reader's language."""
    return labels.way_on(text)


@register.simple_tag
def record_label(field: Any) -> SafeString:
    """Return the label of a column on the page of a record, in the reader's language."""
    if field.is_readonly:
        field.field["label"] = labels.label_of(field.field["label"])
    else:
        field.field.label = labels.label_of(field.field.label)
    found: SafeString = field.label_tag()
    return found


@register.simple_tag
def record_contents(field: Any) -> str:
    """Return what stands in a column that cannot be changed: a code of a fixed vocabulary in the reader's language."""
    record, name = field.form.instance, field.field["field"]
    stored = next((each for each in record._meta.fields if each.name == name and each.choices), None)
    said = None if stored is None else choice_in_words(stored, getattr(record, stored.name))
    return field.contents() if said is None else said


@register.simple_tag
def export_address(shown: Any) -> str:
    """Return where a list, as it is shown, is written as CSV."""
    return address_of_export(shown)


@register.simple_tag
def number_columns(shown: Any) -> str:
    """Return the classes by which the stylesheet knows which columns of a list hold numbers: `tb-n2 tb-n5`."""
    columns = enumerate(shown.list_display, start=1)
    return " ".join(f"tb-n{place}" for place, column in columns if holds_numbers(shown.model_admin, column))
