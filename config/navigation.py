"""Where people go: five nouns a role, home before them and all records after. One table, for records and pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise


@dataclass(frozen=True, slots=True)
class Place:
    """A place of the navigation."""

    text: StrOrPromise
    purpose: StrOrPromise
    icon: str  # a key of evidence.drawings.ICONS
    noun: str  # the model whose list it is, "evidence.trace"


PLACES: Final[Mapping[str, Place]] = {
    "answers": Place(_("Answers"), _("what the system said, with its claims and sources"), "answer", "evidence.trace"),
    "assessments": Place(
        _("Assessments"), _("each criterion, measured for a release"), "assessment", "requirements.assessment"
    ),
    "baselines": Place(_("Baselines"), _("the requirements a release must meet"), "baseline", "requirements.baseline"),
    "binders": Place(_("Binders"), _("evidence in one file, to be verified offline"), "binder", "evidence.binder"),
    "evidence": Place(_("Evidence"), _("items for and against, with their dates"), "evidence", "evidence.evidence"),
    "findings": Place(_("Findings"), _("what probes measured, and its limits"), "finding", "interpret.finding"),
    "gates": Place(_("Gates"), _("what each gate decided, and why"), "gate", "evidence.gatedecision"),
    "holds": Place(_("Legal holds"), _("what must not be erased"), "hold", "evidence.legalhold"),
    "judgements": Place(_("Judgements"), _("what reviewers decided, and why"), "judgement", "evidence.review"),
    "links": Place(_("Links"), _("which requirement rests on which"), "link", "requirements.tracelink"),
    "log": Place(_("Log"), _("who did what, and when"), "log", "evidence.auditevent"),
    "memberships": Place(_("Memberships"), _("who sees which system"), "membership", "evidence.membership"),
    "people": Place(_("People"), _("who signs in, with which roles"), "person", "auth.user"),
    "probes": Place(_("Probes"), _("what is asked of a model's inside"), "probe", "interpret.probespec"),
    "queue": Place(_("Queue"), _("answers that wait for a person"), "queue", "evidence.reviewtask"),
    "releases": Place(_("Releases"), _("model, prompt, index and policy, pinned"), "release", "evidence.release"),
    "requirements": Place(
        _("Requirements"), _("what must hold, version by version"), "requirement", "requirements.requirementversion"
    ),
    "runs": Place(_("Probe runs"), _("measurements queued, running and done"), "run", "interpret.proberun"),
    "settled": Place(_("Settled"), _("disagreements, and what stands"), "settled", "evidence.adjudication"),
    "sources": Place(_("Sources"), _("the documents answers cite"), "source", "evidence.sourcedocument"),
    "systems": Place(_("Systems"), _("the AI systems on record here"), "system", "evidence.system"),
    "tokens": Place(_("Tokens"), _("keys of applications, and when they expire"), "token", "evidence.accesstoken"),
    "waivers": Place(_("Waivers"), _("criteria let past, by whom and until when"), "waiver", "evidence.waiver"),
}  # fmt: skip

NAVIGATION: Final[Mapping[str, tuple[str, ...]]] = {
    "reviewer": ("queue", "answers", "sources", "judgements", "settled"),
    "author": ("requirements", "assessments", "baselines", "links", "gates"),
    "approver": ("requirements", "waivers", "assessments", "gates", "releases"),
    "researcher": ("probes", "runs", "findings", "evidence", "releases"),
    "auditor": ("releases", "answers", "gates", "binders", "log"),
    "operator": ("people", "memberships", "tokens", "systems", "holds"),
}

# Pages of a person's own account that a role has beside those of everybody: what the address is called, and its text.
OWN_PAGES: Final[Mapping[str, Mapping[str, StrOrPromise]]] = {
    "reviewer": {"review_tokens": _("Tokens for reviews")},
}


@dataclass(frozen=True, slots=True)
class ShownPlace:
    """A place as a page shows it."""

    text: StrOrPromise
    purpose: StrOrPromise
    icon: str
    url: str
    is_current: bool


def places_of(request: HttpRequest) -> list[ShownPlace]:
    """Return home, the nouns of the person's roles without repeats, and all records; nothing before signing in."""
    if not request.user.is_active:  # an anonymous one is not
        return []
    roles = _roles_of(request)
    keys = dict.fromkeys(key for role, nouns in NAVIGATION.items() if role in roles for key in nouns)
    home, records = reverse("admin:index"), reverse("admin:records")
    return [
        ShownPlace(_("Home"), _("what waits for you"), "home", home, request.path == home),
        *(_shown(PLACES[key], request.path) for key in keys),
        ShownPlace(
            _("All records"), _("every noun you may see"), "records", records, request.path == records
        ),
    ]


def own_pages_of(request: HttpRequest) -> list[tuple[str, StrOrPromise]]:
    """Return address and text of the pages of their own account that the person's roles have."""
    if not request.user.is_active:
        return []
    own = (pages for role, pages in OWN_PAGES.items() if role in _roles_of(request))
    return [(reverse(f"admin:{name}"), text) for pages in own for name, text in pages.items()]


def _roles_of(request: HttpRequest) -> set[str]:
    """Return the names of the person's groups, asked for once a request."""
    kept: set[str] | None = vars(request).get("_roles_shown")
    if kept is None:
        kept = vars(request)["_roles_shown"] = {group.name for group in request.user.groups.all()}
    return kept


def _shown(place: Place, path: str) -> ShownPlace:
    address = reverse(f"admin:{place.noun.replace('.', '_')}_changelist")
    return ShownPlace(place.text, place.purpose, place.icon, address, path.startswith(address))
