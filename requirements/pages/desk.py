"""The author's desk: a page to draft a requirement, and one to edit it or draft its next version.

Each button sends the whole form. What is refused is said beside its field, and what the author wrote stays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from textwrap import indent
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _
from django_stubs_ext import StrOrPromise

from evidence.access import Principal, visible_to
from evidence.admin.frame.display import list_url, record_url
from evidence.admin.frame.people import names_of
from evidence.errors import AccessDenied, EvidenceError, InvalidInput, NotFound
from evidence.models import System
from evidence.pages.frame import Page, Step, page_view
from evidence.pages.refusals import (
    in_language,
    refusal_detail,
    refusal_text,
    refusal_title,
    said_and_language,
)
from evidence.pages.sent_forms import check_names
from evidence.worded import joined, sentence_of, worded
from requirements import acts
from requirements.checks.contracts import Check
from requirements.checks.registry import known_checks
from requirements.comparing import FieldChange, changes_between
from requirements.errors import (
    DraftOutdated,
    KeyOfAnotherFile,
    RequirementFileInvalid,
    RequirementsError,
)
from requirements.models import Change, Requirement, RequirementState, RequirementVersion
from requirements.pages.desk_fields import (
    MOST_LANGUAGES,
    REST,
    Said,
    Sayings,
    Written,
    fields_of,
    further_languages,
    names_in,
    nothing_written,
    sayings,
    sayings_of,
    written_before,
    written_in,
)
from requirements.pages.systems import chosen_system
from requirements.selectors.desk import Opened, open_requirement
from requirements.selectors.wording import change_of, draft_of, warning_names
from requirements.services.desk import check_draft, propose_draft, save_draft
from requirements.services.transitions import WhatWasRead, transition_requirement
from requirements.yaml_import import Reading
from requirements.yaml_import.troubles import Unreadable
from requirements.yaml_import.writing import add_skeleton, write_skeleton, write_words

_TEMPLATE: Final = "pages/desk.html"
_PERMISSION: Final = "requirements.view_requirementversion"
_BESIDE: Final = (
    "system",
    "digest",
    "from_state",
    "act",
    "language",
    "check",
    "change",
    "reason",
)  # the fields

# What happens next, by the state of the newest version; empty: there is none yet.
_NEXT: Final[Mapping[str, StrOrPromise]] = {
    "": gettext_lazy("Nothing is stored yet. Saving makes version 1, a draft that nobody is asked about."),
    "draft": gettext_lazy(
        "A draft: gates do not count it. Saving changes makes a new version in draft. Once it says what you mean, ask "
        "for approval; an approver who is another person decides."
    ),
    "in_review": gettext_lazy(
        "In review: an approver who neither wrote it nor asked decides. Take it back to change it. Saving changes now "
        "makes a draft beside it, and this version can still be approved."
    ),
    "approved": gettext_lazy(
        "Approved: gates count it. Saving changes drafts the next version; this one counts until that is approved."
    ),
    "superseded": gettext_lazy("Superseded. Saving makes a new version in draft."),
    "retired": gettext_lazy("Retired: it no longer holds. Saving brings it back as a new version in draft."),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Desk:
    """Who works on what."""

    request: HttpRequest
    principal: Principal
    system: System
    opened: Opened | None  # None: a requirement that is new

    @property
    def address(self) -> str:
        """Return the page's own address."""
        return _address(self.opened.version.requirement) if self.opened else reverse("admin:new_draft")

    @property
    def read(self) -> WhatWasRead:
        """Return what the form says that its author read."""
        posted = self.request.POST
        return WhatWasRead(posted.get("digest", ""), posted.get("from_state", ""))


@dataclass(frozen=True, slots=True)
class _Refusal:
    """Why something was not done, as the page shows it."""

    status: int
    title: StrOrPromise = ""  # empty: it is said beside a field
    text: str = ""
    said: Sayings | None = None
    stands: Opened | None = None  # what somebody else made of it meanwhile


@page_view(permission=_PERMISSION, parameters=["system"])
def new_draft(request: HttpRequest, principal: Principal) -> Page | HttpResponseBase:
    """Draft a requirement that nobody has yet."""
    system, systems = chosen_system(request, principal)
    acts.check_can_import_requirements(principal, system)
    desk = _Desk(request, principal, system, None)
    if request.method == "POST":
        return _carry_out(desk, written_in(request.POST, None))
    return _show(desk, nothing_written(), told={}, systems=systems)


@page_view(permission=_PERMISSION)
def edit_draft(request: HttpRequest, principal: Principal, requirement_id: int) -> Page | HttpResponseBase:
    """Edit the newest version of a requirement, or draft the next one."""
    rows = visible_to(Requirement.objects.select_related("system"), principal)
    requirement = rows.filter(pk=requirement_id).first()
    if requirement is None:
        raise NotFound(worded("There is no such requirement among those that you may see."))
    acts.check_can_import_requirements(principal, requirement.system)
    opened = open_requirement(requirement)
    desk = _Desk(request, principal, requirement.system, opened)
    if request.method == "POST":
        return _carry_out(desk, written_in(request.POST, opened))
    written = written_before(open_requirement(requirement))
    return _show(desk, written, told=_checked(desk, written.reading()))


