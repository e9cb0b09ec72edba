"""How values look in the admin: badges, links, digests, JSON, intervals. A meaning is never carried by colour alone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Model
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django_stubs_ext import StrOrPromise

from evidence.admin.frame.odd_names import is_odd
from evidence.admin.frame.record_names import name_of
from evidence.admin.frame.units import unit_in_words
from evidence.admin.frame.words import in_words
from evidence.figures import in_figures, in_percent
from evidence.pages.refusals import is_english

_BREAK: Final = mark_safe("<wbr>")  # no text of anybody's
GOOD, WARN, BAD, PLAIN = "good", "warn", "bad", "plain"
SIGNS: Final[Mapping[str, str]] = {GOOD: "✓", WARN: "!", BAD: "✗", PLAIN: "·"}

_RISK_SIGNS: Final[Mapping[str, str]] = {"high": "▲", "medium": "◆", "low": "▽"}  # a risk is not a failure

# One table for every vocabulary of verdicts and states, so that a word has one look everywhere.
TONES: Final[Mapping[str, str]] = {
    "verbatim": GOOD, "normalised": GOOD, "fuzzy": WARN, "misattributed": BAD, "not_found": BAD, "unresolvable": BAD,
    "allow": GOOD, "deny": BAD, "escalate": WARN,
    "approve": GOOD, "override": WARN, "reject": BAD,
    "pass": GOOD, "fail": BAD, "insufficient": WARN,
    "met": GOOD, "not_met": BAD, "stale": WARN, "not_assessed": PLAIN,
    "complete": GOOD, "incomplete": WARN,
    "high": BAD, "medium": WARN, "low": PLAIN,
    "success": GOOD, "error": BAD, "cancelled": WARN, "scored": GOOD, "unscored": WARN,
    "draft": PLAIN, "in_review": WARN, "approved": GOOD, "superseded": PLAIN, "retired": PLAIN,
    "proposed": WARN, "declined": BAD, "withdrawn": PLAIN, "adopted": WARN,
    "decides": GOOD, "earlier": PLAIN, "retracted": BAD, "empty": PLAIN,
    "waiting": WARN, "confirmed": GOOD, "granted": GOOD, "overtaken": PLAIN,
    "in_force": WARN, "released": PLAIN,
    "kept": PLAIN, "added": WARN, "dropped": BAD,
    "primary": GOOD, "supporting": PLAIN, "counter": WARN, "context": PLAIN,
    "queued": PLAIN, "running": WARN, "done": GOOD, "failed": BAD,
    "supported": GOOD, "not_supported": BAD, "inconclusive": WARN, "invalid": BAD,
    "open": WARN, "overdue": BAD, "closed": PLAIN, "disagreement": WARN, "adjudicated": PLAIN,
    "registered": GOOD, "unregistered": WARN,
    "odd_name": WARN,
    "clean": GOOD, "direct": BAD, "transitive": WARN, "suspect": WARN, "untested": PLAIN, "holds": GOOD,
    "by_unchecked": PLAIN, "by_open": PLAIN, "by_decision": GOOD, "by_rollback": WARN,
    "regression": BAD, "improvement": GOOD, "no_difference_shown": PLAIN,
    "shown": GOOD, "not_shown": WARN, "refuted": BAD, "missing_could_decide": WARN,
    "planned": PLAIN, "ended": WARN, "frozen": WARN, "drawn": GOOD, "not_yet": WARN,
    "rebutted": GOOD, "mitigated": GOOD, "accepted": WARN, "reopened": WARN,
    "active": GOOD, "expires_soon": WARN, "revoked": PLAIN, "expired": PLAIN,
}  # fmt: skip


def breakable(name: str) -> SafeString:
    """Return a name of several parts, "citations.material_supported", that a narrow cell may break after each."""
    parts = re.split(r"(?<=[._])(?=.)", name)
    return format_html_join(_BREAK, "{}", ((part,) for part in parts))


def listed(parts: Iterable[object]) -> str:
    """Return texts one after another, separated as the reader writes: in Chinese by a sign of its own, and no space."""
    return _(", ").join(str(part) for part in parts)


def listed_apart(sentences: Iterable[object]) -> str:
    """Return what has commas of its own one after another, likewise."""
    return _("; ").join(str(sentence) for sentence in sentences)


def tone_of(word: str) -> str:
    """Return how good or bad a verdict is: `good`, `warn`, `bad` or `plain`."""
    return TONES.get(word, PLAIN)


def badge(word: str, text: StrOrPromise = "") -> SafeString:
    """Return a verdict as sign, words and colour."""
    tone = tone_of(word)
    return format_html(
        '<span class="tb-badge tb-badge--{}"><span aria-hidden="true">{}</span> {}</span>',
        tone, _RISK_SIGNS.get(word, SIGNS[tone]), text or in_words(word),
    )  # fmt: skip


def record_url(obj: Model) -> str:
    """Return the address of a record's page."""
    return reverse(f"admin:{obj._meta.app_label}_{obj._meta.model_name}_change", args=[obj.pk])


def list_url(model_label: str, **lookups: object) -> str:
    """Return the address of a list, narrowed: `list_url("evidence.trace", release__id__exact=5)`.

    An id of 16 bytes, such as a trace's, is written without hyphens.
    """
    address = reverse(f"admin:{model_label.lower().replace('.', '_')}_changelist")
    asked = {name: value.hex if isinstance(value, UUID) else value for name, value in lookups.items()}
    return f"{address}?{urlencode(asked)}" if asked else address


def link(obj: Model | None, text: object = None) -> SafeString | str:
    """Return a link to a record's page, or a dash where there is none."""
    if obj is None:
        return "–"
    shown = format_html('<a href="{}">{}</a>', record_url(obj), name_of(obj) if text is None else text)
    return format_html("{} {}", shown, badge("odd_name", _("look twice"))) if is_odd(obj) else shown


def short_digest(digest: str) -> SafeString | str:
    """Return the first 12 characters of a digest; the whole is in the title."""
    return format_html('<code title="{}">{}</code>', digest, digest[:12]) if digest else "–"


def pretty_json(value: Any) -> SafeString:
    """Return a JSON value, indented, with the characters people wrote."""
    return format_html(
        '<pre class="tb-json" tabindex="0">{}</pre>',
        json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True),
    )


def prose(text: str, language: str = "") -> SafeString | str:
    """Return a text with its line breaks, marked with its language so that it is read and set rightly."""
    return format_html('<div class="tb-prose"{}>{}</div>', _lang(language), text) if text else "–"


def beside(said: str, stored: str) -> SafeString | str:
    """Show what was stored, in English, beside what it says in the reader's language; where that is English, alone.

    Args:
        said: empty where there are no words for it.
    """
    if not stored or is_english():
        return stored
    if not said:
        return format_html('<span lang="en">{}</span>', stored)
    return format_html('{}<br><span class="tb-quiet" lang="en">{}</span>', said, stored)


def figure(
    *, value: float | None, unit: str, low: float | None = None, high: float | None = None, n: int | None = None,
    confidence: float | None = None,
    bound_confidence: float | None = None, threshold: float | None = None,
) -> str:  # fmt: skip
    """Return a number that says what it is: `0.82 share [0.71, 0.93] at 95%, n 40`.

    Args:
        confidence: of a two-sided interval.
        bound_confidence: of each bound by itself, where the interval is made of two one-sided ones.
        threshold: what it is judged by: value and bounds are written so that each stands on its own side of it.
    """
    if value is None:
        return _("not measured") if n is None else _("not measured, n %(n)s") % {"n": n}
    text = f"{in_figures(value, beside=threshold)} {unit_in_words(unit)}"
    if low is not None and high is not None:
        text += f" [{in_figures(low, 3, beside=threshold)}, {in_figures(high, 3, beside=threshold)}]"
        if confidence is not None:
            text = _("%(figure)s at %(share)s") % {"figure": text, "share": in_percent(confidence)}
        if bound_confidence is not None:
            share = in_percent(bound_confidence)
            text = _("%(figure)s, each bound at %(share)s one-sided") % {"figure": text, "share": share}
    return text if n is None else _("%(figure)s, n %(n)s") % {"figure": text, "n": n}


def drawing(svg: str) -> SafeString:
    """Return what a function of `evidence.drawings` drew, for a page: it escaped every text itself."""
    return mark_safe(svg)  # noqa: S308  # drawings refuse tags, attributes and addresses they do not know


def shorten(text: str, length: int = 80) -> str:
    """Return the beginning of a text, cut at `length` characters."""
    line = " ".join(text.split())
    return line if len(line) <= length else f"{line[: length - 1]}…"


def _lang(language: str) -> SafeString | str:
    return format_html(' lang="{}"', language) if language else ""