def _carry_out(desk: _Desk, written: Written) -> Page | HttpResponseBase:
    """Do what the button says that was pressed."""
    try:
        check_names(desk.request, also=[*names_in(desk.request.POST, desk.opened), *_BESIDE])
    except InvalidInput as exc:
        if any(fault.code != "null_character" for fault in exc.faults):  # which is said beside its field
            return _show(
                desk,
                written,
                told={},
                refusal=_Refusal(exc.http_status, refusal_title(exc), refusal_detail(exc)),
            )
    act = desk.request.POST.get("act", "check")
    doing = _ACTS.get(act)
    if doing is None:
        raise InvalidInput(worded("%(name)s is one of %(choices)s.", name="act", choices=joined(_ACTS)))
    try:
        return doing(desk, written)
    except AccessDenied:
        raise
    except (EvidenceError, RequirementsError) as exc:
        return _refused(desk, written, exc)


def _check(desk: _Desk, written: Written) -> Page:
    return _show(desk, written, told=_checked(desk, written.reading()), is_checked=True)


def _add_criterion(desk: _Desk, written: Written) -> Page:
    check = known_checks().get(desk.request.POST.get("check", ""))
    if check is None:
        told: Sayings = {REST: [Said(is_fault=True, text=_("Choose a check."))]}
        return _show(desk, written, told=told, status=422)
    try:
        rest = add_skeleton(written.rest, write_skeleton(check, _title(check)))
    except Unreadable as exc:
        text, language = said_and_language(sentence_of(exc))
        told = {REST: [Said(is_fault=True, text=text, language=language, line=exc.line)]}
        return _show(desk, written, told=told, status=422)
    return _show(desk, replace(written, rest=rest), told={})


def _add_language(desk: _Desk, written: Written) -> Page:
    wanted = desk.request.POST.get("language", "").strip()
    if wanted and wanted not in written.statement:
        text = ngettext(
            "A statement has %(n)s language at most here: %(language)s was not added.",
            "A statement has %(n)s languages at most here: %(language)s was not added.",
            MOST_LANGUAGES,
        ) % {"n": MOST_LANGUAGES, "language": wanted}
        return _show(desk, written, told={}, refusal=_Refusal(422, _("Not added"), text))
    return _show(desk, written, told={})


def _save(desk: _Desk, written: Written) -> HttpResponseRedirect:
    version, is_new = save_draft(
        principal=desk.principal, system=desk.system, reading=written.reading(), read=desk.read,
        change=_change_said(desk),
    )  # fmt: skip
    if not is_new:
        messages.info(
            desk.request, _("Nothing differs from %(version)s: nothing was stored.") % {"version": version}
        )
    else:
        messages.success(desk.request, _told_saved(version))
    return HttpResponseRedirect(_address(version.requirement))


def _propose(desk: _Desk, written: Written) -> HttpResponseRedirect:
    step, _is_new = propose_draft(
        principal=desk.principal, system=desk.system, reading=written.reading(), read=desk.read,
        change=_change_said(desk),
    )  # fmt: skip
    told = _("Proposed: %(version)s. Another person, an approver, decides on it.")
    messages.success(desk.request, told % {"version": step.version})
    return HttpResponseRedirect(_address(step.version.requirement))


def _take_back(desk: _Desk, written: Written) -> HttpResponseRedirect:
    del written
    if desk.opened is None:
        raise InvalidInput(worded("Nothing was proposed yet."))
    version = desk.opened.version
    transition_requirement(
        principal=desk.principal, version=version, to_state=RequirementState.DRAFT,
        reason=desk.request.POST.get("reason", ""), read=desk.read,
    )  # fmt: skip
    messages.success(desk.request, _("A draft again: %(version)s.") % {"version": version})
    return HttpResponseRedirect(_address(version.requirement))


_ACTS: Final[Mapping[str, Callable[[_Desk, Written], Page | HttpResponseBase]]] = {
    "check": _check,
    "criterion": _add_criterion,
    "language": _add_language,
    "save": _save,
    "propose": _propose,
    "take_back": _take_back,
}


def _checked(desk: _Desk, reading: Reading) -> Sayings:
    found = check_draft(principal=desk.principal, system=desk.system, reading=reading)
    return sayings(reading, found)


def _refused(desk: _Desk, written: Written, exc: EvidenceError | RequirementsError) -> Page:
    """Show why nothing was stored, with what the author wrote."""
    told = _checked(desk, written.reading())
    refusal = _Refusal(exc.http_status, refusal_title(exc), refusal_detail(exc))
    if isinstance(exc, DraftOutdated):
        stands = _found_by_key(desk, written)
        refusal = replace(refusal, text=_with_names(exc), stands=stands)
    elif isinstance(exc, KeyOfAnotherFile):
        refusal = replace(
            refusal, text=in_language(joined((problem.message for problem in exc.problems), " "))
        )
    elif isinstance(exc, RequirementFileInvalid):
        known = {one.text for each in told.values() for one in each}
        late = [
            problem
            for problem in exc.problems
            if not any(said_and_language(problem.message)[0] in text for text in known)
        ]
        refusal = _Refusal(exc.http_status, said=sayings_of(late))
    elif isinstance(exc, InvalidInput) and exc.faults:
        refusal = _Refusal(exc.http_status, said=sayings_of(exc.faults))
    return _show(desk, written, told=_merged(told, refusal.said or {}), refusal=refusal, is_checked=True)


def _merged(*all_of_them: Sayings) -> Sayings:
    names = dict.fromkeys(name for each in all_of_them for name in each)
    return {name: [one for each in all_of_them for one in each.get(name, ())] for name in names}


def _found_by_key(desk: _Desk, written: Written) -> Opened | None:
    key = written.words["key"].strip()
    found = Requirement.objects.filter(system=desk.system, key=key).select_related("system").first()
    return open_requirement(found) if found else None


def _with_names(exc: DraftOutdated) -> str:
    """Return the sentence with what people are called in place of how they are on record."""
    text = refusal_text(exc)
    for actor, name in names_of([str(exc.standing["by"])]).items():
        text = text.replace(actor, name)
    return text


def _show(
    desk: _Desk,
    written: Written,
    *,
    told: Sayings,
    systems: Sequence[System] = (),
    refusal: _Refusal | None = None,
    is_checked: bool = False,
    status: int = 200,
) -> Page:
    stands = refusal.stands if refusal and refusal.stands else desk.opened
    reading = written.reading()
    context: dict[str, Any] = {
        "system": desk.system,
        "systems": systems,
        "action": desk.address,
        "fields": fields_of(written, told, is_new=desk.opened is None),
        "languages": further_languages(written),
        "counts": _counted(told),
        "is_checked": is_checked or bool(told),
        "refusal": refusal,
        "checks": [(name, _title(check)) for name, check in sorted(known_checks().items())],
        **_of_version(desk, stands),
        **_beside_others(refusal, reading),
    }
    owner = desk.opened.owner if desk.opened else None
    if owner is not None:
        context |= {"owner": owner, "entry": _entry(written, reading)}
    title = desk.opened.version.requirement.key if desk.opened else gettext_lazy("Draft a requirement")
    trail = [Step(gettext_lazy("Requirements"), list_url("requirements.requirementversion"))]
    if desk.opened:
        trail.append(Step(str(desk.opened.version), record_url(desk.opened.version)))
    here = gettext_lazy("Edit") if desk.opened else ""
    return Page(_TEMPLATE, title, context, trail, here=here, status=refusal.status if refusal else status)


def _of_version(desk: _Desk, stands: Opened | None) -> dict[str, Any]:
    """Return what the page says of the newest version, and what may be done with it."""
    if stands is None:
        return {"next": _NEXT[""]}
    version, state = stands.version, stands.standing.state
    return {
        "version": version,
        "state": state.value,
        "digest": version.artefact_version.digest,
        "next": _NEXT[state.value],
        "may_take_back": state == RequirementState.IN_REVIEW
        and acts.can_transition(desk.principal, version, RequirementState.DRAFT),
        "is_editorial": state in (RequirementState.DRAFT, RequirementState.IN_REVIEW)
        and change_of(version) == Change.EDITORIAL,
    }


def _beside_others(refusal: _Refusal | None, reading: Reading) -> dict[str, Sequence[FieldChange]]:
    """Return what differs between what stands and what the author wrote, where somebody else came first."""
    if refusal is None or refusal.stands is None or reading.draft is None:
        return {}
    return {"differences": changes_between(draft_of(refusal.stands.version), reading.draft)}


def _counted(told: Sayings) -> dict[str, int]:
    every = [one for each in told.values() for one in each]
    faults = sum(one.is_fault for one in every)
    return {"faults": faults, "doubts": len(every) - faults}


def _entry(written: Written, reading: Reading) -> str:
    """Return the requirement as its file would have it; empty where it has faults."""
    if reading.draft is None:
        return ""
    return indent(write_words(reading.draft) + written.rest, "    ").replace("    key", "  - key", 1)


def _change_said(desk: _Desk) -> str:
    return Change.EDITORIAL.value if desk.request.POST.get("change") == Change.EDITORIAL else ""


def _told_saved(version: RequirementVersion) -> str:
    told = _("Saved as a draft: %(version)s.") % {"version": version}
    count = len(warning_names(version))
    doubts = ngettext(
        "The linter doubts %(count)s thing, which is shown beside it.",
        "The linter doubts %(count)s things, which are shown beside them.",
        count,
    ) % {"count": count}
    return f"{told} {doubts}" if count else told


def _title(check: Check) -> str:
    return check.title.zh if (get_language() or "").startswith("zh") else check.title.en


def _address(requirement: Requirement) -> str:
    return reverse("admin:edit_draft", args=[requirement.pk])
